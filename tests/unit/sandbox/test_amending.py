from collections.abc import Iterator
from decimal import Decimal

import pytest

from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.sandbox.orders import ExchangeEvent, OrderAmended, OrderEnded, OrderTraded
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sim.matching import Resting
from tests.unit.sandbox.rig import Rig
from tests.unit.sandbox.trading import add, jump, last, now_of, refused

D = Decimal


@pytest.fixture
def rig() -> Iterator[Rig]:
    found = Rig(SandboxSettings(balance={"USD": D(1_000_000), "XBT": D(2)}))
    yield found
    found.exchange.close()


def queue(rig: Rig) -> list[str]:
    """Our resting orders on XBTUSD, first in line first."""

    def rank(order: Resting) -> int:
        return order.arrival

    return [order.order_id for order in sorted(rig.exchange.floor.resting["XBTUSD"], key=rank)]


def test_less_volume_keeps_the_place_and_more_or_another_price_loses_it(rig: Rig) -> None:
    first, second = (add(rig, price="50000", cl_ord_id=name) for name in ("one", "two"))
    answer = rig.private("AmendOrder", cl_ord_id="one", order_qty="0.005")
    assert set(answer) == {"amend_id"}
    assert queue(rig) == [first.order_id, second.order_id]
    assert rig.exchange.account.held("USD") == D("753.0000")
    rig.private("AmendOrder", txid=first.order_id, limit_price="50001")
    assert queue(rig) == [second.order_id, first.order_id]
    rig.private("AmendOrder", txid=second.order_id, order_qty="0.02")
    assert queue(rig) == [first.order_id, second.order_id]
    amended = now_of(rig, first)
    assert (amended.draft.price, amended.draft.volume) == (D(50001), D("0.005"))
    assert amended.amended_at is not None
    assert rig.private("OpenOrders")["open"][first.order_id]["misc"] == "amended"


def test_an_amended_price_that_crosses_takes(rig: Rig) -> None:
    order = add(rig, price="50000")
    ask = rig.ask()
    rig.private("AmendOrder", txid=order.order_id, limit_price=str(ask + 5))
    done = now_of(rig, order)
    assert (done.status, done.average_price) == (ExchangeStatus.CLOSED, ask)


def test_post_only_holds_for_the_new_price(rig: Rig) -> None:
    order = add(rig, price="50000")
    crossing = {"txid": order.order_id, "limit_price": str(rig.ask()), "post_only": "true"}
    assert refused(rig, "AmendOrder", **crossing) == "EOrder:Post only order"
    assert now_of(rig, order) == order, "a refused amend changes nothing"
    rig.private("AmendOrder", txid=order.order_id, post_only="true")
    assert now_of(rig, order).draft.post_only


def test_a_volume_below_what_is_filled_closes_the_order(rig: Rig) -> None:
    there = rig.exchange.book("XBTUSD", rig.exchange.clock.now()).asks[0].volume
    assert there < D(9), "the test needs a thin best level"
    order = add(rig, volume=str(there + D("0.05")), price=str(rig.ask()))
    assert order.filled == there
    heard: list[ExchangeEvent] = []
    rig.exchange.listen(heard.append)
    rig.private("AmendOrder", txid=order.order_id, order_qty="0.0001")
    done = now_of(rig, order)
    assert (done.status, done.draft.volume, done.filled) == (ExchangeStatus.CLOSED, there, there)
    assert [type(event) for event in heard] == [OrderAmended, OrderEnded]
    assert rig.exchange.account.held("USD") == 0


def test_a_trigger_can_be_amended_until_it_fires(rig: Rig) -> None:
    order = add(rig, "sell", ordertype="stop-loss-limit", price="50000", price2="49000")
    rig.private("AmendOrder", txid=order.order_id, trigger_price="51000")
    assert (now_of(rig, order).draft.trigger, now_of(rig, order).draft.price) == (D(51000), D(49000))
    rig.private("AmendOrder", txid=order.order_id, trigger_price=str(last(rig) + 1), limit_price="90000")
    assert now_of(rig, order).triggered_at is not None
    again = {"txid": order.order_id, "trigger_price": "51000"}
    assert refused(rig, "AmendOrder", **again) == "EOrder:Invalid price:Invalid price argument"


