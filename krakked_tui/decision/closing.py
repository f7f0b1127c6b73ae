"""Closing a holding: never more than is there, never twice at once."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.decision.effects import Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.placing import FLATTEN_TAG, Wish, place
from krakked_tui.decision.state import State, UrgentClose
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import LocalOrder, Purpose, Side
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.domain.precision import volume_down
from krakked_tui.execution.router import MARKET_PURPOSES


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

    What a status of the exchange forbids is not tried. It waits in ``state.barred``, and is made as soon
    as it is allowed: a decision to get out holds, and is an urgent one by then.
    """
    price = state.reference_price(pair)
    size = _sellable(state, pair, cause, price)
    if isinstance(size, NotClosed):
        if size.by_exchange:
            _wait_for_exchange(state, out, pair, cause, size)
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


def _wait_for_exchange(state: State, out: Outcome, pair: str, cause: CloseCause, refusal: NotClosed) -> None:
    if refusal.for_now and cause.purpose is Purpose.EXIT and not cause.keep:
        state.urgent.setdefault(pair, UrgentClose())
    if state.barred.get(pair) == refusal.reason:
        return
    state.barred[pair] = refusal.reason
    when = "it is sold as soon as that is possible" if refusal.for_now else "it cannot be sold any more"
    out.log(
        Level.WARNING, "close_waits", f"{pair}: not sold, {refusal.reason}: {when}", pair=pair,
        reason=refusal.reason, purpose=str(cause.purpose),
    )  # fmt: skip


def _sellable(state: State, pair: str, cause: CloseCause, price: Decimal | None) -> Decimal | NotClosed:
    """Return how much can be sold now: what is held and booked, on the lot, above the minimums."""
    holding, metadata = state.holdings.get(pair), state.known[pair]
    if holding is None or price is None:
        return NotClosed("nothing is held", for_now=False)
    if any(order.request.side is Side.SELL for order in state.live_orders(pair)):
        return NotClosed("a sell order is at work", for_now=True)
    if state.fills_missing(pair):
        return NotClosed("fills that the exchange reported are not booked yet", for_now=True)
    if reason := _forbidden(state, metadata, cause.purpose):
        delisted = metadata.status is PairStatus.DELISTED
        return NotClosed(reason, for_now=not delisted, by_exchange=True)
    volume = volume_down(min(holding.size - cause.keep, state.books.balance(metadata.base)), metadata)
    if volume < metadata.order_min or volume * price < metadata.cost_min:
        return NotClosed(f"{volume} {metadata.base} is below the pair's minimum order", for_now=False)
    return volume


def _forbidden(state: State, pair: PairMetadata, purpose: Purpose) -> str:
    """Say why the exchange would refuse such a close of a pair; empty when it would not."""
    at_market = purpose in MARKET_PURPOSES
    permits = state.permits(pair.canonical)
    if permits.market if at_market else permits.exit:
        return ""
    of_pair = pair.permits
    if of_pair.market if at_market else of_pair.exit:
        return state.system_refusal()
    return f"the pair is {pair.status}" + (", and takes no market order" if of_pair.exit else "")
