"""AddOrder's arguments turned into a draft, and an order's description in Kraken's words."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from krakked_tui.domain.orders import OrderType, Side, TimeInForce
from krakked_tui.domain.precision import at_scale
from krakked_tui.sandbox.catalog import Catalog, Listing
from krakked_tui.sandbox.clock import END_OF_TIME, EPOCH
from krakked_tui.sandbox.faults import (
    INDEX_UNAVAILABLE,
    NO_POSITION,
    SCHEDULED_LIMIT,
    UNKNOWN_PAIR,
    UNKNOWN_POSITION,
    ApiError,
    invalid,
)
from krakked_tui.sandbox.orders import (
    LIMITED,
    ORDER_TYPES,
    TIMES_IN_FORCE,
    AnyTimeInForce,
    AnyType,
    Close,
    Draft,
    RareTimeInForce,
    SelfTrade,
)
from krakked_tui.sandbox.params import Params
from krakked_tui.sandbox.prices import Price, bounded, parse_price
from krakked_tui.sandbox.terms import describe_close, describe_order, split_prices, with_prices

CLOSE_PARAMS: Final = ("close[ordertype]", "close[price]", "close[price2]")

ORDER_PARAMS: Final = (
    "type",
    "ordertype",
    "volume",
    "displayvol",
    "price",
    "price2",
    "trigger",
    "leverage",
    "reduce_only",
    "stptype",
    "oflags",
    "timeinforce",
    "starttm",
    "expiretm",
    "userref",
    "cl_ord_id",
    *CLOSE_PARAMS,
)
"""What an order is described with, alone or in a batch."""

ADD_ORDER_PARAMS: Final = (*ORDER_PARAMS, "pair", "deadline", "validate")

_FLAGS: Final = frozenset(("post", "fcib", "fciq", "nompp", "viqc"))
_TRIGGERS: Final = ("last", "index")
_CLIENT_ID: Final = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # UUID
    r"|[0-9a-fA-F]{32}"
    r"|[!-~]{1,18}"
)
_USERREF_MAX: Final = 2**31

Choice = TypeVar("Choice", bound=StrEnum)


def parse_draft(params: Params, catalog: Catalog, now: datetime = EPOCH) -> Draft:
    """Read an order, or raise ``ApiError`` for the first argument that is not well-formed.

    ``now`` is the exchange time from which ``expiretm=+60`` counts.
    """
    order_type = _order_type(params)
    side = _choice(params, "type", tuple(Side))
    volume = read_volume(params, "volume")
    if volume is None:
        raise invalid("volume")
    _check_margin(params)
    _check_trigger(params, order_type)
    trigger, limit = split_prices(order_type, _price(params, order_type, "price"), _price2(params))
    flags = _flags(params, order_type, side)
    cl_ord_id, userref = _client_ids(params)
    time_in_force, expires_at = _lifetime(params, order_type, now)
    if "post" in flags and time_in_force not in (TimeInForce.GTC, TimeInForce.GTD):
        raise invalid("timeinforce")  # what may not take would never trade
    close = _close(params)
    deadline = params.instant("deadline")
    listing = catalog.find(params.required("pair"))
    if listing is None:
        raise ApiError(UNKNOWN_PAIR)
    lots = at_scale(volume, listing.pair.volume_decimals)
    if volume != lots:
        raise invalid("volume")
    draft = Draft(
        pair=listing.name,
        side=side,
        order_type=order_type,
        volume=lots,
        time_in_force=time_in_force,
        post_only="post" in flags,
        cl_ord_id=cl_ord_id,
        userref=userref,
        deadline=deadline,
        expires_at=expires_at,
        fee_in_base="fcib" in flags,
        in_quote="viqc" in flags,
        self_trade=_self_trade(params),
        close=close,
    )
    return with_prices(draft, trigger, limit)


def describe(draft: Draft, listing: Listing) -> str:
    """Say an order in one line: ``buy 1.25000000 XBTUSD @ limit 27500.0``."""
    return describe_order(draft, listing.pair)


def description(draft: Draft, listing: Listing) -> dict[str, str]:
    """Return ``descr`` as AddOrder answers it: the order, and its conditional close if it has one."""
    found = {"order": describe(draft, listing)}
    if draft.close is not None:
        found["close"] = describe_close(draft.close, listing.pair)
    return found


def parse_client_id(cl_ord_id: str) -> str:
    """Return a well-formed client id, or raise ``ApiError``."""
    if not _CLIENT_ID.fullmatch(cl_ord_id):
        raise invalid("cl_ord_id")
    return cl_ord_id


def read_volume(params: Params, name: str) -> Decimal | None:
    """Return a volume above zero, None when not sent."""
    volume = params.decimal(name)
    if volume is None:
        return None
    if not volume:
        raise invalid(name)
    return bounded(volume, name)


def parse_userref(params: Params) -> int | None:
    """Return a signed 32-bit ``userref``, None when not sent."""
    if params.text("userref") is None:
        return None
    return check_userref(params.integer("userref", 0))


def check_userref(userref: int) -> int:
    """Return a signed 32-bit ``userref``, or raise ``ApiError``."""
    if not -_USERREF_MAX <= userref < _USERREF_MAX:
        raise invalid("userref")
    return userref


def flags_of(params: Params) -> frozenset[str]:
    """Return the order flags, all of them known."""
    flags = frozenset(params.names_in("oflags"))
    if not flags <= _FLAGS:
        raise invalid("oflags")
    return flags


def _choice(params: Params, name: str, allowed: Sequence[Choice], default: Choice | None = None) -> Choice:
    sent = params.text(name)
    if sent is None and default is not None:
        return default
    for choice in allowed:
        if choice.value == sent:
            return choice
    raise invalid(name)


def _order_type(params: Params, name: str = "ordertype") -> AnyType:
    sent = params.text(name)
    if sent == "settle-position":
        raise ApiError(UNKNOWN_POSITION)
    for known in ORDER_TYPES:
        if known.value == sent:
            return known
    raise invalid(name)  # an iceberg too


def _check_margin(params: Params) -> None:
    """Refuse what only margin orders and icebergs have."""
    if params.text("leverage") not in (None, "none"):
        raise invalid("leverage")
    if params.flag("reduce_only", default=False):
        raise ApiError(NO_POSITION)
    if params.text("displayvol") is not None:
        raise invalid("displayvol")
    if params.text("starttm") not in (None, "0", "+0"):
        raise ApiError(SCHEDULED_LIMIT)


def _check_trigger(params: Params, order_type: AnyType) -> None:
    trigger = params.text("trigger")
    if trigger is None:
        return
    if trigger not in _TRIGGERS or order_type in (OrderType.MARKET, OrderType.LIMIT):
        raise invalid("trigger")
    if trigger == "index":
        raise ApiError(INDEX_UNAVAILABLE)


def _price(params: Params, order_type: AnyType, name: str) -> Price | None:
    """Return a price; a market order's, if any is sent, does not matter."""
    sent = params.text(name)
    if sent is None or order_type is OrderType.MARKET:
        return None
    return parse_price(sent, name)


