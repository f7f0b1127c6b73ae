"""What others did with the account and nobody has judged yet."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.records import StoredState

EXTERNAL_MAX = 10_000
"""Trades, and ledger rows, of others that wait to be judged."""


@dataclass(slots=True)
class External:
    """What others did with the account since the last judgement, which is ``due`` from a complete sync on.

    ``until`` is the exchange time of the newest row that was known at the last judgement, None before there
    was one: it is stored, so that what a restart leaves unjudged is judged after it.
    """

    trades: deque[Trade] = field(default_factory=lambda: deque(maxlen=EXTERNAL_MAX))
    entries: deque[LedgerEntry] = field(default_factory=lambda: deque(maxlen=EXTERNAL_MAX))
    due: datetime | None = None
    until: datetime | None = None


def unjudged(stored: StoredState) -> External:
    """Return what is stored and has not been judged. Trades of ours are among it."""
    until = stored.judged_until
    found = External(until=until)
    if until is not None:
        found.trades.extend(trade for trade in stored.trades if trade.time > until)
        found.entries.extend(entry for entry in stored.entries if entry.time > until)
    return found
