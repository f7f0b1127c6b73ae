"""The way to Kraken's REST interface: signs, sends, waits, and says what went wrong.

A call first waits for the rate limiter, then for one of our connections, of which order calls have
their own and the most urgent find some free. Once its connection is there, a private request waits
for its turn, the most urgent first: nonce, signature and writing happen under one lock, which is given
up soon after the request is written, so that nonces arrive in order while answers overlap.
"""

import asyncio
import logging
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import httpx

from krakked_tui import __version__
from krakked_tui.domain.errors import StorageError
from krakked_tui.kraken import encode, endpoints, envelope, error_codes, wire
from krakked_tui.kraken.admission import admitted
from krakked_tui.kraken.decode import instant
from krakked_tui.kraken.encode import NO_PARAMS, Params
from krakked_tui.kraken.endpoints import Counter, Endpoint, Priority
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
    printable,
)
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.nonce import NonceReserve, NonceSource
from krakked_tui.kraken.oddities import Oddities
from krakked_tui.kraken.rate_limits import RateLimiter, Ticket
from krakked_tui.kraken.row_by_row import unreadable_in
from krakked_tui.kraken.settings import ConnectionSettings, is_loopback
from krakked_tui.kraken.transports import CONNECTIONS_MAX, connections
from krakked_tui.kraken.writing import CallWithheldError as CallWithheldError
from krakked_tui.kraken.writing import Places, Signed, WritingTurn
from krakked_tui.ports import Clock, Headroom, ServerTime

T = TypeVar("T")
Json: TypeAlias = Any
"""Whatever JSON can say."""

USER_AGENT = f"krakked-tui/{__version__}"

RETRY_DELAYS = (0.5, 1.0, 2.0)
"""Seconds before each repetition of a retryable call."""
RETRY_WAIT_MAX = 10.0
"""A call that must wait longer than this fails instead: its caller has better things to do."""
CALL_SECONDS = 60.0
"""One attempt never takes longer, however slowly the answer trickles in."""
BODY_BYTES_MAX = 32 * 1024 * 1024
KEPT: Mapping[int, int] = {Priority.CANCEL: 2, Priority.ORDER: 4, Priority.ACCOUNT: 6, Priority.HISTORY: 8}
"""Connections of a pool that calls of a priority leave to those before them."""
OVERLAP_NONCE_WINDOW = 2 * 10**9
"""A nonce window (nanoseconds) from which on requests may overtake each other on their way."""

_NONCE_RETRY_SECONDS = 5.0
_METHOD = re.compile(r"[A-Za-z0-9]{1,64}(/[A-Za-z0-9]{1,64})?")
CLOCK_ERROR_SECONDS = 2.0
"""How far our idea of the exchange's time may be off."""
_SPEED_HEADER, _MARKET_HEADER = "X-Sandbox-Speed", "X-Sandbox-Market"
_MARKET_NAME = re.compile(r"[a-z0-9-]{1,40}")
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_PASSING = (NetworkError, RateLimitError, ServiceUnavailableError)

