"""What carries requests: httpx's connections, or a replacement of the network."""

from dataclasses import dataclass

import httpx

from krakked_tui.kraken.settings import ConnectionSettings

CONNECTIONS_MAX = 16
KEEP_ALIVE_SECONDS = 30.0
"""An idle connection is closed before the other side would: a request on a dying one is ambiguous."""


def connections(
    settings: ConnectionSettings, agent: str, transport: httpx.AsyncBaseTransport | None, *, loopback: bool
) -> httpx.AsyncClient:
    """Return a pool of connections of its own; ``transport`` replaces the network."""
    return httpx.AsyncClient(
        transport=None if transport is None else Unconnected(transport),
        headers={"User-Agent": agent},
        follow_redirects=False,
        # A proxy configured for the outside world must not catch a call to this machine.
        trust_env=not loopback,
        timeout=httpx.Timeout(
            connect=settings.connect_timeout_seconds,
            read=settings.read_timeout_seconds,
            write=settings.write_timeout_seconds,
            pool=settings.pool_timeout_seconds,
        ),
        limits=httpx.Limits(
            max_connections=CONNECTIONS_MAX,
            max_keepalive_connections=CONNECTIONS_MAX,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
        ),
    )


@dataclass
class _Written:
    """A request that is about to be written, as httpx reports it."""

    method: bytes
    headers: list[tuple[bytes, bytes]]
    stream: httpx.ByteStream


class Unconnected(httpx.AsyncBaseTransport):
    """Reports of a transport without connections what httpx reports of its own.

    Signing waits for the report that a request is about to be written.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, which its ``trace`` extension may change before."""
        trace = request.extensions.get("trace")
        if trace is None:
            return await self._transport.handle_async_request(request)
        about = _Written(request.method.encode(), request.headers.raw, httpx.ByteStream(request.content))
        await trace("http11.send_request_headers.started", {"request": about})
        body = b"".join(about.stream)
        written = httpx.Request(request.method, request.url, headers=about.headers, content=body)
        response = await self._transport.handle_async_request(written)
        await trace("http11.receive_response_headers.complete", {})
        return response

    async def aclose(self) -> None:
        """Close what it stands for."""
        await self._transport.aclose()
