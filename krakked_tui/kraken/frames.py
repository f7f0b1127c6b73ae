"""WebSocket v2 messages: typed frames from bytes, in one decoding step for the frequent ones.

Prices and quantities come as JSON numbers and are decoded from their literal text, every digit
kept; only candles are floats. Instants keep microseconds. Nothing here raises on bad input: what
cannot be read becomes ``Unreadable``.

The rows of the fast channels leave out the collector and the check for finite numbers that
``wire.Row`` makes; ``parse`` checks tickers and trades, ``book`` its levels.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.kraken.errors import printable
from krakked_tui.kraken.frame_rows import (
    ABSENT,
    BalanceRow,
    ExecutionRow,
    Instant,
    InstrumentRows,
    Level3Row,
    Text,
)

T = TypeVar("T")
Payload = bytes | bytearray | memoryview


class StatusRow(msgspec.Struct, frozen=True):
    """State of the exchange: online, cancel_only, post_only or maintenance."""

    system: str
    api_version: Text = ABSENT
    version: Text = ABSENT
    connection_id: Text = ABSENT


class TickerRow(msgspec.Struct, frozen=True, gc=False):
    """Latest prices of a pair; figures over 24 hours. Older servers send no timestamp.

    All but the prices are kept as their literal text: there are many tickers, and few are read. They
    become Decimals through ``number``, or the properties (``domain.candles.MarketFigures``).
    """

    symbol: str
    bid: Decimal
    bid_qty: Text
    ask: Decimal
    ask_qty: Text
    last: Decimal
    volume: Text = ABSENT
    vwap: Text = ABSENT
    low: Text = ABSENT
    high: Text = ABSENT
    change: Text = ABSENT
    change_pct: Text = ABSENT
    timestamp: Instant | None = None

    @property
    def bid_size(self) -> Decimal:
        """Volume at the best bid, in base."""
        return number(self.bid_qty)

    @property
    def ask_size(self) -> Decimal:
        """Volume at the best ask, in base."""
        return number(self.ask_qty)

    @property
    def volume_24h(self) -> Decimal:
        """Volume of 24 hours, in base."""
        return number(self.volume)

    @property
    def vwap_24h(self) -> Decimal:
        """Volume-weighted price of 24 hours."""
        return number(self.vwap)

    @property
    def change_pct_24h(self) -> Decimal:
        """Change over 24 hours in percent."""
        return number(self.change_pct)


class CandleRow(msgspec.Struct, frozen=True, gc=False):
    """One candle, running or just ended: the message does not say which. ``interval``: minutes.

    ``timestamp``, deprecated, is the literal text of the candle's end.
    """

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
    timestamp: Text = ABSENT


class TradeRow(msgspec.Struct, frozen=True, gc=False):
    """One public trade; ``side`` and ``ord_type`` are the taker's, ``trade_id`` counts by pair."""

    symbol: str
    side: Side
    price: Decimal
    qty: Decimal
    ord_type: str
    trade_id: int
    timestamp: Instant


class LevelRow(msgspec.Struct, frozen=True, gc=False):
    """One price level of a book: the new quantity, zero for a level that is gone."""

    price: Decimal
    qty: Decimal


class BookRow(msgspec.Struct, frozen=True, gc=False):
    """Changed levels of one pair's book, in the order to apply them; ``checksum`` is the result's."""

    symbol: str
    bids: list[LevelRow]
    asks: list[LevelRow]
    checksum: int
    timestamp: Instant | None = None


class Frame(msgspec.Struct, frozen=True, tag_field="channel"):
    """Base of all channel messages."""


class HeartbeatFrame(Frame, frozen=True, tag="heartbeat"):
    """Sent every second when nothing else is."""


class StatusFrame(Frame, frozen=True, tag="status"):
    """Sent on connecting and whenever the exchange's state changes."""

    data: list[StatusRow]
    type: str = "update"


class TickerFrame(Frame, frozen=True, gc=False, tag="ticker"):
    """Prices."""

    data: list[TickerRow]
    type: str = "update"


class CandleFrame(Frame, frozen=True, gc=False, tag="ohlc"):
    """Candles; ``timestamp`` is the exchange time of the message."""

    data: list[CandleRow]
    timestamp: Instant | None = None
    type: str = "update"


class TradeFrame(Frame, frozen=True, gc=False, tag="trade"):
    """Public trades, oldest first."""

    data: list[TradeRow]
    type: str = "update"


class BookFrame(Frame, frozen=True, gc=False, tag="book"):
    """Book changes; a ``snapshot`` replaces the book."""

    data: list[BookRow]
    type: str


class Level3Frame(Frame, frozen=True, tag="level3"):
    """Single orders in a book."""

    data: list[Level3Row]
    type: str


class InstrumentFrame(Frame, frozen=True, tag="instrument"):
    """Pairs as WebSocket v2 names them; ``type`` is snapshot or update."""

    data: InstrumentRows
    type: str


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


