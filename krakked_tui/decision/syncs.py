"""What a reading of the account brought."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.portfolio.flows import Treatment, meaning_of
from krakked_tui.portfolio.forms import Forms


class SyncSummary(msgspec.Struct, frozen=True):
    """What a reading of the account brought that was not known before, and what came of it.

    ``updated_pairs`` are the canonical names of those concerned. ``drift_detected`` says that balances and
    books differ; ``external_activity`` that others moved more than the operator wants to hear of, which is
    known once there are prices to judge it by.
    """

    at: datetime
    new_trades: int = 0
    new_cash_flows: int = 0
    updated_pairs: tuple[str, ...] = ()
    drift_detected: bool = False
    external_activity: bool = False

    @property
    def brought(self) -> bool:
        """Whether there was anything new."""
        return bool(self.new_trades or self.new_cash_flows or self.updated_pairs)


def sum_up_sync(
    at: datetime,
    trades: Sequence[Trade],
    entries: Sequence[LedgerEntry],
    forms: Forms,
    known: Mapping[str, PairMetadata],
    base_currency: str,
) -> SyncSummary:
    """Sum up the trades and ledger rows that were new."""
    flows = sum(meaning_of(e, forms.form(e.asset)).treatment is Treatment.FLOW for e in entries)
    homes: Iterable[str] = (forms.asset(entry.asset) + base_currency for entry in entries)
    pairs = {trade.pair for trade in trades} | {home for home in homes if home in known}
    return SyncSummary(at, len(trades), flows, tuple(sorted(pairs)))
