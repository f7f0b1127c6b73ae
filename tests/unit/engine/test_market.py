"""The live market: ticks stay here, stops and usability become events."""

import asyncio
from datetime import timedelta
from decimal import Decimal

from krakked_tui.decision import events as e
from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import RATE_SAMPLES, LiveMarket, grace
from krakked_tui.market.closing import PENDING_MAX
from krakked_tui.market.freshness import Freshness
from krakked_tui.market.settings import MarketDataSettings
from krakked_tui.ports import StreamState
from tests.fakes.clock import FakeClock

UP = StreamState("market", connected=True)
DOWN = StreamState("market", connected=False, detail="reset by peer")


class Rig:
    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.inbox = Inbox()
        self.market = LiveMarket(
            timeframes=[Timeframe.M1], keep_bars=3, settings=MarketDataSettings(), inbox=self.inbox,
            clock=self.clock,
        )  # fmt: skip

    def tick(self, price: str, pair: str = "XBTUSD") -> None:
        value = Decimal(price)
        self.market.on_quote(Quote(pair, value, value, value, self.clock.now(), self.clock.monotonic()))

    def events(self) -> list[e.Event]:
        found = []
        while (event := self.inbox.pop()) is not None:
            found.append(event)
        return found


def test_a_stop_is_reported_once_when_the_price_reaches_it() -> None:
    rig = Rig()
    rig.market.watch_stops({"XBTUSD": Decimal(100)})
    for price in ("101", "100", "99", "98"):
        rig.tick(price)
    (event,) = rig.events()
    assert isinstance(event, e.StopCrossed)
    assert (event.mark.quote.price, event.stop) == (Decimal(100), Decimal(100))


def test_a_stop_that_is_through_already_when_it_is_set_is_reported_at_once() -> None:
    rig = Rig()
    rig.market.on_stream_state(UP)
    rig.tick("90")
    rig.events()
    rig.market.watch_stops({"XBTUSD": Decimal(100)})
    assert [type(event) for event in rig.events()] == [e.StopCrossed]


async def test_a_stale_price_triggers_no_stop() -> None:
    rig = Rig()
    rig.market.on_stream_state(UP)
    rig.tick("90")
    await rig.clock.advance(1000)
    rig.events()
    rig.market.watch_stops({"XBTUSD": Decimal(100)})
    assert rig.events() == []


def test_ticks_cause_no_events() -> None:
    rig = Rig()
    for price in range(1000):
        rig.tick(str(price + 1))
    assert rig.events() == []
    assert rig.market.ticks == 1000


async def test_usability_is_reported_when_it_changes_and_says_why() -> None:
    rig = Rig()
    rig.market.check_usable()
    rig.market.on_stream_state(UP)
    rig.tick("100")
    rig.market.check_usable()
    rig.market.check_usable()
    await rig.clock.advance(61)
    rig.market.check_usable()
    rig.market.on_stream_state(DOWN)
    details = [(x.usable, x.detail) for x in rig.events() if isinstance(x, e.MarketDataChanged)]
    assert details == [
        (False, "no prices yet (not connected yet)"),
        (True, "live"),
        (False, "no price for 61 s"),
        (False, "the market stream is down: reset by peer"),
    ]
    assert rig.market.marks()["XBTUSD"].freshness is Freshness.STALE


async def test_a_reconnect_is_a_gap_but_the_first_connection_is_none() -> None:
    rig = Rig()
    rig.market.on_stream_state(UP)
    rig.tick("100")
    rig.market.on_stream_state(DOWN)
    rig.market.on_stream_state(UP)
    await rig.market.wait_for_gap()


async def test_a_candle_that_had_to_be_dropped_is_a_gap() -> None:
    rig = Rig()
    for minute in range(PENDING_MAX + 1):
        time = rig.clock.now() + timedelta(minutes=minute)
        rig.market.on_candle(Candle("XBTUSD", Timeframe.M1, time, 1, 1, 1, 1, 1, 1, 1), time)
    async with asyncio.timeout(1):
        await rig.market.wait_for_gap()


def test_recent_bars_are_bounded() -> None:
    rig = Rig()
    start = rig.clock.now()
    bars = [
        Candle("XBTUSD", Timeframe.M1, start + timedelta(minutes=n), 1, 1, 1, 1, 1, 1, 1) for n in range(10)
    ]
    rig.market.load(bars)
    assert rig.market.frame(Timeframe.M1)["time"].to_list() == [bar.time for bar in bars[-3:]]


def test_the_grace_is_wall_time_but_never_reaches_the_next_boundary() -> None:
    settings = MarketDataSettings(boundary_grace_seconds=2.0)
    assert grace(FakeClock(), Timeframe.M1, settings) == timedelta(seconds=2)
    assert grace(FakeClock(speed=10), Timeframe.M1, settings) == timedelta(seconds=20)
    assert grace(FakeClock(speed=600), Timeframe.M1, settings) == timedelta(seconds=30)


async def test_the_rate_of_messages_is_that_of_lately() -> None:
    rig = Rig()
    assert rig.market.message_rate == 0.0
    rig.market.measure()
    for _ in range(RATE_SAMPLES):
        await rig.clock.advance(1)
        for _ in range(100):
            rig.tick("1")
        rig.market.measure()
    assert rig.market.message_rate == 100.0
    for _ in range(RATE_SAMPLES):
        await rig.clock.advance(1)
        rig.market.on_candle(
            Candle("XBTUSD", Timeframe.M1, rig.clock.now(), 1, 1, 1, 1, 1, 1, 1), rig.clock.now()
        )
        rig.market.measure()
    assert rig.market.message_rate == 1.0


def test_the_lag_is_that_of_the_newest_price_in_wall_seconds() -> None:
    assert Rig().market.lag is None
    rig = Rig(FakeClock(speed=60.0))
    rig.clock.jump(10)
    sent = rig.clock.now() - timedelta(seconds=120)
    rig.market.on_quote(Quote("XBTUSD", Decimal(1), Decimal(1), Decimal(1), sent, rig.clock.monotonic()))
    rig.clock.jump(5)
    assert rig.market.lag == 2.0
    ahead = rig.clock.now() + timedelta(seconds=30)
    rig.market.on_quote(Quote("XBTUSD", Decimal(1), Decimal(1), Decimal(1), ahead, rig.clock.monotonic()))
    assert rig.market.lag == 0.0
    paused = Rig(FakeClock(speed=0.0))
    paused.tick("1")
    assert paused.market.lag is None


def test_the_running_candle_of_a_pair_is_the_newest() -> None:
    rig = Rig()
    now = rig.clock.now()
    new = Candle("XBTUSD", Timeframe.M1, now, 1, 1, 1, 1, 1, 1, 1)
    old = Candle("XBTUSD", Timeframe.M1, now - timedelta(minutes=1), 1, 1, 1, 1, 1, 1, 1)
    rig.market.on_candle(new, now)
    rig.market.on_candle(old, now)
    assert rig.market.running("XBTUSD", Timeframe.M1) == new
    assert rig.market.running("ETHUSD", Timeframe.M1) is None
    assert set(rig.market.timeframes) == {Timeframe.M1}
