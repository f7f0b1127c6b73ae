from typing import Any

import msgspec
import pytest

from krakked_tui.sandbox.rest import PRIVATE_ENDPOINTS, PUBLIC_ENDPOINTS
from tests.unit.sandbox.rig import FORM, RefusedCall, Rig


def test_the_endpoints_on_offer() -> None:
    assert set(PUBLIC_ENDPOINTS) == {"Time", "SystemStatus", "Assets", "AssetPairs", "Ticker", "OHLC"}
    assert set(PRIVATE_ENDPOINTS) == {
        *("AddOrder", "CancelOrder", "CancelOrderBatch", "OpenOrders", "ClosedOrders", "QueryOrders"),
        *("Balance", "BalanceEx", "TradesHistory", "Ledgers", "GetWebSocketsToken"),
    }


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
