from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.sandbox.clock import instant_of, micros_of
from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.orders import Order
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sim.tape import Print
from tests.unit.sandbox.rig import Rig
from tests.unit.sandbox.test_exchange import picture
from tests.unit.sandbox.trading import add, jump, last, now_of

D = Decimal


@pytest.fixture
def rig() -> Iterator[Rig]:
    found = Rig(SandboxSettings(balance={"USD": D(90_000), "XBT": D(2)}))
    yield found
    found.exchange.close()


def test_how_often_one_looks_does_not_matter_to_triggers() -> None:
    rigs = [Rig(SandboxSettings(balance={"USD": D(90_000), "XBT": D(2)})) for _ in range(2)]
    for rig in rigs:
        price = last(rig)
        add(rig, "sell", "0.3", ordertype="trailing-stop", price="+120")
        add(rig, "sell", "0.2", ordertype="trailing-stop-limit", price="+0.1%", price2="-40")
        add(rig, "buy", "0.2", ordertype="stop-loss-limit", price=str(price + 30), price2=str(price - 20))
        add(rig, "buy", "0.1", ordertype="take-profit", price=str(price - 35))
        close = {"close[ordertype]": "trailing-stop", "close[price]": "+60"}
        add(rig, "buy", "0.1", price=str(price - 15), **close)
        add(rig, "buy", "0.1", price=str(price - 300), expiretm="+5000")
    for _ in range(960):
        rigs[0].wall.advance(7.5)
        rigs[0].exchange.catch_up()
    rigs[1].wall.advance(7200)
    rigs[1].exchange.catch_up()
    assert picture(rigs[0].exchange) == picture(rigs[1].exchange)
    ended = [order for order in rigs[1].exchange.books.orders.values() if not order.is_open]
    assert len(ended) >= 5, "the test needs things to happen"
    for rig in rigs:
        rig.exchange.close()


class Tape:
    """A market whose trades on one pair are given, its quotes the made-up market's."""

    def __init__(self, rig: Rig, *trades: tuple[int, int]) -> None:
        self._market = rig.exchange.market
        start = micros_of(rig.exchange.clock.now())
        self.trades = [(start + at, Print(0, price, 10**12, False, True)) for at, price in trades]

    def prints(self, name: str, after: int, until: int, low: int, high: int) -> Iterator[tuple[int, Print]]:
        for at, trade in self.trades:
            if name == "XBTUSD" and after < at <= until and not low <= trade.price <= high:
                yield at, trade

    def __getattr__(self, name: str) -> object:
        return getattr(self._market, name)


def test_what_begins_to_wait_takes_part_from_the_next_instant(rig: Rig) -> None:
    price = int(last(rig) * 10)
    stop = add(
        rig, "sell", ordertype="stop-loss-limit", price=str(D(price - 50) / 10), price2=str(price / 10)
    )
    # The limit price is traded through in the very instant in which the trigger is, and a second later.
    tape = Tape(rig, (1_000_000, price - 50), (1_000_000, price + 90), (2_000_000, price + 90))
    rig.exchange.floor.market = tape  # type: ignore[assignment]
    jump(rig, seconds=10)
    done = now_of(rig, stop)
    assert done.triggered_at == instant_of(tape.trades[0][0])
    assert done.triggered_price == D(price - 50) / 10
    assert (done.status, done.average_price) == (ExchangeStatus.CLOSED, D(price) / 10)


def test_an_order_that_expires_when_the_market_trades_is_not_filled(rig: Rig) -> None:
    price = int(last(rig) * 10) - 100
    order = add(rig, price=str(D(price) / 10), expiretm="+60")
    rig.exchange.floor.market = Tape(rig, (60_000_000, price - 1))  # type: ignore[assignment]
    jump(rig, seconds=120)
    done = now_of(rig, order)
    assert (done.status, done.filled) == (ExchangeStatus.EXPIRED, D(0))
    assert done.closed_at == order.arrived_at + timedelta(seconds=60)


def test_an_order_that_fills_a_microsecond_earlier_is(rig: Rig) -> None:
    price = int(last(rig) * 10) - 100
    order = add(rig, price=str(D(price) / 10), expiretm="+60")
    rig.exchange.floor.market = Tape(rig, (59_999_999, price - 1))  # type: ignore[assignment]
    jump(rig, seconds=120)
    assert now_of(rig, order).status is ExchangeStatus.CLOSED


