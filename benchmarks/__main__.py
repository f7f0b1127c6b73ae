"""Runs the benchmarks and writes their numbers with versions and machine class.

Ends with exit code 1 when one that checks something too says that it did not pass.
"""

import asyncio
import json
import platform
import sys
from importlib.metadata import version
from os import cpu_count
from pathlib import Path

from benchmarks import (
    candle_store,
    decision_cycle,
    initial_sync,
    kill_latency,
    ledger_rebuild,
    portfolio_queries,
    sandbox_capacity,
    terminal_market,
    universe_live,
    ws_decode,
)
from krakked_tui.domain.money import trap_floats

BENCHMARKS = (
    kill_latency, ws_decode, decision_cycle, sandbox_capacity, candle_store, ledger_rebuild,
    portfolio_queries, initial_sync, terminal_market, universe_live,
)  # fmt: skip
RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("aiosqlite", "msgspec", "polars", "textual", "uvicorn", "websockets")


def main() -> int:
    """Run those that are named, or all."""
    trap_floats()
    wanted = sys.argv[1:]
    failed = 0
    RESULTS.mkdir(exist_ok=True)
    machine = (
        f"{platform.system()} {platform.machine()}, {cpu_count()} cores, Python {platform.python_version()}"
    )
    for benchmark in BENCHMARKS:
        name = benchmark.__name__.removeprefix("benchmarks.")
        if wanted and name not in wanted:
            continue
        numbers = asyncio.run(benchmark.measure())
        result = {
            "benchmark": name,
            "machine": machine,
            "versions": {library: version(library) for library in LIBRARIES},
            **numbers,
        }
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        print(json.dumps(result, indent=2))
        failed += not numbers.get("checks_passed", True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
