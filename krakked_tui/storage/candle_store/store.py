"""The candle store of the process that writes."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Final

import msgspec
import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.ports import Compacted, Coverage, Finding
from krakked_tui.storage.candle_store.checking import Checker
from krakked_tui.storage.candle_store.layout import directory_name
from krakked_tui.storage.candle_store.merging import Judgement, frame_of, judge, micros_of, with_pair
from krakked_tui.storage.candle_store.partitions import Partitions
from krakked_tui.storage.candle_store.reading import DiskReader
from krakked_tui.storage.candle_store.recent import Loaded, RecentRows
from krakked_tui.storage.candle_store.sealing import Sealer
from krakked_tui.storage.candle_store.tail import BEGINNING, END, LateRows, Tail
from krakked_tui.storage.rows import from_micros, to_micros

RECENT_PAIRS_MAX: Final = 4_096
"""Pairs held in memory, over all timeframes."""

Key = tuple[Timeframe, str]


class Counts(msgspec.Struct, frozen=True):
    """Rows since the store was opened."""

    appended: int = 0
    corrected: int = 0
    refused: int = 0


class PartitionedCandleStore:
    """``ports.CandleStore`` for the one process that holds the writer's lock.

    ``release`` is called once, when everything is closed.
    """

    def __init__(
        self, tail: Tail, partitions: Partitions, recent_bars: int, release: Callable[[], None]
    ) -> None:
        self._tail = tail
        self._reader = DiskReader(tail, partitions)
        self._partitions = partitions
        self._sealer = Sealer(tail, partitions)
        self._recent_bars = recent_bars
        self._release = release
        self._closed = False
        self._appending = asyncio.Lock()
        self._recent: dict[Timeframe, RecentRows] = {}
        # The newest row of every pair asked for, None without any; what the tail said of a timeframe.
        self._newest: dict[Key, int | None] = {}
        self._in_tail: dict[Timeframe, Mapping[str, int]] = {}
        self._counts = Counts()

    @property
    def counts(self) -> Counts:
        """What appends did since the store was opened."""
        return self._counts

    @property
    def late(self) -> LateRows:
        """What came late, as far as the store remembers."""
        return self._tail.late

    @property
    def pairs_in_memory(self) -> int:
        """Pairs whose recent bars are held, over all timeframes; ``RECENT_PAIRS_MAX`` at most."""
        return sum(recent.pairs for recent in self._recent.values())

    async def append(self, candles: Sequence[Candle]) -> int:
        """Store closed candles in one transaction; return how many rows are new or corrected."""
        self._check_open()
        await asyncio.to_thread(check_storable, candles)
        if not candles:
            return 0
        async with self._appending:
            try:
                return await self._append(candles)
            except BaseException:
                # Whether it was stored is not known now: everything is read anew.
                self._newest.clear()
                self._in_tail.clear()
                self._recent.clear()
                raise

    async def _append(self, candles: Sequence[Candle]) -> int:
        await self._learn_newest({(candle.timeframe, candle.pair) for candle in candles})
        fresh, doubtful = await asyncio.to_thread(self._split, candles)
        accepted, counts = await self._judged(doubtful) if doubtful else ([], Counts())
        accepted, late = fresh + accepted, LateRows(counts.corrected, counts.refused)
        if accepted or late != LateRows():
            await self._tail.put(accepted, late)
            await asyncio.to_thread(self._remember, accepted)
        before, new = self._counts, counts.appended + len(fresh)
        self._counts = Counts(
            before.appended + new, before.corrected + counts.corrected, before.refused + counts.refused
        )
        return new + counts.corrected

    async def _learn_newest(self, keys: Iterable[Key]) -> None:
        unknown = [key for key in keys if key not in self._newest]
        for timeframe in {timeframe for timeframe, _ in unknown} - self._in_tail.keys():
            self._in_tail[timeframe] = await self._tail.newest_by_pair(timeframe)
        if unknown:
            self._newest.update(await asyncio.to_thread(self._newest_of, unknown))

    def _newest_of(self, keys: Iterable[Key]) -> dict[Key, int | None]:
        found: dict[Key, int | None] = {}
        for timeframe, pair in keys:
            try:
                sealed = self._partitions.newest(timeframe, pair)
            except StorageError:
                sealed = None  # read and verify name the file; what comes now is stored all the same
            times = [time for time in (sealed, self._in_tail[timeframe].get(pair)) if time is not None]
            found[timeframe, pair] = max(times, default=None)
        return found

    def _split(self, candles: Sequence[Candle]) -> tuple[list[Candle], list[Candle]]:
        """Separate the rows of pairs that have only new ones, each later than the last, from the others."""
        newest, doubtful = dict[Key, int](), set[Key]()
        for candle, time in zip(candles, micros_of(candles), strict=True):
            key = (candle.timeframe, candle.pair)
            before = newest.get(key, self._newest[key])
            if before is not None and time <= before:
                doubtful.add(key)
            newest[key] = time
        if not doubtful:
            return list(candles), []
        others = [candle for candle in candles if (candle.timeframe, candle.pair) not in doubtful]
        return others, [candle for candle in candles if (candle.timeframe, candle.pair) in doubtful]

    async def _judged(self, candles: Iterable[Candle]) -> tuple[list[Candle], Counts]:
        """Return the rows to store, of some that may be there already, and what they do."""
        accepted: list[Candle] = []
        new = corrected = refused = 0
        for timeframe, rows in by_timeframe(candles).items():
            times = micros_of(rows)
            pairs = sorted({row.pair for row in rows})
            stored = await self._reader.existing(timeframe, pairs, min(times), max(times) + 1)
            judged = await asyncio.to_thread(_judge_all, rows, stored)
            accepted += (Candle(timeframe=timeframe, **row) for row in judged.accepted.iter_rows(named=True))
            new, corrected, refused = new + judged.new, corrected + judged.corrected, refused + judged.refused
        return accepted, Counts(new, corrected, refused)

    def _remember(self, stored: Iterable[Candle]) -> None:
        for timeframe, rows in by_timeframe(stored).items():
            for candle, time in zip(rows, micros_of(rows), strict=True):
                before = self._newest.get((timeframe, candle.pair))
                if before is None or before < time:
                    self._newest[timeframe, candle.pair] = time
            recent = self._recent.get(timeframe)
            if recent is not None:
                recent.put(frame_of(rows))

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
        first = None if start is None else to_micros(start)
        after = None if end is None else to_micros(end)
        recent = self._recent_of(timeframe)
        rows = await asyncio.to_thread(recent.rows, pair, first, after, limit)
        if rows is not None:
            return rows
        if first is None and after is None and limit is not None and 0 < limit <= recent.keep:
            for loaded in await self._load(timeframe, [pair]):
                return with_pair(loaded.rows.tail(limit), pair)
        first, after = BEGINNING if first is None else first, END if after is None else after
        return with_pair(await self._reader.rows(pair, timeframe, first, after, limit), pair)

    async def read_many(self, pairs: Sequence[str], timeframe: Timeframe, lookback: int) -> pl.DataFrame:
        """The newest ``lookback`` candles of each pair in one frame, by pair then time."""
        self._check_open()
        wanted, recent = sorted(set(pairs)), self._recent_of(timeframe)
        if lookback <= 0:
            return CANDLE_SCHEMA.to_frame()
        if lookback > recent.keep:
            found = await self._reader.newest(wanted, timeframe, lookback)
            return await asyncio.to_thread(together, found, lookback)
        rows, lacking = await asyncio.to_thread(recent.newest, wanted, lookback)
        if not lacking:
            return rows
        found = await self._load(timeframe, lacking)
        return await asyncio.to_thread(together, found, lookback, rows)

    async def _load(self, timeframe: Timeframe, pairs: Sequence[str]) -> list[Loaded]:
        """Read the newest rows of pairs into memory, and return them."""
        self._make_room(timeframe, len(pairs))
        recent = self._recent_of(timeframe)
        version = recent.version
        found = await self._reader.newest(pairs, timeframe, recent.keep)
        if len(found) <= RECENT_PAIRS_MAX:
            await asyncio.to_thread(recent.load_all, found, version)
        return found

    def _make_room(self, timeframe: Timeframe, pairs: int) -> None:
        """Forget the timeframes that were not asked for longest, this one last."""
        for other in [*(each for each in self._recent if each is not timeframe), timeframe]:
            if self.pairs_in_memory + pairs > RECENT_PAIRS_MAX:
                self._recent.pop(other, None)

    def _recent_of(self, timeframe: Timeframe) -> RecentRows:
        recent = self._recent.pop(timeframe, None) or RecentRows(self._recent_bars)
        self._recent[timeframe] = recent
        return recent

    async def last_time(self, pair: str, timeframe: Timeframe) -> datetime | None:
        """Open time of the newest candle, None without any."""
        self._check_open()
        micros = await self._reader.last_time(pair, timeframe)
        return None if micros is None else from_micros(micros)

    async def coverage(self, pair: str, timeframe: Timeframe) -> Coverage:
        """Say which candles there are and where they have gaps."""
        self._check_open()
        return await self._reader.coverage(pair, timeframe)

    async def verify(self) -> Sequence[Finding]:
        """Check every file of the store; empty when all is well."""
        self._check_open()
        async with self._sealer.lock:  # while nothing is being written, all that is half written is left over
            partial = await asyncio.to_thread(self._partitions.partial)
        return await Checker(self._tail, self._partitions).findings(partial)

    async def compact(self, *, partitions: int = 64, everything: bool = False) -> Compacted:
        """Move old candles into partitions, ``partitions`` files at most in one call."""
        self._check_open()
        return await self._sealer.compact(partitions, everything=everything)

    async def close(self) -> None:
        """Close and let another process write; closing again does nothing."""
        if self._closed:
            return
        self._closed = self._sealer.stopping = True
        try:
            async with self._appending, self._sealer.lock:
                await self._tail.close()
        finally:
            self._release()

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("the candle store is closed")


def _not_finite(candles: Iterable[Candle]) -> str:
    for candle in candles:
        numbers = (candle.open, candle.high, candle.low, candle.close, candle.volume, candle.vwap)
        if not all(map(isfinite, numbers)):
            return (
                f"the {candle.timeframe.value} candle of {candle.pair!r} at {candle.time.isoformat()} has a"
                " number that is not finite: none of its batch is stored"
            )
    return "the prices of a batch of candles are too large to be true: none of them is stored"


def check_storable(candles: Sequence[Candle]) -> None:
    """Refuse what no store can hold. Raises ``StorageError``."""
    # A sum is finite when all of its parts are, as far as prices go.
    numbers = (c.open + c.high + c.low + c.close + c.volume + c.vwap for c in candles)
    if not isfinite(sum(numbers)):
        raise StorageError(_not_finite(candles))
    for pair in {candle.pair for candle in candles}:
        if not pair.isprintable():
            raise StorageError(f"the pair name {pair!r} has characters that cannot be stored")
        directory_name(pair)


def _judge_all(candles: Sequence[Candle], stored: pl.DataFrame) -> Judgement:
    return judge(frame_of(candles), stored)


def by_timeframe(candles: Iterable[Candle]) -> dict[Timeframe, list[Candle]]:
    """Sort candles out by timeframe, each in the order given."""
    found: dict[Timeframe, list[Candle]] = {}
    for candle in candles:
        found.setdefault(candle.timeframe, []).append(candle)
    return found


def together(found: Iterable[Loaded], lookback: int, *others: pl.DataFrame) -> pl.DataFrame:
    """Put pairs' newest rows into one candle frame, by pair then time."""
    frames = (with_pair(loaded.rows.tail(lookback), loaded.pair) for loaded in found)
    return pl.concat([CANDLE_SCHEMA.to_frame(), *others, *frames]).sort("pair", "time")
