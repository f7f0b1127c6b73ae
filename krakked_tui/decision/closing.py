"""Closing a holding: never more than is there, never twice at once."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.placing import FLATTEN_TAG, Wish, place
from krakked_tui.decision.state import State
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import LocalOrder, Purpose, Side
from krakked_tui.domain.precision import volume_down


class CloseCause(msgspec.Struct, frozen=True, kw_only=True):
    """Why a holding is closed. ``keep`` is the base size that stays."""

    purpose: Purpose
    plan_id: str = ""
    signal_time: datetime | None = None
    timeframe: Timeframe | None = None
    keep: Decimal = ZERO


class NotClosed(msgspec.Struct, frozen=True):
    """Why a holding is not being closed. ``for_now`` means that waiting may help."""

    reason: str
    for_now: bool


def close_holding(
    state: State, out: Outcome, pair: str, cause: CloseCause, at: datetime
) -> LocalOrder | NotClosed:
    """Sell a holding down to what is to be kept of it, or say why not."""
    price = state.reference_price(pair)
    size = _sellable(state, pair, cause.keep, price)
    if isinstance(size, NotClosed):
        return size
    assert price is not None
    holding = state.holdings[pair]
    strategy = state.strategy(holding.strategy_id)
    wish = Wish(
        pair=pair,
        side=Side.SELL,
        volume=size,
        purpose=cause.purpose,
        mid=price,
        plan_id=cause.plan_id,
        strategy_id=holding.strategy_id,
        tag=FLATTEN_TAG if cause.purpose is Purpose.FLATTEN or strategy is None else strategy.tag,
        timeframe=cause.timeframe or holding.timeframe,
        signal_time=cause.signal_time,
    )
    return place(state, out, wish, at)


def _sellable(state: State, pair: str, keep: Decimal, price: Decimal | None) -> Decimal | NotClosed:
    """Return how much can be sold now: what is held and booked, on the lot, above the minimums."""
    holding, metadata = state.holdings.get(pair), state.known[pair]
    if holding is None or price is None:
        return NotClosed("nothing is held", for_now=False)
    if any(order.request.side is Side.SELL for order in state.live_orders(pair)):
        return NotClosed("a sell order is at work", for_now=True)
    if state.fills_missing(pair):
        return NotClosed("fills that the exchange reported are not booked yet", for_now=True)
    if not metadata.permits.exit:
        return NotClosed(f"the pair is {metadata.status}", for_now=False)
    volume = volume_down(min(holding.size - keep, state.books.balance(metadata.base)), metadata)
    if volume < metadata.order_min or volume * price < metadata.cost_min:
        return NotClosed(f"{volume} {metadata.base} is below the pair's minimum order", for_now=False)
    return volume
