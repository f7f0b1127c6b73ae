"""The subscriptions of one connection: what is wanted, what to ask next, what the answers mean.

- One request is out at a time, for a limited number of symbols; requests are paced.
- An answer that does not come within ``ACK_SECONDS`` is lost: the topic is asked for again, and
  ``Already subscribed`` then counts as its ack.
- A refused topic is asked for again after a while, less and less often, ``REFUSALS_MAX`` times.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import islice

import msgspec

from krakked_tui.kraken.errors import printable
from krakked_tui.kraken.frames import Reply
from krakked_tui.kraken.topics import NEXT, Signal, Subscription, Topic, TopicState, check, topics

BATCH_SIZE = 100
"""Symbols per request, unless told otherwise."""
BURST = 10
"""Requests that may go out together."""
REQUESTS_PER_SECOND = 10.0
"""Kraken limits them and does not say to how many; well below what others report to work."""
ACK_SECONDS = 10.0
"""An ack that takes longer is lost."""
RETRY_SECONDS = 300.0
"""Until a refused topic is asked for again; doubled with each refusal."""
REFUSALS_MAX = 5
"""A topic refused this often is left alone until the next connection, or until it is wanted anew."""

SUBSCRIBE, UNSUBSCRIBE = "subscribe", "unsubscribe"
_OUT = (TopicState.ASKED, TopicState.LEAVING)
_LEAVING = (TopicState.UNWANTED, TopicState.LEAVING)
_SETTLING = (Signal.ACK, Signal.REFUSAL, Signal.NO_ANSWER)
"""What can come of a request."""
_ALREADY = "Already subscribed"
"""Also the beginning of the refusal of a second candle interval, which is never asked for."""


class Progress(msgspec.Struct, frozen=True):
    """How far subscribing is; ``failed`` names each refused topic and why."""

    wanted: int
    acked: int
    failed: tuple[str, ...]


class Batch(msgspec.Struct, frozen=True):
    """One request to send: all topics alike but for their symbols."""

    method: str
    topics: dict[str | None, Topic]
    sent_at: float

    @property
    def params(self) -> dict[str, object]:
        """The parameters, without token."""
        first = next(iter(self.topics.values()))
        params: dict[str, object] = {"channel": first.channel}
        if first.interval is not None:
            params["interval"] = first.interval
        if first.depth is not None:
            params["depth"] = first.depth
        if first.symbol is not None:
            params["symbol"] = list(self.topics)
        return params | dict(first.options) if self.method == SUBSCRIBE else params


class _Refusal(msgspec.Struct, frozen=True):
    reason: str
    times: int
    retry_at: float


class Subscriptions:
    """The topics of one connection. ``now`` is always wall seconds and never goes back."""

    def __init__(self, wanted: Iterable[Subscription], now: float, batch_size: int = BATCH_SIZE) -> None:
        self._batch_size = batch_size
        self._states: dict[Topic, TopicState] = {}
        self._wanted: dict[Topic, None] = {}
        self._uncertain: set[Topic] = set()
        """Asked for without an answer: the exchange may serve them."""
        self._refused: dict[Topic, _Refusal] = {}
        self._stale: set[Topic] = set()
        """Asked for; to be left as soon as they are acked, or may be served without an ack."""
        self._held: dict[Topic, float] = {}
        """Not to be asked for before these instants."""
        self._batches: dict[int, Batch] = {}
        self._waiting: int | None = None
        """The request whose answers we wait for before the next one goes out."""
        self.turns = 0
        """Goes up whenever ``serving`` may say something else of a topic than before."""
        self._allowance = float(BURST)
        self._counted_at = now
        self.quiet_until = now
        """No request goes out before this instant."""
        self.want(wanted)

    def want(self, subscriptions: Iterable[Subscription]) -> None:
        """Replace what is wanted. What is new will be asked for, what is not wanted any more left."""
        wanted = tuple(subscriptions)
        check(wanted)
        self.turns += 1
        before, self._wanted = self._wanted, dict.fromkeys(topics(wanted))
        for topic in self._wanted:
            self._states.setdefault(topic, TopicState.WANTED)
            if topic not in before and topic in self._refused:
                del self._refused[topic]
                self._signal(topic, Signal.RETRY)
        for topic in before.keys() - self._wanted.keys():
            self._clear(topic)

    def renew(self, topic: Topic, not_before: float) -> None:
        """Leave a topic and subscribe to it anew, not before an instant: what it sent is not whole.

        One that is about to be left already stays as it is.
        """
        if topic in self._stale or self._states[topic] in _LEAVING:
            return
        self._held[topic] = not_before
        if self._states[topic] is TopicState.ASKED:
            # There is nothing to leave yet.
            self._stale.add(topic)
            self.turns += 1
        else:
            self._signal(topic, Signal.DROP)

    def pause(self, until: float) -> None:
        """Send no request before this instant."""
        self.quiet_until = max(self.quiet_until, until)

    def next_batch(self, req_id: int, now: float) -> Batch | None:
        """Return the request to send now as ``req_id``, None while something stands in its way."""
        if self._waiting is not None or now < self.quiet_until:
            return None
        batch = self._compose(now)
        if batch is None or not self._allowed(now):
            return None
        for topic in batch.topics.values():
            if batch.method == UNSUBSCRIBE:
                # What is answered to an earlier request says nothing about the time after this one.
                for earlier in self._batches.values():
                    if earlier.topics.get(topic.symbol) == topic:
                        del earlier.topics[topic.symbol]
            self._signal(topic, Signal.SENT)
        # Answers to a request this old mean nothing any more; the topic has been asked for again.
        self._batches = {i: b for i, b in self._batches.items() if now - b.sent_at < 2 * ACK_SECONDS}
        self._batches[req_id] = batch
        self._waiting = req_id
        return batch

    def answer(self, reply: Reply, now: float) -> bool | None:
        """Take in an answer; say whether its request is now answered in full, None if none was made."""
        batch = self._batches.get(reply.req_id or 0)
        if batch is None or batch.method != reply.method:
            return None
        about = self._about(batch, reply)
        for topic in about:
            if batch.method == UNSUBSCRIBE:
                # A refusal says that there is nothing to leave.
                self._signal(topic, Signal.LEFT)
            elif reply.failure is None or reply.failure.startswith(_ALREADY):
                self._signal(topic, Signal.ACK)
            else:
                self._refuse(topic, reply.failure, now)
        complete = not any(self._states.get(topic) in _OUT for topic in batch.topics.values())
        if complete and self._waiting is not None and self._batches[self._waiting] is batch:
            self._waiting = None
        return complete if about else None

    def _about(self, batch: Batch, reply: Reply) -> list[Topic]:
        symbol = reply.about
        if symbol is None and reply.failure is not None:
            # A refusal that names no symbol is about the whole request.
            return [topic for topic in batch.topics.values() if topic in self._states]
        topic = batch.topics.get(symbol)
        return [topic] if topic in self._states else []

    def pass_time(self, now: float) -> None:
        """Give up on answers that are overdue, and on refusals that are old enough."""
        if self._waiting is not None and now - self._batches[self._waiting].sent_at >= ACK_SECONDS:
            for topic in self._batches[self._waiting].topics.values():
                if self._states.get(topic) in _OUT:
                    self._uncertain.add(topic)
                    self._signal(topic, Signal.NO_ANSWER)
            self._waiting = None
        for topic, refusal in list(self._refused.items()):
            if now >= refusal.retry_at:
                self._signal(topic, Signal.RETRY)

    def state(self, topic: Topic) -> TopicState | None:
        """Return how far a topic is, None for one that is nothing to us."""
        return self._states.get(topic)

    def serving(self, topic: Topic) -> bool:
        """Say whether what comes for a topic is meant: it is wanted, and not about to be left."""
        return topic in self._wanted and topic not in self._stale and self._states[topic] not in _LEAVING

    def wanted(self, channel: str) -> list[Topic]:
        """Return the wanted topics of a channel."""
        return [topic for topic in self._wanted if topic.channel == channel]

    def about(self, symbols: Collection[str]) -> list[Topic]:
        """Return the wanted topics about these symbols."""
        return [topic for topic in self._wanted if topic.symbol in symbols]

    @property
    def any_acked(self) -> bool:
        """Whether the exchange serves us anything."""
        return TopicState.ACKED in self._states.values()

    def refused(self) -> list[tuple[Topic, str]]:
        """Return the refused topics and why."""
        return [
            (topic, refusal.reason)
            for topic, refusal in self._refused.items()
            if self._states[topic] is TopicState.REFUSED
        ]

    def progress(self) -> Progress:
        """Return how far it all is."""
        states = Counter(self._states[topic] for topic in self._wanted)
        failed = tuple(f"{topic}: {reason}" for topic, reason in self.refused())
        return Progress(len(self._wanted), states[TopicState.ACKED], failed)

    def _compose(self, now: float) -> Batch | None:
        """Return the next request: what must be left comes first, it may stand in the way."""
        leave = [topic for topic, state in self._states.items() if state is TopicState.UNWANTED]
        if leave:
            return self._batch(UNSUBSCRIBE, leave, now)
        wanted = (topic for topic, state in self._states.items() if state is TopicState.WANTED)
        ask = [topic for topic in wanted if self._held.get(topic, now) <= now]
        return self._batch(SUBSCRIBE, ask, now) if ask else None

    def _batch(self, method: str, candidates: list[Topic], now: float) -> Batch:
        alike = (topic for topic in candidates if topic.alike(candidates[0]))
        chosen = {topic.symbol: topic for topic in islice(alike, self._batch_size)}
        return Batch(method, chosen, now)

    def _allowed(self, now: float) -> bool:
        self._allowance = min(self._allowance + (now - self._counted_at) * REQUESTS_PER_SECOND, BURST)
        self._counted_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _refuse(self, topic: Topic, reason: str, now: float) -> None:
        self._signal(topic, Signal.REFUSAL)
        if self._states.get(topic) is not TopicState.REFUSED:
            return
        times = self._refused[topic].times + 1 if topic in self._refused else 1
        wait = RETRY_SECONDS * 2 ** (times - 1) if times < REFUSALS_MAX else math.inf
        self._refused[topic] = _Refusal(printable(reason), times, now + wait)

    def _signal(self, topic: Topic, signal: Signal) -> None:
        state = self._states[topic]
        after = self._states[topic] = NEXT.get((state, signal), state)
        if topic in self._stale or state in _LEAVING or after in _LEAVING:
            self.turns += 1
        if after is not state and signal in (Signal.ACK, Signal.LEFT):
            self._uncertain.discard(topic)
            self._refused.pop(topic, None)
        if signal in _SETTLING and topic in self._stale:
            self._stale.discard(topic)
            self._signal(topic, Signal.DROP)
        if topic not in self._wanted:
            self._clear(topic)

    def _clear(self, topic: Topic) -> None:
        """Forget an unwanted topic, or have it left when the exchange serves it or may do so."""
        state = self._states.get(topic)
        if state is TopicState.ACKED or (state is TopicState.WANTED and topic in self._uncertain):
            self._states[topic] = TopicState.UNWANTED
        elif state in (TopicState.WANTED, TopicState.REFUSED):
            del self._states[topic]
            self._refused.pop(topic, None)
            self._held.pop(topic, None)
            self._uncertain.discard(topic)