def test_a_smaller_trailing_stop_keeps_its_peak(rig: Rig) -> None:
    order = add(rig, "sell", ordertype="trailing-stop", price="+1500")
    jump(rig, minutes=30)
    before = now_of(rig, order)
    rig.private("AmendOrder", txid=order.order_id, order_qty="0.005")
    after = now_of(rig, order)
    assert (after.peak, after.draft.trigger) == (before.peak, before.draft.trigger)
    assert after.held == D("0.005")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"limit_price": "50000.05"}, "EOrder:Invalid price:XBT/USD price can only be specified up to"),
        ({"order_qty": "0.00004"}, "EGeneral:Invalid arguments:volume minimum not met"),
        ({"order_qty": "50"}, "EOrder:Insufficient funds"),
        ({"order_qty": "0"}, "EGeneral:Invalid arguments:order_qty"),
        ({"trigger_price": "50000"}, "EOrder:Invalid price:Invalid price argument"),
        ({"limit_price": "5O000"}, "EGeneral:Invalid arguments:limit_price"),
        ({"pair": "ETHUSD"}, "EGeneral:Invalid arguments:pair"),
        ({"pair": "NOPE"}, "EQuery:Unknown asset pair"),
        ({"cl_ord_id": "both"}, "EGeneral:Invalid arguments:txid"),
        ({"deadline": "2026-01-04T00:00:00Z"}, "EService:Deadline elapsed"),
    ],
)
def test_a_bad_amend_is_refused_and_changes_nothing(rig: Rig, change: dict[str, str], error: str) -> None:
    order = add(rig, price="50000")
    assert refused(rig, "AmendOrder", txid=order.order_id, **change).startswith(error)
    assert now_of(rig, order) == order


def test_amending_what_is_not_open(rig: Rig) -> None:
    gone = add(rig, ordertype="market")
    change = {"order_qty": "0.005"}
    assert refused(rig, "AmendOrder", txid=gone.order_id, **change) == "EOrder:Unknown order"
    assert refused(rig, "AmendOrder", cl_ord_id="never", **change) == "EOrder:Unknown order"
    assert refused(rig, "AmendOrder", txid="OAAAAA-AAAAA-AAAAAA", **change) == "EOrder:Invalid order"


def test_an_edit_replaces_the_order(rig: Rig) -> None:
    order = add(rig, price="50000", userref="4")
    answer = rig.private(
        "EditOrder", pair="XBTUSD", txid=order.order_id, volume="0.02", price="50100.5", userref="9"
    )
    new = rig.exchange.books.orders[answer["txid"]]
    assert answer == {
        "status": "ok",
        "txid": new.order_id,
        "originaltxid": order.order_id,
        "newuserref": 9,
        "volume": "0.02000000",
        "price": "50100.5",
        "orders_cancelled": 1,
        "descr": {"order": "buy 0.02000000 XBTUSD @ limit 50100.5"},
    }
    old = now_of(rig, order)
    assert (old.status, old.reason) == (ExchangeStatus.CANCELED, "Order replaced")
    assert (new.link_id, new.draft.userref) == (order.order_id, 9)
    row = rig.private("QueryOrders", txid=new.order_id)[new.order_id]
    assert row["link_id"] == order.order_id
    assert rig.exchange.account.held("USD") == new.held


def test_what_cannot_be_edited(rig: Rig) -> None:
    closing = add(rig, price="50000", **{"close[ordertype]": "limit", "close[price]": "70000"})
    named = add(rig, price="50000", cl_ord_id="mine")
    for order in (closing, named):
        change = {"pair": "XBTUSD", "txid": order.order_id, "volume": "0.02"}
        assert refused(rig, "EditOrder", **change) == "EOrder:Order not editable"
    there = rig.exchange.book("XBTUSD", rig.exchange.clock.now()).asks[0].volume
    partly = add(rig, volume=str(there + D("0.05")), price=str(rig.ask()))
    change = {"pair": "XBTUSD", "txid": partly.order_id, "volume": str(there)}
    assert refused(rig, "EditOrder", **change) == "EOrder:Not enough leaves qty"
    crossing = {"pair": "XBTUSD", "txid": partly.order_id, "price": str(rig.ask()), "oflags": "post"}
    assert refused(rig, "EditOrder", **crossing) == "EOrder:Post only order"
    assert now_of(rig, partly) == partly


