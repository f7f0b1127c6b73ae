"""Sending: signatures, turns, retries, pacing, and how far a failed request got."""

import asyncio
import base64
import json
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpcore
import httpx
import pytest

from krakked_tui.domain.errors import StorageError
from krakked_tui.kraken import endpoints
from krakked_tui.kraken.endpoints import Priority
from krakked_tui.kraken.errors import (
    AuthError,
    ErrorClass,
    InvalidArgumentsError,
    KrakenError,
    KrakenProtocolError,
    NetworkError,
    NonceError,
    RateLimitError,
    Sent,
    ServiceUnavailableError,
)
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.nonce import JUMP_NS, NonceSource
from krakked_tui.kraken.rest import KEPT, OVERLAP_NONCE_WINDOW, CallWithheldError, KrakenRest
from krakked_tui.kraken.settings import ConnectionSettings
from krakked_tui.kraken.signing import signature
from krakked_tui.kraken.transports import CONNECTIONS_MAX
from krakked_tui.kraken.writing import Outgoing, WritingTurn
from krakked_tui.storage.nonces import BLOCK_NS
from tests.fakes.clock import FakeClock, settle
from tests.unit.kraken.exchange import PUBLIC_KEY, SECRET, ScriptedKraken, ok, refused

TIME = {"unixtime": 1762820224}


async def test_a_public_call_is_a_plain_get() -> None:
    kraken = ScriptedKraken()
    kraken.on("OHLC", ok({"XXBTZUSD": [], "last": 1}))
    await kraken.rest().call(endpoints.OHLC, {"pair": "XBTUSD", "interval": "5"})
    (call,) = kraken.calls
    assert call.params == {"pair": "XBTUSD", "interval": "5"}
    assert call.body == b""
    assert "api-key" not in call.headers
    assert call.headers["user-agent"].startswith("krakked-tui/")


async def test_a_private_call_is_signed_over_the_bytes_that_are_sent() -> None:
    kraken = ScriptedKraken()
    kraken.on("OpenOrders", ok({"open": {}}))
    await kraken.rest().call(endpoints.OPEN_ORDERS, {"cl_ord_id": "a+b"})
    (call,) = kraken.calls
    assert call.body == b"nonce=1000&cl_ord_id=a%2Bb"
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    assert call.headers["api-key"] == PUBLIC_KEY
    expected = signature(base64.b64decode(SECRET), "/0/private/OpenOrders", "1000", call.body)
    assert call.headers["api-sign"] == expected


async def test_lists_go_as_json() -> None:
    kraken = ScriptedKraken()
    kraken.on("CancelOrderBatch", ok({"count": 2}))
    await kraken.rest().call(endpoints.CANCEL_ORDER_BATCH, {"cl_ord_ids": ["a", "b"]})
    (call,) = kraken.calls
    assert call.body == b'{"nonce":"1000","cl_ord_ids":["a","b"]}'
    assert call.headers["content-type"] == "application/json"


async def test_without_a_key_a_private_call_is_refused_here() -> None:
    kraken = ScriptedKraken()
    with pytest.raises(AuthError, match="Ledgers needs an API key"):
        await kraken.rest(key=False).call(endpoints.LEDGERS)
    assert kraken.calls == []


async def test_public_calls_are_paced() -> None:
    kraken = ScriptedKraken()
    kraken.on("Time", ok(TIME))
    rest = kraken.rest()
    for _ in range(4):
        await rest.call(endpoints.TIME)
    assert kraken.clock.monotonic() == 3.0


@pytest.mark.parametrize(
    "passing",
    [
        httpx.Response(502, text="<html>"),
        httpx.Response(429),
        httpx.Response(200, text="<html>"),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        refused("EService:Busy"),
        refused("EAPI:Rate limit exceeded"),
    ],
)
async def test_a_read_is_repeated_after_a_passing_failure(passing: httpx.Response | Exception) -> None:
    kraken = ScriptedKraken()
    kraken.on("BalanceEx", passing, passing, ok({}))
    assert await kraken.rest().call(endpoints.BALANCE_EX) == {}
    assert len(kraken.calls) == 3
    nonces = [int(call.params["nonce"]) for call in kraken.calls]
    assert nonces == sorted(set(nonces))
    assert kraken.clock.monotonic() >= 1.5


async def test_it_gives_up_after_the_last_retry_and_waits_longer_each_time() -> None:
    kraken = ScriptedKraken()
    kraken.on("BalanceEx", refused("EService:Unavailable"))
    with pytest.raises(ServiceUnavailableError):
        await kraken.rest().call(endpoints.BALANCE_EX)
    assert len(kraken.calls) == 4
    assert kraken.clock.monotonic() == 0.5 + 1.0 + 2.0


