"""An operator takes the exchange's balances for the truth: adjustments make the books hold the same."""

from krakked_tui.decision import events as e
from krakked_tui.decision.account import revalue
from krakked_tui.decision.effects import Level
from krakked_tui.decision.kill_switch import judge_drift
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.rates import ask_for_rates
from krakked_tui.decision.state import State
from krakked_tui.domain.records import LedgerEntrySaved
from krakked_tui.portfolio.reconcile import accept_balances


def accept_requested(state: State, out: Outcome, event: e.AcceptBalancesRequested) -> None:
    """Adjust the books to the balances, durably, unless that could be the wrong thing now."""
    refusal = _refusal(state, event.confirm)
    if refusal:
        out.answer(event.ticket, f"not accepted: {refusal}", accepted=False)
        return
    findings, state.account.drift = state.account.drift, ()
    judge_drift(state, out, event.at)
    rows = accept_balances(state.books.state, state.account.balances, state.books.forms, event.at)
    for row in rows:
        if state.books.apply_entry(row):
            out.record(LedgerEntrySaved(row))
    revalue(state)
    adjusted = ", ".join(f"{f.asset} {f.expected:f} -> {f.actual:f}" for f in findings)
    out.answer(event.ticket, f"accepted: the books now hold what the exchange does ({adjusted})")
    out.log(
        Level.WARNING, "balances_accepted", f"balances accepted as truth by {event.by}: {adjusted}",
        by=event.by, adjusted=adjusted, rows=len(rows),
    )  # fmt: skip
    ask_for_rates(state, out)


def _refusal(state: State, confirm: str) -> str:
    """Say why balances cannot be accepted now; empty when they can."""
    account = state.account
    age = 0.0 if account.synced_wall is None else state.wall - account.synced_wall
    live = len(state.orders.live())
    if confirm != "ACCEPT":
        return "type ACCEPT to confirm"
    for trouble in (
        f"the account's history is being read: {state.history_progress}" if state.history_pending else "",
        "the account has not been read yet" if account.synced_wall is None else "",
        f"the account cannot be read: {account.failure}" if account.failure else "",
        "the balances are too old: wait until the account is read again"
        if age > state.settings.portfolio.max_truth_age_seconds
        else "",
        f"{live} orders are at work: cancel them or wait until they have ended" if live else "",
        "balances agree with the ledger: there is nothing to accept" if not account.drift else "",
        "something has moved since the account was read: try again in a few seconds"
        if account.compared != state.activity
        else "",
    ):
        if trouble:
            return trouble
    return ""
