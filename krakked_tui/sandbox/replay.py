"""Recorded candles for the local exchange: Kraken's own OHLCVT files, or a candle store of ours.

Files are named ``<pair>_1.csv`` after the alternate name (``XBTUSD_1.csv``) and have no header. A row
is ``unix second, open, high, low, close, volume, trades`` of a minute that traded, oldest first. A
candle store is a ``tail.db``, of which the one-minute rows are read and nothing is written.
"""

import heapq
import re
import sqlite3
from array import array
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from krakked_tui.domain.errors import UsageError
from krakked_tui.domain.precision import at_scale
from krakked_tui.sandbox.catalog import Catalog
from krakked_tui.sandbox.clock import END_OF_TIME, micros_of
from krakked_tui.sim.bars import Bar
from krakked_tui.sim.instruments import Grid, Instrument
from krakked_tui.sim.noise import Ints
from krakked_tui.sim.replay import Recording, ReplayMarket, lot_grid, possible
from krakked_tui.sim.tape import MINUTE_MICROS

ROWS_MAX: Final = 10_000_000
"""Rows of all files together: about 560 MB of memory."""

STORE: Final = "tail.db"
"""The file a candle store keeps its rows in."""

_PAIRS: Final = "SELECT DISTINCT pair FROM candles WHERE timeframe = '1m' ORDER BY pair"
_ROWS: Final = (
    "SELECT time, open, high, low, close, volume, trades FROM candles "
    "WHERE timeframe = '1m' AND pair = ? ORDER BY time"
)

_NUMBER: Final = r"([0-9]{1,15}(?:\.[0-9]{0,20})?(?:[eE]-[0-9]{1,2})?)"
_ROW: Final = re.compile(rf"([0-9]{{1,11}}),{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER},([0-9]{{1,9}})")
_LINE_MAX: Final = 300
_PRICES: Final = ("open", "high", "low", "close", "volume")
_SEALED: Final = "1m"
"""The directory of a store that has a directory of partitions for each pair."""
_Row = tuple[Any, ...]
_UNITS_MAX: Final = 2**62


