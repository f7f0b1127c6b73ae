"""Every REST endpoint a spot client calls, one row each."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Raw
from msgspec.json import Decoder

from krakked_tui.kraken import wire
from krakked_tui.kraken import wire_funding as funding
from krakked_tui.kraken.row_by_row import LedgerPages, RowByRow, TradePages

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

HISTORY_COST = 4
"""The history calls are charged 2 or 4, depending on which of Kraken's pages one believes."""


class Priority(IntEnum):
    """Who goes first when calls have to wait; of equals, who came first."""

    EMERGENCY = 0
    CANCEL = 1
    ORDER = 2
    ACCOUNT = 3
    HISTORY = 4


class Counter(Enum):
    """The exchange's count that a call is charged to."""

    PUBLIC = "public, by IP address"
    PUBLIC_PAIR = "public, by IP address and by pair"
    PRIVATE = "private, by key"
    HISTORY = "private, by key, at the price of a history call (a setting)"
    TRADING = "trading, by account and pair"


class Action(Enum):
    """What an order call does, which decides its charge on the trading counter."""

    ADD = "add"
    ADD_BATCH = "add several"
    AMEND = "amend"
    EDIT = "edit"
    CANCEL = "cancel"
    CANCEL_BATCH = "cancel several"
    ACCOUNT_WIDE = "cancel all, now or later"


class Reply(Protocol[T_co]):
    """What makes a result of a reply."""

    def decode(self, text: bytes | Raw, /) -> T_co:
        """Return the result. Raises ``msgspec.DecodeError`` for what is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[T]):
    """What the client must know about an endpoint.

    ``cost`` is in units of ``counter``; on the trading counter it is the fixed part, and ``action``
    decides the rest. An ``idempotent`` call may be repeated without a second effect; a ``retryable``
    one is repeated by the client after a passing failure. ``json`` bodies are for parameters that
    are lists.
    """

    path: str
    reply: Reply[T]
    private: bool
    counter: Counter
    cost: int
    priority: Priority
    idempotent: bool
    retryable: bool
    json: bool = False
    action: Action | None = None

    @property
    def name(self) -> str:
        """Kraken's name of the method."""
        return self.path.split("/", 3)[3]


def _public(
    name: str, reply: Reply[T], priority: Priority = Priority.ACCOUNT, *, by_pair: bool = False
) -> Endpoint[T]:
    return Endpoint(
        path=f"/0/public/{name}",
        reply=reply,
        private=False,
        counter=Counter.PUBLIC_PAIR if by_pair else Counter.PUBLIC,
        cost=1,
        priority=priority,
        idempotent=True,
        retryable=True,
    )


def _private(
    name: str, reply: Reply[T], priority: Priority = Priority.ACCOUNT, *, repeatable: bool
) -> Endpoint[T]:
    history = priority is Priority.HISTORY
    return Endpoint(
        path=f"/0/private/{name}",
        reply=reply,
        private=True,
        counter=Counter.HISTORY if history else Counter.PRIVATE,
        cost=HISTORY_COST if history else 1,
        priority=priority,
        idempotent=repeatable,
        retryable=repeatable,
    )


def _read(name: str, reply: Reply[T]) -> Endpoint[T]:
    return _private(name, reply, repeatable=True)


def _history(name: str, reply: Reply[T]) -> Endpoint[T]:
    return _private(name, reply, Priority.HISTORY, repeatable=True)


def _write(name: str, reply: Reply[T]) -> Endpoint[T]:
    """Return a row for a call that changes something each time it is made."""
    return _private(name, reply, repeatable=False)


def _order(name: str, reply: Reply[T], action: Action, cost: int, *, json: bool = False) -> Endpoint[T]:
    cancels = action in (Action.CANCEL, Action.CANCEL_BATCH, Action.ACCOUNT_WIDE)
    return Endpoint(
        path=f"/0/private/{name}",
        reply=reply,
        private=True,
        counter=Counter.TRADING,
        cost=cost,
        priority=Priority.CANCEL if cancels else Priority.ORDER,
        idempotent=cancels,
        # What concerns the whole account at once must not come late: a repeated arming of the dead
        # man's switch could follow a disarming, a repeated cancel of all could hit newer orders.
        retryable=cancels and action is not Action.ACCOUNT_WIDE,
        json=json,
        action=action,
    )


TIME = _public("Time", Decoder(wire.Time))
SYSTEM_STATUS = _public("SystemStatus", Decoder(wire.SystemStatus))
ASSETS = _public("Assets", Decoder(dict[str, wire.Asset]))
ASSET_PAIRS = _public("AssetPairs", Decoder(dict[str, wire.AssetPair]))
TICKER = _public("Ticker", Decoder(dict[str, wire.Ticker]))
OHLC = _public("OHLC", Decoder(dict[str, list[wire.OhlcRow] | int]), Priority.HISTORY, by_pair=True)
TRADES = _public("Trades", Decoder(dict[str, list[wire.PublicTrade] | str]), Priority.HISTORY, by_pair=True)
DEPTH = _public("Depth", Decoder(dict[str, wire.Depth]))
SPREAD = _public("Spread", Decoder(dict[str, list[wire.SpreadRow] | int]))

