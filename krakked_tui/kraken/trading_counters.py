"""Kraken's trading counter of each pair, kept for the limiter.

The part of each that only cancels and emergencies may use is ``RESERVED``.
"""

import logging
import math
from collections import deque
from collections.abc import Mapping

from krakked_tui.kraken.order_costs import ANY_PAIR
from krakked_tui.kraken.rate_counters import Meter, Spenders
from krakked_tui.kraken.settings import Tier
from krakked_tui.ports import Headroom

RESERVED = 8.0
"""Units of each pair that orders leave to cancels and emergencies: what the dearest cancel costs."""
STEP_SECONDS = 1.0
"""The counter is documented by the second; should it wear off in steps, the worst phase is assumed."""
REPORT_LAG_SECONDS = 2.0
"""A report from the exchange may be this late: calls made since then may be missing in it."""
PAIRS_MAX = 2048
PAIRS_SHOWN = 8

_TIERS = {
    Tier.STARTER: (60.0, 1.0),
    Tier.INTERMEDIATE: (125.0, 2.34),
    Tier.PRO: (180.0, 3.75),
}
"""Threshold, and units that wear off per second."""
_DECAYS = dict(_TIERS.values())
_PLAUSIBLE_MAX = 1_000_000.0
_IGNORED_MAX = 10

_log = logging.getLogger(__name__)


class _PairMeter(Meter):
    """A meter that knows what was added to it just now."""

    def __init__(self, decay: float) -> None:
        super().__init__(decay)
        self.spenders = Spenders()
        self.blocked_until = -math.inf
        self._recent: deque[tuple[float, float]] = deque(maxlen=256)

    def set_level(self, units: float, now: float) -> None:
        added = units - self.level(now)
        if added > 0:
            self._recent.append((now, added))
        super().set_level(units, now)

    def correct(self, units: float, now: float) -> None:
        """Believe a report, but for what it may not know about yet."""
        recent = sum(added for at, added in self._recent if at > now - REPORT_LAG_SECONDS)
        Meter.set_level(self, max(units, min(self.level(now), units + recent)), now)

    def idle(self, now: float) -> bool:
        """Say whether nothing is known about it that a new one would not know."""
        return not self.used(now) and self.blocked_until <= now


class _AnyMeter(_PairMeter):
    """What order calls of unknown pair cost. It is counted on every pair: one of them has to bear it.

    Its own level is what a pair that had no counter yet starts from.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(decay)
        self.pairs: dict[str, _PairMeter] = {}

    def count(self, units: float, now: float) -> None:
        for meter in self.pairs.values():
            meter.count(units, now)
        super().count(units, now)

    def raise_to(self, units: float, now: float) -> None:
        for meter in self.pairs.values():
            meter.raise_to(units, now)
        super().raise_to(units, now)


class TradingCounters:
    """All pairs' counters, and one more for order calls that may concern any pair."""

    def __init__(self, tier: Tier) -> None:
        self._unlimited = tier not in _TIERS
        self._maximum, self._decay = _TIERS.get(tier, (math.inf, 1.0))
        self._any = _AnyMeter(self._decay)
        self._ignored: set[float] = set()

    def counter(self, pair: str, now: float) -> tuple[Meter, Spenders]:
        """Return where calls about this pair are charged."""
        meter = self._meter(pair, now)
        return meter, meter.spenders

    def wait(self, units: Mapping[str, float], now: float, *, urgent: bool) -> float:
        """Return the seconds until so many units fit on each pair; infinite until calls are answered."""
        if self._unlimited:
            return 0.0
        limit = self._maximum - self._decay * STEP_SECONDS - (0.0 if urgent else RESERVED)
        return max(
            (self._pair_wait(pair, u, limit, now, urgent=urgent) for pair, u in units.items()), default=0
        )

    def refused(self, pair: str, now: float, until: float) -> None:
        """Keep orders of a pair back until then; cancels only wait for their units."""
        meter = self._meter(pair, now)
        meter.blocked_until = max(meter.blocked_until, until)
        if not self._unlimited:
            meter.raise_to(self._maximum, now)

    def set_maximum(self, units: float) -> None:
        """Take over the threshold the exchange reports, and what goes with it.

        One below which no order would ever go is ignored: it cannot be what is meant.
        """
        decay = _DECAYS.get(units, self._decay)
        if self._unlimited or not RESERVED + decay * STEP_SECONDS + 1 <= units <= _PLAUSIBLE_MAX:
            if not self._unlimited and units not in self._ignored and len(self._ignored) < _IGNORED_MAX:
                self._ignored.add(units)
                _log.warning("Kraken reports a trading counter of at most %r, which is ignored", units)
            return
        self._maximum = units
        self._decay = decay
        for meter in (self._any, *self._any.pairs.values()):
            meter.decay = self._decay

    def correct(self, pair: str, units: float, now: float) -> None:
        """Take over the count the exchange reports for a pair."""
        if 0 <= units <= _PLAUSIBLE_MAX:
            self._meter(pair, now).correct(units, now)

    def headroom(self, now: float, blocked: float) -> list[Headroom]:
        """Return the fullest pairs; ``blocked`` seconds at least nothing is sent."""
        if self._unlimited:
            return []
        used = {pair: meter for pair, meter in self._any.pairs.items() if not meter.idle(now)}
        fullest = sorted(used, key=lambda pair: (-used[pair].used(now), pair))[:PAIRS_SHOWN]
        return [
            Headroom(
                f"trading {pair}",
                used[pair].used(now) + self._any.held,
                self._maximum,
                used[pair].spenders.last_minute(now),
                max(blocked, used[pair].blocked_until - now),
            )
            for pair in fullest
        ]

    def _pair_wait(self, pair: str, units: float, limit: float, now: float, *, urgent: bool) -> float:
        meter = self._meter(pair, now)
        blocked = 0.0 if urgent else max(meter.blocked_until, self._any.blocked_until) - now
        if not units:
            return max(blocked, 0.0)
        if meter is not self._any:
            return max(blocked, meter.wait(units, limit - self._any.held, now))
        fullest = max(self._any.pairs.values(), key=lambda each: each.used(now), default=self._any)
        held = self._any.held if fullest is not self._any else 0.0
        return max(blocked, fullest.wait(units, limit - held, now))

    def _meter(self, pair: str, now: float) -> _PairMeter:
        """Return a pair's counter; when there are too many, what is charged to one counts for all."""
        if pair == ANY_PAIR:
            return self._any
        if pair not in self._any.pairs:
            if len(self._any.pairs) >= PAIRS_MAX:
                for name in [name for name, each in self._any.pairs.items() if each.idle(now)]:
                    del self._any.pairs[name]
            if len(self._any.pairs) >= PAIRS_MAX:
                return self._any
            self._any.pairs[pair] = _PairMeter(self._decay)
            self._any.pairs[pair].set_level(self._any.level(now), now)
        return self._any.pairs[pair]
