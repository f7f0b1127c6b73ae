"""One WebSocket v2 connection, without the connection: messages and clock ticks in, events out.

    connecting -> status heard -> subscribing, one batch at a time -> every symbol acked or refused

- The first ack is told at once, before the data that follows it. Nothing acked for long is told, too.
- What is wanted may change at any time; ``subscriptions`` says what to ask for and when.
- A refused public topic is reported and asked for again later; the others go on. A refused private
  one ends the session: its token may be stale, and half an account stream is none.
- Private channels are numbered. A number twice is a repetition, dropped. A hole, or a message that
  cannot be read, means that something about our account was lost: a ``Gap`` says so, what comes
  afterwards is passed on all the same, and the channel is subscribed to anew for its snapshot. When
  that is not possible, or was tried just before, the session ends.
- A book whose checksum is wrong is subscribed to anew, by itself, less and less eagerly. One that is
  not kept up any more is not ``valid`` any more.
- Silence of ten seconds ends the session. Once something is acked, the exchange speaks by itself
  every second, so answers to our pings do not count as life any more.

A session that has ended says so with one ``Ended`` and is silent from then on.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from krakked_tui.kraken.book import CHECKED_LEVELS, Book
from krakked_tui.kraken.errors import printable
from krakked_tui.kraken.frames import (
    BalancesFrame,
    BookFrame,
    CandleFrame,
    ExecutionsFrame,
    HeartbeatFrame,
    InstrumentFrame,
    Level3Frame,
    MarketFrame,
    Notice,
    Payload,
    Reply,
    ReplyResult,
    StatusFrame,
    TickerFrame,
    TradeFrame,
    Unreadable,
    parse_all,
)
from krakked_tui.kraken.pending import PENDING_MAX, Answered, Pending
from krakked_tui.kraken.statuses import is_pair_status, is_system_status
from krakked_tui.kraken.subscriptions import ACK_SECONDS, BATCH_SIZE, Progress, Subscriptions
from krakked_tui.kraken.topics import Plan, Subscription, Topic, TopicState, topics

PING_SECONDS = 5.0
"""Of silence, until we ask whether the connection lives."""
SILENCE_SECONDS = 10.0
PONG_SECONDS = 5.0
"""A connection that serves us nothing is silent until we ask; then it has this long."""
RATE_PAUSE_SECONDS = 5.0
"""Without requests after the exchange complained about their rate."""
GAP_SECONDS = 60.0
"""A private channel with two gaps within this time is not worth repairing."""
TOKEN_SECONDS = 600.0
"""Older tokens are not used for a subscription; Kraken wants them used within 15 minutes."""
RENEW_SECONDS = 1.0
"""Until a wrong book is subscribed to anew the second time in a row; doubled each further time."""
RENEW_SECONDS_MAX = 300.0
KINDS_MAX = 50
"""Kinds of oddities counted one by one; the rest is counted together."""

_NEVER = -math.inf


class Ended(msgspec.Struct, frozen=True):
    """The session is over; connect anew."""

    reason: str


class Unanswered(msgspec.Struct, frozen=True):
    """The exchange is there and has acknowledged nothing for ``seconds``; the asking goes on. Told once."""

    seconds: float


class Gap(msgspec.Struct, frozen=True):
    """Something a private channel said was lost: ask the exchange for the state of the account."""

    reason: str


class BookChanged(msgspec.Struct, frozen=True, gc=False):
    """A pair's book changed; when it is not ``valid`` any more, it waits for a new snapshot."""

    book: Book


class Pace(msgspec.Struct, frozen=True):
    """How a connection is treated: symbols in one request, seconds of silence until a ping."""

    batch_size: int = BATCH_SIZE
    ping_seconds: float = PING_SECONDS


DEFAULT_PACE = Pace()


class TradingMaximum(msgspec.Struct, frozen=True):
    """The trading rate counter's maximum for this account, as the exchange tells it."""

    count: int


AccountFrame = ExecutionsFrame | BalancesFrame
News = MarketFrame | AccountFrame | BookChanged | Gap | TradingMaximum
_Rare = (
    AccountFrame | InstrumentFrame | Level3Frame | StatusFrame | HeartbeatFrame | Reply | Notice | Unreadable
)
Event = News | StatusFrame | Progress | Unanswered | Answered | Ended