def test_an_edit_is_for_what_the_new_volume_leaves_over(rig: Rig) -> None:
    there = rig.exchange.book("XBTUSD", rig.exchange.clock.now()).asks[0].volume
    order = add(rig, volume=str(there + D("0.05")), price=str(rig.ask()))
    change = {"pair": "XBTUSD", "txid": order.order_id, "price": "50000"}
    assert rig.private("EditOrder", **change, validate="true") == {
        "descr": {"order": "buy 0.05000000 XBTUSD @ limit 50000.0"}
    }
    assert now_of(rig, order) == order
    heard: list[ExchangeEvent] = []
    rig.exchange.listen(heard.append)
    answer = rig.private("EditOrder", **change)
    assert rig.exchange.books.orders[answer["txid"]].draft.volume == D("0.05")
    assert not any(isinstance(event, OrderTraded) for event in heard)


@pytest.mark.parametrize("method", ["AmendOrder", "EditOrder"])
def test_what_the_order_held_pays_for_its_change(rig: Rig, method: str) -> None:
    order = add(rig, volume="15", price="50000")
    assert rig.exchange.account.available("USD") < rig.exchange.account.held("USD")
    change = {"limit_price": "50001"} if method == "AmendOrder" else {"price": "50001", "pair": "XBTUSD"}
    rig.private(method, txid=order.order_id, **change)
    (current,) = rig.exchange.books.open_orders.values()
    assert (current.draft.price, current.held) == (D(50001), rig.exchange.account.held("USD"))


def test_a_new_distance_starts_a_trailing_stop_anew(rig: Rig) -> None:
    order = add(rig, "sell", ordertype="trailing-stop-limit", price="+1500", price2="-10")
    jump(rig, minutes=30)
    rig.private("AmendOrder", txid=order.order_id, trigger_price="+900")
    after, price = now_of(rig, order), last(rig)
    assert (after.peak, after.draft.trigger, after.draft.price) == (price, price - 900, price - 910)
    rig.private("AmendOrder", txid=order.order_id, limit_price="-25")
    after = now_of(rig, order)
    assert (after.peak, after.draft.trigger, after.draft.price) == (price, price - 900, price - 925)
    fixed = {"txid": order.order_id, "trigger_price": "50000"}
    assert refused(rig, "AmendOrder", **fixed) == "EOrder:Invalid price:Invalid price argument"


def test_a_stop_without_a_limit_has_none_to_amend(rig: Rig) -> None:
    order = add(rig, "sell", ordertype="stop-loss", price="50000")
    limit = {"txid": order.order_id, "limit_price": "49000"}
    assert refused(rig, "AmendOrder", **limit) == "EOrder:Invalid price:Invalid price argument"
    post = {"txid": order.order_id, "post_only": "true"}
    assert refused(rig, "AmendOrder", **post) == "EGeneral:Invalid arguments:post_only"
    assert refused(rig, "AmendOrder", txid=order.order_id, display_qty="1").endswith(":display_qty")


def test_an_edit_of_a_stop_takes_both_prices(rig: Rig) -> None:
    order = add(rig, "sell", ordertype="stop-loss-limit", price="50000", price2="49000")
    change = {"pair": "XBTUSD", "txid": order.order_id}
    answer = rig.private("EditOrder", **change, price2="48000")
    new = rig.exchange.books.orders[answer["txid"]]
    assert (new.draft.trigger, new.draft.price, answer["price"]) == (D(50000), D(48000), "50000.0")
    too_big = {"pair": "XBTUSD", "txid": new.order_id, "volume": "3"}
    assert refused(rig, "EditOrder", **too_big) == "EOrder:Insufficient funds"
    assert refused(rig, "EditOrder", **too_big, displayvol="1").endswith(":displayvol")
