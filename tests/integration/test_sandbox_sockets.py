"""The sandbox over real sockets, spoken to by clients that know nothing of it."""

import asyncio
import contextlib
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import websockets

from krakked_tui.domain.errors import RefusedError, StorageError
from krakked_tui.sandbox import http_io, server, sockets
from krakked_tui.sandbox.server import Sandbox, running_sandbox
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.signing import sign

PAUSED = SandboxSettings(paused=True)


class Client:
    """A signing REST client."""

    def __init__(self, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.http = http
        self._nonce = 0

    async def private(self, method: str, **params: str) -> Any:
        self._nonce += 1
        body = urlencode({"nonce": self._nonce, **params}).encode()
        path = f"/0/private/{method}"
        secret = b64decode(self.sandbox.api_secret)
        headers = {
            "API-Key": self.sandbox.api_key,
            "API-Sign": sign(secret, path, str(self._nonce), body),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = (await self.http.post(path, content=body, headers=headers)).json()
        assert not answer["error"], answer
        return answer["result"]

    async def jump(self, seconds: float) -> None:
        answer = await self.http.post("/_sandbox/clock", json={"action": "jump", "seconds": seconds})
        assert answer.status_code == 200, answer.text

    async def state(self) -> Any:
        return (await self.http.get("/_sandbox/state")).json()


@asynccontextmanager
async def connected(settings: SandboxSettings = PAUSED) -> AsyncIterator[Client]:
    async with running_sandbox(settings) as sandbox, httpx.AsyncClient(base_url=sandbox.rest) as http:
        yield Client(sandbox, http)


class Stream:
    """A WebSocket, its messages decoded with every digit kept."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket

    async def ask(self, method: str, **params: Any) -> None:
        await self.socket.send(json.dumps({"method": method, "params": params, "req_id": 1}))

    async def next(self, channel: str) -> Any:
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.recv(), 10), parse_float=Decimal)
            if message.get("channel", message.get("method")) == channel:
                return message


@asynccontextmanager
async def stream(url: str) -> AsyncIterator[Stream]:
    async with websockets.connect(url) as socket:
        yield Stream(socket)


async def test_http_as_kraken_speaks_it() -> None:
    async with connected(SandboxSettings(speed=60.0)) as client:
        answer = await client.http.get("/0/public/Time")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-sandbox-speed"] == "60"
        assert answer.headers["x-sandbox-market"] == "seed-7"
        assert answer.json()["error"] == []
        for method, path in (
            ("GET", "/0/public/Nope"),
            ("POST", "/0/private/Nope"),
            ("GET", "/"),
            ("POST", "/1/x"),
        ):
            answer = await client.http.request(method, path)
            assert (answer.status_code, answer.json()) == (200, {"error": ["EGeneral:Unknown method"]})
        answer = await client.http.post("/0/public/Ticker", data={"pair": "XBTUSD"})
        assert list(answer.json()["result"]) == ["XXBTZUSD"]
        answer = await client.http.post("/0/private/Balance", content=b"x" * (http_io.BODY_MAX + 1))
        assert answer.json() == {"error": ["EAPI:Bad request"]}
        assert await client.private("Balance") == {"ZUSD": "10000.0000"}


async def test_the_clock_over_http() -> None:
    async with connected() as client:
        answer = await client.http.get("/0/public/Time")
        assert answer.headers["x-sandbox-speed"] == "0"
        await client.jump(60)
        assert (await client.http.get("/0/public/Time")).json()["result"]["unixtime"] == 1767571260
        answer = await client.http.post("/_sandbox/clock", json={"action": "resume"})
        assert answer.json()["paused"] is False
        assert answer.headers["x-sandbox-speed"] == "1"
        answer = await client.http.post("/_sandbox/clock", json={"action": "jump"})
        assert answer.status_code == 400
        assert "seconds or to" in answer.json()["error"]


async def test_a_public_stream() -> None:
    async with connected() as client, stream(client.sandbox.ws_public) as public:
        status = await public.next("status")
        assert status["data"][0]["system"] == "online"
        await public.ask("subscribe", channel="ohlc", symbol=["BTC/USD"], interval=1)
        await public.ask("subscribe", channel="ticker", symbol=["BTC/USD"])
        assert (await public.next("subscribe"))["success"]
        assert (await public.next("ohlc"))["type"] == "snapshot"
        assert (await public.next("ticker"))["type"] == "snapshot"
        await client.jump(125)
        begins = [(await public.next("ohlc"))["data"][0]["interval_begin"][14:19] for _ in range(3)]
        assert begins == ["00:00", "01:00", "02:00"]
        assert (await public.next("ticker"))["data"][0]["timestamp"] == "2026-01-05T00:02:05.000000Z"
        await public.socket.send("not json")
        assert (await public.next("error"))["error"] == "Malformed request"
        await public.socket.send(b"binary")
        assert (await public.next("error"))["error"] == "Malformed request"


async def test_an_order_from_request_to_fill() -> None:
    async with connected() as client, stream(client.sandbox.ws_private) as private:
        token = (await client.private("GetWebSocketsToken"))["token"]
        await private.ask("subscribe", channel="executions", token=token)
        await private.ask("subscribe", channel="balances", token=token)
        assert (await private.next("executions"))["sequence"] == 1
        assert (await private.next("balances"))["data"][0]["balance"] == 10000
        ticker = (await client.http.get("/0/public/Ticker", params={"pair": "ETHUSD"})).json()["result"]
        price = Decimal(ticker["XETHZUSD"]["b"][0]).quantize(Decimal("0.01")) - 1
        added = await client.private(
            "AddOrder", pair="ETHUSD", type="buy", ordertype="limit", price=str(price), volume="0.5"
        )
        kinds = [(await private.next("executions"))["data"][0]["exec_type"] for _ in range(2)]
        assert kinds == ["pending_new", "new"]
        await client.jump(4 * 3600)
        while (row := (await private.next("executions"))["data"][0])["exec_type"] == "trade":
            assert row["last_price"] == price
        assert (row["exec_type"], row["order_id"]) == ("filled", added["txid"][0])
        state = await client.state()
        assert state["balances"] == await client.private("Balance")
        assert [order["status"] for order in state["orders"]] == ["closed"]
        assert state["balances"]["XETH"] == "0.5000000000"


async def test_heartbeats_fill_the_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEARTBEAT_SECONDS", 0.01)
    async with connected() as client, stream(client.sandbox.ws_public) as public:
        await public.ask("subscribe", channel="ticker", symbol=["BTC/USD"])
        assert await public.next("heartbeat") == {"channel": "heartbeat"}


async def drain(socket: websockets.ClientConnection) -> int:
    """Read until the connection closes; return how many messages came."""
    count = 0
    with contextlib.suppress(websockets.ConnectionClosedError):
        async for _ in socket:
            count += 1
    return count


async def test_a_client_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "OUTBOX_MAX", 1500)
    async with connected() as client, asyncio.TaskGroup() as tasks:
        slow = await websockets.connect(client.sandbox.ws_public, max_queue=1)
        quick = await websockets.connect(client.sandbox.ws_public)
        symbols = list(client.sandbox.exchange.catalog.by_symbol)
        ask = {"method": "subscribe", "params": {"channel": "ohlc", "symbol": symbols, "snapshot": False}}
        for socket in (slow, quick):
            await socket.send(json.dumps(ask))
        heard = tasks.create_task(drain(quick))
        jumps = 0
        while len(client.sandbox.hub.sessions) == 2:
            await client.jump(20 * 60)
            jumps += 1
        await quick.close()
        late = await asyncio.wait_for(drain(slow), 10)
        assert late < await heard, "the slow one lost its connection, the quick one nothing"
        assert jumps > 1


async def test_a_slow_client_of_large_messages_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "OUTBOX_BYTES_MAX", 200_000)
    async with connected() as client, websockets.connect(client.sandbox.ws_public, max_queue=1) as slow:
        ask = {"method": "subscribe", "params": {"channel": "instrument"}}
        snapshot = len(client.sandbox.hub.market.instruments.snapshot(tokenized=False))
        for _ in range(200):
            await slow.send(json.dumps(ask))
            await slow.send(json.dumps(ask | {"method": "unsubscribe"}))
        late = await asyncio.wait_for(drain(slow), 10)
        assert late < 400
        assert snapshot * late < 20_000_000, "a few system buffers full"
        assert not client.sandbox.hub.sessions


async def test_a_connection_survives_a_frame_that_nobody_can_hold() -> None:
    async with connected() as client, stream(client.sandbox.ws_public) as public:
        await public.socket.send("[" * 60_000)
        assert (await public.next("error"))["error"] == "Malformed request"
        await public.socket.send('{"method":"ping"}')
        assert await public.next("pong")


async def test_connections_end_with_the_sandbox() -> None:
    async with connected() as client:
        socket = await websockets.connect(client.sandbox.ws_public)
        await socket.recv()
    with pytest.raises(websockets.ConnectionClosed):
        await socket.recv()


async def test_a_restart_keeps_books_keys_and_time(tmp_path: Path) -> None:
    settings = SandboxSettings(state=tmp_path / "books.db", paused=True)
    async with connected(settings) as client:
        await client.private("AddOrder", pair="XBTUSD", type="buy", ordertype="market", volume="0.01")
        await client.jump(3600)
        before = await client.state()
        keys = (client.sandbox.api_key, client.sandbox.api_secret)
    async with connected(settings) as client:
        assert await client.state() == before
        assert (client.sandbox.api_key, client.sandbox.api_secret) == keys


async def test_a_busy_port_is_refused() -> None:
    async with connected() as client:
        port = int(client.sandbox.rest.rpartition(":")[2])
        with pytest.raises(RefusedError, match=f"Port {port} on 127.0.0.1"):
            async with running_sandbox(SandboxSettings(port=port)):
                pass


async def test_books_that_cannot_be_kept_end_the_sandbox(tmp_path: Path) -> None:
    async def trade_on_a_lost_disk() -> None:
        async with connected(SandboxSettings(state=tmp_path / "s.db")) as client:
            client.sandbox.exchange._state.close()
            with pytest.raises(AssertionError, match="EGeneral:Internal error"):
                await client.private("AddOrder", pair="XBTUSD", type="buy", ordertype="market", volume="0.01")
            await asyncio.wait_for(client.sandbox.stopped.wait(), 10)

    with pytest.raises(StorageError, match="cannot be used"):
        await trade_on_a_lost_disk()


async def test_an_error_in_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with running_sandbox(PAUSED):
            raise ZeroDivisionError
