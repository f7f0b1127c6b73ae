"""One HTTP request on its socket, and all the ways to answer it, or not."""

import socket
import struct
from asyncio import BaseTransport, Transport
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from krakked_tui.sandbox.asgi import ASGIApp, Receive, Scope, Send

Header = tuple[bytes, bytes]

BODY_MAX: Final = 256 * 1024
"""Bytes of a request body; more is refused unread."""

JSON: Final = "application/json"
HTML: Final = "text/html; charset=utf-8"

_TRANSPORT: Final = "transport"
_LINGER_NOT: Final = struct.pack("ii", 1, 0)


class HttpProtocol(H11Protocol):
    """HTTP/1.1 whose requests know their transport, so that a connection can be broken on purpose."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start a connection."""
        super().connection_made(transport)
        self.app = cast("Any", with_transport(cast("ASGIApp", self.app), transport))


class SocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket connections that know their transport."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Start a connection."""
        super().connection_made(transport)
        self.app = cast("Any", with_transport(cast("ASGIApp", self.app), transport))


def with_transport(app: ASGIApp, transport: BaseTransport) -> ASGIApp:
    """Return an application that is told the transport of its request."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        scope[_TRANSPORT] = transport
        await app(scope, receive, send)

    return told


def reset(scope: Scope) -> None:
    """Break a connection off so that the other side sees a reset, not an end."""
    transport: Transport = scope[_TRANSPORT]
    peer = transport.get_extra_info("socket")
    if peer is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()


def peer_of(scope: Scope) -> str:
    """Return the address of the other side."""
    client = scope.get("client")
    return str(client[0]) if client else ""


class Http:
    """One request. Exactly one of ``reply``, ``hang``, ``reset`` and ``cut`` ends it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: str = scope["query_string"].decode("latin-1")
        self.peer = peer_of(scope)

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """The headers, their names in lower case."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self._scope["headers"]}

    async def body(self) -> bytes | None:
        """Read the body; None when it is too long or the client went away."""
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return None
            part = message.get("body", b"")
            size += len(part)
            if size > BODY_MAX:
                return None
            parts.append(part)
            more = message.get("more_body", False)
        return b"".join(parts)

    async def reply(
        self, content: bytes, announced: Sequence[Header], status: int = 200, kind: str = JSON
    ) -> None:
        """Answer; ``announced`` are the headers that say which exchange this is."""
        await self._start(len(content), announced, status, kind)
        await self._send({"type": "http.response.body", "body": content})

    async def hang(self) -> None:
        """Never answer: wait until the client gives up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def reset(self) -> None:
        """Break the connection off without an answer."""
        reset(self._scope)
        await self.hang()

    async def cut(self, content: bytes, announced: Sequence[Header]) -> None:
        """Promise a whole answer, send half of it and close the connection."""
        await self._start(len(content), announced, 200, JSON)
        half = content[: len(content) // 2]
        await self._send({"type": "http.response.body", "body": half, "more_body": True})
        self._scope[_TRANSPORT].close()
        await self.hang()

    async def _start(self, length: int, announced: Sequence[Header], status: int, kind: str) -> None:
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(length).encode()),
            *announced,
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
