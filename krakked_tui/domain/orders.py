"""Orders: what we ask for, what we keep, and what the exchange says about it."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.plans import ActionShare


class Side(StrEnum):
    """Direction of an order."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """Kraken's order types that Krakked uses."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_LOSS = "stop-loss"
    STOP_LOSS_LIMIT = "stop-loss-limit"
    TAKE_PROFIT = "take-profit"
    TAKE_PROFIT_LIMIT = "take-profit-limit"
    TRAILING_STOP = "trailing-stop"


class TimeInForce(StrEnum):
    """How long an order may rest."""

    GTC = "GTC"
    IOC = "IOC"
    GTD = "GTD"


class OrderStatus(StrEnum):
    """Where one of our orders stands, as far as we can prove. Transitions: execution/lifecycle.py."""

    PENDING = "pending"
    SUBMITTED = "submitted"
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    ERROR = "error"
    NEVER_ACCEPTED = "never_accepted"
    SIMULATED = "simulated"
    VALIDATED = "validated"


class Purpose(StrEnum):
    """Why an order exists; decides its type, its urgency and whether the kill switch stops it."""

    ENTRY = "entry"
    EXIT = "exit"
    STOP = "stop"
    FLATTEN = "flatten"
    MANUAL = "manual"


class OrderRequest(msgspec.Struct, frozen=True):
    """What the broker is asked to place. ``volume`` in base; prices in quote, already on the grid.

    ``deadline`` is the exchange-time instant after which the exchange must refuse the order, so
    that a delayed request can never be accepted late.
    """

    cl_ord_id: str
    pair: str
    side: Side
    order_type: OrderType
    volume: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    deadline: datetime | None = None


class LocalOrder(msgspec.Struct, frozen=True):
    """Our record of one order, kept for ever. ``signal_time`` is the open time of the signal candle.

    ``shares`` are the strategies it is for, adding up to its volume; ``strategy_id`` is ``plans.NET`` when
    there are several. Empty for an order of one strategy, made by a version that had no shares. A share of a
    sale has the stop that was hit for its ``stop_price``, None when it is sold for another reason.
    """

    local_id: str
    cl_ord_id: str
    plan_id: str
    strategy_id: str
    purpose: Purpose
    request: OrderRequest
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    timeframe: Timeframe | None = None
    signal_time: datetime | None = None
    stop_price: Decimal | None = None
    kraken_order_id: str | None = None
    filled: Decimal = ZERO
    avg_fill_price: Decimal = ZERO
    last_error: str | None = None
    shares: tuple[ActionShare, ...] = ()

    @property
    def remaining(self) -> Decimal:
        """Base volume not yet filled."""
        return self.request.volume - self.filled


class ExchangeStatus(StrEnum):
    """An order's status in the exchange's words."""

    PENDING = "pending"
    OPEN = "open"
    CLOSED = "closed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class OrderReport(msgspec.Struct, frozen=True):
    """What the exchange says about an order, complete (adapters merge sparse updates first).

    ``closed`` means fully filled. ``price`` is the average fill price, zero without fills. ``userref`` is the
    number that whoever placed it gave it; ours carry a ``cl_ord_id`` instead.
    """

    kraken_order_id: str
    cl_ord_id: str | None
    pair: str
    side: Side
    order_type: str
    status: ExchangeStatus
    volume: Decimal
    filled: Decimal
    price: Decimal
    cost: Decimal
    fee: Decimal
    opened_at: datetime
    closed_at: datetime | None = None
    limit_price: Decimal | None = None
    reason: str | None = None
    userref: int | None = None


class Accepted(msgspec.Struct, frozen=True, tag=True):
    """The exchange confirmed that it has the order."""

    cl_ord_id: str
    kraken_order_id: str


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The exchange positively refused the order: it does not exist and will not."""

    cl_ord_id: str
    code: str
    reason: str


class NotSent(msgspec.Struct, frozen=True, tag=True):
    """The order provably was not executed: never left, or refused for a passing reason.

    ``retry_after`` is the wall-clock second count to wait before it may be sent again.
    """

    cl_ord_id: str
    reason: str
    retry_after: float = 0.0


class Unknown(msgspec.Struct, frozen=True, tag=True):
    """Nobody can say whether the exchange has the order. It must be asked, never sent again."""

    cl_ord_id: str
    reason: str


class Withheld(msgspec.Struct, frozen=True, tag=True):
    """The order was called off before its first byte was written."""

    cl_ord_id: str
    reason: str


SubmitOutcome = Accepted | Refused | NotSent | Unknown


class OrderTransition(msgspec.Struct, frozen=True):
    """One row of an order's append-only history."""

    cl_ord_id: str
    at: datetime
    before: OrderStatus | None
    after: OrderStatus
    source: str
    detail: str = ""
