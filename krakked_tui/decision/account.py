"""What we hold and what it is worth: syncs, drift, valuation, the day's drawdown."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.decision import events as e
from krakked_tui.decision.day import count_flows, fallen_pct, open_day
from krakked_tui.decision.effects import Identify, Level, LookUp, SyncAccount
from krakked_tui.decision.external import judge_external
from krakked_tui.decision.kill_switch import judge_drawdown, judge_drift
from krakked_tui.decision.marks import take_marks
from krakked_tui.decision.orders import take_report, take_trade
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.outside import External
from krakked_tui.decision.placing import search_for
from krakked_tui.decision.rates import ask_for_rates
from krakked_tui.decision.state import EPOCH, State
from krakked_tui.decision.stops import follow_prices
from krakked_tui.decision.syncs import sum_up_sync
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.records import (
    HistoryKind,
    HistoryMark,
    HistoryMarked,
    LedgerEntrySaved,
    SnapshotSaved,
    SnapshotsPruned,
)
from krakked_tui.execution import unknown
from krakked_tui.execution.reconcile import reconcile
from krakked_tui.market.freshness import GOOD_FOR_VALUATION
from krakked_tui.portfolio.reconcile import find_drift
from krakked_tui.portfolio.snapshots import prunable
from krakked_tui.portfolio.valuation import PriceMark, Valuer, value

OVERLAP = timedelta(seconds=120)
"""Histories are read again from this long before their newest known row (times the speed), so that
a row that appears late is not missed; ids tell the known ones."""
DAILY_OVERLAP = timedelta(days=2)
"""Once a day they are read again from this long before it, for rows that appear later still."""
FIRST_WIDE_SECONDS = 3600.0
"""Wall seconds until that is done the first time in a run (divided by the speed)."""
WIDE_SECONDS = 86_400.0
DRIFT_OVERLAPS = ((2, timedelta(days=1)), (5, timedelta(days=30)), (20, None))
"""While balances and books go on to differ, they are read again from ever longer before it (None:
everything), each once and after so many readings in a row that differed."""

READ_SECONDS = 120.0
"""What a reading may take, and as much longer as the one before it is ago."""
WIDE_READ_SECONDS = 600.0
READ_SECONDS_MAX = 3600.0
LOST_SECONDS = 30.0
"""So much later than its deadline a reading of which nothing was heard counts as lost."""

PRUNED_AT_ONCE = 2_000
"""Snapshots that are deleted in one transaction at most."""

PAIRS_TOLD = 10

CLOCK_MARGIN = timedelta(seconds=2)
"""How far our idea of the exchange's time may be off, when rows are compared with a reading."""


def ask_for_sync(state: State, out: Outcome, wall: float) -> None:
    """Read the account, unless that is under way, or its history is not known yet."""
    account = state.account
    if (account.in_flight and wall < account.give_up_wall) or state.history_pending:
        return
    if account.in_flight:
        out.log(Level.ERROR, "account_sync_lost", "a reading of the account was lost: it is read anew")
    overlap = _overlap(state, wall)
    wide = overlap is None or overlap > OVERLAP * max(state.speed, 1.0)
    deadline = _deadline(state, wall, wide=wide)
    account.in_flight = True
    account.asked_wall = wall
    account.give_up_wall = wall + deadline + LOST_SECONDS
    books = state.books
    out.do(
        SyncAccount(
            trades_since=_since(state, HistoryKind.TRADES, books.last_trade_time, overlap),
            entries_since=_since(state, HistoryKind.LEDGER, books.last_entry_time, overlap),
            activity=state.activity,
            deadline=deadline,
        )
    )


def _overlap(state: State, wall: float) -> timedelta | None:
    """Return how far before the newest known row the histories are read again; None for all of them."""
    account, speed = state.account, max(state.speed, 1.0)
    if account.wide_wall is None:
        account.wide_wall = wall + FIRST_WIDE_SECONDS / speed
    if state.flattening:
        return OVERLAP * speed  # what is short and soon over
    if account.drift and account.widened < len(DRIFT_OVERLAPS):
        doubts, wider = DRIFT_OVERLAPS[account.widened]
        if account.doubts >= doubts:
            account.widened += 1
            return wider
    if wall >= account.wide_wall:
        account.wide_wall, account.widened = wall + WIDE_SECONDS / speed, 0
        return DAILY_OVERLAP
    return OVERLAP * speed


def _deadline(state: State, wall: float, *, wide: bool) -> float:
    """Return what a reading may take; the first one, and one after a long time, may have much to read."""
    read = state.account.synced_wall
    least = WIDE_READ_SECONDS if wide else READ_SECONDS
    return READ_SECONDS_MAX if read is None else min(least + max(wall - read, 0.0), READ_SECONDS_MAX)


def _since(state: State, kind: HistoryKind, known: datetime | None, overlap: timedelta | None) -> datetime:
    """Return from when a history is read: what only the stream told may have gaps before it."""
    mark = state.history.get(kind)
    newest = known if mark is None or mark.newest is None else mark.newest
    return EPOCH if newest is None or overlap is None else newest - overlap


