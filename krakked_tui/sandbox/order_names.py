"""Finding orders by what clients call them: order id, client id or userref."""

import re
from collections.abc import Sequence
from typing import Final

from krakked_tui.sandbox.books import Books
from krakked_tui.sandbox.faults import INVALID_ORDER, UNKNOWN_ORDER, ApiError
from krakked_tui.sandbox.orders import Order

_USERREF: Final = re.compile(r"-?[0-9]{1,10}")


def open_by_name(books: Books, name: str) -> Sequence[Order]:
    """Return the open orders an id, client id or userref stands for."""
    if name in books.open_orders:
        return (books.open_orders[name],)
    by_client_id = books.open_by_client_id(name)
    if by_client_id is not None:
        return (by_client_id,)
    if not _USERREF.fullmatch(name):
        return ()
    return open_by_userref(books, int(name))


def all_by_names(books: Books, names: Sequence[str]) -> Sequence[Order]:
    """Return the open orders that any of some names stand for, each once.

    Raises ``ApiError`` when none is open: for the first name.
    """
    found = {order.order_id: order for name in names for order in open_by_name(books, name)}
    if not found:
        raise unknown(books, names[0], client_id=False)
    return list(found.values())


def open_by_userref(books: Books, userref: int) -> Sequence[Order]:
    """Return the open orders with a userref."""
    return [order for order in books.open_orders.values() if order.draft.userref == userref]


def unknown(books: Books, name: str, *, client_id: bool) -> ApiError:
    """Return the refusal of a name that stands for no open order: gone, or never there."""
    gone = client_id or name in books.orders or _USERREF.fullmatch(name) is not None
    return ApiError(UNKNOWN_ORDER if gone else INVALID_ORDER)


def find_open(books: Books, order_id: str | None, cl_ord_id: str | None) -> Order:
    """Return the one open order an id or a client id stands for, or raise ``ApiError``."""
    if cl_ord_id is not None:
        by_client_id = books.open_by_client_id(cl_ord_id)
        if by_client_id is None:
            raise unknown(books, cl_ord_id, client_id=True)
        return by_client_id
    if order_id is None or order_id not in books.open_orders:
        raise unknown(books, order_id or "", client_id=False)
    return books.open_orders[order_id]
