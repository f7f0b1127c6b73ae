"""What we hold and what it is worth: syncs, drift, valuation, the day's drawdown."""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Identify, Level, LookUp, SyncAccount
from krakked_tui.decision.external import judge_external
from krakked_tui.decision.marks import take_marks
from krakked_tui.decision.orders import set_kill_switch, take_report, take_trade
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.placing import search_for
from krakked_tui.decision.rates import ask_for_rates
from krakked_tui.decision.state import EPOCH, External, State
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.records import (
    DayStartSaved,
    HistoryKind,
    HistoryMark,
    HistoryMarked,
    LedgerEntrySaved,
    SnapshotSaved,
    SnapshotsPruned,
)
from krakked_tui.domain.safety import DayStart, KillCause
from krakked_tui.execution import unknown
from krakked_tui.execution.reconcile import reconcile
from krakked_tui.market.freshness import GOOD_FOR_VALUATION
from krakked_tui.portfolio.reconcile import find_drift
from krakked_tui.portfolio.summary import prunable
from krakked_tui.portfolio.valuation import PriceMark, value
from krakked_tui.risk.drawdown import daily_drawdown_pct, drawdown_reason

OVERLAP = timedelta(seconds=120)
"""Histories are read again from this long before their newest known row (times the speed), so that
a row that appears late is not missed; ids tell the known ones."""


PRUNED_AT_ONCE = 2_000
"""Snapshots that are deleted in one transaction at most."""

CLOCK_MARGIN = timedelta(seconds=2)
"""How far our idea of the exchange's time may be off, when rows are compared with a reading."""


def ask_for_sync(state: State, out: Outcome, wall: float) -> None:
    """Read the account, unless that is under way, or its history is not known yet."""
    if state.account.in_flight or state.history_pending:
        return
    state.account.in_flight = True
    state.account.asked_wall = wall
    overlap = OVERLAP * max(state.speed, 1.0)
    books = state.books
    out.do(
        SyncAccount(
            trades_since=_since(state, HistoryKind.TRADES, books.last_trade_time, overlap),
            entries_since=_since(state, HistoryKind.LEDGER, books.last_entry_time, overlap),
            activity=state.activity,
        )
    )


def _since(state: State, kind: HistoryKind, known: datetime | None, overlap: timedelta) -> datetime:
    """Return from when a history is read: what only the stream told may have gaps before it."""
    mark = state.history.get(kind)
    newest = known if mark is None or mark.newest is None else mark.newest
    return newest - overlap if newest is not None else EPOCH


def synced(state: State, out: Outcome, event: e.AccountSynced) -> None:
    """Take in the account: new fills and ledger rows, our orders both ways, then drift."""
    account = state.account
    quiet = event.activity == state.activity
    times = [trade.time for trade in event.trades] + [entry.time for entry in event.entries]
    newest = max(times, default=EPOCH)
    same_moment = newest < event.balances_at - CLOCK_MARGIN * max(state.speed, 1.0)
    account.in_flight = False
    if state.history_pending:
        return
    first = state.books.last_trade_time is None and state.books.last_entry_time is None
    account.synced_wall = event.wall
    if account.asked_wall is None:
        account.asked_wall = event.wall  # it came with the history, without having been asked for
    account.failure = ""
    account.balances = event.balances
    account.compared = None
    for entry in event.entries:
        if state.books.apply_entry(entry):
            out.record(LedgerEntrySaved(entry))
            state.external.entries.append(entry)
    for trade in event.trades:
        take_trade(state, out, trade)
    _mark_histories(state, out, event)
    _reconcile_orders(state, out, event)
    if quiet and same_moment and event.activity == state.activity:
        account.compared = state.activity
        _check_drift(state, out, event.at)
    if first:
        state.external = External()
    state.external.due = state.external.due or event.at
    ask_for_rates(state, out)


def _mark_histories(state: State, out: Outcome, event: e.AccountSynced) -> None:
    """Remember up to where the histories are stored without a gap."""
    for kind, rows in ((HistoryKind.TRADES, event.trades), (HistoryKind.LEDGER, event.entries)):
        newest = max((row.time for row in rows), default=None)
        mark = state.history.get(kind, HistoryMark(kind, done=True))
        if newest is not None and (mark.newest is None or newest > mark.newest):
            state.history[kind] = msgspec.structs.replace(mark, newest=newest)
            out.record(HistoryMarked(state.history[kind]))


def sync_failed(state: State, out: Outcome, event: e.AccountSyncFailed) -> None:
    """Note that account truth is getting old."""
    state.account.in_flight = False
    state.account.asked_wall = event.wall
    if state.account.failure != event.reason:
        out.log(
            Level.WARNING, "account_sync_failed", f"account cannot be read: {event.reason}",
            reason=event.reason,
        )  # fmt: skip
    state.account.failure = event.reason


def stream_changed(state: State, out: Outcome, event: e.AccountStreamChanged) -> None:
    """Read the account whenever the stream opens: it may have missed something while it was closed."""
    if event.connected:
        # An answer under way may be older than the gap, so ask once more after it.
        state.account.asked_wall = None
        ask_for_sync(state, out, event.wall)
        out.log(Level.INFO, "account_stream_connected")
    else:
        out.log(Level.WARNING, "account_stream_lost", f"account stream: {event.detail}", detail=event.detail)


def _reconcile_orders(state: State, out: Outcome, event: e.AccountSynced) -> None:
    findings = reconcile(state.orders, event.open_orders, state.instance)
    state.account.foreign = findings.foreign
    for report in (*(report for _, report in findings.matched), *findings.unrecorded):
        take_report(state, out, report, event.at, "sync")
    for order in findings.missing:
        if order.cl_ord_id not in state.submissions:
            search_for(state, order, event.at)
            look_up(state, out, order.cl_ord_id, event.wall)


