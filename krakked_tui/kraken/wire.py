"""REST results as Kraken writes them, restricted to the fields we read.

Unknown fields are ignored. Every number that may touch money is a Decimal made from the original
digits; one that is not finite fails to decode. Field meanings: docs.kraken.com/api, "Spot REST".
"""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus, Side

Scale = Annotated[int, msgspec.Meta(ge=0, le=30)]


LARGEST = 18
"""Digits before the point, and"""
FINEST = 30
"""digits behind it, of a number that is believed: products of two still fit our arithmetic."""


def why_unbelievable(value: Decimal) -> str:
    """Say what is wrong with a number; empty when it can be reckoned with."""
    if not value.is_finite():
        return "is not a finite number"
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if value.adjusted() >= LARGEST or exponent < -FINEST:
        return f"is a number beyond {LARGEST} digits before and {FINEST} behind the point"
    return ""


class Row(msgspec.Struct, frozen=True):
    """Base of all: refuses numbers that are not finite, or larger or finer than money can be."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            wrong = why_unbelievable(value) if isinstance(value, Decimal) else ""
            if wrong:
                raise ValueError(f"`{name}` {wrong}")


YEAR_10000 = 253_402_300_800
"""Where the calendar ends, in unix seconds."""


class HistoryRow(Row, frozen=True):
    """A row of a history, which has a time."""

    time: Decimal

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.time < YEAR_10000:
            raise ValueError("`time` is outside the calendar")


class Amount(Decimal):
    """A finite number that stands by itself, not in a field of a row."""


def _amount(kind: type, value: object) -> Amount:
    """Make an ``Amount`` from its text; a bare JSON number would have lost digits on the way here."""
    assert kind is Amount, kind
    if not isinstance(value, str):
        raise TypeError("an amount is not text")
    try:
        amount = Amount(value)
    except InvalidOperation:
        raise ValueError("an amount is not a number") from None
    if wrong := why_unbelievable(amount):
        raise ValueError(f"an amount {wrong}")
    return amount


BALANCES = msgspec.json.Decoder(dict[str, Amount], dec_hook=_amount)
"""The result of Balance: amounts by internal asset id."""


class Time(Row, frozen=True):
    """The exchange's clock, in whole seconds."""

    unixtime: int


class SystemStatus(Row, frozen=True):
    """The exchange's mode: online, maintenance, cancel_only, post_only or one we do not know."""

    status: str
    timestamp: str


class Asset(Row, frozen=True):
    """One row of Assets; its key is the internal id."""

    aclass: str
    altname: str
    decimals: Scale
    display_decimals: Scale
    status: str = "enabled"


class FeeStep(Row, frozen=True, array_like=True):
    """From this 30-day volume (USD) on, this many percent."""

    volume: Decimal
    percent: Decimal


class AssetPair(Row, frozen=True):
    """One row of AssetPairs; its key is the internal id. ``base`` and ``quote`` are internal ids."""

    altname: str
    aclass_base: str
    base: str
    quote: str
    cost_decimals: Scale
    pair_decimals: Scale
    lot_decimals: Scale
    wsname: str | None = None
    fees: list[FeeStep] = []
    fees_maker: list[FeeStep] = []
    leverage_buy: list[int] = []
    leverage_sell: list[int] = []
    ordermin: Decimal = ZERO
    costmin: Decimal = ZERO
    tick_size: Decimal = ZERO
    status: str | None = None


class BookTop(Row, frozen=True, array_like=True):
    """Best price of one side: price, whole lots, exact volume."""

    price: Decimal
    whole_lots: Decimal
    volume: Decimal


class LastTrade(Row, frozen=True, array_like=True):
    """The last trade."""

    price: Decimal
    volume: Decimal


class DayFigures(Row, frozen=True, array_like=True):
    """A figure since midnight UTC, and over the last 24 hours."""

    today: Decimal
    last_24h: Decimal


