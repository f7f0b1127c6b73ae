"""One WebSocket connection's conversation: what it asks, what it is subscribed to, what it is told."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from krakked_tui.sandbox import ws_trading
from krakked_tui.sandbox.account_streams import AccountStreams
from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.keys import Key
from krakked_tui.sandbox.market_streams import MarketStreams
from krakked_tui.sandbox.orders import ExchangeEvent, PairChanged, SystemChanged
from krakked_tui.sandbox.signing import Gatekeeper
from krakked_tui.sandbox.topics import Option
from krakked_tui.sandbox.wire import rfc3339
from krakked_tui.sandbox.ws_requests import (
    ALREADY_SUBSCRIBED,
    NOT_SUBSCRIBED,
    RATE_EXCEEDED,
    UNREADABLE,
    UNSUPPORTED,
    ChannelSpec,
    Request,
    WsError,
    channel_of,
    flag_of,
    read_request,
    refusal,
    reply,
    symbols_of,
    token_of,
    unknown_symbol,
)

HEARTBEAT: Final = '{"channel":"heartbeat"}'

MESSAGES_PER_SECOND: Final = 200.0
"""Requests a second (wall time) that one connection may keep up; ten seconds' worth at once."""

_BURST_SECONDS: Final = 10.0
_VERSION: Final = "2.0.10"
_FIRST_CONNECTION_ID: Final = 13_834_774_380_200_000_000
"""Far above 2**53, as Kraken's are: whoever reads it as a double is wrong here too."""


class Hub:
    """Everything the connections share.

    ``messages_per_second`` caps what one connection may ask; ``full_rate`` is for load tests, see
    ``MarketStreams``.
    """

    def __init__(
        self,
        exchange: Exchange,
        gatekeeper: Gatekeeper,
        *,
        full_rate: bool = False,
        messages_per_second: float = MESSAGES_PER_SECOND,
    ) -> None:
        self.exchange = exchange
        self.gatekeeper = gatekeeper
        self.market = MarketStreams(exchange, full_rate=full_rate)
        self.account = AccountStreams(exchange)
        self.sessions: dict[Session, None] = {}
        self.messages_per_second = messages_per_second
        self._connections = 0
        exchange.listen(self._on_event)

    def open(
        self, send: Callable[[str], None], *, private: bool, close: Callable[[], None] = lambda: None
    ) -> "Session":
        """Start a conversation: it is told the system's status at once.

        ``close`` is called when the exchange ends it, with nothing subscribed any more.
        """
        self._connections += 1
        session = Session(self, send, _FIRST_CONNECTION_ID + self._connections, private=private, close=close)
        self.sessions[session] = None
        session.tell_status()
        return session

    def close(self, session: "Session") -> None:
        """End a conversation and all its subscriptions."""
        session.leave_all()
        self.sessions.pop(session, None)

    def tick_ohlc(self) -> None:
        """Bring orders and candles up to date and tell the subscribers."""
        self.market.tick_ohlc(self.exchange.catch_up())
        for session in tuple(self.sessions):
            session.end_without_key()

    def tick_tickers(self) -> None:
        """Tell the subscribers of trades, books and tickers."""
        self.market.tick_tickers(self.exchange.catch_up())

    def beat(self) -> None:
        """Send a heartbeat to every connection that heard nothing since the last call."""
        for session in self.sessions:
            session.beat()

    def _on_event(self, event: ExchangeEvent) -> None:
        if isinstance(event, SystemChanged):
            for session in self.sessions:
                session.tell_status()
        elif isinstance(event, PairChanged) and not self.exchange.catalog.listings[event.name].is_listed:
            for session in self.sessions:
                session.forget_pair(event.name)