async def test_a_lockout_is_not_extended_by_calling_again() -> None:
    kraken = ScriptedKraken()
    kraken.on("BalanceEx", refused("EGeneral:Temporary lockout"))
    with pytest.raises(RateLimitError) as caught:
        await kraken.rest().call(endpoints.BALANCE_EX)
    assert len(kraken.calls) == 1
    assert caught.value.retry_after == 900


@pytest.mark.parametrize(
    "answer",
    [
        refused("EGeneral:Permission denied"),
        refused("EGeneral:Invalid arguments"),
        refused("EAPI:Invalid signature"),
        ok({"ZUSD": {"balance": "many"}}),
    ],
)
async def test_a_lasting_failure_is_not_repeated(answer: httpx.Response) -> None:
    kraken = ScriptedKraken()
    kraken.on("BalanceEx", answer)
    with pytest.raises(KrakenError):
        await kraken.rest().call(endpoints.BALANCE_EX)
    assert len(kraken.calls) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        refused("EService:Busy"),
        refused("EAPI:Invalid nonce"),
        refused("EOrder:Rate limit exceeded"),
    ],
)
async def test_an_order_is_never_sent_twice(answer: httpx.Response | Exception) -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", answer)
    with pytest.raises(KrakenError):
        await kraken.rest().call(endpoints.ADD_ORDER, {"pair": "XBTUSD"})
    assert len(kraken.calls) == 1


async def test_an_invalid_nonce_is_repeated_once_at_once() -> None:
    kraken = ScriptedKraken()
    kraken.on("CancelOrder", refused("EAPI:Invalid nonce"), ok({"count": 1}))
    await kraken.rest().call(endpoints.CANCEL_ORDER, {"cl_ord_id": "a"})
    assert [call.params["nonce"] for call in kraken.calls] == ["1000", "1001"]
    assert kraken.clock.monotonic() == 0
    kraken.on("CancelOrder", refused("EAPI:Invalid nonce"))
    with pytest.raises(AuthError, match="another tool has used this key"):
        await kraken.rest().call(endpoints.CANCEL_ORDER, {"cl_ord_id": "a"})
    assert len(kraken.calls) == 2 + 3


@pytest.mark.parametrize(
    ("failure", "sent"),
    [
        (httpx.ConnectError("x"), Sent.NO),
        (httpx.ConnectTimeout("x"), Sent.NO),
        (httpx.PoolTimeout("x"), Sent.NO),
        (httpx.WriteTimeout("x"), Sent.MAYBE),
        (httpx.WriteError("x"), Sent.MAYBE),
        (httpx.ReadTimeout("x"), Sent.MAYBE),
        (httpx.ReadError("x"), Sent.MAYBE),
        (httpx.RemoteProtocolError("x"), Sent.MAYBE),
        (httpx.ProxyError("x"), Sent.MAYBE),
    ],
)
async def test_how_far_a_failed_request_got(failure: Exception, sent: Sent) -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", failure)
    with pytest.raises(NetworkError) as caught:
        await kraken.rest().call(endpoints.ADD_ORDER)
    assert caught.value.sent is sent
    assert isinstance(caught.value.__cause__, type(failure))


async def test_redirects_are_not_followed() -> None:
    kraken = ScriptedKraken()
    kraken.on("Assets", httpx.Response(302, headers={"Location": "https://evil.test/0/public/Assets"}))
    with pytest.raises(NetworkError, match="302"):
        await kraken.rest().call(endpoints.ASSETS)
    assert {call.headers["host"] for call in kraken.calls} == {"api.kraken.com"}


async def test_an_endless_answer_is_cut() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1024 * 1024

    kraken = ScriptedKraken()
    kraken.on("AddOrder", httpx.Response(200, content=endless()))
    with pytest.raises(NetworkError, match="more than") as caught:
        await kraken.rest().call(endpoints.ADD_ORDER)
    assert caught.value.sent is Sent.YES


async def test_a_closed_client_sends_nothing() -> None:
    kraken = ScriptedKraken()
    rest = kraken.rest()
    await rest.close()
    await rest.close()
    with pytest.raises(NetworkError) as caught:
        await rest.call(endpoints.ADD_ORDER)
    assert caught.value.sent is Sent.NO
    assert kraken.calls == []


