"""Candles wait for the store as long as it takes, and nobody else does."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from krakked_tui.decision.effects import Log
from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.engine.candle_writer import UNSTORED_MAX, CandleWriter
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock, settle


class Store(MemoryCandleStore):
    def __init__(self) -> None:
        super().__init__()
        self.answers = asyncio.Event()
        self.answers.set()

    async def append(self, candles: Sequence[Candle]) -> int:
        await self.answers.wait()
        return await super().append(candles)


def _candles(count: int, first: int = 0) -> list[Candle]:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    minutes = range(first, first + count)
    return [
        Candle("XBTUSD", Timeframe.M1, start + timedelta(minutes=n), 1, 1, 1, 1, 1, 1, 1) for n in minutes
    ]


async def test_candles_wait_while_the_store_refuses_and_are_stored_with_the_next() -> None:
    clock, store, lines = FakeClock(), Store(), list[Log]()
    writer = CandleWriter(store, clock, lines.append)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(writer.run())
        assert await writer.store(_candles(1), 1.0)
        store.failure = "disk full"
        assert not await writer.store(_candles(2, 1), 1.0)
        assert not await writer.store([], 1.0)
        assert (writer.unstored, [line.event for line in lines]) == (2, ["candles_not_stored"])
        store.failure = ""
        assert await writer.store(_candles(1, 3), 1.0)
        task.cancel()
    assert writer.unstored == 0
    assert len(await store.read("XBTUSD", Timeframe.M1)) == 4


async def test_what_waits_is_bounded_and_the_newest_stays() -> None:
    clock, store = FakeClock(), Store()
    writer = CandleWriter(store, clock, lambda line: None)
    store.answers.clear()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(writer.run())
        late = group.create_task(writer.store(_candles(10), 1.0))
        await clock.advance(1)
        assert late.result() is False
        more = group.create_task(writer.store(_candles(UNSTORED_MAX, 10), 1.0))
        await clock.advance(1)
        assert (more.result(), writer.unstored) == (False, UNSTORED_MAX)
        store.answers.set()
        await settle()
        assert writer.unstored == 0
        task.cancel()
    assert len(await store.read("XBTUSD", Timeframe.M1)) == UNSTORED_MAX + 10
