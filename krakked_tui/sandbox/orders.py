"""What the exchange keeps about an order, and what it tells those who listen."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus, OrderType, Side, TimeInForce


class Draft(msgspec.Struct, frozen=True):
    """An order as it was asked for, its arguments well-formed but not yet checked against the books.

    ``price`` is the limit price, None for a market order. ``deadline`` is exchange time.
    """

    pair: str
    side: Side
    order_type: OrderType
    volume: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    cl_ord_id: str | None = None
    userref: int | None = None
    deadline: datetime | None = None


class Order(msgspec.Struct, frozen=True):
    """An accepted order. ``number`` counts arrivals from 1; ``cost`` and ``fee`` are in quote.

    ``reason`` says why a canceled order was canceled, None when nobody asked for it.
    """

    order_id: str
    number: int
    draft: Draft
    arrived_at: datetime
    status: ExchangeStatus = ExchangeStatus.OPEN
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fee: Decimal = ZERO
    closed_at: datetime | None = None
    reason: str | None = None
    trade_ids: tuple[str, ...] = ()

    @property
    def remaining(self) -> Decimal:
        """Base volume not yet filled."""
        return self.draft.volume - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it can still fill or be canceled."""
        return self.status is ExchangeStatus.OPEN

    @property
    def average_price(self) -> Decimal:
        """Average fill price, 0 without fills; not rounded."""
        return self.cost / self.filled if self.filled else ZERO


class OrderAccepted(msgspec.Struct, frozen=True):
    """A new order is live."""

    order: Order


class OrderTraded(msgspec.Struct, frozen=True):
    """An order filled in part or whole; ``order`` is as the trade left it."""

    order: Order
    trade: Trade


class OrderEnded(msgspec.Struct, frozen=True):
    """An order closed (filled) or was canceled."""

    order: Order
    at: datetime


class LedgerWritten(msgspec.Struct, frozen=True):
    """A balance changed."""

    entry: LedgerEntry


ExchangeEvent = OrderAccepted | OrderTraded | OrderEnded | LedgerWritten
