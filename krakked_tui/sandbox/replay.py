"""Recorded candles for the local exchange: a directory of Kraken's own OHLCVT files.

Files are named ``<pair>_1.csv`` after the alternate name (``XBTUSD_1.csv``) and have no header. A row
is ``unix second, open, high, low, close, volume, trades`` of a minute that traded, oldest first.
"""

import re
from array import array
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

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

_NUMBER: Final = r"([0-9]{1,15}(?:\.[0-9]{0,20})?(?:[eE]-[0-9]{1,2})?)"
_ROW: Final = re.compile(rf"([0-9]{{1,11}}),{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER},([0-9]{{1,9}})")
_LINE_MAX: Final = 300
_UNITS_MAX: Final = 2**62


def load_replay(directory: Path, catalog: Catalog, start: datetime, *, seed: int = 0) -> ReplayMarket:
    """Read the one-minute files of listed pairs; the earliest row of them all plays at ``start``.

    Prices are snapped to the pair's tick and volumes to its lot (at least one), so old files with
    more decimals, and rows with a float's noise, can be played. Minutes not in a file are empty.
    Raises ``UsageError`` when there is no file to play, or for the first row that makes no sense.
    """
    found: dict[str, Recording] = {}
    rows = 0
    for instrument in catalog.instruments:
        path = directory / f"{instrument.name}_1.csv"
        if path.is_file():
            found[instrument.name] = _read(path, instrument, ROWS_MAX - rows)
            rows += len(found[instrument.name].minute)
    if not found:
        raise UsageError(
            f"--replay {directory}: there is no file to play. One-minute files of listed pairs are needed, "
            "named like XBTUSD_1.csv."
        )
    ahead = micros_of(start) // MINUTE_MICROS - min(int(recording.minute[0]) for recording in found.values())
    end = micros_of(END_OF_TIME) // MINUTE_MICROS
    moved = {name: _moved(recording, ahead, end) for name, recording in found.items()}
    return ReplayMarket(seed, catalog.instruments, moved)


def _moved(recording: Recording, ahead: int, end: int) -> Recording:
    """Let a recording play earlier or later; what would come after the end of time is left out."""
    minutes = recording.minute + ahead
    kept = max(1, int(np.searchsorted(minutes, end)))
    others = (getattr(recording, name)[:kept] for name in recording.__struct_fields__[1:])
    return Recording(minutes[:kept], *others)


def _read(path: Path, instrument: Instrument, rows_left: int) -> Recording:
    columns = [array("q") for _ in Recording.__struct_fields__]
    try:
        for bar in _bars(path, lot_grid(instrument)):
            if len(columns[0]) >= rows_left:
                raise UsageError(
                    f"--replay {path.parent}: more than {ROWS_MAX} rows; play fewer files or less."
                )
            values = (bar.minute, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trades)
            for column, value in zip(columns, values, strict=True):
                column.append(value)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--replay {path}: the file cannot be read as text ({error}).") from error
    if not columns[0]:
        raise UsageError(f"--replay {path}: the file has no rows with trades.")
    return Recording(*(_ints(column) for column in columns))


def _bars(path: Path, grid: Grid) -> Iterator[Bar]:
    """Read the candles of a file, or raise ``UsageError`` at its first bad line."""
    previous = -1
    with path.open(encoding="ascii", newline=None) as file:
        number = 0
        while line := file.readline(_LINE_MAX):
            number += 1
            text = line.strip()
            if not text:
                continue
            try:
                bar = _bar(text, grid, previous)
            except ValueError as error:
                raise UsageError(f"--replay {path}: line {number} cannot be played: {error}.") from error
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
