"""AddOrder's arguments turned into a draft, and an order's description in Kraken's words."""

import re
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from krakked_tui.domain.orders import OrderType, Side, TimeInForce
from krakked_tui.domain.precision import at_scale
from krakked_tui.sandbox.catalog import Catalog, Listing
from krakked_tui.sandbox.faults import UNKNOWN_PAIR, ApiError, invalid
from krakked_tui.sandbox.orders import Draft
from krakked_tui.sandbox.params import Params
from krakked_tui.sandbox.wire import text

ADD_ORDER_PARAMS: Final = (
    "pair",
    "type",
    "ordertype",
    "volume",
    "price",
    "oflags",
    "timeinforce",
    "userref",
    "cl_ord_id",
    "deadline",
    "validate",
    "leverage",
)

_ORDER_TYPES: Final = (OrderType.MARKET, OrderType.LIMIT)
_TIMES_IN_FORCE: Final = (TimeInForce.GTC, TimeInForce.IOC)
_FLAGS: Final = {
    OrderType.MARKET: frozenset(("fciq", "nompp")),
    OrderType.LIMIT: frozenset(("fciq", "post")),
}
_CLIENT_ID: Final = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # UUID
    r"|[0-9a-fA-F]{32}"
    r"|[!-~]{1,18}"
)
_USERREF_MAX: Final = 2**31

Choice = TypeVar("Choice", bound=StrEnum)


def parse_draft(params: Params, catalog: Catalog) -> Draft:
    """Read an order, or raise ``ApiError`` for the first argument that is not well-formed."""
    order_type = _choice(params, "ordertype", _ORDER_TYPES)
    side = _choice(params, "type", tuple(Side))
    volume = params.decimal("volume")
    if not volume:
        raise invalid("volume")
    price = _price(params, order_type)
    post_only = _post_only(params, order_type)
    time_in_force = _choice(params, "timeinforce", _TIMES_IN_FORCE, default=TimeInForce.GTC)
    cl_ord_id, userref = _client_ids(params)
    if params.text("leverage") not in (None, "none"):
        raise invalid("leverage")
    deadline = params.instant("deadline")
    listing = catalog.find(params.required("pair"))
    if listing is None:
        raise ApiError(UNKNOWN_PAIR)
    lots = at_scale(volume, listing.pair.volume_decimals)
    if volume != lots:
        raise invalid("volume")
    return Draft(
        pair=listing.name,
        side=side,
        order_type=order_type,
        volume=lots,
        price=price,
        time_in_force=time_in_force,
        post_only=post_only,
        cl_ord_id=cl_ord_id,
        userref=userref,
        deadline=deadline,
    )


def describe(draft: Draft, listing: Listing) -> str:
    """Say an order in one line: ``buy 1.25000000 XBTUSD @ limit 27500.0``."""
    pair = listing.pair
    what = f"{draft.side} {text(draft.volume, pair.volume_decimals)} {pair.canonical}"
    if draft.price is None:
        return f"{what} @ market"
    return f"{what} @ limit {text(draft.price, pair.price_decimals)}"


def _choice(params: Params, name: str, allowed: Sequence[Choice], default: Choice | None = None) -> Choice:
    sent = params.text(name)
    if sent is None and default is not None:
        return default
    for choice in allowed:
        if choice.value == sent:
            return choice
    raise invalid(name)


def _price(params: Params, order_type: OrderType) -> Decimal | None:
    """Return a limit order's price; a market order's, if any is sent, does not matter."""
    price = params.decimal("price")
    if order_type is OrderType.MARKET:
        return None
    if not price:
        raise invalid("price")
    return price


def _post_only(params: Params, order_type: OrderType) -> bool:
    flags = params.names_in("oflags")
    if not _FLAGS[order_type].issuperset(flags):
        raise invalid("oflags")
    return "post" in flags


def _client_ids(params: Params) -> tuple[str | None, int | None]:
    """Return (cl_ord_id, userref), of which an order may have one."""
    cl_ord_id = params.text("cl_ord_id")
    if params.text("userref") is None:
        if cl_ord_id is not None and not _CLIENT_ID.fullmatch(cl_ord_id):
            raise invalid("cl_ord_id")
        return cl_ord_id, None
    userref = params.integer("userref", 0)
    if cl_ord_id is not None or not -_USERREF_MAX <= userref < _USERREF_MAX:
        raise invalid("userref")
    return None, userref
