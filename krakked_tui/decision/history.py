"""The account's whole history, read once, newest first: stored page by page, booked when it is complete.

Nothing of it is booked before: sales would come before the purchases they sell, and every page would
have all that is known booked anew.
"""

from krakked_tui.decision import events as e
from krakked_tui.decision.account import synced
from krakked_tui.decision.effects import Level
from krakked_tui.decision.orders import with_named_fees
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.parts import Awaiting
from krakked_tui.decision.state import State, book
from krakked_tui.domain.records import HistoryMarked, LedgerEntrySaved, TradeSaved


def history_read(state: State, out: Outcome, event: e.HistoryRead) -> None:
    """Store a page with its mark; after the last one, book everything."""
    awaiting, before = state.awaiting, state.history.get(event.mark.kind)
    if before is not None and before.done:
        return
    for told in event.trades:
        if told.trade_id not in awaiting.trades:
            pair = state.known.get(told.pair)
            trade = with_named_fees(told, pair.quote if pair else "")
            awaiting.trades[trade.trade_id] = trade
            out.record(TradeSaved(trade))
    for entry in event.entries:
        if entry.entry_id not in awaiting.entries:
            awaiting.entries[entry.entry_id] = entry
            out.record(LedgerEntrySaved(entry))
    state.history[event.mark.kind] = event.mark
    out.record(HistoryMarked(event.mark))
    if state.history_pending:
        return
    _book(state, out)
    if event.account is not None:
        synced(state, out, event.account)


def _book(state: State, out: Outcome) -> None:
    awaiting, state.awaiting = state.awaiting, Awaiting()
    book(state, awaiting.trades.values(), awaiting.entries.values())
    trades, entries = len(awaiting.trades), len(awaiting.entries)
    out.log(
        Level.INFO, "history_read",
        f"the account's history is read: {trades:,} trades, {entries:,} ledger rows",
        trades=trades, entries=entries,
    )  # fmt: skip
    if state.unbooked:
        pairs = sorted({trade.pair for trade in state.unbooked.values()})
        out.log(
            Level.WARNING, "trades_unbooked",
            f"{len(state.unbooked)} trades are on pairs that are not listed now; their ledger rows count",
            trades=len(state.unbooked), pairs=",".join(pairs[:10]),
        )  # fmt: skip