class ReplyResult(
    msgspec.Struct, frozen=True, rename={"current_time": "currentTime", "trigger_time": "triggerTime"}
):
    """What was confirmed. Which fields there are depends on the request."""

    channel: str | None = None
    symbol: str | None = None
    snapshot: bool | None = None
    event_trigger: str | None = None
    interval: int | None = None
    depth: int | None = None
    snap_orders: bool | None = None
    snap_trades: bool | None = None
    maxratecount: int | None = None
    warnings: list[str] = []
    order_id: str | None = None
    cl_ord_id: str | None = None
    order_userref: int | None = None
    original_order_id: str | None = None
    amend_id: str | None = None
    count: int | None = None
    current_time: str | None = None
    trigger_time: str | None = None
    error: str | None = None


class Reply(msgspec.Struct, frozen=True):
    """The answer to a request of ours; anything but ``success`` true is a failure.

    ``result`` is a list for batch_add; batch_cancel has ``orders_cancelled`` in its place. The method
    ``error`` answers something that was not understood as a request.
    """

    method: str
    success: bool = False
    req_id: int | None = None
    error: str | None = None
    symbol: str | None = None
    result: ReplyResult | list[ReplyResult] | None = None
    orders_cancelled: int | None = None
    time_in: Instant | None = None
    time_out: Instant | None = None

    @property
    def failure(self) -> str | None:
        """The reason of a refusal, None for a success."""
        return None if self.success is True else (self.error or "refused without a reason")

    @property
    def about(self) -> str | None:
        """The symbol it is about, None when it names none."""
        return self.symbol or (self.result.symbol if isinstance(self.result, ReplyResult) else None)


class Notice(msgspec.Struct, frozen=True):
    """A complaint about how we talk (``Exceeded msg rate``)."""

    error: str = msgspec.field(name="Error")


class Unreadable(msgspec.Struct, frozen=True):
    """A message that is not JSON, of an unknown kind, or not as documented.

    ``kind`` groups alike ones; ``channel`` is "" when the message names none; ``detail`` is what is
    wrong, with the path of the field.
    """

    kind: str
    channel: str = ""
    detail: str = ""


class _Peek(msgspec.Struct, frozen=True):
    channel: str


MarketFrame = TickerFrame | CandleFrame | TradeFrame | InstrumentFrame
DataFrame = MarketFrame | BookFrame | ExecutionsFrame | BalancesFrame
ChannelFrame = DataFrame | Level3Frame | StatusFrame | HeartbeatFrame
Message = ChannelFrame | Reply | Notice | Unreadable

_FRAME = msgspec.json.Decoder(ChannelFrame)
_REPLY = msgspec.json.Decoder(Reply)
_NOTICE = msgspec.json.Decoder(Notice)
_PEEK = msgspec.json.Decoder(_Peek)
_NUMBER = msgspec.json.Decoder(Decimal)
_INFINITE = "a number is not finite"
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def parse(data: Payload) -> Message:
    """Return what a message says. Never raises."""
    return parse_all((data,))[0]


def parse_all(messages: Sequence[Payload]) -> list[Message]:
    """Return what each of some messages says. Never raises."""
    parsed: list[Message]
    try:
        parsed = [*map(_FRAME.decode, messages)]
    except _BAD:
        # Some are no frames.
        parsed = [_parse(data) for data in messages]
    # A number cannot be infinite, but text such as "NaN" would pass for one.
    for at, message in enumerate(parsed):
        if type(message) is TickerFrame:
            for row in message.data:
                if not (row.bid.is_finite() and row.ask.is_finite() and row.last.is_finite()):
                    parsed[at] = _unreadable(messages[at], _INFINITE)
        elif type(message) is TradeFrame:
            for trade in message.data:
                if not (trade.price.is_finite() and trade.qty.is_finite()):
                    parsed[at] = _unreadable(messages[at], _INFINITE)
    return parsed


def _parse(data: Payload) -> Message:
    try:
        frame: ChannelFrame = _FRAME.decode(data)
    except msgspec.ValidationError as error:
        return _attempt(_REPLY, data) or _attempt(_NOTICE, data) or _unreadable(data, str(error))
    except _BAD as error:
        return Unreadable("not JSON", detail=printable(str(error)))
    return frame


def number(text: Text) -> Decimal:
    """Return a number that was kept as text, every digit of it; zero when it is none."""
    value = _attempt(_NUMBER, bytes(text))
    return value if value is not None and value.is_finite() else ZERO


def _attempt(decoder: msgspec.json.Decoder[T], data: Payload) -> T | None:
    try:
        return decoder.decode(data)
    except _BAD:
        return None


def _unreadable(data: Payload, wrong: str) -> Unreadable:
    peek = _attempt(_PEEK, data)
    if peek is None:
        return Unreadable("neither channel nor reply", detail=printable(_complaint(_REPLY, data)))
    channel = printable(peek.channel, limit=40)
    return Unreadable(f"channel {channel}", channel, printable(wrong))


def _complaint(decoder: msgspec.json.Decoder[T], data: Payload) -> str:
    """Say why data cannot be decoded as something."""
    try:
        decoder.decode(data)
    except _BAD as error:
        return str(error)
    return ""
