"""How much one sandbox process carries, measured from outside it, through its sockets.

Signed REST: requests are signed beforehand and go down one connection, eight at a time on the way
(nonces have to arrive in order), so that it is the sandbox's core that is busy. Reading is
BalanceEx; trading is a limit order and its cancel in turn.

WebSocket: every pair's 1m candles for one client, while the clock jumps twelve hours: every candle
that ended is made and sent. From asking for the jump to the last of them.

Live: every pair there is, 1m candles and tickers, at real time for a minute: what the client got, and
the processor time the sandbox took for it (Linux; elsewhere None).
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect

RUNS = 5
REQUESTS = 4_000
ON_THE_WAY = 8
JUMP_MINUTES = 700
LIVE_SECONDS = 60.0
BUDGET_REST = 1_500
BUDGET_MESSAGES = 20_000
_CHUNK = 100
"""Symbols in one subscription."""


class Sandbox:
    """A sandbox child process and its greeting."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self.process = process
        self.address: dict[str, str] = json.loads(process.stdout.readline())
        self._secret = base64.b64decode(self.address["api_secret"])
        self._nonces = count(1)

    def signed(self, method: str, body: str = "") -> bytes:
        """Return a whole signed HTTP request."""
        path, nonce = f"/0/private/{method}", str(next(self._nonces))
        content = f"nonce={nonce}{'&' if body else ''}{body}".encode()
        digest = hashlib.sha256(nonce.encode() + content).digest()
        sign = base64.b64encode(hmac.digest(self._secret, path.encode() + digest, "sha512")).decode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAPI-Key: {self.address['api_key']}\r\n"
            f"API-Sign: {sign}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content

    def plain(self, path: str, content: object = None) -> bytes:
        """Return a whole unsigned HTTP request."""
        body = b"" if content is None else json.dumps(content).encode()
        method = "GET" if content is None else "POST"
        return (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def processor_seconds(self) -> float | None:
        """Return the processor time it has taken so far."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
        except FileNotFoundError:
            return None
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _sandbox(*arguments: str) -> Iterator[Sandbox]:
    process = subprocess.Popen(
        [sys.executable, "-m", "krakked_tui", "sandbox", "--tier", "none", "--public-rate", "0", *arguments],
        stdout=subprocess.PIPE,
    )
    try:
        yield Sandbox(process)
    finally:
        process.terminate()
        process.communicate()


class Connection:
    """One HTTP connection that may have several requests on the way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, sandbox: Sandbox) -> "Connection":
        parts = urlsplit(sandbox.address["rest"])
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def ask(self, requests: Sequence[bytes]) -> list[bytes]:
        """Send requests, a few ahead of their answers; return the answers' bodies."""
        answers: list[bytes] = []
        for sent, request in enumerate(requests, start=1):
            self._writer.write(request)
            if sent - len(answers) >= ON_THE_WAY:
                answers.append(await self._answer())
        answers += [await self._answer() for _ in range(len(requests) - len(answers))]
        return answers

    def close(self) -> None:
        self._writer.close()

    async def _answer(self) -> bytes:
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return await self._reader.readexactly(length)


async def _rest(sandbox: Sandbox, requests: Sequence[bytes]) -> float:
    """Return answers per second."""
    connection = await Connection.open(sandbox)
    start = time.perf_counter()
    answers = await connection.ask(requests)
    took = time.perf_counter() - start
    connection.close()
    assert all(answer.startswith(b'{"error":[]') for answer in answers), answers[-1]
    return len(requests) / took


