"""The way to Kraken's WebSocket: connections that are kept up, and opened anew when they are lost."""

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import NoReturn, Protocol

from websockets.exceptions import WebSocketException

from krakked_tui.kraken.connection import BulkConnection, Connect
from krakked_tui.kraken.errors import KrakenError, NetworkError, Sent, printable
from krakked_tui.kraken.link import Link, Listener, LostError, Mask, ignored, unmasked
from krakked_tui.kraken.pending import Answered
from krakked_tui.kraken.rest import USER_AGENT
from krakked_tui.kraken.session import DEFAULT_PACE, BookChanged, News, Pace, Session
from krakked_tui.kraken.settings import is_loopback
from krakked_tui.kraken.topics import Plan, Subscription
from krakked_tui.ports import Clock, StreamState

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0
STABLE_SECONDS = 60.0
"""A connection that lasted this long makes up for earlier failures."""
POLICY_WAIT_SECONDS = 60.0
"""After the peer closed for our conduct; ten times that when it does so again."""
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
OPEN_SECONDS = 10.0
CLOSE_SECONDS = 1.0
"""A peer that does not answer our good-bye is left."""
KINDS_LOGGED_MAX = 100

_log = logging.getLogger(__name__)
_library_log = logging.getLogger(f"{__name__}.socket")
# At debug level the library logs whole messages, and a subscription carries a token.
_library_log.setLevel(logging.INFO)


class ConnectBudget(Protocol):
    """Knows how many connections Kraken lets an address open."""

    def connect_delay(self, now: float) -> float:
        """Book an attempt and return how many wall seconds to wait for it."""
        ...


