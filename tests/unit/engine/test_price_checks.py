"""Staleness, from fresh prices to a dead stream, on a clock of our own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Levels, Log
from krakked_tui.domain.candles import Candle, KnownFigures, Quote, Timeframe
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.price_checks import (
    AWAY_SECONDS,
    LONGEST_POLL_SECONDS,
    POLL_SECONDS,
    SUSPICION_SECONDS,
    PriceChecks,
)
from krakked_tui.market.freshness import FeedState, Freshness
from krakked_tui.market.settings import FeedSettings, MarketDataSettings
from krakked_tui.ports import StreamState
from tests.fakes.clock import FakeClock, settle
from tests.fakes.feed import FakeFeed

UP = StreamState("market", connected=True)
DOWN = StreamState("market", connected=False, detail="reset by peer")
BUSY, CALM = "XBTUSD", "ETHUSD"
FRESH = Freshness.FRESH


class Exchange(FakeFeed):
    """Answers with the prices of now, and writes down when it was asked."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.requests: list[float] = []

    async def quotes(self) -> Mapping[str, Quote]:
        self.requests.append(self.clock.monotonic())
        answer = await super().quotes()
        now, wall = self.clock.now(), self.clock.monotonic()
        return {p: msgspec.structs.replace(q, time=now, received=wall) for p, q in answer.items()}


class Rig:
    def __init__(self, clock: FakeClock, timeframe: Timeframe, tolerance: float) -> None:
        self.clock, self.inbox, self.feed = clock, Inbox(), Exchange(clock)
        self.timeframe = timeframe
        self.lines: list[Log] = []
        self.unheard: list[tuple[str, ...]] = []
        settings = MarketDataSettings(ws=FeedSettings(stale_tolerance_seconds=tolerance))
        self.market = LiveMarket(
            timeframes=[timeframe], keep_bars=3, settings=settings, inbox=self.inbox, clock=clock
        )
        self.carried = [BUSY, CALM]
        self.checks = PriceChecks(
            feed=self.feed, market=self.market, clock=clock, settings=settings, timeframes=[timeframe],
            carried=lambda: self.carried, write_log=self.lines.append,
            on_deaf=lambda pairs: self.unheard.append(tuple(pairs)),
        )  # fmt: skip

    def quote(self, pair: str, last: int, *, bid: int | None = None, volume: int = 10) -> Quote:
        figures = KnownFigures(volume_24h=Decimal(volume), change_pct_24h=Decimal("1.5"))
        return Quote(
            pair, Decimal(bid or last), Decimal(last), Decimal(last), self.clock.now(),
            self.clock.monotonic(), figures,
        )  # fmt: skip

    def stream(self, pair: str, last: int = 100, *, volume: int = 10) -> None:
        """The stream says a price, which is that of the exchange from here on."""
        quote = self.quote(pair, last, volume=volume)
        self.feed.prices[pair] = quote
        self.market.on_quote(quote)

    def trade(self, pair: str, last: int, *, bid: int | None = None, volume: int = 10) -> None:
        """The exchange has another price, and the stream says nothing."""
        quote = self.quote(pair, last, bid=bid, volume=volume)
        figures = KnownFigures(volume_24h=Decimal(volume))
        self.feed.prices[pair] = msgspec.structs.replace(quote, figures=figures)

    def candle(self, pair: str) -> None:
        now, timeframe = self.clock.now(), self.timeframe
        self.market.on_candle(Candle(pair, timeframe, timeframe.floor(now), 1, 1, 1, 1, 1, 1, 1), now)

    async def live(self, seconds: int, *, last: int = 100) -> None:
        """Let time pass in which the busy pair trades every second, at one price after the other."""
        for second in range(seconds):
            self.stream(BUSY, last + second % 2)
            self.candle(BUSY)
            await self.clock.advance(1)

    def freshness(self, pair: str) -> Freshness:
        return self.market.marks()[pair].freshness

    def state(self) -> FeedState:
        return self.market.state

    def polling(self) -> bool:
        return self.checks.polling

    def deaf(self) -> tuple[str, ...]:
        return self.checks.deaf

    def said(self, event: str) -> list[str]:
        return [line.message for line in self.lines if line.event == event]

    def usable(self) -> list[tuple[bool, str]]:
        found = []
        while (event := self.inbox.pop()) is not None:
            if isinstance(event, e.MarketDataChanged):
                found.append((event.usable, event.detail))
        return found


