"""The kill switch: what sets it, what keeps it from being cleared, and what an operator does to it."""

from datetime import datetime
from typing import assert_never

import msgspec

from krakked_tui.decision import events as e
from krakked_tui.decision.day import too_deep
from krakked_tui.decision.effects import Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.state import State
from krakked_tui.domain.orders import LocalOrder
from krakked_tui.domain.records import ControlLogged, KillSwitchSaved
from krakked_tui.domain.safety import KillCause, KillSwitch


def set_kill_switch(state: State, out: Outcome, at: datetime, cause: KillCause, reason: str, by: str) -> None:
    """Set the kill switch durably; the first cause stays when it is set already.

    A cause that went on when an operator forced it clear does not set it again until it has ended.
    """
    switch = state.kill_switch
    if switch.active or (cause in switch.forced and cause is not KillCause.OPERATOR):
        return
    state.kill_switch = KillSwitch(
        active=True, cause=cause, reason=reason, since=at, by=by, forced=switch.forced
    )
    out.record(KillSwitchSaved(state.kill_switch))
    if cause is not KillCause.OPERATOR:
        out.record(ControlLogged(at, by, "kill", str(cause), reason))
    out.log(
        Level.CRITICAL, "kill_switch_activated", f"KILL SWITCH set by {by}: {reason}", cause=str(cause),
        reason=reason, by=by,
    )  # fmt: skip


def end_cause(state: State, out: Outcome, cause: KillCause) -> None:
    """Note that a cause does not go on: from now on it sets the kill switch again, forced clear or not."""
    switch = state.kill_switch
    if cause in switch.forced:
        forced = tuple(each for each in switch.forced if each is not cause)
        state.kill_switch = msgspec.structs.replace(switch, forced=forced)
        out.record(KillSwitchSaved(state.kill_switch))


def judge_drawdown(state: State, out: Outcome, at: datetime) -> None:
    """Set the kill switch when the day has lost too much."""
    reason = too_deep(state)
    if reason:
        set_kill_switch(state, out, at, KillCause.DRAWDOWN, reason, "engine")
    else:
        end_cause(state, out, KillCause.DRAWDOWN)


def judge_drift(state: State, out: Outcome, at: datetime) -> None:
    """Count a comparison of balances with the books; drift that stays sets the kill switch."""
    account, risk = state.account, state.settings.risk
    if not account.drift:
        account.drift_syncs = 0
        end_cause(state, out, KillCause.DRIFT)
        return
    account.drift_syncs += 1
    if risk.kill_switch_on_drift and account.drift_syncs >= risk.drift_confirm_syncs:
        set_kill_switch(state, out, at, KillCause.DRIFT, _drift(state), "engine")


def order_failed(state: State, out: Outcome, order: LocalOrder, at: datetime, reason: str) -> None:
    """Count an order that ended in an error; too many in a row set the kill switch.

    One that is tried although a status of the exchange forbids it proves nothing.
    """
    if state.stopping or order.request.pair in state.barred:
        return
    state.order_errors += 1
    state.last_order_error = f"{order.request.pair}: {reason}"
    most = state.settings.risk.max_consecutive_order_errors
    if state.order_errors >= most:
        sentence = (
            f"{state.order_errors} orders in a row ended in an error, the last of {state.last_order_error};"
            f" max_consecutive_order_errors is {most}"
        )
        set_kill_switch(state, out, at, KillCause.ORDER_ERRORS, sentence, "engine")


def order_taken(state: State) -> None:
    """Note that the exchange took an order: the row of errors ends."""
    state.order_errors, state.last_order_error = 0, ""


def persisting(state: State) -> str:
    """Say that what set the kill switch goes on; empty when it does not, or when it is not set."""
    switch = state.kill_switch
    if not switch.active or switch.cause is None:
        return ""
    match switch.cause:
        case KillCause.DRAWDOWN:
            return _unvalued(state) or too_deep(state)
        case KillCause.DRIFT:
            return _drift(state)
        case KillCause.ORDER_ERRORS:
            return _refusing(state)
        case KillCause.OPERATOR | KillCause.INCONSISTENCY:
            return ""
    assert_never(switch.cause)


def clear_requested(state: State, out: Outcome, event: e.KillClearRequested) -> None:
    """Clear the kill switch when that is confirmed, and what set it is over or it is forced."""
    if event.confirm not in {"ARM", "FORCE"}:
        out.answer(event.ticket, "not cleared: type ARM to confirm", accepted=False)
        return
    switch = state.kill_switch
    if not switch.active:
        out.answer(event.ticket, "the kill switch is not set")
        return
    still = persisting(state)
    if still and event.confirm != "FORCE":
        sentence = f"not cleared, what set it goes on: {still}; type FORCE to clear it all the same"
        out.answer(event.ticket, sentence, accepted=False)
        return
    forced = switch.forced
    if switch.cause is KillCause.ORDER_ERRORS:
        state.order_errors = 0  # as many in a row again set it again
    elif still and switch.cause is not None:
        forced = (*(cause for cause in forced if cause is not switch.cause), switch.cause)
    state.kill_switch = KillSwitch(forced=forced)
    out.record(KillSwitchSaved(state.kill_switch))
    although = f", although {still}" if still else ""
    out.answer(event.ticket, f"kill switch cleared: entries are allowed again{although}")
    out.log(
        Level.WARNING, "kill_switch_cleared", f"kill switch cleared by {event.by}{although}", by=event.by,
        forced=bool(still),
    )  # fmt: skip


def _unvalued(state: State) -> str:
    """Say that nobody knows yet what everything held is worth, so neither what the day has lost."""
    valuation = state.valuation
    if valuation is None or state.day_start is None:
        return "equity is not known yet, so neither is the day's loss"
    if valuation.unpriced:
        return f"nothing says what {', '.join(valuation.unpriced[:3])} is worth, so neither what the day lost"
    return ""


def _drift(state: State) -> str:
    findings = state.account.drift
    if not findings:
        return ""
    told = "; ".join(finding.message for finding in findings[:3])
    more = f" and {len(findings) - 3} more" if len(findings) > 3 else ""
    return f"balances differ from the ledger, {state.account.drift_syncs} times in a row: {told}{more}"


def _refusing(state: State) -> str:
    """Say that the last order ended in an error, after which no other one was taken."""
    if not state.order_errors:
        return ""
    last = f", the last of {state.last_order_error}" if state.last_order_error else ""
    return f"no order has been taken since {state.order_errors} in a row ended in an error{last}"
