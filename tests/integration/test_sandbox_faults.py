"""What goes wrong on the socket: hangs, resets, cut answers, broken streams."""

import asyncio
import json
from typing import Any

import httpx
import pytest
import websockets

from krakked_tui.sandbox import server
from krakked_tui.sandbox.fault_wire import PROXY_TEXT
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.ws_requests import RATE_EXCEEDED
from tests.integration.test_sandbox_sockets import Client, connected, stream

ORDER = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "50000", "volume": "0.01"}
IMPATIENT = httpx.Timeout(5.0, read=0.1)


async def fault(client: Client, **rule: Any) -> None:
    answer = await client.http.post("/_sandbox/faults", json={"count": 1, **rule})
    assert answer.status_code == 200, answer.text


async def orders(client: Client) -> list[str]:
    return [order["cl_ord_id"] for order in (await client.state())["orders"]]


async def requests(client: Client, method: str) -> list[Any]:
    answer = await client.http.get("/_sandbox/requests", params={"method": method})
    found: list[Any] = answer.json()["requests"]
    return found


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"kind": "timeout"}, httpx.ReadTimeout),
        ({"kind": "reset"}, httpx.ReadError),
        ({"kind": "http", "status": 502}, json.JSONDecodeError),
        ({"kind": "html"}, json.JSONDecodeError),
        ({"kind": "error", "text": "EService:Unavailable"}, AssertionError),
    ],
)
async def test_an_answer_is_lost_before_or_after_the_order_landed(
    after: bool, rule: dict[str, Any], error: type[Exception]
) -> None:
    async with connected() as client:
        await fault(client, where="AddOrder", after=after, **rule)
        client.http.timeout = IMPATIENT
        with pytest.raises(error):
            await client.private("AddOrder", **ORDER, cl_ord_id="first")
        client.http.timeout = httpx.Timeout(5.0)
        assert await orders(client) == (["first"] if after else [])
        assert len((await client.private("OpenOrders"))["open"]) == after
        (row,) = await requests(client, "AddOrder")
        assert row["fault"] == [rule["kind"]]
        assert row["params"]["cl_ord_id"] == "first"
        state = await client.state()
        assert row["key"] == state["keys"][0]["fingerprint"]
        assert (row["answer"] or {}).get("txid") == ([state["orders"][0]["txid"]] if after else None)


@pytest.mark.parametrize(
    ("rule", "error"),
    [({"kind": "cut"}, httpx.RemoteProtocolError), ({"kind": "truncate"}, json.JSONDecodeError)],
)
async def test_half_an_answer(rule: dict[str, Any], error: type[Exception]) -> None:
    async with connected() as client:
        await fault(client, where="AddOrder", **rule)
        with pytest.raises(error):
            await client.private("AddOrder", **ORDER, cl_ord_id="first")
        assert await orders(client) == ["first"]


async def test_errors_that_change_nothing() -> None:
    async with connected() as client:
        for rule, says in (
            ({"kind": "nonce"}, "EAPI:Invalid nonce"),
            ({"kind": "throttled", "seconds": 5}, "EService: Throttled: 1767571205"),
            ({"kind": "error", "text": "EOrder:Rate limit exceeded"}, "EOrder:Rate limit exceeded"),
        ):
            await fault(client, where="AddOrder", **rule)
            with pytest.raises(AssertionError, match=says):
                await client.private("AddOrder", **ORDER)
        assert [row["errors"] for row in await requests(client, "AddOrder")] == [
            ["EAPI:Invalid nonce"],
            ["EService: Throttled: 1767571205"],
            ["EOrder:Rate limit exceeded"],
        ]
        assert await orders(client) == []


async def test_latency_and_a_clock_that_is_off() -> None:
    async with connected(SandboxSettings(speed=60.0, paused=True)) as client:
        await fault(client, kind="latency", where="Time", seconds=0.05)
        await fault(client, kind="skew", seconds=-2)
        answer = (await client.http.get("/0/public/Time")).json()["result"]
        assert answer["unixtime"] == 1767571200 - 120
        (row,) = await requests(client, "Time")
        assert row["fault"] == ["latency", "skew"]
        assert row["seconds"] >= 0.05


async def test_a_read_that_lags_behind() -> None:
    async with connected() as client:
        await client.private("AddOrder", **ORDER, cl_ord_id="first")
        await fault(client, kind="read_lag", seconds=5, count=2)
        assert (await client.private("OpenOrders"))["open"] == {}
        assert await client.private("QueryOrders", cl_ord_id="first") == {}
        assert len((await client.private("OpenOrders"))["open"]) == 1


async def test_the_market_is_hit_on_the_clock() -> None:
    async with connected() as client:
        event = {"action": "deposit", "asset": "USD", "amount": "1"}
        await fault(client, kind="market", events=[event], seconds=60)
        await client.jump(61)
        assert (await client.state())["balances"]["ZUSD"] == "10001.0000"


async def test_the_control_door_is_spared_and_faults_end() -> None:
    async with connected() as client:
        await fault(client, kind="error", text="EService:Busy", count=None)
        assert (await client.http.get("/0/public/Time")).json() == {"error": ["EService:Busy"]}
        (row,) = (await client.http.get("/_sandbox/faults")).json()["faults"]
        assert (row["kind"], row["chances"], row["strikes"]) == ("error", 1, 1)
        await client.http.delete("/_sandbox/faults")
        assert (await client.http.get("/0/public/Time")).json()["error"] == []


