"""REST results as Kraken writes them, restricted to the fields we read.

Unknown fields are ignored. Every number that may touch money is a Decimal made from the original
digits; one that is not finite fails to decode. Field meanings: docs.kraken.com/api, "Spot REST".
"""

from decimal import Decimal
from typing import Annotated, Any

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus, Side

Scale = Annotated[int, msgspec.Meta(ge=0, le=30)]


class Row(msgspec.Struct, frozen=True):
    """Base of all: refuses numbers that are not finite."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not value.is_finite():
                raise ValueError(f"`{name}` is not a finite number")


class Time(Row, frozen=True):
    """The exchange's clock, in whole seconds."""

    unixtime: int


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


class Trade(Row, frozen=True):
    """One fill; its key is the trade id. ``fee`` is stated in the pair's quote."""

    ordertxid: str
    pair: str
    time: Decimal
    type: Side
    price: Decimal
    cost: Decimal
    fee: Decimal
    vol: Decimal
    maker: bool = False


class TradesHistory(Row, frozen=True):
    """A page of trades, newest first; ``count`` is how many there are in all."""

    trades: dict[str, Trade]
    count: int | None = None


class LedgerRow(Row, frozen=True):
    """One ledger row; its key is the ledger id."""

    refid: str
    time: Decimal
    type: str
    asset: str
    amount: Decimal
    fee: Decimal
    balance: Decimal
    subtype: str = ""


class Ledgers(Row, frozen=True):
    """A page of ledger rows, newest first; ``count`` is how many there are in all."""

    ledger: dict[str, LedgerRow]
    count: int | None = None


class AddedOrder(Row, frozen=True):
    """The answer to AddOrder; without an id nothing was placed that we could name."""

    txid: list[str] = []


class CancelCount(Row, frozen=True):
    """How many orders a cancel reached."""

    count: int


class WebSocketsToken(Row, frozen=True):
    """The key to the private channels: to be used within ``expires`` seconds, and never shown."""

    token: str
    expires: int

    def __repr__(self) -> str:
        return "WebSocketsToken(***)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("token", "***")]
