"""Flatten: cancel everything of ours, sell what Krakked holds, verify, and say what is left and why.

Each pair gets a bounded number of close orders, so a flatten can never loop. An order that provably was not
taken for the moment does not count, nor does one that is tried although a status forbids it: these come once
a minute. What cannot be closed now is waited for, what cannot be closed at all is left and named. It is
finished only when nothing of ours is open, every fill is booked, and the account, read again, confirms it.
"""

from datetime import datetime

import msgspec

from krakked_tui.decision import events as e
from krakked_tui.decision.account import ask_for_sync
from krakked_tui.decision.cancelling import cancel
from krakked_tui.decision.closing import BARRED_SECONDS, CloseCause, NotClosed, close_holding
from krakked_tui.decision.effects import Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.state import State
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import LocalOrder, NotSent, OrderStatus, OrderType, Purpose, SubmitOutcome
from krakked_tui.domain.records import FlattenSaved
from krakked_tui.domain.safety import FlattenPhase, FlattenProgress
from krakked_tui.execution import lifecycle

FLATTEN_ATTEMPTS = 3
"""Close orders per pair before a flatten gives up on it and says so."""
ATTEMPT_SPACING_SECONDS = 3.0
REPRICE_SECONDS = 15.0
"""After this long a limit, made where the pair takes no market order, is canceled and priced anew."""


def flatten_requested(state: State, out: Outcome, event: e.FlattenRequested) -> None:
    """Start a flatten."""
    if event.confirm != "FLATTEN":
        out.answer(event.ticket, "not confirmed: type FLATTEN", accepted=False)
        return
    if state.flattening:
        out.answer(event.ticket, "a flatten is in progress already", accepted=False)
        return
    _save(state, out, FlattenProgress(FlattenPhase.CANCELLING, event.reason, event.by, event.at))
    state.flatten_next_wall.clear()
    state.flatten_verifying_since = None
    live = tuple(order.cl_ord_id for order in state.orders.live())
    cancel(state, out, live, insist=True)
    message = f"flatten started: {len(live)} orders to cancel, {len(state.holdings)} positions to sell"
    out.answer(event.ticket, message)
    out.log(Level.WARNING, "flatten_started", f"FLATTEN by {event.by}: {event.reason}", by=event.by)


def advance_flatten(state: State, out: Outcome, at: datetime) -> None:
    """Take a flatten as far as it can go now. Called after every event while one is under way.

    After a restart it waits until the account has been read. A pair with a live order of ours waits
    for that order to end; the others are closed meanwhile.
    """
    progress = state.flatten
    if progress is None or progress.finished_at is not None or state.account.synced_wall is None:
        return
    cancel(state, out, tuple(o.cl_ord_id for o in state.orders.live() if _in_the_way(state, o)))
    progress = _close_positions(state, out, progress, at)
    live = state.orders.live()
    waiting = bool(live) or any(pair not in progress.left for pair in state.holdings)
    if waiting or state.awaiting_fills:
        others = any(order.purpose is not Purpose.FLATTEN for order in live)
        phase = FlattenPhase.CANCELLING if others else FlattenPhase.CLOSING
        state.flatten_verifying_since = None
    else:
        phase = _verify(state, out)
    if phase is FlattenPhase.DONE:
        _finish(state, out, progress, at)
    elif (updated := msgspec.structs.replace(progress, phase=phase)) != state.flatten:
        _save(state, out, updated)


def _in_the_way(state: State, order: LocalOrder) -> bool:
    """Say whether an order must go: any but a close of the flatten, and a limit of it that rests."""
    if order.purpose is not Purpose.FLATTEN:
        return True
    rests = order.request.order_type is not OrderType.MARKET and order.status in lifecycle.WORKING
    return rests and state.wall >= state.flatten_next_wall.get(order.request.pair, 0.0)


def answered(state: State, out: Outcome, outcome: SubmitOutcome) -> None:
    """Take back an attempt that the exchange did not take for the moment, and wait before the next."""
    order = state.orders.get(outcome.cl_ord_id)
    if not isinstance(outcome, NotSent) or order is None or order.purpose is not Purpose.FLATTEN:
        return
    pair = order.request.pair
    if order.status is OrderStatus.ERROR and state.flattening:
        state.flatten_next_wall[pair] = state.wall + BARRED_SECONDS
        if pair not in state.barred:
            withheld(state, out, pair)


def withheld(state: State, out: Outcome, pair: str) -> None:
    """Take back an attempt of which no byte was sent."""
    if state.flatten is not None and state.flatten.attempts.get(pair):
        attempts = {**state.flatten.attempts, pair: state.flatten.attempts[pair] - 1}
        _save(state, out, msgspec.structs.replace(state.flatten, attempts=attempts))


def _close_positions(state: State, out: Outcome, progress: FlattenProgress, at: datetime) -> FlattenProgress:
    attempts, left = dict(progress.attempts), dict(progress.left)
    busy = {order.request.pair for order in state.orders.live()}
    for pair in sorted(state.holdings.keys() - busy):
        if state.wall < state.flatten_next_wall.get(pair, 0.0):
            continue
        if attempts.get(pair, 0) >= FLATTEN_ATTEMPTS:
            left[pair] = f"still held after {FLATTEN_ATTEMPTS} close orders"
            continue
        result = close_holding(state, out, pair, CloseCause(purpose=Purpose.FLATTEN), at)
        if isinstance(result, NotClosed):
            if not result.for_now:
                left[pair] = result.reason
            continue
        left.pop(pair, None)
        if pair not in state.barred:
            attempts[pair] = attempts.get(pair, 0) + 1
        at_market = result.request.order_type is OrderType.MARKET
        spacing = ATTEMPT_SPACING_SECONDS if at_market else REPRICE_SECONDS
        state.flatten_next_wall[pair] = state.wall + spacing
        if result.status is OrderStatus.ERROR:
            left[pair] = result.last_error or "the close order breaks a rule"
    left = {pair: why for pair, why in left.items() if pair in state.holdings}
    return msgspec.structs.replace(progress, attempts=attempts, left=left)


def _verify(state: State, out: Outcome) -> FlattenPhase:
    """Read the account once more; done when that has happened and still nothing of ours is open."""
    synced = state.account.synced_wall
    assert synced is not None
    if state.flatten_verifying_since is None:
        state.flatten_verifying_since = synced
        ask_for_sync(state, out, state.wall)
    return FlattenPhase.DONE if synced > state.flatten_verifying_since else FlattenPhase.VERIFYING


def _finish(state: State, out: Outcome, progress: FlattenProgress, at: datetime) -> None:
    """End a flatten with what it left and why, what others bought included."""
    left = dict(progress.left)
    for pair, position in state.books.state.positions.items():
        if position.size > ZERO and pair not in state.holdings:
            left[pair] = f"{position.size} {position.base} was not bought by Krakked"
    done = msgspec.structs.replace(progress, phase=FlattenPhase.DONE, left=left, finished_at=at)
    _save(state, out, done)
    summary = "; ".join(f"{pair}: {why}" for pair, why in sorted(left.items())) or "nothing is left"
    out.log(Level.WARNING, "flatten_finished", f"flatten finished: {summary}", left=summary)


def _save(state: State, out: Outcome, progress: FlattenProgress) -> None:
    state.flatten = progress
    out.record(FlattenSaved(progress))
