"""The whole USD universe live in the real engine: is every candle in the store, and what does it take?

A local Kraken with every recorded pair runs at real time, minutes without trades as it has them, and a
headless engine follows all pairs against dollars on one-minute candles. Each minute is sampled while
it passes. When the engine has stopped, its store is held against the local Kraken's own record: no
candle of any pair may be missing, doubled or different. A check that fails is told in the result, and
``checks_passed`` is false.

KRAKKED_BENCH_MINUTES is how many whole minutes are looked at (2; at most 600).
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.process_meter import descriptors, processor_seconds, resident_megabytes
from tests.integration.market_truth import (
    Difference,
    Minutes,
    candle_root,
    compare,
    dollar_pairs,
    findings,
    minutes_between,
    recorded,
    stored,
)
from tests.integration.processes import EngineProcess, SandboxProcess, running_engine, running_sandbox_process

MINUTES = int(os.environ.get("KRAKKED_BENCH_MINUTES", "2"))
MINUTES_MAX = 600
"""The exchange tells 720 closed candles at most."""

MINUTE = timedelta(minutes=1)
CLOSING_SECONDS = 8.0
"""Wall seconds after the last boundary until its candles must be stored."""

CONFIG = """\
[universe]
min_24h_volume_usd = 0

[market_data.ingest]
timeframes = ["1m"]

[strategies]
enabled = ["watching_v1"]

[strategies.configs.watching_v1]
type = "trend_following"
timeframes = ["1m"]
max_positions = 1
min_signal_confidence = 1
"""
"""One strategy, the fewest there can be, and one that hardly ever trades."""

COLUMNS = (
    "minute",
    "core_percent",
    "resident_mb",
    "descriptors",
    "expected",
    "stored",
    "missing",
    "different",
)


class Sample(msgspec.Struct):
    """One minute; the candles are those that open in it, counted afterwards."""

    minute: str
    second: int
    core_percent: float
    resident_mb: float
    descriptors: int
    expected: int = 0
    stored: int = 0
    missing: int = 0
    different: int = 0

    def row(self) -> dict[str, object]:
        return {column: getattr(self, column) for column in COLUMNS}


def _wait_until(sandbox: SandboxProcess, engine: EngineProcess, at: datetime) -> None:
    while (left := (at - sandbox.now()).total_seconds()) > 0:
        engine.drain(min(left, 30.0))


def _watched(sandbox: SandboxProcess, engine: EngineProcess) -> Iterator[Sample]:
    """Yield a sample at the end of each minute on the exchange's clock."""
    pid, start = engine.process.pid, _next_minute(sandbox.now())
    _wait_until(sandbox, engine, start)
    for _ in range(MINUTES):
        before, began = processor_seconds(pid), time.monotonic()
        _wait_until(sandbox, engine, start + MINUTE)
        busy = (processor_seconds(pid) - before) / (time.monotonic() - began) * 100
        yield Sample(
            f"{start:%H:%M}", int(start.timestamp()), round(busy, 1), round(resident_megabytes(pid), 1),
            descriptors(pid),
        )  # fmt: skip
        start += MINUTE


def _next_minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0) + MINUTE


def _subscribed(sandbox: SandboxProcess) -> dict[str, int]:
    """How many symbols the exchange acknowledged for each channel, and how many times it refused."""
    symbols: dict[str, set[str]] = {"ticker": set(), "ohlc": set()}
    refused = 0
    for row in sandbox.requests("subscribe"):
        if row["channel"] in symbols:
            refused += len(row["errors"])
            symbols[row["channel"]].update(() if row["errors"] else _symbols_of(row["params"]))
    return {**{channel: len(names) for channel, names in symbols.items()}, "refused": refused}


def _symbols_of(params: Any) -> list[str]:  # noqa: ANN401 - what somebody sent
    """The symbols of a request; a list that the record cut off cannot be counted."""
    assert isinstance(params, dict), f"the record of a request was cut off: {str(params)[:200]}"
    return list(params["symbol"])


def _judge(samples: list[Sample], found: Difference, record: Mapping[str, Minutes]) -> None:
    """Say for each minute what was missing or different."""
    for sample in samples:
        sample.expected = sum(sample.second in minutes for minutes in record.values())
        sample.missing = sum(second == sample.second for _, second in found.missing)
        sample.different = sum(second == sample.second for _, second in (*found.wrong, *found.unknown))
        sample.stored = sample.expected - sample.missing


@contextmanager
def _running() -> Iterator[tuple[SandboxProcess, EngineProcess, Path]]:
    with tempfile.TemporaryDirectory() as name, running_sandbox_process("--pairs", "all") as sandbox:
        home = Path(name)
        config = home / "universe.toml"
        config.write_text(CONFIG, encoding="utf-8")
        with running_engine(sandbox, home, "--config", str(config)) as engine:
            yield sandbox, engine, home


def _print_table(samples: list[Sample]) -> None:
    print("  ".join(f"{column:>12}" for column in COLUMNS))
    for sample in samples:
        print("  ".join(f"{value!s:>12}" for value in sample.row().values()))


async def measure() -> dict[str, object]:
    """A row for every minute, and whether every candle is where it belongs."""
    return await asyncio.to_thread(_measure)


def _measure() -> dict[str, object]:
    if not 1 <= MINUTES <= MINUTES_MAX:
        raise SystemExit(f"KRAKKED_BENCH_MINUTES is {MINUTES}: use 1 to {MINUTES_MAX}")
    with _running() as (sandbox, engine, home):
        started = engine.wait_for("engine_started")
        pairs = dollar_pairs(sandbox)
        samples = list(_watched(sandbox, engine))
        subscribed = _subscribed(sandbox)
        engine.drain(CLOSING_SECONDS)
        summary = engine.stop()
        root, record = candle_root(home), recorded(sandbox, pairs)
        kept = stored(root, pairs)
        history = datetime.fromisoformat(started["exchange_time"]) - 10 * MINUTE
        end = datetime.fromtimestamp(samples[-1].second, history.tzinfo) + MINUTE
        found = compare(kept.candles, record, minutes_between(history, end))
        problems = [str(finding) for finding in findings(root)[:5]]
    _judge(samples, found, record)
    _print_table(samples)
    checks = {
        "no_candle_is_missing": not found.missing,
        "no_candle_is_doubled": not kept.doubled,
        "every_value_is_equal": not found.wrong and not found.unknown,
        "every_symbol_is_subscribed": subscribed == {
            "ticker": len(pairs), "ohlc": len(pairs), "refused": 0
        },
        "the_universe_is_complete": started["pairs"] == len(pairs),
        "the_files_are_sound": not problems,
        "every_pair_is_recorded": all(sample.expected == len(pairs) for sample in samples),
        "no_error_in_the_log": summary["errors"] == 0,
    }  # fmt: skip
    return {
        "minutes": MINUTES,
        "pairs": len(pairs),
        "candles_compared": found.compared,
        "without_trades": sum(values[6] == 0 for minutes in record.values() for values in minutes.values()),
        "start_seconds": started["seconds"],
        "subscriptions": subscribed,
        "checks_passed": all(checks.values()),
        "checks": checks,
        "examples": {"missing": found.missing[:5], "different": [*found.wrong, *found.unknown][:5]},
        "file_problems": problems,
        "table": [sample.row() for sample in samples],
        "budget": {"core_percent": 15, "resident_mb": 350},
    }
