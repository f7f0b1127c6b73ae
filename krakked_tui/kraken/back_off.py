"""How long nothing is sent after the exchange has refused a call for its rate.

A refusal that concerns the public calls of this address, or the private reads of this key, holds back
those alone; any other holds back everything. Times are wall seconds of one monotonic clock.
"""

import math

from krakked_tui.kraken import error_codes
from krakked_tui.kraken.endpoints import Counter, Priority
from krakked_tui.kraken.errors import RateLimitError

BLOCK_WAIT_MAX = 10.0
"""A call that would have to wait longer for the end of a refusal fails instead; not a cancel."""
BACK_OFF_SECONDS = 5.0
BACK_OFF_MAX_SECONDS = 60.0
FORGIVEN_SECONDS = 60.0
"""Refusals further apart than this do not make the next wait longer."""

_PUBLIC = frozenset({Counter.PUBLIC, Counter.PUBLIC_PAIR})
_READS = frozenset({Counter.PRIVATE, Counter.HISTORY})
_EVERYTHING = frozenset(Counter)
_NARROW = {error_codes.TOO_MANY_REQUESTS: _PUBLIC, error_codes.PRIVATE_RATE_LIMIT: _READS}
"""What a refusal holds back when the refused call was of that kind."""


class _Block:
    """One stretch of refusals."""

    def __init__(self) -> None:
        self.until = -math.inf
        self.since = -math.inf
        self.reason = ""
        self._refusals = 0

    def extend(self, error: RateLimitError, sent_at: float, now: float) -> None:
        """Wait longer each time; calls sent before the last refusal say nothing new."""
        if sent_at < self.since:
            return
        self._refusals = self._refusals + 1 if now - self.since < FORGIVEN_SECONDS else 0
        wait = min(BACK_OFF_SECONDS * 2.0 ** min(self._refusals, 8), BACK_OFF_MAX_SECONDS)
        self.since = now
        self.until = max(self.until, now + max(wait, error.retry_after))
        self.reason = error.code or "HTTP 429"


class BackOff:
    """What the exchange has refused, and until when calls of each counter wait for it."""

    def __init__(self) -> None:
        self._blocks = {counters: _Block() for counters in (_EVERYTHING, _PUBLIC, _READS)}

    def refused(self, counter: Counter, error: RateLimitError, sent_at: float, now: float) -> None:
        """Note the refusal of a call of this counter that was sent at that time."""
        narrow = _NARROW.get(error.code, _EVERYTHING)
        self._blocks[narrow if counter in narrow else _EVERYTHING].extend(error, sent_at, now)

    def remaining(self, counter: Counter, now: float) -> float:
        """Return the seconds for which calls of this counter are held back."""
        return max(self._block(counter).until - now, 0.0)

    def check(self, what: str, counter: Counter, priority: Priority, now: float) -> None:
        """Raise ``RateLimitError`` when a call would have to wait too long.

        Cancels and emergencies wait, however long, except in a lockout: every call extends that.
        """
        block = self._block(counter)
        patient = priority <= Priority.CANCEL and block.reason != error_codes.LOCKOUT
        remaining = block.until - now
        if remaining > BLOCK_WAIT_MAX and not patient:
            raise RateLimitError(
                f"{what} was not sent: Kraken refuses calls for another {remaining:.0f} s ({block.reason})",
                code=block.reason,
                retry_after=remaining,
            )

    def _block(self, counter: Counter) -> _Block:
        """Return what holds calls of this counter back the longest."""
        return max(
            (block for counters, block in self._blocks.items() if counter in counters),
            key=lambda block: block.until,
        )
