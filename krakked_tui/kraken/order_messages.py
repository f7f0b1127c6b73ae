"""Domain orders as parameters of WebSocket v2 trading requests, without the token.

Kraken wants every number as a literal with a point: text and integers are refused. Decimals are
written in plain digits, all of them, and never pass through a float.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import assert_never

import msgspec

from krakked_tui.domain.orders import OrderRequest, OrderType, TimeInForce
from krakked_tui.kraken.encode import instant, plain


class Amendment(msgspec.Struct, frozen=True):
    """What to change of an open order; None leaves it as it is."""

    order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    display_qty: Decimal | None = None
    post_only: bool | None = None


def number(value: Decimal) -> msgspec.Raw:
    """Return a number as the literal Kraken accepts (``5`` -> ``5.0``, ``1E-8`` -> ``0.00000001``)."""
    text = plain(value)
    return msgspec.Raw((text if "." in text else f"{text}.0").encode())


def add_order(request: OrderRequest, symbol: str) -> dict[str, object]:
    """Return the parameters of add_order; ``symbol`` is the WebSocket v2 name of the pair.

    As over REST, the fee is asked for in the quote asset whichever side the order is on.
    """
    return {**order(request), "symbol": symbol, **_deadline(request)}


def order(request: OrderRequest) -> dict[str, object]:
    """Return one order as batch_add lists it: without symbol and deadline, which the batch has."""
    params: dict[str, object] = {
        "order_type": request.order_type.value,
        "side": request.side.value,
        "order_qty": number(request.volume),
        **_prices(request),
        "fee_preference": "quote",
        "cl_ord_id": request.cl_ord_id,
    }
    if request.time_in_force is not TimeInForce.GTC:
        params["time_in_force"] = request.time_in_force.value.lower()
    if request.post_only:
        params["post_only"] = True
    return params


def batch_add(requests: Sequence[OrderRequest], symbol: str) -> dict[str, object]:
    """Return the parameters of batch_add; all orders are for one pair and share a deadline."""
    orders = [order(request) for request in requests]
    deadlines = [request for request in requests if request.deadline is not None]
    earliest = min(deadlines, key=lambda request: str(request.deadline), default=requests[0])
    return {"symbol": symbol, "orders": orders, **_deadline(earliest)}


def amend_order(cl_ord_id: str, amendment: Amendment) -> dict[str, object]:
    """Return the parameters of amend_order."""
    return {"cl_ord_id": cl_ord_id, **_changes(amendment)}


def edit_order(order_id: str, symbol: str, amendment: Amendment) -> dict[str, object]:
    """Return the parameters of edit_order; ``symbol`` is the WebSocket v2 name of the pair.

    The trigger, if any, is a price of its own, not a distance.
    """
    changes = _changes(amendment)
    if "trigger_price" in changes:
        price = changes.pop("trigger_price")
        changes["triggers"] = {"reference": "last", "price": price, "price_type": "static"}
    return {"order_id": order_id, "symbol": symbol, **changes}


def _changes(amendment: Amendment) -> dict[str, object]:
    values = ((name, getattr(amendment, name)) for name in amendment.__struct_fields__)
    return {
        name: number(value) if isinstance(value, Decimal) else value
        for name, value in values
        if value is not None
    }


def _deadline(request: OrderRequest) -> dict[str, object]:
    return {} if request.deadline is None else {"deadline": instant(request.deadline)}


def _prices(request: OrderRequest) -> dict[str, object]:
    """Return limit and trigger as the order type wants them.

    A price that is missing is left out: the exchange then refuses the order by name.
    """
    limit = {} if request.price is None else {"limit_price": number(request.price)}
    match request.order_type:
        case OrderType.MARKET:
            return {}
        case OrderType.LIMIT:
            return dict(limit)
        case OrderType.STOP_LOSS | OrderType.TAKE_PROFIT:
            return _triggers(request, "static")
        case OrderType.STOP_LOSS_LIMIT | OrderType.TAKE_PROFIT_LIMIT:
            return _triggers(request, "static") | limit
        case OrderType.TRAILING_STOP:
            # The distance from the best price, in the quote asset.
            return _triggers(request, "quote")
        case _ as unreachable:
            assert_never(unreachable)


def _triggers(request: OrderRequest, price_type: str) -> dict[str, object]:
    if request.trigger_price is None:
        return {}
    price = number(request.trigger_price)
    return {"triggers": {"reference": "last", "price": price, "price_type": price_type}}