_log = logging.getLogger(__name__)


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
        self._reserve = NonceReserve(nonces) if nonces is not None else None
        self.limiter = RateLimiter(settings)
        """Shared by everything that talks to the exchange from this address with this key."""
        self.oddities = Oddities()
        """What the exchange said that we do not understand."""
        self._writing = Places(1)
        self._nonce_window = settings.nonce_window
        self._jumps = 0
        self._speed: float | None = None
        self.sandbox_market = ""
        """Which market a sandbox on this machine plays, once it has answered; empty at the real exchange."""
        self._reads = connections(settings, USER_AGENT, transport, loopback=self._loopback)
        # Reads that hang must not keep orders and cancels from a connection.
        self._orders = connections(settings, USER_AGENT, transport, loopback=self._loopback)
        self._read_places = Places(CONNECTIONS_MAX, KEPT)
        self._order_places = Places(CONNECTIONS_MAX, KEPT)
        self._place_seconds = settings.pool_timeout_seconds

    async def call(
        self,
        endpoint: Endpoint[T],
        params: Params = NO_PARAMS,
        withhold: Callable[[], str] = _go_ahead,
        *,
        priority: Priority | None = None,
    ) -> T:
        """Make one call and return its result.

        It waits until the rate limits allow it; ``priority`` replaces the endpoint's own. ``withhold``
        is asked while it waits, and immediately before a private call's first byte is written; when it
        gives a reason, nothing is sent and ``CallWithheldError`` raised.

        A retryable call is repeated after a passing failure, an idempotent one after an invalid nonce,
        and once more after our nonces have jumped over a stranger's; anything else is sent exactly once.
        Raises ``KrakenError``. A cancelled call may have
        been executed.
        """
        delays = iter(RETRY_DELAYS if endpoint.retryable else ())
        nonces_refused = 0
        while True:
            jumps = self._jumps
            try:
                return await self._once(endpoint, params, withhold, priority)
            except KrakenError as error:
                # The frames below this one hold the body, its signature and the answer. A traceback
                # that prints local variables must not show them.
                failure = error.with_traceback(None)
            self.oddities.report(failure)
            if failure.code == error_codes.INVALID_NONCE and endpoint.idempotent:
                nonces_refused += 1
                if nonces_refused == 1 or (nonces_refused == 2 and self._catch_up(jumps)):
                    continue
            delay = next(delays, None)
            if delay is None or not isinstance(failure, _PASSING) or failure.retry_after > RETRY_WAIT_MAX:
                raise failure
            # After a refusal for its rate the limiter knows best when the call may go again.
            wait = 0.0 if isinstance(failure, RateLimitError) else failure.retry_after
            await self._clock.sleep(max(delay, wait))

    async def public(self, method: str, params: Params = NO_PARAMS) -> Json:
        """Call any public method and return its result as plain values, every number exact.

        Numbers without quotes come as ``int`` or ``Decimal``, quoted ones as the text they are. Raises
        ``KrakenError``.
        """
        return await self.call(_any_method(method, private=False), params)

    async def private(self, method: str, params: Params = NO_PARAMS) -> Json:
        """Call any private method, as ``public`` does for the others.

        Parameters that are not text are sent as JSON. A method we do not know is sent exactly once, and
        budgeted like the dearest there is.
        """
        endpoint = _any_method(method, private=True)
        if not all(isinstance(value, str) for value in params.values()):
            endpoint = replace(endpoint, json=True)
        return await self.call(endpoint, params)

    async def server_time(self) -> ServerTime:
        """The exchange's clock; with its time factor when it is a sandbox on this machine."""
        answer = await self.call(endpoints.TIME)
        return ServerTime(at=instant(answer.unixtime), speed=self._speed)

    def headroom(self) -> tuple[Headroom, ...]:
        """Return the exchange's rate limits and what is left of them."""
        return self.limiter.headroom(self._clock.monotonic())

    def fits(self, endpoint: Endpoint[Any], params: Params) -> bool:
        """Say whether the rate limits would let a call go at once."""
        return self.limiter.fits(endpoint, params, self._clock.monotonic())

    def saw_order(self, pair: str, order_ids: tuple[str, ...], opened_at: datetime | None) -> None:
        """Have an open order that the exchange lists count with its age; None: nobody knows it."""
        age = None
        if opened_at is not None:
            passed = (self._clock.now() - opened_at).total_seconds()
            # A sandbox ages orders in wall time or in its own, so take whichever is less.
            age = max(passed / max(self._clock.speed, 1.0) - CLOCK_ERROR_SECONDS, 0.0)
        self.limiter.order_seen(pair, order_ids, age, self._clock.monotonic())

    async def close(self) -> None:
        """Close all connections; later calls fail without being sent."""
        await self._reads.aclose()
        await self._orders.aclose()
        if self._reserve is not None:
            await self._reserve.close()

    async def _once(
        self, endpoint: Endpoint[T], params: Params, withhold: Callable[[], str], priority: Priority | None
    ) -> T:
        what = _describe(endpoint, params)
        self._check_open()
        if endpoint.private and (self._key is None or self._nonces is None):
            raise AuthError(f"{what} needs an API key, and this client has none")
        ticket = await admitted(self.limiter, self._clock, endpoint, params, withhold, priority=priority)
        try:
            result = await self._exchange(endpoint, params, what, withhold, ticket)
        except CallWithheldError:
            self.limiter.leave(ticket, self._clock.monotonic())
            raise
        except KrakenError as error:
            self._account_for(ticket, error)
            raise
        except BaseException:
            self.limiter.settle(ticket, self._clock.monotonic(), sure=False)
            raise
        self.limiter.settle(ticket, self._clock.monotonic(), result)
        for key, reason in unreadable_in(result).items():
            self.oddities.report(KrakenProtocolError(f"{what}: row {printable(key)} is left out: {reason}"))
        if isinstance(result, wire.ApiKeyInfo) and result.nonce_window.isdigit():
            self._nonce_window = max(self._nonce_window, int(result.nonce_window))
        return result

    async def _exchange(
        self, endpoint: Endpoint[T], params: Params, what: str, withhold: Callable[[], str], ticket: Ticket
    ) -> T:
        """Send a call that has been admitted, and return its result."""
        trading = endpoint.counter is Counter.TRADING
        places = self._order_places if trading else self._read_places
        try:
            await places.acquire_within(self._place_seconds, ticket.rank)
        except TimeoutError as error:
            raise NetworkError(f"{what} found all connections to Kraken taken", Sent.NO) from error
        try:
            self._check_open()
            client = self._orders if trading else self._reads
            status, body = await self._written(client, endpoint, params, what, withhold, ticket)
        finally:
            places.release()
        if endpoint.private and self._key is not None:
            body = self._key.masked(body)
        return envelope.result(endpoint, status, body, what, self._clock.now())

    async def _written(
        self, client: httpx.AsyncClient, endpoint: Endpoint[T], params: Params, what: str,
        withhold: Callable[[], str], ticket: Ticket,
    ) -> tuple[int, bytes]:  # fmt: skip
        """Write the request as soon as it has a connection and, if it is private, its turn."""
        url = self._base + endpoint.path
        if not endpoint.private:
            return await self._send(
                client, client.build_request("GET", url, params=encode.query(params)), what
            )

        if self._reserve is not None:
            try:
                await self._reserve.ready()
            except StorageError as error:
                raise _no_nonce(what, error) from error

        def sign() -> Signed:
            self._check_open()
            return self._signed(endpoint, params, what)

        async with WritingTurn(self._writing, withhold, sign, ticket.rank, overlap=self._overlaps) as turn:
            request = client.build_request("POST", url, extensions={"trace": turn.trace})
            return await self._send(client, request, what, turn)

    def _overlaps(self) -> bool:
        """Say whether the key forgives nonces that arrive out of order."""
        return self._nonce_window >= OVERLAP_NONCE_WINDOW

    def _check_open(self) -> None:
        if self._orders.is_closed:
            raise NetworkError("The connection to Kraken has been closed", Sent.NO)

    def _account_for(self, ticket: Ticket, error: KrakenError) -> None:
        """Tell the limiter what a failed call proves about the exchange's counters."""
        now = self._clock.monotonic()
        if isinstance(error, NonceError) or (isinstance(error, NetworkError) and error.sent is Sent.NO):
            self.limiter.leave(ticket, now)
            return
        if isinstance(error, RateLimitError):
            self.limiter.refused(ticket, error, now)
        self.limiter.settle(ticket, now, sure=error.error_class is not ErrorClass.AMBIGUOUS)

    def _catch_up(self, jumps: int) -> bool:
        """Jump over the nonces of whoever else has used this key, as far as that is safe.

        Return whether nonces are larger now than when there had been so many ``jumps``.
        """
        if self._nonces is not None and self._nonces.jump():
            self._jumps += 1
            _log.warning(
                "Somebody has used this API key with larger nonces; going on a day ahead of the clock"
            )
        return self._jumps > jumps

    def _signed(self, endpoint: Endpoint[T], params: Params, what: str) -> Signed:
        """Return headers and body with a fresh nonce. Raises ``NonceError`` when there is none to be had."""
        assert self._key is not None
        assert self._nonces is not None
        try:
            nonce = str(self._nonces.next())
        except StorageError as error:
            raise _no_nonce(what, error) from error
        if self._key.otp:
            params = {**params, "otp": self._key.otp}
        body = (encode.json_body if endpoint.json else encode.form_body)(nonce, params)
        headers = {
            "API-Key": self._key.public,
            "API-Sign": self._key.sign(endpoint.path, nonce, body),
            "Content-Type": "application/json" if endpoint.json else "application/x-www-form-urlencoded",
        }
        return headers, body

    async def _send(
        self, client: httpx.AsyncClient, request: httpx.Request, what: str, turn: WritingTurn | None = None
    ) -> tuple[int, bytes]:
        """Send once; return status and body, or raise ``NetworkError``."""
        answered = False

        def sent() -> Sent:
            if answered:
                return Sent.YES
            return Sent.NO if turn is not None and not turn.began else Sent.MAYBE

        try:
            async with asyncio.timeout(CALL_SECONDS):
                response = await client.send(request, stream=True)
                answered = True
                try:
                    body = await _read(response, what)
                finally:
                    await response.aclose()
        except _NEVER_SENT as error:
            raise NetworkError(f"{what} found no connection to Kraken", Sent.NO) from _bare(error)
        except httpx.HTTPError as error:
            message = f"{what} got no answer: {type(error).__name__}"
            raise NetworkError(message, sent()) from _bare(error)
        except TimeoutError as error:
            message = f"{what} took longer than {CALL_SECONDS:.0f} s"
            raise NetworkError(message, sent()) from _bare(error)
        if self._loopback:
            self._speed = _speed(response.headers.get(_SPEED_HEADER))
            named = response.headers.get(_MARKET_HEADER, "")
            self.sandbox_market = named if _MARKET_NAME.fullmatch(named) else ""
        return response.status_code, body


async def _read(response: httpx.Response, what: str) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise NetworkError(f"{what} was answered with more than {BODY_BYTES_MAX} bytes", Sent.YES)
    return bytes(body)


def _no_nonce(what: str, error: StorageError) -> NonceError:
    return NonceError(f"{what} was not sent: {error}", retry_after=_NONCE_RETRY_SECONDS)


def _bare(error: Exception) -> Exception:
    """Return the error without the signed request it refers to, nor the frames that hold it."""
    if isinstance(error, httpx.RequestError):
        error.request = httpx.Request("POST", "https://request.withheld")
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def _any_method(method: str, *, private: bool) -> Endpoint[Any]:
    # The name becomes part of the path that is signed and sent.
    if not _METHOD.fullmatch(method):
        raise InvalidArgumentsError(f"There is no method of Kraken's called {printable(method)!r}")
    return endpoints.by_name(method, private=private)


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
