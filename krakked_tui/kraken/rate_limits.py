"""When a call may be sent.

Models the public limit: calls leave evenly spaced, so a burst of them waits instead of being
refused.
"""

from typing import Any

from krakked_tui.kraken.endpoints import Endpoint


class RateLimiter:
    """Books a slot for each call, in the order they ask. Seconds are wall seconds."""

    def __init__(self, public_calls_per_second: float) -> None:
        self._spacing = 1.0 / public_calls_per_second
        self._next_public = 0.0

    def reserve(self, endpoint: Endpoint[Any], now: float) -> float:
        """Book the next slot for a call and return how long to wait for it."""
        if endpoint.private:
            return 0.0
        slot = max(now, self._next_public)
        self._next_public = slot + self._spacing * endpoint.cost
        return slot - now