@asynccontextmanager
async def running(
    *, timeframe: Timeframe = Timeframe.D1, tolerance: float = 60.0, speed: float = 1.0
) -> AsyncIterator[Rig]:
    rig = Rig(FakeClock(speed=speed), timeframe, tolerance)
    rig.market.on_stream_state(UP)
    for pair in rig.carried:
        rig.stream(pair)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.checks.run())
        await settle()
        yield rig
        task.cancel()


async def test_a_price_on_its_way_from_fresh_to_stale() -> None:
    async with running() as rig:
        rig.feed.failure = ExchangeError("no route")
        await rig.live(60)
        assert rig.freshness(CALM) is Freshness.FRESH
        await rig.live(1)
        assert rig.freshness(CALM) is Freshness.QUIET
        await rig.live(840)
        assert rig.freshness(CALM) is Freshness.STALE
        assert rig.freshness(BUSY) is Freshness.FRESH
        assert rig.state() is FeedState.LIVE
        assert len(rig.said("prices_not_checked")) == 2


async def test_on_a_dead_feed_nothing_is_quiet() -> None:
    async with running() as rig:
        rig.feed.failure = ExchangeError("no route")
        await rig.live(70)
        assert rig.freshness(CALM) is Freshness.QUIET
        for _second in range(70):
            assert rig.freshness(CALM) is (Freshness.QUIET if not rig.polling() else Freshness.STALE)
            rig.candle(BUSY)
            rig.market.on_stream_state(UP)
            await rig.clock.advance(1)
        assert rig.freshness(BUSY) is rig.freshness(CALM) is Freshness.STALE


async def test_without_anybody_who_checks_a_silent_feed_dies_by_itself() -> None:
    rig = Rig(FakeClock(), Timeframe.D1, 60.0)
    rig.market.on_stream_state(UP)
    rig.stream(CALM)
    rig.clock.jump(30)
    rig.stream(BUSY)
    rig.clock.jump(60)
    assert (rig.state(), rig.freshness(CALM)) == (FeedState.LIVE, Freshness.QUIET)
    rig.clock.jump(0.1)
    assert (rig.state(), rig.freshness(CALM)) == (FeedState.STALE, Freshness.STALE)
    rig.market.vouched_at = rig.clock.monotonic()
    assert (rig.state(), rig.freshness(CALM)) == (FeedState.LIVE, Freshness.QUIET)


async def test_a_quiet_price_that_is_the_same_by_another_way_is_checked() -> None:
    async with running() as rig:
        await rig.live(70)
        assert rig.freshness(CALM) is Freshness.CHECKED
        assert rig.market.marks()[CALM].age == 70.0
        assert rig.checks.checked_at is not None
        assert rig.deaf() == ()
        assert rig.feed.renewed == []


async def test_before_a_boundary_prices_are_confirmed() -> None:
    async with running(timeframe=Timeframe.M1) as rig:
        await rig.live(49)
        assert rig.feed.requests == []
        await rig.live(2)
        assert rig.feed.requests == [50.0]
        await rig.live(60)
        assert [at for at in rig.feed.requests if 105 < at < 120] != []


async def test_a_pair_that_never_came_is_asked_for() -> None:
    async with running() as rig:
        rig.carried.append("SOLUSD")
        rig.trade("SOLUSD", 7)
        assert "SOLUSD" not in rig.market.quotes
        await rig.live(90)
        assert rig.market.quotes["SOLUSD"].last == Decimal(7)
        assert rig.deaf() == ("ticker SOLUSD",)
        assert rig.feed.renewed[0] == ("SOLUSD",)


