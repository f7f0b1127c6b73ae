"""WebSocket v2 requests, read as strictly as Kraken reads them, and the replies to them."""

import re
from typing import Final

import msgspec

from krakked_tui.sandbox.market_data import INTERVALS

MALFORMED: Final = "Malformed request"
UNSUPPORTED: Final = "Unsupported event"
NAME_INVALID: Final = "Subscription name invalid"
SYMBOLS_MISSING: Final = "Symbol(s) not found"
SYMBOL_NOT_ARRAY: Final = "Symbol field must be an array"
TOKEN_MISSING: Final = "Token(s) not found"  # noqa: S105 - an error text
INTERVAL_UNSUPPORTED: Final = "Subscription ohlc interval not supported"
ALREADY_SUBSCRIBED: Final = "Already subscribed"
ONE_INTERVAL_ONLY: Final = "Already subscribed to one ohlc interval on this symbol"
NOT_SUBSCRIBED: Final = "Subscription Not Found"

_SYMBOL: Final = re.compile(r"[A-Z0-9.]{1,16}/[A-Z0-9.]{1,16}")
_EVENT_TRIGGERS: Final = ("trades", "bbo")


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
    """One channel: which host serves it and which parameters it knows."""

    name: str
    private: bool
    fields: frozenset[str]


CHANNELS: Final = (
    ChannelSpec("ticker", private=False, fields=frozenset(("symbol", "event_trigger", "snapshot"))),
    ChannelSpec("ohlc", private=False, fields=frozenset(("symbol", "interval", "snapshot"))),
    ChannelSpec(
        "executions",
        private=True,
        fields=frozenset(
            ("token", "snapshot", "snap_orders", "snap_trades", "order_status", "ratecounter", "rebased")
        ),
    ),
    ChannelSpec("balances", private=True, fields=frozenset(("token", "snapshot", "rebased"))),
)


def read_request(text: str | None) -> Request:
    """Read a frame's text (None for a binary frame)."""
    try:
        content = msgspec.json.decode(text or "")
    except msgspec.DecodeError as error:
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


def symbols_of(params: dict[str, object]) -> list[str]:
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


def flag_of(params: dict[str, object], name: str, *, default: bool) -> bool:
    """Return a true-or-false parameter."""
    value = params.get(name, default)
    if not isinstance(value, bool):
        raise WsError(MALFORMED)
    return value


def interval_of(params: dict[str, object]) -> int:
    """Return a candle length in minutes."""
    value = params.get("interval", 1)
    if type(value) is not int or value not in INTERVALS:
        raise WsError(INTERVAL_UNSUPPORTED)
    return value


def trigger_of(params: dict[str, object]) -> str:
    """Return what triggers a ticker; both triggers are served the same conflated updates."""
    value = params.get("event_trigger", "trades")
    if value not in _EVENT_TRIGGERS:
        raise WsError(MALFORMED)
    return str(value)


def token_of(params: dict[str, object]) -> str:
    """Return the session token."""
    token = params.get("token")
    if not isinstance(token, str) or not token:
        raise WsError(TOKEN_MISSING)
    return token


def reply(method: str, req_id: int | None, result: dict[str, object], time: str) -> str:
    """Spell the acknowledgement of a request."""
    message: dict[str, object] = {"method": method}
    if req_id is not None:
        message["req_id"] = req_id
    message |= {"result": result, "success": True, "time_in": time, "time_out": time}
    return msgspec.json.encode(message).decode()


def refusal(method: str, req_id: int | None, error: WsError, time: str) -> str:
    """Spell the refusal of a request."""
    message: dict[str, object] = {"error": error.text, "method": method}
    if req_id is not None:
        message["req_id"] = req_id
    message["success"] = False
    if error.symbol is not None:
        message["symbol"] = error.symbol
    message |= {"time_in": time, "time_out": time}
    return msgspec.json.encode(message).decode()


def pong(req_id: int | None, time: str) -> str:
    """Spell the answer to a ping."""
    message: dict[str, object] = {"method": "pong"}
    if req_id is not None:
        message["req_id"] = req_id
    message |= {"time_in": time, "time_out": time}
    return msgspec.json.encode(message).decode()
