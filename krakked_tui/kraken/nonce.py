"""Nonces: strictly increasing, whatever the system clock does."""

import threading
from collections.abc import Callable


class NonceSource:
    """Makes nonces on the nanosecond scale. One per API key, shared by every thread that signs."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        """Return a nonce greater than every one before it, also when the clock went back."""
        with self._lock:
            self._last = max(self._last + 1, self._now_ns())
            return self._last
