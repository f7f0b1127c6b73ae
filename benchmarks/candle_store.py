"""The candle store against month files rewritten, SQLite and DuckDB (extra ``bench``), on the same bars.

500 pairs of one-minute bars, as many whole months as KRAKKED_BENCH_MONTHS says (1 by default, and then
the disk of a year is extrapolated; 12 is the year of the budgets) and, for ours, a tail as it is half
way between two compactions. Everybody gets the same minutes, in turn. Written to the directory for
temporary files: about 3 GB for each month.
"""

import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from benchmarks.candle_bars import M1, MONTHS, PAIRS, WALKS, Bars, candles_of
from benchmarks.candle_peers import Contender, DuckDb, MonthFiles, Sqlite, duckdb_version
from krakked_tui.domain.candles import Candle
from krakked_tui.market.settings import CandleStoreSettings
from krakked_tui.storage.candle_store.layout import period_of
from krakked_tui.storage.candle_store.parquet_format import ParquetFormat
from krakked_tui.storage.candle_store.partitions import Partitions
from krakked_tui.storage.candles import open_to_write
from krakked_tui.storage.rows import to_micros

TAIL_BARS = 4_000
RUNS = 15
SLOW_RUNS = 5
ROWS_OF_A_YEAR = 500 * 525_600
BYTES_OF_A_ROW = 72
"""Nine columns of eight bytes: what write amplification is measured against."""

DUCKDB_MISSING = (
    "left out: DuckDB is not installed in this environment; install the extra bench to compare with it"
)
OPERATIONS = (
    "append_minute_of_500_pairs_ms", "last_500_bars_of_one_pair_ms", "last_200_bars_of_500_pairs_ms"
)  # fmt: skip


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


def _written() -> int:
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0


def _milliseconds(times: list[float]) -> float:
    return round(statistics.median(times) * 1_000, 2)


class _Times:
    """What the operations of one contender took, in seconds."""

    def __init__(self) -> None:
        self._appends, self._ones, self._alls = list[float](), list[float](), list[float]()

    async def take(self, contender: Contender, minute: pl.DataFrame, run: int) -> None:
        given = candles_of(minute) if isinstance(contender, Ours) else None
        start = time.perf_counter()
        if isinstance(contender, Ours) and given is not None:
            await contender.append_candles(given)
        else:
            await contender.append(minute)
        self._appends.append(time.perf_counter() - start)
        start = time.perf_counter()
        one = await contender.last_of_one(PAIRS[run * 7], 500)
        self._ones.append(time.perf_counter() - start)
        start = time.perf_counter()
        every = await contender.last_of_all(200)
        self._alls.append(time.perf_counter() - start)
        assert (one.height, every.height) == (500, 200 * len(PAIRS))

    def figures(self) -> dict[str, float]:
        medians = [_milliseconds(times) for times in (self._appends, self._ones, self._alls)]
        return {
            **dict(zip(OPERATIONS, medians, strict=True)),
            "append_slowest_ms": round(max(self._appends) * 1_000, 2),
        }


async def _in_turn(contenders: Mapping[str, Contender], bars: Bars, runs: int) -> dict[str, dict[str, float]]:
    """Give everybody the same minute and the same questions, one after the other."""
    times = {name: _Times() for name in contenders}
    for run in range(runs):
        minute = bars.next_minute()
        for name, contender in contenders.items():
            await times[name].take(contender, minute, run)
    return {name: taken.figures() for name, taken in times.items()}


async def _opening(ours: Ours, root: Path, bars: Bars) -> dict[str, object]:
    """Fill ours, and look at its first answers after it is opened."""
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
    return {"after_opening": cold, "tail_mb": round(tail / 1e6, 1)}


async def _writing(ours: Ours, bars: Bars) -> dict[str, object]:
    """What four hours of minutes write to the disk, and then a compaction."""
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
        "write_amplification": round(amplification, 2),
        "compaction": compaction,
        "bytes_per_sealed_row": round(ours.sealed_bytes / ours.sealed_rows, 2),
        "disk_of_a_year_gb": round(ours.sealed_bytes / ours.sealed_rows * ROWS_OF_A_YEAR / 1e9, 2),
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


async def _compared(directory: Path, ours: Ours, bars: Bars) -> dict[str, dict[str, float]]:
    peers: dict[str, DuckDb | Sqlite] = {}
    if duckdb_version() is not None:
        peers["duckdb"] = DuckDb(_inside(directory, "duckdb"), bars)
    peers["sqlite"] = Sqlite(_inside(directory, "sqlite"), bars)
    figures = await _in_turn({"ours": ours, **peers}, bars, RUNS)
    for name, peer in peers.items():
        peer.close()
        shutil.rmtree(directory / name)
    files = MonthFiles(_inside(directory, "months"), bars)
    return figures | await _in_turn({"month files, rewritten": files}, bars, SLOW_RUNS)


def _inside(directory: Path, name: str) -> Path:
    path = directory / name
    path.mkdir()
    return path


def _ratios(figures: Mapping[str, float], ours: Mapping[str, float]) -> dict[str, float]:
    """How many times as long as ours somebody takes."""
    return {
        operation.removesuffix("_ms"): round(figures[operation] / ours[operation], 2)
        for operation in OPERATIONS
    }


async def measure() -> dict[str, object]:
    """Milliseconds of everyone, and what ours takes besides."""
    bars = Bars()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        root = _inside(directory, "ours")
        ours = Ours(root, bars)
        opening = await _opening(ours, root, bars)
        compared = await _compared(directory, ours, bars)
        writing = await _writing(ours, bars)
    own = compared.pop("ours")
    peers: dict[str, object] = {} if "duckdb" in compared else {"duckdb": DUCKDB_MISSING}
    for peer, figures in compared.items():
        peers[peer] = {**figures, "times_ours": _ratios(figures, own)}
    return {
        "scale": (
            f"{len(PAIRS)} pairs x {bars.bars} one-minute bars ({MONTHS} of 12 months), tail {TAIL_BARS} bars"
        ),
        "runs": RUNS,
        "duckdb": duckdb_version(),
        "ours": {**own, **opening, **writing},
        "peers": peers,
        "budget": {
            "append_minute_of_500_pairs_ms": 15,
            "last_500_bars_of_one_pair_ms": 2,
            "last_200_bars_of_500_pairs_ms": 60,
            "write_amplification": 3,
            "disk_of_a_year_gb": 6.5,
        },
    }
