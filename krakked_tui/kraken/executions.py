"""The executions channel: sparse events merged into complete reports, and fills told once.

- A field that an event does not carry has not changed. An event older than what is known only
  fills in what is missing, so the order of arrival does not matter.
- Filled quantity only grows, and a status never goes back: pending, open, ended, fully filled.
- An order is fully filled when the ``filled`` event says so or its filled quantity has reached its
  quantity; the status on a ``trade`` event says neither.
- A fill is a ``trade`` event, known by its execution id.
"""

from collections import OrderedDict, deque
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import Fee, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus, OrderReport, Side
from krakked_tui.kraken.errors import KrakenProtocolError
from krakked_tui.kraken.frame_rows import ExecutionRow
from krakked_tui.kraken.symbols import SymbolMap

ENDED_MAX = 1_000
"""Ended orders remembered, so that a late event does not revive them."""
FILLS_MAX = 10_000
"""Execution ids remembered, so that a repeated fill is told once."""

_RANK = {
    ExchangeStatus.PENDING: 0,
    ExchangeStatus.OPEN: 1,
    ExchangeStatus.CANCELED: 2,
    ExchangeStatus.EXPIRED: 2,
    ExchangeStatus.CLOSED: 3,
}

_BY_EXEC_TYPE = {
    "filled": ExchangeStatus.CLOSED,
    "canceled": ExchangeStatus.CANCELED,
    "expired": ExchangeStatus.EXPIRED,
    "trade": ExchangeStatus.OPEN,
}
_BY_ORDER_STATUS = {
    "pending_new": ExchangeStatus.PENDING,
    "new": ExchangeStatus.OPEN,
    "partially_filled": ExchangeStatus.OPEN,
    "triggered": ExchangeStatus.OPEN,
    "filled": ExchangeStatus.CLOSED,
    "canceled": ExchangeStatus.CANCELED,
    "expired": ExchangeStatus.EXPIRED,
}
_SPARSE = ("symbol", "side", "order_type", "cl_ord_id", "order_qty", "limit_price", "reason",
    "userref",
)  # fmt: skip


class _Order(msgspec.Struct):
    """What is known of one order so far."""

    opened_at: datetime
    as_of: datetime
    symbol: str | None = None
    side: Side | None = None
    order_type: str | None = None
    cl_ord_id: str | None = None
    order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    reason: str | None = None
    userref: int | None = None
    margin: bool = False
    status: ExchangeStatus = ExchangeStatus.PENDING
    closed_at: datetime | None = None
    filled: Decimal = ZERO
    price: Decimal = ZERO
    cost: Decimal = ZERO
    fee: Decimal = ZERO
    told: OrderReport | None = None


class ExecutionMerger:
    """Merges the events of one connection; start a new one with each connection's snapshot."""

    def __init__(self, symbols: SymbolMap) -> None:
        self._symbols = symbols
        self._orders: dict[str, _Order] = {}
        self._ended: deque[str] = deque()
        self._fills: OrderedDict[str, None] = OrderedDict()

    def apply(self, row: ExecutionRow, *, snapshot: bool = False) -> tuple[Trade | None, OrderReport | None]:
        """Take in one event; return the fill and the report it makes, if they are news.

        A report's ``fee`` is what this connection has seen charged in the quote asset. An order whose
        description has not arrived yet makes no report. Raises ``KrakenProtocolError`` for a fill
        that cannot be told in full: it must be asked for over REST. A ``snapshot`` tells of the past,
        which is asked for anyway, so its fills are left out.
        """
        order = self._orders.get(row.order_id)
        if order is None:
            order = self._orders[row.order_id] = _Order(opened_at=row.timestamp, as_of=row.timestamp)
        _merge(order, row)
        trade = self._trade(order, row) if row.exec_type == "trade" and not snapshot else None
        _follow_status(order, row)
        self._forget(row.order_id, order)
        report = self._report(row.order_id, order)
        if report == order.told:
            return trade, None
        order.told = report
        return trade, report

    def symbol(self, order_id: str) -> str | None:
        """Return the WebSocket name of an order's pair, None for an order not described."""
        order = self._orders.get(order_id)
        return None if order is None else order.symbol

    def _trade(self, order: _Order, row: ExecutionRow) -> Trade | None:
        if row.exec_id is None or row.last_qty is None or row.last_price is None:
            raise KrakenProtocolError("An execution event tells of a fill without id, price or quantity")
        if order.symbol is None or order.side is None:
            raise KrakenProtocolError("An execution event tells of a fill of an order never described")
        if row.exec_id in self._fills:
            return None
        self._fills[row.exec_id] = None
        if len(self._fills) > FILLS_MAX:
            self._fills.popitem(last=False)
        pair = self._symbols.pair(order.symbol)
        fees = tuple(Fee(self._symbols.asset(fee.asset), fee.qty) for fee in row.fees if fee.qty)
        order.fee += sum((fee.amount for fee in fees if fee.asset == pair.quote), ZERO)
        return Trade(
            trade_id=row.exec_id,
            kraken_order_id=row.order_id,
            pair=pair.canonical,
            side=order.side.value,
            price=row.last_price,
            volume=row.last_qty,
            cost=row.last_qty * row.last_price if row.cost is None else row.cost,
            fees=fees,
            time=row.timestamp,
            maker=row.liquidity_ind == "m",
            cl_ord_id=order.cl_ord_id,
            margin=order.margin,
        )

    def _report(self, order_id: str, order: _Order) -> OrderReport | None:
        if order.symbol is None or order.side is None or order.order_type is None or order.order_qty is None:
            return None
        return OrderReport(
            kraken_order_id=order_id,
            cl_ord_id=order.cl_ord_id,
            pair=self._symbols.pair(order.symbol).canonical,
            side=order.side,
            order_type=order.order_type,
            status=order.status,
            volume=order.order_qty,
            filled=order.filled,
            price=order.price,
            cost=order.cost,
            fee=order.fee,
            opened_at=order.opened_at,
            closed_at=order.closed_at,
            limit_price=order.limit_price or None,
            reason=order.reason,
            userref=order.userref,
        )

    def _forget(self, order_id: str, order: _Order) -> None:
        """Bound the memory of ended orders."""
        if order.closed_at is None or order_id in self._ended:
            return
        self._ended.append(order_id)
        if len(self._ended) > ENDED_MAX:
            del self._orders[self._ended.popleft()]


def _merge(order: _Order, row: ExecutionRow) -> None:
    newer = row.timestamp >= order.as_of
    for name in _SPARSE:
        value = getattr(row, name)
        if value is not None and (newer or getattr(order, name) is None):
            setattr(order, name, value)
    order.margin = order.margin or row.on_margin
    order.as_of = max(order.as_of, row.timestamp)
    order.opened_at = min(order.opened_at, row.timestamp)
    if row.cum_qty is not None and row.cum_qty >= order.filled:
        order.filled = row.cum_qty
        order.price = order.price if row.avg_price is None else row.avg_price
        order.cost = order.cost if row.cum_cost is None else row.cum_cost


def _follow_status(order: _Order, row: ExecutionRow) -> None:
    status = _BY_EXEC_TYPE.get(row.exec_type) or _BY_ORDER_STATUS.get(row.order_status or "", order.status)
    if order.order_qty and order.filled >= order.order_qty:
        status = ExchangeStatus.CLOSED
    if _RANK[status] > _RANK[order.status]:
        order.status = status
        if _RANK[status] > _RANK[ExchangeStatus.OPEN]:
            order.closed_at = row.timestamp
