"""How long a restart waits for its books: 100,000 trades with their ledger rows, from the journal's file.

The file is opened and checked, read, and booked as the engine does it. Run by ``ledger_rebuild``, in a
process of its own for every measurement: with a path it writes the file, with a method too it reads it.
"""

import asyncio
import gc
import json
import sys
import time
from pathlib import Path

from benchmarks.ledger_rebuild import PAIRS, TRADES, make_events, peak, resident
from krakked_tui.decision.state import CoreSettings, open_state
from krakked_tui.domain.money import trap_floats
from krakked_tui.domain.portfolio import CostBasis
from krakked_tui.domain.records import HistoryKind, HistoryMark, HistoryMarked, LedgerEntrySaved, TradeSaved
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.storage.journal import SqliteJournal


async def write_journal(path: Path) -> None:
    """Store the events."""
    entries, trades, _ = make_events()
    journal = await SqliteJournal.open(path, lambda: "abc")
    await journal.load("account")
    await journal.commit([HistoryMarked(HistoryMark(kind, done=True)) for kind in HistoryKind])
    await journal.commit([*map(TradeSaved, trades), *map(LedgerEntrySaved, entries)])
    await journal.close()


async def restart(path: Path, method: CostBasis) -> dict[str, float]:
    """Measure what comes before the books are there again."""
    settings = CoreSettings(strategies=(), portfolio=PortfolioSettings(cost_basis_method=method))
    known = {pair.canonical: pair for pair in PAIRS}
    gc.collect()
    before, start = resident(), time.perf_counter()
    journal = await SqliteJournal.open(path, lambda: "abc")
    opened = time.perf_counter()
    stored = await journal.load("account")
    read = time.perf_counter()
    events = resident() - before
    state = open_state(stored, settings, known, 1)
    assert len(state.books.trades()) == TRADES
    assert not state.books.state.findings
    done = time.perf_counter()
    await journal.close()
    return {
        "seconds_to_open": opened - start,
        "seconds_to_read": read - opened,
        "seconds_to_book": done - read,
        "seconds": done - start,
        "mb_of_the_events": events,
        "peak_mb": peak(),
    }


def main(path: Path, method: str | None = None) -> None:
    """Write the file, or measure."""
    trap_floats()
    if method is None:
        asyncio.run(write_journal(path))
    else:
        print(json.dumps(asyncio.run(restart(path, CostBasis(method)))))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
