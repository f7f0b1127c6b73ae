"""Nonces: strictly increasing, whatever the system clock does, and whoever else uses the key."""

import asyncio
import threading
from collections.abc import Callable
from typing import Protocol

NONCE_MAX = 2**63 - 1
"""Kraken takes 64 bits without sign; half of that leaves room to notice that something is wrong."""
JUMP_NS = 24 * 3600 * 10**9
"""How far ahead of the clock a jump may lead. It cannot be undone, so there is a limit."""
ENOUGH_NS = 5 * 10**9
"""With fewer nonces than this ready, more are reserved."""


class NonceStore(Protocol):
    """What remembers nonces beyond this process."""

    def next(self, at_least: int) -> int:
        """Return a nonce greater than every one before it, by whomever, and not below ``at_least``.

        Raises ``StorageError`` when that cannot be promised. Waits for a disk where ``reserve`` has not
        done so before.
        """
        ...

    def left(self, at_least: int) -> int:
        """Return how far beyond this nonce ``next`` need not wait; negative: it must wait already."""
        ...

    def reserve(self, at_least: int) -> None:
        """Make the promise for this nonce and many after it. Raises ``StorageError``."""
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
            nonce = self._coming()
            self._last = self._store.next(nonce) if self._store else nonce
            return self._last

    def left(self) -> int:
        """Return how many nanoseconds of nonces can be given out without waiting for a disk."""
        return self._store.left(self._coming()) if self._store else NONCE_MAX

    def reserve(self) -> None:
        """Wait for the disk now, so that ``next`` need not. Raises ``StorageError``."""
        if self._store:
            self._store.reserve(self._coming())

    def _coming(self) -> int:
        return max(self._last + 1, self._now_ns())

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


class NonceReserve:
    """Keeps nonces in reserve, so that signing waits for no disk. For one event loop."""

    def __init__(self, nonces: NonceSource) -> None:
        self._nonces = nonces
        self._raising: asyncio.Future[None] | None = None

    async def ready(self) -> None:
        """Return when there are nonces; when there are few, more are made meanwhile.

        Raises ``StorageError`` when there are none to be had.
        """
        left = self._nonces.left()
        if left >= ENOUGH_NS:
            return
        if self._raising is None or self._raising.done():
            self._raising = asyncio.get_running_loop().run_in_executor(None, self._nonces.reserve)
            # A failure nobody waits for is met again by whoever needs the nonces.
            self._raising.add_done_callback(lambda done: done.cancelled() or done.exception())
        if left < 0:
            await asyncio.shield(self._raising)

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._raising is not None:
            await asyncio.wait((self._raising,))