class Ticker(Row, frozen=True):
    """One row of Ticker."""

    a: BookTop
    b: BookTop
    c: LastTrade
    v: DayFigures
    p: DayFigures


class OhlcRow(Row, frozen=True, array_like=True):
    """One candle; ``time`` is its open time in unix seconds."""

    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    vwap: Decimal
    volume: Decimal
    count: int


class PublicTrade(Row, frozen=True, array_like=True):
    """One row of Trades: ``side`` (b or s) and ``ordertype`` (m or l) are the taker's. Unix seconds."""

    price: Decimal
    volume: Decimal
    time: Decimal
    side: str
    ordertype: str
    misc: str
    trade_id: int


class BookLevel(Row, frozen=True, array_like=True):
    """One price of Depth, its volume rounded to three decimals; ``time`` in unix seconds."""

    price: Decimal
    volume: Decimal
    time: int


class Depth(Row, frozen=True):
    """One pair's book, best prices first."""

    asks: list[BookLevel]
    bids: list[BookLevel]


class SpreadRow(Row, frozen=True, array_like=True):
    """Best prices at one time, in unix seconds."""

    time: int
    bid: Decimal
    ask: Decimal


class TradeBalance(Row, frozen=True):
    """Collateral and margin, valued in one asset; ``margin_level`` only with open positions."""

    equivalent: Decimal = msgspec.field(name="eb")
    trade_balance: Decimal = msgspec.field(name="tb")
    margin_used: Decimal = msgspec.field(name="m")
    unrealised: Decimal = msgspec.field(name="n")
    cost: Decimal = msgspec.field(name="c")
    valuation: Decimal = msgspec.field(name="v")
    equity: Decimal = msgspec.field(name="e")
    free_margin: Decimal = msgspec.field(name="mf")
    margin_level: Decimal | None = msgspec.field(name="ml", default=None)
    unexecuted: Decimal | None = msgspec.field(name="uv", default=None)


class ExtendedBalance(Row, frozen=True):
    """One row of BalanceEx."""

    balance: Decimal
    hold_trade: Decimal = ZERO


class OrderDescription(Row, frozen=True):
    """What was asked for. Prices are text: they may be relative (``+1.0000%``)."""

    pair: str
    type: Side
    ordertype: str
    price: str = "0"
    price2: str = "0"


class Order(Row, frozen=True):
    """One order; its key is the order id. ``price`` is the average fill price. Times: unix seconds."""

    status: ExchangeStatus
    opentm: Decimal
    descr: OrderDescription
    vol: Decimal
    vol_exec: Decimal
    cost: Decimal
    fee: Decimal
    price: Decimal
    closetm: Decimal = ZERO
    cl_ord_id: str | None = None
    reason: str | None = None
    misc: str = ""
    userref: int | None = None

    @property
    def time(self) -> Decimal:
        """When it was opened, which is what histories are sorted by."""
        return self.opentm


class OpenOrders(Row, frozen=True):
    """All open orders."""

    open: dict[str, Order]


class ClosedOrders(Row, frozen=True):
    """A page of closed orders, newest first; ``count`` is how many there are in all."""

    closed: dict[str, Order]
    count: int | None = None


class Trade(HistoryRow, frozen=True, kw_only=True):
    """One fill; its key is the trade id. ``fee`` is stated in the pair's quote."""

    ordertxid: str
    pair: str
    type: Side
    price: Decimal
    cost: Decimal
    fee: Decimal
    vol: Decimal
    maker: bool = False
    margin: Decimal = ZERO
    leverage: str = "0"
    posstatus: str = ""
    misc: str = ""

    @property
    def on_margin(self) -> bool:
        """Whether it opened or closed (a part of) a margin position: then it moved no balance by itself."""
        borrowed = bool(self.margin) or self.leverage not in ("", "0", "none")
        return borrowed or bool(self.posstatus) or "closing" in self.misc.split(",")