class Session:
    """The state of one connection. ``now`` is always wall seconds and never goes back."""

    def __init__(self, plan: Plan, now: float, pace: Pace = DEFAULT_PACE) -> None:
        """Start a session over a connection that has just opened."""
        self.oddities: Counter[str] = Counter()
        """Messages that were dropped, statuses not known and books that were wrong, counted by kind."""
        self.examples: dict[str, str] = {}
        """What was wrong with the first message of a kind, where that is known."""
        self._token = plan.token
        self._precision = plan.precision
        self._subscriptions = Subscriptions(plan.subscriptions, now, pace.batch_size)
        self._ping_seconds = pace.ping_seconds
        self._pending = Pending()
        self._outgoing: list[bytes] = []
        self._sequences: dict[str, int] = {}
        self._gaps: dict[str, float] = {}
        self._next_id = 1
        self._greeted = False
        self._served = False
        """Whether anything was ever acked."""
        self._complained = False
        """Whether it was told that nothing is."""
        self._ended = False
        self._started = self._heard = self._spoken = self._pinged = now
        self._books: dict[str, BookChanged] = {}
        """By symbol, in the event that says so: it is the same each time."""
        self._turns = 0
        self._renewed: dict[str, tuple[float, float]] = {}
        """By symbol: when a wrong book was left last, and how long that one had to wait."""
        self._heard_of: dict[str, dict[str, float]] = {}
        self._book_topics: dict[str, Topic] = {}
        self._follow(plan.subscriptions)

    def want(self, subscriptions: Iterable[Subscription], now: float) -> list[Event]:
        """Replace what the connection is for, from here on. Books that are not wanted any more say so."""
        if self._ended:
            return []
        wanted = tuple(subscriptions)
        self._subscriptions.want(wanted)
        dropped = self._follow(wanted)
        self._ask(now)
        return [*dropped, self._subscriptions.progress()]

    def renew(self, symbols: Collection[str], now: float) -> list[Event]:
        """Leave every wanted topic about these symbols and subscribe to it anew.

        One that the exchange refuses stays refused: it is asked for again in its own time.
        """
        if self._ended:
            return []
        for topic in self._subscriptions.about(symbols):
            # One that was not asked for yet will be anyway.
            if self._subscriptions.state(topic) in (TopicState.ASKED, TopicState.ACKED):
                self._subscriptions.renew(topic, now)
        dropped = self._follow_books()
        self._ask(now)
        return [*dropped, self._subscriptions.progress()]

    def close(self) -> list[BookChanged]:
        """End without a word; return the books that were right until now, and are not any more."""
        self._ended = True
        self._outgoing = []
        before, self._books = self._books, {}
        return _dropped(before.values())

    def request(
        self, method: str, params: Mapping[str, object], now: float, *, answers: int, seconds: float
    ) -> tuple[int, bytes]:
        """Return the id and the text of a request that the caller sends at once.

        Its ``Answered`` comes with all ``answers``, or ``seconds`` later with those there are by then.
        """
        assert len(self._pending) < PENDING_MAX
        req_id = self._new_id()
        self._pending.add(req_id, method, answers, now + seconds)
        return req_id, _encode(method, {"params": params}, req_id)

    def take_outgoing(self) -> list[bytes]:
        """Return the messages to send now, oldest first, and forget them."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def receive(self, data: Payload, now: float) -> list[Event]:
        """Take in one message; return what it means. Never raises on what it says."""
        events: list[Event] = []

        def keep(event: Event, _: float) -> None:
            events.append(event)

        self.receive_all((data,), now, keep, keep)
        return events

    def receive_all(
        self, messages: Sequence[Payload], now: float, on_news: Callable[[News, float], None],
        on_event: Callable[[Event, float], None],
    ) -> None:  # fmt: skip
        """Take in messages; say what each means before the next one is taken in. See ``receive``.

        Either of the two is told: ``on_news`` the frequent kinds of news, ``on_event`` all else.
        """
        ticker_times = self._ticker_times
        # All are parsed before the first is taken in: that is faster than taking turns.
        for message in parse_all(messages):
            if self._ended:
                return
            self._heard = now
            if type(message) is TickerFrame:
                self._spoken = now
                for row in message.data:
                    if row.symbol in ticker_times:
                        ticker_times[row.symbol] = now
                on_news(message, now)
            elif type(message) is BookFrame:
                for event in self._book_changes(message, now):
                    on_news(event, now)
            elif type(message) is CandleFrame or type(message) is TradeFrame:
                self._note_all(message, now)
                on_news(message, now)
            else:
                for rare in self._dispatch(message, now):  # type: ignore[arg-type]
                    on_event(rare, now)

    def tick(self, now: float) -> list[Event]:
        """Take in that time has passed; call it every second."""
        if self._ended:
            return []
        silence = self._silence(now)
        if silence is not None:
            return [self._end(silence)]
        self._subscriptions.pass_time(now)
        self._ask(now)
        self._ping(now)
        return [*self._unanswered(now), *self._pending.overdue(now)]

    def heard(self, channel: str, symbol: str | None = None) -> float | None:
        """Return when the last message of a channel (about a symbol) came, None before the first."""
        times = self._heard_of.get(channel, {})
        at = max(times.values(), default=_NEVER) if symbol is None else times.get(symbol, _NEVER)
        return None if at == _NEVER else at

    def book(self, symbol: str) -> Book | None:
        """Return a pair's book while it is right."""
        changed = self._books.get(symbol)
        return changed.book if changed is not None and changed.book.valid else None

    @property
    def quiet_until(self) -> float:
        """The wall second until which the exchange wants to hear less of us."""
        return self._subscriptions.quiet_until

    def _follow(self, subscriptions: Iterable[Subscription]) -> list[BookChanged]:
        """Prepare to note what is heard of what is wanted, and only of that."""
        before, self._heard_of = self._heard_of, {}
        for topic in topics(subscriptions):
            name = topic.symbol or ""
            known = before.get(topic.channel, {}).get(name, _NEVER)
            self._heard_of.setdefault(topic.channel, {})[name] = known
        self._ticker_times = self._heard_of.get("ticker", {})
        self._times = {
            CandleFrame: self._heard_of.get("ohlc", {}),
            TradeFrame: self._heard_of.get("trade", {}),
        }
        self._book_times = self._heard_of.get("book", {})
        self._book_topics = {
            topic.symbol or "": topic for topic in topics(subscriptions) if topic.channel == "book"
        }
        return self._follow_books()

    def _dispatch(self, message: _Rare, now: float) -> list[Event]:
        if isinstance(message, Reply):
            return self._reply(message, now)
        self._spoken = now
        match message:
            case ExecutionsFrame() | BalancesFrame():
                return self._numbered(message, now)
            case StatusFrame() | Notice() | Unreadable():
                return self._control(message, now)
            case InstrumentFrame():
                self._note("instrument", "", now)
                for row in message.data.pairs:
                    if not is_pair_status(row.status):
                        self._count("unknown pair status", printable(row.status, limit=40))
                return [message]
            case HeartbeatFrame() | Level3Frame():
                return []

    def _control(self, message: StatusFrame | Notice | Unreadable, now: float) -> list[Event]:
        """Take in what is about the connection and not about the market or our account."""
        match message:
            case StatusFrame():
                self._greeted = True
                for row in message.data:
                    if not is_system_status(row.system):
                        self._count("unknown system status", printable(row.system, limit=40))
                self._ask(now)
                return [message, self._subscriptions.progress()]
            case Notice(error):
                self._count(f"notice: {printable(error, limit=40)}")
                self._subscriptions.pause(now + RATE_PAUSE_SECONDS)
            case Unreadable(kind, channel, detail):
                self._count(kind, detail)
                if self._token is not None and (wanted := self._subscriptions.wanted(channel)):
                    return self._gap(wanted[0], f"a message on {channel} cannot be read", now)
        return []

    def _book_changes(self, frame: BookFrame, now: float) -> list[BookChanged]:
        """Apply changes to the books they are about, except to those about to be left."""
        self._spoken = now
        events: list[BookChanged] = []
        for row in frame.data:
            if self._turns != self._subscriptions.turns:
                events += self._follow_books()
            symbol = row.symbol
            changed = self._books.get(symbol)
            if changed is None:
                continue
            self._book_times[symbol] = now
            if not changed.book.apply(row, snapshot=frame.type == "snapshot"):
                self._count("wrong book")
                self._renew(self._book_topics[symbol], now)
            events.append(changed)
        return events

    def _follow_books(self) -> list[BookChanged]:
        """Have a book for every topic that is served, the old one where there is one.

        Returns the others, which are not right any more.
        """
        before, self._turns = self._books, self._subscriptions.turns
        self._books = {}
        for symbol, topic in self._book_topics.items():
            depth = topic.depth or CHECKED_LEVELS
            if self._subscriptions.serving(topic):
                old = before.get(symbol)
                if old is None or old.book.depth != depth:
                    old = BookChanged(Book(symbol, depth, self._precision(symbol)))
                self._books[symbol] = old
        return _dropped(old for symbol, old in before.items() if self._books.get(symbol) is not old)

    def _renew(self, topic: Topic, now: float) -> None:
        """Leave a wrong book and have it sent anew, later when that did not help just before."""
        symbol = topic.symbol or ""
        at, waited = self._renewed.get(symbol, (now, 0.0))
        wait = 0.0
        if symbol in self._renewed and now - at < 2 * waited + GAP_SECONDS:
            wait = min(max(2 * waited, RENEW_SECONDS), RENEW_SECONDS_MAX)
        self._renewed[symbol] = (now, wait)
        self._subscriptions.renew(topic, now + wait)
        self._ask(now)

    def _numbered(self, frame: AccountFrame, now: float) -> list[Event]:
        """Check the number of a private message."""
        channel = "executions" if isinstance(frame, ExecutionsFrame) else "balances"
        self._note(channel, "", now)
        before = self._sequences.get(channel)
        if frame.sequence is None:
            return [frame]
        if frame.type != "snapshot" and before is not None:
            if frame.sequence <= before:
                self._count(f"repeated {channel} message")
                return []
            if frame.sequence > before + 1:
                self._sequences[channel] = frame.sequence
                reason = f"{channel} jumped from message {before} to {frame.sequence}"
                wanted = self._subscriptions.wanted(channel)
                return [*self._gap(wanted[0], reason, now), frame] if wanted else [frame]
        self._sequences[channel] = frame.sequence
        return [frame]

    def _gap(self, topic: Topic, reason: str, now: float) -> list[Event]:
        """Say that something was lost, and get the channel's snapshot again."""
        if not self._subscriptions.serving(topic):
            return [Gap(reason)]
        last = self._gaps.get(topic.channel)
        if now - self._started >= TOKEN_SECONDS or (last is not None and now - last < GAP_SECONDS):
            return [Gap(reason), self._end(reason)]
        self._gaps[topic.channel] = now
        self._subscriptions.renew(topic, now)
        self._ask(now)
        return [Gap(reason), self._subscriptions.progress()]

    def _reply(self, reply: Reply, now: float) -> list[Event]:
        if reply.method == "pong":
            return []
        expected, answered = self._pending.answer(reply)
        if expected:
            return [] if answered is None else [answered]
        complete = self._subscriptions.answer(reply, now)
        if complete is None:
            self._count(f"unexpected reply to {printable(reply.method, limit=40)}")
            return []
        self._ask(now)
        if self._token is not None and (refused := self._subscriptions.refused()):
            topic, reason = refused[0]
            return [self._end(f"{topic} was refused: {reason}")]
        first = not self._served and self._subscriptions.any_acked
        self._served = self._served or first
        events: list[Event] = [self._subscriptions.progress()] if complete or first else []
        if isinstance(reply.result, ReplyResult) and reply.result.maxratecount is not None:
            events.append(TradingMaximum(reply.result.maxratecount))
        return events

    def _ask(self, now: float) -> None:
        """Send the next request, when nothing stands in its way."""
        if not self._greeted:
            return
        batch = self._subscriptions.next_batch(self._next_id, now)
        if batch is not None:
            token = {} if self._token is None else {"token": self._token.token}
            self._outgoing.append(_encode(batch.method, {"params": batch.params | token}, self._new_id()))

    def _unanswered(self, now: float) -> list[Event]:
        """Say, once, that nothing was acked in the time that an ack may take."""
        if self._served or self._complained or now - self._started < ACK_SECONDS:
            return []
        if not self._greeted or not self._heard_of:
            return []
        self._complained = True
        return [Unanswered(now - self._started)]

    def _ping(self, now: float) -> None:
        if now - max(self._heard, self._pinged) >= self._ping_seconds:
            self._pinged = now
            self._outgoing.append(_encode("ping", {}, self._new_id()))

    def _new_id(self) -> int:
        req_id = self._next_id
        self._next_id += 1
        return req_id

    def _silence(self, now: float) -> str | None:
        """Return why the connection must be taken for dead, None while it lives."""
        limit = SILENCE_SECONDS
        if self._greeted and not self._subscriptions.any_acked:
            limit = max(limit, self._ping_seconds + PONG_SECONDS)
        if now - self._heard >= limit:
            return f"nothing was heard for {limit:.0f} s"
        if not self._greeted and now - self._started >= SILENCE_SECONDS:
            return "the exchange sent no status"
        if now - self._spoken >= SILENCE_SECONDS and self._subscriptions.any_acked:
            return f"only answers to pings were heard for {SILENCE_SECONDS:.0f} s"
        return None

    def _note_all(self, frame: CandleFrame | TradeFrame, now: float) -> None:
        self._spoken = now
        times = self._times[type(frame)]
        for row in frame.data:
            if row.symbol in times:
                times[row.symbol] = now

    def _note(self, channel: str, symbol: str, now: float) -> None:
        times = self._heard_of.get(channel, {})
        if symbol in times:
            times[symbol] = now

    def _count(self, kind: str, detail: str = "") -> None:
        if kind not in self.oddities and len(self.oddities) >= KINDS_MAX:
            kind = "other"
        self.oddities[kind] += 1
        if detail:
            self.examples.setdefault(kind, detail)

    def _end(self, reason: str) -> Ended:
        self._ended = True
        self._outgoing = []
        return Ended(reason)


def _dropped(books: Iterable[BookChanged]) -> list[BookChanged]:
    """Give up books; return those that were right."""
    return [changed for changed in books if changed.book.drop()]


def _encode(method: str, body: Mapping[str, object], req_id: int) -> bytes:
    return msgspec.json.encode({"method": method, **body, "req_id": req_id})
