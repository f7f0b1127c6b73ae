"""The sockets: HTTP routes and WebSocket connections, translated to and from the protocol modules."""

import asyncio
from collections.abc import Callable

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from krakked_tui.domain.errors import StorageError
from krakked_tui.sandbox.control import ControlError, clock_row, move_clock, speed_text, state_row
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.faults import BAD_REQUEST, INTERNAL_ERROR, UNKNOWN_METHOD
from krakked_tui.sandbox.rest import RestApi, failure
from krakked_tui.sandbox.sessions import Hub

BODY_MAX = 256 * 1024
"""Bytes of a request body; more is refused unread."""

OUTBOX_MAX = 65_536
"""Messages waiting for one WebSocket client; one that lets more pile up is disconnected."""


class Web:
    """The application. ``fail`` is called when the exchange cannot go on: an answer would be a lie."""

    def __init__(
        self, exchange: Exchange, api: RestApi, hub: Hub, fail: Callable[[StorageError], None]
    ) -> None:
        self._exchange = exchange
        self._api = api
        self._hub = hub
        self._fail = fail
        self.app = Starlette(
            routes=[
                Route("/0/public/{method}", self._public, methods=["GET", "POST"]),
                Route("/0/private/{method}", self._private, methods=["GET", "POST"]),
                Route("/_sandbox/state", self._state),
                Route("/_sandbox/clock", self._clock, methods=["POST"]),
                WebSocketRoute("/v2", self._public_socket),
                WebSocketRoute("/auth/v2", self._private_socket),
                Route("/{path:path}", self._elsewhere, methods=["GET", "POST"]),
            ]
        )

    async def _public(self, request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return self._json(failure(BAD_REQUEST))
        method, query = request.path_params["method"], request.url.query
        content_type = request.headers.get("content-type", "")
        return self._guarded(lambda: self._api.public(method, query, content_type, body))

    async def _private(self, request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return self._json(failure(BAD_REQUEST))
        return self._guarded(lambda: self._api.private(request.url.path, request.headers, body))

    async def _state(self, _request: Request) -> Response:
        return self._guarded(lambda: msgspec.json.encode(state_row(self._exchange)))

    async def _clock(self, request: Request) -> Response:
        body = await _body(request)
        try:
            move_clock(self._exchange.clock, body or b"")
        except ControlError as error:
            return self._json(msgspec.json.encode({"error": str(error)}), status=400)

        def show() -> bytes:
            # Who jumps wants to see at once what happened on the way.
            self._hub.tick_ohlc()
            self._hub.tick_tickers()
            return msgspec.json.encode(clock_row(self._exchange))

        return self._guarded(show)

    async def _elsewhere(self, _request: Request) -> Response:
        return self._json(failure(UNKNOWN_METHOD))

    def _guarded(self, answer: Callable[[], bytes]) -> Response:
        try:
            return self._json(answer())
        except StorageError as error:
            self._fail(error)
            return self._json(failure(INTERNAL_ERROR))

    def _json(self, content: bytes, status: int = 200) -> Response:
        speed = speed_text(self._exchange.clock.speed)
        return Response(content, status, {"X-Sandbox-Speed": speed}, "application/json")

    async def _public_socket(self, socket: WebSocket) -> None:
        await self._converse(socket, private=False)

    async def _private_socket(self, socket: WebSocket) -> None:
        await self._converse(socket, private=True)

    async def _converse(self, socket: WebSocket, *, private: bool) -> None:
        """Serve one connection until either side ends it or its outbox overflows."""
        await socket.accept()
        outbox: asyncio.Queue[str] = asyncio.Queue(OUTBOX_MAX)
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(_write(socket, outbox))

            def send(message: str) -> None:
                if outbox.full():
                    writer.cancel()
                    reader.cancel()
                else:
                    outbox.put_nowait(message)

            session = self._hub.open(send, private=private)
            reader = tasks.create_task(self._read(socket, session.receive))
            reader.add_done_callback(lambda _: writer.cancel())
            writer.add_done_callback(lambda _: self._hub.close(session))

    async def _read(self, socket: WebSocket, receive: Callable[[str | None], None]) -> None:
        while (message := await socket.receive())["type"] == "websocket.receive":
            try:
                receive(message.get("text"))
            except StorageError as error:
                self._fail(error)
                return


async def _write(socket: WebSocket, outbox: asyncio.Queue[str]) -> None:
    try:
        while True:
            await socket.send_text(await outbox.get())
    except WebSocketDisconnect:
        return  # The reader learns of it too and ends the conversation.


async def _body(request: Request) -> bytes | None:
    """Read the body; None when it is too long."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_MAX:
            return None
        parts.append(part)
    return b"".join(parts)
