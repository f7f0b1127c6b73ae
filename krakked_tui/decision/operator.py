"""Operator commands: each is answered, and each is written to the control log."""

from krakked_tui.decision import events as e
from krakked_tui.decision.acceptance import accept_requested
from krakked_tui.decision.cancelling import cancel
from krakked_tui.decision.effects import Answer, Level
from krakked_tui.decision.flatten import flatten_requested
from krakked_tui.decision.kill_switch import clear_requested, set_kill_switch
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.state import State
from krakked_tui.domain.records import ControlLogged, PausedSaved
from krakked_tui.domain.safety import KillCause
from krakked_tui.execution import lifecycle
from krakked_tui.execution.settings import OnShutdown

OperatorEvent = (
    e.KillRequested
    | e.KillClearRequested
    | e.CancelRequested
    | e.FlattenRequested
    | e.AcceptBalancesRequested
    | e.PauseRequested
    | e.StopRequested
)


def command(state: State, out: Outcome, event: OperatorEvent) -> None:
    """Carry out a command and log it with its outcome."""
    match event:
        case e.KillRequested():
            _kill(state, out, event)
        case e.KillClearRequested():
            clear_requested(state, out, event)
        case e.CancelRequested():
            _cancel(state, out, event)
        case e.FlattenRequested():
            flatten_requested(state, out, event)
        case e.AcceptBalancesRequested():
            accept_requested(state, out, event)
        case e.PauseRequested():
            _pause(state, out, event)
        case e.StopRequested():
            _stop(state, out, event)
    name = type(event).__name__.removesuffix("Requested").lower()
    outcome = next((x.message for x in out.effects if isinstance(x, Answer)), "done")
    arguments = _arguments(event)
    out.record(ControlLogged(event.at, event.by, name, arguments, outcome))
    out.log(Level.INFO, "control", by=event.by, command=name, arguments=arguments, outcome=outcome)


def setting_changed(out: Outcome, event: e.SettingChanged) -> None:
    """Log a change of a setting, which the core has no part in."""
    out.record(ControlLogged(event.at, event.by, "setting", f"{event.key} = {event.value}", event.outcome))
    out.log(
        Level.INFO, "control", by=event.by, command="setting", key=event.key, value=event.value,
        outcome=event.outcome,
    )  # fmt: skip


def _arguments(event: OperatorEvent) -> str:
    match event:
        case e.KillRequested(reason=reason) | e.FlattenRequested(reason=reason):
            return reason
        case e.StopRequested(reason=reason):
            return reason
        case e.CancelRequested(cl_ord_id=cl_ord_id):
            return cl_ord_id or "all"
        case e.PauseRequested(paused=paused):
            return str(paused).lower()
        case e.KillClearRequested(confirm=confirm) | e.AcceptBalancesRequested(confirm=confirm):
            return confirm


def _kill(state: State, out: Outcome, event: e.KillRequested) -> None:
    if state.kill_switch.active:
        out.answer(event.ticket, f"the kill switch is set already: {state.kill_switch.reason}")
        return
    set_kill_switch(state, out, event.at, KillCause.OPERATOR, event.reason, event.by)
    working = len(state.orders.live())
    out.answer(event.ticket, f"kill switch set: nothing new is opened; {working} orders are still at work")


def _cancel(state: State, out: Outcome, event: e.CancelRequested) -> None:
    if event.cl_ord_id is None:
        wanted = tuple(order.cl_ord_id for order in state.orders.live())
        if not wanted:
            out.answer(event.ticket, "there are no open orders to cancel")
            return
    else:
        order = state.orders.get(event.cl_ord_id)
        if order is None or order.status in lifecycle.ENDS:
            known = "no such order" if order is None else f"the order is {order.status}"
            out.answer(event.ticket, f"nothing to cancel: {known}", accepted=False)
            return
        wanted = (order.cl_ord_id,)
    cancel(state, out, wanted, insist=True)
    out.answer(event.ticket, f"canceling {len(wanted)} order{'s' if len(wanted) > 1 else ''}")


def _pause(state: State, out: Outcome, event: e.PauseRequested) -> None:
    state.paused = event.paused
    out.record(PausedSaved(event.paused))
    done = "paused: no strategy cycles; stops are still watched" if event.paused else "cycles resumed"
    out.answer(event.ticket, done)


def _stop(state: State, out: Outcome, event: e.StopRequested) -> None:
    if not state.stopping:
        state.stopping = True
        live = tuple(order.cl_ord_id for order in state.orders.live())
        if live and state.settings.execution.on_shutdown is OnShutdown.CANCEL:
            cancel(state, out, live)
    out.answer(event.ticket, "stopping")
