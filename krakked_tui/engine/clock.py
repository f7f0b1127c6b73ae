"""The system's clocks: the only place that reads the time.

``now()`` is exchange time, ``monotonic()`` wall time. A sandbox runs exchange time faster; the
factor and the time come from the exchange itself, through ``synchronise``.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from krakked_tui.ports import ServerTime

_RESOLUTION = 1.0
"""The exchange tells its time in whole seconds."""


def utc_now() -> datetime:
    """The machine's own time, for what is not the exchange's business (log records)."""
    return datetime.now(UTC)  # noqa: TID251 - this is the clock


class ExchangeClock:
    """Exchange time derived from wall time, an anchor and a factor.

    Until the first ``synchronise`` it shows the machine's own UTC. Each answer of the exchange
    ("it is second u") confines the true time to one second; the clock keeps the intersection of
    these bounds, so it gets more exact with every answer, and starts over when they contradict
    (the exchange's clock jumped) or when the factor changes.
    """

    def __init__(self) -> None:
        self._speed = 1.0
        self._anchor_wall = time.monotonic()
        utc = utc_now().timestamp()
        self._low = self._high = utc
        self._synchronised = False

    def now(self) -> datetime:
        """Exchange time, UTC."""
        return self.at(self.monotonic())

    def monotonic(self) -> float:
        """Wall seconds; never goes back."""
        return time.monotonic()

    @property
    def speed(self) -> float:
        """Exchange seconds per wall second; 0 while a sandbox is paused."""
        return self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait that many wall seconds."""
        await asyncio.sleep(max(seconds, 0.0))

    def synchronise(self, server: ServerTime, asked: float, answered: float) -> timedelta:
        """Take in an answer to "what time is it", asked and answered at these wall seconds.

        Returns how far the clock was moved (exchange time).
        """
        before = self.at(answered)
        speed = 1.0 if server.speed is None else server.speed
        low = server.at.timestamp()
        high = low + _RESOLUTION + (answered - asked) * speed
        if self._synchronised and speed == self._speed:
            elapsed = (answered - self._anchor_wall) * speed
            kept_low, kept_high = max(low, self._low + elapsed), min(high, self._high + elapsed)
            if kept_low <= kept_high:
                low, high = kept_low, kept_high
        self._speed, self._anchor_wall = speed, answered
        self._low, self._high = low, high
        self._synchronised = True
        return self.at(answered) - before

    def at(self, wall: float) -> datetime:
        """Exchange time at a wall second."""
        middle = (self._low + self._high) / 2
        return datetime.fromtimestamp(middle + (wall - self._anchor_wall) * self._speed, UTC)

    @property
    def uncertainty(self) -> float:
        """How far exchange time may be off either way, in exchange seconds."""
        return (self._high - self._low) / 2
