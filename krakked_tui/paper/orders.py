"""What a paper account keeps about an order."""

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus, OrderReport, OrderRequest, OrderType, Side
from krakked_tui.domain.precision import half_up

LIMITED: Final = frozenset((OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT))
"""The types with a limit price."""
TRIGGERED: Final = frozenset(OrderType) - {OrderType.MARKET, OrderType.LIMIT}
"""The types that wait for a price."""
_LARGEST: Final = Decimal(10) ** 30
"""Above any amount there is, the product of a price and a volume included."""
_DECIMALS_MAX: Final = 30
_TAKE_PROFITS: Final = frozenset((OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT))


def limit_of(request: OrderRequest) -> Decimal | None:
    """Return the limit price, None for a type without one."""
    return request.price if request.order_type in LIMITED else None


def fires_on_rise(request: OrderRequest) -> bool:
    """Say whether its trigger fires when the price rises to it; else when it falls to it."""
    return (request.side is Side.SELL) is (request.order_type in _TAKE_PROFITS)


class PaperOrder(msgspec.Struct, frozen=True):
    """An accepted order. ``number`` counts arrivals from 1; ``cost`` and ``fee`` are in quote.

    ``trigger`` is the price it waits for, ``peak`` the best price its trailing stop has seen. ``held`` is
    what it keeps back of ``hold_asset``: quote for a buy, base for a sell. ``queue`` orders equal prices:
    it grows with every arrival and activation. ``price_decimals`` are the pair's, so that the order can
    be reported whatever is known of the pair.
    """

    order_id: str
    number: int
    request: OrderRequest
    opened_at: datetime
    price_decimals: int
    hold_asset: str
    queue: int
    trigger: Decimal | None = None
    peak: Decimal | None = None
    triggered_at: datetime | None = None
    held: Decimal = ZERO
    status: ExchangeStatus = ExchangeStatus.OPEN
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fee: Decimal = ZERO
    closed_at: datetime | None = None
    reason: str | None = None

    @property
    def pair(self) -> str:
        """The pair's canonical name."""
        return self.request.pair

    @property
    def limit(self) -> Decimal | None:
        """The limit price, None for a type without one."""
        return limit_of(self.request)

    @property
    def remaining(self) -> Decimal:
        """Base volume not yet filled."""
        return self.request.volume - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it can still fill or be canceled."""
        return self.status is ExchangeStatus.OPEN

    @property
    def is_armed(self) -> bool:
        """Whether it still waits for its trigger."""
        return self.request.order_type in TRIGGERED and self.triggered_at is None

    def report(self) -> OrderReport:
        """Return it as the exchange would report it."""
        average = half_up(self.cost / self.filled, self.price_decimals) if self.filled else ZERO
        return OrderReport(
            kraken_order_id=self.order_id,
            cl_ord_id=self.request.cl_ord_id,
            pair=self.pair,
            side=self.request.side,
            order_type=self.request.order_type.value,
            status=self.status,
            volume=self.request.volume,
            filled=self.filled,
            price=average,
            cost=self.cost,
            fee=self.fee,
            opened_at=self.opened_at,
            closed_at=self.closed_at,
            limit_price=self.limit,
            reason=self.reason,
        )


def makes_sense(order: PaperOrder) -> bool:
    """Say whether an order that was read from somewhere can be one, so that nothing trips over it."""
    amounts = (order.request.volume, order.filled, order.cost, order.fee, order.held)
    prices = (order.limit, order.trigger, order.peak, *_distance(order))
    times = (order.opened_at, order.triggered_at, order.closed_at)
    return (
        all(amount.is_finite() and ZERO <= amount < _LARGEST for amount in amounts)
        and all(price is None or (price.is_finite() and abs(price) < _LARGEST) for price in prices)
        and all(time is None or time.tzinfo is not None for time in times)
        and 0 <= order.price_decimals <= _DECIMALS_MAX
        and order.remaining >= ZERO
        and (not order.is_open or _can_act(order))
    )


def _can_act(order: PaperOrder) -> bool:
    """Say whether an open order has something left, and the price it waits for."""
    if not order.is_armed:
        return order.remaining > ZERO and order.limit is not None
    return order.remaining > ZERO and order.trigger is not None and None not in _distance(order)


def _distance(order: PaperOrder) -> tuple[Decimal | None, ...]:
    """How far behind the best price a trailing stop follows; nothing for another type."""
    trails = order.request.order_type is OrderType.TRAILING_STOP
    return (order.request.trigger_price,) if trails else ()