BALANCE = _read("Balance", wire.BALANCES)
BALANCE_EX = _read("BalanceEx", RowByRow(wire.ExtendedBalance))
TRADE_BALANCE = _read("TradeBalance", Decoder(wire.TradeBalance))
OPEN_ORDERS = _read("OpenOrders", Decoder(wire.OpenOrders))
CLOSED_ORDERS = _history("ClosedOrders", Decoder(wire.ClosedOrders))
QUERY_ORDERS = _read("QueryOrders", Decoder(dict[str, wire.Order]))
TRADES_HISTORY = _history("TradesHistory", TradePages())
QUERY_TRADES = _read("QueryTrades", Decoder(dict[str, wire.Trade]))
LEDGERS = _history("Ledgers", LedgerPages())
QUERY_LEDGERS = _history("QueryLedgers", Decoder(dict[str, wire.LedgerRow]))
OPEN_POSITIONS = _read("OpenPositions", Decoder(dict[str, wire.OpenPosition]))
TRADE_VOLUME = _read("TradeVolume", Decoder(wire.TradeVolume))
# A token too many costs nothing, so asking may be repeated.
GET_WEBSOCKETS_TOKEN = _read("GetWebSocketsToken", Decoder(wire.WebSocketsToken))
GET_API_KEY_INFO = _read("GetApiKeyInfo", Decoder(wire.ApiKeyInfo))

DEPOSIT_METHODS = _read("DepositMethods", Decoder(list[funding.DepositMethod]))
DEPOSIT_ADDRESSES = _read("DepositAddresses", Decoder(list[funding.DepositAddress]))
DEPOSIT_STATUS = _read("DepositStatus", Decoder(list[funding.Transfer]))
WITHDRAW_METHODS = _read("WithdrawMethods", Decoder(list[funding.WithdrawMethod]))
WITHDRAW_ADDRESSES = _read("WithdrawAddresses", Decoder(list[funding.WithdrawAddress]))
WITHDRAW_INFO = _read("WithdrawInfo", Decoder(funding.WithdrawInfo))
WITHDRAW_STATUS = _read("WithdrawStatus", Decoder(list[funding.Transfer]))
WITHDRAW = _write("Withdraw", Decoder(funding.Reference))
WITHDRAW_CANCEL = _write("WithdrawCancel", Decoder(bool))
WALLET_TRANSFER = _write("WalletTransfer", Decoder(funding.Reference))
ADD_EXPORT = _write("AddExport", Decoder(funding.ExportId))
EXPORT_STATUS = _read("ExportStatus", Decoder(list[funding.ExportReport]))
REMOVE_EXPORT = _write("RemoveExport", Decoder(funding.ExportRemoved))

ADD_ORDER = _order("AddOrder", Decoder(wire.AddedOrder), Action.ADD, cost=1)
ADD_ORDER_BATCH = _order("AddOrderBatch", Decoder(wire.AddedBatch), Action.ADD_BATCH, cost=0, json=True)
AMEND_ORDER = _order("AmendOrder", Decoder(wire.AmendedOrder), Action.AMEND, cost=1)
EDIT_ORDER = _order("EditOrder", Decoder(wire.EditedOrder), Action.EDIT, cost=1)
CANCEL_ORDER = _order("CancelOrder", Decoder(wire.CancelCount), Action.CANCEL, cost=0)
CANCEL_ORDER_BATCH = _order(
    "CancelOrderBatch", Decoder(wire.CancelCount), Action.CANCEL_BATCH, cost=0, json=True
)
CANCEL_ALL = _order("CancelAll", Decoder(wire.CancelCount), Action.ACCOUNT_WIDE, cost=1)
CANCEL_ALL_ORDERS_AFTER = _order(
    "CancelAllOrdersAfter", Decoder(wire.DeadMansSwitch), Action.ACCOUNT_WIDE, cost=1
)

ENDPOINTS: tuple[Endpoint[Any], ...] = (
    TIME,
    SYSTEM_STATUS,
    ASSETS,
    ASSET_PAIRS,
    TICKER,
    OHLC,
    TRADES,
    DEPTH,
    SPREAD,
    BALANCE,
    BALANCE_EX,
    TRADE_BALANCE,
    OPEN_ORDERS,
    CLOSED_ORDERS,
    QUERY_ORDERS,
    TRADES_HISTORY,
    QUERY_TRADES,
    LEDGERS,
    QUERY_LEDGERS,
    OPEN_POSITIONS,
    TRADE_VOLUME,
    GET_WEBSOCKETS_TOKEN,
    GET_API_KEY_INFO,
    DEPOSIT_METHODS,
    DEPOSIT_ADDRESSES,
    DEPOSIT_STATUS,
    WITHDRAW_METHODS,
    WITHDRAW_ADDRESSES,
    WITHDRAW_INFO,
    WITHDRAW_STATUS,
    WITHDRAW,
    WITHDRAW_CANCEL,
    WALLET_TRANSFER,
    ADD_EXPORT,
    EXPORT_STATUS,
    REMOVE_EXPORT,
    ADD_ORDER,
    ADD_ORDER_BATCH,
    AMEND_ORDER,
    EDIT_ORDER,
    CANCEL_ORDER,
    CANCEL_ORDER_BATCH,
    CANCEL_ALL,
    CANCEL_ALL_ORDERS_AFTER,
)

_BY_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS}
# Numbers without quotes keep their digits too; integers stay int, which is exact at any size.
_EXACT: Decoder[Any] = Decoder(float_hook=Decimal)


def by_name(method: str, *, private: bool) -> Endpoint[Any]:
    """Return an endpoint by Kraken's name of it, whose reply is JSON as it came, every number exact.

    One that is not in the table is budgeted like the dearest there is, and never repeated when it is
    private.
    """
    path = f"/0/{'private' if private else 'public'}/{method}"
    known = _BY_PATH.get(path)
    if known is None and private:
        known = _private(method, _EXACT, Priority.HISTORY, repeatable=False)
    elif known is None:
        known = _public(method, _EXACT, Priority.HISTORY, by_pair=True)
    return replace(known, reply=_EXACT)
