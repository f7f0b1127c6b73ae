"""Numbers beyond all reason get Kraken's errors, whatever decimal context the caller has."""

import decimal
from collections.abc import Iterator
from decimal import Decimal

import pytest

from krakked_tui.sandbox.control import ControlError
from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.ws_trading import answer
from tests.unit.sandbox.rig import RefusedCall, Rig
from tests.unit.sandbox.trading import add, refused

D = Decimal
HUGE = ("99999999999999999999", "99999999999999999", "99999999999999999.99999999999999999999", "1" + "0" * 15)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with decimal.localcontext(decimal.Context(prec=28)):  # Python's own
        found = Rig(SandboxSettings(balance={"USD": D(100_000), "XBT": D(3)}))
        yield found
        found.exchange.close()


@pytest.mark.parametrize("number", HUGE)
def test_over_rest(rig: Rig, number: str) -> None:
    order = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "0.01", "price": "50000"}
    kinds: list[dict[str, str]] = [
        {"volume": number},
        {"price": number},
        {"volume": number, "price": number},
        {"type": "sell", "ordertype": "market", "volume": number},
        {"ordertype": "market", "oflags": "viqc", "volume": number},
        {"ordertype": "stop-loss", "price": number},
        {"price": "-" + number},
        {"price": "+" + number},
        {"price": f"+{number}%"},
        {"ordertype": "trailing-stop", "price": "+" + number},
        {"ordertype": "stop-loss-limit", "price": number, "price2": number},
        {"close[ordertype]": "limit", "close[price]": "-" + number},
        {"close[ordertype]": "trailing-stop-limit", "close[price]": f"+{number}%", "close[price2]": "+1"},
    ]
    for kind in kinds:
        with pytest.raises(RefusedCall, match=r"^E(Order|General):"):
            rig.private("AddOrder", **(order | kind))
    assert not rig.exchange.books.orders


@pytest.mark.parametrize("number", HUGE)
def test_a_cheap_pair_bought_for_a_fortune(rig: Rig, number: str) -> None:
    cheapest = min(rig.exchange.catalog.instruments, key=lambda instrument: instrument.level).name
    order = {"pair": cheapest, "type": "buy", "ordertype": "market", "oflags": "viqc", "volume": number}
    assert refused(rig, **order) in ("EOrder:Insufficient funds", "EGeneral:Invalid arguments:volume")


@pytest.mark.parametrize("number", HUGE)
def test_changing_over_rest(rig: Rig, number: str) -> None:
    order = add(rig, price="50000")
    for method, names in (("AmendOrder", ("order_qty", "limit_price")), ("EditOrder", ("volume", "price"))):
        for name in names:
            change = {"txid": order.order_id, "pair": "XBTUSD", name: number}
            assert refused(rig, method, **change).startswith(("EOrder:", "EGeneral:"))


@pytest.mark.parametrize("number", ["1.0e29", "1e-29", "-1.0e29", "1e17", "9.9e16", "1.5e-21"])
def test_over_the_websocket(rig: Rig, number: str) -> None:
    order_id = add(rig, price="50000").order_id
    for field in ("order_qty", "limit_price"):
        for kind in ("static", "pct", "quote"):
            params: dict[str, object] = {"order_id": order_id, field: D(number), "limit_price_type": kind}
            for method in ("amend_order", "edit_order"):
                (reply,) = answer(rig.exchange, method, params | {"symbol": "BTC/USD"})
                assert reply["success"] is False
                assert str(reply["error"]).startswith(("EOrder:", "EGeneral:"))
    assert rig.exchange.books.orders[order_id].amended_at is None


def test_by_hand(rig: Rig) -> None:
    body = b'{"action": "external_trade", "pair": "XBTUSD", "side": "buy", "volume": "1e14", "price": "1e14"}'
    with pytest.raises(ControlError, match="cannot afford"):
        apply(rig.exchange, body)