def load_replay(directory: Path, catalog: Catalog, start: datetime, *, seed: int = 0) -> ReplayMarket:
    """Read the one-minute rows of listed pairs, from files or, where there are none, from a candle store.

    With ``start`` between the first and the last row of them all, rows play at their own times, and
    those before it are history; otherwise the first one plays at ``start`` and the others keep their
    distance. Prices are snapped to the pair's tick and volumes to its lot (at least one), so old files
    with more decimals, and rows with a float's noise, can be played. Minutes without a row are empty.
    Raises ``UsageError`` when there is nothing to play, or for the first row that makes no sense.
    """
    found = _from_files(directory, catalog) or _from_store(directory / STORE, catalog)
    if not found:
        raise UsageError(
            f"--replay {directory}: there is no file to play. One-minute files of listed pairs are needed, "
            f"named like XBTUSD_1.csv, or a candle store with one-minute rows of them ({STORE})."
        )
    first = min(int(recording.minute[0]) for recording in found.values())
    last = max(int(recording.minute[-1]) for recording in found.values())
    started, end = (micros_of(at) // MINUTE_MICROS for at in (start, END_OF_TIME))
    ahead = 0 if first <= started <= last else started - first
    moved = {name: _moved(recording, ahead, end) for name, recording in found.items()}
    return ReplayMarket(seed, catalog.instruments, moved)


def _from_files(directory: Path, catalog: Catalog) -> dict[str, Recording]:
    found: dict[str, Recording] = {}
    rows = 0
    for instrument in catalog.instruments:
        path = directory / f"{instrument.name}_1.csv"
        if path.is_file():
            found[instrument.name] = _read_file(path, instrument, ROWS_MAX - rows)
            rows += len(found[instrument.name].minute)
    return found


def _from_store(path: Path, catalog: Catalog) -> dict[str, Recording]:
    """Read a candle store; pairs that are not listed, and those that never traded, are left out."""
    if not path.is_file():
        return {}
    grids = {instrument.name: lot_grid(instrument) for instrument in catalog.instruments}
    found: dict[str, Recording] = {}
    rows = 0
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            for pair in _pairs(database, path.parent):
                listing = catalog.find(pair)
                if listing is None or listing.name in found:
                    continue
                lines = _lines(database, path.parent, pair)
                place = f"{path} ({pair})"
                recording = _recorded(_bars(lines, grids[listing.name], place), path.parent, ROWS_MAX - rows)
                if recording is not None:
                    found[listing.name] = recording
                    rows += len(recording.minute)
    except sqlite3.Error as error:
        raise UsageError(f"--replay {path}: the candle store cannot be read ({error}).") from error
    return found


def _pairs(database: sqlite3.Connection, directory: Path) -> list[str]:
    """Name the pairs of a store, those whose rows have all been sealed among them."""
    sealed = {path.parent.name for path in directory.glob(f"{_SEALED}/*/*.parquet")}
    return sorted(sealed | {str(pair) for (pair,) in database.execute(_PAIRS)})


def _lines(database: sqlite3.Connection, directory: Path, pair: str) -> Iterator[str]:
    """Spell the rows of a store like those of a file: what it sealed, and its tail, which is newer."""
    tail: list[_Row] = database.execute(_ROWS, (pair,)).fetchall()
    rows = heapq.merge(_sealed(directory / _SEALED / pair), tail, key=_time)
    for micros, same in groupby(rows, key=_time):
        *_, (_micros, *values) = same  # the tail's, which corrects what was sealed
        second = micros // 1_000_000 if isinstance(micros, int) and not micros % 1_000_000 else micros
        yield ",".join(str(value) for value in (second, *values))


def _time(row: _Row) -> Any:  # noqa: ANN401 - whatever the file holds
    return row[0]


def _sealed(directory: Path) -> Iterator[_Row]:
    """Read the partitions of one pair, oldest first."""
    for path in sorted(directory.glob("*.parquet")):
        try:
            frame = pl.read_parquet(path)  # noqa: TID251 - a recording, not a store of ours to keep
            values = (pl.col(name).cast(pl.Float64) for name in _PRICES)
            rows = frame.select(pl.col("time").dt.epoch("us"), *values, "trades").rows()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise UsageError(f"--replay {path}: the partition cannot be read: {error}.") from error
        yield from rows


def _moved(recording: Recording, ahead: int, end: int) -> Recording:
    """Let a recording play earlier or later; what would come after the end of time is left out."""
    minutes = recording.minute + ahead
    kept = max(1, int(np.searchsorted(minutes, end)))
    others = (getattr(recording, name)[:kept] for name in recording.__struct_fields__[1:])
    return Recording(minutes[:kept], *others)


def _read_file(path: Path, instrument: Instrument, rows_left: int) -> Recording:
    try:
        with path.open(encoding="ascii", newline=None) as file:
            lines = iter(lambda: file.readline(_LINE_MAX), "")
            recording = _recorded(_bars(lines, lot_grid(instrument), str(path)), path.parent, rows_left)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--replay {path}: the file cannot be read as text ({error}).") from error
    if recording is None:
        raise UsageError(f"--replay {path}: the file has no rows with trades.")
    return recording


def _recorded(bars: Iterable[Bar], directory: Path, rows_left: int) -> Recording | None:
    columns = [array("q") for _ in Recording.__struct_fields__]
    for bar in bars:
        if len(columns[0]) >= rows_left:
            raise UsageError(f"--replay {directory}: more than {ROWS_MAX} rows; play fewer pairs or less.")
        values = (bar.minute, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trades)
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    return Recording(*(_ints(column) for column in columns)) if columns[0] else None


def _bars(lines: Iterable[str], grid: Grid, place: str) -> Iterator[Bar]:
    """Read the candles of one pair, or raise ``UsageError`` at the first bad line of ``place``."""
    previous = -1
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            continue
        try:
            bar = _bar(text, grid, previous)
        except ValueError as error:
            raise UsageError(f"--replay {place}: line {number} cannot be played: {error}.") from error
        previous = bar.minute
        if bar.trades:
            yield bar


def _bar(text: str, grid: Grid, previous: int) -> Bar:
    """Read one row; ``previous`` is the minute of the one before it."""
    row = _ROW.fullmatch(text)
    if row is None:
        raise ValueError("a row is unix second, open, high, low, close, volume, trades, with plain numbers")
    second, opened, high, low, close, volume, trades = row.groups()
    minute, rest = divmod(int(second), 60)
    if rest:
        raise ValueError(f"{second} is not the start of a minute: only one-minute files can be played")
    if minute <= previous:
        raise ValueError("its time is not after that of the row before")
    count, units = int(trades), _units(volume, grid.volume_decimals)
    if not count and units:
        raise ValueError("it has a volume but no trades")
    bar = Bar(
        minute=minute,
        open=_ticks(opened, grid),
        high=_ticks(high, grid),
        low=_ticks(low, grid),
        close=_ticks(close, grid),
        volume=max(units, 1) if count else 0,
        notional=0,
        trades=count,
    )
    if max(bar.open, bar.high, bar.low, bar.close, bar.volume) > _UNITS_MAX:
        raise ValueError("a number is too large")
    if count and not possible(bar):
        raise ValueError("its prices contradict each other, or it has too few trades to reach them all")
    return bar


def _ticks(price: str, grid: Grid) -> int:
    """Snap a price to the nearest tick."""
    if grid.ulps_per_tick == 1:
        return _units(price, grid.price_decimals)
    return int(at_scale(Decimal(price) / grid.tick, 0))


def _units(number: str, decimals: int) -> int:
    """Return a number in units of its last decimal, rounded only where it has more of them."""
    whole, _, fraction = number.partition(".")
    if len(fraction) <= decimals and number.isascii() and (whole + fraction).isdigit():
        return int(whole + fraction.ljust(decimals, "0"))
    return int(at_scale(Decimal(number), decimals).scaleb(decimals))


def _ints(column: "array[int]") -> Ints:
    return np.frombuffer(column, dtype=np.int64)
