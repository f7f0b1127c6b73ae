"""Other ways to keep candles: Parquet files rewritten for every minute, SQLite, DuckDB."""

import json
import os
import sqlite3
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from benchmarks.candle_bars import PAIRS, START, WALKS, Bars
from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.storage.rows import to_micros


class Contender(Protocol):
    """Somebody who keeps candles."""

    async def append(self, minute: pl.DataFrame) -> None: ...
    async def last_of_one(self, pair: str, bars: int) -> pl.DataFrame: ...
    async def last_of_all(self, bars: int) -> pl.DataFrame: ...


class MonthFiles:
    """One Parquet file for each pair and month, rewritten for every minute; only the last month is made."""

    def __init__(self, root: Path, bars: Bars) -> None:
        self._root = root
        for pair in PAIRS:
            bars.history(pair, max(0, bars.bars - 31 * 1440)).write_parquet(root / pair)

    async def append(self, minute: pl.DataFrame) -> None:
        for row in minute.partition_by("pair", maintain_order=True):
            path = self._root / row["pair"][0]
            rows = pl.read_parquet(path.read_bytes())  # noqa: TID251 - a peer of the storage
            partial = path.with_suffix(".tmp")
            pl.concat([rows, row.drop("pair")]).write_parquet(partial)
            _sync(partial)
            partial.replace(path)

    async def last_of_one(self, pair: str, bars: int) -> pl.DataFrame:
        return pl.scan_parquet(self._root / pair).tail(bars).collect()  # noqa: TID251

    async def last_of_all(self, bars: int) -> pl.DataFrame:
        frames = [await self.last_of_one(pair, bars) for pair in PAIRS]
        return pl.concat(
            frame.with_columns(pair=pl.lit(pair)) for pair, frame in zip(PAIRS, frames, strict=True)
        )


class Sqlite:
    """One table by pair and time, as everybody would make it."""

    def __init__(self, root: Path, bars: Bars) -> None:
        self._database = sqlite3.connect(root / "candles.db", isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
            "CREATE TABLE candles (pair TEXT, time INTEGER, open REAL, high REAL, low REAL, close REAL,"
            " volume REAL, vwap REAL, trades INTEGER, PRIMARY KEY (pair, time)) WITHOUT ROWID;"
        )
        for number, pair in enumerate(PAIRS):
            if number < WALKS:
                rows = bars.history(pair).with_columns(pl.col("time").to_physical()).rows()
                self._write([(pair, *row) for row in rows])
            else:  # the same walk again: a copy takes a third of the time
                sql = (
                    "INSERT INTO candles SELECT ?, time, open, high, low, close, volume, vwap, trades"
                    " FROM candles WHERE pair = ?"
                )
                self._database.execute(sql, (pair, PAIRS[number % WALKS]))
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.execute("PRAGMA synchronous = FULL")

    def _write(self, rows: list[tuple[Any, ...]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany("INSERT OR REPLACE INTO candles VALUES (?,?,?,?,?,?,?,?,?)", rows)
        self._database.execute("COMMIT")

    async def append(self, minute: pl.DataFrame) -> None:
        self._write(minute.with_columns(pl.col("time").to_physical()).rows())

    async def last_of_one(self, pair: str, bars: int) -> pl.DataFrame:
        return self._frame("SELECT * FROM candles WHERE pair = ? ORDER BY time DESC LIMIT ?", (pair, bars))

    async def last_of_all(self, bars: int) -> pl.DataFrame:
        sql = (
            "SELECT candles.* FROM (SELECT pair, (SELECT time FROM candles WHERE pair = pairs.pair"
            " ORDER BY time DESC LIMIT 1 OFFSET ?) AS oldest FROM"
            " (SELECT value AS pair FROM json_each(?)) AS pairs) AS span"
            " JOIN candles ON candles.pair = span.pair AND candles.time >= span.oldest"
        )
        return self._frame(sql, (bars - 1, json.dumps(PAIRS)))

    def _frame(self, sql: str, values: tuple[Any, ...]) -> pl.DataFrame:
        rows = self._database.execute(sql, values).fetchall()
        return pl.DataFrame(rows, schema=list(CANDLE_SCHEMA.names()), orient="row")

    def close(self) -> None:
        self._database.close()


class _ArrowStream:
    """A frame as DuckDB takes it without PyArrow: nothing but a stream of Arrow batches."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(schema)


class DuckDb:
    """One table, rows in the order they came."""

    def __init__(self, root: Path, bars: Bars) -> None:
        duckdb = import_module("duckdb")
        self._database = duckdb.connect(str(root / "candles.duckdb"))
        self._database.execute(
            "CREATE TABLE candles (pair VARCHAR, time BIGINT, open DOUBLE, high DOUBLE, low DOUBLE,"
            " close DOUBLE, volume DOUBLE, vwap DOUBLE, trades BIGINT)"
        )
        step = 1_440
        for at in range(0, bars.bars, step):
            day = [bars.history(pair, at, at + step).with_columns(pair=pl.lit(pair)) for pair in PAIRS]
            self._insert(pl.concat(day))
        self._database.execute("CHECKPOINT")
        self._since = to_micros(START) + bars.bars * 60_000_000

    def _insert(self, rows: pl.DataFrame) -> None:
        plain = rows.with_columns(pl.col("time").to_physical()).select(CANDLE_SCHEMA.names())
        incoming = _ArrowStream(plain)  # noqa: F841 - DuckDB finds it by name
        self._database.execute("INSERT INTO candles SELECT * FROM incoming")

    async def append(self, minute: pl.DataFrame) -> None:
        self._insert(minute)

    # With ORDER BY and LIMIT, or a window, DuckDB looks the rows up a second time, by their numbers, which
    # takes it several times as long as handing out what is recent: Polars takes the newest of that.

    async def last_of_one(self, pair: str, bars: int) -> pl.DataFrame:
        sql = "SELECT * FROM candles WHERE pair = ? AND time >= ?"
        return pl.DataFrame(self._database.sql(sql, params=[pair, self._recent(bars)])).tail(bars)

    async def last_of_all(self, bars: int) -> pl.DataFrame:
        rows = self._database.sql("SELECT * FROM candles WHERE time >= ?", params=[self._recent(bars)])
        newness = pl.col("time").rank("ordinal", descending=True).over("pair")
        return pl.DataFrame(rows).filter(newness <= bars)

    def _recent(self, bars: int) -> int:
        return self._since - 2 * bars * 60_000_000

    def close(self) -> None:
        self._database.close()


def duckdb_version() -> str | None:
    """Return which DuckDB is installed, None for none."""
    try:
        return version("duckdb")
    except PackageNotFoundError:
        return None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
