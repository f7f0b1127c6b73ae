"""The way to Kraken's WebSocket: carries messages between a session and a socket, and reconnects.

Reading never waits for whoever listens: listeners are plain functions. Decoding yields to the
loop after a bounded slice, so that a burst of messages delays nothing else.
"""

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn, assert_never

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from krakked_tui.kraken.errors import KrakenError, printable
from krakked_tui.kraken.frames import (
    BalancesFrame,
    CandleFrame,
    DataFrame,
    ExecutionsFrame,
    StatusFrame,
    TickerFrame,
)
from krakked_tui.kraken.rest import USER_AGENT
from krakked_tui.kraken.session import Ended, Event, Plan, Progress, Session
from krakked_tui.kraken.settings import is_loopback
from krakked_tui.ports import Clock, StreamState

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0
STABLE_SECONDS = 60.0
"""A connection that lasted this long makes up for earlier failures."""
TICK_SECONDS = 1.0
SLICE_MESSAGES = 200
SLICE_SECONDS = 0.005
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
OPEN_SECONDS = 10.0
CLOSE_SECONDS = 1.0
"""A peer that does not answer our good-bye is left."""
KINDS_LOGGED_MAX = 100

_POLICY_VIOLATION = 1008
_ONLINE = "online"

_log = logging.getLogger(__name__)
_library_log = logging.getLogger(f"{__name__}.socket")
# At debug level the library logs whole messages, and a subscription carries a token.
_library_log.setLevel(logging.INFO)


class Backoff:
    """Waits between attempts: doubling, capped, each shortened at random by up to half."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._failures = 0

    def next_wait(self) -> float:
        """Return the seconds to wait now; the next wait will be longer."""
        ceiling = min(math.ldexp(FIRST_WAIT_SECONDS, min(self._failures, 20)), LONGEST_WAIT_SECONDS)
        self._failures += 1
        return ceiling * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Start over with the shortest wait."""
        self._failures = 0


