"""Cancels: asked for once, then again with growing pauses until the order has ended."""

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Cancel, Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.parts import CancelRequest
from krakked_tui.decision.state import State
from krakked_tui.domain.orders import LocalOrder

FIRST_PAUSE_SECONDS = 3.0
LONGEST_PAUSE_SECONDS = 60.0
BARRED_SECONDS = 60.0
"""After this long what a status forbids is asked for all the same: the status may be out of date."""
ALARM_AFTER = 5
"""Requests without effect before the operator is told to look at the exchange."""


def cancel(state: State, out: Outcome, cl_ord_ids: tuple[str, ...], *, insist: bool = False) -> None:
    """Ask for orders to be canceled, and keep asking until each has ended.

    Orders that are being canceled already are left to that, unless an operator insists. What a status of
    the exchange forbids is asked for as soon as it is allowed, and once a minute all the same; who insists
    is asked for at once.
    """
    wanted = tuple(c for c in cl_ord_ids if insist or c not in state.cancelling)
    asked = tuple(c for c in wanted if insist or _allowed(state, c))
    for cl_ord_id in wanted:
        state.cancelling[cl_ord_id] = CancelRequest(0, state.wall + BARRED_SECONDS, barred=True)
    for cl_ord_id in asked:
        state.cancelling[cl_ord_id] = CancelRequest(1, state.wall + FIRST_PAUSE_SECONDS)
    if asked:
        out.do(Cancel(asked))
    if waiting := len(wanted) - len(asked):
        out.log(
            Level.WARNING, "cancel_waits", f"{waiting} orders are canceled once the exchange allows it",
            orders=waiting, system=str(state.system),
        )  # fmt: skip


def repeat_cancels(state: State, out: Outcome) -> None:
    """Ask again for the cancels that have shown no effect in time.

    While a status forbids one, that it has none proves nothing: it does not count.
    """
    again = []
    for cl_ord_id, request in tuple(state.cancelling.items()):
        allowed = _allowed(state, cl_ord_id)
        if state.wall < request.next_wall and not (request.barred and allowed):
            continue
        again.append(cl_ord_id)
        if not allowed:
            state.cancelling[cl_ord_id] = CancelRequest(
                request.asked, state.wall + BARRED_SECONDS, barred=True
            )
            continue
        pause = min(FIRST_PAUSE_SECONDS * 2**request.asked, LONGEST_PAUSE_SECONDS)
        state.cancelling[cl_ord_id] = CancelRequest(request.asked + 1, state.wall + pause)
        if request.asked == ALARM_AFTER:
            out.log(
                Level.CRITICAL, "cancel_unresolved",
                f"order {cl_ord_id} does not cancel: look at it on Kraken's site", cl_ord_id=cl_ord_id,
            )  # fmt: skip
    if again:
        out.do(Cancel(tuple(again)))


def _allowed(state: State, cl_ord_id: str) -> bool:
    order = state.orders.get(cl_ord_id)
    return order is None or state.permits(order.request.pair).cancel


def cancel_what_appeared(state: State, out: Outcome, order: LocalOrder) -> None:
    """Ask at once when an order that was to be canceled turns out to be at the exchange."""
    if order.cl_ord_id in state.cancelling:
        cancel(state, out, (order.cl_ord_id,), insist=True)


def cancel_answered(state: State, out: Outcome, event: e.CancelAnswered) -> None:
    """Note a failed cancel; it is asked for again."""
    if event.error:
        state.counts.errors += 1
        out.log(
            Level.ERROR, "cancel_failed", f"canceling {len(event.cl_ord_ids)} orders failed: {event.error}",
            reason=event.error, orders=len(event.cl_ord_ids),
        )  # fmt: skip