async def test_what_nobody_carries_is_not_taken_in() -> None:
    async with running() as rig:
        rig.trade("DOGEUSD", 7)
        await rig.live(90)
        rig.market.on_stream_state(DOWN)
        await rig.clock.advance(30)
        assert set(rig.market.quotes) == {BUSY, CALM}


async def test_best_prices_that_move_without_a_trade_are_taken_in_and_nobody_is_deaf() -> None:
    async with running() as rig:
        rig.trade(CALM, 100, bid=99)
        await rig.live(70)
        mark = rig.market.marks()[CALM]
        assert (mark.freshness, mark.quote.bid) == (Freshness.FRESH, Decimal(99))
        assert mark.quote.figures.change_pct_24h == Decimal("1.5")
        assert (rig.deaf(), rig.feed.renewed) == ((), [])


async def test_a_deaf_ticker_is_replaced_and_subscribed_to_anew() -> None:
    async with running() as rig:
        await rig.live(20)
        rig.trade(CALM, 90)
        await rig.live(60)
        assert rig.market.quotes[CALM].price == Decimal(90)
        assert rig.feed.renewed == [(CALM,)]
        assert rig.unheard == [(CALM,)]
        assert rig.deaf() == ("ticker ETHUSD",)
        assert rig.checks.deaf_count == 1
        assert rig.said("topics_deaf") == [
            "the market stream said nothing of trades there were: ticker ETHUSD; subscribing anew"
        ]
        assert rig.state() is FeedState.LIVE


async def test_a_trade_at_the_same_price_shows_in_the_volume_of_two_answers() -> None:
    async with running() as rig:
        await rig.live(80)
        assert rig.freshness(CALM) is Freshness.CHECKED
        rig.trade(CALM, 100, volume=9)
        await rig.live(80)
        assert rig.deaf() == ()
        rig.trade(CALM, 100, volume=12)
        await rig.live(80)
        assert rig.deaf() == ("ticker ETHUSD",)


async def test_a_trade_that_the_stream_told_of_makes_nobody_deaf() -> None:
    async with running() as rig:
        await rig.live(80)
        rig.stream(CALM, 100, volume=12)
        rig.candle(CALM)
        await rig.live(80)
        assert len(rig.feed.requests) >= 2
        assert rig.deaf() == ()


async def test_a_deaf_ticker_is_logged_once_in_ten_minutes_however_often_it_is_found() -> None:
    async with running() as rig:
        for round_ in range(5):
            rig.trade(CALM, 50 + round_)
            await rig.live(70)
        assert rig.checks.deaf_count >= 4
        assert len(rig.said("topics_deaf")) == 1
        assert len(rig.feed.renewed) >= 4


async def test_a_message_on_its_way_makes_nobody_deaf() -> None:
    async with running() as rig:
        await rig.live(59)
        rig.trade(CALM, 90)
        while not rig.feed.requests:
            await rig.live(1)
        await rig.live(1)
        assert rig.freshness(CALM) is Freshness.QUIET
        rig.stream(CALM, 91)
        await rig.live(10)
        assert rig.market.quotes[CALM].price == Decimal(91)
        assert rig.deaf() == ()


async def test_an_answer_that_lags_behind_the_stream_is_not_believed() -> None:
    async with running() as rig:
        for second in range(90):
            if second % 4 == 0:
                rig.stream(BUSY, 100)
            rig.trade(BUSY, 90)
            await rig.clock.advance(1)
            assert rig.market.quotes[BUSY].price == Decimal(100)
        assert rig.feed.requests != []
        assert rig.deaf() == ()


async def test_a_stop_is_crossed_by_a_price_of_a_deaf_pair() -> None:
    async with running() as rig:
        rig.market.watch_stops({CALM: Levels(low=Decimal(95))})
        rig.trade(CALM, 90)
        await rig.live(70)
        events = []
        while (event := rig.inbox.pop()) is not None:
            events.append(event)
        (crossed,) = [event for event in events if isinstance(event, e.StopCrossed)]
        assert crossed.mark.quote.price == Decimal(90)


