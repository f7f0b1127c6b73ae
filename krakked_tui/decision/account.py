"""What we hold and what it is worth: syncs, drift, valuation, the day's drawdown."""

from datetime import datetime, timedelta
from decimal import Decimal

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Identify, Level, LookUp, SyncAccount
from krakked_tui.decision.marks import take_marks
from krakked_tui.decision.orders import set_kill_switch, take_report, take_trade
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.placing import search_for
from krakked_tui.decision.state import EPOCH, State
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.records import DayStartSaved, LedgerEntrySaved, SnapshotSaved
from krakked_tui.domain.safety import DayStart, KillCause
from krakked_tui.execution import unknown
from krakked_tui.execution.reconcile import reconcile
from krakked_tui.market.freshness import GOOD_FOR_VALUATION
from krakked_tui.portfolio.reconcile import find_drift
from krakked_tui.portfolio.valuation import PriceMark, value
from krakked_tui.risk.drawdown import daily_drawdown_pct, drawdown_reason

OVERLAP = timedelta(seconds=120)
"""Histories are read again from this long before their newest known row (times the speed), so that
a row that appears late is not missed; ids tell the known ones."""


CLOCK_MARGIN = timedelta(seconds=2)
"""How far our idea of the exchange's time may be off, when rows are compared with a reading."""


def ask_for_sync(state: State, out: Outcome, wall: float) -> None:
    """Read the account, unless that is under way."""
    if state.account.in_flight:
        return
    state.account.in_flight = True
    state.account.asked_wall = wall
    overlap = OVERLAP * max(state.speed, 1.0)
    books = state.books
    out.do(
        SyncAccount(
            trades_since=books.last_trade_time - overlap if books.last_trade_time else EPOCH,
            entries_since=books.last_entry_time - overlap if books.last_entry_time else EPOCH,
            activity=state.activity,
        )
    )


def synced(state: State, out: Outcome, event: e.AccountSynced) -> None:
    """Take in the account: new fills and ledger rows, our orders both ways, then drift."""
    account = state.account
    quiet = event.activity == state.activity
    times = [trade.time for trade in event.trades] + [entry.time for entry in event.entries]
    newest = max(times, default=EPOCH)
    same_moment = newest < event.balances_at - CLOCK_MARGIN * max(state.speed, 1.0)
    account.in_flight = False
    account.synced_wall = event.wall
    account.failure = ""
    account.balances = event.balances
    for entry in event.entries:
        if state.books.apply_entry(entry):
            out.record(LedgerEntrySaved(entry))
    for trade in event.trades:
        take_trade(state, out, trade)
    _reconcile_orders(state, out, event)
    if quiet and same_moment and event.activity == state.activity:
        _check_drift(state, out, event.at)


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
    if state.account.synced_wall is None:
        return
    revalue(state)
    assert state.valuation is not None
    _tell_delisted(state, out, state.valuation.delisted)
    if not state.valuation.stale:
        _keep_equity(state, out, event.at)
    if state.valuation.unpriced:
        return  # what counts as 0 is no loss; nothing is opened meanwhile
    drawdown = drawdown_pct(state)
    reason = drawdown_reason(drawdown, state.settings.risk)
    if reason:
        set_kill_switch(state, out, event.at, KillCause.DRAWDOWN, reason, "engine")


def _keep_equity(state: State, out: Outcome, at: datetime) -> None:
    """Take the day's first equity, and a point of the curve when it is time."""
    assert state.valuation is not None
    day = at.date().isoformat()
    if state.day_start is None or state.day_start.day < day:
        state.day_start = DayStart(day, state.valuation.equity, state.cash_flows())
        out.record(DayStartSaved(state.day_start))
    _snapshot(state, out, at)


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
    state.valuation = value(
        state.books.state, prices(state), state.known, state.settings.portfolio.base_currency
    )


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