def test_a_trailing_stop_sees_every_trade_between_its_old_and_its_new_place(rig: Rig) -> None:
    price = int(last(rig) * 10)
    order = add(rig, "sell", ordertype="trailing-stop", price="+10")
    # Up by 50 lifts the stop to +40; +39 lies between the old stop (-10) and the old peak.
    tape = Tape(rig, (1_000_000, price + 500), (2_000_000, price + 399), (3_000_000, price - 500))
    rig.exchange.floor.market = tape  # type: ignore[assignment]
    jump(rig, seconds=10)
    done = now_of(rig, order)
    assert (done.peak, done.draft.trigger) == (D(price + 500) / 10, D(price + 400) / 10)
    assert done.triggered_at == instant_of(tape.trades[1][0])


def test_trades_of_one_instant_all_count_for_those_who_waited_before(rig: Rig) -> None:
    price = int(last(rig) * 10)
    resting = add(rig, price=str(D(price - 60) / 10))
    add(rig, "sell", ordertype="stop-loss-limit", price=str(D(price - 50) / 10), price2=str(price / 10))
    tape = Tape(rig, (1_000_000, price - 50), (1_000_000, price - 61))
    rig.exchange.floor.market = tape  # type: ignore[assignment]
    jump(rig, seconds=10)
    assert now_of(rig, resting).status is ExchangeStatus.CLOSED


@pytest.mark.parametrize(("side", "away"), [("sell", -50), ("buy", 50)])
def test_a_trade_at_the_very_trigger_price_fires(rig: Rig, side: str, away: int) -> None:
    price = int(last(rig) * 10) + away
    stop = add(rig, side, ordertype="stop-loss", price=str(D(price) / 10))
    rig.exchange.floor.market = Tape(rig, (1_000_000, price))  # type: ignore[assignment]
    jump(rig, seconds=10)
    assert now_of(rig, stop).triggered_price == D(price) / 10


def test_nothing_is_ever_applied_twice(rig: Rig) -> None:
    price = int(last(rig) * 10)
    resting = add(rig, price=str(D(price - 60) / 10))
    add(rig, "sell", ordertype="stop-loss", price=str(D(price - 90) / 10))
    tape = Tape(rig, (1_000_000, price - 61), (2_000_000, price - 91), (3_000_000, price - 61))
    units = int(D("0.004").scaleb(rig.exchange.market.grids["XBTUSD"].volume_decimals))
    tape.trades = [(at, trade._replace(volume=units)) for at, trade in tape.trades]
    floor = rig.exchange.floor
    floor.market = tape  # type: ignore[assignment]

    def fail(*_: Any) -> Order:
        raise RuntimeError("a fault nobody thought of")

    floor.fire = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(RuntimeError):
        jump(rig, seconds=10)
    jump(rig, seconds=10)
    trades = [rig.exchange.books.trades[trade_id] for trade_id in now_of(rig, resting).trade_ids]
    assert [trade.time for trade in trades] == [instant_of(at) for at, _ in tape.trades]
    assert [trade.volume for trade in trades] == [D("0.004"), D("0.004"), D("0.002")]


@pytest.mark.parametrize(
    ("mode", "kind", "fires"),
    [
        ("post_only", "stop-loss", False),
        ("post_only", "stop-loss-limit", False),
        ("limit_only", "stop-loss", False),
        ("limit_only", "stop-loss-limit", True),
        ("cancel_only", "stop-loss-limit", False),
        ("online", "stop-loss", True),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_triggers_are_held_back_by_modes(rig: Rig, mode: str, kind: str, fires: bool, whole: bool) -> None:
    price = int(last(rig) * 10)
    prices = {"price": str(D(price - 50) / 10)}
    if kind.endswith("limit"):
        prices["price2"] = "30000"
    stop = add(rig, "sell", ordertype=kind, **prices)
    body = {"action": "system_status", "status": mode}
    if not whole:
        body = {"action": "pair_status", "status": mode, "pair": "XBTUSD"}
    apply(rig.exchange, msgspec.json.encode(body))
    rig.exchange.floor.market = Tape(rig, (1_000_000, price - 60), (20_000_000, price - 55))  # type: ignore[assignment]
    jump(rig, seconds=10)
    assert now_of(rig, stop).is_armed is not fires
    apply(rig.exchange, msgspec.json.encode(body | {"status": "online"}))
    jump(rig, seconds=20)
    assert now_of(rig, stop).status is ExchangeStatus.CLOSED
    assert now_of(rig, stop).triggered_price == D(price - (60 if fires else 55)) / 10


def test_a_trailing_limit_ends_at_the_lowest_price_there_is(rig: Rig) -> None:
    price = int(last(rig) * 10)
    order = add(
        rig, "buy", "0.01", ordertype="trailing-stop-limit", price="+10", price2=f"-{D(price) / 10 - 500}"
    )
    assert order.draft.price == D(510)
    rig.exchange.floor.market = Tape(rig, (1_000_000, price // 2))  # type: ignore[assignment]
    jump(rig, seconds=10)
    assert now_of(rig, order).draft.price == D("0.1")
