"""Making orders: the row is recorded, then the sending is asked for, in that order."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.decision.effects import Level, Submit
from krakked_tui.decision.kill_switch import order_failed
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.state import State
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.order_rules import violations
from krakked_tui.domain.orders import LocalOrder, OrderStatus, Purpose, Side
from krakked_tui.domain.plans import NET, ActionShare
from krakked_tui.execution import client_ids, router, unknown
from krakked_tui.execution.order_book import Change

FLATTEN_TAG = "flt"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """An order to be made. ``mid`` is the price the decision saw; its volume is that of its shares."""

    pair: str
    side: Side
    shares: tuple[ActionShare, ...]
    purpose: Purpose
    mid: Decimal
    plan_id: str
    tag: str
    timeframe: Timeframe | None = None
    signal_time: datetime | None = None

    @property
    def strategy_id(self) -> str:
        """Whose it is; ``NET`` when it is several strategies'."""
        return self.shares[0].strategy_id if len(self.shares) == 1 else NET


def tag_of(state: State, shares: Sequence[ActionShare]) -> str:
    """Return the tag of an order for these: that of their strategy, ``NET`` for several."""
    if len(shares) > 1:
        return NET
    strategy = state.strategy(shares[0].strategy_id)
    return FLATTEN_TAG if strategy is None else strategy.tag


def place(state: State, out: Outcome, wish: Wish, at: datetime) -> LocalOrder:
    """Record an order and ask for it to be sent; one that breaks a rule ends as ``error``, unsent.

    How old the price is that it was made at goes on record with it.
    """
    execution = state.settings.execution
    pair = state.known[wish.pair]
    cl_ord_id = state.new_client_id(wish.tag)
    request = router.route(
        cl_ord_id=cl_ord_id,
        pair=pair,
        side=wish.side,
        volume=sum((share.size for share in wish.shares), ZERO),
        purpose=wish.purpose,
        mid=wish.mid,
        max_slippage_bps=execution.max_slippage_bps,
        deadline=deadline(state, at),
    )
    order = LocalOrder(
        local_id=client_ids.local_id(cl_ord_id),
        cl_ord_id=cl_ord_id,
        plan_id=wish.plan_id,
        strategy_id=wish.strategy_id,
        purpose=wish.purpose,
        request=request,
        status=OrderStatus.PENDING,
        created_at=at,
        updated_at=at,
        timeframe=wish.timeframe,
        signal_time=wish.signal_time,
        stop_price=wish.shares[0].stop_price if len(wish.shares) == 1 else None,
        shares=wish.shares,
    )
    assert sum((share.size for share in wish.shares), ZERO) == request.volume, wish
    state.made.add(cl_ord_id)
    out.save(_with_price(state, state.orders.add(order, "plan")))
    if broken := violations(request, pair, wish.mid):
        reason = "; ".join(violation.message for violation in broken)
        change = state.orders.move(cl_ord_id, OrderStatus.ERROR, at, "validator", reason)
        out.save(change)
        state.counts.errors += 1
        out.log(
            Level.ERROR, "order_error", f"{wish.pair}: order not sent: {reason}", cl_ord_id=cl_ord_id,
            pair=wish.pair, reason=reason,
        )  # fmt: skip
        order_failed(state, out, order, at, reason)
        return change.order
    hand_over(state, out, order, delay=0.0)
    return order


def _with_price(state: State, change: Change) -> Change:
    """Note with an order how old the price is that was known when it was made."""
    mark = state.marks.get(change.order.request.pair)
    note = f"price {mark.age:.1f} s old, {mark.freshness}" if mark else "no price had arrived"
    assert change.transition is not None
    return Change(change.order, msgspec.structs.replace(change.transition, detail=note))


def hand_over(state: State, out: Outcome, order: LocalOrder, delay: float) -> None:
    """Ask for a recorded order to be sent, and remember that its fate is open from now on."""
    request, mark = order.request, state.marks.get(order.request.pair)
    state.activity += 1
    state.submissions[order.cl_ord_id] = state.submissions.get(order.cl_ord_id, 0) + 1
    state.searches.pop(order.cl_ord_id, None)
    out.do(Submit(order, delay))
    out.log(
        Level.INFO, "order_submitted",
        f"{request.side} {request.volume} {request.pair} {request.order_type}"
        f"{f' @ {request.price}' if request.price else ''} ({order.strategy_id}, {order.purpose})",
        cl_ord_id=order.cl_ord_id, pair=request.pair, side=str(request.side), volume=str(request.volume),
        price=str(request.price) if request.price else None,
        price_age=round(mark.age, 3) if mark else None, order_type=str(request.order_type),
        strategy_id=order.strategy_id, purpose=str(order.purpose), plan_id=order.plan_id,
        timeframe=str(order.timeframe) if order.timeframe else None,
        signal_time=order.signal_time.isoformat() if order.signal_time else None,
    )  # fmt: skip


def deadline(state: State, at: datetime) -> datetime:
    """Return the exchange-time instant after which the exchange must refuse a new order."""
    return at + timedelta(seconds=state.settings.execution.deadline_seconds * max(state.speed, 1.0))


def search_for(state: State, order: LocalOrder, at: datetime) -> None:
    """Start finding out what became of an order."""
    state.searches.setdefault(order.cl_ord_id, unknown.begin(order.request.deadline, at))
