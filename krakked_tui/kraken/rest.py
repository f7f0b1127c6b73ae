"""The way to Kraken's REST interface: signs, sends, waits, and says what went wrong.

Private requests take turns: nonce, signature and writing happen under one lock, which is given up
as soon as the request is written, so that nonces arrive in order while answers overlap.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

import httpx

from krakked_tui import __version__
from krakked_tui.kraken import encode, endpoints, envelope, error_codes
from krakked_tui.kraken.decode import instant
from krakked_tui.kraken.encode import NO_PARAMS, Params
from krakked_tui.kraken.endpoints import Endpoint
from krakked_tui.kraken.errors import (
    AuthError,
    KrakenError,
    NetworkError,
    RateLimitError,
    Sent,
    ServiceUnavailableError,
)
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.nonce import NonceSource
from krakked_tui.kraken.rate_limits import RateLimiter
from krakked_tui.kraken.settings import ConnectionSettings, is_loopback
from krakked_tui.ports import Clock, ServerTime

T = TypeVar("T")

USER_AGENT = f"krakked-tui/{__version__}"

RETRY_DELAYS = (0.5, 1.0, 2.0)
"""Seconds before each repetition of a retryable call."""
RETRY_WAIT_MAX = 10.0
"""A call that must wait longer than this fails instead: its caller has better things to do."""
CALL_SECONDS = 60.0
"""One attempt never takes longer, however slowly the answer trickles in."""
BODY_BYTES_MAX = 32 * 1024 * 1024
CONNECTIONS_MAX = 16
SETTLE_SECONDS = 0.25
"""After a request has been written for this long without an answer, the next one may be written."""

_SPEED_HEADER = "X-Sandbox-Speed"
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_PASSING = (NetworkError, RateLimitError, ServiceUnavailableError)

_log = logging.getLogger(__name__)


class CallWithheldError(Exception):
    """A call was called off before its first byte was written; the message says why."""


def _go_ahead() -> str:
    return ""


class KrakenRest:
    """One client for one account, or for public data only. Used from one event loop."""

    def __init__(
        self,
        settings: ConnectionSettings,
        clock: Clock,
        *,
        key: ApiKey | None = None,
        nonces: NonceSource | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Connect nothing yet.

        ``key`` and ``nonces`` are needed for private calls; clients that share a key share its
        nonce source. ``transport`` replaces the network.
        """
        self._base = settings.rest_url.rstrip("/")
        self._loopback = is_loopback(settings.rest_url)
        self._clock = clock
        self._key = key
        self._nonces = nonces
        self._limiter = RateLimiter(settings.public_calls_per_second)
        self._writing = asyncio.Lock()
        self._speed: float | None = None
        self._unlisted: set[str] = set()
        self._client = httpx.AsyncClient(
            transport=transport,
            headers={"User-Agent": USER_AGENT},
            follow_redirects=False,
            # A proxy configured for the outside world must not catch a call to this machine.
            trust_env=not self._loopback,
            timeout=httpx.Timeout(settings.read_timeout_seconds, connect=settings.connect_timeout_seconds),
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
        )

    async def call(
        self, endpoint: Endpoint[T], params: Params = NO_PARAMS, withhold: Callable[[], str] = _go_ahead
    ) -> T:
        """Make one call and return its result.

        ``withhold`` is asked immediately before a private call's first byte is written; when it gives
        a reason, nothing is sent and ``CallWithheldError`` raised.

        A retryable call is repeated after a passing failure, an idempotent one once after an invalid
        nonce; anything else is sent exactly once. Raises ``KrakenError``. A cancelled call may have
        been executed.
        """
        delays = iter(RETRY_DELAYS if endpoint.retryable else ())
        nonce_repeated = False
        while True:
            try:
                return await self._once(endpoint, params, withhold)
            except KrakenError as error:
                # The frames below this one hold the body, its signature and the answer. A traceback
                # that prints local variables must not show them.
                failure = error.with_traceback(None)
            self._notice(failure)
            if failure.code == error_codes.INVALID_NONCE and endpoint.idempotent and not nonce_repeated:
                nonce_repeated = True
                continue
            delay = next(delays, None)
            if delay is None or not isinstance(failure, _PASSING) or failure.retry_after > RETRY_WAIT_MAX:
                raise failure
            await self._clock.sleep(max(delay, failure.retry_after))

    async def server_time(self) -> ServerTime:
        """The exchange's clock; with its time factor when it is a sandbox on this machine."""
        answer = await self.call(endpoints.TIME)
        return ServerTime(at=instant(answer.unixtime), speed=self._speed)

    async def close(self) -> None:
        """Close all connections; later calls fail without being sent."""
        await self._client.aclose()

    async def _once(self, endpoint: Endpoint[T], params: Params, withhold: Callable[[], str]) -> T:
        wait = self._limiter.reserve(endpoint, self._clock.monotonic())
        if wait > 0:
            await self._clock.sleep(wait)
        if self._client.is_closed:
            raise NetworkError("The connection to Kraken has been closed", Sent.NO)
        what = _describe(endpoint, params)
        if endpoint.private:
            status, body = await self._post(endpoint, params, what, withhold)
        else:
            request = self._client.build_request("GET", self._base + endpoint.path, params=dict(params))
            status, body = await self._send(request, what)
        return envelope.result(endpoint, status, body, what, self._clock.now())

    async def _post(
        self, endpoint: Endpoint[T], params: Params, what: str, withhold: Callable[[], str]
    ) -> tuple[int, bytes]:
        if self._key is None or self._nonces is None:
            raise AuthError(f"{what} needs an API key, and this client has none")
        async with _WritingTurn(self._writing, withhold) as turn:
            nonce = str(self._nonces.next())
            body = (encode.json_body if endpoint.json else encode.form_body)(nonce, params)
            kind = "application/json" if endpoint.json else "application/x-www-form-urlencoded"
            request = self._client.build_request(
                "POST",
                self._base + endpoint.path,
                content=body,
                headers={
                    "API-Key": self._key.public,
                    "API-Sign": self._key.sign(endpoint.path, nonce, body),
                    "Content-Type": kind,
                },
                extensions={"trace": turn.trace},
            )
            return await self._send(request, what)

    async def _send(self, request: httpx.Request, what: str) -> tuple[int, bytes]:
        """Send once; return status and body, or raise ``NetworkError``."""
        answered = False
        try:
            async with asyncio.timeout(CALL_SECONDS):
                response = await self._client.send(request, stream=True)
                answered = True
                try:
                    body = await _read(response, what)
                finally:
                    await response.aclose()
        except _NEVER_SENT as error:
            raise NetworkError(f"{what} found no connection to Kraken", Sent.NO) from _bare(error)
        except httpx.HTTPError as error:
            sent = Sent.YES if answered else Sent.MAYBE
            message = f"{what} got no answer: {type(error).__name__}"
            raise NetworkError(message, sent) from _bare(error)
        except TimeoutError as error:
            message = f"{what} took longer than {CALL_SECONDS:.0f} s"
            raise NetworkError(message, Sent.MAYBE) from _bare(error)
        if self._loopback:
            self._speed = _speed(response.headers.get(_SPEED_HEADER))
        return response.status_code, body

    def _notice(self, failure: KrakenError) -> None:
        """Report, once each, the error strings we do not know."""
        if not failure.listed and failure.code not in self._unlisted and len(self._unlisted) < 100:
            self._unlisted.add(failure.code)
            _log.warning("Kraken sent an error we do not know: %s", failure.code)