class Backoff:
    """Waits between attempts: doubling, capped, each shortened at random by up to half."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._failures = 0
        self._scoldings = 0

    def next_wait(self) -> float:
        """Return the seconds to wait now; the next wait will be longer."""
        ceiling = min(math.ldexp(FIRST_WAIT_SECONDS, min(self._failures, 20)), LONGEST_WAIT_SECONDS)
        self._failures += 1
        return ceiling * self._rng.uniform(0.5, 1.0)

    def after(self, lost: LostError) -> float:
        """Return the seconds to wait after a connection was lost this way."""
        wait = max(self.next_wait(), lost.wait)
        if lost.policy:
            wait = max(wait, POLICY_WAIT_SECONDS * (10 if self._scoldings else 1))
            self._scoldings += 1
        return wait

    def reset(self) -> None:
        """Start over with the shortest wait."""
        self._failures = self._scoldings = 0


class KrakenStream:
    """One connection that is kept up for as long as somebody runs it. ``name`` is shown to people."""

    def __init__(
        self,
        name: str,
        url: str,
        clock: Clock,
        rng: random.Random,
        budget: ConnectBudget | None = None,
        *,
        mask: Mask = unmasked,
        pace: Pace = DEFAULT_PACE,
    ) -> None:
        """Connect nothing yet. ``budget`` is shared by all connections of this machine.

        ``mask`` takes out of each message what nobody may read.
        """
        self._pace = pace
        self._mask = mask
        self.name = name
        self._url = url
        self._clock = clock
        self._rng = rng
        self._budget = budget
        self._backoff = Backoff(rng)
        self._kinds_logged: set[str] = set()
        self._link: Link | None = None

    def sibling(self, name: str) -> "KrakenStream":
        """Return another connection to the same place."""
        return KrakenStream(
            name, self._url, self._clock, self._rng, self._budget, mask=self._mask, pace=self._pace
        )

    async def run(
        self,
        prepare: Callable[[], Awaitable[Plan]],
        on_news: Callable[[News, float], None],
        on_state: Callable[[StreamState], None],
        on_status: Callable[[str], None] = ignored,
    ) -> None:
        """Connect, and connect again whenever the connection is lost, until cancelled.

        ``prepare`` is asked before each connection and may raise ``KrakenError``, as may
        ``on_news`` when it needs to start over: both count as a lost connection. ``on_news`` also
        gets the wall second of receipt. ``on_status`` is told what the exchange calls its own state.
        """
        while True:
            if (
                self._budget is not None
                and (delay := self._budget.connect_delay(self._clock.monotonic())) > 0
            ):
                await self._clock.sleep(delay)
            try:
                plan = await prepare()
                await self._connection(plan, Listener(self.name, on_news, on_state, on_status))
            except KrakenError as error:
                lost = LostError(str(error), error.retry_after)
            except LostError as error:
                lost = error
            on_state(StreamState(name=self.name, connected=False, detail=lost.reason))
            await self._clock.sleep(self._backoff.after(lost))

    async def want(self, subscriptions: Iterable[Subscription]) -> None:
        """Replace what the open connection is for.

        Without one, or when it is lost just now, ``prepare`` is asked before the next.
        """
        if self._link is None:
            return
        try:
            await self._link.want(subscriptions)
        except LostError:
            # Whoever reads from the connection finds out as well, and says so.
            _log.debug("The %s stream was lost before a change could be sent", self.name)

    async def renew(self, symbols: Collection[str]) -> None:
        """Subscribe anew to everything about these symbols; a new connection does so anyway."""
        if self._link is None:
            return
        try:
            await self._link.renew(symbols)
        except LostError:
            # Whoever reads from the connection finds out as well, and says so.
            _log.debug("The %s stream was lost before it could subscribe anew", self.name)

    async def request(
        self, method: str, params: Mapping[str, object], *, answers: int = 1, seconds: float,
        withhold: Callable[[], str],
    ) -> Answered:  # fmt: skip
        """Send one request over the open connection and wait for its answers.

        ``withhold`` is asked immediately before it is written; when it gives a reason, nothing is sent
        and ``CallWithheldError`` raised. Raises ``NetworkError``: sent "no" without a connection,
        "maybe" when it is lost before the answers are there. Answers that took longer than ``seconds``
        make the result incomplete. A request whose caller is cancelled may have been carried out.
        """
        if self._link is None:
            raise NetworkError(f"{method} found no connection to Kraken", Sent.NO)
        return await self._link.request(method, params, answers=answers, seconds=seconds, withhold=withhold)

    def heard(self, channel: str, symbol: str | None = None) -> float | None:
        """Return when the open connection last said something of a channel (about a symbol)."""
        return None if self._link is None else self._link.session.heard(channel, symbol)

    @property
    def quiet_until(self) -> float:
        """The wall second until which the exchange wants to hear less of us."""
        return 0.0 if self._link is None else self._link.session.quiet_until

    async def _connection(self, plan: Plan, listener: Listener) -> NoReturn:
        """Live through one connection; raise ``LostError`` at its end."""
        try:
            connection = await self._connect()
        except (OSError, WebSocketException) as error:
            reason = f"cannot connect: {printable(str(error)) or type(error).__name__}"
            raise LostError(reason) from error
        assert isinstance(connection, BulkConnection)
        opened = self._clock.monotonic()
        session = Session(plan, opened, self._pace)
        link = self._link = Link(connection, session, listener, self._clock, mask=self._mask)
        lost: list[LostError] = []
        dropped: list[BookChanged] = []
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(link.read())
                group.create_task(link.tick(lambda: self._log_oddities(session)))
        except* LostError as error:
            lost += [each for each in error.exceptions if isinstance(each, LostError)]
        finally:
            self._link = None
            dropped = session.close()
            link.give_up(lost[0].reason if lost else "the connection was given up")
            await connection.close()
            self._log_oddities(session)
            if self._clock.monotonic() - opened >= STABLE_SECONDS:
                self._backoff.reset()
        for changed in dropped:
            listener.on_news(changed, self._clock.monotonic())
        raise lost[0]

    def _connect(self) -> Connect:
        return Connect(
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
            create_connection=BulkConnection,
        )

    def _log_oddities(self, session: Session) -> None:
        """Log each kind of oddity once."""
        for kind in session.oddities.keys() - self._kinds_logged:
            if len(self._kinds_logged) < KINDS_LOGGED_MAX:
                self._kinds_logged.add(kind)
                detail = session.examples.get(kind)
                what = f"{kind} ({detail})" if detail else kind
                _log.warning("The %s stream said something odd: %s", self.name, what)
