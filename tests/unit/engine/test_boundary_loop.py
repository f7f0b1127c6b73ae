"""Candles close at their boundaries, once, and only the newest boundary is traded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Log
from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.engine.boundary_loop import BoundaryLoop
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import LiveMarket
from krakked_tui.market.settings import MarketDataSettings
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock

FRAMES = (Timeframe.M1, Timeframe.M5)


class Rig:
    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.inbox, self.store = clock, Inbox(), MemoryCandleStore()
        self.lines: list[Log] = []
        settings = MarketDataSettings()
        self.market = LiveMarket(
            timeframes=FRAMES, keep_bars=10, settings=settings, inbox=self.inbox, clock=clock
        )
        self.loop = BoundaryLoop(
            timeframes=FRAMES, market=self.market, store=self.store, inbox=self.inbox, clock=clock,
            settings=settings, write_log=self.lines.append,
        )  # fmt: skip
        self.start = clock.now()

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
async def running(clock: FakeClock) -> AsyncIterator[Rig]:
    rig = Rig(clock)
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
