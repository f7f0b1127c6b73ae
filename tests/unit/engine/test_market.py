"""The live market: ticks stay here, stops and usability become events."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Levels
from krakked_tui.domain.candles import Candle, KnownFigures, Quote, Timeframe
from krakked_tui.domain.pairs import PairStatus, SystemStatus
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import RATE_SAMPLES, LiveMarket, Polling, grace
from krakked_tui.market.closing import PENDING_MAX
from krakked_tui.market.freshness import FeedState, Freshness
from krakked_tui.market.settings import IngestSettings, MarketDataSettings
from krakked_tui.ports import StreamState
from tests.fakes.clock import FakeClock

UP = StreamState("market", connected=True)
DOWN = StreamState("market", connected=False, detail="reset by peer")


class Rig:
    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.inbox = Inbox()
        self.systems: list[SystemStatus] = []
        self.statuses: list[Mapping[str, PairStatus]] = []
        self.market = LiveMarket(
            timeframes=[Timeframe.M1], keep_bars=3, settings=MarketDataSettings(), inbox=self.inbox,
            clock=self.clock, on_system_status=self.systems.append, on_pair_statuses=self.statuses.append,
        )  # fmt: skip

    def tick(self, price: str, pair: str = "XBTUSD") -> None:
        value = Decimal(price)
        self.market.on_quote(Quote(pair, value, value, value, self.clock.now(), self.clock.monotonic()))

    def system(self) -> SystemStatus | None:
        return self.market.system_status

    def answer(self, price: str, pair: str = "XBTUSD", volume: str = "0") -> Quote:
        """A price that was asked for: its change over 24 hours is not known."""
        value, figures = Decimal(price), KnownFigures(volume_24h=Decimal(volume))
        return Quote(pair, value, value, value, self.clock.now(), self.clock.monotonic(), figures)

    def events(self) -> list[e.Event]:
        found = []
        while (event := self.inbox.pop()) is not None:
            found.append(event)
        return found


def test_a_stop_is_reported_once_when_the_price_reaches_it() -> None:
    rig = Rig()
    rig.market.watch_stops({"XBTUSD": Levels(low=Decimal(100))})
    for price in ("101", "100", "99", "98"):
        rig.tick(price)
    (event,) = rig.events()
    assert isinstance(event, e.StopCrossed)
    assert (event.mark.quote.price, event.level) == (Decimal(100), Decimal(100))


@pytest.mark.parametrize(("prices", "level"), [("105 110 111", 110), ("105 100 95", 100), ("105 109 101", 0)])
def test_a_price_is_reported_once_when_it_leaves_its_levels_on_either_side(prices: str, level: int) -> None:
    rig = Rig()
    rig.market.watch_stops({"XBTUSD": Levels(low=Decimal(100), high=Decimal(110))})
    for price in prices.split():
        rig.tick(price)
    assert [event.level for event in rig.events() if isinstance(event, e.StopCrossed)] == [level] * bool(
        level
    )


def test_a_stop_that_is_through_already_when_it_is_set_is_reported_at_once() -> None:
    rig = Rig()
    rig.market.on_stream_state(UP)
    rig.tick("90")
    rig.events()
    rig.market.watch_stops({"XBTUSD": Levels(low=Decimal(100))})
    assert [type(event) for event in rig.events()] == [e.StopCrossed]


async def test_a_stop_set_below_a_stale_price_is_crossed_at_the_best_price_there_is() -> None:
    rig = Rig()
    rig.market.on_stream_state(UP)
    rig.tick("90")
    await rig.clock.advance(1000)
    rig.events()
    rig.market.watch_stops({"XBTUSD": Levels(low=Decimal(100))})
    (crossed,) = rig.events()
    assert isinstance(crossed, e.StopCrossed)
    assert (crossed.mark.freshness, crossed.mark.age) == (Freshness.STALE, 1000)


async def test_prices_that_come_late_are_not_live() -> None:
    rig = Rig()
    rig.market.on_stream_state(UP)
    now = rig.clock.now()
    candle = Candle("XBTUSD", Timeframe.M1, Timeframe.M1.floor(now), 1, 1, 1, 1, 1, 1, 1)
    rig.tick("90")
    rig.market.on_candle(candle, now - timedelta(seconds=600))
    rig.market.measure()
    rig.market.check_usable()
    told = [each for each in rig.events() if isinstance(each, e.MarketDataChanged)][-1]
    assert (told.usable, told.detail) == (False, "prices come 600 s late")
    rig.market.on_candle(candle, now)
    rig.market.measure()
    rig.market.check_usable()
    (told,) = [each for each in rig.events() if isinstance(each, e.MarketDataChanged)]
    assert told.usable


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
    began = rig.clock.now()
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
        (False, f"no price since {began:%H:%M:%S} UTC"),
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
    settings = MarketDataSettings(ingest=IngestSettings(boundary_grace_seconds=2.0))
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


def test_what_the_exchange_says_of_itself_is_kept_and_passed_on() -> None:
    rig = Rig()
    assert rig.system() is None
    rig.market.on_system_status(SystemStatus.MAINTENANCE)
    rig.market.on_pair_statuses({"XBTUSD": PairStatus.POST_ONLY})
    assert rig.system() is SystemStatus.MAINTENANCE
    assert rig.systems == [SystemStatus.MAINTENANCE]
    assert rig.statuses == [{"XBTUSD": PairStatus.POST_ONLY}]


def test_nobody_need_listen_to_statuses() -> None:
    market = LiveMarket(
        timeframes=[Timeframe.M1],
        keep_bars=3,
        settings=MarketDataSettings(),
        inbox=Inbox(),
        clock=FakeClock(),
    )
    market.on_system_status(SystemStatus.ONLINE)
    market.on_pair_statuses({})
    assert market.system_status is SystemStatus.ONLINE


def test_a_price_that_was_asked_for_keeps_the_change_of_the_streamed_one() -> None:
    rig = Rig()
    streamed = rig.answer("100", volume="5")
    rig.market.on_quote(
        msgspec.structs.replace(streamed, figures=KnownFigures(change_pct_24h=Decimal("1.5")))
    )
    assert not rig.market.was_asked_for(rig.market.quotes["XBTUSD"])
    rig.clock.jump(10)
    rig.market.take_quotes([rig.answer("90", volume="7"), rig.answer("3", "ETHUSD")], asked=9.0)
    quote = rig.market.quotes["XBTUSD"]
    assert (quote.price, quote.figures.change_pct_24h) == (Decimal(90), Decimal("1.5"))
    assert (quote.figures.volume_24h, quote.received) == (Decimal(7), 10.0)
    assert rig.market.quotes["ETHUSD"].price == Decimal(3)
    assert rig.market.was_asked_for(quote)
    assert (rig.market.ticks, rig.market.streamed_at) == (1, 0.0)


def test_what_was_streamed_since_the_request_wins() -> None:
    rig = Rig()
    rig.clock.jump(10)
    rig.tick("100")
    rig.market.take_quotes([rig.answer("90")], asked=10.0)
    assert rig.market.quotes["XBTUSD"].price == Decimal(100)
    rig.market.take_quotes([rig.answer("90")], asked=10.001)
    assert rig.market.quotes["XBTUSD"].price == Decimal(90)
    rig.tick("101")
    assert not rig.market.was_asked_for(rig.market.quotes["XBTUSD"])


def test_a_price_that_was_asked_for_goes_through_a_stop_once() -> None:
    rig = Rig()
    rig.market.watch_stops({"XBTUSD": Levels(low=Decimal(100))})
    for price in ("101", "100", "99"):
        rig.market.take_quotes([rig.answer(price)], asked=1.0)
    (event,) = rig.events()
    assert isinstance(event, e.StopCrossed)
    assert (event.mark.quote.price, event.level) == (Decimal(100), Decimal(100))


async def test_prices_that_were_asked_for_make_no_stream() -> None:
    rig = Rig()
    rig.market.on_stream_state(UP)
    rig.market.take_quotes([rig.answer("100")], asked=1.0)
    assert rig.market.state is FeedState.STALE
    rig.market.on_stream_state(DOWN)
    rig.market.on_stream_state(UP)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await rig.market.wait_for_gap()


def test_a_confirmed_price_is_checked_until_the_confirmation_is_old() -> None:
    rig = Rig()
    rig.market.on_stream_state(UP)
    rig.tick("100")
    rig.tick("3", "ETHUSD")
    rig.clock.jump(100)
    rig.tick("5", "SOLUSD")
    rig.market.confirm(["XBTUSD"], 100.0)
    counts = rig.market.freshness_counts()
    assert (counts[Freshness.CHECKED], counts[Freshness.QUIET]) == (1, 1)
    rig.clock.jump(60)
    assert rig.market.marks()["XBTUSD"].freshness is Freshness.CHECKED
    rig.clock.jump(1)
    assert rig.market.marks()["XBTUSD"].freshness is Freshness.STALE, "the whole feed is silent"
    rig.tick("5", "SOLUSD")
    assert rig.market.marks()["XBTUSD"].freshness is Freshness.QUIET


def test_pairs_that_nothing_brings_any_more_are_forgotten() -> None:
    rig = Rig()
    for pair in ("XBTUSD", "ETHUSD"):
        rig.tick("1", pair)
        rig.market.take_quotes([rig.answer("2", pair)], asked=1.0)
        rig.market.confirm([pair], 0.0)
        now = rig.clock.now()
        rig.market.on_candle(Candle(pair, Timeframe.M1, now, 1, 1, 1, 1, 1, 1, 1), now)
    gone = rig.market.quotes["XBTUSD"]
    rig.market.keep_only(["ETHUSD"])
    assert not rig.market.was_asked_for(gone)
    assert set(rig.market.quotes) == set(rig.market.marks()) == {"ETHUSD"}
    assert rig.market.running("XBTUSD", Timeframe.M1) is None
    assert rig.market.running("ETHUSD", Timeframe.M1) is not None
    closed = rig.market.close(rig.clock.now() + timedelta(minutes=1))
    assert [candle.pair for candle in closed] == ["ETHUSD"], "half a candle is none"


def test_polling_is_said_and_its_trouble_too() -> None:
    rig = Rig()
    rig.market.on_stream_state(DOWN)
    rig.market.polling = Polling("the market stream is down since 14:05:33 UTC", every=5.0)
    rig.market.take_quotes([rig.answer("100")], asked=1.0)
    rig.market.check_usable()
    rig.market.check_usable()
    rig.market.polling = Polling("it is down", every=10.0, trouble="no route")
    rig.market.polling = None
    found = [(x.usable, x.detail) for x in rig.events() if isinstance(x, e.MarketDataChanged)]
    assert found == [
        (False, "no prices yet (reset by peer)"),
        (False, "no prices yet (reset by peer)"),
        (False, "the market stream is down since 14:05:33 UTC; prices are asked for every 5 s"),
        (False, "the market stream is down: reset by peer; asking for prices fails too: no route"),
        (False, "the market stream is down: reset by peer"),
    ]
