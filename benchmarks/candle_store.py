"""The candle store against naive month files, SQLite and DuckDB (if it is installed), on the same bars.

500 pairs of one-minute bars, as many whole months as KRAKKED_BENCH_MONTHS says (1 by default, and then
the disk of a year is extrapolated) and, for ours, a tail as it is half way between two compactions.
Written to the directory for temporary files: about 1 GB for each month. Eight different random walks are
used in turn, so that the files of different pairs compress as badly as real ones.
"""

import asyncio
import json
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.market.settings import CandleStoreSettings
from krakked_tui.storage.candle_store.layout import period_of
from krakked_tui.storage.candle_store.merging import ROW_SCHEMA
from krakked_tui.storage.candle_store.parquet_format import ParquetFormat
from krakked_tui.storage.candle_store.partitions import Partitions
from krakked_tui.storage.candles import open_to_write
from krakked_tui.storage.rows import to_micros

MONTHS = int(os.environ.get("KRAKKED_BENCH_MONTHS", "1"))
PAIRS = [f"P{number:03}USD" for number in range(500)]
WALKS = 8
TAIL_BARS = 4_000
RUNS = 15
SLOW_RUNS = 5
ROWS_OF_A_YEAR = 500 * 525_600
BYTES_OF_A_ROW = 72
"""Nine columns of eight bytes: what write amplification is measured against."""

M1 = Timeframe.M1
MINUTE = timedelta(minutes=1)
START = datetime(2025, 1, 1, tzinfo=UTC)


class Contender(Protocol):
    """Somebody who keeps candles."""

    async def append(self, minute: pl.DataFrame) -> None: ...
    async def last_of_one(self, pair: str, bars: int) -> pl.DataFrame: ...
    async def last_of_all(self, bars: int) -> pl.DataFrame: ...


def _walk(bars: int, seed: int) -> pl.DataFrame:
    """One pair: a random walk with wandering volatility, prices in ticks, volumes with eight decimals."""
    rng = np.random.default_rng(seed)
    first = float(10 ** rng.uniform(-2, 4.5))
    places = max(1, 5 - int(np.log10(first)))
    shocks = rng.standard_normal(bars) * 0.02
    level = np.convolve(shocks, 0.999 ** np.arange(2_000))[:bars]
    moves = rng.standard_normal(bars) * 0.0008 * np.exp(level)
    close = first * np.exp(np.cumsum(moves) - np.linspace(0, 1, bars) * moves.sum() * 0.8)
    opened = np.concatenate([[first], close[:-1]])
    spread = np.abs(rng.standard_normal((2, bars))) * 0.0004 * np.exp(level)
    high = np.maximum(opened, close) * (1 + spread[0])
    low = np.minimum(opened, close) * (1 - spread[1])
    prices = {"open": opened, "high": high, "low": low, "close": close, "vwap": (high + low + close) / 3}
    start = to_micros(START)
    return pl.DataFrame(
        {
            "time": start + np.arange(bars) * 60_000_000,
            **{name: np.round(column, places) for name, column in prices.items()},
            "volume": np.round(rng.lognormal(0, 1.2, bars) * (1 + 5 * np.abs(moves) / 0.0008), 8),
            "trades": rng.poisson(20, bars),
        }
    ).select(pl.col(name).cast(kind) for name, kind in ROW_SCHEMA.items())


class Bars:
    """The data: history of every pair, and the minutes that close after it, one after the other."""

    def __init__(self) -> None:
        end = START
        for _ in range(MONTHS):
            end = (end + timedelta(days=32)).replace(day=1)
        self.bars = int((end - START) / MINUTE)
        extra = 2_000
        self._walks = [_walk(self.bars + extra, seed) for seed in range(WALKS)]
        self._extra = iter(range(self.bars, self.bars + extra))

    def history(self, pair: str, start: int = 0, end: int | None = None) -> pl.DataFrame:
        return self._walks[PAIRS.index(pair) % WALKS].slice(start, (end or self.bars) - start)

    def minutes(self, start: int, end: int) -> Iterator[pl.DataFrame]:
        for at in range(start, end):
            rows = pl.concat([walk.slice(at, 1) for walk in self._walks])
            places = [number % WALKS for number in range(len(PAIRS))]
            yield pl.concat([pl.DataFrame({"pair": PAIRS}), rows[places]], how="horizontal").cast(
                CANDLE_SCHEMA
            )

    def next_minute(self) -> pl.DataFrame:
        at = next(self._extra)
        return next(self.minutes(at, at + 1))


def candles_of(minute: pl.DataFrame) -> list[Candle]:
    return [Candle(timeframe=M1, **row) for row in minute.iter_rows(named=True)]


