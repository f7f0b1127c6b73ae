"""Which topics have fallen silent, by looking once in a while."""

from datetime import timedelta
from decimal import Decimal

import pytest

from krakked_tui.domain.candles import Candle, KnownFigures, Quote, Timeframe
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.topics import Topics
from krakked_tui.market.quiet import LEAST_SECONDS, UNKNOWN_SECONDS
from krakked_tui.market.settings import MarketDataSettings
from krakked_tui.ports import StreamState
from tests.fakes.clock import FakeClock

PAIR = "XBTUSD"


class Rig:
    def __init__(self, *timeframes: Timeframe, speed: float = 1.0) -> None:
        self.clock = FakeClock(speed=speed)
        self.timeframes = timeframes
        self.market = LiveMarket(
            timeframes=timeframes, keep_bars=3, settings=MarketDataSettings(), inbox=Inbox(), clock=self.clock
        )
        self.topics = Topics(
            market=self.market, clock=self.clock, timeframes=timeframes, grace=lambda: timedelta(seconds=2)
        )
        self.pairs = [PAIR]
        self.connect()

    def connect(self, *, up: bool = True) -> None:
        self.market.on_stream_state(StreamState("market", connected=up))

    def quote(self, last: int = 100, volume: int = 10) -> Quote:
        price, figures = Decimal(last), KnownFigures(volume_24h=Decimal(volume))
        return Quote(PAIR, price, price, price, self.clock.now(), self.clock.monotonic(), figures)

    def price(self, last: int = 100, volume: int = 10) -> None:
        self.market.on_quote(self.quote(last, volume))

    def candle(self, timeframe: Timeframe = Timeframe.M1) -> None:
        now = self.clock.now()
        self.market.on_candle(Candle(PAIR, timeframe, timeframe.floor(now), 1, 1, 1, 1, 1, 1, 1), now)

    def look(self, seconds: float = 1.0) -> None:
        """Look, then let time pass."""
        self.topics.listen(self.pairs)
        self.clock.jump(seconds)

    def usual(self, gap: float = 1.0, times: int = 30) -> None:
        """Make prices every ``gap`` seconds the usual thing."""
        for _ in range(times):
            self.price()
            self.look(gap)


def suspicious_after(rig: Rig) -> int:
    """Return after how many whole seconds of silence a topic is suspicious."""
    for second in range(2000):
        if rig.topics.suspicious():
            return second
        rig.look()
    raise AssertionError("never")


def test_each_topic_has_its_own_usual_silence() -> None:
    busy, calm = Rig(), Rig()
    busy.usual(1.0)
    calm.usual(100.0)
    assert suspicious_after(busy) == pytest.approx(LEAST_SECONDS, abs=1)
    calm.price()
    assert suspicious_after(calm) == pytest.approx(100, abs=1)
    assert suspicious_after(Rig()) == pytest.approx(UNKNOWN_SECONDS, abs=1)


def test_heartbeats_and_prices_that_were_asked_for_are_no_data() -> None:
    rig = Rig()
    rig.usual(1.0)
    for _ in range(12):
        rig.connect()
        rig.market.take_quotes([rig.quote(101)], asked=rig.clock.monotonic())
        rig.look()
    assert rig.topics.suspicious()


def test_a_confirmed_silence_counts_anew() -> None:
    rig = Rig()
    rig.usual(1.0)
    before = suspicious_after(rig)
    rig.topics.confirm([PAIR, "UNKNOWN"])
    assert not rig.topics.suspicious()
    assert suspicious_after(rig) >= before


def test_nothing_is_learnt_from_an_outage_or_from_deafness() -> None:
    for outage in (True, False):
        rig = Rig()
        rig.usual(1.0)
        if outage:
            rig.connect(up=False)
        else:
            rig.topics.found_deaf([PAIR])
        rig.look(800)
        rig.connect()
        rig.look(300)
        rig.topics.confirm([PAIR])
        rig.price()
        rig.look()
        assert suspicious_after(rig) == pytest.approx(LEAST_SECONDS, abs=1)


def test_a_blip_between_two_looks_begins_anew() -> None:
    rig = Rig(Timeframe.M1)
    rig.look(5)
    for price in (100, 101):
        rig.price(price)
        rig.look()
    rig.connect(up=False)
    rig.connect()
    rig.look(120)
    rig.look()
    assert rig.topics.deaf_candles() == []


def test_pairs_that_are_not_carried_any_more_are_forgotten() -> None:
    rig = Rig(Timeframe.M1)
    rig.usual(1.0)
    assert rig.topics.heard(PAIR) is not None
    rig.pairs = []
    rig.look(1000)
    assert rig.topics.heard(PAIR) is None
    assert not rig.topics.suspicious()


