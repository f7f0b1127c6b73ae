"""Our book against the exchange's open orders: what each side has that the other has not."""

from collections.abc import Sequence

import msgspec

from krakked_tui.domain.orders import LocalOrder, OrderReport
from krakked_tui.execution import client_ids
from krakked_tui.execution.order_book import OrderBook


class Reconciliation(msgspec.Struct, frozen=True):
    """The comparison, as values; the caller acts on them.

    ``matched`` pairs our row with the report; ``missing`` are rows the exchange does not show as
    open (each must be looked up, none is ended by absence); ``unrecorded`` are orders with our
    instance's mark that we have no row for; ``foreign`` belong to somebody else.
    """

    matched: tuple[tuple[LocalOrder, OrderReport], ...]
    missing: tuple[LocalOrder, ...]
    unrecorded: tuple[OrderReport, ...]
    foreign: tuple[OrderReport, ...]


def reconcile(book: OrderBook, reports: Sequence[OrderReport], instance: str) -> Reconciliation:
    """Compare all live rows with all open orders of the account."""
    matched: list[tuple[LocalOrder, OrderReport]] = []
    unrecorded: list[OrderReport] = []
    foreign: list[OrderReport] = []
    seen: set[str] = set()
    for report in reports:
        order = book.by_kraken_id(report.kraken_order_id) or book.get(report.cl_ord_id)
        if order is not None:
            matched.append((order, report))
            seen.add(order.cl_ord_id)
        elif is_ours(report, instance):
            unrecorded.append(report)
        else:
            foreign.append(report)
    missing = tuple(order for order in book.live() if order.cl_ord_id not in seen)
    return Reconciliation(tuple(matched), missing, tuple(unrecorded), tuple(foreign))


def is_ours(report: OrderReport, instance: str) -> bool:
    """Say whether an order carries this instance's mark."""
    parsed = client_ids.parse(report.cl_ord_id)
    return parsed is not None and parsed.instance == instance
