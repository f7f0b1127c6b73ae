"""What errors say by themselves."""

import asyncio
import base64
import logging
import traceback

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.errors import StorageError
from krakked_tui.kraken import endpoints
from krakked_tui.kraken.errors import (
    ErrorClass,
    KrakenError,
    KrakenProtocolError,
    NetworkError,
    Sent,
    printable,
)
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.nonce import NonceSource
from krakked_tui.kraken.rest import CallWithheldError, KrakenRest
from krakked_tui.kraken.settings import ConnectionSettings
from tests.unit.kraken.exchange import PUBLIC_KEY, SECRET, Answer, Call, ScriptedKraken, refused


@pytest.mark.parametrize(
    ("sent", "proven"),
    [
        (Sent.NO, ErrorClass.NOT_EXECUTED),
        (Sent.MAYBE, ErrorClass.AMBIGUOUS),
        (Sent.YES, ErrorClass.AMBIGUOUS),
    ],
)
def test_only_a_request_that_never_left_is_proven_harmless(sent: Sent, proven: ErrorClass) -> None:
    assert NetworkError("x", sent).error_class is proven


def test_an_unreadable_answer_proves_nothing() -> None:
    assert KrakenProtocolError("x").error_class is ErrorClass.AMBIGUOUS


def test_printable() -> None:
    assert printable("EOrder:Insufficient funds") == "EOrder:Insufficient funds"
    assert printable("a\x1b[2J\u202eb\r\n") == "a?[2J?b??"
    assert printable("x" * 300) == "x" * 200 + "..."


# No secret in any of them -------------------------------------------------------------------------

OTP = "correct horse battery"
TOKEN = "WW91ciBhdXRoZW50aWNhdGlvbiB0b2tlbg"
NONCE = 1_767_614_400_123_456_789
METHODS = ("AddOrder", "CancelOrder", "Balance", "Ledgers", "GetWebSocketsToken", "GetApiKeyInfo", "Unheard")


class NoDisk:
    def next(self, at_least: int) -> int:
        raise StorageError("/home/op/nonces cannot be written (No space left on device)")

    def left(self, at_least: int) -> int:
        return -1

    def reserve(self, at_least: int) -> None:
        self.next(at_least)


def everything_shown(error: BaseException) -> str:
    """All that a report of an error can show: text, attributes, causes, and local variables of our code."""
    parts = [repr(error), str(error), repr(vars(error)), "".join(traceback.format_exception(error))]
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    chain: list[traceback.TracebackException | None] = [report]
    while chain and (link := chain.pop()):
        for frame in link.stack:
            # The test's own frames hold the secrets on purpose.
            if "/krakked_tui/" in frame.filename:
                parts += [frame.name, repr(frame.locals)]
        parts += link.format_exception_only()
        chain += [link.__cause__, link.__context__]
    cause: BaseException | None = error
    while cause is not None:
        if (request := getattr(cause, "_request", None)) is not None:
            parts += [repr(request.headers.raw), repr(request.content), repr(request.extensions)]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(parts)


def leaks(shown: str, bodies: list[Call]) -> list[str]:
    secrets = {PUBLIC_KEY, SECRET, base64.b64decode(SECRET).decode(), OTP, "correct+horse", TOKEN, str(NONCE)}
    for call in bodies:
        secrets |= {call.headers.get("api-sign", PUBLIC_KEY), call.body.decode() or SECRET}
        secrets |= {str(call.params.get("nonce", NONCE))}
    return [secret for secret in secrets if secret in shown]


ANSWERS: list[Answer] = [
    httpx.ConnectError("x"),
    httpx.PoolTimeout("x"),
    httpx.ReadTimeout("x"),
    httpx.WriteError("x"),
    httpx.RemoteProtocolError("x"),
    httpx.Response(429),
    httpx.Response(502, text=f"<html>{TOKEN}"),
    httpx.Response(200, text=f"<html>{TOKEN}"),
    httpx.Response(200, content=b'{"error":[]}'),
    httpx.Response(200, content=b'{"error":[],"result":{"token":["%s"],"txid":7}}' % TOKEN.encode()),
    httpx.Response(200, content=b'{"error":[],"result":["%s"]}' % TOKEN.encode()),
    refused("EGeneral:Temporary lockout"),
    refused("EService:Throttled: 1741500000"),
    refused("EOrder:Rate limit exceeded"),
    refused("EAPI:Invalid nonce"),
    refused("EBrand:New"),
]


@given(
    method=st.sampled_from(METHODS),
    answer=st.sampled_from(ANSWERS),
    disk_full=st.booleans(),
    path=st.sampled_from(["typed", "by name", "withheld", "cancelled", "closed"]),
)
async def test_no_failure_shows_a_secret(method: str, answer: Answer, disk_full: bool, path: str) -> None:
    kraken = ScriptedKraken()
    kraken.on(method, answer)
    rest = KrakenRest(
        ConnectionSettings(),
        kraken.clock,
        key=ApiKey(PUBLIC_KEY, SECRET, OTP),
        nonces=NonceSource(lambda: NONCE, NoDisk() if disk_full else None),
        transport=httpx.MockTransport(kraken.handle),
    )
    shown = []
    with LogCapture() as log:
        for _ in range(2):
            error = await failure(rest, method, path)
            shown.append(everything_shown(error) if error is not None else "")
    assert not leaks("\n".join([*shown, log.text, repr(rest), repr(rest.headroom())]), kraken.calls)


async def failure(rest: KrakenRest, method: str, path: str) -> BaseException | None:
    """Fail in one of the ways a call can fail, and return with what."""
    endpoint = endpoints.by_name(method, private=True)
    if path == "typed":
        endpoint = next((each for each in endpoints.ENDPOINTS if each.name == method), endpoint)
    if path == "closed":
        await rest.close()
    try:
        async with asyncio.timeout(0 if path == "cancelled" else None):
            reason = "killed" if path == "withheld" else ""
            await rest.call(endpoint, {"pair": "XBTUSD"}, lambda: reason)
    except (KrakenError, CallWithheldError, TimeoutError) as error:
        return error
    return None


class LogCapture(logging.Handler):
    """Everything that is logged meanwhile, at any level, with tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(message)s %(args)s %(exc_text)s"))
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record)

    def __enter__(self) -> "LogCapture":
        self._root = logging.getLogger()
        self._before = self._root.level
        self._root.addHandler(self)
        self._root.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        self._root.removeHandler(self)
        self._root.setLevel(self._before)


def test_the_watch_for_secrets_sees_them() -> None:
    with pytest.raises(KrakenError) as caught:
        raise KrakenError(f"nonce={NONCE}")
    assert leaks(everything_shown(caught.value), []) == [str(NONCE)]