class _LostError(Exception):
    """The connection is over. ``wait`` is the least number of seconds until the next attempt."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


class KrakenStream:
    """One connection that is kept up for as long as somebody runs it. ``name`` is shown to people."""

    def __init__(self, name: str, url: str, clock: Clock, rng: random.Random) -> None:
        self.name = name
        self._url = url
        self._clock = clock
        self._rng = rng
        self._backoff = Backoff(rng)
        self._kinds_logged: set[str] = set()

    def sibling(self, name: str) -> "KrakenStream":
        """Return another connection to the same place."""
        return KrakenStream(name, self._url, self._clock, self._rng)

    async def run(
        self,
        prepare: Callable[[], Awaitable[Plan]],
        on_frame: Callable[[DataFrame], None],
        on_state: Callable[[StreamState], None],
    ) -> None:
        """Connect, and connect again whenever the connection is lost, until cancelled.

        ``prepare`` is asked before each connection and may raise ``KrakenError``, as may
        ``on_frame`` when it needs to start over: both count as a lost connection.
        """
        while True:
            try:
                plan = await prepare()
                await self._connection(plan, on_frame, on_state)
            except KrakenError as error:
                lost = _LostError(str(error), error.retry_after)
            except _LostError as error:
                lost = error
            on_state(StreamState(name=self.name, connected=False, detail=lost.reason))
            await self._clock.sleep(max(self._backoff.next_wait(), lost.wait))

    async def _connection(
        self,
        plan: Plan,
        on_frame: Callable[[DataFrame], None],
        on_state: Callable[[StreamState], None],
    ) -> NoReturn:
        """Live through one connection; raise ``_LostError`` at its end."""
        try:
            connection = await self._connect()
        except (OSError, WebSocketException) as error:
            reason = f"cannot connect: {printable(str(error)) or type(error).__name__}"
            raise _LostError(reason) from error
        opened = self._clock.monotonic()
        session = Session(plan, opened)
        lost: list[_LostError] = []
        try:
            async with asyncio.TaskGroup() as group:
                listener = _Listener(self.name, on_frame, on_state)
                group.create_task(self._read(connection, session, listener))
                group.create_task(self._tick(connection, session, listener))
        except* _LostError as error:
            lost += [each for each in error.exceptions if isinstance(each, _LostError)]
        finally:
            await connection.close()
            self._log_oddities(session)
            if self._clock.monotonic() - opened >= STABLE_SECONDS:
                self._backoff.reset()
        raise lost[0]

    def _connect(self) -> connect:
        return _Connect(
            self._url,
            compression=None,
            user_agent_header=USER_AGENT,
            # A proxy configured for the outside world must not catch a call to this machine.
            proxy=None if is_loopback(self._url) else True,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            # The session pings by itself, and knows what counts as life.
            ping_interval=None,
            max_size=MESSAGE_BYTES_MAX,
            logger=_library_log,
        )

    async def _read(self, connection: ClientConnection, session: Session, listener: "_Listener") -> None:
        messages = 0
        slice_start = self._clock.monotonic()
        while True:
            data = await _receive(connection)
            now = self._clock.monotonic()
            listener.hear(session.receive(data, now))
            await _send(connection, session)
            messages += 1
            if messages >= SLICE_MESSAGES or now - slice_start >= SLICE_SECONDS:
                await asyncio.sleep(0)
                messages, slice_start = 0, self._clock.monotonic()

    async def _tick(self, connection: ClientConnection, session: Session, listener: "_Listener") -> None:
        while True:
            await self._clock.sleep(TICK_SECONDS)
            listener.hear(session.tick(self._clock.monotonic()))
            await _send(connection, session)
            self._log_oddities(session)

    def _log_oddities(self, session: Session) -> None:
        """Log each kind of message that had to be dropped, once."""
        for kind in session.oddities.keys() - self._kinds_logged:
            if len(self._kinds_logged) < KINDS_LOGGED_MAX:
                self._kinds_logged.add(kind)
                _log.warning("The %s stream dropped a message: %s", self.name, kind)


class _Connect(connect):
    """Never follows a redirect: a token must reach no host but the configured one."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Listener:
    """Hands what a session says to whoever asked for it."""

    def __init__(
        self,
        name: str,
        on_frame: Callable[[DataFrame], None],
        on_state: Callable[[StreamState], None],
    ) -> None:
        self._name = name
        self._on_frame = on_frame
        self._on_state = on_state
        self._system = _ONLINE

    def hear(self, events: Sequence[Event]) -> None:
        """Pass events on; raise ``_LostError`` at the one that ends the session."""
        for event in events:
            match event:
                case TickerFrame() | CandleFrame() | ExecutionsFrame() | BalancesFrame():
                    self._on_data(event)
                case StatusFrame(data):
                    self._system = printable(data[-1].system, limit=40) if data else _ONLINE
                case Progress(wanted, acked, failed):
                    detail = "" if self._system == _ONLINE else f"the exchange is in {self._system}"
                    self._on_state(
                        StreamState(
                            name=self._name,
                            connected=True,
                            detail=detail,
                            wanted=wanted,
                            acked=acked,
                            failed=failed,
                        )
                    )
                case Ended(reason):
                    raise _LostError(reason)
                case _ as unreachable:
                    assert_never(unreachable)

    def _on_data(self, frame: DataFrame) -> None:
        try:
            self._on_frame(frame)
        except KrakenError as error:
            raise _LostError(str(error)) from error


async def _receive(connection: ClientConnection) -> bytes:
    try:
        return await connection.recv(decode=False)
    except ConnectionClosed as error:
        raise _closed(error) from error


async def _send(connection: ClientConnection, session: Session) -> None:
    try:
        for message in session.take_outgoing():
            await connection.send(message, text=True)
    except ConnectionClosed as error:
        raise _closed(error) from error


def _closed(error: ConnectionClosed) -> _LostError:
    """Say why the peer closed; one that closed for our conduct is left alone for long."""
    code = error.rcvd.code if error.rcvd else None
    wait = LONGEST_WAIT_SECONDS if code == _POLICY_VIOLATION else 0.0
    return _LostError(f"the connection was closed: {printable(str(error))}", wait)