def synced(state: State, out: Outcome, event: e.AccountSynced) -> None:
    """Take in the account: new fills and ledger rows, our orders both ways, then drift."""
    account = state.account
    quiet = event.activity == state.activity
    account.in_flight = False
    if state.history_pending:
        return
    first = state.books.last_trade_time is None and state.books.last_entry_time is None
    account.synced_wall = event.wall
    account.read_wall = event.began_wall
    if account.asked_wall is None:
        account.asked_wall = event.wall  # it came with the history, without having been asked for
    account.failure = ""
    account.balances = event.balances
    account.compared = None
    entries = [entry for entry in event.entries if state.books.apply_entry(entry)]
    out.record(*map(LedgerEntrySaved, entries))
    state.external.entries += entries
    trades = [trade for trade in event.trades if take_trade(state, out, trade)]
    same_moment = _same_moment(state, event, [*trades, *entries])
    _mark_histories(state, out, event)
    _reconcile_orders(state, out, event)
    if quiet and same_moment and event.activity == state.activity:
        account.compared = state.activity
        _check_drift(state, out, event.at)
    if first:
        state.external = External()
    state.external.due = state.external.due or event.at
    _sum_up(state, out, event.at, trades, entries)
    ask_for_rates(state, out)


def _same_moment(state: State, event: e.AccountSynced, new: Sequence[Trade | LedgerEntry]) -> bool:
    """Say whether the balances were read after everything else that was read had happened.

    A row dated in the future says nothing of that once it is known.
    """
    margin = CLOCK_MARGIN * max(state.speed, 1.0)
    times = [row.time for row in event.trades] + [row.time for row in event.entries]
    times = [at for at in times if at <= event.at + margin] + [row.time for row in new]
    return max(times, default=EPOCH) < event.balances_at - margin


def _mark_histories(state: State, out: Outcome, event: e.AccountSynced) -> None:
    """Remember up to where the histories are stored without a gap; never into the future."""
    books, limit = state.books, event.at + CLOCK_MARGIN * max(state.speed, 1.0)
    for kind, rows, known in (
        (HistoryKind.TRADES, event.trades, books.last_trade_time),
        (HistoryKind.LEDGER, event.entries, books.last_entry_time),
    ):
        mark = state.history.get(kind, HistoryMark(kind, done=True))
        newest, before = max((row.time for row in rows if row.time <= limit), default=None), mark.newest
        if (before or known or EPOCH) > limit:
            # Nothing was read from there on, so nobody knows what came since.
            newest, before = newest or min(event.balances_at, limit) - DAILY_OVERLAP, None
        if newest is not None and (before is None or newest > before):
            state.history[kind] = msgspec.structs.replace(mark, newest=newest)
            out.record(HistoryMarked(state.history[kind]))


def _sum_up(
    state: State, out: Outcome, at: datetime, trades: Sequence[Trade], entries: Sequence[LedgerEntry]
) -> None:
    """Keep and tell what a reading brought."""
    base_currency = state.settings.portfolio.base_currency
    summary = sum_up_sync(at, trades, entries, state.books.forms, state.known, base_currency)
    summary = msgspec.structs.replace(summary, drift_detected=bool(state.account.drift))
    state.last_sync = summary
    pairs = summary.updated_pairs
    out.log(
        Level.INFO if summary.brought else Level.DEBUG, "account_synced",
        new_trades=summary.new_trades, new_cash_flows=summary.new_cash_flows, pairs=len(pairs),
        updated_pairs=",".join(pairs[:PAIRS_TOLD]), drift_detected=summary.drift_detected,
    )  # fmt: skip


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
    state.account.doubts = state.account.doubts + 1 if found else 0
    if not found:
        state.account.widened = 0
    if found and found != before:
        for finding in found:
            out.log(
                Level.ERROR, "portfolio_drift", f"drift: {finding.message}", asset=finding.asset,
                expected=str(finding.expected), actual=str(finding.actual), at=at.isoformat(),
            )  # fmt: skip
    elif before and not found:
        out.log(Level.INFO, "portfolio_drift_cleared", "balances agree with the ledger again")
    judge_drift(state, out, at)


def prices(state: State) -> dict[str, PriceMark]:
    """Return the latest price of every pair for valuation, for which a quiet market is good enough."""
    return {
        pair: PriceMark(mark.quote.price, fresh=mark.freshness in GOOD_FOR_VALUATION)
        for pair, mark in state.marks.items()
    }


def priced(state: State, out: Outcome, event: e.Priced) -> None:
    """Value the account, keep the equity curve, and watch the day's drawdown."""
    take_marks(state, event.marks, event.wall)
    follow_prices(state, out)
    if state.account.synced_wall is None or state.history_pending:
        return
    revalue(state)
    assert state.valuation is not None
    valuer = Valuer(prices(state), state.known, state.settings.portfolio)
    count_flows(state, out, valuer.value)
    judge_external(state, out, event.at, prices(state))
    _tell_delisted(state, out, state.valuation.delisted)
    open_day(state, out, event.at, valuer.value)
    if not state.valuation.stale:
        _snapshot(state, out, event.at)
        _prune(state, out, event.at)
    judge_drawdown(state, out, event.at)


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
    return fallen_pct(state)


def _snapshot(state: State, out: Outcome, at: datetime) -> None:
    due = timedelta(seconds=state.settings.snapshot_seconds)
    if state.snapshots and at - state.snapshots[-1].at < due:
        return
    assert state.valuation is not None
    valuation = state.valuation
    point = SnapshotSaved(
        at, valuation.equity, valuation.cash, valuation.realized_pnl, valuation.unrealized_pnl,
        state.cash_flows(),
    )  # fmt: skip
    state.snapshots.append(point)
    out.record(point)