class _WritingTurn:
    """Holds the writing lock until the request is answered or has failed, or was written a while ago.

    Nonces are written in order, but over separate connections a later one may arrive first and make
    the exchange refuse the earlier, whose order then has to be searched for. So the next request
    waits for the answer, but never long: a call that hangs must not hold up a cancel.
    """

    def __init__(self, lock: asyncio.Lock, withhold: Callable[[], str]) -> None:
        self._lock = lock
        self._withhold = withhold
        self._held = False
        self._overdue: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "_WritingTurn":
        await self._lock.acquire()
        self._held = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    async def trace(self, event: str, _info: dict[str, Any]) -> None:
        """Follow the request through httpx."""
        if event == "http11.send_request_headers.started" and (reason := self._withhold()):
            # The wait for the turn and for a connection is over, and no byte has been written.
            raise CallWithheldError(reason)
        if event == "http11.receive_response_headers.started":
            self._overdue = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._end)
        elif event == "http11.receive_response_headers.complete":
            self._end()

    def _end(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
        if self._held:
            self._held = False
            self._lock.release()


async def _read(response: httpx.Response, what: str) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise NetworkError(f"{what} was answered with more than {BODY_BYTES_MAX} bytes", Sent.YES)
    return bytes(body)


def _bare(error: Exception) -> Exception:
    """Return the error without the signed request it refers to, nor the frames that hold it."""
    if isinstance(error, httpx.RequestError):
        error.request = httpx.Request("POST", "https://request.withheld")
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def _describe(endpoint: Endpoint[Any], params: Params) -> str:
    pair = params.get("pair")
    return f"{endpoint.name} for {pair}" if isinstance(pair, str) else endpoint.name


def _speed(text: str | None) -> float | None:
    """Return the time factor of a sandbox, None when there is none or it makes no sense."""
    try:
        speed = float(text or "nan")
    except ValueError:
        return None
    return speed if math.isfinite(speed) and speed >= 0 else None
