"""One WebSocket connection's conversation: what it asks, what it is subscribed to, what it is told."""

from collections.abc import Callable
from typing import Final

import msgspec

from krakked_tui.sandbox.account_streams import AccountStreams
from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.market_streams import MarketStreams
from krakked_tui.sandbox.signing import Gatekeeper
from krakked_tui.sandbox.wire import rfc3339
from krakked_tui.sandbox.ws_requests import (
    ALREADY_SUBSCRIBED,
    NOT_SUBSCRIBED,
    ONE_INTERVAL_ONLY,
    UNSUPPORTED,
    ChannelSpec,
    Request,
    WsError,
    channel_of,
    flag_of,
    interval_of,
    pong,
    read_request,
    refusal,
    reply,
    symbols_of,
    token_of,
    trigger_of,
    unknown_symbol,
)

HEARTBEAT: Final = '{"channel":"heartbeat"}'
MAX_RATE_COUNT: Final = 125
"""The trading rate limit an Intermediate account is told about."""

_VERSION: Final = "2.0.10"
_FIRST_CONNECTION_ID: Final = 13_834_774_380_200_000_000
"""Far above 2**53, as Kraken's are: whoever reads it as a double is wrong here too."""

_OHLC_WARNINGS: Final = ["timestamp is deprecated, use interval_begin"]
_EXECUTIONS_WARNINGS: Final = [
    "cancel_reason is deprecated, use reason",
    "stop_price is deprecated, use triggers.price",
    "trigger is deprecated use triggers.reference",
    "triggered_price is deprecated use triggers.last_price",
]


class Hub:
    """Everything the connections share."""

    def __init__(self, exchange: Exchange, gatekeeper: Gatekeeper) -> None:
        self.exchange = exchange
        self.gatekeeper = gatekeeper
        self.market = MarketStreams(exchange)
        self.account = AccountStreams(exchange)
        self.sessions: dict[Session, None] = {}
        self._connections = 0

    def open(self, send: Callable[[str], None], *, private: bool) -> "Session":
        """Start a conversation: it is told the system's status at once."""
        self._connections += 1
        session = Session(self, send, private=private)
        self.sessions[session] = None
        session.send(_status(_FIRST_CONNECTION_ID + self._connections))
        return session

    def close(self, session: "Session") -> None:
        """End a conversation and all its subscriptions."""
        session.leave_all()
        self.sessions.pop(session, None)

    def tick_ohlc(self) -> None:
        """Bring orders and candles up to date and tell the subscribers."""
        self.market.tick_ohlc(self.exchange.catch_up())

    def tick_tickers(self) -> None:
        """Tell the subscribers of tickers."""
        self.market.tick_tickers(self.exchange.catch_up())

    def beat(self) -> None:
        """Send a heartbeat to every connection that heard nothing since the last call."""
        for session in self.sessions:
            session.beat()