def traded(rig: Rig, *, at: float, then: int, volume: int = 10) -> None:
    """Hear a price at that second of a minute, then another one, and let the minute end."""
    rig.look(at)
    rig.price()
    rig.look(2)
    rig.price(then, volume)
    rig.look(70)
    rig.look()


@pytest.mark.parametrize(("then", "volume"), [(101, 10), (100, 11), (99, 5)])
def test_candles_that_miss_a_trade_are_deaf_once(then: int, volume: int) -> None:
    rig = Rig(Timeframe.M1, Timeframe.M15)
    traded(rig, at=10, then=then, volume=volume)
    assert set(rig.topics.deaf_candles()) == {(PAIR, Timeframe.M1), (PAIR, Timeframe.M15)}
    assert rig.topics.deaf_candles() == []


def test_prices_without_a_trade_prove_nothing() -> None:
    rig = Rig(Timeframe.M1)
    traded(rig, at=10, then=100, volume=9)
    assert rig.topics.deaf_candles() == []


@pytest.mark.parametrize("at", [0.5, 59.0])
def test_a_trade_that_may_be_of_the_minute_before_must_be_in_one_of_the_two_candles(at: float) -> None:
    rig = Rig(Timeframe.M1)
    traded(rig, at=at, then=101)
    assert rig.topics.deaf_candles() == [(PAIR, Timeframe.M1)]
    told = Rig(Timeframe.M1)
    told.look(59.2)
    told.price()
    told.candle()  # the trade was in this minute, its price is stamped in the next one
    told.look(0.9)
    told.price(101)
    told.look(70)
    told.look()
    assert told.topics.deaf_candles() == []


def test_candles_of_a_pair_that_trades_once_a_minute_are_found_deaf_too() -> None:
    rig = Rig(Timeframe.M1)
    for minute in range(3):
        rig.price(100 + minute)
        rig.look(60)
    rig.look(5)
    assert rig.topics.deaf_candles() == [(PAIR, Timeframe.M1)]


def test_trades_while_the_stream_was_away_are_owed_by_nobody() -> None:
    rig = Rig(Timeframe.M1)
    rig.price()
    rig.look(30)
    rig.connect(up=False)
    rig.connect()
    rig.look(1)
    rig.price(101)
    rig.look(90)
    rig.look()
    assert rig.topics.deaf_candles() == []


def test_nothing_is_deaf_before_the_minute_and_its_grace_are_over() -> None:
    rig = Rig(Timeframe.M1)
    rig.look(50)
    rig.price()
    rig.look(5)
    rig.price(101)
    rig.look(6.9)
    assert rig.topics.deaf_candles() == []
    rig.look(0.1)
    assert rig.topics.deaf_candles() == [(PAIR, Timeframe.M1)]


def test_candles_that_come_late_are_not_deaf() -> None:
    rig = Rig(Timeframe.M1)
    rig.look(50)
    rig.price()
    rig.look(5)
    rig.price(101)
    rig.candle()
    rig.look(20)
    assert rig.topics.deaf_candles() == []


def test_a_long_candle_that_was_heard_before_the_trade_is_deaf_all_the_same() -> None:
    rig = Rig(Timeframe.M15)
    rig.candle(Timeframe.M15)
    rig.look(60)
    traded(rig, at=20, then=101)
    assert rig.topics.deaf_candles() == [(PAIR, Timeframe.M15)]


def test_a_pair_that_trades_on_and_on_does_not_put_the_proof_off() -> None:
    rig = Rig(Timeframe.M1)
    for half_second in range(140):
        rig.price(100 + half_second % 2)
        rig.look(0.5)
        if rig.topics.deaf_candles():
            assert 62 <= rig.clock.monotonic() < 64
            return
    raise AssertionError("not found")


def test_candles_have_wall_time_to_arrive_however_fast_the_exchange_is() -> None:
    rig = Rig(Timeframe.M1, speed=60.0)
    rig.look(0.2)
    rig.price()
    rig.look(0.3)
    rig.price(101)
    rig.look(1.9)
    assert rig.topics.deaf_candles() == []
    rig.look(0.1)
    assert rig.topics.deaf_candles() == [(PAIR, Timeframe.M1)]


def test_nothing_is_learnt_from_deaf_candles() -> None:
    rig = Rig(Timeframe.M1)
    for _ in range(30):
        rig.price()
        rig.candle()
        rig.look()
    traded(rig, at=40, then=101)
    assert rig.topics.deaf_candles() == [(PAIR, Timeframe.M1)]
    rig.candle()
    rig.look()
    rig.topics.confirm([PAIR])
    assert suspicious_after(rig) == pytest.approx(LEAST_SECONDS, abs=1)
