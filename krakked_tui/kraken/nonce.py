"""Nonces: strictly increasing, whatever the system clock does, and whoever else uses the key."""

import threading
from collections.abc import Callable
from typing import Protocol

NONCE_MAX = 2**63 - 1
"""Kraken takes 64 bits without sign; half of that leaves room to notice that something is wrong."""
JUMP_NS = 24 * 3600 * 10**9
"""How far ahead of the clock a jump may lead. It cannot be undone, so there is a limit."""


class NonceStore(Protocol):
    """What remembers nonces beyond this process."""

    def next(self, at_least: int) -> int:
        """Return a nonce greater than every one before it, by whomever, and not below ``at_least``.

        Raises ``StorageError`` when that cannot be promised.
        """
        ...


class NonceSource:
    """Makes nonces on the nanosecond scale. One per API key, shared by every thread that signs.

    Without a store they increase within the process only, which is enough for a key that nobody else
    uses and a clock that is never set back.
    """

    def __init__(self, now_ns: Callable[[], int], store: NonceStore | None = None) -> None:
        """``now_ns`` is the wall clock, in nanoseconds since 1970, not the exchange's."""
        self._now_ns = now_ns
        self._store = store
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        """Return a nonce greater than every one before it, also when the clock went back.

        Raises ``StorageError`` when the store cannot promise that.
        """
        with self._lock:
            nonce = max(self._last + 1, self._now_ns())
            self._last = self._store.next(nonce) if self._store else nonce
            return self._last

    def jump(self) -> bool:
        """Go on from ``JUMP_NS`` ahead of the clock, when somebody has used larger nonces than ours.

        Return False when that has been done already: then a larger jump would only burn the key.
        """
        with self._lock:
            target = self._now_ns() + JUMP_NS
            # Within an hour of the target we have been there before.
            if self._last >= target - JUMP_NS // 24 or target > NONCE_MAX:
                return False
            self._last = target
            return True