async def test_deaf_candles_are_found_by_the_trades_of_their_pair() -> None:
    async with running(timeframe=Timeframe.M1) as rig:
        for second in range(130):
            rig.stream(BUSY, 100 + second % 2)
            await rig.clock.advance(1)
        assert rig.deaf() == ("1m candles XBTUSD",)
        assert rig.unheard[0] == (BUSY,)
        assert rig.feed.renewed[0] == (BUSY,)
        assert rig.market.quotes[BUSY].price >= 100


async def test_candles_that_speak_are_not_deaf() -> None:
    async with running(timeframe=Timeframe.M1) as rig:
        await rig.live(200)
        assert (rig.deaf(), rig.unheard) == ((), [])


async def test_a_stream_that_is_down_is_polled_for_until_it_is_back() -> None:
    async with running() as rig:
        await rig.live(20)
        rig.market.check_usable()
        rig.usable()
        rig.market.on_stream_state(DOWN)
        await rig.clock.advance(10)
        assert (rig.state(), rig.polling()) == (FeedState.DOWN, False)
        rig.market.watch_stops({CALM: Levels(low=Decimal(95))})
        rig.trade(CALM, 90)
        await rig.clock.advance(2)
        assert (rig.state(), rig.polling()) == (FeedState.POLLING, True)
        assert rig.market.quotes[CALM].price == Decimal(90)
        assert rig.feed.renewed == []
        await rig.clock.advance(100)
        assert rig.freshness(CALM) is Freshness.FRESH
        pauses = [later - at for at, later in zip(rig.feed.requests, rig.feed.requests[1:], strict=False)]
        assert set(pauses) == {POLL_SECONDS}
        stops = [event for event in (rig.inbox.pop() for _ in range(9)) if isinstance(event, e.StopCrossed)]
        assert [event.mark.quote.price for event in stops] == [Decimal(90)]
        rig.market.on_stream_state(UP)
        await rig.clock.advance(3)
        assert rig.polling()
        rig.stream(BUSY)
        await rig.clock.advance(1)
        assert (rig.state(), rig.polling()) == (FeedState.LIVE, False)
        assert rig.said("prices_polled") == [
            "the market stream is down since 00:00:20 UTC (reset by peer); prices are asked for every 5 s,"
            " and nothing is opened"
        ]
        assert len(rig.said("prices_streamed")) == 1


async def test_polling_is_never_usable_for_new_risk_and_says_since_when() -> None:
    async with running() as rig:
        rig.market.check_usable()
        rig.market.on_stream_state(DOWN)
        await rig.clock.advance(20)
        rig.market.on_stream_state(UP)
        rig.stream(BUSY)
        await rig.clock.advance(1)
        reason = "the market stream is down since 00:00:00 UTC (reset by peer)"
        assert (
            rig.usable()
            == [
                (False, "no prices yet"),
                (True, "live"),
                (False, "the market stream is down: reset by peer"),
                (False, f"{reason}; prices are asked for every 5 s"),
                (True, "live"),
            ]
            or rig.usable() == []
        )


async def test_polling_that_fails_too_waits_longer_and_says_so() -> None:
    async with running() as rig:
        rig.market.on_stream_state(DOWN)
        rig.feed.failure = ExchangeError("no route to host")
        await rig.clock.advance(400)
        assert rig.state() is FeedState.DOWN
        pauses = [later - at for at, later in zip(rig.feed.requests, rig.feed.requests[1:], strict=False)]
        assert pauses[:4] == [10.0, 20.0, 40.0, LONGEST_POLL_SECONDS]
        assert max(pauses) == LONGEST_POLL_SECONDS
        assert rig.usable()[-1][1].endswith("asking for prices fails too: no route to host")
        assert rig.freshness(CALM) is Freshness.STALE
        rig.feed.failure = None
        await rig.clock.advance(61)
        assert rig.state() is FeedState.POLLING
        assert rig.freshness(CALM) is Freshness.FRESH


