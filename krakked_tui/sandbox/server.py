"""A whole sandbox: put together, served on loopback, and ended in order."""

import asyncio
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any, cast

import msgspec
import uvicorn

from krakked_tui.domain.errors import RefusedError, StorageError, UsageError
from krakked_tui.sandbox.context import Context, open_context
from krakked_tui.sandbox.fault_market import strike_market
from krakked_tui.sandbox.http_io import HttpProtocol, SocketProtocol
from krakked_tui.sandbox.opening import open_exchange
from krakked_tui.sandbox.sessions import Hub
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.web import Web

OHLC_SECONDS = 0.1
TICKER_SECONDS = 0.25
HEARTBEAT_SECONDS = 1.0
MARKET_FAULT_SECONDS = 0.1
"""How often each kind of update goes out, in wall time."""

_KEEP_ALIVE_SECONDS = 75
_SHUTDOWN_SECONDS = 1
_MESSAGE_MAX = 64 * 1024


class Sandbox:
    """A running sandbox: where it is, how to get in, and what is behind it."""

    def __init__(self, context: Context, address: str) -> None:
        self.context = context
        self.exchange = context.exchange
        self.clock = context.exchange.clock
        self.hub = context.hub
        self.faults = context.faults
        self.log = context.log
        self.rest = f"http://{address}"
        self.ws_public = f"ws://{address}/v2"
        self.ws_private = f"ws://{address}/auth/v2"
        self.api_key = context.hub.gatekeeper.api_key
        self.api_secret = context.hub.gatekeeper.api_secret
        self.stopped = asyncio.Event()
        self.failure: StorageError | None = None

    def stop(self) -> None:
        """Ask the server to end."""
        self.stopped.set()

    def fail(self, error: StorageError) -> None:
        """End because the books cannot be kept."""
        self.failure = error
        self.stopped.set()

    def greeting(self) -> str:
        """Return the one line a parent reads: where the sandbox is and how to get in."""
        return msgspec.json.encode(
            {
                "rest": self.rest,
                "ws_public": self.ws_public,
                "ws_private": self.ws_private,
                "api_key": self.api_key,
                "api_secret": self.api_secret,
                "seed": self.exchange.market.seed,
            }
        ).decode()


class Every:
    """Calls an action again and again on the running loop, first after one interval."""

    def __init__(
        self, seconds: float, action: Callable[[], None], fail: Callable[[StorageError], None]
    ) -> None:
        self._seconds = seconds
        self._action = action
        self._fail = fail
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_later(seconds, self._run)

    def cancel(self) -> None:
        """Call it no more."""
        self._handle.cancel()

    def _run(self) -> None:
        self._handle = self._loop.call_later(self._seconds, self._run)
        try:
            self._action()
        except StorageError as error:
            self.cancel()
            self._fail(error)


@asynccontextmanager
async def running_sandbox(
    settings: SandboxSettings, wall: Callable[[], int] = time.monotonic_ns
) -> AsyncIterator[Sandbox]:
    """Serve a sandbox on the running loop until the block ends; then store it and close every socket.

    ``wall`` gives the wall nanoseconds the exchange's clock is driven by. Raises ``UsageError``,
    ``RefusedError`` or ``StorageError`` when it cannot start, and ``StorageError`` at the end when
    its books could no longer be kept.
    """
    listener = _listen(settings)
    with listener:
        exchange, gatekeeper = open_exchange(settings, wall)
        hub = Hub(
            exchange,
            gatekeeper,
            full_rate=settings.full_rate,
            messages_per_second=settings.messages_per_second,
        )
        context = open_context(settings, hub, wall)
        sandbox = Sandbox(context, _address(listener))
        server = await _start_server(Web(context, sandbox.fail), listener)
        timers = [
            Every(OHLC_SECONDS, hub.tick_ohlc, sandbox.fail),
            Every(TICKER_SECONDS, hub.tick_tickers, sandbox.fail),
            Every(HEARTBEAT_SECONDS, hub.beat, sandbox.fail),
            Every(MARKET_FAULT_SECONDS, lambda: strike_market(context), sandbox.fail),
        ]
        try:
            yield sandbox
        finally:
            for timer in timers:
                timer.cancel()
            server.force_exit = True
            await server.shutdown(sockets=[listener])
            if sandbox.failure is None:
                exchange.close()
    if sandbox.failure is not None:
        raise sandbox.failure


def serve(settings: SandboxSettings, parent_fd: int | None = None) -> None:
    """Serve a sandbox until a signal or the end of the parent; its first line of output is its greeting.

    ``parent_fd`` is the read end of a pipe: a line ``resume`` starts a paused clock, its end means
    that the parent is gone. A child of a parent does not listen to the terminal's Ctrl-C.
    Raises as ``running_sandbox`` does.
    """
    if parent_fd is not None:
        _check_pipe(parent_fd)
    asyncio.run(_serve(settings, parent_fd))


async def _serve(settings: SandboxSettings, parent_fd: int | None) -> None:
    async with running_sandbox(settings) as sandbox:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, sandbox.stop)
        if parent_fd is None:
            loop.add_signal_handler(signal.SIGINT, sandbox.stop)
        else:
            loop.add_signal_handler(signal.SIGINT, lambda: None)
            loop.add_reader(parent_fd, _hear_parent, parent_fd, sandbox)
        sys.stdout.write(f"{sandbox.greeting()}\n")
        sys.stdout.flush()
        await sandbox.stopped.wait()
        if parent_fd is not None:
            loop.remove_reader(parent_fd)


def _check_pipe(parent_fd: int) -> None:
    try:
        is_pipe = stat.S_ISFIFO(os.fstat(parent_fd).st_mode)
    except OSError:
        is_pipe = False
    if not is_pipe:
        raise UsageError(f"--parent-fd {parent_fd} is not an open pipe: only a parent process can give it.")


def _hear_parent(parent_fd: int, sandbox: Sandbox) -> None:
    said = os.read(parent_fd, 4096)
    if not said:
        sandbox.stop()
    elif b"resume" in said.split():
        sandbox.clock.resume()


def _listen(settings: SandboxSettings) -> socket.socket:
    host = "127.0.0.1" if settings.host == "localhost" else settings.host
    try:
        address = ip_address(host)
    except ValueError as error:
        raise UsageError(
            f"--host {host} is not an address: give a loopback address like 127.0.0.1."
        ) from error
    if not address.is_loopback:
        raise RefusedError(f"--host {host} is not a loopback address: a sandbox is reachable from here only.")
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    # The protocol number matters: asyncio turns Nagle off only for sockets that name TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, settings.port))
    except OSError as error:
        listener.close()
        raise RefusedError(
            f"Port {settings.port} on {host} cannot be used ({error.strerror}): choose another with --port, "
            "or 0 for any free one."
        ) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _start_server(web: Web, listener: socket.socket) -> uvicorn.Server:
    config = uvicorn.Config(
        cast("Any", web),
        http=HttpProtocol,
        ws=SocketProtocol,
        ws_max_size=_MESSAGE_MAX,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    return server
