"""WebSocket v2 requests, read as strictly as Kraken reads them, and the replies to them."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.sandbox.market_data import INTERVALS
from krakked_tui.sandbox.permissions import QUERY_CLOSED, QUERY_FUNDS, QUERY_OPEN
from krakked_tui.sandbox.topics import Option

UNREADABLE: Final = "error"
"""The method that a reply names when the request's cannot be read."""

RATE_EXCEEDED: Final = '{"Error":"Exceeded msg rate"}'
"""What a connection is told, instead of an answer, that sends too much."""

MALFORMED: Final = "Malformed request"
UNSUPPORTED: Final = "Unsupported event"
NAME_INVALID: Final = "Subscription name invalid"
SYMBOLS_MISSING: Final = "Symbol(s) not found"
SYMBOL_NOT_ARRAY: Final = "Symbol field must be an array"
TOKEN_MISSING: Final = "Token(s) not found"  # noqa: S105 - an error text
DEPTH_UNSUPPORTED: Final = "Subscription depth not supported"
INTERVAL_UNSUPPORTED: Final = "Subscription ohlc interval not supported"
ALREADY_SUBSCRIBED: Final = "Already subscribed"
ONE_INTERVAL_ONLY: Final = "Already subscribed to one ohlc interval on this symbol"
NOT_SUBSCRIBED: Final = "Subscription Not Found"

_SYMBOL: Final = re.compile(r"[A-Z0-9.]{1,16}/[A-Z0-9.]{1,16}")
_EVENT_TRIGGERS: Final = ("trades", "bbo")
_DEPTHS: Final = (10, 25, 100, 500, 1000)
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