class Session:
    """One connection. ``send`` queues a message for the socket and never waits."""

    def __init__(self, hub: Hub, send: Callable[[str], None], *, private: bool) -> None:
        self._hub = hub
        self._send = send
        self._private = private
        self._tickers: set[str] = set()
        self._ohlc: dict[str, int] = {}
        self._account: set[str] = set()
        self._quiet = True

    def send(self, message: str) -> None:
        """Queue a message."""
        self._quiet = False
        self._send(message)

    def beat(self) -> None:
        """Send a heartbeat if something is subscribed and nothing was sent since the last call."""
        if self._quiet and (self._tickers or self._ohlc or self._account):
            self._send(HEARTBEAT)
        self._quiet = True

    def receive(self, text: str | None) -> None:
        """Answer one frame; None stands for a binary one."""
        time = rfc3339(self._hub.exchange.catch_up())
        method, req_id = "error", None
        try:
            request = read_request(text)
            method, req_id = request.method, request.req_id
            self._answer(request, time)
        except WsError as error:
            self.send(refusal(method, req_id, error, time))

    def leave_all(self) -> None:
        """Drop all subscriptions."""
        for name in self._tickers:
            self._hub.market.leave_ticker(self, name)
        for name, interval in self._ohlc.items():
            self._hub.market.leave_ohlc(self, name, interval)
        self._hub.account.leave_executions(self)
        self._hub.account.leave_balances(self)
        self._tickers.clear()
        self._ohlc.clear()
        self._account.clear()

    def _answer(self, request: Request, time: str) -> None:
        match request.method:
            case "ping":
                if request.params is not None:
                    raise WsError("Unsupported field: 'params' for the given msg type: ping")
                self.send(pong(request.req_id, time))
            case "subscribe" | "unsubscribe":
                spec = channel_of(request, private=self._private)
                if spec.private:
                    self._account_request(spec, request, time)
                else:
                    self._market_request(spec, request, time)
            case _:
                raise WsError(UNSUPPORTED)

    def _market_request(self, spec: ChannelSpec, request: Request, time: str) -> None:
        """Handle the symbols one by one: each has its own acknowledgement."""
        params = request.params or {}
        handle = {
            ("ticker", "subscribe"): self._join_ticker,
            ("ticker", "unsubscribe"): self._leave_ticker,
            ("ohlc", "subscribe"): self._join_ohlc,
            ("ohlc", "unsubscribe"): self._leave_ohlc,
        }[spec.name, request.method]
        for symbol in symbols_of(params):
            try:
                listing = self._hub.exchange.catalog.by_symbol.get(symbol)
                if listing is None:
                    raise unknown_symbol(symbol)
                handle(listing, request, time)
            except WsError as error:
                self.send(refusal(request.method, request.req_id, WsError(error.text, symbol), time))

    def _join_ticker(self, listing: Listing, request: Request, time: str) -> None:
        params = request.params or {}
        trigger, snapshot = trigger_of(params), flag_of(params, "snapshot", default=True)
        if listing.name in self._tickers:
            raise WsError(ALREADY_SUBSCRIBED)
        self._tickers.add(listing.name)
        stream = self._hub.market.join_ticker(self, listing)
        result = {"channel": "ticker", "event_trigger": trigger, "snapshot": snapshot}
        self._acknowledge(request, {**result, "symbol": listing.pair.ws_symbol}, time)
        if snapshot:
            self.send(stream.snapshot(self._hub.exchange.catch_up()))

    def _leave_ticker(self, listing: Listing, request: Request, time: str) -> None:
        if listing.name not in self._tickers:
            raise WsError(NOT_SUBSCRIBED)
        self._tickers.remove(listing.name)
        self._hub.market.leave_ticker(self, listing.name)
        result = {"channel": "ticker", "event_trigger": trigger_of(request.params or {})}
        self._acknowledge(request, {**result, "symbol": listing.pair.ws_symbol}, time)

    def _join_ohlc(self, listing: Listing, request: Request, time: str) -> None:
        params = request.params or {}
        interval, snapshot = interval_of(params), flag_of(params, "snapshot", default=True)
        if listing.name in self._ohlc:
            raise WsError(ONE_INTERVAL_ONLY)
        self._ohlc[listing.name] = interval
        at = self._hub.exchange.catch_up()
        stream = self._hub.market.join_ohlc(self, listing, interval, at)
        result = {"channel": "ohlc", "interval": interval, "snapshot": snapshot}
        result |= {"symbol": listing.pair.ws_symbol, "warnings": _OHLC_WARNINGS}
        self._acknowledge(request, result, time)
        if snapshot:
            self.send(stream.snapshot(at))

    def _leave_ohlc(self, listing: Listing, request: Request, time: str) -> None:
        interval = interval_of(request.params or {})
        if self._ohlc.get(listing.name) != interval:
            raise WsError(NOT_SUBSCRIBED)
        del self._ohlc[listing.name]
        self._hub.market.leave_ohlc(self, listing.name, interval)
        result = {"channel": "ohlc", "interval": interval, "symbol": listing.pair.ws_symbol}
        self._acknowledge(request, result, time)

    def _account_request(self, spec: ChannelSpec, request: Request, time: str) -> None:
        params = request.params or {}
        try:
            self._hub.gatekeeper.check_token(token_of(params))
        except ApiError as error:
            raise WsError(error.text) from error
        if request.method == "unsubscribe":
            self._leave_account(spec.name, request, time)
        elif spec.name in self._account:
            raise WsError(ALREADY_SUBSCRIBED)
        elif spec.name == "executions":
            self._join_executions(params, request, time)
        else:
            self._join_balances(params, request, time)

    def _join_executions(self, params: dict[str, object], request: Request, time: str) -> None:
        snap_orders = flag_of(params, "snap_orders", default=True)
        snap_trades = flag_of(params, "snap_trades", default=False)
        order_status = flag_of(params, "order_status", default=True)
        self._account.add("executions")
        result = {"channel": "executions", "maxratecount": MAX_RATE_COUNT, "snap_orders": snap_orders}
        result |= {"snap_trades": snap_trades, "snapshot": True, "warnings": _EXECUTIONS_WARNINGS}
        self._acknowledge(request, result, time)
        self._hub.account.join_executions(
            self, snap_orders=snap_orders, snap_trades=snap_trades, order_status=order_status
        )

    def _join_balances(self, params: dict[str, object], request: Request, time: str) -> None:
        snapshot = flag_of(params, "snapshot", default=True)
        self._account.add("balances")
        self._acknowledge(request, {"channel": "balances", "snapshot": snapshot}, time)
        self._hub.account.join_balances(self, snapshot=snapshot)

    def _leave_account(self, name: str, request: Request, time: str) -> None:
        if name not in self._account:
            raise WsError(NOT_SUBSCRIBED)
        self._account.remove(name)
        if name == "executions":
            self._hub.account.leave_executions(self)
        else:
            self._hub.account.leave_balances(self)
        self._acknowledge(request, {"channel": name}, time)

    def _acknowledge(self, request: Request, result: dict[str, object], time: str) -> None:
        self.send(reply(request.method, request.req_id, result, time))


def _status(connection_id: int) -> str:
    """Spell what every connection is told when it opens."""
    data = {"version": _VERSION, "system": "online", "api_version": "v2", "connection_id": connection_id}
    return msgspec.json.encode({"channel": "status", "type": "update", "data": [data]}).decode()
