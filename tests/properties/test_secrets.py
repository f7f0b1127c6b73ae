"""No key, signature, nonce or token leaves through an error, on any path that fails."""

import asyncio
import base64
import logging
import random
import traceback
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosedError
from websockets.protocol import State

from krakked_tui.domain.orders import OrderRequest, OrderType, Side
from krakked_tui.kraken import endpoints
from krakked_tui.kraken.account_stream import AccountStream
from krakked_tui.kraken.broker import KrakenBroker
from krakked_tui.kraken.endpoints import ENDPOINTS, Endpoint
from krakked_tui.kraken.errors import KrakenError
from krakked_tui.kraken.link import Link, Listener
from krakked_tui.kraken.order_entry import StreamOrderEntry
from krakked_tui.kraken.order_messages import Amendment
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.session import Session
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.kraken.tokens import TokenSource
from krakked_tui.kraken.topics import Plan
from krakked_tui.kraken.writing import CallWithheldError
from tests.fakes.broker import go_ahead
from tests.unit.kraken.exchange import PUBLIC_KEY, SECRET, Answer, ScriptedKraken, ok, refused
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


class Socket:
    """In place of a connection: hands over what is sent, and fails as it is told."""

    state = State.OPEN

    def __init__(self, link: Callable[[], Link], answer: Exception | str | None) -> None:
        self.sent: list[bytes] = []
        self._link = link
        self._answer = answer

    async def send(self, message: bytes, *, text: bool) -> None:
        assert text
        self.sent.append(message)
        if isinstance(self._answer, Exception):
            raise self._answer
        if self._answer is None:
            self._link().give_up("the connection was closed")
            return
        request = msgspec.json.decode(message)
        reply = {"method": request["method"], "req_id": request["req_id"]}
        failure = {"success": False, "error": self._answer} if self._answer else {"success": True}
        # A cancel is answered for each order.
        ids = request["params"].get("cl_ord_id", "") if request["method"] == "cancel_order" else ""
        self._link().take([msgspec.json.encode(reply | failure)] * max(len(ids), 1), 0)


def _withheld() -> str:
    return "killed"


def _go() -> str:
    return ""


ORDER = OrderRequest("kabcnet00000000001", "XBTUSD", Side.BUY, OrderType.MARKET, Decimal(1))
STREAMED: dict[str, Callable[[StreamOrderEntry, Callable[[], str]], Awaitable[object]]] = {
    "add_order": lambda entry, withhold: entry.add(ORDER, withhold),
    "batch_add": lambda entry, withhold: entry.batch_add([ORDER, ORDER], withhold),
    "amend_order": lambda entry, withhold: entry.amend("k1", Amendment(order_qty=Decimal(1)), withhold),
    "edit_order": lambda entry, withhold: entry.edit("O1", "XBTUSD", Amendment(), withhold),
    "cancel_order": lambda entry, _: entry.cancel(["k1"]),
    "batch_cancel": lambda entry, _: entry.cancel(["k1", "k2"]),
    "cancel_all": lambda entry, _: entry.cancel_all(),
    "cancel_all_orders_after": lambda entry, _: entry.cancel_all_orders_after(60),
}


@given(
    method=st.sampled_from(sorted(STREAMED)),
    answer=st.sampled_from(
        [ConnectionClosedError(None, None), ZeroDivisionError("x"), None, "", "EOrder:Brand new"]
    )
    | st.sampled_from(TABLE).map(lambda row: row[0]),
    withhold=st.sampled_from([_go, _go, _withheld]),
)
async def test_orders_over_the_websocket(
    method: str, answer: Exception | str | None, withhold: Callable[[], str]
) -> None:
    kraken = ScriptedKraken()
    kraken.on("GetWebSocketsToken", ok({"token": TOKEN, "expires": 900}))
    stream = KrakenStream("account", "ws://127.0.0.1:1", kraken.clock, random.Random(1))
    socket = Socket(lambda: link, answer)
    session = Session(Plan(()), 0)
    link = Link(socket, session, Listener("account", lambda *_: None, lambda _: None), kraken.clock)  # type: ignore[arg-type]
    stream._link = link
    rest = kraken.rest()
    entry = StreamOrderEntry(stream, kraken.listing(), TokenSource(rest, kraken.clock), rest, kraken.clock)
    try:
        await STREAMED[method](entry, withhold)
    except (KrakenError, CallWithheldError, ZeroDivisionError) as error:
        shown = everything_shown(error)
    else:
        # Gone already, which is what a cancel wants.
        assert "cancel" in method
        return
    assert all(TOKEN.encode() in message for message in socket.sent)
    assert socket.sent or "killed" in shown
    kraken.calls = [call for call in kraken.calls if "api-sign" in call.headers]
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
