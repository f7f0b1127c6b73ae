"""Partitions as Parquet: compressed, exact, guarded by a checksum, readable by any tool.

Prices and volume are decimals with as few places as give back exactly the same floats, which takes a
third less room than floats do; a column where no number of places does that stays as floats.
"""

import io
import re
import zlib
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from krakked_tui.storage.candle_store.merging import ROW_SCHEMA
from krakked_tui.storage.candle_store.partitions import DamagedError
from krakked_tui.storage.rows import to_micros

_FLOATS: Final = tuple(name for name, kind in ROW_SCHEMA.items() if kind == pl.Float64())
_PLACES_MAX: Final = 12
_DIGITS: Final = 18  # as many as a 64-bit integer holds
_EXACT: Final = 2.0**53
_LEVEL: Final = 5

# The checksum covers the whole file, with zeros in its own place. It is looked at before Polars is:
# a damaged page can make the decoder print a stack trace of its own.
_NOTE: Final = "rows={} last={} crc32={:08x}"
_NOTED: Final = re.compile(rb"rows=(\d+) last=(-?\d+) crc32=([0-9a-f]{8})")
_FOOTER_MAX: Final = 65_536
_UNSIGNED: Final = b"0" * 8


class ParquetFormat:
    """``PartitionFormat`` for the default backend."""

    suffix = ".parquet"

    def encode(self, rows: pl.DataFrame) -> bytes:
        """Spell rows so that ``decode`` gives exactly them."""
        last = to_micros(rows["time"][-1]) if rows.height else 0
        sink = io.BytesIO()
        rows.with_columns([_compact(rows[name]) for name in _FLOATS]).write_parquet(
            sink,
            compression="zstd",
            compression_level=_LEVEL,
            metadata={"krakked": _NOTE.format(rows.height, last, 0)},
        )
        content = sink.getvalue()
        noted = _noted(content)
        assert noted is not None
        return _signed(content, noted, f"{zlib.crc32(content):08x}".encode())

    def decode(self, content: bytes) -> pl.DataFrame:
        """Undo ``encode``; also reads files of other programs. Raises ``DamagedError``."""
        noted = _noted(content)
        if noted is not None and zlib.crc32(_signed(content, noted, _UNSIGNED)) != int(noted[3], 16):
            raise DamagedError("its checksum does not fit")
        try:
            rows = pl.read_parquet(content)  # noqa: TID251 - this is storage
            rows = rows.select(pl.col(name).cast(kind) for name, kind in ROW_SCHEMA.items())
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise DamagedError("it is not a Parquet file of candles") from error
        if sum(rows.null_count().row(0)):
            raise DamagedError("it has empty cells")
        return rows

    def newest(self, path: Path) -> int | None:
        """Read the last time from the footer, None when another program wrote the file."""
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - _FOOTER_MAX))
            noted = _noted(file.read())
        return int(noted[2]) if noted is not None and int(noted[1]) else None


def _noted(content: bytes) -> re.Match[bytes] | None:
    """Find our note in the footer, which ends the file."""
    return next(iter(_NOTED.finditer(content, max(0, len(content) - _FOOTER_MAX))), None)


def _signed(content: bytes, noted: re.Match[bytes], signature: bytes) -> bytes:
    return b"".join((content[: noted.start(3)], signature, content[noted.end(3) :]))


def _compact(column: pl.Series) -> pl.Series:
    """Return decimals equal to the floats to the last bit, or the floats."""
    places = _places(column.to_numpy())
    if places is None:
        return column
    decimals = column.cast(pl.Decimal(_DIGITS, places), strict=False)
    return decimals if decimals.cast(pl.Float64()).equals(column) else column


def _places(values: np.ndarray) -> int | None:
    """Return the fewest decimal places that give every value back, None when none do."""
    for places in range(_PLACES_MAX + 1):
        scale = 10.0**places
        scaled = np.rint(values * scale)
        if scaled.size and not np.abs(scaled).max() < _EXACT:
            return None
        # Both are whole and below 2**53, so the quotient is the float nearest to the decimal.
        if np.array_equal(scaled / scale, values):
            return places
    return None
