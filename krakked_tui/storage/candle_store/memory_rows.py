"""Rows of a tail in memory, by timeframe, pair and time."""

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.storage.candle_store.merging import ROW_SCHEMA, frame_of
from krakked_tui.storage.candle_store.tail import END
from krakked_tui.storage.rows import to_micros

Stamped = tuple[Candle, int]
"""A candle and the generation it was written in."""


class MemoryRows:
    """What a tail holds, in memory. Times are microseconds."""

    def __init__(self) -> None:
        self._rows: dict[Timeframe, dict[str, dict[int, Stamped]]] = {}

    def put(self, candles: Iterable[Candle], generation: int = 0) -> None:
        """Add rows, replacing those with the same key."""
        for candle in candles:
            series = self._rows.setdefault(candle.timeframe, {}).setdefault(candle.pair, {})
            series[to_micros(candle.time)] = (candle, generation)

    def clear(self) -> None:
        """Drop all rows."""
        self._rows.clear()

    def keep_newest(self, rows: int) -> None:
        """Drop all but so many of the newest rows of each pair."""
        for pairs in self._rows.values():
            for series in pairs.values():
                for time in sorted(series)[: max(0, len(series) - rows)]:
                    del series[time]

    def remove(self, timeframe: Timeframe, cut: int, generation: int, kept: Sequence[str]) -> None:
        """Drop rows before ``cut`` of this generation or earlier, but for the pairs ``kept``."""
        pairs = self._rows.get(timeframe, {})
        for pair in pairs.keys() - set(kept):
            left = {
                time: row for time, row in pairs[pair].items() if not (time < cut and row[1] <= generation)
            }
            pairs[pair] = left

    def pair_rows(
        self, timeframe: Timeframe, pair: str, start: int, end: int, limit: int | None = None,
        generation: int = END,
    ) -> pl.DataFrame:  # fmt: skip
        """Rows of one pair with ``start <= time < end``, ascending, the newest ``limit`` of them."""
        series = self._rows.get(timeframe, {}).get(pair, {})
        times = sorted(
            time for time, (_, written) in series.items() if start <= time < end and written <= generation
        )
        wanted = times if limit is None else times[max(0, len(times) - limit) :]
        return frame_of([series[time][0] for time in wanted]).select(ROW_SCHEMA.names())

    def window(self, timeframe: Timeframe, start: int, end: int) -> pl.DataFrame:
        """Rows of all pairs with ``start <= time < end`` as a candle frame."""
        return frame_of(
            [
                candle
                for series in self._rows.get(timeframe, {}).values()
                for time, (candle, _) in series.items()
                if start <= time < end
            ]
        )

    def newest_by_pair(self, timeframe: Timeframe) -> dict[str, int]:
        """Time of the newest row of each pair that has one."""
        return {pair: max(series) for pair, series in self._rows.get(timeframe, {}).items() if series}

    def newest(self, timeframe: Timeframe) -> int | None:
        """Time of the newest row of any pair."""
        return max(self.newest_by_pair(timeframe).values(), default=None)

    def oldest(self, timeframe: Timeframe) -> int | None:
        """Time of the oldest row of any pair."""
        return min((min(series) for series in self._rows.get(timeframe, {}).values() if series), default=None)

    def pairs_with_rows(self, timeframe: Timeframe, cut: int, generation: int) -> tuple[str, ...]:
        """Name the pairs that have rows before ``cut`` of this generation or earlier."""
        found = self._rows.get(timeframe, {}).items()
        return tuple(
            sorted(
                pair
                for pair, series in found
                if any(time < cut and written <= generation for time, (_, written) in series.items())
            )
        )

    def candles(self) -> Iterator[Candle]:
        """Yield everything, by timeframe, pair and time."""
        for timeframe in Timeframe:
            for _, series in sorted(self._rows.get(timeframe, {}).items()):
                for _, (candle, _) in sorted(series.items()):
                    yield candle