def _price2(params: Params) -> Price | None:
    sent = params.text("price2")
    return None if sent in (None, "0") else parse_price(sent or "", "price2")


def _flags(params: Params, order_type: AnyType, side: Side) -> frozenset[str]:
    flags = flags_of(params)
    if "post" in flags and order_type is not OrderType.LIMIT:
        raise invalid("oflags")
    if "viqc" in flags and not (order_type is OrderType.MARKET and side is Side.BUY):
        raise invalid("viqc")
    if {"fcib", "fciq"} <= flags:
        raise invalid("oflags")
    return flags


def _lifetime(params: Params, order_type: AnyType, now: datetime) -> tuple[AnyTimeInForce, datetime | None]:
    """Return time in force and expiry; an expiry without a time in force means good till then."""
    expires_at = _instant(params, "expiretm", now)
    default = TimeInForce.GTC if expires_at is None else TimeInForce.GTD
    sent = params.text("timeinforce")
    wanted = default.value if sent is None else sent
    for known in TIMES_IN_FORCE:
        if known.value == wanted:
            break
    else:
        raise invalid("timeinforce")
    if (known is TimeInForce.GTD) is not (expires_at is not None):
        raise invalid("expiretm")
    if known is TimeInForce.GTD and order_type is OrderType.MARKET:
        raise invalid("expiretm")
    if known is RareTimeInForce.FOK and order_type not in LIMITED:
        raise invalid("timeinforce")
    return known, expires_at


def _instant(params: Params, name: str, now: datetime) -> datetime | None:
    """Return a time sent as unix seconds or as ``+n`` seconds from now; None for none or 0."""
    sent = params.text(name)
    if sent is None or sent in ("0", "+0"):
        return None
    digits = sent.removeprefix("+")
    if not re.fullmatch(r"[0-9]{1,12}", digits):
        raise invalid(name)
    since = now if sent.startswith("+") else EPOCH
    seconds = int(digits)
    if seconds > (END_OF_TIME - since).total_seconds():
        raise invalid(name)
    return since + timedelta(seconds=seconds)


def _close(params: Params) -> Close | None:
    """Return the conditional close, if one is asked for."""
    if not params.names & frozenset(CLOSE_PARAMS):
        return None
    order_type = _order_type(params, "close[ordertype]")
    if order_type is OrderType.MARKET:
        raise invalid("close[ordertype]")
    price, price2 = (
        None if sent is None else parse_price(sent, name)
        for name in ("close[price]", "close[price2]")
        for sent in (params.text(name),)
    )
    split_prices(order_type, price, price2, ("close[price]", "close[price2]"))
    return Close(order_type, price, price2)


def _self_trade(params: Params) -> SelfTrade:
    return _choice(params, "stptype", tuple(SelfTrade), default=SelfTrade.CANCEL_NEWEST)


def _client_ids(params: Params) -> tuple[str | None, int | None]:
    """Return (cl_ord_id, userref), of which an order may have one."""
    cl_ord_id, userref = params.text("cl_ord_id"), parse_userref(params)
    if cl_ord_id is None:
        return None, userref
    if userref is not None:
        raise invalid("userref")
    return parse_client_id(cl_ord_id), None