@pytest.mark.parametrize(
    ("url", "header", "speed"),
    [
        ("http://127.0.0.1:8080", "60", 60.0),
        ("http://127.0.0.1:8080", "0", 0.0),
        ("http://127.0.0.1:8080", None, None),
        ("http://127.0.0.1:8080", "fast", None),
        ("http://127.0.0.1:8080", "-1", None),
        ("http://127.0.0.1:8080", "inf", None),
        ("https://api.kraken.com", "60", None),
    ],
)
async def test_only_a_sandbox_on_this_machine_may_bend_time(
    url: str, header: str | None, speed: float | None
) -> None:
    kraken = ScriptedKraken()
    answer = ok(TIME)
    if header is not None:
        answer.headers["X-Sandbox-Speed"] = header
    kraken.on("Time", answer)
    server = await kraken.rest(url=url).server_time()
    assert server.speed == speed
    assert server.at == datetime(2025, 11, 11, 0, 17, 4, tzinfo=UTC)


async def test_an_unlisted_error_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    kraken = ScriptedKraken()
    kraken.on("BalanceEx", refused("EOrder:Brand new"))
    rest = kraken.rest()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(KrakenError):
                await rest.call(endpoints.BALANCE_EX)
    assert [record.getMessage() for record in caplog.records] == [
        "Kraken sent an error we do not know: EOrder:Brand new"
    ]
    assert rest.oddities.counts() == {"EOrder:Brand new": 3}


async def test_messages_name_endpoint_and_pair() -> None:
    kraken = ScriptedKraken()
    kraken.on("OHLC", refused("EGeneral:Invalid arguments:interval"))
    with pytest.raises(InvalidArgumentsError, match="OHLC for XBTUSD: EGeneral:Invalid arguments:interval"):
        await kraken.rest().call(endpoints.OHLC, {"pair": "XBTUSD"})
    kraken.on("OHLC", ok({"XXBTZUSD": [[1, "x"]]}))
    with pytest.raises(KrakenProtocolError, match=r"OHLC for XBTUSD .*\[\.\.\.\]"):
        await kraken.rest().call(endpoints.OHLC, {"pair": "XBTUSD"})


# With real sockets -------------------------------------------------------------------------------

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(peer: Peer) -> AsyncIterator[KrakenRest]:
    """A client whose exchange is ``peer``, one call per connection."""
    ended: list[asyncio.Event] = []

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.Event())
        mine = ended[-1]
        try:
            await peer(reader, writer)
        finally:
            writer.close()
            mine.set()

    server = await asyncio.start_server(connection, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    rest = client(port)
    try:
        yield rest
    finally:
        await rest.close()
        server.close()
        for event in ended:
            await event.wait()


def client(port: int) -> KrakenRest:
    return KrakenRest(
        ConnectionSettings(rest_url=f"http://127.0.0.1:{port}"),
        FakeClock(auto=True),
        key=ApiKey(PUBLIC_KEY, SECRET),
        nonces=NonceSource(lambda: 1),
    )


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-le")
    )
    return await reader.readexactly(length)


def http(body: bytes, length: int | None = None) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (length or len(body), body)


async def test_a_proxy_for_the_outside_world_does_not_catch_calls_to_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(http(b'{"error":[],"result":{}}'))
        await writer.drain()

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with served(peer) as rest:
        assert await rest.call(endpoints.BALANCE_EX) == {}


async def test_nobody_listening() -> None:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    rest = client(port)
    with pytest.raises(NetworkError) as caught:
        await rest.call(endpoints.ADD_ORDER)
    assert caught.value.sent is Sent.NO
    await rest.close()


@pytest.mark.parametrize(
    ("answer", "sent"),
    [(b"", Sent.MAYBE), (b"HTTP/1.1 200 OK\r\nConte", Sent.MAYBE), (http(b'{"error":[', 5000), Sent.YES)],
)
async def test_a_connection_that_breaks_off(answer: bytes, sent: Sent) -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()

    async with served(peer) as rest:
        with pytest.raises(NetworkError) as caught:
            await rest.call(endpoints.ADD_ORDER)
    assert caught.value.sent is sent
    assert caught.value.error_class is ErrorClass.AMBIGUOUS


async def test_requests_are_written_in_the_order_of_their_nonces_while_answers_overlap() -> None:
    arrived: list[bytes] = []
    all_arrived = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await read_request(reader))
        if len(arrived) == 5:
            all_arrived.set()
        # Nobody is answered before everybody has asked.
        await all_arrived.wait()
        writer.write(http(b'{"error":[],"result":{}}'))
        await writer.drain()

    async with served(peer) as rest, asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(rest.call(endpoints.BALANCE_EX))
    assert arrived == [b"nonce=%d" % nonce for nonce in range(1, 6)]