class WsError(Exception):
    """A request is refused; ``symbol`` is the one it is about, when it is about one."""

    def __init__(self, text: str, symbol: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.symbol = symbol


class Request(msgspec.Struct, frozen=True):
    """A request whose envelope is sound; its parameters are not looked at yet."""

    method: str
    params: dict[str, object] | None
    req_id: int | None


class ChannelSpec(msgspec.Struct, frozen=True):
    """One channel: which host serves it, which parameters it knows and what it answers.

    ``option`` names the parameter that its subscriptions differ in, ``read_option`` reads it.
    ``snapshot`` is that parameter's default. ``needs`` are the permissions the token's key must have.
    """

    name: str
    private: bool
    fields: frozenset[str]
    option: str | None = None
    read_option: Callable[[Mapping[str, object]], Option] = lambda _: None
    repeated: str = ALREADY_SUBSCRIBED
    snapshot: bool = True
    needs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def flag_of(params: Mapping[str, object], name: str, *, default: bool) -> bool:
    """Return a true-or-false parameter."""
    value = params.get(name, default)
    if not isinstance(value, bool):
        raise WsError(MALFORMED)
    return value


def interval_of(params: Mapping[str, object]) -> int:
    """Return a candle length in minutes."""
    value = params.get("interval", 1)
    if type(value) is not int or value not in INTERVALS:
        raise WsError(INTERVAL_UNSUPPORTED)
    return value


def depth_of(params: Mapping[str, object]) -> int:
    """Return a book's depth in levels."""
    value = params.get("depth", 10)
    if type(value) is not int or value not in _DEPTHS:
        raise WsError(DEPTH_UNSUPPORTED)
    return value


def trigger_of(params: Mapping[str, object]) -> str:
    """Return what triggers a ticker."""
    value = params.get("event_trigger", "trades")
    if value not in _EVENT_TRIGGERS:
        raise WsError(MALFORMED)
    return str(value)


CHANNELS: Final = (
    ChannelSpec(
        "ticker",
        private=False,
        fields=frozenset(("symbol", "event_trigger", "snapshot")),
        option="event_trigger",
        read_option=trigger_of,
    ),
    ChannelSpec(
        "book",
        private=False,
        fields=frozenset(("symbol", "depth", "snapshot")),
        option="depth",
        read_option=depth_of,
    ),
    ChannelSpec(
        "ohlc",
        private=False,
        fields=frozenset(("symbol", "interval", "snapshot")),
        option="interval",
        read_option=interval_of,
        repeated=ONE_INTERVAL_ONLY,
        warnings=("timestamp is deprecated, use interval_begin",),
    ),
    ChannelSpec("trade", private=False, fields=frozenset(("symbol", "snapshot")), snapshot=False),
    ChannelSpec(
        "instrument",
        private=False,
        fields=frozenset(("snapshot", "include_tokenized_assets", "execution_venue")),
        warnings=("tick_size is deprecated, use price_increment",),
    ),
    ChannelSpec(
        "executions",
        private=True,
        fields=frozenset(
            (
                *("token", "snapshot", "snap_orders", "snap_trades", "order_status"),
                *("ratecounter", "rebased", "users"),
            )
        ),
        needs=(QUERY_OPEN, QUERY_CLOSED),
        warnings=(
            "cancel_reason is deprecated, use reason",
            "stop_price is deprecated, use triggers.price",
            "trigger is deprecated use triggers.reference",
            "triggered_price is deprecated use triggers.last_price",
        ),
    ),
    ChannelSpec(
        "balances",
        private=True,
        fields=frozenset(("token", "snapshot", "rebased", "users")),
        needs=(QUERY_FUNDS,),
    ),
)


def read_request(text: str | None) -> Request:
    """Read a frame's text (None for a binary frame). Numbers with a point become Decimals."""
    try:
        content = _DECODER.decode(text or "")
    except (msgspec.DecodeError, ArithmeticError, ValueError, RecursionError) as error:
        raise WsError(MALFORMED) from error
    if not isinstance(content, dict) or not isinstance(content.get("method"), str):
        raise WsError(MALFORMED)
    params, req_id = content.get("params"), content.get("req_id")
    if not (params is None or isinstance(params, dict)):
        raise WsError(MALFORMED)
    if not (req_id is None or type(req_id) is int):
        raise WsError(MALFORMED)
    return Request(content["method"], params, req_id)


def channel_of(request: Request, *, private: bool) -> ChannelSpec:
    """Return the channel a (un)subscribe request names, its parameter names checked."""
    params = request.params or {}
    name = params.get("channel")
    if name == "status":
        raise WsError(SYMBOLS_MISSING)
    spec = next((spec for spec in CHANNELS if spec.name == name), None)
    if spec is None:
        raise WsError(NAME_INVALID)
    if spec.private is not private:
        raise WsError(UNSUPPORTED)
    unknown = params.keys() - spec.fields - {"channel"}
    if unknown:
        raise WsError(f"Unsupported field: '{min(unknown)}' for the given msg type: {request.method}")
    return spec


def symbols_of(params: Mapping[str, object]) -> list[str]:
    """Return the symbols a request lists."""
    symbols = params.get("symbol")
    if symbols is None:
        raise WsError(SYMBOLS_MISSING)
    if not isinstance(symbols, list):
        raise WsError(SYMBOL_NOT_ARRAY)
    if not symbols or not all(isinstance(symbol, str) for symbol in symbols):
        raise WsError(SYMBOLS_MISSING)
    return symbols


def unknown_symbol(symbol: str) -> WsError:
    """Return the refusal of a symbol that is not listed."""
    form = "supported" if _SYMBOL.fullmatch(symbol) else "in ISO 4217-A3 format"
    return WsError(f"Currency pair not {form} {symbol}", symbol)


def token_of(params: Mapping[str, object]) -> str:
    """Return the session token."""
    token = params.get("token")
    if not isinstance(token, str) or not token:
        raise WsError(TOKEN_MISSING)
    return token


def reply(
    method: str, req_id: int | None, parts: Mapping[str, object], time_in: str, time_out: str | None = None
) -> str:
    """Spell the answer to a request: ``parts`` is what it adds to the envelope, in any order."""
    message: dict[str, object] = {"method": method, **parts}
    if req_id is not None:
        message["req_id"] = req_id
    ordered = {name: message[name] for name in _ORDER if name in message} | message
    return msgspec.json.encode(ordered | {"time_in": time_in, "time_out": time_out or time_in}).decode()


def refusal(
    method: str, req_id: int | None, error: WsError, time_in: str, time_out: str | None = None
) -> str:
    """Spell the refusal of a request."""
    parts: dict[str, object] = {"error": error.text, "success": False}
    if error.symbol is not None:
        parts["symbol"] = error.symbol
    return reply(method, req_id, parts, time_in, time_out)


_ORDER: Final = ("error", "method", "orders_cancelled", "req_id", "result", "success", "symbol")
"""The order in which Kraken prints the parts of a reply."""
