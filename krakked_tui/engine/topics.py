"""Which topics of the market stream have fallen silent: one pair's prices, or its candles of a timeframe.

Nothing here runs for each message. What the live market holds is looked at about every second; a topic
spoke when it holds something else than before. Heartbeats, and prices that were asked for, are no speech.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.engine.market import LiveMarket
from krakked_tui.market.quiet import QuietModel
from krakked_tui.ports import Clock

ORDER_SECONDS = 10.0
"""Wall seconds by which prices and candles, which come over connections of their own, may be apart."""
LATE_SECONDS = 2.0
"""Wall seconds that a message may be on its way."""
FEED_DEVIATIONS = 12
"""Of the usual gap, until the silence of all pairs at once is none of chance. Then nothing is opened."""
EDGE = timedelta(seconds=1)
"""Exchange time by which a price may be stamped later than the trade it tells of."""


@dataclass(slots=True)
class _Topic:
    heard: float
    """Wall second of what it said last, or from which on its silence counts."""
    confirmed: float
    """Until when its silence is known to be right."""
    said: Quote | Candle | None = None
    learning: bool = False
    """Whether the gap up to its next word will be one of a topic at work."""
    model: QuietModel = field(default_factory=QuietModel)

    def note(self, said: Quote | Candle | None, at: float) -> None:
        if self.learning:
            self.model.heard(at - self.heard)
        self.said, self.heard, self.learning = said, at, True

    def suspicious(self, now: float) -> bool:
        return self.model.suspicious(now - max(self.heard, self.confirmed))


class _Owed(msgspec.Struct, frozen=True):
    """A candle topic must have spoken since ``since`` of a candle that opens at ``opens`` or later.

    It may do so until ``due`` (exchange time), and until ``until``. The other two are wall seconds.
    """

    opens: datetime
    since: float
    due: datetime
    until: float


class Topics:
    """What is usual of each topic, and which one is not as usual now. Used from the engine's loop only.

    ``timeframes`` are those whose candles are streamed; ``grace`` says how long after the end of a
    candle (exchange time) its last word may come.
    """

    def __init__(
        self, *, market: LiveMarket, clock: Clock, timeframes: Collection[Timeframe],
        grace: Callable[[], timedelta],
    ) -> None:  # fmt: skip
        self._market = market
        self._clock = clock
        self._timeframes = tuple(timeframes)
        self._grace = grace
        self._prices: dict[str, _Topic] = {}
        self._candles: dict[tuple[str, Timeframe], _Topic] = {}
        self._owed: dict[tuple[str, Timeframe], _Owed] = {}
        self._feed = _Topic(clock.monotonic(), clock.monotonic())
        self._turned_at = market.turned_at

    def listen(self, pairs: Collection[str]) -> None:
        """Note which topics of these pairs have spoken; to be called about every second."""
        now = self._clock.monotonic()
        if self._turned_at != self._market.turned_at:
            self._begin_anew(now)
        if not self._market.stream.connected:
            return
        self._forget_others(pairs)
        streamed_at = self._market.streamed_at
        if streamed_at is not None and streamed_at > self._feed.heard:
            self._feed.note(None, streamed_at)
        for pair in pairs:
            self._listen_to_price(pair, now)
            for timeframe in self._timeframes:
                self._listen_to_candles((pair, timeframe), now)

    def _listen_to_price(self, pair: str, now: float) -> None:
        topic = self._prices.get(pair)
        if topic is None:
            topic = self._prices[pair] = _Topic(now, now)
        quote, before = self._market.quotes.get(pair), topic.said
        if quote is None or quote is before or self._market.was_asked_for(quote):
            return
        if isinstance(before, Quote):
            self._expect_candles(before, quote, now)
        topic.note(quote, quote.received)

    def _listen_to_candles(self, key: tuple[str, Timeframe], now: float) -> None:
        topic = self._candles.get(key)
        if topic is None:
            topic = self._candles[key] = _Topic(now, now)
        candle = self._market.running(*key)
        if candle is not None and candle is not topic.said:
            topic.note(candle, now)

    def _expect_candles(self, before: Quote, quote: Quote, now: float) -> None:
        """Note what the candles owe when a pair traded between two prices."""
        if before.received < self._turned_at:
            return  # the stream was away in between
        if quote.last == before.last and quote.figures.volume_24h <= before.figures.volume_24h:
            return
        due = Timeframe.M1.floor(quote.time) + Timeframe.M1.length + self._grace()
        for timeframe in self._timeframes:
            # The trade may have been just before the first of the two prices was stamped.
            opens = timeframe.floor(before.time - EDGE)
            owed = _Owed(opens, before.received - ORDER_SECONDS, due, now + LATE_SECONDS)
            self._owed.setdefault((quote.pair, timeframe), owed)

    def deaf_candles(self) -> list[tuple[str, Timeframe]]:
        """Return, once, the candle topics that said nothing of a minute in which their pair traded."""
        now, wall = self._clock.now(), self._clock.monotonic()
        deaf: list[tuple[str, Timeframe]] = []
        for key, owed in list(self._owed.items()):
            topic = self._candles[key]
            if isinstance(topic.said, Candle) and topic.said.time >= owed.opens and topic.heard >= owed.since:
                del self._owed[key]
            elif now >= owed.due and wall >= owed.until:
                del self._owed[key]
                topic.learning = False
                deaf.append(key)
        return deaf

    def suspicious(self) -> bool:
        """Say whether any topic is silent for longer than it usually is."""
        now = self._clock.monotonic()
        return any(
            topic.suspicious(now) for topics in (self._prices, self._candles) for topic in topics.values()
        )

    def confirm(self, pairs: Collection[str]) -> None:
        """Note that the silence of these pairs is right, or was acted upon."""
        now = self._clock.monotonic()
        for pair in pairs:
            for topic in self._of(pair):
                topic.confirmed = now

    def found_deaf(self, pairs: Collection[str]) -> None:
        """Note that the prices of these pairs were silent without a reason: nothing is learnt from that."""
        for pair in pairs:
            if pair in self._prices:
                self._prices[pair].learning = False

    def heard(self, pair: str, timeframe: Timeframe | None = None) -> float | None:
        """Return the wall second from which on a pair's prices, or its candles of a timeframe, are silent.

        None for a topic that is not listened to.
        """
        topic = self._prices.get(pair) if timeframe is None else self._candles.get((pair, timeframe))
        return None if topic is None else topic.heard

    @property
    def expected_quiet(self) -> float:
        """Wall seconds for which it can be chance that no price of any pair comes."""
        return self._feed.model.expected_quiet(FEED_DEVIATIONS)

    def _of(self, pair: str) -> list[_Topic]:
        topics = [self._prices.get(pair), *(self._candles.get((pair, each)) for each in self._timeframes)]
        return [topic for topic in topics if topic is not None]

    def _begin_anew(self, now: float) -> None:
        """Count silence from now on: the stream went away, or is back with everything subscribed to anew."""
        self._turned_at = self._market.turned_at
        self._owed.clear()
        for topic in (self._feed, *self._prices.values(), *self._candles.values()):
            topic.heard, topic.learning = now, False

    def _forget_others(self, pairs: Collection[str]) -> None:
        if len(self._prices) <= len(pairs) and self._prices.keys() <= set(pairs):
            return
        kept = set(pairs)
        self._prices = {pair: topic for pair, topic in self._prices.items() if pair in kept}
        self._candles = {key: topic for key, topic in self._candles.items() if key[0] in kept}
        self._owed = {key: owed for key, owed in self._owed.items() if key[0] in kept}
