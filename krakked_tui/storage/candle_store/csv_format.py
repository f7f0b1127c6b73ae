"""Partitions and the tail as plain text, for people who want to look at their files.

Numbers are spelled with the fewest digits that give back the same float. A partition has a header;
times are ISO 8601 in UTC.
"""

import io
from pathlib import Path
from typing import Final

import polars as pl

from krakked_tui.storage.candle_store.merging import ROW_SCHEMA
from krakked_tui.storage.candle_store.partitions import DamagedError

_TIME: Final = "%Y-%m-%dT%H:%M:%S%.6fZ"
_TEXT: Final = {name: pl.String() if name == "time" else kind for name, kind in ROW_SCHEMA.items()}
_HEADER: Final = ",".join(ROW_SCHEMA.names())


class CsvFormat:
    """``PartitionFormat`` for the csv backend."""

    suffix = ".csv"

    def encode(self, rows: pl.DataFrame) -> bytes:
        """Spell rows so that ``decode`` gives exactly them."""
        return rows.with_columns(pl.col("time").dt.strftime(_TIME)).write_csv().encode()

    def decode(self, content: bytes) -> pl.DataFrame:
        """Undo ``encode``. Raises ``DamagedError``."""
        if not content.startswith(f"{_HEADER}\n".encode()) or not content.endswith(b"\n"):
            raise DamagedError(f"its first line is not {_HEADER}, or its last one has no end")
        try:
            rows = pl.read_csv(io.BytesIO(content), schema=_TEXT, null_values=[])
            time = pl.col("time").str.to_datetime(_TIME, time_unit="us").dt.replace_time_zone("UTC")
            rows = rows.with_columns(time)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise DamagedError("a line of it cannot be read") from error
        if sum(rows.null_count().row(0)):
            raise DamagedError("it has empty cells")
        return rows

    def newest(self, path: Path) -> int | None:  # noqa: ARG002 - the protocol's
        """Tell nothing: the file has to be read."""
        return None