async def test_a_cancelled_call_does_not_keep_others_waiting() -> None:
    asked = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = await read_request(reader)
        asked.set()
        if body != b"nonce=1":
            writer.write(http(b'{"error":[],"result":{}}'))
            await writer.drain()

    async with served(peer) as rest, asyncio.TaskGroup() as group:
        stuck = group.create_task(rest.call(endpoints.ADD_ORDER))
        await asked.wait()
        stuck.cancel()
        assert await rest.call(endpoints.BALANCE_EX) == {}


# Waiting for the rate limits, and for the turn to write --------------------------------------------


async def test_a_call_waits_for_its_counter_and_its_units_come_back_when_it_was_never_sent() -> None:
    kraken = ScriptedKraken()
    kraken.on("Ledgers", httpx.ConnectError("refused"))
    rest = kraken.rest()
    for _ in range(5):
        with pytest.raises(NetworkError):
            await rest.call(endpoints.LEDGERS)
    used = {limit.name: limit.used for limit in rest.headroom()}
    assert used["private calls"] == 0
    kraken.on("Ledgers", ok({"ledger": {}}))
    before = kraken.clock.monotonic()
    for _ in range(6):
        await rest.call(endpoints.LEDGERS)
    assert kraken.clock.monotonic() - before == pytest.approx((6 * 4 - 14.5) / 0.5, abs=1.1)


async def test_an_order_called_off_while_it_waits_for_its_counter_gives_up_its_place() -> None:
    kraken = ScriptedKraken()
    rest = kraken.rest()
    rest.limiter.trading_count("XBTUSD", 125, 0.0)
    asked = iter(["", "", "killed"])
    with pytest.raises(CallWithheldError, match="killed"):
        await rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"}, lambda: next(asked))
    assert kraken.calls == []
    assert rest.limiter._waiting == []


async def test_a_cancelled_wait_gives_up_its_place() -> None:
    kraken = ScriptedKraken()
    kraken.clock = FakeClock()
    kraken.on("BalanceEx", ok({}))
    rest = kraken.rest()
    rest.limiter.trading_count("XBTUSD", 125, 0.0)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"}))
        behind = group.create_task(rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"}))
        await settle()
        assert len(rest.limiter._waiting) == 2
        waiting.cancel()
        behind.cancel()
    assert rest.limiter._waiting == []


async def test_calls_in_a_row_wait_for_each_other_in_order() -> None:
    kraken = ScriptedKraken()
    kraken.clock = FakeClock()
    kraken.on("Ticker", ok({}))
    kraken.on("Time", ok(TIME))
    kraken.on("OHLC", ok({"last": 1}))
    rest = kraken.rest()
    async with asyncio.TaskGroup() as group:
        for n in range(3):
            group.create_task(rest.call(endpoints.OHLC, {"pair": f"P{n}"}))
        await settle()
        group.create_task(rest.call(endpoints.TICKER))
        for _ in range(60):
            await kraken.clock.advance(0.1)
    assert [call.method for call in kraken.calls] == ["OHLC", "Ticker", "OHLC", "OHLC"]
    assert [call.params.get("pair") for call in kraken.calls] == ["P0", None, "P1", "P2"]


async def test_a_refusal_holds_the_next_call_back_and_a_lockout_fails_it() -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", refused("EAPI:Rate limit exceeded"))
    kraken.on("BalanceEx", ok({}))
    rest = kraken.rest()
    with pytest.raises(RateLimitError):
        await rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"})
    await rest.call(endpoints.BALANCE_EX)
    assert kraken.clock.monotonic() == pytest.approx(5.0)
    kraken.on("AddOrder", refused("EGeneral:Temporary lockout"))
    for _ in range(2):
        with pytest.raises(RateLimitError, match="lockout"):
            await rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"})
    assert len(kraken.calls_of("AddOrder")) == 2
    with pytest.raises(RateLimitError, match="was not sent"):
        await rest.call(endpoints.CANCEL_ORDER, {"cl_ord_id": "a"})


async def test_a_refused_cancel_goes_again_as_soon_as_its_units_fit() -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", ok({"txid": ["O1"]}))
    kraken.on("CancelOrder", refused("EOrder:Rate limit exceeded"), ok({"count": 1}))
    rest = kraken.rest()
    await rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"})
    await rest.call(endpoints.CANCEL_ORDER, {"txid": "O1"})
    assert 3.4 <= kraken.clock.monotonic() <= 8.5


async def test_an_order_on_its_way_is_as_dear_to_cancel_as_can_be_on_its_own_pair() -> None:
    kraken = ScriptedKraken()
    rest = kraken.rest()
    rest.limiter.join(endpoints.ADD_ORDER, {"pair": "XBTUSD", "cl_ord_id": "a"}, 0.0)
    rest.limiter.join(endpoints.CANCEL_ORDER, {"cl_ord_id": "a"}, 0.0)
    used = {limit.name: limit.used for limit in rest.headroom()}
    assert used["trading XBTUSD"] == 9


async def test_a_refused_pair_says_nothing_about_others() -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", refused("EOrder:Rate limit exceeded"), ok({"txid": ["O1"]}))
    rest = kraken.rest()
    with pytest.raises(RateLimitError):
        await rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"})
    await rest.call(endpoints.ADD_ORDER, {"pair": "ETHUSD"})
    assert kraken.clock.monotonic() == 0


async def test_the_most_urgent_writes_first() -> None:
    arrived: list[bytes] = []
    first = asyncio.Event()
    go_on = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await read_request(reader))
        first.set()
        await go_on.wait()
        writer.write(http(b'{"error":[],"result":{"count":1,"open":{}}}'))
        await writer.drain()

    async with served(peer) as rest, asyncio.TaskGroup() as group:
        await rest._writing.acquire()
        for n in range(2):
            group.create_task(rest.call(endpoints.OPEN_ORDERS, {"userref": f"{n}"}))
        await settle()
        group.create_task(rest.call(endpoints.CANCEL_ORDER, {"txid": "O1"}))
        await settle()
        group.create_task(rest.call(endpoints.CANCEL_ORDER, {"txid": "O2"}, priority=Priority.EMERGENCY))
        await settle()
        go_on.set()
        rest._writing.release()
    assert arrived == [
        b"nonce=1&txid=O2",
        b"nonce=2&txid=O1",
        b"nonce=3&userref=0",
        b"nonce=4&userref=1",
    ]