class Ours:
    """Partitions up to a cut, the tail behind it."""

    def __init__(self, root: Path, bars: Bars) -> None:
        self.root = root
        self._bars = bars
        self.sealed_rows = self.sealed_bytes = 0

    def seal_history(self) -> None:
        """Write partitions as a compaction would; pairs with the same walk share the encoding."""
        cut = self._bars.bars - TAIL_BARS
        encoding = ParquetFormat()
        partitions = Partitions(self.root, encoding)
        for walk in range(WALKS):
            rows = self._bars.history(PAIRS[walk], 0, cut)
            while rows.height:
                period = period_of(M1, to_micros(rows["time"][0]))
                inside = pl.col("time").dt.timestamp("us") < period.end
                part = rows.filter(inside)
                content = encoding.encode(part)
                for pair in PAIRS[walk::WALKS]:
                    path = partitions.path(M1, pair, period)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                    self.sealed_bytes += len(content)
                    self.sealed_rows += part.height
                rows = rows.filter(~inside)

    async def open(self) -> None:
        self.store = await open_to_write(self.root, CandleStoreSettings())

    async def fill_tail(self) -> None:
        batch: list[Candle] = []
        for minute in self._bars.minutes(self._bars.bars - TAIL_BARS, self._bars.bars):
            batch += candles_of(minute)
            if len(batch) >= 50_000:
                await self.store.append(batch)
                batch.clear()
        await self.store.append(batch)

    async def append(self, minute: pl.DataFrame) -> None:
        await self.append_candles(candles_of(minute))

    async def append_candles(self, candles: list[Candle]) -> None:
        assert await self.store.append(candles) == len(candles)

    async def last_of_one(self, pair: str, bars: int) -> pl.DataFrame:
        return await self.store.read(pair, M1, limit=bars)

    async def last_of_all(self, bars: int) -> pl.DataFrame:
        return await self.store.read_many(PAIRS, M1, bars)


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
        for pair in PAIRS:
            rows = bars.history(pair).with_columns(pl.col("time").to_physical()).rows()
            self._write([(pair, *row) for row in rows])
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


class DuckDb:
    """One table, rows in the order they came."""

    def __init__(self, duckdb: ModuleType, root: Path, bars: Bars) -> None:
        self._database = duckdb.connect(str(root / "candles.duckdb"))
        self._database.execute(
            "CREATE TABLE candles (pair VARCHAR, time BIGINT, open DOUBLE, high DOUBLE, low DOUBLE,"
            " close DOUBLE, volume DOUBLE, vwap DOUBLE, trades BIGINT)"
        )
        step = 1_440
        for at in range(0, bars.bars, step):
            rows = pl.concat(  # noqa: F841 - DuckDB finds it by name
                bars.history(pair, at, at + step).select(
                    pl.lit(pair).alias("pair"), pl.col("time").to_physical(), pl.exclude("time")
                )
                for pair in PAIRS
            ).to_arrow()
            self._database.execute("INSERT INTO candles SELECT * FROM rows")
        self._since = to_micros(START) + bars.bars * 60_000_000

    async def append(self, minute: pl.DataFrame) -> None:
        rows = minute.with_columns(pl.col("time").to_physical()).to_arrow()  # noqa: F841
        self._database.execute("INSERT INTO candles SELECT * FROM rows")

    async def last_of_one(self, pair: str, bars: int) -> pl.DataFrame:
        sql = "SELECT * FROM candles WHERE pair = ? AND time >= ? ORDER BY time DESC LIMIT ?"
        found: pl.DataFrame = self._database.execute(sql, [pair, self._recent(bars), bars]).pl()
        return found

    async def last_of_all(self, bars: int) -> pl.DataFrame:
        sql = (
            "SELECT * FROM candles WHERE time >= ?"
            " QUALIFY row_number() OVER (PARTITION BY pair ORDER BY time DESC) <= ?"
        )
        found: pl.DataFrame = self._database.execute(sql, [self._recent(bars), bars]).pl()
        return found

    def _recent(self, bars: int) -> int:
        return self._since - 2 * bars * 60_000_000

    def close(self) -> None:
        self._database.close()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _written() -> int:
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0


def _milliseconds(times: list[float]) -> float:
    return round(statistics.median(times) * 1_000, 2)


async def _figures(contender: Contender, bars: Bars, runs: int) -> dict[str, float]:
    appends, ones, alls = list[float](), list[float](), list[float]()
    for run in range(runs):
        minute = bars.next_minute()
        given = candles_of(minute) if isinstance(contender, Ours) else minute
        start = time.perf_counter()
        if isinstance(contender, Ours) and isinstance(given, list):
            await contender.append_candles(given)
        else:
            await contender.append(minute)
        appends.append(time.perf_counter() - start)
        start = time.perf_counter()
        one = await contender.last_of_one(PAIRS[run * 7], 500)
        ones.append(time.perf_counter() - start)
        start = time.perf_counter()
        every = await contender.last_of_all(200)
        alls.append(time.perf_counter() - start)
        assert (one.height, every.height) == (500, 200 * len(PAIRS))
    return {
        "append_minute_of_500_pairs_ms": _milliseconds(appends),
        "append_slowest_ms": round(max(appends) * 1_000, 2),
        "last_500_bars_of_one_pair_ms": _milliseconds(ones),
        "last_200_bars_of_500_pairs_ms": _milliseconds(alls),
    }


