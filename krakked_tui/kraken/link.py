"""One live WebSocket connection: carries messages between a session and a socket until it is lost.

Reading never waits for whoever listens: listeners are plain functions. Decoding yields to the
loop after a bounded slice, so that a burst of messages delays nothing else.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import accumulate

from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from krakked_tui.kraken.connection import BulkConnection
from krakked_tui.kraken.errors import KrakenError, NetworkError, RateLimitError, Sent, printable
from krakked_tui.kraken.frames import (
    Payload,
    StatusFrame,
)
from krakked_tui.kraken.pending import PENDING_MAX, Answered
from krakked_tui.kraken.session import Ended, Event, News, Session, Unanswered
from krakked_tui.kraken.subscriptions import Progress
from krakked_tui.kraken.topics import Subscription
from krakked_tui.kraken.writing import CallWithheldError
from krakked_tui.ports import Clock, StreamState

TICK_SECONDS = 1.0
SLICE_MESSAGES = 200
SLICE_BYTES = 256 * 1024
CLOSED_BY_POLICY = 1008

_ONLINE = "online"


Mask = Callable[[Sequence[Payload]], Sequence[Payload]]
"""Takes out of messages what nobody may read."""


def unmasked(messages: Sequence[Payload]) -> Sequence[Payload]:
    """Leave messages as they are."""
    return messages


def ignored(_system: str) -> None:
    """Take no notice of what the exchange calls its own state."""


class LostError(Exception):
    """The connection is over. ``wait`` is the least number of seconds until the next attempt.

    ``policy``: the peer closed it for our conduct.
    """

    def __init__(self, reason: str, wait: float = 0.0, *, policy: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait
        self.policy = policy


class Listener:
    """Hands what one session says to whoever asked for it. ``name`` is the stream's.

    A connection counts as connected from the first ack on, or when everything was answered, be it by
    refusals; one that wants nothing, at once. Before that nothing is said of its state, unless nothing was
    answered for long.
    """

    def __init__(
        self,
        name: str,
        on_news: Callable[[News, float], None],
        on_state: Callable[[StreamState], None],
        on_status: Callable[[str], None] = ignored,
    ) -> None:
        """``on_status`` is told what the exchange calls its own state, in its words."""
        self._name = name
        self._on_status = on_status
        self.on_news = on_news
        self._on_state = on_state
        self._system = _ONLINE
        self._served = False

    def status(self, frame: StatusFrame) -> None:
        """Remember the exchange's state and pass it on."""
        system = frame.data[-1].system if frame.data else _ONLINE
        self._system = printable(system, limit=40)
        self._on_status(system)

    def progress(self, progress: Progress) -> None:
        """Pass on how far subscribing is."""
        wanted, acked, failed = progress.wanted, progress.acked, progress.failed
        refused = not acked and 0 < wanted <= len(failed)
        self._served = self._served or acked > 0 or wanted == 0 or refused
        if not self._served:
            return
        detail = self._with_mode("the exchange refuses all subscriptions") if refused else self._mode
        self._on_state(
            StreamState(self._name, connected=True, detail=detail, wanted=wanted, acked=acked, failed=failed)
        )

    def unanswered(self, unanswered: Unanswered) -> None:
        """Pass on that the exchange acknowledges nothing."""
        detail = self._with_mode(f"the exchange has acknowledged nothing for {unanswered.seconds:.0f} s")
        self._on_state(StreamState(self._name, connected=False, detail=detail))

    @property
    def _mode(self) -> str:
        return "" if self._system == _ONLINE else f"the exchange is in {self._system}"

    def _with_mode(self, detail: str) -> str:
        return f"{detail}; {self._mode}" if self._mode else detail


