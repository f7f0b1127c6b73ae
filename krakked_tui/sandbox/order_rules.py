"""Whether an order may be placed, checked in Kraken's order and refused in its words.

Deadline, uniqueness of the client id, the pair's mode, minimum volume, price grid, minimum cost;
funds, the open-order limit and post-only follow in that order.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final

from krakked_tui.domain.order_rules import OrderRule, violations
from krakked_tui.domain.orders import OrderRequest, OrderType
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.precision import at_scale
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
    ORDERS_LIMIT,
    POST_ONLY_MODE,
    TICK_SIZE,
    UNAVAILABLE,
    VOLUME_MINIMUM,
    ApiError,
    invalid,
)
from krakked_tui.sandbox.orders import Draft

DEADLINE_SECONDS: Final = (2, 60)
"""Bounds of a deadline, in wall seconds ahead: an order in flight is in flight in real time."""

OPEN_ORDERS_MAX: Final = 80
"""Open orders per pair, as for an Intermediate account."""

_MODE_ERRORS: Final = {
    PairStatus.CANCEL_ONLY: CANCEL_ONLY_MODE,
    PairStatus.REDUCE_ONLY: NO_POSITION,
    PairStatus.MAINTENANCE: UNAVAILABLE,
    PairStatus.DELISTED: UNAVAILABLE,
}
_RULE_ERRORS: Final = {
    OrderRule.VOLUME: VOLUME_MINIMUM,
    OrderRule.LOT: f"{INVALID_ARGUMENTS}:volume",
    OrderRule.ORDER_MIN: VOLUME_MINIMUM,
    OrderRule.PRICE: f"{INVALID_ARGUMENTS}:price",
    OrderRule.TICK: TICK_SIZE,
    OrderRule.COST_MIN: COST_MINIMUM,
}


def check_deadline(draft: Draft, clock: SandboxClock, now: datetime) -> None:
    """Refuse an order that came too late, or whose deadline is not within the bounds."""
    if draft.deadline is None:
        return
    if draft.deadline <= now:
        raise ApiError(DEADLINE_ELAPSED)
    shortest, longest = DEADLINE_SECONDS
    if not shortest <= clock.wall_seconds(draft.deadline - now) <= longest:
        raise invalid("deadline")


def check_client_id(draft: Draft, books: Books) -> None:
    """Refuse a client id that an open order carries."""
    if draft.cl_ord_id is not None and books.open_by_client_id(draft.cl_ord_id) is not None:
        raise ApiError(ID_NOT_UNIQUE)


def check_pair(draft: Draft, listing: Listing, market_price: Decimal) -> None:
    """Refuse what the pair's mode, minimums or grid do not allow.

    ``market_price`` stands in for the price of a market order when its cost is judged.
    """
    pair = listing.pair
    _check_mode(draft, pair.status)
    request = OrderRequest(
        draft.cl_ord_id or "", draft.pair, draft.side, draft.order_type, draft.volume, draft.price
    )
    for violation in violations(request, pair, market_price):
        if violation.rule is OrderRule.TICK and draft.price is not None:
            _check_decimals(draft.price, listing)
        raise ApiError(_RULE_ERRORS[violation.rule])


def check_open_orders(draft: Draft, books: Books) -> None:
    """Refuse one order more than a pair may have open."""
    on_pair = sum(order.draft.pair == draft.pair for order in books.open_orders.values())
    if on_pair >= OPEN_ORDERS_MAX:
        raise ApiError(ORDERS_LIMIT)


def _check_mode(draft: Draft, status: PairStatus) -> None:
    if status in _MODE_ERRORS:
        raise ApiError(_MODE_ERRORS[status])
    if status is PairStatus.POST_ONLY and not draft.post_only:
        raise ApiError(POST_ONLY_MODE)
    if status is PairStatus.LIMIT_ONLY and draft.order_type is OrderType.MARKET:
        raise ApiError(LIMIT_ONLY_MODE)


def _check_decimals(price: Decimal, listing: Listing) -> None:
    """Refuse a price with more decimals than the pair has in the words that Kraken keeps for it."""
    decimals = listing.pair.price_decimals
    if price != at_scale(price, decimals):
        name = listing.wsname or listing.name
        raise ApiError(f"{INVALID_PRICE}:{name} price can only be specified up to {decimals} decimals.")
