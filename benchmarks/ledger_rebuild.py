"""How long the books take to come up from what is stored: 100,000 trades with their ledger rows.

Each method of cost basis is measured in a process of its own, from values in memory (as the journal gives
them) to the first state: time, and the memory that is there on top of the events. The floor is the bare loop:
the same arithmetic at weighted average on plain attributes, without lots, findings, ledger rows or replay.

What they say of a restart is in ``ledger_rebuild_restart``: the same from the journal's file.
"""

import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from random import Random

import msgspec

from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.money import ZERO, trap_floats
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import CostBasis
from krakked_tui.domain.precision import at_scale
from krakked_tui.portfolio.ledger import Books
from krakked_tui.portfolio.lots import part_of

TRADES = 100_000
ASSETS = 40
RUNS = 5
START = datetime(2025, 1, 1, tzinfo=UTC)
BARE = "bare loop"
REBUILD, RESTART = "benchmarks.ledger_rebuild", "benchmarks.ledger_rebuild_restart"
LATE = 1_000


def make_pair(base: str) -> PairMetadata:
    return PairMetadata(
        canonical=f"{base}USD", base=base, quote="USD", rest_symbol=f"{base}USD", ws_symbol=f"{base}/USD",
        raw_name=f"{base}USD", price_decimals=2, tick_size=Decimal("0.01"), volume_decimals=8,
        lot_size=Decimal("0.00000001"), order_min=Decimal("0.0001"), cost_min=Decimal("0.5"), cost_decimals=5,
        asset_class="currency",
    )  # fmt: skip


PAIRS = [make_pair(f"C{number:02}") for number in range(ASSETS)]


def make_events() -> tuple[list[LedgerEntry], list[Trade], dict[str, PairMetadata]]:
    """Two years of an account; positions grow to a thousand buys and are sold in parts, never short."""
    random, held = Random(6), dict.fromkeys((pair.base for pair in PAIRS), ZERO)
    entries = [_row("deposit", "D", "USD", Decimal(10_000_000), ZERO, START)]
    trades = []
    for number, pair in zip(range(TRADES), cycle(PAIRS), strict=False):
        at = START + timedelta(seconds=631 * (number + 1))
        price = Decimal(random.randrange(100, 9_000_000)).scaleb(-2)
        sells = number // (ASSETS * 1_000) % 2 and held[pair.base]
        volume = Decimal(random.randrange(1_000, 500_000_000)).scaleb(-8)
        volume = min(volume, held[pair.base]) if sells else volume
        cost = at_scale(price * volume, 5)
        fee = at_scale(cost / 400, 5)
        held[pair.base] += -volume if sells else volume
        trade_id, sign = f"T{number:06}", Decimal(-1 if sells else 1)
        trades.append(
            Trade(
                trade_id, f"O{number}", pair.canonical, "sell" if sells else "buy", price, volume, cost,
                (Fee("USD", fee),), at, maker=False,
            )
        )  # fmt: skip
        entries.append(_row("trade", trade_id, pair.base, at_scale(sign * volume, 10), ZERO, at))
        entries.append(_row("trade", trade_id, "USD", at_scale(-sign * cost, 4), at_scale(fee, 4), at))
    return entries, trades, {pair.canonical: pair for pair in PAIRS}


def _row(kind: str, refid: str, asset: str, amount: Decimal, fee: Decimal, at: datetime) -> LedgerEntry:
    return LedgerEntry(f"L{refid}{asset}", refid, at, kind, "", asset, amount, fee, ZERO)


class Bare:
    """An average-cost position."""

    def __init__(self) -> None:
        self.size = self.cost = self.realized = self.fees = ZERO


def bare_loop(trades: list[Trade]) -> dict[str, Bare]:
    """The least that gives sizes, costs and gains."""
    found: dict[str, Bare] = {}
    for trade in trades:
        position = found.get(trade.pair)
        if position is None:
            position = found[trade.pair] = Bare()
        fee = trade.fees[0].amount
        position.fees += fee
        if trade.side == "buy":
            position.size += trade.volume
            position.cost += trade.cost
            position.realized -= fee
        else:
            share = part_of(position.cost, trade.volume, position.size)
            position.size -= trade.volume
            position.cost -= share
            position.realized += trade.cost - fee - share
    return found


def rebuild(method: CostBasis) -> tuple[Books, list[Trade], dict[str, PairMetadata], float, float]:
    """The books, and the seconds and MB they took."""
    entries, trades, pairs = make_events()
    gc.collect()
    before, start = resident(), time.perf_counter()
    books = Books("USD", method, pairs.values())
    for entry in entries:
        books.apply_entry(entry)
    for trade in trades:
        books.apply_trade(trade, pairs[trade.pair])
    assert not books.state.findings
    took = time.perf_counter() - start
    return books, trades, pairs, took, resident() - before


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def resident() -> float:
    with open("/proc/self/statm", encoding="ascii") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _one(what: str) -> dict[str, float]:
    """Measure in this process."""
    trap_floats()
    if what == BARE:
        _, trades, _ = make_events()
        gc.collect()
        start = time.perf_counter()
        bare_loop(trades)
        return {"seconds": time.perf_counter() - start}
    books, trades, pairs, took, memory = rebuild(CostBasis(what))
    late = trades[-LATE]
    late = msgspec.structs.replace(late, trade_id="TLATE", side="buy")
    start = time.perf_counter()
    books.apply_trade(late, pairs[late.pair])
    assert books.state.realized_pnl
    return {
        "seconds": took,
        "mb_on_top_of_the_events": memory,
        "peak_mb_with_the_events": peak(),
        f"trade_late_by_{LATE}_ms": (time.perf_counter() - start) * 1e3,
    }


def _measured(module: str, *what: str) -> dict[str, float]:
    """Measure in processes of their own, and take the middle."""
    command = [sys.executable, "-m", module, *what]
    runs = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(RUNS)
    ]
    return {key: round(statistics.median(run[key] for run in runs), 3) for key in runs[0]}


def _restarts() -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "krakked.db")
        subprocess.run([sys.executable, "-m", RESTART, path], check=True)
        return {str(method): _measured(RESTART, path, method) for method in CostBasis}


async def measure() -> dict[str, object]:
    """Seconds and MB of every method, of a restart with it, and the bare loop."""
    return {
        "scale": f"{TRADES} trades on {ASSETS} pairs, {2 * TRADES + 1} ledger rows",
        "runs": RUNS,
        "load_average": round(os.getloadavg()[0], 2),
        "ours": {str(method): _measured(REBUILD, method) for method in CostBasis},
        "from_the_journal": _restarts(),
        "peers": {BARE: _measured(REBUILD, BARE)},
        "budget": {"seconds": 3, "aim_seconds": 1.2, "mb": 300},
    }


if __name__ == "__main__":
    print(json.dumps(_one(sys.argv[1])))
