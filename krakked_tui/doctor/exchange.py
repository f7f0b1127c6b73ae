"""The exchange as a check asks it: a few calls that change nothing there."""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import msgspec

from krakked_tui.bootstrap.exchange import KrakenLink, open_link
from krakked_tui.config.places import Places
from krakked_tui.domain.access import KeyAudit
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.kraken import endpoints
from krakked_tui.kraken.errors import NetworkError, printable
from krakked_tui.kraken.key_audit import audit_key
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.session import News
from krakked_tui.kraken.settings import ConnectionSettings
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.kraken.topics import Plan, Subscription
from krakked_tui.ports import StreamState

SAMPLES = 3
SAMPLE_PAUSE_SECONDS = 0.3
"""The exchange tells whole seconds; asked at different moments of one, its answers say more."""
_PAIR = "BTC/USD"


class TimeSample(msgspec.Struct, frozen=True):
    """One answer to "what time is it": our clock before and after, theirs in whole seconds.

    ``speed`` is the time factor of a sandbox, None for an exchange that is none.
    """

    asked: datetime
    answered: datetime
    server: datetime
    speed: float | None = None


class Unreachable(Exception):
    """There was no usable answer; ``cause`` is what the network said, if it said anything."""

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause


class Exchange(Protocol):
    """What checks ask. Each method is called from a loop of its own.

    All raise ``Unreachable`` when nobody answered, other ``KrakenError`` when the answer is an error.
    """

    async def status(self) -> str:
        """The exchange's mode, such as "online". Untrusted text."""
        ...

    async def times(self) -> tuple[TimeSample, ...]:
        """A few answers about its clock, at least one."""
        ...

    async def greet(self) -> StreamState:
        """What comes of opening the public WebSocket and asking for one price."""
        ...

    async def audit(self, key: ApiKey) -> KeyAudit:
        """What a key may do, found out by calls that change nothing."""
        ...


class KrakenExchange:
    """``Exchange`` over the network. ``now`` is the machine's clock; each question has a new ``clock``."""

    def __init__(
        self,
        settings: ConnectionSettings,
        where: Places,
        now: Callable[[], datetime],
        clock: Callable[[], ExchangeClock] = ExchangeClock,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._where = where
        self._now = now

    async def status(self) -> str:
        """See ``Exchange``."""
        link = self._link()
        try:
            with _translated():
                # Once, without the repetitions a trading engine makes: somebody waits for the answer.
                return (await link.rest.call(replace(endpoints.SYSTEM_STATUS, retryable=False))).status
        finally:
            await link.rest.close()

    async def times(self) -> tuple[TimeSample, ...]:
        """See ``Exchange``."""
        link = self._link()
        samples: list[TimeSample] = []
        try:
            with _translated():
                # The first call also opens the connection, which takes longer than the answer.
                await link.rest.server_time()
                for _ in range(SAMPLES):
                    asked = self._now()
                    server = await link.rest.server_time()
                    samples.append(TimeSample(asked, self._now(), server.at, server.speed))
                    await link.clock.sleep(SAMPLE_PAUSE_SECONDS)
        finally:
            await link.rest.close()
        return tuple(samples)

    async def greet(self) -> StreamState:
        """See ``Exchange``."""
        first: asyncio.Future[StreamState] = asyncio.get_running_loop().create_future()

        async def prepare() -> Plan:
            return Plan((Subscription("ticker", (_PAIR,)),))

        def on_news(_news: News, _at: float) -> None:
            """Prices are of no interest here."""

        def on_state(state: StreamState) -> None:
            if not first.done():
                first.set_result(state)

        rng = random.Random()  # noqa: S311 - jitter of reconnects
        stream = KrakenStream("market", self._settings.ws_public_url, self._clock(), rng)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(stream.run(prepare, on_news, on_state))
            try:
                return await first
            finally:
                running.cancel()

    async def audit(self, key: ApiKey) -> KeyAudit:
        """See ``Exchange``. Notes the nonces it uses, as an engine does."""
        clock = self._clock()
        link = open_link(self._settings, clock, self._where, key)
        try:
            with _translated():
                asked = clock.monotonic()
                clock.synchronise(await link.rest.server_time(), asked, clock.monotonic())
                return await audit_key(link.rest, clock.now)
        finally:
            await link.rest.close()

    def _link(self) -> KrakenLink:
        return open_link(self._settings, self._clock(), self._where, None)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except NetworkError as error:
        raise Unreachable(str(error), printable(str(error.__cause__ or ""))) from error
