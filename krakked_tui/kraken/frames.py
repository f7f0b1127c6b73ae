"""WebSocket v2 messages: typed frames from bytes, in one decoding step for the frequent ones.

Prices and quantities come as JSON numbers and are decoded from their literal text. Nothing here
raises on bad input: what cannot be read becomes ``Unreadable``.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.kraken.errors import printable
from krakked_tui.kraken.wire import Row

T = TypeVar("T")

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class StatusRow(msgspec.Struct, frozen=True):
    """State of the exchange: online, cancel_only, post_only or maintenance."""

    system: str


class TickerRow(msgspec.Struct, frozen=True):
    """Latest prices of a pair; figures over 24 hours. Older servers send no timestamp."""

    symbol: str
    bid: Decimal
    bid_qty: Decimal
    ask: Decimal
    ask_qty: Decimal
    last: Decimal
    volume: Decimal = ZERO
    vwap: Decimal = ZERO
    change_pct: Decimal = ZERO
    timestamp: Instant | None = None

    def __post_init__(self) -> None:
        # A number cannot be infinite, but text such as "NaN" would pass for one.
        if not (self.bid.is_finite() and self.ask.is_finite() and self.last.is_finite()):
            raise ValueError("a price is not a finite number")


class CandleRow(msgspec.Struct, frozen=True):
    """One candle, running or just ended: the message does not say which. ``interval``: minutes."""

    symbol: str
    open: float
    high: float
    low: float
    close: float
    vwap: float
    volume: float
    trades: int
    interval_begin: Instant
    interval: int


class FeeRow(Row, frozen=True):
    """A fee of one fill."""

    asset: str
    qty: Decimal


class ExecutionRow(Row, frozen=True):
    """One event of one order. Sparse: a missing field has not changed."""

    order_id: str
    exec_type: str
    timestamp: Instant
    order_status: str | None = None
    symbol: str | None = None
    side: Side | None = None
    order_type: str | None = None
    cl_ord_id: str | None = None
    order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    cum_qty: Decimal | None = None
    cum_cost: Decimal | None = None
    avg_price: Decimal | None = None
    reason: str | None = None
    exec_id: str | None = None
    last_qty: Decimal | None = None
    last_price: Decimal | None = None
    cost: Decimal | None = None
    fees: list[FeeRow] = []
    liquidity_ind: str | None = None


class BalanceRow(Row, frozen=True):
    """One asset: its new total. ``type`` says what moved it; a snapshot row has none."""

    asset: str
    balance: Decimal
    type: str | None = None


class Frame(msgspec.Struct, frozen=True, tag_field="channel"):
    """Base of all channel messages."""


class HeartbeatFrame(Frame, frozen=True, tag="heartbeat"):
    """Sent every second when nothing else is."""


class StatusFrame(Frame, frozen=True, tag="status"):
    """Sent on connecting and whenever the exchange's state changes."""

    data: list[StatusRow]


class TickerFrame(Frame, frozen=True, tag="ticker"):
    """Prices."""

    data: list[TickerRow]


class CandleFrame(Frame, frozen=True, tag="ohlc"):
    """Candles; ``timestamp`` is the exchange time of the message."""

    data: list[CandleRow]
    timestamp: Instant | None = None


class ExecutionsFrame(Frame, frozen=True, tag="executions"):
    """Order events; ``type`` is snapshot or update."""

    type: str
    data: list[ExecutionRow]
    sequence: int | None = None


class BalancesFrame(Frame, frozen=True, tag="balances"):
    """Holdings; ``type`` is snapshot or update."""

    type: str
    data: list[BalanceRow]
    sequence: int | None = None


class ReplyResult(msgspec.Struct, frozen=True):
    """What a subscription was confirmed for."""

    symbol: str | None = None


class Reply(msgspec.Struct, frozen=True):
    """The answer to a request of ours; anything but ``success`` true is a failure."""

    method: str
    success: bool = False
    req_id: int | None = None
    error: str | None = None
    symbol: str | None = None
    result: ReplyResult | None = None


class Notice(msgspec.Struct, frozen=True):
    """A complaint about how we talk (``Exceeded msg rate``)."""

    error: str = msgspec.field(name="Error")


class Unreadable(msgspec.Struct, frozen=True):
    """A message that is not JSON, of an unknown kind, or not as documented.

    ``kind`` groups alike ones; ``channel`` is "" when the message names none.
    """

    kind: str
    channel: str = ""


class _Peek(msgspec.Struct, frozen=True):
    channel: str


DataFrame = TickerFrame | CandleFrame | ExecutionsFrame | BalancesFrame
Message = DataFrame | StatusFrame | HeartbeatFrame | Reply | Notice | Unreadable

_FRAME = msgspec.json.Decoder(
    TickerFrame | CandleFrame | ExecutionsFrame | BalancesFrame | StatusFrame | HeartbeatFrame
)
_REPLY = msgspec.json.Decoder(Reply)
_NOTICE = msgspec.json.Decoder(Notice)
_PEEK = msgspec.json.Decoder(_Peek)
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def parse(data: bytes) -> Message:
    """Return what a message says. Never raises."""
    try:
        frame: DataFrame | StatusFrame | HeartbeatFrame = _FRAME.decode(data)
    except msgspec.ValidationError:
        return _attempt(_REPLY, data) or _attempt(_NOTICE, data) or _unreadable(data)
    except _BAD:
        return Unreadable("not JSON")
    return frame


def _attempt(decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    try:
        return decoder.decode(data)
    except _BAD:
        return None


def _unreadable(data: bytes) -> Unreadable:
    peek = _attempt(_PEEK, data)
    if peek is None:
        return Unreadable("neither channel nor reply")
    channel = printable(peek.channel, limit=40)
    return Unreadable(f"channel {channel}", channel)
