"""Sending: signatures, turns, retries, pacing, and how far a failed request got."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from krakked_tui.kraken import endpoints
from krakked_tui.kraken.errors import (
    AuthError,
    ErrorClass,
    InvalidArgumentsError,
    KrakenError,
    KrakenProtocolError,
    NetworkError,
    RateLimitError,
    Sent,
    ServiceUnavailableError,
)
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.nonce import NonceSource
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.settings import ConnectionSettings
from krakked_tui.kraken.signing import signature
from tests.fakes.clock import FakeClock
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
    assert len(kraken.calls) == 4


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