async def test_chaos_from_the_start() -> None:
    async with connected(SandboxSettings(chaos="hell", paused=True)) as client:
        assert len((await client.http.get("/_sandbox/faults")).json()["faults"]) > 30
        answer = await client.http.post("/_sandbox/faults", json={"profile": "mild"})
        assert len(answer.json()["added"]) == 10


async def until_gone(client: Client) -> None:
    """Wait until the sandbox has noticed that a connection ended."""
    while (await client.state())["connections"]:
        pass


async def drain(socket: websockets.ClientConnection) -> None:
    while True:
        await raw(socket)


async def raw(socket: websockets.ClientConnection) -> str:
    return str(await asyncio.wait_for(socket.recv(), 10))


async def subscribe_ticker(client: Client, socket: websockets.ClientConnection) -> None:
    ask = {"method": "subscribe", "params": {"channel": "ticker", "symbol": ["BTC/USD"]}, "req_id": 1}
    await socket.send(json.dumps(ask))


async def test_messages_on_their_way() -> None:
    async with connected() as client, websockets.connect(client.sandbox.ws_public) as socket:
        await raw(socket)
        await fault(client, kind="duplicate", where="ticker")
        await subscribe_ticker(client, socket)
        assert "success" in await raw(socket)
        snapshot = await raw(socket)
        assert await raw(socket) == snapshot
        await fault(client, kind="proxy", where="ticker")
        await fault(client, kind="garbage", where="ticker")
        await client.jump(60)
        assert await raw(socket) == PROXY_TEXT
        assert json.loads(await raw(socket))["channel"] == "ticker"
        await client.jump(60)
        with pytest.raises(json.JSONDecodeError):
            json.loads(await raw(socket))
        rows = await requests(client, "ticker")
        assert [row["fault"] for row in rows] == [["duplicate"], [], ["proxy"], ["garbage"]]


@pytest.mark.parametrize("code", [1008, 1012])
async def test_a_connection_is_closed(code: int) -> None:
    async with connected() as client, websockets.connect(client.sandbox.ws_public) as socket:
        await raw(socket)
        await fault(client, kind="close", where="ticker", code=code)
        await subscribe_ticker(client, socket)
        await raw(socket)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await raw(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code
        await until_gone(client)


async def test_a_connection_breaks_without_a_word() -> None:
    async with connected() as client, websockets.connect(client.sandbox.ws_public) as socket:
        await raw(socket)
        await fault(client, kind="close", where="ticker", code=1006)
        await subscribe_ticker(client, socket)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await drain(socket)
        assert closed.value.rcvd is None


async def test_a_silent_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEARTBEAT_SECONDS", 0.01)
    async with connected() as client, websockets.connect(client.sandbox.ws_public) as socket:
        await raw(socket)
        await fault(client, kind="stall", where="heartbeat")
        await subscribe_ticker(client, socket)
        await raw(socket)
        await raw(socket)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.1)
        await client.http.delete("/_sandbox/faults")
        assert json.loads(await raw(socket)) == {"channel": "heartbeat"}


async def test_requests_over_the_websocket() -> None:
    async with connected() as client, stream(client.sandbox.ws_private) as private:
        token = (await client.private("GetWebSocketsToken"))["token"]
        await fault(client, kind="token", where="subscribe")
        await private.ask("subscribe", channel="executions", token=token)
        assert (await private.next("subscribe"))["error"] == "ESession:Invalid session"
        await fault(client, kind="reject", where="balances", text="EService:Busy")
        await private.ask("subscribe", channel="balances", token=token)
        assert (await private.next("subscribe"))["error"] == "EService:Busy"
        await fault(client, kind="message_rate", where="ping")
        await private.socket.send('{"method":"ping","req_id":2}')
        assert await raw(private.socket) == RATE_EXCEEDED
        await private.ask("subscribe", channel="executions", token=token)
        assert (await private.next("subscribe"))["success"]
        rows = await requests(client, "subscribe")
        assert [row["errors"] for row in rows] == [["ESession:Invalid session"], ["EService:Busy"], []]
        assert "token" not in str([row["params"] for row in rows])
        assert [row["answer"] and row["answer"][0]["channel"] for row in rows] == [None, None, "executions"]


async def test_an_order_over_the_websocket_lands_although_its_answer_is_lost() -> None:
    async with connected() as client, stream(client.sandbox.ws_private) as private:
        token = (await client.private("GetWebSocketsToken"))["token"]
        order = {
            "order_type": "limit",
            "side": "buy",
            "symbol": "BTC/USD",
            "order_qty": 0.01,
            "limit_price": 50000.0,
            "token": token,
        }
        await fault(client, kind="timeout", where="add_order", after=True)
        await private.ask("add_order", **order, cl_ord_id="lost")
        await fault(client, kind="timeout", where="add_order")
        await private.ask("add_order", **order, cl_ord_id="never")
        await fault(client, kind="error", text="EService:Unavailable", where="add_order", after=True)
        await private.ask("add_order", **order, cl_ord_id="denied")
        assert (await private.next("add_order"))["error"] == "EService:Unavailable"
        assert await orders(client) == ["lost", "denied"]


async def test_a_connection_is_refused() -> None:
    async with connected() as client:
        await fault(client, kind="refuse", status=503)
        with pytest.raises(websockets.InvalidStatus, match="503"):
            await websockets.connect(client.sandbox.ws_public)
        async with websockets.connect(client.sandbox.ws_public) as socket:
            assert "status" in await raw(socket)
