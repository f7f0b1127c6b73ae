"""Our orders by client id: the one place that changes an order's status.

Mutable inside its one owner (the decision state); every order in it is a frozen value.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice, takewhile

import msgspec

from krakked_tui.domain.orders import (
    ExchangeStatus,
    LocalOrder,
    OrderReport,
    OrderRequest,
    OrderStatus,
    OrderTransition,
)
from krakked_tui.execution import lifecycle

_FROM_EXCHANGE: dict[ExchangeStatus, OrderStatus] = {
    ExchangeStatus.PENDING: OrderStatus.SUBMITTED,
    ExchangeStatus.OPEN: OrderStatus.OPEN,
    ExchangeStatus.CLOSED: OrderStatus.FILLED,
    ExchangeStatus.CANCELED: OrderStatus.CANCELED,
    ExchangeStatus.EXPIRED: OrderStatus.EXPIRED,
}


class Change(msgspec.Struct, frozen=True):
    """An order after a change, with the transition when its status moved."""

    order: LocalOrder
    transition: OrderTransition | None


class OrderBook:
    """All our orders, the ended ones included."""

    def __init__(self, orders: tuple[LocalOrder, ...] = ()) -> None:
        self._orders: dict[str, LocalOrder] = {}
        self._by_kraken_id: dict[str, str] = {}
        self._live: dict[str, None] = {}
        """Client ids of orders that have not ended, oldest first."""
        for order in orders:
            self._keep(order)

    def get(self, cl_ord_id: str | None) -> LocalOrder | None:
        """Return the order with this client id."""
        return self._orders.get(cl_ord_id) if cl_ord_id else None

    def by_kraken_id(self, kraken_order_id: str) -> LocalOrder | None:
        """Return the order the exchange knows by this id."""
        return self.get(self._by_kraken_id.get(kraken_order_id))

    def __iter__(self) -> Iterator[LocalOrder]:
        return iter(self._orders.values())

    def __len__(self) -> int:
        return len(self._orders)

    def live(self) -> tuple[LocalOrder, ...]:
        """Return every order that has not ended, oldest first."""
        return tuple(self._orders[cl_ord_id] for cl_ord_id in self._live)

    def newest(self, limit: int) -> list[LocalOrder]:
        """Return the orders made last, newest first."""
        return list(islice(reversed(self._orders.values()), limit))

    def made_since(self, at: datetime) -> Iterator[LocalOrder]:
        """Yield the orders made from a time on, newest first."""
        return takewhile(lambda order: order.created_at >= at, reversed(self._orders.values()))

    def add(self, order: LocalOrder, source: str) -> Change:
        """Take in a new order."""
        assert order.cl_ord_id not in self._orders, f"client id used twice: {order.cl_ord_id}"
        self._keep(order)
        return Change(order, OrderTransition(order.cl_ord_id, order.created_at, None, order.status, source))

    def move(
        self, cl_ord_id: str, status: OrderStatus, at: datetime, source: str, detail: str = ""
    ) -> Change:
        """Change an order's status; raise ``IllegalTransitionError`` when the table forbids it."""
        before = self._orders[cl_ord_id]
        lifecycle.check(before.status, status)
        failed = status in {OrderStatus.REJECTED, OrderStatus.ERROR, OrderStatus.UNKNOWN}
        order = msgspec.structs.replace(
            before, status=status, updated_at=at, last_error=detail if failed else before.last_error
        )
        self._keep(order)
        return Change(order, OrderTransition(cl_ord_id, at, before.status, status, source, detail))

    def accept(self, cl_ord_id: str, kraken_order_id: str, at: datetime) -> Change | None:
        """Note that the exchange has the order. Later news that came first is not taken back."""
        before = self._orders[cl_ord_id]
        moves = before.status in lifecycle.UNPROVEN | {OrderStatus.NEVER_ACCEPTED}
        if not moves and before.kraken_order_id == kraken_order_id:
            return None
        self._keep(msgspec.structs.replace(before, kraken_order_id=kraken_order_id, updated_at=at))
        if moves:
            return self.move(cl_ord_id, OrderStatus.SUBMITTED, at, "submit")
        return Change(self._orders[cl_ord_id], None)

    def replace_request(self, cl_ord_id: str, request: OrderRequest, at: datetime) -> LocalOrder:
        """Change what will be sent for an order that provably has not been executed."""
        before = self._orders[cl_ord_id]
        assert before.status is OrderStatus.PENDING, before.status
        self._keep(msgspec.structs.replace(before, request=request, updated_at=at))
        return self._orders[cl_ord_id]

    def apply_report(self, cl_ord_id: str, report: OrderReport, at: datetime, source: str) -> Change | None:
        """Bring an order up to what the exchange says of it; None when that is nothing new.

        Quantities only grow, and news about an order that has ended, or that says less than is known,
        changes nothing: reports arrive in any order.
        """
        before = self._orders[cl_ord_id]
        order = before
        if report.filled > before.filled or before.kraken_order_id is None:
            order = msgspec.structs.replace(
                before,
                kraken_order_id=report.kraken_order_id,
                filled=max(before.filled, report.filled),
                avg_fill_price=report.price if report.filled >= before.filled else before.avg_fill_price,
                updated_at=at,
            )
            self._keep(order)
        status = _status_of(report, order)
        if _is_news(before.status, status):
            return self.move(cl_ord_id, status, at, source, report.reason or "")
        return Change(order, None) if order is not before else None

    def _keep(self, order: LocalOrder) -> None:
        self._orders[order.cl_ord_id] = order
        if order.kraken_order_id is not None:
            self._by_kraken_id[order.kraken_order_id] = order.cl_ord_id
        if order.status in lifecycle.ENDS:
            self._live.pop(order.cl_ord_id, None)
        else:
            self._live.setdefault(order.cl_ord_id)


def _status_of(report: OrderReport, order: LocalOrder) -> OrderStatus:
    status = _FROM_EXCHANGE[report.status]
    if status in {OrderStatus.OPEN, OrderStatus.SUBMITTED} and order.filled > 0:
        return OrderStatus.PARTIALLY_FILLED
    return status


_RANK = {
    OrderStatus.PENDING: 0,
    OrderStatus.UNKNOWN: 0,
    OrderStatus.NEVER_ACCEPTED: 0,
    OrderStatus.REJECTED: 0,
    OrderStatus.ERROR: 0,
    OrderStatus.SUBMITTED: 1,
    OrderStatus.OPEN: 2,
    OrderStatus.PARTIALLY_FILLED: 3,
}
"""How far the exchange has confirmed an order; a report that says less is an old one."""


def _is_news(before: OrderStatus, after: OrderStatus) -> bool:
    if before in lifecycle.ENDS - lifecycle.DENIED:
        return False
    return after in lifecycle.ENDS or _RANK[after] > _RANK[before]
