from typing import Any

import msgspec
import pytest

from krakked_tui.sandbox.permissions import PERMISSIONS
from krakked_tui.sandbox.rest import PRIVATE_ENDPOINTS, PUBLIC_ENDPOINTS, Request, read_params
from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import FORM, RefusedCall, Rig


def test_the_endpoints_on_offer() -> None:
    assert {"Time", "SystemStatus", "Assets", "AssetPairs", "Ticker", "OHLC"} <= set(PUBLIC_ENDPOINTS)
    assert set(PRIVATE_ENDPOINTS) >= {
        *("AddOrder", "CancelOrder", "CancelOrderBatch", "OpenOrders", "ClosedOrders", "QueryOrders"),
        *("Balance", "BalanceEx", "TradeBalance", "TradeVolume", "OpenPositions", "GetApiKeyInfo"),
        *("TradesHistory", "QueryTrades", "Ledgers", "QueryLedgers", "GetWebSocketsToken"),
    }
    assert not set(PUBLIC_ENDPOINTS) & set(PRIVATE_ENDPOINTS)


def test_every_private_endpoint_wants_a_permission_except_the_keys_own() -> None:
    free = {name for name, endpoint in PRIVATE_ENDPOINTS.items() if not endpoint.needs}
    assert free == {"GetApiKeyInfo"}
    for endpoint in PRIVATE_ENDPOINTS.values():
        assert set(endpoint.needs) <= set(PERMISSIONS)


def test_unknown_methods_and_parameters(rig: Rig) -> None:
    with pytest.raises(RefusedCall, match="EGeneral:Unknown method"):
        rig.public("Nope")
    with pytest.raises(RefusedCall, match="EGeneral:Unknown method"):
        rig.private("Nope")
    with pytest.raises(RefusedCall, match="EGeneral:Invalid arguments:colour"):
        rig.public("Time", colour="red")
    with pytest.raises(RefusedCall, match="EGeneral:Invalid arguments:colour"):
        rig.private("Balance", colour="red")


def answer(rig: Rig, headers: dict[str, str], body: bytes) -> Any:
    return msgspec.json.decode(rig.api.private("/0/private/Balance", headers, body))


def test_errors_come_without_a_result(rig: Rig) -> None:
    key = {"api-key": rig.gatekeeper.api_key, "content-type": FORM}
    assert answer(rig, {}, b"nonce=1") == {"error": ["EAPI:Invalid key"]}
    assert answer(rig, key, b"nonce=1") == {"error": ["EAPI:Invalid signature"]}
    assert answer(rig, key, b"") == {"error": ["EAPI:Invalid nonce"]}
    assert answer(rig, key | {"content-type": "application/json"}, b"{") == {"error": ["EAPI:Bad request"]}
    assert answer(rig, key, b"nonce=\xff") == {"error": ["EAPI:Bad request"]}


def test_form_and_json_bodies_are_both_signed_over_their_bytes(rig: Rig) -> None:
    assert rig.private("Balance") == {"ZUSD": "10000.0000"}
    assert rig.private_json("Balance") == {"ZUSD": "10000.0000"}
    body = msgspec.json.encode({"nonce": int(rig.next_nonce())})
    assert b'"result"' in rig.post("Balance", body, "application/json; charset=utf-8")
    assert b"EAPI:Invalid nonce" in rig.post("Balance", body, "application/json")


def test_a_key_without_the_permission_is_refused_before_it_is_counted() -> None:
    rig = Rig(SandboxSettings(permissions=("query-funds", "query-open-trades"), tier="starter"))
    for method, params in (
        ("Ledgers", {}),
        ("TradesHistory", {}),
        ("GetWebSocketsToken", {}),
        ("CancelOrder", {"txid": "OAAAAA-AAAAA-AAAAAA"}),
    ):
        with pytest.raises(RefusedCall, match="EGeneral:Permission denied"):
            rig.private(method, **params)
    assert rig.private("OpenOrders") == {"open": {}}
    assert rig.private("QueryOrders", cl_ord_id="none") == {}, "one of the two that allow it is enough"
    assert rig.api.limits.private_count(rig.gatekeeper.api_key, 0.0) == 2
    rig.exchange.close()


def test_the_private_counter_refuses_and_recovers() -> None:
    rig = Rig(SandboxSettings(tier="starter", decay_step=1.0))
    for _ in range(3):
        rig.private("TradesHistory")
    for _ in range(3):
        rig.private("Balance")
    with pytest.raises(RefusedCall, match="EAPI:Rate limit exceeded"):
        rig.private("Balance")
    nonce = rig.nonce
    rig.wall.advance(4)
    assert rig.private("Balance")
    assert rig.gatekeeper.ring.main.last_nonce == nonce + 1
    rig.exchange.close()


def test_public_calls_are_limited_by_pair_whatever_it_is_called() -> None:
    rig = Rig(SandboxSettings(public_rate=1.0, public_burst=1))
    rig.public("OHLC", pair="XBTUSD")
    rig.public("OHLC", pair="ETHUSD")
    for name in ("XBTUSD", "XXBTZUSD", "XBT/USD"):
        with pytest.raises(RefusedCall, match="EGeneral:Too many requests"):
            rig.public("OHLC", pair=name)
    rig.wall.advance(1)
    rig.public("OHLC", pair="XXBTZUSD")
    rig.exchange.close()


def test_what_a_call_carries_can_be_read_without_carrying_it_out() -> None:
    request = Request("/0/private/AddOrder", headers={"content-type": FORM}, body=b"nonce=1&pair=XBTUSD")
    assert read_params(request).values == {"nonce": "1", "pair": "XBTUSD"}
    assert read_params(Request("/0/public/OHLC", query="pair=XBTUSD")).values == {"pair": "XBTUSD"}
    assert read_params(Request("/0/private/AddOrder", body=b"\xff")).values == {}


def test_a_method_is_all_that_follows() -> None:
    assert Request("/0/public/Time").method == "Time"
    assert Request("/0/private/x/Time").method == "x/Time"