async def test_heartbeats_alone_are_a_dead_stream() -> None:
    async with running() as rig:
        await rig.live(100)
        assert not rig.polling()
        for second in range(20):
            rig.market.on_stream_state(UP)
            rig.trade(BUSY, 200 + second)
            await rig.clock.advance(1)
        assert rig.state() is FeedState.POLLING
        assert rig.market.polling is not None
        assert rig.market.polling.reason.startswith("the market stream is open and brings no prices since")
        assert rig.market.quotes[BUSY].price > Decimal(200)
        assert rig.feed.renewed == [(BUSY, CALM)]
        assert (rig.deaf(), rig.checks.deaf_topics, rig.said("topics_deaf")) == ((), 0, [])
        rig.stream(BUSY)
        await rig.clock.advance(1)
        assert rig.state() is FeedState.LIVE


async def gap(rig: Rig) -> bool:
    """Say whether candles may be missing."""
    try:
        async with asyncio.timeout(0):
            await rig.market.wait_for_gap()
    except TimeoutError:
        return False
    return True


async def test_after_a_silence_in_which_there_was_a_trade_candles_may_be_missing() -> None:
    async with running() as rig:
        await rig.live(100)
        rig.trade(BUSY, 105)
        await rig.clock.advance(20)
        assert rig.polling()
        assert not await gap(rig)
        rig.stream(BUSY)
        await rig.clock.advance(1)
        assert await gap(rig)


async def test_a_silence_in_which_nobody_can_be_asked_may_have_hidden_a_trade() -> None:
    async with running() as rig:
        await rig.live(100)
        rig.feed.failure = ExchangeError("no route")
        await rig.clock.advance(20)
        assert rig.polling()
        rig.stream(BUSY)
        await rig.clock.advance(1)
        assert not rig.polling()
        assert await gap(rig)


async def test_a_silence_in_which_nobody_traded_is_none_of_the_stream() -> None:
    async with running() as rig:
        await rig.live(100)
        await rig.clock.advance(900)
        assert (rig.polling(), rig.feed.renewed, rig.deaf()) == (False, [], ())
        assert not await gap(rig)
        pauses = [later - at for at, later in zip(rig.feed.requests, rig.feed.requests[1:], strict=False)]
        assert min(pauses) >= AWAY_SECONDS


async def test_a_calm_market_raises_no_alarm() -> None:
    async with running() as rig:
        for trade in range(20):
            rig.stream(BUSY, 100 + trade)
            rig.candle(BUSY)
            for _ in range(90):
                await rig.clock.advance(1)
                assert not rig.polling()
                assert rig.state() is FeedState.LIVE
                assert rig.freshness(BUSY) in {FRESH, Freshness.CHECKED}
        assert [line.event for line in rig.lines] == []
        assert rig.feed.renewed == []
        assert not await gap(rig)


async def test_an_answer_after_failing_ones_shows_that_the_market_was_calm() -> None:
    async with running() as rig:
        await rig.live(100)
        rig.feed.failure = ExchangeError("502")
        await rig.clock.advance(20)
        assert rig.state() is FeedState.STALE
        rig.feed.failure = None
        await rig.clock.advance(12)
        assert not rig.polling()
        assert not await gap(rig)


async def test_a_request_that_hangs_is_no_answer() -> None:
    async with running() as rig:
        await rig.live(100)
        rig.feed.gate.clear()
        await rig.clock.advance(18)
        assert not rig.polling()
        await rig.clock.advance(3)
        assert rig.polling()


