"""How long a topic of a stream is usually silent: when is silence suspicious? Wall seconds throughout.

A topic is one pair's prices, or its candles of one timeframe. A market in which nobody trades says
nothing, and so does a topic the exchange forgot about: only how it usually is tells when to look.
"""

from dataclasses import dataclass

MEAN_WEIGHT = 1 / 8
DEVIATION_WEIGHT = 1 / 4
DEVIATIONS = 4
"""These three are those of TCP's retransmission timer (RFC 6298): mean and mean deviation, smoothed.

A topic that speaks at random, as trades happen, goes beyond so many deviations every fiftieth time.
"""

GAPS_MIN = 8
"""Gaps after which a topic's own usage is believed."""
UNKNOWN_SECONDS = 60.0
"""Silence that is expected of a topic of which less is known."""
LEAST_SECONDS = 10.0
"""Silence that is expected of the busiest topic: a busy market pauses for so long, too."""
MOST_SECONDS = 900.0
"""No longer silence is expected of any topic, and no longer gap is learnt from."""


@dataclass(slots=True)
class QuietModel:
    """The gaps between what a topic says, as a running estimate of two numbers."""

    mean: float = 0.0
    deviation: float = 0.0
    gaps: int = 0

    def heard(self, gap: float) -> None:
        """Learn from one gap between two messages with data. Heartbeats are none."""
        gap = min(max(gap, 0.0), MOST_SECONDS)
        if self.gaps == 0:
            self.mean, self.deviation = gap, gap / 2
        else:
            self.deviation += DEVIATION_WEIGHT * (abs(gap - self.mean) - self.deviation)
            self.mean += MEAN_WEIGHT * (gap - self.mean)
        if self.gaps < GAPS_MIN:
            self.gaps += 1

    def expected_quiet(self, deviations: float = DEVIATIONS) -> float:
        """Return how long a silence may be and be nothing unusual; the more deviations, the surer."""
        if self.gaps < GAPS_MIN:
            return UNKNOWN_SECONDS
        return min(max(self.mean + deviations * self.deviation, LEAST_SECONDS), MOST_SECONDS)

    def suspicious(self, silence: float) -> bool:
        """Say whether a silence of so long is worth a look by other means."""
        return silence > self.expected_quiet()
