"""One WebSocket v2 connection, without the connection: messages and clock ticks in, events out.

    connecting -> status heard -> subscribing, one batch at a time -> every symbol acked or refused

- Each (channel, interval, symbol) is a topic with a state of its own; ``_NEXT`` is the machine. Acks
  may be lost, repeated or late.
- A refused public topic is reported and asked for again after five minutes; the others go on. A
  refused private one ends the session: its token may be stale, and half an account stream is none.
- Private channels are numbered. A number twice is a repetition, dropped; a hole, or a message that
  cannot be read, means that something about our account was lost: the session ends, and the next
  one starts with a snapshot.
- Silence of ten seconds ends the session. Once something is acked, the exchange speaks by itself
  every second, so answers to our pings do not count as life any more.

A session that has ended says so with one ``Ended`` and is silent from then on.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import islice

import msgspec

from krakked_tui.kraken.errors import printable
from krakked_tui.kraken.frames import (
    BalancesFrame,
    CandleFrame,
    DataFrame,
    ExecutionsFrame,
    HeartbeatFrame,
    Message,
    Notice,
    Reply,
    StatusFrame,
    TickerFrame,
    Unreadable,
    parse,
)
from krakked_tui.kraken.wire import WebSocketsToken

BATCH_SIZE = 100
"""Symbols per request."""
ACK_SECONDS = 10.0
"""An ack that takes longer is lost."""
RETRY_SECONDS = 300.0
"""Until a refused topic is asked for again."""
PING_SECONDS = 5.0
SILENCE_SECONDS = 10.0
RATE_PAUSE_SECONDS = 5.0
"""Without requests after the exchange complained about their rate."""
KINDS_MAX = 50
"""Kinds of oddities counted one by one; the rest is counted together."""

_ALREADY = "Already subscribed"
"""Also the beginning of the refusal of a second candle interval, which no plan asks for."""


class Subscription(msgspec.Struct, frozen=True):
    """A channel we want; ``symbols`` are WebSocket v2 names, empty for a private channel."""

    channel: str
    symbols: tuple[str, ...] = ()
    interval: int | None = None


class Plan(msgspec.Struct, frozen=True):
    """What a connection is for; ``token`` makes it a private one.

    One candle interval at most: Kraken refuses a second one for a symbol on the same connection.
    """

    subscriptions: tuple[Subscription, ...]
    token: WebSocketsToken | None = None

    def __post_init__(self) -> None:
        intervals = {wanted.interval for wanted in self.subscriptions if wanted.interval is not None}
        assert len(intervals) <= 1, intervals


class Topic(msgspec.Struct, frozen=True):
    """The smallest thing that is acked on its own. ``interval`` is in minutes."""

    channel: str
    interval: int | None
    symbol: str | None

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.channel, self.interval, self.symbol) if part is not None)


class TopicState(StrEnum):
    """How far a topic is."""

    WANTED = "wanted"
    ASKED = "asked"
    ACKED = "acked"
    REFUSED = "refused"


class Signal(StrEnum):
    """What can happen to a topic."""

    SENT = "sent"
    ACK = "ack"
    REFUSAL = "refusal"
    NO_ANSWER = "no_answer"
    RETRY = "retry"


_NEXT: dict[tuple[TopicState, Signal], TopicState] = {
    (TopicState.WANTED, Signal.SENT): TopicState.ASKED,
    (TopicState.WANTED, Signal.ACK): TopicState.ACKED,
    (TopicState.WANTED, Signal.REFUSAL): TopicState.REFUSED,
    (TopicState.ASKED, Signal.ACK): TopicState.ACKED,
    (TopicState.ASKED, Signal.REFUSAL): TopicState.REFUSED,
    (TopicState.ASKED, Signal.NO_ANSWER): TopicState.WANTED,
    (TopicState.REFUSED, Signal.ACK): TopicState.ACKED,
    (TopicState.REFUSED, Signal.RETRY): TopicState.WANTED,
}
"""What is not listed changes nothing: a repeated ack, a late refusal of what works."""


class Progress(msgspec.Struct, frozen=True):
    """How far subscribing is; ``failed`` names each refused topic and why."""

    wanted: int
    acked: int
    failed: tuple[str, ...]


class Ended(msgspec.Struct, frozen=True):
    """The session is over; connect anew."""

    reason: str


Event = DataFrame | StatusFrame | Progress | Ended


class _Batch(msgspec.Struct, frozen=True):
    """One subscribe request that was sent."""

    topics: tuple[Topic, ...]
    sent_at: float


class Session:
    """The state of one connection. ``now`` is always wall seconds and never goes back."""

    def __init__(self, plan: Plan, now: float) -> None:
        """Start a session over a connection that has just opened."""
        self.oddities: Counter[str] = Counter()
        """Messages that were dropped, counted by kind."""
        self._topics = dict.fromkeys(_topics(plan), TopicState.WANTED)
        self._token = plan.token
        self._outgoing: list[bytes] = []
        self._batches: dict[int, _Batch] = {}
        self._waiting: int | None = None
        """The request whose answers we wait for before the next one goes out."""
        self._refused: dict[Topic, tuple[float, str]] = {}
        self._sequences: dict[str, int] = {}
        self._next_id = 1
        self._greeted = False
        self._ended = False
        self._started = self._heard = self._spoken = self._pinged = now
        self._quiet_until = now

    def take_outgoing(self) -> list[bytes]:
        """Return the messages to send now, oldest first, and forget them."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take in one message; return what it means. Never raises on what it says."""
        if self._ended:
            return []
        message = parse(data)
        self._heard = now
        if isinstance(message, (TickerFrame, CandleFrame)):
            self._spoken = now
            return [message]
        return self._dispatch(message, now)

    def tick(self, now: float) -> list[Event]:
        """Take in that time has passed; call it every second."""
        if self._ended:
            return []
        silence = self._silence(now)
        if silence is not None:
            return [self._end(silence)]
        if self._waiting is not None and now - self._batches[self._waiting].sent_at >= ACK_SECONDS:
            self._signal(self._batches[self._waiting].topics, Signal.NO_ANSWER)
            self._waiting = None
        due = [topic for topic, (retry_at, _) in self._refused.items() if now >= retry_at]
        self._signal(due, Signal.RETRY)
        for topic in due:
            del self._refused[topic]
        self._ask(now)
        self._ping(now)
        return []

    def _dispatch(self, message: Message, now: float) -> list[Event]:
        if isinstance(message, Reply):
            return self._reply(message, now)
        self._spoken = now
        match message:
            case StatusFrame():
                self._greeted = True
                self._ask(now)
                return [message, self._progress()]
            case ExecutionsFrame() | BalancesFrame():
                return self._numbered(message)
            case Notice(error):
                self._count(f"notice: {printable(error, limit=40)}")
                self._quiet_until = now + RATE_PAUSE_SECONDS
            case Unreadable(kind, channel):
                self._count(kind)
                if self._token is not None and any(topic.channel == channel for topic in self._topics):
                    return [self._end(f"a message on {channel} cannot be read")]
            case HeartbeatFrame() | TickerFrame() | CandleFrame():
                pass
        return []

    def _numbered(self, frame: ExecutionsFrame | BalancesFrame) -> list[Event]:
        """Check the number of a private message."""
        channel = "executions" if isinstance(frame, ExecutionsFrame) else "balances"
        before = self._sequences.get(channel)
        if frame.sequence is None:
            return [frame]
        if frame.type != "snapshot" and before is not None:
            if frame.sequence <= before:
                self._count(f"repeated {channel} message")
                return []
            if frame.sequence > before + 1:
                return [self._end(f"{channel} jumped from message {before} to {frame.sequence}")]
        self._sequences[channel] = frame.sequence
        return [frame]

    def _reply(self, reply: Reply, now: float) -> list[Event]:
        if reply.method == "pong":
            return []
        batch = self._batches.get(reply.req_id or 0)
        symbol = reply.symbol or (reply.result.symbol if reply.result else None)
        # A refusal that names no symbol is about the whole request.
        topics = [topic for topic in batch.topics if symbol in {topic.symbol, None}] if batch else []
        if batch is None or not topics:
            self._count(f"unexpected reply to {printable(reply.method, limit=40)}")
            return []
        error = None if reply.success is True else (reply.error or "refused without a reason")
        if error is None or error.startswith(_ALREADY):
            self._signal(topics, Signal.ACK)
            for topic in topics:
                self._refused.pop(topic, None)
        elif self._token is not None:
            return [self._end(f"{topics[0].channel} was refused: {printable(error)}")]
        else:
            self._signal(topics, Signal.REFUSAL)
            for topic in topics:
                if self._topics[topic] is TopicState.REFUSED:
                    self._refused[topic] = (now + RETRY_SECONDS, printable(error))
        return self._settle(batch, now)

    def _settle(self, batch: _Batch, now: float) -> list[Event]:
        """Report once a batch is answered in full, and send the next."""
        if any(self._topics[topic] is TopicState.ASKED for topic in batch.topics):
            return []
        if self._waiting is not None and self._batches[self._waiting] is batch:
            self._waiting = None
            self._ask(now)
        return [self._progress()]

    def _ask(self, now: float) -> None:
        """Send the next batch, when nothing stands in its way."""
        if not self._greeted or self._waiting is not None or now < self._quiet_until:
            return
        wanted = [topic for topic, state in self._topics.items() if state is TopicState.WANTED]
        if not wanted:
            return
        first = wanted[0]
        alike = (t for t in wanted if (t.channel, t.interval) == (first.channel, first.interval))
        topics = tuple(islice(alike, BATCH_SIZE))
        params: dict[str, object] = {"channel": first.channel}
        if first.interval is not None:
            params["interval"] = first.interval
        if first.symbol is not None:
            params["symbol"] = [topic.symbol for topic in topics]
        if self._token is not None:
            params["token"] = self._token.token
        self._waiting = self._send("subscribe", {"params": params})
        # Answers to a request this old mean nothing any more; the topic has been asked for again.
        self._batches = {i: b for i, b in self._batches.items() if now - b.sent_at < 2 * ACK_SECONDS}
        self._batches[self._waiting] = _Batch(topics, now)
        self._signal(topics, Signal.SENT)

    def _ping(self, now: float) -> None:
        if now - max(self._heard, self._pinged) >= PING_SECONDS:
            self._pinged = now
            self._send("ping", {})

    def _send(self, method: str, body: dict[str, object]) -> int:
        req_id = self._next_id
        self._next_id += 1
        self._outgoing.append(msgspec.json.encode({"method": method, **body, "req_id": req_id}))
        return req_id

    def _silence(self, now: float) -> str | None:
        """Return why the connection must be taken for dead, None while it lives."""
        if now - self._heard >= SILENCE_SECONDS:
            return f"nothing was heard for {SILENCE_SECONDS:.0f} s"
        if not self._greeted and now - self._started >= SILENCE_SECONDS:
            return "the exchange sent no status"
        acked = any(state is TopicState.ACKED for state in self._topics.values())
        if acked and now - self._spoken >= SILENCE_SECONDS:
            return f"only answers to pings were heard for {SILENCE_SECONDS:.0f} s"
        return None

    def _progress(self) -> Progress:
        states = Counter(self._topics.values())
        failed = tuple(f"{topic}: {reason}" for topic, (_, reason) in self._refused.items())
        return Progress(len(self._topics), states[TopicState.ACKED], failed)

    def _signal(self, topics: Sequence[Topic], signal: Signal) -> None:
        for topic in topics:
            state = self._topics[topic]
            self._topics[topic] = _NEXT.get((state, signal), state)

    def _count(self, kind: str) -> None:
        known = kind in self.oddities or len(self.oddities) < KINDS_MAX
        self.oddities[kind if known else "other"] += 1

    def _end(self, reason: str) -> Ended:
        self._ended = True
        self._outgoing = []
        return Ended(reason)


def _topics(plan: Plan) -> Iterator[Topic]:
    for wanted in plan.subscriptions:
        for symbol in wanted.symbols or (None,):
            yield Topic(wanted.channel, wanted.interval, symbol)