def look_up(state: State, out: Outcome, cl_ord_id: str, wall: float) -> None:
    """Ask what became of an order, when it is time to ask (again)."""
    search = state.searches[cl_ord_id]
    if unknown.due(search, wall):
        state.searches[cl_ord_id] = unknown.looking(search, wall)
        out.do(LookUp(cl_ord_id))
        order = state.orders.get(cl_ord_id)
        if order is not None and order.kraken_order_id is not None:
            out.do(Identify((order.kraken_order_id,)))


def _check_drift(state: State, out: Outcome, at: datetime) -> None:
    before = state.account.drift
    found = find_drift(
        state.books.state, state.account.balances, prices(state), state.known, state.settings.portfolio
    )
    state.account.drift = found
    if found and found != before:
        for finding in found:
            out.log(
                Level.ERROR, "portfolio_drift", f"drift: {finding.message}", asset=finding.asset,
                expected=str(finding.expected), actual=str(finding.actual), at=at.isoformat(),
            )  # fmt: skip
    elif before and not found:
        out.log(Level.INFO, "portfolio_drift_cleared", "balances agree with the ledger again")


def prices(state: State) -> dict[str, PriceMark]:
    """Return the latest price of every pair for valuation, for which a quiet market is good enough."""
    return {
        pair: PriceMark(mark.quote.price, fresh=mark.freshness in GOOD_FOR_VALUATION)
        for pair, mark in state.marks.items()
    }


def priced(state: State, out: Outcome, event: e.Priced) -> None:
    """Value the account, keep the equity curve, and watch the day's drawdown."""
    take_marks(state, event.marks, event.wall)
    if state.account.synced_wall is None or state.history_pending:
        return
    revalue(state)
    assert state.valuation is not None
    judge_external(state, out, event.at, prices(state))
    _tell_delisted(state, out, state.valuation.delisted)
    if not state.valuation.stale:
        _open_day(state, out, event.at)
        _snapshot(state, out, event.at)
        _prune(state, out, event.at)
    if state.valuation.unpriced:
        return  # what counts as 0 is no loss; nothing is opened meanwhile
    drawdown = drawdown_pct(state)
    reason = drawdown_reason(drawdown, state.settings.risk)
    if reason:
        set_kill_switch(state, out, event.at, KillCause.DRAWDOWN, reason, "engine")


def _open_day(state: State, out: Outcome, at: datetime) -> None:
    """Take the day's opening equity, and take it again when it is reckoned by other rules from now on."""
    assert state.valuation is not None
    day, basis, before = at.date().isoformat(), state.settings.portfolio.basis, state.day_start
    if before is not None and before.day >= day and before.basis == basis:
        return
    opening = DayStart(day, state.valuation.equity, state.cash_flows(), basis)
    if before is not None and before.day >= day:
        # What an earlier version stored as equity still is; only its cash flows were others.
        opening = msgspec.structs.replace(
            opening, day=before.day, equity=opening.equity if before.basis else before.equity
        )
        out.log(
            Level.WARNING, "day_start_retaken",
            "what equity is reckoned by has changed: today's drawdown is measured anew",
            equity=str(opening.equity), equity_before=str(before.equity),
            cash_flows=str(opening.cash_flows), cash_flows_before=str(before.cash_flows),
        )  # fmt: skip
    state.day_start = opening
    out.record(DayStartSaved(opening))


def _prune(state: State, out: Outcome, at: datetime) -> None:
    """Once a day, thin out the old part of the equity curve; a long one over several calls."""
    day = at.date().isoformat()
    if state.pruned == day:
        return
    old = prunable(state.snapshots, at, state.settings.portfolio.snapshot_retention_days)[:PRUNED_AT_ONCE]
    if len(old) < PRUNED_AT_ONCE:
        state.pruned = day
    if not old:
        return
    times = frozenset(snapshot.at for snapshot in old)
    state.snapshots = [snapshot for snapshot in state.snapshots if snapshot.at not in times]
    out.record(SnapshotsPruned(tuple(sorted(times))))
    out.log(Level.INFO, "snapshots_pruned", snapshots=len(times))


def _tell_delisted(state: State, out: Outcome, delisted: tuple[str, ...]) -> None:
    """Tell which holdings nobody tells the worth of any more, when these are others than before."""
    if delisted == state.delisted:
        return
    state.delisted = delisted
    if not delisted:
        out.log(Level.INFO, "holdings_priced_again", "every asset held can be valued again")
        return
    names = ", ".join(delisted)
    out.log(
        Level.ERROR, "holding_delisted",
        f"{names}: held, but delisted, so nobody tells what it is worth: equity counts it as 0, and nothing"
        " is opened until it is listed again, or withdrawn or sold on Kraken's site",
        assets=names,
    )  # fmt: skip


def revalue(state: State) -> None:
    """Value what the books hold at the latest prices."""
    state.valuation = value(state.books.state, prices(state), state.known, state.settings.portfolio)


def drawdown_pct(state: State) -> Decimal:
    """Return how far equity is below the day's start, in percent, net of the day's cash flows."""
    if state.day_start is None or state.valuation is None:
        return ZERO
    return daily_drawdown_pct(state.day_start, state.valuation.equity, state.day_cash_flows())


def _snapshot(state: State, out: Outcome, at: datetime) -> None:
    due = timedelta(seconds=state.settings.snapshot_seconds)
    if state.snapshots and at - state.snapshots[-1].at < due:
        return
    assert state.valuation is not None
    valuation = state.valuation
    point = SnapshotSaved(
        at, valuation.equity, valuation.cash, valuation.realized_pnl, valuation.unrealized_pnl
    )
    state.snapshots.append(point)
    out.record(point)
