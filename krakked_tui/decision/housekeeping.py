"""What time alone brings about: look-ups, repeated cancels, expired limits, syncs, a stuck cycle."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from krakked_tui.decision import events as e
from krakked_tui.decision.account import ask_for_sync, look_up
from krakked_tui.decision.cancelling import cancel, repeat_cancels
from krakked_tui.decision.closing import leaving
from krakked_tui.decision.effects import ReadFees
from krakked_tui.decision.orders import identify_fills
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.placing import search_for
from krakked_tui.decision.state import State
from krakked_tui.decision.stops import close_urgently, sell_what_is_due
from krakked_tui.domain.orders import LocalOrder, OrderType, Purpose
from krakked_tui.execution import lifecycle

FEES_SECONDS = 3600.0
"""How often the account's own fees are asked for: as often as the pairs are listed anew."""
DOUBT_SYNC_SECONDS = 3.0
"""While balances differ from the books, or fills are missing, the account is read this often."""


def time_passed(state: State, out: Outcome, event: e.TimePassed) -> None:
    """Do what is due."""
    state.speed, state.wall = event.speed, event.wall
    if not state.flattening:
        _escalate_exits(state, event)
    sell_what_is_due(state, out, event.at)
    _expire_limits(state, out, event)
    repeat_cancels(state, out)
    identify_fills(state, out)
    for order in state.orders.live():
        if order.status in lifecycle.UNPROVEN and order.cl_ord_id not in state.submissions:
            search_for(state, order, event.at)
    for cl_ord_id in tuple(state.searches):
        look_up(state, out, cl_ord_id, event.wall)
    _sync_when_due(state, out, event.wall)
    _read_fees_when_due(state, out, event.wall)


def _escalate_exits(state: State, event: e.TimePassed) -> None:
    """Make exits that have not filled in time market orders, where the exchange takes these.

    A reduction is not: it is decided again at the next candle.
    """
    oldest = event.at - timedelta(seconds=state.settings.execution.exit_escalation_seconds)
    for order in _resting(state, oldest):
        if order.purpose is Purpose.EXIT and state.permits(order.request.pair).market:
            whose = leaving(state, order)
            if whose:
                close_urgently(state, order.request.pair, whose)


def _expire_limits(state: State, out: Outcome, event: e.TimePassed) -> None:
    """Cancel limits that have rested too long."""
    oldest = event.at - timedelta(seconds=state.settings.execution.order_ttl_seconds)
    cancel(state, out, tuple(order.cl_ord_id for order in _resting(state, oldest)))


def _resting(state: State, made_before: datetime) -> Iterator[LocalOrder]:
    for order in state.orders.live():
        limit = order.request.order_type is OrderType.LIMIT
        if limit and order.created_at < made_before and order.status in lifecycle.WORKING:
            yield order


def _sync_when_due(state: State, out: Outcome, wall: float) -> None:
    account = state.account
    interval = state.settings.portfolio_sync_seconds
    if account.drift or account.failure or state.awaiting_fills:
        interval = min(interval, DOUBT_SYNC_SECONDS)
    if account.asked_wall is None or wall - account.asked_wall >= interval:
        ask_for_sync(state, out, wall)


def _read_fees_when_due(state: State, out: Outcome, wall: float) -> None:
    """Ask what the account pays, once the account has been read: nothing must wait for it."""
    if state.account.synced_wall is None or (state.fees_wall is not None and wall < state.fees_wall):
        return
    pairs = sorted(state.tradable | (state.holdings.keys() & state.known.keys()))
    if pairs:
        state.fees_wall = wall + FEES_SECONDS
        out.do(ReadFees(tuple(pairs)))
