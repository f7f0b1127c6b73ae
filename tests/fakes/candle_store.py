"""A candle store in memory."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from math import isfinite

import msgspec
import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.market.frames import frame_of, supersedes
from krakked_tui.ports import CandleGap, Compacted, Coverage, Finding


class MemoryCandleStore:
    """``ports.CandleStore`` in memory. With ``failure`` set, appends are refused with that sentence."""

    def __init__(self, candles: Iterable[Candle] = ()) -> None:
        self.failure = ""
        self._closed = False
        self._candles: dict[tuple[str, Timeframe, datetime], Candle] = {}
        for candle in candles:
            self._store(candle)

    async def append(self, candles: Sequence[Candle]) -> int:
        self._check_open()
        if self.failure:
            raise StorageError(self.failure)
        for candle in candles:
            if not all(map(isfinite, msgspec.structs.astuple(candle)[3:])):
                raise StorageError(f"{candle} has a number that is not finite")
            if not candle.pair:
                raise StorageError(f"{candle} has no pair")
        return sum([self._store(candle) for candle in candles])

    async def read(
        self,
        pair: str,
        timeframe: Timeframe,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        self._check_open()
        found = [
            candle
            for candle in self._series(pair, timeframe)
            if (start is None or candle.time >= start) and (end is None or candle.time < end)
        ]
        return frame_of(found if limit is None else found[max(len(found) - limit, 0) :])

    async def read_many(self, pairs: Sequence[str], timeframe: Timeframe, lookback: int) -> pl.DataFrame:
        self._check_open()
        return frame_of(
            candle
            for pair in sorted(set(pairs))
            for candle in self._series(pair, timeframe)[-lookback:]
            if lookback > 0
        )

    async def last_time(self, pair: str, timeframe: Timeframe) -> datetime | None:
        self._check_open()
        series = self._series(pair, timeframe)
        return series[-1].time if series else None

    async def coverage(self, pair: str, timeframe: Timeframe) -> Coverage:
        self._check_open()
        series = self._series(pair, timeframe)
        if not series:
            return Coverage()
        gaps = tuple(CandleGap(a.end, b.time) for a, b in pairwise(series) if b.time > a.end)
        return Coverage(series[0].time, series[-1].time, len(series), gaps)

    async def verify(self) -> Sequence[Finding]:
        self._check_open()
        return ()

    async def compact(self, *, partitions: int = 64, everything: bool = False) -> Compacted:
        self._check_open()
        return Compacted()

    async def close(self) -> None:
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("the candle store is closed")

    def _store(self, candle: Candle) -> bool:
        key = (candle.pair, candle.timeframe, candle.time)
        known = self._candles.get(key)
        if known is not None and (known == candle or not supersedes(candle, known)):
            return False
        self._candles[key] = candle
        return True

    def _series(self, pair: str, timeframe: Timeframe) -> list[Candle]:
        found = [c for c in self._candles.values() if c.pair == pair and c.timeframe is timeframe]
        return sorted(found, key=lambda candle: candle.time)
