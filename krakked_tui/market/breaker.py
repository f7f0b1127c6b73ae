"""A circuit breaker: after too many failures in a row nothing is asked for a while, then one trial.

States: *closed* (all pass) -- N failures in a row --> *open* (none pass) -- its time is over -->
*half open* (one trial passes at a time): a success closes it, a failure opens it anew.
"""

import math


class CircuitBreaker:
    """Pure: every instant is an argument, in wall seconds of one monotonic clock."""

    def __init__(self, failures: int, seconds: float) -> None:
        """Open after ``failures`` in a row, of whatever was asked, for ``seconds``."""
        self._failures = failures
        self._seconds = seconds
        self._in_a_row = 0
        self._until: float | None = None
        self._trial_until = -math.inf
        self.reason = ""
        """The failure that opened it; empty while it is closed."""

    def admit(self, now: float) -> bool:
        """Say whether something may be asked now; whoever may must report how it went.

        Of a half-open breaker one trial at a time gets True. A trial that never reports is given up
        after the breaker's time, and another one let through.
        """
        if self._until is None:
            return True
        if now < max(self._until, self._trial_until):
            return False
        self._trial_until = now + self._seconds
        return True

    def failed(self, now: float, reason: str) -> None:
        """Count a failure: it may open the breaker. What was admitted before it opened changes nothing."""
        self._in_a_row += 1
        half_open = self._until is not None and now >= self._until
        if half_open or (self._until is None and self._in_a_row >= self._failures):
            self._until, self._trial_until = now + self._seconds, -math.inf
            self.reason = reason

    def succeeded(self, now: float) -> None:
        """Count a success: it ends the row, and closes the breaker unless its time still runs.

        A success that comes while the breaker is open was admitted before; the failures since outweigh it.
        """
        if self._until is not None and now < self._until:
            return
        self._in_a_row, self._until, self._trial_until, self.reason = 0, None, -math.inf, ""

    def open_seconds(self, now: float) -> float | None:
        """Return for how long nothing passes; 0 while a trial is due or under way; None when closed."""
        return None if self._until is None else max(self._until - now, 0.0)
