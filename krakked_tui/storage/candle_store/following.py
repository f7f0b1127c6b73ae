"""The candle store of a process that does not write because another one does.

It reads the shared files. What it appends is kept in memory, the newest bars of each pair: the process
that writes hears the same candles and stores them. As soon as that one has ended, the next append takes
over its lock and stores everything gathered here; if this process ends first, what only it heard is
fetched again by whoever runs next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import RefusedError, StorageError
from krakked_tui.ports import Compacted, Coverage, Finding
from krakked_tui.storage.candle_store.checking import Checker
from krakked_tui.storage.candle_store.memory_rows import MemoryRows
from krakked_tui.storage.candle_store.merging import frame_of, judge, resolve, with_pair
from krakked_tui.storage.candle_store.partitions import Partitions
from krakked_tui.storage.candle_store.reading import DiskReader
from krakked_tui.storage.candle_store.store import (
    PartitionedCandleStore,
    by_timeframe,
    check_storable,
    together,
)
from krakked_tui.storage.candle_store.tail import BEGINNING, END, TailReader
from krakked_tui.storage.rows import from_micros, to_micros

TakeOver = Callable[[], Awaitable[PartitionedCandleStore]]


class FollowingCandleStore:
    """``ports.CandleStore`` beside a process that writes.

    ``take_over`` opens the store for writing; it raises ``RefusedError`` as long as another process does.
    """

    def __init__(
        self, tail: TailReader, partitions: Partitions, recent_bars: int, take_over: TakeOver
    ) -> None:
        self._heard = MemoryRows()
        self._tail = tail
        self._partitions = partitions
        self._reader = DiskReader(_Overlaid(tail, self._heard), partitions)
        self._recent_bars = recent_bars
        self._take_over = take_over
        self._appending = asyncio.Lock()
        self._writer: PartitionedCandleStore | None = None
        self._closed = False

    @property
    def writing(self) -> bool:
        """Whether this process has taken over."""
        return self._writer is not None

    async def append(self, candles: Sequence[Candle]) -> int:
        """Keep closed candles in memory, or store them when nobody else writes any more.

        Return how many rows are new or corrected.
        """
        self._check_open()
        async with self._appending:
            if self._writer is None:
                try:
                    self._writer = await self._take_over()
                except RefusedError:
                    return await self._hear(candles)
            heard = list(self._heard.candles())
            if heard:
                await self._writer.append(heard)
                self._heard.clear()
            return await self._writer.append(candles)

    async def _hear(self, candles: Sequence[Candle]) -> int:
        await asyncio.to_thread(check_storable, candles)
        taken = 0
        for timeframe, rows in by_timeframe(candles).items():
            times = [to_micros(row.time) for row in rows]
            pairs = sorted({row.pair for row in rows})
            stored = await self._reader.existing(timeframe, pairs, min(times), max(times) + 1)
            judged = await asyncio.to_thread(judge, frame_of(rows), stored)
            self._heard.put(
                Candle(timeframe=timeframe, **row) for row in judged.accepted.iter_rows(named=True)
            )
            taken += judged.new + judged.corrected
        self._heard.keep_newest(self._recent_bars)
        return taken

    async def read(
        self,
        pair: str,
        timeframe: Timeframe,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Candles of one pair, ``start`` inclusive, ``end`` exclusive; with ``limit`` the newest ones."""
        self._check_open()
        if self._writer is not None:
            return await self._writer.read(pair, timeframe, start, end, limit)
        first = BEGINNING if start is None else to_micros(start)
        after = END if end is None else to_micros(end)
        return with_pair(await self._reader.rows(pair, timeframe, first, after, limit), pair)

    async def read_many(self, pairs: Sequence[str], timeframe: Timeframe, lookback: int) -> pl.DataFrame:
        """The newest ``lookback`` candles of each pair in one frame, by pair then time."""
        self._check_open()
        if self._writer is not None:
            return await self._writer.read_many(pairs, timeframe, lookback)
        found = await self._reader.newest(sorted(set(pairs)), timeframe, max(lookback, 0))
        return await asyncio.to_thread(together, found, max(lookback, 0))

    async def last_time(self, pair: str, timeframe: Timeframe) -> datetime | None:
        """Open time of the newest candle, None without any."""
        self._check_open()
        if self._writer is not None:
            return await self._writer.last_time(pair, timeframe)
        micros = await self._reader.last_time(pair, timeframe)
        return None if micros is None else from_micros(micros)

    async def coverage(self, pair: str, timeframe: Timeframe) -> Coverage:
        """Say which candles there are and where they have gaps."""
        self._check_open()
        if self._writer is not None:
            return await self._writer.coverage(pair, timeframe)
        return await self._reader.coverage(pair, timeframe)

    async def verify(self) -> Sequence[Finding]:
        """Check every file of the store; empty when all is well."""
        self._check_open()
        if self._writer is not None:
            return await self._writer.verify()
        return await Checker(self._tail, self._partitions).findings()

    async def compact(self, *, partitions: int = 64, everything: bool = False) -> Compacted:
        """Do nothing as long as another process writes: compacting is its business."""
        self._check_open()
        if self._writer is not None:
            return await self._writer.compact(partitions=partitions, everything=everything)
        return Compacted()

    async def close(self) -> None:
        """Close; closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._tail.close()
        finally:
            if self._writer is not None:
                await self._writer.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("the candle store is closed")


class _Overlaid:
    """A tail with what was heard here laid over it."""

    def __init__(self, tail: TailReader, heard: MemoryRows) -> None:
        self._tail = tail
        self._heard = heard

    async def pair_rows(
        self, timeframe: Timeframe, pair: str, start: int, end: int, limit: int | None = None
    ) -> pl.DataFrame:
        """Rows of one pair, ascending, the newest ``limit`` of them."""
        stored = await self._tail.pair_rows(timeframe, pair, start, end, limit)
        united = resolve(stored, self._heard.pair_rows(timeframe, pair, start, end, limit))
        return united if limit is None else united.tail(limit)

    async def window(self, timeframe: Timeframe, start: int, end: int) -> pl.DataFrame:
        """Rows of all pairs, in any order, as a candle frame."""
        stored = await self._tail.window(timeframe, start, end)
        heard = self._heard.window(timeframe, start, end)
        return (await asyncio.to_thread(judge, pl.concat([stored, heard]), stored.clear())).accepted

    async def newest(self, timeframe: Timeframe) -> int | None:
        """Time of the newest row of any pair."""
        times = (await self._tail.newest(timeframe), self._heard.newest(timeframe))
        return max((time for time in times if time is not None), default=None)

    async def oldest(self, timeframe: Timeframe) -> int | None:
        """Time of the oldest row of any pair."""
        times = (await self._tail.oldest(timeframe), self._heard.oldest(timeframe))
        return min((time for time in times if time is not None), default=None)

    async def newest_by_pair(self, timeframe: Timeframe) -> Mapping[str, int]:
        """Time of the newest row of each pair that has one."""
        heard, stored = self._heard.newest_by_pair(timeframe), await self._tail.newest_by_pair(timeframe)
        return {
            pair: max(each[pair] for each in (heard, stored) if pair in each)
            for pair in heard.keys() | stored.keys()
        }

    async def close(self) -> None:
        """Close the tail."""
        await self._tail.close()
