"""Domain values as request parameters.

Decimals are written in plain digits, never with an exponent.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import assert_never
from urllib.parse import urlencode

import msgspec

from krakked_tui.domain.orders import OrderRequest, OrderType, TimeInForce

Params = Mapping[str, str | Sequence[str] | Sequence[Mapping[str, str]]]
NO_PARAMS: Params = {}


def plain(value: Decimal) -> str:
    """Return a number in plain digits, all of them."""
    assert value.is_finite(), value
    return format(value, "f")


def instant(at: datetime) -> str:
    """Return an instant in RFC 3339 with milliseconds, cut, never rounded up."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def add_order(request: OrderRequest) -> dict[str, str]:
    """Return the parameters of AddOrder.

    The fee is always asked for in the quote asset (``fciq``), whichever side the order is on, so
    that a fill's fee means the same in every report of it.
    """
    params = {
        "pair": request.pair,
        "type": request.side.value,
        "ordertype": request.order_type.value,
        "volume": plain(request.volume),
        **_prices(request),
        "oflags": "post,fciq" if request.post_only else "fciq",
        "cl_ord_id": request.cl_ord_id,
    }
    if request.time_in_force is not TimeInForce.GTC:
        params["timeinforce"] = request.time_in_force.value
    if request.deadline is not None:
        params["deadline"] = instant(request.deadline)
    return params


def _prices(request: OrderRequest) -> dict[str, str]:
    """Return ``price`` and ``price2`` as the order type wants them.

    A price that is missing is left out: the exchange then refuses the order by name.
    """
    limit, trigger = request.price, request.trigger_price
    match request.order_type:
        case OrderType.MARKET:
            given: dict[str, Decimal | None] = {}
        case OrderType.LIMIT:
            given = {"price": limit}
        case OrderType.STOP_LOSS | OrderType.TAKE_PROFIT:
            given = {"price": trigger}
        case OrderType.STOP_LOSS_LIMIT | OrderType.TAKE_PROFIT_LIMIT:
            given = {"price": trigger, "price2": limit}
        case OrderType.TRAILING_STOP:
            # Kraken wants the distance from the best price, marked by its sign.
            return {} if trigger is None else {"price": f"+{plain(trigger)}"}
        case _ as unreachable:
            assert_never(unreachable)
    return {name: plain(price) for name, price in given.items() if price is not None}


def query(params: Params) -> dict[str, str]:
    """Return the parameters of a public call; lists become comma lists."""
    return {
        name: value if isinstance(value, str) else ",".join(str(each) for each in value)
        for name, value in params.items()
    }


def form_body(nonce: str, params: Params) -> bytes:
    """Return a form body, percent-encoded, nonce first."""
    return urlencode([("nonce", nonce), *params.items()], doseq=True).encode()


def json_body(nonce: str, params: Params) -> bytes:
    """Return a JSON body, nonce first."""
    return msgspec.json.encode({"nonce": nonce, **params})
