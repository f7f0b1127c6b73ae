"""Conditional closes: what is refused at arrival, and what becomes of them when their order has filled."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from krakked_tui.domain.orders import ExchangeStatus, OrderType
from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.orders import Order
from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import Rig
from tests.unit.sandbox.trading import add, jump, last, now_of, refused

D = Decimal
LIMIT = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "0.01", "price": "50000"}


@pytest.fixture
def rig() -> Iterator[Rig]:
    found = Rig(SandboxSettings(balance={"USD": D(10**9), "XBT": D(2)}))
    yield found
    found.exchange.close()


def close(kind: str, price: str, price2: str | None = None) -> dict[str, str]:
    found = {"close[ordertype]": kind, "close[price]": price}
    return found if price2 is None else found | {"close[price2]": price2}


def closes_of(rig: Rig, order: Order) -> list[Order]:
    return [each for each in rig.exchange.books.orders.values() if each.refid == order.order_id]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (close("limit", "123456.123456789"), "EOrder:Invalid price:XBT/USD price can only be specified"),
        (close("stop-loss", "50000.05"), "EOrder:Invalid price:XBT/USD price can only be specified"),
        (close("stop-loss-limit", "50000", "49000.05"), "EOrder:Invalid price:XBT/USD price can only"),
        (close("limit", "1"), "EOrder:Cost minimum not met"),
        (close("limit", "-999999"), "EOrder:Invalid price:Invalid price argument"),
        (close("stop-loss-limit", "50000", "-60000"), "EOrder:Invalid price:Invalid price argument"),
        (close("take-profit", "-100%"), "EOrder:Invalid price:Invalid price argument"),
    ],
)
@pytest.mark.parametrize("kind", ["limit", "market", "cash"])
def test_an_impossible_close_refuses_its_order(
    rig: Rig, asked: dict[str, str], error: str, kind: str
) -> None:
    order = dict(LIMIT)
    if kind != "limit":
        order["ordertype"] = "market"
    if kind == "cash":
        order |= {"volume": "20", "oflags": "viqc"}
    assert refused(rig, **order, **asked).startswith(error)
    assert not rig.exchange.books.orders


def test_a_close_off_a_coarse_tick_refuses_its_order(rig: Rig) -> None:
    order = {"pair": "MORPHOUSD", "type": "buy", "ordertype": "limit", "volume": "50", "price": "1"}
    assert refused(rig, **order, **close("limit", "1.00005")) == "EOrder:Tick size check failed"


def test_a_close_that_leads_nowhere_by_now_ends_and_its_order_stays_filled() -> None:
    fills = []
    for far in ("-1", "-35000"):
        rig = Rig(SandboxSettings(balance={"USD": D(10**9)}))
        big = add(rig, volume="5000", pair="ETHUSD", price=str(rig.bid("ETHUSD") - 1))
        order = add(rig, volume="0.01", price="40000", **close("take-profit", far))
        assert last(rig) > 36000
        apply(rig.exchange, b'{"action": "shock", "pair": "XBTUSD", "percent": "-70"}')
        jump(rig, hours=2)
        assert now_of(rig, order).status is ExchangeStatus.CLOSED
        (child,) = closes_of(rig, order)
        jump(rig, hours=1)
        fills.append([rig.exchange.books.trades[each].volume for each in now_of(rig, big).trade_ids])
        if far == "-35000":
            assert (child.status, child.filled) == (ExchangeStatus.CANCELED, D(0))
            assert child.reason == "EOrder:Invalid price:Invalid price argument"
            assert child.draft.limit_terms is None
            rig.private("QueryOrders", txid=child.order_id)
        rig.exchange.close()
    assert len(fills[0]) > 5, "the test needs other orders' fills"
    assert fills[0] == fills[1], "what one order leaves behind is nothing to the others"


def test_what_was_executed_of_a_canceled_order_is_closed(rig: Rig) -> None:
    order = partly(rig)
    rig.private("CancelOrder", txid=order.order_id)
    (child,) = closes_of(rig, order)
    assert (child.draft.volume, child.draft.side, child.is_open) == (order.filled, "sell", True)


def test_what_was_executed_of_an_expired_order_is_closed(rig: Rig) -> None:
    order = partly(rig, expiretm="+60")
    apply(rig.exchange, b'{"action": "shock", "pair": "XBTUSD", "percent": "10"}')
    jump(rig, minutes=2)
    assert now_of(rig, order).status is ExchangeStatus.EXPIRED
    assert [child.draft.volume for child in closes_of(rig, order)] == [order.filled]


def test_nothing_follows_when_the_floor_is_cleared(rig: Rig) -> None:
    orders = [partly(rig)]
    rig.private("CancelAll")
    orders.append(partly(rig))
    rig.private("CancelAllOrdersAfter", timeout="1")
    apply(rig.exchange, b'{"action": "shock", "pair": "XBTUSD", "percent": "10"}')
    jump(rig, minutes=2)
    orders.append(partly(rig))
    apply(rig.exchange, b'{"action": "delist", "pair": "XBTUSD"}')
    for order in orders:
        assert now_of(rig, order).status is ExchangeStatus.CANCELED
        assert not closes_of(rig, order)
    assert not rig.exchange.books.open_orders


def partly(rig: Rig, **more: str) -> Order:
    """A buy order that took the best level and rests with the rest, to be closed far above."""
    there = rig.exchange.book("XBTUSD", rig.exchange.clock.now()).asks[0].volume
    order = add(rig, volume=str(there + 5), price=str(rig.ask()), **close("limit", "200000"), **more)
    assert order.filled == there
    return order


def test_a_rest_too_small_to_close_is_not(rig: Rig) -> None:
    order = add(rig, volume="0.00005", price="50000", **close("limit", "#50%"))
    rig.private("AmendOrder", txid=order.order_id, order_qty="0.00007")
    rig.exchange.floor.fill(now_of(rig, order), D(50000), D("0.00002"), rig.exchange.clock.now(), maker=True)
    rig.private("CancelOrder", txid=order.order_id)
    (child,) = closes_of(rig, order)
    assert child.reason == "EGeneral:Invalid arguments:volume minimum not met"


def test_a_close_does_not_take_where_nothing_may_take(rig: Rig) -> None:
    price = rig.bid() - 20
    crossing = add(rig, price=str(price), **close("limit", "40000"))
    resting = add(rig, price=str(price), **close("limit", "200000"))
    stopping = add(rig, price=str(price), **close("stop-loss", "200000"))
    apply(rig.exchange, b'{"action": "pair_status", "pair": "XBTUSD", "status": "post_only"}')
    jump(rig, hours=6)
    assert now_of(rig, stopping).status is ExchangeStatus.CLOSED
    (child,) = closes_of(rig, crossing)
    assert (child.status, child.reason) == (ExchangeStatus.CANCELED, "Post only order")
    assert [child.is_open for child in closes_of(rig, resting)] == [True]
    (child,) = closes_of(rig, stopping)
    assert (child.is_armed, child.draft.order_type) == (True, OrderType.STOP_LOSS)
    apply(rig.exchange, b'{"action": "pair_status", "pair": "XBTUSD", "status": "online"}')
    jump(rig, minutes=5)
    assert now_of(rig, child).status is ExchangeStatus.CLOSED


def test_a_close_is_put_on_the_grid_of_its_day(rig: Rig) -> None:
    order = add(rig, price=str(rig.bid() - 20), **close("limit", "123456.7"))
    apply(rig.exchange, b'{"action": "precision", "pair": "XBTUSD", "price_decimals": 0}')
    jump(rig, hours=6)
    (child,) = closes_of(rig, order)
    assert child.draft.price == 123457