class Session:
    """One connection. ``send`` queues a message for the socket and never waits."""

    def __init__(
        self,
        hub: Hub,
        send: Callable[[str], None],
        number: int,
        *,
        private: bool,
        close: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._exchange = hub.exchange
        self._send = send
        self._close = close
        self._number = number
        self._private = private
        self._market: dict[tuple[str, str], Option] = {}
        self._whole: set[str] = set()
        self._keys: dict[str, Key] = {}
        self._allowance = Allowance(hub.messages_per_second, hub.exchange.clock.wall)
        self._quiet = True

    def send(self, message: str) -> None:
        """Queue a message."""
        self._quiet = False
        self._send(message)

    def tell_status(self) -> None:
        """Say which mode the exchange is in."""
        data = {
            "version": _VERSION,
            "system": self._exchange.system,
            "api_version": "v2",
            "connection_id": self._number,
        }
        self.send(msgspec.json.encode({"channel": "status", "type": "update", "data": [data]}).decode())

    def beat(self) -> None:
        """Send a heartbeat if something is subscribed and nothing was sent since the last call."""
        if self._quiet and (self._market or self._whole):
            self._send(HEARTBEAT)
        self._quiet = True

    def receive(self, text: str | None) -> None:
        """Answer one frame; None stands for a binary one."""
        if not self._allowance.take():
            self.send(RATE_EXCEEDED)
            return
        time_in = rfc3339(self._exchange.catch_up())
        request = Request(UNREADABLE, None, None)
        try:
            request = read_request(text)
            self._answer(request, time_in)
        except WsError as error:
            self._refuse(request, error, time_in)

    def end_without_key(self) -> None:
        """End the conversation when a key that it is subscribed with has expired or was disabled."""
        if self._keys and not all(map(self._hub.gatekeeper.admits, self._keys.values())):
            self.leave_all()
            self._close()

    def leave_all(self) -> None:
        """Drop all subscriptions."""
        for (channel, name), option in self._market.items():
            self._hub.market.leave(self, channel, name, option)
        self._hub.market.instruments.subscribers.pop(self, None)
        self._hub.account.leave_executions(self)
        self._hub.account.leave_balances(self)
        self._market.clear()
        self._whole.clear()
        self._keys.clear()

    def forget_pair(self, name: str) -> None:
        """Have no subscriptions to a delisted pair: should it be listed again, they must be made anew."""
        self._market = {key: option for key, option in self._market.items() if key[1] != name}

    def _answer(self, request: Request, time_in: str) -> None:
        match request.method:
            case "ping":
                if request.params is not None:
                    raise WsError("Unsupported field: 'params' for the given msg type: ping")
                self.send(reply("pong", request.req_id, {}, time_in, self._time()))
            case "subscribe" | "unsubscribe":
                spec = channel_of(request, private=self._private)
                if "symbol" in spec.fields:
                    self._symbols_request(spec, request, time_in)
                else:
                    self._whole_request(spec, request, time_in)
            case method if self._private and method in ws_trading.METHODS:
                self._trade(request, time_in)
            case _:
                raise WsError(UNSUPPORTED)

    def _symbols_request(self, spec: ChannelSpec, request: Request, time_in: str) -> None:
        """Handle the symbols one by one: each has its own acknowledgement."""
        params = request.params or {}
        for symbol in symbols_of(params):
            try:
                listing = self._exchange.catalog.find_symbol(symbol)
                if listing is None:
                    raise unknown_symbol(symbol)
                if request.method == "subscribe":
                    self._join(spec, listing, request, time_in)
                else:
                    self._leave(spec, listing, request, time_in)
            except WsError as error:
                self._refuse(request, WsError(error.text, symbol), time_in)

    def _join(self, spec: ChannelSpec, listing: Listing, request: Request, time_in: str) -> None:
        params = request.params or {}
        option, snapshot = spec.read_option(params), flag_of(params, "snapshot", default=spec.snapshot)
        if (spec.name, listing.name) in self._market:
            raise WsError(spec.repeated)
        self._market[spec.name, listing.name] = option
        at = self._exchange.catch_up()
        topic = self._hub.market.join(self, spec.name, listing, option, at)
        self._accept(spec, listing, request, {"snapshot": snapshot}, time_in)
        if snapshot:
            self.send(topic.snapshot(at))

    def _leave(self, spec: ChannelSpec, listing: Listing, request: Request, time_in: str) -> None:
        option = spec.read_option(request.params or {})
        key = (spec.name, listing.name)
        if key not in self._market or self._market[key] != option:
            raise WsError(NOT_SUBSCRIBED)
        del self._market[key]
        self._hub.market.leave(self, spec.name, listing.name, option)
        self._accept(spec, listing, request, {}, time_in)

    def _accept(
        self, spec: ChannelSpec, listing: Listing, request: Request, more: Mapping[str, object], time_in: str
    ) -> None:
        result: dict[str, object] = {"channel": spec.name}
        if spec.option is not None:
            result[spec.option] = spec.read_option(request.params or {})
        result |= {**more, "symbol": listing.pair.ws_symbol}
        if spec.warnings and request.method == "subscribe":
            result["warnings"] = spec.warnings
        self._acknowledge(request, result, time_in)

    def _whole_request(self, spec: ChannelSpec, request: Request, time_in: str) -> None:
        """Handle a channel without symbols."""
        params = request.params or {}
        key = self._check_token(params, spec.needs) if spec.private else None
        if request.method == "unsubscribe":
            self._leave_whole(spec, request, time_in)
            return
        if spec.name in self._whole:
            raise WsError(ALREADY_SUBSCRIBED)
        match spec.name:
            case "executions":
                self._join_executions(spec, request, params, time_in)
            case "balances":
                self._join_balances(spec, request, params, time_in)
            case _:
                self._join_instruments(spec, request, params, time_in)
        if key is not None:
            self._keys[spec.name] = key

    def _join_executions(
        self, spec: ChannelSpec, request: Request, params: Mapping[str, object], time_in: str
    ) -> None:
        flags = {
            "snap_orders": flag_of(params, "snap_orders", default=True),
            "snap_trades": flag_of(params, "snap_trades", default=False),
        }
        order_status = flag_of(params, "order_status", default=True)
        ratecounter = flag_of(params, "ratecounter", default=False)
        self._whole.add(spec.name)
        result = {"channel": spec.name, "maxratecount": self._exchange.trading_maximum, **flags}
        result |= {"snapshot": True, "warnings": spec.warnings}
        self._acknowledge(request, result, time_in)
        self._hub.account.join_executions(self, **flags, order_status=order_status, ratecounter=ratecounter)

    def _join_balances(
        self, spec: ChannelSpec, request: Request, params: Mapping[str, object], time_in: str
    ) -> None:
        snapshot = flag_of(params, "snapshot", default=spec.snapshot)
        self._whole.add(spec.name)
        self._acknowledge(request, {"channel": spec.name, "snapshot": snapshot}, time_in)
        self._hub.account.join_balances(self, snapshot=snapshot)

    def _join_instruments(
        self, spec: ChannelSpec, request: Request, params: Mapping[str, object], time_in: str
    ) -> None:
        snapshot = flag_of(params, "snapshot", default=spec.snapshot)
        tokenized = flag_of(params, "include_tokenized_assets", default=False)
        self._whole.add(spec.name)
        result = {"channel": spec.name, "snapshot": snapshot, "warnings": spec.warnings}
        self._acknowledge(request, result, time_in)
        instruments = self._hub.market.instruments
        instruments.subscribers[self] = None
        if snapshot:
            self.send(instruments.snapshot(tokenized=tokenized))

    def _leave_whole(self, spec: ChannelSpec, request: Request, time_in: str) -> None:
        if spec.name not in self._whole:
            raise WsError(NOT_SUBSCRIBED)
        self._whole.remove(spec.name)
        self._keys.pop(spec.name, None)
        match spec.name:
            case "executions":
                self._hub.account.leave_executions(self)
            case "balances":
                self._hub.account.leave_balances(self)
            case _:
                self._hub.market.instruments.subscribers.pop(self, None)
        self._acknowledge(request, {"channel": spec.name}, time_in)

    def _trade(self, request: Request, time_in: str) -> None:
        """Carry out a trading request: one reply for each thing it did, all with its id."""
        params = dict(request.params or {})
        self._check_token(params, ws_trading.NEEDS[request.method])
        del params["token"]
        try:
            answers = ws_trading.answer(self._exchange, request.method, params)
        except ApiError as error:
            raise WsError(error.text) from error
        time_out = self._time()
        for parts in answers:
            self.send(reply(request.method, request.req_id, parts, time_in, time_out))

    def _check_token(self, params: Mapping[str, object], needs: tuple[str, ...]) -> Key:
        try:
            return self._hub.gatekeeper.check_token(token_of(params), *needs)
        except ApiError as error:
            raise WsError(error.text) from error

    def _acknowledge(self, request: Request, result: Mapping[str, object], time_in: str) -> None:
        parts = {"result": result, "success": True}
        self.send(reply(request.method, request.req_id, parts, time_in, self._time()))

    def _refuse(self, request: Request, error: WsError, time_in: str) -> None:
        self.send(refusal(request.method, request.req_id, error, time_in, self._time()))

    def _time(self) -> str:
        return rfc3339(self._exchange.clock.now())


class Allowance:
    """How many requests a connection may still make: some at once, and so many a second (wall time)."""

    def __init__(self, per_second: float, wall: Callable[[], int]) -> None:
        self._per_second = per_second
        self._wall = wall
        self._left = self._most = per_second * _BURST_SECONDS
        self._at = wall()

    def take(self) -> bool:
        """Use one up if there is one."""
        now = self._wall()
        self._left = min(self._most, self._left + (now - self._at) / 1e9 * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