@pytest.mark.parametrize(("window", "overlapped"), [("0", False), ("15000", False), ("5000000000", True)])
async def test_a_large_nonce_window_lets_requests_overlap_at_once(window: str, overlapped: bool) -> None:
    unanswered = asyncio.Event()
    seen = asyncio.Event()
    info = b'{"api_key_name":"bot","permissions":[],"nonce_window":"%s"}' % window.encode()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = await read_request(reader)
        if b"slow" in body:
            seen.set()
            await unanswered.wait()
        writer.write(http(b'{"error":[],"result":%s}' % (info if body == b"nonce=1" else b'{"open":{}}')))
        await writer.drain()

    async with served(peer) as rest, asyncio.TaskGroup() as group:
        await rest.call(endpoints.GET_API_KEY_INFO)
        group.create_task(rest.call(endpoints.OPEN_ORDERS, {"userref": "slow"}))
        await seen.wait()
        await settle()
        assert (rest._writing._held == 0) is overlapped
        await rest.call(endpoints.OPEN_ORDERS)
        unanswered.set()


class SlowToConnect(httpcore.AsyncNetworkBackend):
    """The first connection is made when ``go_on`` says so."""

    def __init__(self, real: httpcore.AsyncNetworkBackend) -> None:
        self.real = real
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def connect_tcp(self, *args: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        if not self.asked.is_set():
            self.asked.set()
            await self.go_on.wait()
        return await self.real.connect_tcp(*args, **options)

    async def sleep(self, seconds: float) -> None:
        await self.real.sleep(seconds)


async def test_a_call_that_has_no_connection_yet_holds_up_no_cancel() -> None:
    arrived: list[bytes] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await read_request(reader))
        writer.write(http(b'{"error":[],"result":{"count":1,"txid":["O1"]}}'))
        await writer.drain()

    async with served(peer) as rest, asyncio.TaskGroup() as group:
        pool = rest._orders._transport._pool  # type: ignore[attr-defined]
        slow = pool._network_backend = SlowToConnect(pool._network_backend)
        group.create_task(rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"}))
        await slow.asked.wait()
        await asyncio.wait_for(rest.call(endpoints.CANCEL_ORDER, {"txid": "O1"}), 5)
        slow.go_on.set()
    assert arrived == [b"nonce=1&txid=O1", b"nonce=2&pair=XBTUSD"]


async def failure(call: Awaitable[Any]) -> NetworkError:
    """How a call fails."""
    with pytest.raises(NetworkError) as caught:
        await call
    return caught.value


async def test_behind_a_proxy_the_turn_begins_when_the_tunnel_is_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tunnelled = asyncio.Event()
    given_up = asyncio.Event()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"CONNECT api.kraken.com:443 ")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        assert await reader.read(3)
        tunnelled.set()
        await given_up.wait()

    async with served(proxy) as here:
        monkeypatch.setenv("HTTPS_PROXY", here._base)
        nonces = NonceSource(lambda: 1)
        key = ApiKey(PUBLIC_KEY, SECRET)
        rest = KrakenRest(ConnectionSettings(), FakeClock(auto=True), key=key, nonces=nonces)
        async with asyncio.TaskGroup() as group:
            add = group.create_task(failure(rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"})))
            await tunnelled.wait()
            await settle()
            assert rest._writing._held == 0
            assert nonces.next() == 1, "nothing has been signed"
            given_up.set()
        await rest.close()
    assert add.result().sent is Sent.NO


async def test_reads_that_hang_keep_no_cancel_from_a_connection() -> None:
    hanging = asyncio.Semaphore(0)
    over = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"txid" not in await read_request(reader):
            hanging.release()
            await over.wait()
        writer.write(http(b'{"error":[],"result":{"count":1,"open":{}}}'))
        await writer.drain()

    async with served(peer) as rest, asyncio.TaskGroup() as group:
        rest._nonce_window = OVERLAP_NONCE_WINDOW
        for _ in range(CONNECTIONS_MAX):
            group.create_task(rest.call(endpoints.OPEN_ORDERS, priority=Priority.EMERGENCY))
        for _ in range(CONNECTIONS_MAX):
            await hanging.acquire()
        await asyncio.wait_for(rest.call(endpoints.CANCEL_ORDER, {"txid": "O1"}), 5)
        over.set()


async def test_the_most_urgent_find_a_connection_although_orders_hang() -> None:
    hanging = asyncio.Semaphore(0)
    over = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"pair" in await read_request(reader):
            hanging.release()
            await over.wait()
        writer.write(http(b'{"error":[],"result":{"count":1,"txid":["O1"]}}'))
        await writer.drain()

    async with served(peer) as rest, asyncio.TaskGroup() as group:
        rest._nonce_window = OVERLAP_NONCE_WINDOW
        for _ in range(20):
            group.create_task(rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"}))
        for _ in range(CONNECTIONS_MAX - KEPT[Priority.ORDER]):
            await hanging.acquire()
        await asyncio.wait_for(rest.call(endpoints.CANCEL_ORDER, {"txid": "O1"}), 5)
        over.set()


async def test_a_client_closed_while_calls_wait_for_their_turn_or_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bytes] = []

    async def peer(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(1))

    async with served(peer) as rest:
        await rest._writing.acquire()
        turn_wanted = asyncio.Event()
        real = WritingTurn._begin

        async def begin(turn: WritingTurn, request: Outgoing) -> None:
            turn_wanted.set()
            await real(turn, request)

        monkeypatch.setattr(WritingTurn, "_begin", begin)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(failure(rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"})))
            await turn_wanted.wait()
            for place in range(CONNECTIONS_MAX - 1):
                await rest._order_places.acquire((0, place))
            second = group.create_task(failure(rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"})))
            await settle()
            await rest.close()
            rest._writing.release()
            for _ in range(CONNECTIONS_MAX - 1):
                rest._order_places.release()
    for failed in (first.result(), second.result()):
        assert failed.sent is Sent.NO
        assert "closed" in str(failed)
    assert asked == [b""]


async def test_an_answer_that_began_and_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    over = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(http(b'{"error":[', 5000))
        await writer.drain()
        await over.wait()

    monkeypatch.setattr("krakked_tui.kraken.rest.CALL_SECONDS", 0.2)
    async with served(peer) as rest:
        with pytest.raises(NetworkError, match="longer than") as caught:
            await rest.call(endpoints.ADD_ORDER)
        over.set()
    assert caught.value.sent is Sent.YES


# Nonces -------------------------------------------------------------------------------------------


class SlowDisk:
    """A store that gives nonces only as far as they were raised before, off the event loop."""

    def __init__(self) -> None:
        self.reserved = 0
        self.raised_by: list[int] = []

    def next(self, at_least: int) -> int:
        assert at_least <= self.reserved, "the disk would be waited for here"
        return at_least

    def left(self, at_least: int) -> int:
        return self.reserved - at_least

    def reserve(self, at_least: int) -> None:
        self.raised_by.append(threading.get_ident())
        self.reserved = at_least + BLOCK_NS


async def test_the_disk_is_not_waited_for_on_the_event_loop() -> None:
    kraken = ScriptedKraken()
    kraken.on("BalanceEx", ok({}))
    disk, now = SlowDisk(), [10**18]
    rest = KrakenRest(
        ConnectionSettings(),
        kraken.clock,
        key=ApiKey(PUBLIC_KEY, SECRET),
        nonces=NonceSource(lambda: now[0], disk),
        transport=httpx.MockTransport(kraken.handle),
    )
    for _ in range(50):
        await rest.call(endpoints.BALANCE_EX)
        now[0] += 10**9
    async with asyncio.TaskGroup() as group:
        now[0] += 60 * 10**9
        for _ in range(5):
            group.create_task(rest.call(endpoints.BALANCE_EX))
    assert threading.get_ident() not in disk.raised_by
    assert 6 <= len(disk.raised_by) <= 20


async def test_a_thousand_calls_at_once_have_a_thousand_nonces_in_order() -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", ok({"txid": []}))
    rest = kraken.rest()
    async with asyncio.TaskGroup() as group:
        for n in range(1000):
            group.create_task(rest.call(endpoints.ADD_ORDER, {"pair": f"P{n}"}))
    nonces = [int(call.params["nonce"]) for call in kraken.calls]
    assert nonces == list(range(1000, 2000))


async def test_a_nonce_refused_again_jumps_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    kraken = ScriptedKraken()
    kraken.on("BalanceEx", refused("EAPI:Invalid nonce"), refused("EAPI:Invalid nonce"), ok({}))
    rest = kraken.rest()
    assert await rest.call(endpoints.BALANCE_EX) == {}
    nonces = [int(call.params["nonce"]) for call in kraken.calls]
    assert nonces == [1000, 1001, 1000 + JUMP_NS + 1]
    assert "larger nonces" in caplog.text
    kraken.on("BalanceEx", refused("EAPI:Invalid nonce"))
    with pytest.raises(AuthError, match="nonce window"):
        await rest.call(endpoints.BALANCE_EX)
    assert len(kraken.calls) == 5, "there is no second jump"


async def test_calls_that_meet_a_stranger_together_jump_once_and_all_go_on() -> None:
    def answer(params: dict[str, str]) -> httpx.Response:
        return ok({}) if int(params["nonce"]) > JUMP_NS else refused("EAPI:Invalid nonce")

    kraken = ScriptedKraken()
    kraken.on("BalanceEx", answer)
    rest = kraken.rest()
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(rest.call(endpoints.BALANCE_EX)) for _ in range(6)]
    assert [call.result() for call in calls] == [{}] * 6


async def test_a_jump_that_does_not_help_is_told() -> None:
    kraken = ScriptedKraken()
    kraken.on("BalanceEx", refused("EAPI:Invalid nonce"))
    with pytest.raises(AuthError, match="nonce window"):
        await kraken.rest().call(endpoints.BALANCE_EX)
    assert len(kraken.calls) == 3


@pytest.mark.parametrize("answer", [httpx.ReadTimeout("slow"), refused("EService:Busy")])
async def test_the_dead_mans_switch_is_never_set_late(answer: httpx.Response | Exception) -> None:
    kraken = ScriptedKraken()
    kraken.on("CancelAllOrdersAfter", answer)
    with pytest.raises(KrakenError):
        await kraken.rest().call(endpoints.CANCEL_ALL_ORDERS_AFTER, {"timeout": "60"})
    assert len(kraken.calls) == 1


async def test_an_order_refused_for_its_nonce_makes_nothing_jump() -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", refused("EAPI:Invalid nonce"))
    rest = kraken.rest()
    for _ in range(3):
        with pytest.raises(AuthError):
            await rest.call(endpoints.ADD_ORDER, {"pair": "XBTUSD"})
    assert [int(call.params["nonce"]) for call in kraken.calls] == [1000, 1001, 1002]


class FullDisk:
    def next(self, at_least: int) -> int:
        raise StorageError("/home/op/nonces cannot be written (No space left on device)")

    def left(self, at_least: int) -> int:
        return -1

    def reserve(self, at_least: int) -> None:
        self.next(at_least)


async def test_without_a_promise_of_nonces_nothing_is_sent() -> None:
    kraken = ScriptedKraken()
    rest = KrakenRest(
        ConnectionSettings(),
        kraken.clock,
        key=ApiKey(PUBLIC_KEY, SECRET),
        nonces=NonceSource(lambda: 1, FullDisk()),
        transport=httpx.MockTransport(kraken.handle),
    )
    with pytest.raises(NonceError, match=r"AddOrder was not sent: .*No space left") as caught:
        await rest.call(endpoints.ADD_ORDER)
    assert caught.value.error_class is ErrorClass.NOT_EXECUTED
    assert kraken.calls == []
    assert rest.limiter._trading._any.held == 0


async def test_a_key_that_demands_a_password_gets_it_inside_the_signature() -> None:
    kraken = ScriptedKraken()
    kraken.on("BalanceEx", ok({}))
    rest = KrakenRest(
        ConnectionSettings(),
        kraken.clock,
        key=ApiKey(PUBLIC_KEY, SECRET, otp="correct horse"),
        nonces=NonceSource(lambda: 1),
        transport=httpx.MockTransport(kraken.handle),
    )
    await rest.call(endpoints.BALANCE_EX)
    (call,) = kraken.calls
    assert call.body == b"nonce=1&otp=correct+horse"
    expected = signature(base64.b64decode(SECRET), "/0/private/BalanceEx", "1", call.body)
    assert call.headers["api-sign"] == expected


# Any method by its name ---------------------------------------------------------------------------


async def test_any_public_method_with_exact_numbers() -> None:
    kraken = ScriptedKraken()
    body = b'{"error":[],"result":{"XXBTZUSD":[["1.10",0.10,1762820035.9822779,18446744073709551617]]}}'
    kraken.on("Trades", httpx.Response(200, content=body))
    answer = await kraken.rest().public("Trades", {"pair": ["XBTUSD", "ETHUSD"], "count": "1"})
    row = ["1.10", Decimal("0.10"), Decimal("1762820035.9822779"), 18446744073709551617]
    assert answer == {"XXBTZUSD": [row]}
    assert str(answer["XXBTZUSD"][0][1]) == "0.10"
    assert kraken.calls[0].params == {"pair": "XBTUSD,ETHUSD", "count": "1"}


async def test_any_private_method_is_signed_and_sent_once_when_we_do_not_know_it() -> None:
    kraken = ScriptedKraken()
    kraken.on("Allocations", httpx.ReadTimeout("slow"))
    rest = kraken.rest()
    with pytest.raises(NetworkError, match="Earn/Allocations"):
        await rest.private("Earn/Allocations")
    assert len(kraken.calls) == 1
    used = {limit.name: limit.spenders for limit in rest.headroom()}
    assert used["private calls"] == (("Earn/Allocations", 4.0),)


async def test_a_known_method_by_name_keeps_its_rules_and_lists_go_as_json() -> None:
    kraken = ScriptedKraken()
    rows = {"orders": [{"txid": "O1"}, {"txid": "O2"}]}
    kraken.on("AddOrderBatch", ok(rows))
    kraken.on("Balance", refused("EService:Busy"), ok({"ZUSD": "1.10"}))
    rest = kraken.rest()
    assert await rest.private("Balance") == {"ZUSD": "1.10"}
    orders = [{"volume": "1", "cl_ord_id": "a"}, {"volume": "2", "cl_ord_id": "b"}]
    assert await rest.private("AddOrderBatch", {"pair": "XBTUSD", "orders": orders}) == rows
    assert json.loads(kraken.calls[-1].body)["orders"] == orders
    used = {limit.name: limit.used for limit in rest.headroom()}
    assert used["trading XBTUSD"] == 1.0
    assert rest.limiter._ages.known("O2")
    assert rest.limiter._ages.known("b")


@pytest.mark.parametrize("name", ["../private/AddOrder", "A B", "", "Ticker?x=1", "é", "A/B/C"])
async def test_a_name_that_cannot_be_a_methods_is_refused_here(name: str) -> None:
    kraken = ScriptedKraken()
    with pytest.raises(InvalidArgumentsError):
        await kraken.rest().public(name)
    with pytest.raises(InvalidArgumentsError):
        await kraken.rest().private(name)
    assert kraken.calls == []


def test_each_kind_of_waiting_has_its_own_timeout() -> None:
    settings = ConnectionSettings(
        connect_timeout_seconds=1, read_timeout_seconds=2, write_timeout_seconds=3, pool_timeout_seconds=4
    )
    rest = KrakenRest(settings, FakeClock())
    for timeout in (rest._reads.timeout, rest._orders.timeout):
        assert (timeout.connect, timeout.read, timeout.write, timeout.pool) == (1, 2, 3, 4)