async def _ours(root: Path, bars: Bars) -> dict[str, object]:
    ours = Ours(root, bars)
    ours.seal_history()
    await ours.open()
    await ours.fill_tail()
    await ours.store.close()
    tail = (root / "tail.db").stat().st_size
    start = time.perf_counter()
    await ours.open()
    opened = time.perf_counter()
    await ours.last_of_one(PAIRS[250], 500)
    one = time.perf_counter()
    await ours.last_of_all(200)
    every = time.perf_counter()
    minute = candles_of(bars.next_minute())
    first = time.perf_counter()
    await ours.append_candles(minute)
    cold = {
        "open_ms": round((opened - start) * 1_000, 1),
        "last_500_bars_of_one_pair_ms": round((one - opened) * 1_000, 1),
        "last_200_bars_of_500_pairs_ms": round((every - one) * 1_000, 1),
        "first_append_ms": round((time.perf_counter() - first) * 1_000, 1),
    }
    warm = await _figures(ours, bars, RUNS)
    appended = 240
    minutes = [candles_of(bars.next_minute()) for _ in range(appended)]
    before = _written()
    for minute in minutes:
        await ours.append_candles(minute)
    await ours.store.close()  # what is still in the log goes into the file, and counts
    amplification = (_written() - before) / (appended * len(PAIRS) * BYTES_OF_A_ROW)
    await ours.open()
    compaction = await _compaction(ours)
    await ours.store.close()
    return {
        **warm,
        "after_opening": cold,
        "write_amplification": round(amplification, 2),
        "compaction": compaction,
        "bytes_per_sealed_row": round(ours.sealed_bytes / ours.sealed_rows, 2),
        "disk_of_a_year_gb": round(ours.sealed_bytes / ours.sealed_rows * ROWS_OF_A_YEAR / 1e9, 2),
        "tail_mb": round(tail / 1e6, 1),
    }


async def _compaction(ours: Ours) -> dict[str, float]:
    """Seal what a month's end seals, in the background, while minutes go on being appended."""
    delays = list[float]()
    rows, before, start = 0, _written(), time.perf_counter()

    async def watch_the_loop() -> None:
        while True:
            at = time.perf_counter()
            await asyncio.sleep(0.01)
            delays.append(time.perf_counter() - at - 0.01)

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch_the_loop())
        more = True
        while more:
            done = await ours.store.compact(everything=True)
            rows, more = rows + done.rows, done.more
        watching.cancel()
    took = time.perf_counter() - start
    findings = await ours.store.verify() if MONTHS == 1 else ()
    assert not findings, findings[0]
    return {
        "rows": rows,
        "seconds": round(took, 1),
        "bytes_written_per_byte_of_rows": round((_written() - before) / (rows * BYTES_OF_A_ROW), 2),
        "longest_delay_of_the_loop_ms": round(max(delays) * 1_000, 1),
        "median_delay_of_the_loop_ms": _milliseconds(delays),
    }


async def _peer(make: Callable[[Path, Bars], Any], bars: Bars, runs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        contender = make(Path(directory), bars)
        figures = await _figures(contender, bars, runs)
        if hasattr(contender, "close"):
            contender.close()
        return figures


async def measure() -> dict[str, object]:
    """Milliseconds of everyone, and what ours takes besides."""
    random.seed(1)
    bars = Bars()
    with tempfile.TemporaryDirectory() as directory:
        ours = await _ours(Path(directory), bars)
    peers: dict[str, object] = {"duckdb": "not installed: left out"}
    with suppress(ImportError):
        duckdb = import_module("duckdb")
        peers["duckdb"] = await _peer(lambda root, bars: DuckDb(duckdb, root, bars), bars, RUNS)
    peers["sqlite"] = await _peer(Sqlite, bars, RUNS)
    peers["month files, rewritten"] = await _peer(MonthFiles, bars, SLOW_RUNS)
    return {
        "scale": (
            f"{len(PAIRS)} pairs x {bars.bars} one-minute bars ({MONTHS} of 12 months), tail {TAIL_BARS} bars"
        ),
        "runs": RUNS,
        "ours": ours,
        "peers": peers,
        "budget": {
            "append_minute_of_500_pairs_ms": 15,
            "last_500_bars_of_one_pair_ms": 2,
            "last_200_bars_of_500_pairs_ms": 60,
            "write_amplification": 3,
            "disk_of_a_year_gb": 6.5,
        },
    }
