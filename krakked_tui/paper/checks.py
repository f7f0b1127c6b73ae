"""Whether an order may be placed at all, checked in Kraken's order and refused in its words.

Deadline, arguments, pair, client id, the pair's mode, a live price, the one rule book, funds, the limit
of open orders and post-only, in that order; what needs the market or the account is in ``arrivals``.
"""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.order_rules import OrderRule, violations
from krakked_tui.domain.orders import OrderRequest, OrderType, TimeInForce
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.domain.precision import step_down
from krakked_tui.paper.depth import LARGEST
from krakked_tui.paper.orders import LIMITED, TRIGGERED, limit_of
from krakked_tui.paper.refusals import (
    CANCEL_ONLY_MODE,
    COST_MINIMUM,
    DEADLINE_ELAPSED,
    ID_NOT_UNIQUE,
    INVALID_ARGUMENTS,
    LIMIT_ONLY_MODE,
    POST_ONLY_MODE,
    REDUCE_ONLY,
    TICK_SIZE,
    UNAVAILABLE,
    UNKNOWN_PAIR,
    VOLUME_MINIMUM,
    OrderRefusal,
    invalid,
)

_MODES: Final = {
    PairStatus.CANCEL_ONLY: CANCEL_ONLY_MODE,
    PairStatus.REDUCE_ONLY: REDUCE_ONLY,
    PairStatus.MAINTENANCE: UNAVAILABLE,
    PairStatus.DELISTED: UNKNOWN_PAIR,
}
_RULES: Final = {
    OrderRule.VOLUME: VOLUME_MINIMUM,
    OrderRule.LOT: f"{INVALID_ARGUMENTS}:volume",
    OrderRule.ORDER_MIN: VOLUME_MINIMUM,
    OrderRule.PRICE: f"{INVALID_ARGUMENTS}:price",
    OrderRule.TICK: TICK_SIZE,
    OrderRule.COST_MIN: COST_MINIMUM,
}


def check_arguments(request: OrderRequest) -> None:
    """Refuse what makes no sense whatever the market does. Raises ``OrderRefusal``."""
    if not (request.volume.is_finite() and abs(request.volume) < LARGEST):
        raise invalid("volume", "it is out of bounds")
    _check_price(request.trigger_price, request.order_type in TRIGGERED, "price")
    limit_field = "price2" if request.order_type in TRIGGERED else "price"
    _check_price(request.price, request.order_type in LIMITED, limit_field)
    if request.time_in_force is TimeInForce.GTD:
        raise invalid("expiretm", "an order that is good till a date needs one, and there is none")
    if request.post_only and request.order_type is not OrderType.LIMIT:
        raise invalid("oflags", f"a {request.order_type} order cannot be post-only")
    if request.post_only and request.time_in_force is TimeInForce.IOC:
        raise invalid("timeinforce", "an order that may neither take nor rest would never trade")


def check_deadline(request: OrderRequest, now: datetime) -> None:
    """Refuse an order that came too late. Raises ``OrderRefusal``."""
    if request.deadline is not None and request.deadline <= now:
        raise OrderRefusal(DEADLINE_ELAPSED, f"its deadline was {request.deadline:%H:%M:%S} UTC")


def check_client_id(request: OrderRequest, taken: Collection[str]) -> None:
    """Refuse a client id that an open order carries. Raises ``OrderRefusal``."""
    if request.cl_ord_id in taken:
        raise OrderRefusal(ID_NOT_UNIQUE, "an open order carries it")


def check_mode(request: OrderRequest, pair: PairMetadata) -> None:
    """Refuse what the pair's mode does not allow. Raises ``OrderRefusal``."""
    detail = f"{pair.canonical} is in {pair.status} mode"
    if pair.status in _MODES:
        raise OrderRefusal(_MODES[pair.status], detail)
    if pair.status is PairStatus.POST_ONLY and not request.post_only:
        raise OrderRefusal(POST_ONLY_MODE, detail)
    if pair.status is PairStatus.LIMIT_ONLY and request.order_type not in LIMITED:
        raise OrderRefusal(LIMIT_ONLY_MODE, detail)


def check_rules(request: OrderRequest, pair: PairMetadata, price: Decimal) -> None:
    """Refuse what the pair's precision and minimums do not allow. Raises ``OrderRefusal``.

    ``price`` values an order without a limit.
    """
    limit = limit_of(request)
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    seen = msgspec.structs.replace(request, order_type=kind, price=limit)
    for violation in violations(seen, pair, price):
        raise OrderRefusal(_RULES[violation.rule], violation.message)
    # A trailing stop has a distance, which need not be on the grid.
    waits = request.order_type in TRIGGERED and request.order_type is not OrderType.TRAILING_STOP
    trigger = request.trigger_price if waits else None
    if trigger is not None and step_down(trigger, pair.tick_size) != trigger:
        raise OrderRefusal(
            TICK_SIZE, f"trigger {trigger} is not a multiple of the tick {pair.tick_size} of {pair.canonical}"
        )


def _check_price(price: Decimal | None, wanted: bool, field: str) -> None:  # noqa: FBT001 - reads as a table
    if wanted and (price is None or not price.is_finite() or not ZERO < price < LARGEST):
        raise invalid(field, "it is missing or out of bounds")
