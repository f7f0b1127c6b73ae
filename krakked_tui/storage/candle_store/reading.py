"""Reading what is on disk: the tail first, then the partitions, united by the correction rule."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

import numpy as np
import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.ports import CandleGap, Coverage
from krakked_tui.storage.candle_store.merging import resolve, united_frame, with_pair
from krakked_tui.storage.candle_store.partitions import Partitions
from krakked_tui.storage.candle_store.recent import Loaded
from krakked_tui.storage.candle_store.tail import BEGINNING, END, TailReader
from krakked_tui.storage.rows import from_micros, to_micros

_SPARE_BARS = 16
_WINDOW_PAIRS = 8
"""From so many pairs on, one walk over the newest rows of all is cheaper than one walk for each."""


class DiskReader:
    """Reads a store. Right also while another process writes to it. Errors: ``StorageError``."""

    def __init__(self, tail: TailReader, partitions: Partitions) -> None:
        self.tail = tail
        self.partitions = partitions

    async def rows(
        self,
        pair: str,
        timeframe: Timeframe,
        start: int = BEGINNING,
        end: int = END,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """One pair's rows with ``start <= time < end``, ascending, the newest ``limit`` of them."""
        if limit is not None and limit <= 0:
            start = end
        newer = await self.tail.pair_rows(timeframe, pair, start, end, limit)
        return await asyncio.to_thread(self._united, pair, timeframe, start, end, limit, newer)

    def _united(
        self, pair: str, timeframe: Timeframe, start: int, end: int, limit: int | None, newer: pl.DataFrame
    ) -> pl.DataFrame:
        older = self.partitions.between(timeframe, pair, start, end, limit)
        united = resolve(older, newer)
        return united if limit is None else united.tail(limit)

    async def newest(self, pairs: Sequence[str], timeframe: Timeframe, lookback: int) -> list[Loaded]:
        """Return the newest rows of each pair, at most ``lookback``; without the pairs that are damaged."""
        at_hand: dict[str, pl.DataFrame] = {}
        if len(pairs) >= _WINDOW_PAIRS and lookback > 0:
            at_hand = await self._window(pairs, timeframe, lookback)
        found: list[Loaded] = []
        for pair in pairs:
            rows = at_hand.get(pair)
            if rows is not None:
                found.append(Loaded(pair, rows.tail(lookback), whole=False))
                continue
            try:
                # One more than wanted tells whether there are others.
                rows = await self.rows(pair, timeframe, limit=lookback + 1)
            except StorageError:
                continue
            found.append(Loaded(pair, rows.tail(lookback), whole=rows.height <= lookback))
        return found

    async def _window(
        self, pairs: Iterable[str], timeframe: Timeframe, lookback: int
    ) -> dict[str, pl.DataFrame]:
        """Return the rows of pairs that have more than wanted in the tail, all newer than any sealed one."""
        newest = await self.tail.newest(timeframe)
        if newest is None:
            return {}
        # Some more times than rows: now and then a pair does not trade.
        bars = lookback + lookback // 8 + _SPARE_BARS
        window = await self.tail.window(timeframe, newest - bars * timeframe.minutes * 60_000_000, END)

        def enough() -> dict[str, pl.DataFrame]:
            found: dict[str, pl.DataFrame] = {}
            for pair, rows in _by_pair(window.filter(pl.col("pair").is_in(list(pairs)))).items():
                if rows.height > lookback:
                    with suppress(StorageError):  # said when the pair is read by itself
                        sealed = self.partitions.newest(timeframe, pair)
                        if sealed is None or sealed < to_micros(rows["time"][-lookback]):
                            found[pair] = rows
            return found

        return await asyncio.to_thread(enough)

    async def existing(
        self, timeframe: Timeframe, pairs: Sequence[str], start: int, end: int
    ) -> pl.DataFrame:
        """Return what pairs have in a span, as a candle frame; partitions that are damaged count as empty."""
        window = await self.tail.window(timeframe, start, end)

        def united() -> pl.DataFrame:
            at_hand = _by_pair(window)
            frames = []
            for pair in pairs:
                rows = at_hand.get(pair, window.clear().drop("pair"))
                # When damaged: read and verify name the file; a row too many in the tail does no harm.
                with suppress(StorageError):
                    rows = resolve(self.partitions.between(timeframe, pair, start, end), rows)
                frames.append(with_pair(rows, pair))
            return united_frame(frames)

        return await asyncio.to_thread(united)

    async def last_time(self, pair: str, timeframe: Timeframe) -> int | None:
        """Open time of a pair's newest row."""
        newest = await self.tail.pair_rows(timeframe, pair, BEGINNING, END, 1)
        sealed = await asyncio.to_thread(self.partitions.newest, timeframe, pair)
        times = [*newest["time"].dt.timestamp("us"), *(() if sealed is None else (sealed,))]
        return max(times, default=None)

    async def coverage(self, pair: str, timeframe: Timeframe) -> Coverage:
        """Say which candles there are."""
        newer = await self.tail.pair_rows(timeframe, pair, BEGINNING, END)
        return await asyncio.to_thread(self._coverage, pair, timeframe, newer)

    def _coverage(self, pair: str, timeframe: Timeframe, newer: pl.DataFrame) -> Coverage:
        periods = self.partitions.periods(timeframe, pair)
        sealed = [self.partitions.rows(timeframe, pair, period)["time"] for period in periods]
        return covered(pl.concat([newer["time"], *sealed]), timeframe)

    async def close(self) -> None:
        """Close the tail."""
        await self.tail.close()


def _by_pair(window: pl.DataFrame) -> dict[str, pl.DataFrame]:
    parts = window.partition_by("pair", as_dict=True)
    return {str(key[0]): rows.drop("pair").sort("time") for key, rows in parts.items()}


def covered(times: pl.Series, timeframe: Timeframe) -> Coverage:
    """Say which candles there are, from their open times in any order, repeated or not."""
    micros = np.unique(times.to_physical().to_numpy())
    if not micros.size:
        return Coverage()
    length = timeframe.minutes * 60_000_000
    gaps = tuple(
        CandleGap(from_micros(int(micros[at]) + length), from_micros(int(micros[at + 1])))
        for at in np.flatnonzero(np.diff(micros) > length)
    )
    return Coverage(from_micros(int(micros[0])), from_micros(int(micros[-1])), int(micros.size), gaps)