@pytest.mark.parametrize("failing", [True, False])
async def test_a_silent_stream_is_subscribed_to_anew_less_and_less_often(*, failing: bool) -> None:
    async with running() as rig:
        await rig.live(30)
        rig.feed.failure = ExchangeError("502") if failing else None
        renewed: list[float] = []
        for second in range(3000):
            rig.trade(BUSY, 200 + second)
            await rig.clock.advance(1)
            if len(rig.feed.renewed) > len(renewed):
                renewed.append(rig.clock.monotonic())
        assert set(rig.feed.renewed) == {(BUSY, CALM)}
        assert renewed[0] < 50
        pauses = [later - at for at, later in pairwise(renewed)]
        assert pauses == pytest.approx([45, 90, 180, 360, 600, 600, 600], abs=2)
        assert (rig.deaf(), rig.checks.deaf_count, rig.said("topics_deaf")) == ((), 0, [])
        assert len(rig.said("prices_polled")) == 1


async def test_after_a_long_time_in_which_the_stream_spoke_it_is_renewed_soon_again() -> None:
    async with running() as rig:
        rig.feed.failure = ExchangeError("502")
        for _ in range(2):
            await rig.live(700)
            before = len(rig.feed.renewed)
            await rig.clock.advance(70)
            assert len(rig.feed.renewed) == before + 2


async def test_a_stream_that_comes_and_goes_is_not_logged_each_time() -> None:
    async with running() as rig:
        for round_ in range(30):
            await rig.live(30, last=1000 * round_)
            rig.trade(BUSY, 7 + round_)
            await rig.clock.advance(20)
            assert rig.polling()
        assert len(rig.said("prices_polled")) == len(rig.said("prices_streamed")) == 3


async def test_a_long_outage_is_logged_however_many_short_ones_there_were() -> None:
    async with running() as rig:
        rig.market.on_stream_state(DOWN)
        await rig.clock.advance(20)
        rig.market.on_stream_state(UP)
        await rig.live(5)
        rig.market.on_stream_state(DOWN)
        await rig.clock.advance(580)
        assert len(rig.said("prices_polled")) == 1
        await rig.clock.advance(20)
        assert rig.said("prices_polled")[-1].startswith("the market stream is down since 00:00:25 UTC")
        assert len(rig.said("prices_polled")) == 2


@pytest.mark.parametrize("frozen_at", [104, 105, 116])
async def test_a_stream_that_freezes_blames_no_topic_whatever_is_asked_meanwhile(frozen_at: int) -> None:
    async with running(timeframe=Timeframe.M1) as rig:
        for second in range(frozen_at):
            for pair in rig.carried:
                rig.stream(pair, 100 + second % 2)
                rig.candle(pair)
            await rig.clock.advance(1)
        rig.carried.append("SOLUSD")
        for second in range(30):
            for pair in rig.carried:
                rig.trade(pair, 300 + second)
            await rig.clock.advance(1)
        assert rig.state() is FeedState.POLLING
        for second in range(5):
            rig.stream(BUSY, 400 + second)
            await rig.clock.advance(1)
        assert rig.state() is FeedState.LIVE
        assert (rig.deaf(), rig.checks.deaf_count, rig.said("topics_deaf")) == ((), 0, [])


async def test_a_deaf_topic_is_shown_until_it_speaks() -> None:
    async with running() as rig:
        await rig.live(20)
        rig.trade(CALM, 90)
        await rig.live(60)
        assert (rig.deaf(), rig.checks.deaf_topics) == (("ticker ETHUSD",), 1)
        rig.stream(CALM, 91)
        await rig.live(1)
        assert (rig.deaf(), rig.checks.deaf_topics) == ((), 0)
        assert rig.checks.deaf_count == 1


async def test_a_feed_that_is_usually_slow_may_be_silent_for_longer() -> None:
    async with running() as rig:
        for _ in range(20):
            rig.stream(BUSY)
            await rig.clock.advance(20)
        rig.stream(BUSY)
        rig.trade(BUSY, 101)
        await rig.clock.advance(20)
        assert not rig.polling()
        await rig.clock.advance(20)
        assert rig.polling()


async def test_the_whole_feed_is_stale_when_nothing_can_be_asked() -> None:
    async with running() as rig:
        await rig.live(100)
        rig.feed.failure = ExchangeError("no route")
        await rig.clock.advance(15)
        assert rig.state() is FeedState.STALE
        detail = "no price since 00:01:39 UTC; asking for prices fails too: no route"
        assert rig.usable()[-1] == (False, detail)


