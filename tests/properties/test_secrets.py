"""No key, signature, nonce or token leaves through an error, on any path that fails."""

import asyncio
import base64
import logging
import random
import traceback
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.orders import OrderRequest, OrderType, Side
from krakked_tui.kraken import endpoints
from krakked_tui.kraken.account_stream import AccountStream
from krakked_tui.kraken.broker import KrakenBroker
from krakked_tui.kraken.endpoints import ENDPOINTS, Endpoint
from krakked_tui.kraken.errors import KrakenError
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.stream import KrakenStream
from tests.fakes.broker import go_ahead
from tests.unit.kraken.exchange import PUBLIC_KEY, SECRET, Answer, ScriptedKraken, refused
from tests.unit.kraken.test_account_stream import Account
from tests.unit.kraken.test_error_codes import TABLE
from tests.unit.kraken.test_rest import client, read_request

PRIVATE = [endpoint for endpoint in ENDPOINTS if endpoint.private]
TOKEN = "WW91ciBhdXRoZW50aWNhdGlvbiB0b2tlbg"
NETWORK = [
    httpx.ConnectError("x"),
    httpx.ReadTimeout("x"),
    httpx.WriteError("x"),
    httpx.RemoteProtocolError("x"),
    httpx.DecodingError("x"),
]
REPLIES = [
    httpx.Response(429),
    httpx.Response(502, text="<html>"),
    httpx.Response(200, text="<html>"),
    httpx.Response(200, content=b'{"error":[]}'),
    httpx.Response(
        200, content=b'{"error":[],"result":{"token":"%s","expires":"soon","txid":7}}' % TOKEN.encode()
    ),
    httpx.Response(200, content=b'{"error":[],"result":"%s"}' % TOKEN.encode()),
]


def everything_shown(error: BaseException) -> str:
    """All an error can be made to say: text, attributes, the chain behind it, locals of our frames."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True, limit=-20)
    shown = [*report.format(), repr(error), str(error), repr(vars(error)), repr(error.args)]
    cause: BaseException | None = error
    while cause is not None:
        request = getattr(cause, "_request", None)
        if request is not None:
            shown += [repr(request.headers.raw), repr(request.content), repr(request.extensions)]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(shown)


def secrets_of(kraken: ScriptedKraken) -> set[str]:
    secrets = {PUBLIC_KEY, SECRET, base64.b64decode(SECRET).decode(), TOKEN}
    for call in kraken.calls:
        secrets |= {
            call.headers["api-sign"],
            f"nonce={call.params['nonce']}",
            f'"nonce":"{call.params["nonce"]}"',
        }
    return secrets


async def failure_of(rest: KrakenRest, endpoint: Endpoint[Any]) -> KrakenError:
    try:
        await rest.call(endpoint)
    except KrakenError as error:
        return error
    raise AssertionError("the call should have failed")


@given(
    endpoint=st.sampled_from(PRIVATE),
    answer=st.sampled_from([*NETWORK, *REPLIES]) | st.sampled_from(TABLE).map(lambda row: refused(row[0])),
)
async def test_rest_errors(endpoint: Endpoint[Any], answer: Answer) -> None:
    kraken = ScriptedKraken()
    kraken.on(endpoint.name, answer)
    shown = everything_shown(await failure_of(kraken.rest(), endpoint))
    assert kraken.calls
    assert not [secret for secret in secrets_of(kraken) if secret in shown]


async def test_rest_errors_over_a_real_socket() -> None:
    bodies: list[bytes] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bodies.append(await read_request(reader))
        writer.close()

    server = await asyncio.start_server(peer, "127.0.0.1")
    rest = client(server.sockets[0].getsockname()[1])
    shown = everything_shown(await failure_of(rest, endpoints.ADD_ORDER))
    await rest.close()
    server.close()
    assert bodies
    assert not [secret for secret in (PUBLIC_KEY, SECRET, bodies[0].decode()) if secret in shown]


@given(answer=st.sampled_from([*NETWORK, *REPLIES]))
async def test_what_the_engine_is_told(answer: Answer) -> None:
    kraken = ScriptedKraken()
    for endpoint in PRIVATE:
        kraken.on(endpoint.name, answer)
    stream = KrakenStream("account", "ws://127.0.0.1:1", kraken.clock, random.Random(1))
    broker = KrakenBroker("kraken-1", kraken.rest(), kraken.listing(), stream)
    request = OrderRequest("kabcnet00000000001", "XBTUSD", Side.BUY, OrderType.MARKET, Decimal(1))
    outcome = repr(await broker.submit(request, go_ahead))
    account = AccountStream(kraken.rest(), kraken.listing(), Account())
    try:
        told = repr(await account.prepare())
    except KrakenError as error:
        told = everything_shown(error)
    private = [call for call in kraken.calls if "api-sign" in call.headers]
    kraken.calls = private
    assert not [secret for secret in secrets_of(kraken) if secret in outcome + told]


async def test_logs_at_debug_level(caplog: pytest.LogCaptureFixture) -> None:
    bodies: list[bytes] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bodies.append(await read_request(reader))
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n{"error":["EAPI:Invalid signat"]}')
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(peer, "127.0.0.1")
    rest = client(server.sockets[0].getsockname()[1])
    with caplog.at_level(logging.DEBUG):
        await failure_of(rest, endpoints.ADD_ORDER)
    await rest.close()
    server.close()
    assert "EAPI:Invalid signat" in caplog.text
    assert not [secret for secret in (PUBLIC_KEY, SECRET, bodies[0].decode()) if secret in caplog.text]
