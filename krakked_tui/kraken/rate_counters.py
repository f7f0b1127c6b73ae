"""The parts a rate limit is made of: a count that wears off, and who it was spent by.

Units are the exchange's, seconds are wall seconds.
"""

import math
from collections import deque

_ROUNDING = 1e-9
_SPENDERS_MAX = 64
_MINUTE = 60


class Meter:
    """A count that grows with calls and wears off at a steady rate, never below zero.

    Units of a call that is on its way are *held*: they do not wear off before the exchange has
    answered, because only then has it counted them for certain.
    """

    def __init__(self, decay: float) -> None:
        """``decay`` is in units per second."""
        self.decay = decay
        self.held = 0.0
        self._level = 0.0
        self._at = -math.inf

    def used(self, now: float) -> float:
        """Return the units that count against us."""
        return self.held + self.level(now)

    def level(self, now: float) -> float:
        """Return the units the exchange has counted for certain, worn off by now."""
        if now <= self._at or not self._level:
            return self._level
        return max(self._level - self.decay * (now - self._at), 0.0)

    def count(self, units: float, now: float) -> None:
        """Count units for certain."""
        self.set_level(self.level(now) + units, now)

    def raise_to(self, units: float, now: float) -> None:
        """Believe that at least this much has been counted."""
        self.set_level(max(self.level(now), units), now)

    def set_level(self, units: float, now: float) -> None:
        """Believe that exactly this much has been counted."""
        self._level = units
        self._at = max(now, self._at)

    def wait(self, units: float, limit: float, now: float) -> float:
        """Return the seconds until ``units`` more fit below ``limit``; infinite while calls hold too much."""
        over = self.used(now) + units - limit
        if over <= _ROUNDING:
            return 0.0
        if over > self.level(now) + _ROUNDING:
            return math.inf
        return over / self.decay


class Spenders:
    """Units by method over the last minute, at the grain of a second."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, dict[str, float]]] = deque()

    def add(self, method: str, units: float, now: float) -> None:
        """Note that a method spent units."""
        second = math.floor(now)
        self._forget(second)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, {}))
        spent = self._seconds[-1][1]
        if method not in spent and len(spent) >= _SPENDERS_MAX:
            method = "others"
        spent[method] = spent.get(method, 0.0) + units

    def last_minute(self, now: float) -> tuple[tuple[str, float], ...]:
        """Return what each method spent in the last minute, most first."""
        self._forget(math.floor(now))
        total: dict[str, float] = {}
        for _, spent in self._seconds:
            for method, units in spent.items():
                total[method] = total.get(method, 0.0) + units
        return tuple(sorted(total.items(), key=lambda item: (-item[1], item[0])))

    def _forget(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - _MINUTE:
            self._seconds.popleft()


class Window:
    """So many events in any stretch of so many seconds, as early as that allows."""

    def __init__(self, events: int, seconds: float) -> None:
        self._seconds = seconds
        self._booked: deque[float] = deque(maxlen=events)
        self._events = events

    def book(self, now: float) -> float:
        """Book the next place and return how long to wait for it."""
        slot = max(now, self._booked[-1] if self._booked else now)
        if len(self._booked) == self._events:
            slot = max(slot, self._booked[0] + self._seconds)
        self._booked.append(slot)
        return slot - now

    def used(self, now: float) -> int:
        """Return how many places of the stretch that ends now are taken."""
        return sum(1 for slot in self._booked if slot > now - self._seconds)
