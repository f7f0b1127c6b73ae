"""The private REST endpoints that place and cancel orders."""

import re
from collections.abc import Iterable
from typing import Final

from krakked_tui.sandbox.add_order import ADD_ORDER_PARAMS, describe, parse_draft
from krakked_tui.sandbox.calls import Call, Endpoint
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.faults import INVALID_ORDER, UNKNOWN_ORDER, ApiError, invalid
from krakked_tui.sandbox.orders import Order

USER_REQUESTED: Final = "User requested"
_CANCEL_MAX: Final = 50
_USERREF: Final = re.compile(r"-?[0-9]{1,10}")


def add_order(call: Call) -> object:
    """``AddOrder``: place an order, or only check it."""
    exchange = call.exchange
    draft = parse_draft(call.params, exchange.catalog)
    description = {"order": describe(draft, exchange.catalog.listings[draft.pair])}
    if call.params.flag("validate", default=False):
        exchange.examine(draft)
        return {"descr": description}
    order = exchange.place(draft)
    return {"descr": description, "txid": [order.order_id]}


def cancel_order(call: Call) -> object:
    """``CancelOrder``: by id, by client id, or all that carry a userref."""
    exchange = call.exchange
    cl_ord_id = call.params.text("cl_ord_id")
    name = cl_ord_id if cl_ord_id is not None else call.params.required("txid")
    found = list(_named(exchange, name))
    if not found:
        gone = name in exchange.books.orders or cl_ord_id is not None or _USERREF.fullmatch(name)
        raise ApiError(UNKNOWN_ORDER if gone else INVALID_ORDER)
    count = exchange.cancel(found, USER_REQUESTED)
    if not count:
        raise ApiError(UNKNOWN_ORDER)
    return {"count": count}


def cancel_order_batch(call: Call) -> object:
    """``CancelOrderBatch``: many at once; ones that are gone are left out of the count."""
    names = (*call.params.names_in("orders"), *call.params.names_in("cl_ord_ids"))
    if not 1 <= len(names) <= _CANCEL_MAX:
        raise invalid("orders")
    found = {order.order_id: order for name in names for order in _named(call.exchange, name)}
    return {"count": call.exchange.cancel(found.values(), USER_REQUESTED)}


def _named(exchange: Exchange, name: str) -> Iterable[Order]:
    """Return the open orders an id, client id or userref stands for."""
    books = exchange.books
    if name in books.open_orders:
        return (books.open_orders[name],)
    by_client_id = books.open_by_client_id(name)
    if by_client_id is not None:
        return (by_client_id,)
    if not _USERREF.fullmatch(name):
        return ()
    return [order for order in books.open_orders.values() if order.draft.userref == int(name)]


TRADING = (
    Endpoint("AddOrder", add_order, accepts=ADD_ORDER_PARAMS),
    Endpoint("CancelOrder", cancel_order, accepts=("txid", "cl_ord_id")),
    Endpoint("CancelOrderBatch", cancel_order_batch, accepts=("orders", "cl_ord_ids")),
)
