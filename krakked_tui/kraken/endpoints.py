"""Every REST endpoint in use, one row each."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from msgspec.json import Decoder

from krakked_tui.kraken import wire

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[T]):
    """What the client must know about an endpoint.

    ``cost`` counts on the private counter (public endpoints: calls per second). An ``idempotent``
    call may be repeated without a second effect; a ``retryable`` one is repeated by the client
    after a passing failure. ``json`` bodies are for parameters that are lists.
    """

    path: str
    reply: Decoder[T]
    private: bool
    cost: int
    idempotent: bool
    retryable: bool
    json: bool = False

    @property
    def name(self) -> str:
        """Kraken's name of the method."""
        return self.path.rsplit("/", 1)[-1]


def _public(name: str, reply: Decoder[T]) -> Endpoint[T]:
    return Endpoint(
        path=f"/0/public/{name}", reply=reply, private=False, cost=1, idempotent=True, retryable=True
    )


def _read(name: str, reply: Decoder[T], cost: int) -> Endpoint[T]:
    return Endpoint(
        path=f"/0/private/{name}", reply=reply, private=True, cost=cost, idempotent=True, retryable=True
    )


def _cancel(name: str, *, json: bool = False) -> Endpoint[wire.CancelCount]:
    return Endpoint(
        path=f"/0/private/{name}",
        reply=Decoder(wire.CancelCount),
        private=True,
        cost=0,
        idempotent=True,
        retryable=True,
        json=json,
    )


TIME = _public("Time", Decoder(wire.Time))
ASSETS = _public("Assets", Decoder(dict[str, wire.Asset]))
ASSET_PAIRS = _public("AssetPairs", Decoder(dict[str, wire.AssetPair]))
TICKER = _public("Ticker", Decoder(dict[str, wire.Ticker]))
OHLC = _public("OHLC", Decoder(dict[str, list[wire.OhlcRow] | int]))

# The history calls are charged 2 or 4 depending on which of Kraken's pages one believes: budget 4.
BALANCE_EX = _read("BalanceEx", Decoder(dict[str, wire.ExtendedBalance]), cost=1)
OPEN_ORDERS = _read("OpenOrders", Decoder(wire.OpenOrders), cost=1)
CLOSED_ORDERS = _read("ClosedOrders", Decoder(wire.ClosedOrders), cost=4)
QUERY_ORDERS = _read("QueryOrders", Decoder(dict[str, wire.Order]), cost=1)
TRADES_HISTORY = _read("TradesHistory", Decoder(wire.TradesHistory), cost=4)
LEDGERS = _read("Ledgers", Decoder(wire.Ledgers), cost=4)
GET_WEBSOCKETS_TOKEN = _read("GetWebSocketsToken", Decoder(wire.WebSocketsToken), cost=1)
CANCEL_ORDER = _cancel("CancelOrder")
CANCEL_ORDER_BATCH = _cancel("CancelOrderBatch", json=True)
ADD_ORDER = Endpoint(
    path="/0/private/AddOrder",
    reply=Decoder(wire.AddedOrder),
    private=True,
    cost=0,
    idempotent=False,
    retryable=False,
)

ENDPOINTS: tuple[Endpoint[Any], ...] = (
    TIME,
    ASSETS,
    ASSET_PAIRS,
    TICKER,
    OHLC,
    BALANCE_EX,
    OPEN_ORDERS,
    CLOSED_ORDERS,
    QUERY_ORDERS,
    TRADES_HISTORY,
    LEDGERS,
    GET_WEBSOCKETS_TOKEN,
    CANCEL_ORDER,
    CANCEL_ORDER_BATCH,
    ADD_ORDER,
)
