"""From running candles to closed ones.

The exchange streams each running candle again and again and never says that one is final: a
candle is closed when its interval has ended on the exchange's clock. Messages lag behind that
clock, so a boundary is settled only when a message stamped well after it has arrived, since
earlier ones on the same ordered connection then have too, or when a grace has passed in silence.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.market.frames import supersedes

SETTLED_AFTER = timedelta(seconds=1)
"""How much later than a boundary a message must be stamped to prove that the boundary is settled."""

PENDING_MAX = 64
"""Candles of one pair and timeframe that may wait to be closed; beyond it the oldest is dropped."""

RETURNED_MAX = 8
"""Closed candles of one pair and timeframe that can still be corrected."""


@dataclass(slots=True)
class _Lane:
    """Candles of one pair and timeframe, by open time."""

    over: datetime
    """Candles that open at or before this are finished with: whatever comes for them is ignored."""
    pending: dict[datetime, Candle] = field(default_factory=dict)
    returned: dict[datetime, Candle] = field(default_factory=dict)


class CandleCloser:
    """Turns updates of running candles into closed candles, each handed out exactly once.

    One instance serves one ordered connection.
    """

    def __init__(self, since: datetime) -> None:
        """Ignore candles that ended at or before ``since``: the caller has loaded those."""
        self._since = since
        self._lanes: dict[tuple[str, Timeframe], _Lane] = {}
        self._corrections: dict[tuple[str, Timeframe, datetime], Candle] = {}
        self._heard_until = since
        self.dropped = 0
        """Candles given up because too many waited; the caller must fetch them again."""

    def update(self, candle: Candle, seen: datetime) -> None:
        """Take one streamed state of a candle; ``seen`` is the message's exchange timestamp."""
        self._heard_until = max(self._heard_until, seen)
        key = candle.pair, candle.timeframe
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(over=self._since - candle.timeframe.length)
        if known := lane.pending.get(candle.time):
            if supersedes(candle, known):
                lane.pending[candle.time] = candle
        elif given := lane.returned.get(candle.time):
            if candle != given and supersedes(candle, given):
                lane.returned[candle.time] = candle
                self._corrections[*key, candle.time] = candle
        elif candle.time > lane.over:
            lane.pending[candle.time] = candle
            if len(lane.pending) > PENDING_MAX:
                del lane.pending[min(lane.pending)]
                self.dropped += 1

    def ready(self, boundary: datetime, now: datetime, grace: timedelta) -> bool:
        """Tell whether ``boundary`` is settled; ``now`` and ``grace`` are exchange time."""
        return self._heard_until >= boundary + SETTLED_AFTER or now >= boundary + grace

    def close(self, boundary: datetime) -> list[Candle]:
        """Return every candle that ended at or before ``boundary`` and was not returned before.

        Ordered by open time, then pair, then timeframe. Candles that still run stay here.
        """
        closed: list[Candle] = []
        for lane in self._lanes.values():
            for candle in [c for c in lane.pending.values() if c.end <= boundary]:
                lane.returned[candle.time] = lane.pending.pop(candle.time)
                closed.append(candle)
            while len(lane.returned) > RETURNED_MAX:
                oldest = min(lane.returned)
                del lane.returned[oldest]
                lane.over = max(lane.over, oldest)
        return sorted(closed, key=lambda c: (c.time, c.pair, c.timeframe.minutes))

    def forget(self, pairs: Collection[str]) -> None:
        """Drop all candles of these pairs: what is streamed no more would be closed half done."""
        for key in [key for key in self._lanes if key[0] in pairs]:
            del self._lanes[key]
        for correction in [each for each in self._corrections if each[0] in pairs]:
            del self._corrections[correction]

    def corrections(self) -> list[Candle]:
        """Return and forget the closed candles that a late update has changed, in the order of ``close``."""
        corrected = sorted(self._corrections.values(), key=lambda c: (c.time, c.pair, c.timeframe.minutes))
        self._corrections.clear()
        return corrected
