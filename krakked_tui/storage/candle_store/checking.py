"""The invariants of a store, checked."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.ports import Finding
from krakked_tui.storage.candle_store.layout import pair_named, period_named
from krakked_tui.storage.candle_store.merging import VALUES
from krakked_tui.storage.candle_store.partitions import Partitions
from krakked_tui.storage.candle_store.tail import TailReader
from krakked_tui.storage.rows import to_micros

FINDINGS_MAX: Final = 1_000
_WINDOW_BARS: Final = 500

_PRICES = [pl.col(name) for name in ("open", "high", "low", "close", "vwap")]
_SENSIBLE: Final = pl.all_horizontal(
    *(column.is_finite() & (column >= 0) for column in (*_PRICES, pl.col("volume"))),
    pl.col("trades") >= 0,
    pl.col("low") <= pl.min_horizontal("open", "close"),
    pl.col("high") >= pl.max_horizontal("open", "close"),
)


class Checker:
    """Checks one store, off the event loop."""

    def __init__(self, tail: TailReader, partitions: Partitions) -> None:
        self._tail = tail
        self._partitions = partitions

    async def findings(self, partial: Sequence[Path] = ()) -> Sequence[Finding]:
        """Return what is wrong, ``FINDINGS_MAX`` of it at most; ``partial`` are files left half written."""
        found = [Finding(str(path), "it was left half written") for path in partial]
        for timeframe in Timeframe:
            found += await self._in_tail(timeframe)
            directories = await asyncio.to_thread(_entries, self._partitions.root / timeframe.value)
            for directory in directories:
                if len(found) >= FINDINGS_MAX:
                    return found[:FINDINGS_MAX]
                found += await self._in_directory(timeframe, directory)
        return found[:FINDINGS_MAX]

    async def _in_tail(self, timeframe: Timeframe) -> list[Finding]:
        """Check that the tail's rows make sense; its keys are unique by construction."""
        found: list[Finding] = []
        try:
            start, newest = await self._tail.oldest(timeframe), await self._tail.newest(timeframe)
            while start is not None and newest is not None and start <= newest:
                end = start + _WINDOW_BARS * timeframe.minutes * 60_000_000
                rows = await self._tail.window(timeframe, start, end)
                found += await asyncio.to_thread(_senseless, f"tail, {timeframe.value}", rows)
                start = end
        except StorageError as error:
            found.append(Finding(f"tail, {timeframe.value}", str(error)))
        return found

    async def _in_directory(self, timeframe: Timeframe, directory: Path) -> list[Finding]:
        pair = pair_named(directory.name)
        if pair is None or not await asyncio.to_thread(directory.is_dir):
            return [Finding(str(directory), "it is not the directory of a pair")]
        try:
            found, sealed = await asyncio.to_thread(self._in_partitions, timeframe, pair, directory)
            if sealed.height:
                start, end = to_micros(sealed["time"][0]), to_micros(sealed["time"][-1]) + 1
                rows = await self._tail.pair_rows(timeframe, pair, start, end)
                found += await asyncio.to_thread(_outdated, directory, rows, sealed)
        except StorageError as error:
            return [Finding(str(directory), str(error))]
        return found

    def _in_partitions(
        self, timeframe: Timeframe, pair: str, directory: Path
    ) -> tuple[list[Finding], pl.DataFrame]:
        """Check a pair's files; return all their rows too."""
        suffix = self._partitions.spelling.suffix
        found: list[Finding] = []
        frames = []
        for path in _entries(directory):
            name = path.name.removesuffix(suffix)
            period = period_named(timeframe, name) if path.name.endswith(suffix) else None
            if period is None or not path.is_file():
                found.append(Finding(str(path), "it is no partition of this timeframe"))
                continue
            try:
                rows = self._partitions.rows(timeframe, pair, period)
            except StorageError as error:
                found.append(Finding(str(path), str(error)))
                continue
            frames.append(rows)
            found += _senseless(str(path), rows)
        return found, pl.concat([CANDLE_SCHEMA.to_frame().drop("pair"), *frames])


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _senseless(place: str, rows: pl.DataFrame) -> Iterator[Finding]:
    bad = rows.filter(~_SENSIBLE)
    if bad.height:
        first = bad["time"][0].isoformat()
        yield Finding(place, f"{bad.height} rows make no sense, the first at {first}")


def _outdated(directory: Path, rows: pl.DataFrame, sealed: pl.DataFrame) -> Iterator[Finding]:
    """Find rows of the tail that are less complete than the sealed ones they stand beside."""
    old = sealed.rename({name: f"old_{name}" for name in VALUES})
    losing = rows.join(old, on="time").filter(
        (pl.col("trades") < pl.col("old_trades")) | (pl.col("volume") < pl.col("old_volume"))
    )
    if losing.height:
        first = losing["time"][0].isoformat()
        yield Finding(
            str(directory), f"{losing.height} rows in the tail are out of date, the first at {first}"
        )
