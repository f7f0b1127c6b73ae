"""What is done about topics that said nothing although there was something to say."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Timeframe
from krakked_tui.ports import Clock, MarketFeed

RENEW_SECONDS = 45.0
"""Least time (wall) between two renewals of one pair."""
LATELY_SECONDS = 600.0
"""For how long a deaf topic is shown, and not logged again (wall)."""
LATELY_MAX = 20
NAMED_MAX = 5
"""Topics that a log line names."""
REMEMBERED_MAX = 10_000
"""Pairs and topics that are remembered; beyond it the oldest are forgotten."""


class DeafTopics:
    """Has deaf topics subscribed to anew, says so, and passes their pairs on."""

    def __init__(
        self, *, feed: MarketFeed, clock: Clock, write_log: Callable[[Log], None],
        on_deaf: Callable[[Sequence[str]], None],
    ) -> None:  # fmt: skip
        self._feed = feed
        self._clock = clock
        self._write_log = write_log
        self._on_deaf = on_deaf
        self._found: OrderedDict[str, float] = OrderedDict()
        """When each topic was found deaf last, wall seconds, oldest first."""
        self._logged: OrderedDict[str, float] = OrderedDict()
        self._renewed: OrderedDict[str, float] = OrderedDict()
        self._postponed: dict[str, None] = {}
        """Pairs that were found deaf again too soon after they were renewed."""
        self.count = 0
        """How often a topic was found deaf since start."""

    @property
    def lately(self) -> tuple[str, ...]:
        """Topics found deaf in the last minutes, newest first, not more than ``LATELY_MAX``."""
        since = self._clock.monotonic() - LATELY_SECONDS
        newest = [topic for topic, at in reversed(self._found.items()) if at > since]
        return tuple(newest[:LATELY_MAX])

    async def prices(self, pairs: Sequence[str]) -> None:
        """Take note that the prices of these pairs are deaf."""
        await self._act([(f"ticker {pair}", pair) for pair in pairs])

    async def candles(self, topics: Sequence[tuple[str, Timeframe]]) -> None:
        """Take note that these candle topics are deaf, and do what had to wait. For every look."""
        await self._act([(f"{timeframe} candles {pair}", pair) for pair, timeframe in topics])

    async def _act(self, topics: Sequence[tuple[str, str]]) -> None:
        self.count += len(topics)
        names = [name for name, _pair in topics]
        self._due(self._found, names, 0.0)
        if unsaid := self._due(self._logged, names, LATELY_SECONDS):
            self._say(unsaid)
        # What is found in the pause after a renewal is missing all the same.
        self._postponed |= dict.fromkeys(pair for _name, pair in topics)
        if pairs := self._due(self._renewed, tuple(self._postponed), RENEW_SECONDS):
            self._postponed = {pair: None for pair in self._postponed if pair not in pairs}
            await self._feed.renew(pairs)
            # Not before: what ends between the reading and the renewal would be missed.
            self._on_deaf(pairs)

    def _say(self, names: Sequence[str]) -> None:
        more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
        listed = ", ".join(names[:NAMED_MAX]) + more
        message = f"the market stream said nothing of trades there were: {listed}; subscribing anew"
        self._write_log(Log(Level.WARNING, "topics_deaf", {"topics": listed, "count": len(names)}, message))

    def _due(self, before: OrderedDict[str, float], names: Sequence[str], pause: float) -> list[str]:
        """Return those of the names, each once, whose last time is ``pause`` ago, and note them."""
        now = self._clock.monotonic()
        due = [name for name in dict.fromkeys(names) if name not in before or now - before[name] >= pause]
        for name in due:
            before[name] = now
            before.move_to_end(name)
        while len(before) > REMEMBERED_MAX:
            before.popitem(last=False)
        return due