def _orders(sandbox: Sandbox) -> list[bytes]:
    order = "pair=XBTUSD&type=buy&ordertype=limit&price=20000.0&volume=0.001"
    return [
        request
        for number in range(REQUESTS // 2)
        for request in (
            sandbox.signed("AddOrder", f"{order}&cl_ord_id=bench{number}"),
            sandbox.signed("CancelOrder", f"cl_ord_id=bench{number}"),
        )
    ]


async def _symbols(sandbox: Sandbox) -> list[str]:
    """Return every pair's WebSocket name."""
    connection = await Connection.open(sandbox)
    (answer,) = await connection.ask([sandbox.plain("/0/public/AssetPairs")])
    connection.close()
    names = {"XBT": "BTC", "XDG": "DOGE"}
    pairs = json.loads(answer)["result"].values()
    wsnames = [pair["wsname"].split("/") for pair in pairs if "wsname" in pair]
    return ["/".join(names.get(part, part) for part in parts) for parts in wsnames]


async def _subscribe(socket: ClientConnection, channel: str, symbols: Sequence[str], **more: object) -> int:
    """Subscribe, and return how many symbols were acknowledged; snapshots are left out."""
    for start in range(0, len(symbols), _CHUNK):
        params = {"channel": channel, "symbol": symbols[start : start + _CHUNK], "snapshot": False, **more}
        await socket.send(json.dumps({"method": "subscribe", "params": params}))
    acknowledged = 0
    for _ in symbols:
        while b'"method":"subscribe"' not in (message := await socket.recv(decode=False)):
            pass
        acknowledged += b'"success":true' in message
    return acknowledged


async def _burst(sandbox: Sandbox) -> float:
    """Return candles received per second while the clock jumps."""
    symbols = await _symbols(sandbox)
    control = await Connection.open(sandbox)
    async with connect(sandbox.address["ws_public"], max_queue=None, compression=None) as socket:
        pairs = await _subscribe(socket, "ohlc", symbols, interval=1)
        wanted = pairs * JUMP_MINUTES
        start = time.perf_counter()
        jump = {"action": "jump", "seconds": JUMP_MINUTES * 60}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(control.ask([sandbox.plain("/_sandbox/clock", jump)]))
            received = 0
            while received < wanted:
                received += b'"channel":"ohlc"' in await socket.recv(decode=False)
        took = time.perf_counter() - start
    control.close()
    return wanted / took


async def _live() -> dict[str, object]:
    """Follow every pair at real time."""
    with _sandbox("--pairs", "all") as sandbox:
        symbols = await _symbols(sandbox)
        async with connect(sandbox.address["ws_public"], max_queue=None, compression=None) as socket:
            pairs = await _subscribe(socket, "ohlc", symbols, interval=1)
            await _subscribe(socket, "ticker", symbols)
            before = sandbox.processor_seconds()
            received = 0
            with suppress(TimeoutError):
                async with asyncio.timeout(LIVE_SECONDS):
                    async for _ in socket:
                        received += 1
            after = sandbox.processor_seconds()
    busy = None if before is None or after is None else round((after - before) / LIVE_SECONDS * 100, 1)
    return {
        "pairs": pairs,
        "seconds": LIVE_SECONDS,
        "messages": received,
        "messages_per_second": round(received / LIVE_SECONDS, 1),
        "core_percent": busy,
    }


def _figures(rates: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(rates)), "min": round(min(rates)), "max": round(max(rates))}


async def measure() -> dict[str, object]:
    """Medians of several runs, and one minute live."""
    reading, trading, candles = [], [], []
    with _sandbox() as sandbox:
        for _ in range(RUNS):
            reading.append(await _rest(sandbox, [sandbox.signed("BalanceEx") for _ in range(REQUESTS)]))
            trading.append(await _rest(sandbox, _orders(sandbox)))
    for _ in range(RUNS):
        with _sandbox("--paused") as sandbox:
            candles.append(await _burst(sandbox))
    return {
        "runs": RUNS,
        "signed_reads_per_second": _figures(reading),
        "signed_orders_and_cancels_per_second": _figures(trading),
        "budget_requests_per_second": BUDGET_REST,
        "candles_made_and_sent_per_second": _figures(candles),
        "budget_messages_per_second": BUDGET_MESSAGES,
        "every_pair_live": await _live(),
    }
