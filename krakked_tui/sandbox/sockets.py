"""One WebSocket connection on its socket: a bounded outbox, and the faults on both ways."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec
from uvicorn.protocols.utils import ClientDisconnected

from krakked_tui.sandbox.asgi import Receive, Scope, Send
from krakked_tui.sandbox.context import Context
from krakked_tui.sandbox.fault_plan import Strike
from krakked_tui.sandbox.fault_rules import Layer
from krakked_tui.sandbox.fault_wire import (
    NO_EFFECT,
    Effect,
    effect_of,
    error_text,
    refused_texts,
    skewed,
)
from krakked_tui.sandbox.faults import TOO_MANY_REQUESTS
from krakked_tui.sandbox.http_io import peer_of, reset
from krakked_tui.sandbox.request_log import Arrival, encoded_outline, outline, public_params
from krakked_tui.sandbox.rest import failure
from krakked_tui.sandbox.taps import Close, Head, Item, Pause, Tap
from krakked_tui.sandbox.wire import rfc3339
from krakked_tui.sandbox.ws_requests import RATE_EXCEEDED, WsError, refusal

OUTBOX_MAX = 65_536
OUTBOX_BYTES_MAX = 32 * 1024 * 1024
"""Messages waiting for one client, and their characters; one that lets more pile up is disconnected."""

_BREATHER: Final = 256
"""Messages sent in a row before others get their turn."""

_TOLD_MAX: Final = 20
_POLICY: Final = 1008
_BROKEN: Final = 1006
_GONE: Final = "websocket.disconnect"


class Asked(msgspec.Struct):
    """A request as far as faults and the record of requests look at it; it may be nonsense."""

    method: str = "error"
    params: dict[str, object] = {}
    req_id: int | None = None

    @property
    def channel(self) -> str | None:
        """The channel it is about."""
        channel = self.params.get("channel")
        return channel if isinstance(channel, str) else None

    @property
    def places(self) -> tuple[str, ...]:
        """What faults can strike at."""
        marks = ("clock", "token") if "token" in self.params else ("clock",)
        return (self.method, *marks) if self.channel is None else (self.method, self.channel, *marks)


class _Told(msgspec.Struct):
    """What a reply says was done."""

    result: object = None
    orders_cancelled: int | None = None


class Replies:
    """The replies to the request being answered: watched, moved in time or withheld.

    ``told`` are the outlines of the first of them, one for each reply.
    """

    def __init__(self, effect: Effect) -> None:
        self.errors: list[str] = []
        self.told: list[object] = []
        self._effect = effect
        self._withheld = effect.ending is not None
        self._decode = msgspec.json.Decoder(Head).decode

    def pass_on(self, text: str) -> str | None:
        """Return what goes out for a message."""
        head = self._decode(text)
        if head.method is None:
            return text
        if head.error is None and len(self.told) < _TOLD_MAX:
            told = msgspec.json.decode(text, type=_Told)
            if told.orders_cancelled is not None:
                self.told.append({"orders_cancelled": told.orders_cancelled})
            elif told.result is not None:
                self.told.append(outline(told.result))
        if self._withheld:
            return None
        if head.error is not None:
            self.errors.append(head.error)
        return skewed(text, self._effect.skew)


class Connection:
    """One client. ``serve`` returns when either side has ended it or its outbox ran over.

    It raises a group with a ``StorageError`` when the exchange cannot go on.
    """

    def __init__(
        self, context: Context, scope: Scope, receive: Receive, send: Send, *, private: bool
    ) -> None:
        self._context = context
        self._scope = scope
        self._receive = receive
        self._send = send
        self._private = private
        self._route = "ws private" if private else "ws public"
        self._outbox: deque[Item] = deque()
        self._waiting = 0
        self._overran = False
        self._filled = asyncio.Event()
        self._tap = Tap(context.faults, self._note)
        self._replies: Replies | None = None
        self._overflow: Callable[[], None] = lambda: None

    async def serve(self) -> None:
        """Hold the conversation."""
        await self._receive()  # the request to connect
        refusal_status = self._refused()
        if refusal_status is not None:
            await self._deny(refusal_status)
            return
        await self._send({"type": "websocket.accept"})
        session = self._context.hub.open(
            self._put, private=self._private, close=lambda: self._queue(Close(_POLICY))
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write())
                reader = tasks.create_task(self._read(session.receive))
                reader.add_done_callback(lambda _: writer.cancel())
                writer.add_done_callback(lambda _: reader.cancel())
                self._overflow = lambda: _cancel(writer)
        finally:
            self._context.hub.close(session)
        if self._overran:
            reset(self._scope)

    def _refused(self) -> int | None:
        """Return the HTTP status a connection is denied with, None to let it in."""
        context, now = self._context, self._context.now()
        strikes = context.faults.draw(Layer.CONNECT, ("connect",), now)
        status = None
        if strikes:
            status = strikes[0].status or 503
        elif not context.api.limits.connect(peer_of(self._scope), now.wall):
            status = 429
        context.log.add(
            Arrival(
                wall=now.wall,
                time=now.exchange,
                route=self._route,
                method="connect",
                status=status or 101,
                fault=tuple(strike.kind for strike in strikes),
            )
        )
        return status

    async def _deny(self, status: int) -> None:
        body = failure(TOO_MANY_REQUESTS) if status == 429 else b"error code: 5xx"
        await self._send({"type": "websocket.http.response.start", "status": status, "headers": []})
        await self._send({"type": "websocket.http.response.body", "body": body})

    def _put(self, text: str) -> None:
        """Queue a message; the one way out of the exchange, never waiting."""
        replies = self._replies
        if replies is not None:
            passed = replies.pass_on(text)
            if passed is None:
                return
            text = passed
        if self._tap.open:
            self._queue(text)
        else:
            for item in self._tap.pass_on(text, self._context.now()):
                self._queue(item)

    def _queue(self, item: Item) -> None:
        size = len(item) if isinstance(item, str) else 0
        if len(self._outbox) >= OUTBOX_MAX or self._waiting + size > OUTBOX_BYTES_MAX:
            self._overran = True
            self._overflow()
            return
        self._outbox.append(item)
        self._waiting += size
        self._filled.set()

    async def _write(self) -> None:
        # A client that is gone is no error; the reader hears of it too.
        with suppress(ClientDisconnected):
            await self._drain()

    async def _drain(self) -> None:
        while True:
            await self._filled.wait()
            count = 0
            while self._outbox:
                item = self._outbox.popleft()
                match item:
                    case str():
                        self._waiting -= len(item)
                        await self._send({"type": "websocket.send", "text": item})
                    case Pause(seconds):
                        await asyncio.sleep(seconds)
                    case Close(code):
                        await self._close(code)
                        return
                count += 1
                if count % _BREATHER == 0:
                    await asyncio.sleep(0)
            self._filled.clear()

    async def _close(self, code: int) -> None:
        if code == _BROKEN:
            reset(self._scope)
        else:
            await self._send({"type": "websocket.close", "code": code})
        # The reader sees the end and ends the conversation.
        await asyncio.Event().wait()

    async def _read(self, receive: Callable[[str | None], None]) -> None:
        while (message := await self._receive())["type"] != _GONE:
            await self._request(message.get("text"), receive)

    async def _request(self, text: str | None, receive: Callable[[str | None], None]) -> None:
        """Let one request through, as far as the faults let it."""
        context = self._context
        asked, arrived = _read_asked(text), context.now()
        effect = NO_EFFECT
        if context.faults.watches(Layer.REQUEST):
            effect = effect_of(context.faults.draw(Layer.REQUEST, asked.places, arrived))
        if effect.latency:
            await asyncio.sleep(effect.latency)
        self._replies = replies = Replies(effect)
        try:
            if effect.carried_out:
                receive(text)
        finally:
            self._replies = None
        if effect.ending is not None:
            replies.errors += self._end(effect.ending, asked)
        key = context.hub.gatekeeper.token_key(asked.params.get("token"))
        context.log.add(
            Arrival(
                wall=arrived.wall,
                time=arrived.exchange,
                route=self._route,
                method=asked.method,
                channel=asked.channel,
                key=None if key is None else key.record.fingerprint,
                params=public_params(asked.params),
                errors=tuple(replies.errors),
                answer=encoded_outline(replies.told or None),
                fault=effect.kinds,
                seconds=context.wall() - arrived.wall,
            )
        )

    def _end(self, strike: Strike, asked: Asked) -> list[str]:
        """Answer a request as a fault wants it; return the error strings."""
        if strike.kind == "timeout":
            return []
        if strike.kind == "message_rate":
            self._put(RATE_EXCEEDED)
            return [RATE_EXCEEDED]
        now, factor = self._context.exchange.clock.now(), self._context.exchange.clock.factor
        if strike.kind == "reject":
            symbols = asked.params.get("symbol")
            told = refused_texts(strike, asked.channel, symbols if isinstance(symbols, list) else ())
        else:
            told = [(error_text(strike, now, factor), None)]
        for text, symbol in told:
            self._put(refusal(asked.method, asked.req_id, WsError(text, symbol), rfc3339(now)))
        return [text for text, _ in told]

    def _note(self, strike: Strike, channel: str) -> None:
        """Record a fault that struck a message."""
        now = self._context.now()
        self._context.log.add(
            Arrival(
                wall=now.wall,
                time=now.exchange,
                route=self._route,
                method="message",
                channel=channel,
                fault=(strike.kind,),
            )
        )


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


def _read_asked(text: str | None) -> Asked:
    try:
        return msgspec.json.decode(text or "", type=Asked)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Asked()
