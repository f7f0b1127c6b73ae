"""Whether an order may be placed, checked in Kraken's order and refused in its words.

Deadline, uniqueness of the client id, the exchange's and the pair's mode, minimum volume, price
grid, minimum cost, the same of its conditional close; funds, the open-order limit, the trading
counter and post-only follow in that order.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from krakked_tui.domain.order_rules import OrderRule, violations
from krakked_tui.domain.orders import OrderRequest, OrderType
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.domain.precision import at_scale, step_down
from krakked_tui.sandbox.books import Books
from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.clock import SandboxClock
from krakked_tui.sandbox.faults import (
    CANCEL_ONLY_MODE,
    COST_MINIMUM,
    DEADLINE_ELAPSED,
    ID_NOT_UNIQUE,
    INVALID_ARGUMENTS,
    INVALID_PRICE,
    LIMIT_ONLY_MODE,
    NO_POSITION,
    POST_ONLY_MODE,
    TICK_SIZE,
    UNAVAILABLE,
    UNKNOWN_PAIR,
    VOLUME_MINIMUM,
    ApiError,
    invalid,
)
from krakked_tui.sandbox.orders import Draft

DEADLINE_SECONDS: Final = (0.5, 60)
"""Bounds of a deadline, in wall seconds ahead: an order in flight is in flight in real time."""

REST_SHORTEST: Final = 2
"""The shortest deadline over REST, in wall seconds ahead; the WebSocket takes shorter ones."""

GOOD_TILL: Final = (timedelta(seconds=5), timedelta(days=31))
"""Bounds of an expiry ahead, in exchange time; Kraken says five seconds and one month."""

_MODE_ERRORS: Final = {
    PairStatus.CANCEL_ONLY: CANCEL_ONLY_MODE,
    PairStatus.REDUCE_ONLY: NO_POSITION,
    PairStatus.MAINTENANCE: UNAVAILABLE,
    PairStatus.DELISTED: UNKNOWN_PAIR,
}
_RULE_ERRORS: Final = {
    OrderRule.VOLUME: VOLUME_MINIMUM,
    OrderRule.LOT: f"{INVALID_ARGUMENTS}:volume",
    OrderRule.ORDER_MIN: VOLUME_MINIMUM,
    OrderRule.PRICE: f"{INVALID_ARGUMENTS}:price",
    OrderRule.TICK: TICK_SIZE,
    OrderRule.COST_MIN: COST_MINIMUM,
}


def check_deadline(deadline: datetime | None, clock: SandboxClock, now: datetime) -> None:
    """Refuse a request that came too late, or whose deadline is not within the bounds."""
    if deadline is None:
        return
    if deadline <= now:
        raise ApiError(DEADLINE_ELAPSED)
    shortest, longest = DEADLINE_SECONDS
    if not shortest <= clock.wall_seconds(deadline - now) <= longest:
        raise invalid("deadline")


def check_rest_deadline(deadline: datetime | None, clock: SandboxClock, now: datetime) -> None:
    """Refuse a deadline that only the WebSocket would accept; one that has passed is refused elsewhere."""
    if deadline is not None and deadline > now and clock.wall_seconds(deadline - now) < REST_SHORTEST:
        raise invalid("deadline")


def check_expiry(draft: Draft, now: datetime) -> None:
    """Refuse an order that expires too soon or too late."""
    shortest, longest = GOOD_TILL
    if draft.expires_at is not None and not shortest <= draft.expires_at - now <= longest:
        raise invalid("expiretm")


def check_client_id(draft: Draft, books: Books) -> None:
    """Refuse a client id that an open order carries."""
    if draft.cl_ord_id is not None and books.open_by_client_id(draft.cl_ord_id) is not None:
        raise ApiError(ID_NOT_UNIQUE)


def check_pair(draft: Draft, listing: Listing, market_price: Decimal) -> None:
    """Refuse what the pair's minimums or grid do not allow.

    ``market_price`` stands in for the price of a market order when its cost is judged.
    """
    pair = listing.pair
    if draft.in_quote:
        _check_cash(draft, pair, market_price)
        return
    request = OrderRequest(
        cl_ord_id=draft.cl_ord_id or "",
        pair=draft.pair,
        side=draft.side,
        order_type=OrderType.LIMIT if draft.is_limited else OrderType.MARKET,
        volume=draft.volume,
        price=draft.price,
    )
    for violation in violations(request, pair, draft.trigger or market_price):
        if violation.rule is OrderRule.TICK and draft.price is not None:
            _check_decimals(draft.price, listing)
        raise ApiError(_RULE_ERRORS[violation.rule])
    if draft.trigger is not None and step_down(draft.trigger, pair.tick_size) != draft.trigger:
        _check_decimals(draft.trigger, listing)
        raise ApiError(TICK_SIZE)


def check_mode(draft: Draft, system: str, status: PairStatus) -> None:
    """Refuse what the exchange's mode or the pair's does not allow."""
    for mode in (PairStatus(system), status):
        if mode in _MODE_ERRORS:
            raise ApiError(_MODE_ERRORS[mode])
        if mode is PairStatus.POST_ONLY and not draft.post_only:
            raise ApiError(POST_ONLY_MODE)
        if mode is PairStatus.LIMIT_ONLY and not draft.is_limited:
            raise ApiError(LIMIT_ONLY_MODE)


def check_cancel(system: str, status: PairStatus) -> None:
    """Refuse to cancel while the exchange or the pair is in maintenance."""
    if PairStatus.MAINTENANCE in (system, status):
        raise ApiError(UNAVAILABLE)


def _check_cash(draft: Draft, pair: PairMetadata, market_price: Decimal) -> None:
    if draft.volume / market_price < pair.order_min:
        raise ApiError(VOLUME_MINIMUM)
    if draft.volume < pair.cost_min:
        raise ApiError(COST_MINIMUM)


def _check_decimals(price: Decimal, listing: Listing) -> None:
    """Refuse a price with more decimals than the pair has in the words that Kraken keeps for it."""
    decimals = listing.pair.price_decimals
    if price != at_scale(price, decimals):
        name = listing.wsname or listing.name
        raise ApiError(f"{INVALID_PRICE}:{name} price can only be specified up to {decimals} decimals.")
