"""An order as the WebSocket describes it, in REST's words: its checks are then the same."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from krakked_tui.domain.orders import OrderType
from krakked_tui.sandbox.clock import EPOCH
from krakked_tui.sandbox.faults import ApiError, invalid
from krakked_tui.sandbox.prices import Price
from krakked_tui.sandbox.ws_fields import (
    Fields,
    check_fields,
    fields,
    flag_of,
    instant_of,
    number_of,
    object_of,
    plain,
    price_of,
    spelled,
    text_of,
)

TRIGGERS: Final = fields(number_float="price", string="price_type reference")
_CONDITIONAL: Final = fields(
    string="order_type limit_price_type trigger_price_type", number_float="limit_price trigger_price"
)
ORDER: Final = fields(
    string="order_type side limit_price_type time_in_force expire_time effective_time fee_preference"
    " stp_type cl_ord_id sender_sub_id",
    number_float="order_qty cash_order_qty limit_price display_qty",
    boolean="post_only reduce_only margin no_mpp",
    object="triggers conditional",
    number_integer="order_userref",
)
"""What an order is described with, alone or in a batch."""

_FEES: Final = {"base": "fcib", "quote": "fciq"}
NO_MPP: Final = "EGeneral:Invalid arguments:no_mpp order option is only available when ordertype = market"


def rest_order(params: Fields, pair: str, deadline: str | None, method: str) -> dict[str, str]:
    """Return AddOrder's parameters for an order, its fields checked, or raise ``ApiError``."""
    check_fields(params, ORDER, method)
    kind = text_of(params, "order_type") or ""
    if flag_of(params, "no_mpp") and kind != OrderType.MARKET:
        raise ApiError(NO_MPP)
    described = (*_plain_fields(params), *_prices(params, kind, method), *_close(params, method))
    found = {"pair": pair, "ordertype": kind}
    found |= {name: value for name, value in described if value is not None}
    if deadline is not None:
        found["deadline"] = deadline
    return found


def _plain_fields(params: Fields) -> Iterator[tuple[str, str | None]]:
    yield "type", text_of(params, "side")
    yield from _volume(params)
    yield "timeinforce", (text_of(params, "time_in_force") or "").upper() or None
    yield "expiretm", _unix(instant_of(params, "expire_time"))
    yield "starttm", _unix(instant_of(params, "effective_time"))
    yield "stptype", (text_of(params, "stp_type") or "").replace("_", "-") or None
    yield "cl_ord_id", text_of(params, "cl_ord_id")
    yield "reduce_only", "true" if flag_of(params, "reduce_only") else None
    # REST wants to know how much leverage; any is refused.
    yield "leverage", "2" if flag_of(params, "margin") else None
    userref = params.get("order_userref")
    yield "userref", None if userref is None else str(userref)


def _volume(params: Fields) -> Iterator[tuple[str, str | None]]:
    """Volume and the flags, of which a volume in quote is one."""
    flags = ["post"] if flag_of(params, "post_only") else []
    preference = text_of(params, "fee_preference")
    if preference is not None:
        if preference not in _FEES:
            raise invalid("fee_preference")
        flags.append(_FEES[preference])
    volume, cash = number_of(params, "order_qty", "volume"), number_of(params, "cash_order_qty", "volume")
    if cash is not None:
        if volume is not None:
            raise invalid("volume")
        flags.append("viqc")
        volume = cash
    yield "volume", None if volume is None else plain(volume)
    yield "oflags", ",".join(flags) or None
    shown = number_of(params, "display_qty", "displayvol")
    yield "displayvol", None if shown is None else plain(shown)


def _prices(params: Fields, kind: str, method: str) -> Iterator[tuple[str, str | None]]:
    """``price`` and ``price2``: a triggered order's trigger comes first."""
    limit = price_of(params, "limit_price", "limit_price_type", "price")
    triggers = object_of(params, "triggers", TRIGGERS, method)
    trigger = price_of(triggers, "price", "price_type", "price")
    if kind in (OrderType.LIMIT, OrderType.MARKET):
        if trigger is not None:
            raise invalid("triggers")
        yield "price", _maybe(limit)
        return
    yield "price", _maybe(trigger)
    yield "price2", _maybe(limit)
    yield "trigger", text_of(triggers, "reference")


def _close(params: Fields, method: str) -> Iterator[tuple[str, str | None]]:
    close = object_of(params, "conditional", _CONDITIONAL, method)
    if not close:
        return
    kind = text_of(close, "order_type") or ""
    limit = price_of(close, "limit_price", "limit_price_type", "close[price]")
    trigger = price_of(close, "trigger_price", "trigger_price_type", "close[price]")
    yield "close[ordertype]", kind
    yield "close[price]", _maybe(limit if kind == OrderType.LIMIT else trigger)
    yield "close[price2]", _maybe(None if kind == OrderType.LIMIT else limit)


def _maybe(price: Price | None) -> str | None:
    return None if price is None else spelled(price)


def _unix(at: datetime | None) -> str | None:
    """Whole unix seconds, which is all that REST knows."""
    return None if at is None else str(int((at - EPOCH).total_seconds()))