class TradesHistory(Row, frozen=True):
    """A page of trades, newest first; ``count`` is how many there are in all.

    ``unreadable`` says, by id, why a row is left out.
    """

    trades: dict[str, Trade]
    count: int | None = None
    unreadable: dict[str, str] = {}


class LedgerRow(HistoryRow, frozen=True, kw_only=True):
    """One ledger row; its key is the ledger id."""

    refid: str
    type: str
    asset: str
    amount: Decimal
    fee: Decimal
    balance: Decimal
    subtype: str = ""


class Ledgers(Row, frozen=True):
    """A page of ledger rows, newest first; ``count`` is how many there are in all.

    ``unreadable`` says, by id, why a row is left out.
    """

    ledger: dict[str, LedgerRow]
    count: int | None = None
    unreadable: dict[str, str] = {}


class OpenPosition(Row, frozen=True):
    """One margin position; ``value`` and ``net`` only when they were asked for."""

    ordertxid: str
    posstatus: str
    pair: str
    time: Decimal
    type: Side
    cost: Decimal
    fee: Decimal
    vol: Decimal
    vol_closed: Decimal
    margin: Decimal
    value: Decimal | None = None
    net: Decimal | None = None


class FeeRow(Row, frozen=True):
    """What one pair costs now, in percent; there is no next step at the top."""

    fee: Decimal
    minfee: Decimal
    maxfee: Decimal
    nextfee: Decimal | None = None
    nextvolume: Decimal | None = None
    tiervolume: Decimal | None = None


class TradeVolume(Row, frozen=True):
    """Volume of the last 30 days, and the fees of the pairs that were asked for, by internal id."""

    currency: str
    volume: Decimal
    fees: dict[str, FeeRow] | None = None
    fees_maker: dict[str, FeeRow] | None = None


class AddedOrder(Row, frozen=True):
    """The answer to AddOrder; without an id nothing was placed that we could name."""

    txid: list[str] = []


class BatchRow(Row, frozen=True):
    """One order of a batch: an id, or why it was not placed."""

    txid: str | None = None
    error: str | None = None


class AddedBatch(Row, frozen=True):
    """The answer to AddOrderBatch, in the order of the request."""

    orders: list[BatchRow]


class AmendedOrder(Row, frozen=True):
    """The answer to AmendOrder: the order keeps its id."""

    amend_id: str


class EditedOrder(Row, frozen=True):
    """The answer to EditOrder: the order has a new id."""

    txid: str
    originaltxid: str | None = None
    volume: Decimal | None = None
    price: Decimal | None = None
    orders_cancelled: int | None = None


class CancelCount(Row, frozen=True):
    """How many orders a cancel reached."""

    count: int


class DeadMansSwitch(Row, frozen=True):
    """When all orders will be cancelled (RFC 3339); "0" or nothing when disarmed."""

    current_time: str = msgspec.field(name="currentTime")
    trigger_time: str | None = msgspec.field(name="triggerTime", default=None)


class WebSocketsToken(Row, frozen=True):
    """The key to the private channels: to be used within ``expires`` seconds, and never shown."""

    token: str
    expires: int

    def __repr__(self) -> str:
        return "WebSocketsToken(***)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("token", "***")]


class ApiKeyInfo(Row, frozen=True):
    """What Kraken knows about the key that asks. Times are unix seconds, "0" for none.

    ``nonce`` is the highest it has seen of the key, ``nonce_window`` is in the unit of the nonces.
    ``query_from`` and ``query_to`` limit what the key may read. The key itself is not read.
    """

    api_key_name: str
    permissions: list[str]
    nonce: str = "0"
    nonce_window: str = "0"
    valid_until: str = "0"
    query_from: str = "0"
    query_to: str = "0"
    created_time: str = "0"
    modified_time: str = "0"
    last_used: str = "0"
    ip_allowlist: list[str] = []
