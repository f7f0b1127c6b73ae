"""What is done about topics that said nothing although there was something to say."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import islice
from math import inf
from typing import TypeVar

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Timeframe
from krakked_tui.ports import Clock, MarketFeed

RENEW_SECONDS = 45.0
"""Least time (wall) between two renewals of one pair, and at first between two of all pairs."""
LONGEST_RENEW_SECONDS = 600.0
"""Up to this the time between two renewals of all pairs is doubled."""
LATELY_SECONDS = 600.0
"""For how long a topic that stays deaf is shown, and any is not logged again (wall)."""
LATELY_MAX = 20
"""Deaf topics that are named."""
NAMED_MAX = 5
"""Topics that a log line names."""
REMEMBERED_MAX = 10_000
"""Pairs and topics that are remembered; beyond it the oldest are forgotten."""


Key = TypeVar("Key", bound=Hashable)
Topic = tuple[str, Timeframe | None]
"""A pair and the timeframe of its candles, None for its prices."""


class DeafTopics:
    """Has deaf topics subscribed to anew, says so, and passes their pairs on.

    ``heard`` returns when a topic spoke last, in wall seconds; None for one that nobody listens to.
    """

    def __init__(
        self, *, feed: MarketFeed, clock: Clock, write_log: Callable[[Log], None],
        on_deaf: Callable[[Sequence[str]], None], heard: Callable[[Topic], float | None],
    ) -> None:  # fmt: skip
        self._feed = feed
        self._clock = clock
        self._write_log = write_log
        self._on_deaf = on_deaf
        self._heard = heard
        self._found: OrderedDict[Topic, float] = OrderedDict()
        """When each topic was found deaf last, wall seconds, oldest first."""
        self._logged: OrderedDict[Topic, float] = OrderedDict()
        self._renewed: OrderedDict[str, float] = OrderedDict()
        self._postponed: dict[str, None] = {}
        """Pairs that were found deaf again too soon after they were renewed."""
        self._all_renewed = -inf
        self._all_pause = RENEW_SECONDS
        self.count = 0
        """How often a topic was found deaf since start."""

    @property
    def lately(self) -> tuple[str, ...]:
        """Topics found deaf in the last minutes and silent since, newest first, ``LATELY_MAX`` at most."""
        return tuple(_name(topic) for topic in islice(self._silent(), LATELY_MAX))

    @property
    def lately_count(self) -> int:
        """How many topics there are of which ``lately`` names the newest."""
        return sum(1 for _topic in self._silent())

    def _silent(self) -> Iterator[Topic]:
        since = self._clock.monotonic() - LATELY_SECONDS
        for topic, found in reversed(self._found.items()):
            if found <= since:
                return
            heard = self._heard(topic)
            if heard is not None and heard <= found:
                yield topic

    async def found(self, topics: Sequence[Topic]) -> None:
        """Take note that these topics are deaf, and do what had to wait. For every look."""
        self.count += len(topics)
        self._due(self._found, topics, 0.0)
        if unsaid := self._due(self._logged, topics, LATELY_SECONDS):
            self._say(unsaid)
        # What is found in the pause after a renewal is missing all the same.
        self._postponed |= dict.fromkeys(pair for pair, _timeframe in topics)
        if pairs := self._due(self._renewed, tuple(self._postponed), RENEW_SECONDS):
            self._postponed = {pair: None for pair in self._postponed if pair not in pairs}
            await self._feed.renew(pairs)
            # Not before: what ends between the reading and the renewal would be missed.
            self._on_deaf(pairs)

    async def renew_all(self, pairs: Sequence[str], since: float) -> None:
        """Have all pairs subscribed to anew while the whole stream is silent. For every look.

        ``since`` is the wall second of the last word. The pauses grow while renewing does not help, and
        start over after the stream spoke for as long as the longest. Nobody is blamed, nothing passed on.
        """
        now = self._clock.monotonic()
        if since - self._all_renewed >= LONGEST_RENEW_SECONDS:
            self._all_pause = RENEW_SECONDS
        elif now - self._all_renewed < self._all_pause:
            return
        else:
            self._all_pause = min(self._all_pause * 2, LONGEST_RENEW_SECONDS)
        self._all_renewed = now
        self._due(self._renewed, pairs, 0.0)
        await self._feed.renew(pairs)

    def _say(self, topics: Sequence[Topic]) -> None:
        more = f" and {len(topics) - NAMED_MAX} more" if len(topics) > NAMED_MAX else ""
        listed = ", ".join(map(_name, topics[:NAMED_MAX])) + more
        message = f"the market stream said nothing of trades there were: {listed}; subscribing anew"
        self._write_log(Log(Level.WARNING, "topics_deaf", {"topics": listed, "count": len(topics)}, message))

    def _due(self, before: OrderedDict[Key, float], names: Sequence[Key], pause: float) -> list[Key]:
        """Return those of the names, each once, whose last time is ``pause`` ago, and note them."""
        now = self._clock.monotonic()
        due = [name for name in dict.fromkeys(names) if name not in before or now - before[name] >= pause]
        for name in due:
            before[name] = now
            before.move_to_end(name)
        while len(before) > REMEMBERED_MAX:
            before.popitem(last=False)
        return due


def _name(topic: Topic) -> str:
    pair, timeframe = topic
    return f"ticker {pair}" if timeframe is None else f"{timeframe} candles {pair}"
