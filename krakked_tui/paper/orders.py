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
