"""What the exchange keeps about an order, and what it tells those who listen."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus, OrderType, Side, TimeInForce
from krakked_tui.sandbox.prices import Price


class RareType(StrEnum):
    """Kraken's order types that Krakked itself never sends."""

    TRAILING_STOP_LIMIT = "trailing-stop-limit"


class RareTimeInForce(StrEnum):
    """Kraken's times in force that Krakked itself never sends."""

    FOK = "FOK"


class SelfTrade(StrEnum):
    """Which of two own orders yields when they would trade with each other."""

    CANCEL_NEWEST = "cancel-newest"
    CANCEL_OLDEST = "cancel-oldest"
    CANCEL_BOTH = "cancel-both"


AnyType = OrderType | RareType
AnyTimeInForce = TimeInForce | RareTimeInForce

ORDER_TYPES: Final[tuple[AnyType, ...]] = (*OrderType, *RareType)
TIMES_IN_FORCE: Final[tuple[AnyTimeInForce, ...]] = (*TimeInForce, *RareTimeInForce)
LIMITED: Final = frozenset[AnyType](
    (
        OrderType.LIMIT,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT_LIMIT,
        RareType.TRAILING_STOP_LIMIT,
    )
)
"""The types with a limit price."""
TRAILING: Final = frozenset[AnyType]((OrderType.TRAILING_STOP, RareType.TRAILING_STOP_LIMIT))
TRIGGERED: Final = frozenset[AnyType](ORDER_TYPES) - {OrderType.MARKET, OrderType.LIMIT}
"""The types that wait for a trigger price."""
_TAKE_PROFITS: Final = frozenset[AnyType]((OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT))


class Close(msgspec.Struct, frozen=True):
    """A conditional close: the opposite order that a filled order leaves behind.

    ``price`` and ``price2`` mean what AddOrder's do for its type.
    """

    order_type: AnyType
    price: Price | None = None
    price2: Price | None = None


class Draft(msgspec.Struct, frozen=True):
    """An order as it was asked for, its arguments well-formed but not yet checked against the books.

    ``price`` is the limit price and ``trigger`` the trigger price, None for a type without one.
    Relative ones are in ``limit_terms`` and ``trigger_terms`` and become prices on arrival.
    ``deadline`` and ``expires_at`` are exchange time. With ``in_quote`` the volume is an amount of quote.
    """

    pair: str
    side: Side
    order_type: AnyType
    volume: Decimal
    price: Decimal | None = None
    time_in_force: AnyTimeInForce = TimeInForce.GTC
    post_only: bool = False
    cl_ord_id: str | None = None
    userref: int | None = None
    deadline: datetime | None = None
    trigger: Decimal | None = None
    limit_terms: Price | None = None
    trigger_terms: Price | None = None
    expires_at: datetime | None = None
    fee_in_base: bool = False
    in_quote: bool = False
    self_trade: SelfTrade = SelfTrade.CANCEL_NEWEST
    close: Close | None = None

    @property
    def is_triggered(self) -> bool:
        """Whether its type waits for a trigger price."""
        return self.order_type in TRIGGERED

    @property
    def is_limited(self) -> bool:
        """Whether its type has a limit price."""
        return self.order_type in LIMITED

    @property
    def takes_profit(self) -> bool:
        """Whether its type waits for a better price; the other triggered ones wait for a worse one."""
        return self.order_type in _TAKE_PROFITS

    @property
    def fires_on_rise(self) -> bool:
        """Whether the trigger fires when the price rises to it; else when it falls to it."""
        return (self.side is Side.SELL) is self.takes_profit


class Order(msgspec.Struct, frozen=True):
    """An accepted order. ``number`` counts arrivals from 1; ``cost`` and ``fee`` are in quote.

    ``reason`` says why a canceled order was canceled, None when nobody asked for it. ``queue``
    orders equal prices: it grows with every arrival, activation and change of price. ``held`` is
    what it keeps back: quote for a buy, base for a sell. ``peak`` is the best price a trailing stop
    has seen, ``refid`` the order whose conditional close this is, ``link_id`` the one it replaced.
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
    queue: int = 0
    held: Decimal = ZERO
    peak: Decimal | None = None
    triggered_at: datetime | None = None
    triggered_price: Decimal | None = None
    amended_at: datetime | None = None
    refid: str | None = None
    link_id: str | None = None

    @property
    def remaining(self) -> Decimal:
        """Base volume not yet filled; of an order in quote, the quote not yet spent."""
        return max(ZERO, self.draft.volume - (self.cost if self.draft.in_quote else self.filled))

    @property
    def place(self) -> int:
        """Its place among equal prices: lower is first."""
        return self.queue or self.number

    @property
    def is_open(self) -> bool:
        """Whether it can still fill or be canceled."""
        return self.status is ExchangeStatus.OPEN

    @property
    def is_armed(self) -> bool:
        """Whether it still waits for its trigger."""
        return self.draft.is_triggered and self.triggered_at is None

    @property
    def touched_at(self) -> datetime:
        """When it arrived or was last amended."""
        return self.amended_at or self.arrived_at

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


class OrderAmended(msgspec.Struct, frozen=True):
    """An open order's terms changed: on request, or by the exchange itself (``restated``)."""

    order: Order
    at: datetime
    reason: str
    restated: bool = False


class TriggerChanged(msgspec.Struct, frozen=True):
    """A trailing stop moved, or an order's trigger fired (then it has ``triggered_at``)."""

    order: Order
    at: datetime


class OrderEnded(msgspec.Struct, frozen=True):
    """An order closed (filled), was canceled or expired."""

    order: Order
    at: datetime


class LedgerWritten(msgspec.Struct, frozen=True):
    """A balance changed."""

    entry: LedgerEntry


class SystemChanged(msgspec.Struct, frozen=True):
    """The exchange went into another mode: online, maintenance, cancel_only, post_only, limit_only."""

    system: str


class PairChanged(msgspec.Struct, frozen=True):
    """The catalog's listing of a pair changed: its status or its precision, or it was delisted."""

    name: str


ExchangeEvent = (
    OrderAccepted
    | OrderTraded
    | OrderAmended
    | TriggerChanged
    | OrderEnded
    | LedgerWritten
    | SystemChanged
    | PairChanged
)
