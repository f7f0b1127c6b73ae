"""The life of every kind of order, from its arrival to its end."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from krakked_tui.domain.orders import ExchangeStatus, OrderType
from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.orders import TriggerChanged
from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import Rig
from tests.unit.sandbox.trading import add, first_print, jump, last, now_of

D = Decimal


@pytest.fixture
def rig() -> Iterator[Rig]:
    found = Rig(SandboxSettings(balance={"USD": D(60_000), "XBT": D(2)}))
    yield found
    found.exchange.close()


@pytest.fixture
def rich() -> Iterator[Rig]:
    found = Rig(SandboxSettings(balance={"USD": D(10**9), "XBT": D(2)}))
    yield found
    found.exchange.close()


def best_ask(rig: Rig) -> tuple[Decimal, Decimal]:
    """Price and volume of the best level that sells."""
    level = rig.exchange.book("XBTUSD", rig.exchange.clock.now()).asks[0]
    return level.price, level.volume


@pytest.mark.parametrize(
    ("side", "kind", "away", "rises"),
    [
        ("sell", "stop-loss", "-60", False),
        ("buy", "stop-loss", "60", True),
        ("sell", "take-profit", "60", True),
        ("buy", "take-profit", "-60", False),
    ],
)
def test_a_trigger_fires_when_the_market_first_trades_at_it(
    rig: Rig, side: str, kind: str, away: str, rises: bool
) -> None:
    trigger = last(rig) + D(away)
    order = add(rig, side, ordertype=kind, price=str(trigger))
    assert order.is_armed
    at, price = first_print(
        rig, lambda price: price >= trigger if rises else price <= trigger, order.arrived_at
    )
    jump(rig, seconds=(at - order.arrived_at).total_seconds() - 1e-6)
    assert now_of(rig, order).is_armed, "it fired before its price was traded"
    jump(rig, hours=12)
    done = now_of(rig, order)
    assert (done.triggered_at, done.triggered_price) == (at, price)
    assert (done.status, done.filled) == (ExchangeStatus.CLOSED, D("0.01"))
    (trade,) = rig.exchange.books.trades.values()
    assert (trade.time, trade.maker) == (at, False)
    quote = rig.exchange.book("XBTUSD", at, depth=1)
    assert trade.price == (quote.asks if side == "buy" else quote.bids)[0].price


def test_a_triggered_limit_order_rests_behind_older_ones(rig: Rig) -> None:
    trigger = last(rig) - 40
    limit = trigger + 90
    stop = add(rig, "sell", ordertype="stop-loss-limit", price=str(trigger), price2=str(limit))
    resting = add(rig, "sell", price=str(limit + 400))
    at, _ = first_print(rig, lambda price: price <= trigger, stop.arrived_at)
    jump(rig, seconds=(at - stop.arrived_at).total_seconds())
    fired = now_of(rig, stop)
    assert (fired.status, fired.triggered_at, fired.draft.price) == (ExchangeStatus.OPEN, at, limit)
    assert fired.place > now_of(rig, resting).place
    assert rig.exchange.account.held("XBT") == D("0.02")
    reached, _ = first_print(rig, lambda price: price > limit, at)
    jump(rig, hours=24)
    done = now_of(rig, stop)
    assert done.status is ExchangeStatus.CLOSED
    trades = [rig.exchange.books.trades[trade_id] for trade_id in done.trade_ids]
    assert (trades[0].time, trades[0].price, trades[0].maker) == (reached, limit, True)


def test_a_trigger_that_was_passed_already_fires_at_once(rig: Rig) -> None:
    order = add(rig, "sell", ordertype="stop-loss", price=str(last(rig) + 100))
    assert (order.status, order.triggered_at) == (ExchangeStatus.CLOSED, order.arrived_at)
    order = add(rig, "buy", ordertype="take-profit", price=str(last(rig)))
    assert order.status is ExchangeStatus.CLOSED


def test_a_trailing_stop_follows_the_market_and_tells_of_it_once_a_look(rig: Rig) -> None:
    moves: list[TriggerChanged] = []
    rig.exchange.listen(lambda event: moves.append(event) if isinstance(event, TriggerChanged) else None)
    order = add(rig, "sell", ordertype="trailing-stop", price="+400")
    assert (order.peak, order.draft.trigger) == (last(rig), last(rig) - 400)
    peak = trigger = order.peak or D(0)
    for _ in range(8):
        jump(rig, minutes=10)
        current = now_of(rig, order)
        if not current.is_armed:
            break
        assert current.peak is not None
        assert current.draft.trigger == current.peak - 400
        assert current.peak >= peak
        peak, trigger = current.peak, current.draft.trigger
    assert 1 <= len(moves) <= 8
    assert peak > (order.peak or 0), "the test needs a market that rises first"
    jump(rig, days=3)
    done = now_of(rig, order)
    assert done.status is ExchangeStatus.CLOSED
    assert done.peak is not None
    assert done.triggered_price is not None
    assert done.triggered_price <= done.peak - 400 >= trigger


def test_a_trailing_stop_limit_keeps_its_distances(rig: Rig) -> None:
    order = add(rig, "buy", ordertype="trailing-stop-limit", price="+1.5%", price2="+10.5")
    expected = (last(rig) * D("1.015")).quantize(D("0.1"), "ROUND_DOWN")
    assert (order.draft.trigger, order.draft.price) == (expected, expected + D("10.5"))
    assert order.held == rig.exchange.account.held("USD")
    jump(rig, hours=5)
    moved = now_of(rig, order)
    if moved.is_armed:
        assert moved.draft.price == (moved.draft.trigger or D(0)) + D("10.5")
        assert moved.held <= order.held


def test_a_market_stop_without_money_is_canceled_when_it_fires(rig: Rig) -> None:
    price = last(rig)
    volume = str((D(60_000) / price * D("0.98")).quantize(D("0.0001")))
    order = add(rig, "buy", volume, ordertype="stop-loss", price=str(price + 20))
    gap = '{"action": "shock", "pair": "XBTUSD", "percent": "5"}'
    apply(rig.exchange, gap.encode())
    jump(rig, minutes=5)
    done = now_of(rig, order)
    assert (done.status, done.reason) == (ExchangeStatus.CANCELED, "Insufficient funds")
    assert rig.exchange.account.held("USD") == 0


def test_fok_takes_all_or_nothing(rich: Rig) -> None:
    ask, there = best_ask(rich)
    for volume, price in (("0.5", ask - 10), (str(there + D("0.01")), ask)):
        nothing = add(rich, "buy", volume, price=str(price), timeinforce="FOK")
        assert (nothing.status, nothing.filled) == (ExchangeStatus.CANCELED, D(0))
    all_of_it = add(rich, "buy", str(there), price=str(ask), timeinforce="FOK")
    assert all_of_it.status is ExchangeStatus.CLOSED


def test_a_volume_in_quote_is_spent_to_the_last_lot(rig: Rig) -> None:
    order = add(rig, "buy", "1000", ordertype="market", oflags="viqc")
    assert order.status is ExchangeStatus.CLOSED
    assert D(1000) - order.cost < last(rig) * D("0.00000001") * 2
    assert order.cost <= 1000
    assert order.filled == (D(1000) / rig.ask()).quantize(D("1e-8"), "ROUND_DOWN")


def test_a_fee_in_base_is_paid_in_base_as_far_as_there_is_some(rig: Rig) -> None:
    bought = add(rig, "buy", "0.1", ordertype="market", oflags="fcib")
    (trade,) = rig.exchange.books.trades.values()
    assert (trade.fees[0].asset, trade.fees[0].amount) == ("XBT", D("0.0004000000"))
    assert bought.fee == (D("0.0004") * trade.price).quantize(D("0.00001"), "ROUND_HALF_UP")
    assert rig.exchange.account.balance("XBT") == D("2.0996")
    add(rig, "sell", "2.0996", ordertype="market", oflags="fcib")
    fees = [trade.fees[0] for trade in list(rig.exchange.books.trades.values())[1:]]
    assert fees[-1].asset == "USD", "nothing is left in base to pay the last fee with"


@pytest.mark.parametrize(
    ("policy", "newest", "oldest"),
    [
        ("cancel-newest", ExchangeStatus.CANCELED, ExchangeStatus.OPEN),
        ("cancel-oldest", ExchangeStatus.OPEN, ExchangeStatus.CANCELED),
        ("cancel-both", ExchangeStatus.CANCELED, ExchangeStatus.CANCELED),
    ],
)
def test_self_trade_prevention(
    rich: Rig, policy: str, newest: ExchangeStatus, oldest: ExchangeStatus
) -> None:
    # Our sell waits behind the market's best level; a buy takes that and then meets our own.
    price, there = best_ask(rich)
    sell = add(rich, "sell", "0.01", price=str(price))
    buy = add(rich, "buy", str(there + 1), price=str(price), stptype=policy)
    assert (now_of(rich, buy).status, now_of(rich, sell).status) == (newest, oldest)
    assert buy.filled == there
    for order in (buy, sell):
        if now_of(rich, order).status is ExchangeStatus.CANCELED:
            assert now_of(rich, order).reason == "Self trade prevention"


def test_a_filled_order_leaves_its_conditional_close(rig: Rig) -> None:
    answer = rig.buy(
        "0.02",
        userref="7",
        **{
            "close[ordertype]": "stop-loss-limit",
            "close[price]": "60000",
            "close[price2]": "59900",
        },
    )
    assert answer["descr"] == {
        "order": "buy 0.02000000 XBTUSD @ market",
        "close": "close position @ stop loss 60000.0 -> limit 59900.0",
    }
    (child,) = rig.exchange.books.open_orders.values()
    assert (child.refid, child.draft.side, child.draft.volume) == (answer["txid"][0], "sell", D("0.02"))
    assert child.draft.order_type is OrderType.STOP_LOSS_LIMIT
    assert (child.draft.trigger, child.draft.price) == (D(60000), D(59900))
    assert (child.draft.userref, child.is_armed, child.held) == (7, True, D("0.02"))


def test_a_canceled_parent_leaves_nothing_behind(rig: Rig) -> None:
    order = add(rig, price="50000", **{"close[ordertype]": "limit", "close[price]": "#1%"})
    rig.private("CancelOrder", txid=order.order_id)
    assert len(rig.exchange.books.orders) == 1


def test_an_order_expires_at_its_instant(rig: Rig) -> None:
    order = add(rig, price="50000", timeinforce="GTD", expiretm="+60")
    stop = add(rig, "sell", ordertype="stop-loss", price="50000", expiretm="+120")
    jump(rig, seconds=59.9)
    assert now_of(rig, order).is_open
    jump(rig, hours=1)
    for each, seconds in ((order, 60), (stop, 120)):
        done = now_of(rig, each)
        assert (done.status, done.reason) == (ExchangeStatus.EXPIRED, None)
        assert done.closed_at == each.arrived_at + timedelta(seconds=seconds)
    assert rig.exchange.account.held("USD") == rig.exchange.account.held("XBT") == 0


def test_a_close_that_cannot_be_paid_for_ends_at_once() -> None:
    # The fee in base leaves less than was bought: too little to sell all of it again.
    rig = Rig(SandboxSettings(balance={"USD": D(10_000)}))
    close = {"close[ordertype]": "limit", "close[price]": "99000"}
    parent = add(rig, ordertype="market", oflags="fcib", **close)
    *_, child = rig.exchange.books.orders.values()
    assert (child.refid, child.status, child.reason) == (
        parent.order_id,
        ExchangeStatus.CANCELED,
        "Insufficient funds",
    )
    assert rig.exchange.account.held("XBT") == 0
    rig.exchange.close()


def test_a_relative_limit_price_is_taken_from_the_last_one(rig: Rig) -> None:
    price = last(rig)
    assert add(rig, price="-250").draft.price == price - 250
    assert add(rig, "sell", price="#1%").draft.price == (price * D("1.01")).quantize(D("0.1"), "ROUND_UP")
    order = add(rig, price="-250.5")
    row = rig.private("OpenOrders")["open"][order.order_id]
    assert row["descr"]["order"] == "buy 0.01000000 XBTUSD @ limit -250.5"
