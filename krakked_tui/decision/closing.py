"""Closing a holding: never more than is there, never twice at once."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.decision.effects import Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.placing import FLATTEN_TAG, Wish, place
from krakked_tui.decision.state import Barred, State, UrgentClose
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import LocalOrder, Purpose, Side
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.domain.precision import volume_down
from krakked_tui.execution.router import MARKET_PURPOSES, goes_at_market

BARRED_SECONDS = 60.0
"""Between tries of a close that must happen and that a status forbids: the status may be out of date."""


class CloseCause(msgspec.Struct, frozen=True, kw_only=True):
    """Why a holding is closed. ``keep`` is the base size that stays."""

    purpose: Purpose
    plan_id: str = ""
    signal_time: datetime | None = None
    timeframe: Timeframe | None = None
    keep: Decimal = ZERO


class NotClosed(msgspec.Struct, frozen=True):
    """Why a holding is not being closed. ``for_now`` means that waiting may help.

    ``by_exchange``: a status forbids it, so that it would be refused.
    """

    reason: str
    for_now: bool
    by_exchange: bool = False


def close_holding(
    state: State, out: Outcome, pair: str, cause: CloseCause, at: datetime
) -> LocalOrder | NotClosed:
    """Sell a holding down to what is to be kept of it, or say why not.

    What a status of the exchange forbids waits in ``state.barred``, and is made as soon as it is allowed: a
    decision to get out of everything holds, and is an urgent one by then. A stop or a flatten is tried all
    the same every minute, unless the pair is gone.
    """
    price = state.reference_price(pair)
    size = _sellable(state, pair, cause, price)
    if isinstance(size, NotClosed):
        if size.by_exchange:
            _wait_for_exchange(state, out, pair, cause, size)
        return size
    assert price is not None
    if pair in state.barred:
        state.barred[pair] = msgspec.structs.replace(
            state.barred[pair], next_wall=state.wall + BARRED_SECONDS
        )
    holding = state.holdings[pair]
    strategy = state.strategy(holding.strategy_id)
    wish = Wish(
        pair=pair,
        side=Side.SELL,
        volume=size,
        purpose=cause.purpose,
        mid=_limit_base(state, pair, cause, price),
        plan_id=cause.plan_id,
        strategy_id=holding.strategy_id,
        tag=FLATTEN_TAG if cause.purpose is Purpose.FLATTEN or strategy is None else strategy.tag,
        timeframe=cause.timeframe or holding.timeframe,
        signal_time=cause.signal_time,
    )
    return place(state, out, wish, at)


def _wait_for_exchange(state: State, out: Outcome, pair: str, cause: CloseCause, refusal: NotClosed) -> None:
    if cause.keep and pair in state.urgent:
        return  # all of it is being sold
    if cause.purpose is Purpose.EXIT and not cause.keep:
        state.urgent.setdefault(pair, UrgentClose())
    before, prospect = state.barred.get(pair), _prospect(cause, refusal)
    if before is not None and (before.reason, before.prospect) == (refusal.reason, prospect):
        return
    next_wall = before.next_wall if before else state.wall + BARRED_SECONDS
    state.barred[pair] = Barred(refusal.reason, prospect, next_wall)
    out.log(
        Level.WARNING, "close_waits", f"{pair}: not sold, {refusal.reason}: {prospect}", pair=pair,
        reason=refusal.reason, purpose=str(cause.purpose),
    )  # fmt: skip


def _prospect(cause: CloseCause, refusal: NotClosed) -> str:
    """Say what becomes of a close that is not made now."""
    if cause.keep:
        return "a reduction is decided again at the next candle"
    if refusal.for_now:
        return "it is sold as soon as that is possible"
    if cause.purpose is Purpose.FLATTEN:
        return "it cannot be sold any more"
    return "it is sold if the exchange lists the pair again"


def _limit_base(state: State, pair: str, cause: CloseCause, price: Decimal) -> Decimal:
    """Return what a limit is set off from: of one that must take, the best bid."""
    mark = state.marks.get(pair)
    forced = cause.purpose in MARKET_PURPOSES and not goes_at_market(state.known[pair], cause.purpose)
    return mark.quote.bid if forced and mark is not None and mark.quote.bid > ZERO else price


def _sellable(state: State, pair: str, cause: CloseCause, price: Decimal | None) -> Decimal | NotClosed:
    """Return how much can be sold now: what is held and booked, on the lot, above the minimums."""
    holding, metadata = state.holdings.get(pair), state.known[pair]
    if holding is None or price is None:
        return NotClosed("nothing is held", for_now=False)
    if any(order.request.side is Side.SELL for order in state.live_orders(pair)):
        return NotClosed("a sell order is at work", for_now=True)
    if state.fills_missing(pair):
        return NotClosed("fills that the exchange reported are not booked yet", for_now=True)
    if reason := _forbidden(state, metadata):
        delisted = metadata.status is PairStatus.DELISTED
        if delisted or not _tried_all_the_same(state, pair, cause):
            return NotClosed(reason, for_now=not delisted, by_exchange=True)
    volume = volume_down(min(holding.size - cause.keep, state.books.balance(metadata.base)), metadata)
    if volume < metadata.order_min or volume * price < metadata.cost_min:
        return NotClosed(f"{volume} {metadata.base} is below the pair's minimum order", for_now=False)
    return volume


def _forbidden(state: State, pair: PairMetadata) -> str:
    """Say why the exchange would refuse a close of a pair; empty when it would not."""
    if state.permits(pair.canonical).exit:
        return ""
    return state.system_refusal() if pair.permits.exit else f"the pair is {pair.status}"


def _tried_all_the_same(state: State, pair: str, cause: CloseCause) -> bool:
    barred = state.barred.get(pair)
    return cause.purpose in MARKET_PURPOSES and barred is not None and state.wall >= barred.next_wall