class Link:
    """A connection, its session, and who waits for answers over it."""

    def __init__(
        self,
        connection: BulkConnection,
        session: Session,
        listener: Listener,
        clock: Clock,
        *,
        mask: Mask = unmasked,
    ) -> None:
        self.session = session
        self._mask = mask
        self._connection = connection
        self._listener = listener
        self._on_news = listener.on_news
        self._clock = clock
        self._answers: dict[int, asyncio.Future[Answered]] = {}

    async def read(self) -> None:
        """Take in messages until the connection is lost, which raises ``LostError``."""
        while True:
            try:
                messages = self._mask(await self._connection.messages())
            except ConnectionClosed as error:
                raise _closed(error) from error
            start = 0
            while start < len(messages):
                start = self.take(messages, start)
                await self._flush()
                await asyncio.sleep(0)

    async def tick(self, each: Callable[[], None]) -> None:
        """Tell the session the time every second until it ends, which raises ``LostError``."""
        while True:
            await self._clock.sleep(TICK_SECONDS)
            now = self._clock.monotonic()
            self._hear_all(self.session.tick(now), now)
            await self._flush()
            each()

    async def want(self, subscriptions: Iterable[Subscription]) -> None:
        """Replace what the connection is for."""
        now = self._clock.monotonic()
        self._hear_all(self.session.want(subscriptions, now), now)
        await self._flush()

    async def renew(self, symbols: Collection[str]) -> None:
        """Subscribe anew to everything about these symbols."""
        now = self._clock.monotonic()
        self._hear_all(self.session.renew(symbols, now), now)
        await self._flush()

    async def request(
        self, method: str, params: Mapping[str, object], *, answers: int, seconds: float,
        withhold: Callable[[], str],
    ) -> Answered:  # fmt: skip
        """Send one request and wait for its answers. See ``KrakenStream.request``."""
        now = self._clock.monotonic()
        if len(self._answers) >= PENDING_MAX:
            raise RateLimitError(f"Too many requests wait for answers to send {method}", retry_after=1.0)
        if self._connection.state is not State.OPEN:
            raise NetworkError(f"{method} found no connection to Kraken", Sent.NO)
        if reason := withhold():
            raise CallWithheldError(reason)
        # Nothing is awaited from here until the bytes are written.
        req_id, message = self.session.request(method, params, now, answers=answers, seconds=seconds)
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._answers[req_id] = answer
        failure: KrakenError
        try:
            await self._send(message)
            return await answer
        except LostError as error:
            failure = NetworkError(f"{method} may not have reached Kraken: {error.reason}", Sent.MAYBE)
        except KrakenError as error:
            failure = error
        finally:
            # A traceback that prints local variables must not show the token.
            params, message = {}, b""
            self._answers.pop(req_id, None)
        raise failure.with_traceback(None)

    def give_up(self, reason: str) -> None:
        """Tell whoever waits for an answer that none will come."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(NetworkError(f"Kraken did not answer: {reason}", Sent.MAYBE))
        self._answers.clear()

    def take(self, messages: Sequence[Payload], start: int) -> int:
        """Take in one slice of messages; return where the next one starts."""
        now = self._clock.monotonic()
        end = _slice_end(messages, start)
        try:
            self.session.receive_all(messages[start:end], now, self._on_news, self._hear)
        except KrakenError as error:
            # The listener must start over.
            raise LostError(str(error)) from error
        return end

    def _hear(self, event: Event, now: float) -> None:
        """Pass an event on; raise ``LostError`` at the one that ends the session."""
        match event:
            case StatusFrame():
                self._listener.status(event)
            case Progress():
                self._listener.progress(event)
            case Unanswered():
                self._listener.unanswered(event)
            case Answered(req_id):
                self._resolve(req_id, event)
            case Ended(reason):
                raise LostError(reason)
            case _:
                self._on_news(event, now)

    def _hear_all(self, events: Iterable[Event], now: float) -> None:
        for event in events:
            self._hear(event, now)

    def _resolve(self, req_id: int, answered: Answered) -> None:
        answer = self._answers.get(req_id)
        if answer is not None and not answer.done():
            answer.set_result(answered)

    async def _flush(self) -> None:
        for message in self.session.take_outgoing():
            await self._send(message)

    async def _send(self, message: bytes) -> None:
        try:
            await self._connection.send(message, text=True)
        except ConnectionClosed as error:
            lost = _closed(error)
        else:
            return
        finally:
            # A traceback that prints local variables must not show the token.
            message = b""
        raise lost


def _slice_end(messages: Sequence[Payload], start: int) -> int:
    """Return where a slice ends: at the message that makes it too large, or too many."""
    end = min(start + SLICE_MESSAGES, len(messages))
    sizes = accumulate(map(len, messages[start:end]))
    return next((at for at, size in enumerate(sizes, start + 1) if size >= SLICE_BYTES), end)


def _closed(error: ConnectionClosed) -> LostError:
    """Say why the peer closed."""
    code = error.rcvd.code if error.rcvd else None
    reason = f"the connection was closed: {printable(str(error))}"
    return LostError(reason, policy=code == CLOSED_BY_POLICY)
