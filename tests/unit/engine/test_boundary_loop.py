"""Candles close at their boundaries, once, and only the newest boundary is traded."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Log
from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.engine.boundary_loop import BoundaryLoop
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import LiveMarket
from krakked_tui.market.settings import MarketDataSettings
from krakked_tui.ports import StreamState
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock

FRAMES = (Timeframe.M1, Timeframe.M5)


class Store(MemoryCandleStore):
    """Answers no append while ``answers`` is not set, and counts those under way."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = asyncio.Event()
        self.answers.set()
        self.under_way = self.most = 0

    async def append(self, candles: Sequence[Candle]) -> int:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.answers.wait()
        self.under_way -= 1
        return await super().append(candles)


class JumpingClock(FakeClock):
    """Exchange time can be set anew."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


class Rig:
    def __init__(
        self, clock: FakeClock, traded: Sequence[Timeframe] = FRAMES, kept: Sequence[Timeframe] = FRAMES
    ) -> None:
        self.clock, self.inbox, self.store = clock, Inbox(), Store()
        self.lines: list[Log] = []
        self.lost = 0
        settings = MarketDataSettings()
        self.market = LiveMarket(
            timeframes=kept, keep_bars=10, settings=settings, inbox=self.inbox, clock=clock
        )
        self.market.on_stream_state(StreamState("market", connected=True))
        self.loop = BoundaryLoop(
            timeframes=traded, market=self.market, store=self.store, inbox=self.inbox, clock=clock,
            settings=settings, write_log=self.lines.append, lost=self._count_lost,
        )  # fmt: skip
        self.start = clock.now()

    def _count_lost(self) -> None:
        self.lost += 1

    def hear(self, minute: int, close: float = 1.0, timeframe: Timeframe = Timeframe.M1) -> None:
        time = timeframe.floor(self.start + timedelta(minutes=minute))
        candle = Candle("XBTUSD", timeframe, time, 1, 2, 1, close, 1, 1, 1)
        self.market.on_candle(candle, self.start + timedelta(minutes=minute, seconds=2))

    async def stored(self, timeframe: Timeframe = Timeframe.M1) -> list[datetime]:
        frame = await self.store.read("XBTUSD", timeframe)
        return list(frame["time"])

    def boundaries(self) -> list[tuple[datetime, tuple[Timeframe, ...], int]]:
        found = []
        while (event := self.inbox.pop()) is not None:
            if isinstance(event, e.BoundaryClosed):
                found.append((event.boundary, event.timeframes, event.missed))
        return found


@asynccontextmanager
async def running(
    clock: FakeClock, traded: Sequence[Timeframe] = FRAMES, kept: Sequence[Timeframe] = FRAMES
) -> AsyncIterator[Rig]:
    rig = Rig(clock, traded, kept)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.loop.run())
        await asyncio.sleep(0)
        yield rig
        task.cancel()


async def test_a_boundary_closes_once_a_later_message_was_heard() -> None:
    async with running(FakeClock()) as rig:
        rig.hear(0)
        await rig.clock.advance(60.1)
        assert rig.boundaries() == []
        rig.hear(1)
        await rig.clock.advance(0.1)
        minute = timedelta(minutes=1)
        assert rig.boundaries() == [(rig.start + minute, (Timeframe.M1,), 0)]
        assert await rig.stored() == [rig.start]


async def test_a_boundary_closes_after_its_grace_when_nothing_is_heard() -> None:
    async with running(FakeClock()) as rig:
        rig.hear(0)
        await rig.clock.advance(61.9)
        assert rig.boundaries() == []
        await rig.clock.advance(0.2)
        assert len(rig.boundaries()) == 1


async def test_five_minutes_close_with_the_fifth_minute() -> None:
    async with running(FakeClock()) as rig:
        for minute in range(6):
            rig.hear(minute)
            rig.hear(minute, timeframe=Timeframe.M5)
            await rig.clock.advance(60)
        frames = [timeframes for _, timeframes, _ in rig.boundaries()]
        assert frames == [(Timeframe.M1,)] * 4 + [(Timeframe.M1, Timeframe.M5)]
        assert await rig.stored(Timeframe.M5) == [rig.start]


async def test_after_a_sleep_every_candle_is_stored_but_only_the_newest_boundary_reported() -> None:
    clock = FakeClock()
    async with running(clock) as rig:
        for minute in range(8):
            rig.hear(minute)
            rig.hear(minute, timeframe=Timeframe.M5)
        clock.jump(7 * 60 + 30)
        await clock.advance(1)
        five = timedelta(minutes=7)
        assert rig.boundaries() == [(rig.start + five, FRAMES, 6)]
        assert len(await rig.stored()) == 7


async def test_a_late_update_corrects_the_stored_candle() -> None:
    async with running(FakeClock()) as rig:
        rig.hear(0, close=1.5)
        rig.hear(1)
        await rig.clock.advance(61)
        late = Candle("XBTUSD", Timeframe.M1, rig.start, 1, 2, 1, 1.75, 2, 1, 2)
        rig.market.on_candle(late, rig.start + timedelta(minutes=1, seconds=3))
        rig.hear(2)
        await rig.clock.advance(60)
        frame = await rig.store.read("XBTUSD", Timeframe.M1)
        assert frame["close"].to_list()[0] == 1.75


async def test_a_store_that_refuses_loses_no_candle_and_stops_no_boundary() -> None:
    async with running(FakeClock()) as rig:
        rig.store.failure = "disk full"
        for minute in range(4):
            rig.hear(minute)
            await rig.clock.advance(60)
        assert len(rig.boundaries()) == 3
        assert len(rig.market.frame(Timeframe.M1)) == 3
        assert [line.event for line in rig.lines] == ["candles_not_stored"]
        rig.store.failure = ""
        rig.hear(4)
        await rig.clock.advance(60)
        assert len(await rig.stored()) == 4


MINUTE = timedelta(minutes=1)


async def test_candles_that_no_strategy_uses_are_stored_and_not_reported() -> None:
    m15 = Timeframe.M15
    async with running(FakeClock(), traded=(m15,), kept=(Timeframe.M1, Timeframe.M5, m15)) as rig:
        for minute in range(16):
            rig.hear(minute)
            rig.hear(minute, timeframe=Timeframe.M5)
            rig.hear(minute, timeframe=m15)
            await rig.clock.advance(60)
            if minute == 3:
                assert rig.loop.next_at == rig.start + 4 * MINUTE
                assert rig.loop.next_cycle_at == rig.start + 15 * MINUTE
        assert rig.boundaries() == [(rig.start + 15 * MINUTE, (m15,), 0)]
        assert (len(await rig.stored()), len(await rig.stored(Timeframe.M5))) == (15, 3)
        assert (len(await rig.stored(m15)), rig.lost) == (1, 0)


async def test_without_strategies_candles_are_kept_all_the_same() -> None:
    async with running(FakeClock(), traded=()) as rig:
        rig.hear(0)
        await rig.clock.advance(63)
        assert (await rig.stored(), rig.boundaries(), rig.loop.next_cycle_at) == ([rig.start], [], None)


async def test_with_nothing_to_keep_nothing_happens() -> None:
    async with running(FakeClock(), traded=(), kept=()) as rig:
        await rig.clock.advance(100)
        assert rig.loop.next_at is None


async def test_days_and_weeks_close_at_midnight_utc() -> None:
    wednesday = datetime(2026, 1, 7, 23, 58, tzinfo=UTC)  # Kraken's weeks begin on Thursdays
    kept = (Timeframe.M1, Timeframe.H1, Timeframe.D1, Timeframe.W1)
    async with running(FakeClock(wednesday), traded=kept, kept=kept) as rig:
        for minute in range(4):
            for timeframe in kept:
                rig.hear(minute, timeframe=timeframe)
            await rig.clock.advance(60)
        closed = [(boundary, len(timeframes)) for boundary, timeframes, _ in rig.boundaries()]
        assert closed == [(wednesday + n * MINUTE, 4 if n == 2 else 1) for n in (1, 2, 3)]
        assert await rig.stored(Timeframe.D1) == [datetime(2026, 1, 7, tzinfo=UTC)]
        assert await rig.stored(Timeframe.W1) == [datetime(2026, 1, 1, tzinfo=UTC)]


async def test_a_jump_forwards_over_midnight_reports_the_newest_boundary_and_asks_for_the_rest() -> None:
    clock = JumpingClock(datetime(2026, 1, 5, 23, 30, 30, tzinfo=UTC))
    async with running(clock, traded=(Timeframe.H1,), kept=(Timeframe.M1, Timeframe.H1)) as rig:
        await clock.advance(1)
        clock.ahead = timedelta(hours=2)
        await clock.advance(3)
        midnights_hour = datetime(2026, 1, 6, 1, tzinfo=UTC)
        assert rig.boundaries() == [(midnights_hour, (Timeframe.H1,), 1)]
        assert rig.lost == 1


async def test_a_jump_back_is_followed_and_said() -> None:
    clock = JumpingClock()
    clock.ahead = timedelta(hours=1)
    async with running(clock) as rig:
        await clock.advance(63)
        assert [boundary for boundary, _, _ in rig.boundaries()] == [rig.start + MINUTE]
        clock.ahead = timedelta()
        await clock.advance(1)
        assert [line.event for line in rig.lines] == ["exchange_time_went_back"]
        assert "closed again" in rig.lines[0].message
        await clock.advance(60)
        assert [boundary for boundary, _, _ in rig.boundaries()] == [
            rig.start - timedelta(hours=1) + 2 * MINUTE
        ]
        assert rig.lost == 1


async def test_a_small_correction_back_repeats_no_boundary() -> None:
    clock = JumpingClock()
    async with running(clock) as rig:
        await clock.advance(62.5)
        clock.ahead = timedelta(seconds=-5)
        await clock.advance(60)
        assert len(rig.boundaries()) == 1
        await clock.advance(7)
        assert [(boundary, missed) for boundary, _, missed in rig.boundaries()] == [
            (rig.start + 2 * MINUTE, 0)
        ]
        assert rig.lines == []


async def test_a_clock_that_stands_still_closes_nothing_and_goes_on() -> None:
    clock = FakeClock(speed=0.0)
    async with running(clock) as rig:
        await clock.advance(1000)
        assert rig.boundaries() == []


async def test_an_overrun_counts_what_was_missed() -> None:
    async with running(FakeClock()) as rig:
        rig.store.answers.clear()
        rig.hear(0)
        await rig.clock.advance(62.5)
        rig.clock.jump(200)  # the machine was too busy, or asleep, while the store was waited for
        await rig.clock.advance(3)
        assert [missed for _, _, missed in rig.boundaries()] == [0, 2]
        assert rig.lost == 1


async def test_a_store_that_hangs_keeps_no_boundary_from_the_strategies() -> None:
    async with running(FakeClock()) as rig:
        rig.store.answers.clear()
        for minute in range(5):
            rig.hear(minute)
            await rig.clock.advance(60)
        await rig.clock.advance(3.1)
        assert len(rig.boundaries()) == 5
        assert rig.loop.unstored == 5
        assert rig.store.most == 1, "what hangs is not asked again"
        assert [line.event for line in rig.lines] == ["candles_not_stored"]
        rig.store.answers.set()
        await rig.clock.advance(1)
        assert (rig.loop.unstored, len(await rig.stored())) == (0, 5)


async def test_a_store_that_is_slow_for_a_moment_is_no_trouble() -> None:
    async with running(FakeClock()) as rig:
        rig.store.answers.clear()
        rig.hear(0)
        await rig.clock.advance(66)
        assert rig.loop.unstored == 1
        rig.store.answers.set()
        await rig.clock.advance(1)
        assert (rig.loop.unstored, rig.lines) == (0, [])


async def test_what_closes_while_the_stream_is_away_is_asked_for() -> None:
    async with running(FakeClock()) as rig:
        rig.market.on_stream_state(StreamState("market", connected=False))
        await rig.clock.advance(63)
        assert (rig.lost, len(rig.boundaries())) == (1, 1)
        rig.market.on_stream_state(StreamState("market", connected=True))
        await rig.clock.advance(60)
        assert rig.lost == 1


async def test_started_again_it_goes_on_where_it_was() -> None:
    async with running(FakeClock()) as rig:
        await rig.clock.advance(63)
    rig.clock.jump(180)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.loop.run())
        await rig.clock.advance(3)
        task.cancel()
    assert [missed for _, _, missed in rig.boundaries()] == [0, 2]


_KEPT = (Timeframe.M1, Timeframe.M5)


class Changing:
    """Timeframes that change while they are closed."""

    def __init__(self) -> None:
        self.clock, self.inbox = FakeClock(), Inbox()
        settings = MarketDataSettings()
        self.market = LiveMarket(
            timeframes=_KEPT, keep_bars=3, settings=settings, inbox=self.inbox, clock=self.clock
        )
        self.market.on_stream_state(StreamState("market", connected=True))
        self.boundaries = BoundaryLoop(
            timeframes=(), market=self.market, store=MemoryCandleStore(), inbox=self.inbox, clock=self.clock,
            settings=settings, write_log=lambda _line: None, lost=lambda: None,
        )  # fmt: skip
        self.start = self.clock.now()

    def load(self, bars: int) -> None:
        times = [self.start - (bars - n) * timedelta(minutes=1) for n in range(bars)]
        self.market.load(Candle("XBTUSD", Timeframe.M1, time, 1, 1, 1, 1, 1, 1, 1) for time in times)

    def closed(self) -> list[tuple[Timeframe, ...]]:
        found = []
        while (event := self.inbox.pop()) is not None:
            if isinstance(event, e.BoundaryClosed):
                found.append(event.timeframes)
        return found


async def test_boundaries_of_the_timeframes_in_use_are_reported() -> None:
    rig = Changing()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.boundaries.run())
        await rig.clock.advance(6 * 60)
        assert rig.closed() == []
        assert rig.boundaries.next_cycle_at is None
        rig.boundaries.use([Timeframe.M5])
        assert rig.boundaries.next_cycle_at == rig.start + timedelta(minutes=10)
        await rig.clock.advance(5 * 60)
        assert rig.closed() == [(Timeframe.M5,)]
        rig.boundaries.use([Timeframe.M1, Timeframe.M5])
        await rig.clock.advance(60)
        assert rig.closed() == [(Timeframe.M1,)]
        task.cancel()


def test_a_timeframe_that_is_not_kept_cannot_be_used() -> None:
    with pytest.raises(AssertionError):
        Changing().boundaries.use([Timeframe.H1])


def test_as_many_candles_are_kept_as_are_needed_and_never_fewer_again() -> None:
    rig = Changing()
    rig.load(10)
    assert rig.market.frame(Timeframe.M1).height == 3
    rig.market.keep_bars(8)
    rig.load(10)
    assert rig.market.frame(Timeframe.M1).height == 8
    rig.market.keep_bars(2)
    rig.load(12)
    assert rig.market.frame(Timeframe.M1).height == 8