async def test_a_feed_of_which_little_is_known_may_be_silent_for_half_the_tolerance() -> None:
    async with running(tolerance=40) as rig:
        rig.feed.failure = ExchangeError("no route")
        await rig.clock.advance(20)
        assert rig.feed.requests == []
        await rig.clock.advance(2)
        assert (len(rig.feed.requests), rig.state()) == (1, FeedState.STALE)


async def test_silence_counts_from_the_reconnection() -> None:
    async with running() as rig:
        await rig.live(20)
        rig.market.on_stream_state(DOWN)
        await rig.clock.advance(8)
        rig.market.on_stream_state(UP)
        rig.feed.failure = ExchangeError("no route")
        await rig.clock.advance(10)
        assert not rig.polling()
        await rig.clock.advance(2)
        assert rig.polling()


async def test_a_streamed_price_newer_than_the_request_wins() -> None:
    async with running() as rig:
        rig.market.on_stream_state(DOWN)
        rig.trade(CALM, 90)
        rig.feed.gate.clear()
        await rig.clock.advance(12)
        rig.market.on_quote(rig.quote(CALM, 101))
        rig.feed.gate.set()
        await rig.clock.advance(1)
        assert rig.market.quotes[CALM].price == Decimal(101)


async def test_while_a_request_hangs_the_stream_can_come_back() -> None:
    async with running() as rig:
        rig.market.on_stream_state(DOWN)
        rig.feed.gate.clear()
        await rig.clock.advance(30)
        assert len(rig.feed.requests) == 1
        rig.market.on_stream_state(UP)
        rig.stream(BUSY)
        await rig.clock.advance(1)
        assert not rig.polling()


async def test_requests_out_of_suspicion_have_a_pace() -> None:
    async with running() as rig:
        for second in range(400):
            rig.stream(BUSY)
            if second < 100:
                rig.stream(CALM)
            await rig.clock.advance(1)
        pauses = [later - at for at, later in zip(rig.feed.requests, rig.feed.requests[1:], strict=False)]
        assert len(pauses) > 10
        assert min(pauses) >= SUSPICION_SECONDS


@pytest.mark.parametrize("speed", [1.0, 60.0])
async def test_tolerances_are_wall_time_however_fast_the_exchange_is(speed: float) -> None:
    async with running(timeframe=Timeframe.M1, speed=speed) as rig:
        await rig.live(59)
        assert rig.freshness(CALM) is Freshness.FRESH
        await rig.live(11)
        assert rig.freshness(CALM) is Freshness.CHECKED
        pauses = [later - at for at, later in zip(rig.feed.requests, rig.feed.requests[1:], strict=False)]
        assert min(pauses, default=30.0) >= SUSPICION_SECONDS
        rig.market.on_stream_state(DOWN)
        await rig.clock.advance(11.5)
        assert rig.polling()


async def test_the_lead_before_a_boundary_is_wall_time() -> None:
    async with running(timeframe=Timeframe.H1, speed=60.0) as rig:
        await rig.live(49)
        assert rig.feed.requests == []
        await rig.live(2)
        assert len(rig.feed.requests) == 1


async def test_since_when_the_stream_is_down_is_told_by_the_exchanges_clock() -> None:
    async with running(speed=60.0) as rig:
        await rig.live(20)
        rig.market.on_stream_state(DOWN)
        await rig.clock.advance(12)
        assert rig.market.polling is not None
        assert rig.market.polling.reason == "the market stream is down since 00:20:00 UTC (reset by peer)"


async def test_ended_checks_leave_no_polling_behind() -> None:
    rig = Rig(FakeClock(), Timeframe.M1, 60.0)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.checks.run())
        await rig.clock.advance(20)
        assert rig.polling()
        task.cancel()
    assert (rig.market.polling, rig.polling()) == (None, False)
