"""Who may write a private request now: one at a time, so that nonces arrive in their order.

Whoever is most urgent goes first, and of equals who came first.
"""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from types import TracebackType
from typing import Any

SETTLE_SECONDS = 0.25
"""After a request has been written for this long without an answer, the next one may be written."""

Rank = tuple[int, int]
"""Smaller goes first."""
_ORDINARY: Rank = (2, 0)


class CallWithheldError(Exception):
    """A call was called off before its first byte was written; the message says why."""


class PriorityLock:
    """A lock that goes to the waiter of the smallest rank. Not reentrant; used from one event loop."""

    def __init__(self) -> None:
        self._held = False
        self._order = count()
        self._waiters: list[tuple[Rank, int, asyncio.Future[None]]] = []

    async def acquire(self, rank: Rank = _ORDINARY) -> None:
        """Wait for the lock. A cancelled waiter leaves no trace."""
        if not self._held:
            self._held = True
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (rank, next(self._order), granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.release()
            else:
                self._waiters = [waiter for waiter in self._waiters if waiter[2] is not granted]
                heapq.heapify(self._waiters)
            raise

    def release(self) -> None:
        """Hand the lock to the next waiter."""
        assert self._held
        while self._waiters:
            granted = heapq.heappop(self._waiters)[2]
            if not granted.done():
                granted.set_result(None)
                return
        self._held = False


class WritingTurn:
    """Holds the writing lock until the request is answered or has failed, or was written a while ago.

    Nonces are written in order, but over separate connections a later one may arrive first and make
    the exchange refuse the earlier, whose order then has to be searched for. So the next request
    waits for the answer, but never long: a call that hangs must not hold up a cancel. When the key
    forgives nonces that arrive out of order, the turn ends as soon as the request is written.
    """

    def __init__(
        self, lock: PriorityLock, withhold: Callable[[], str], rank: Rank, *, overlap: bool = False
    ) -> None:
        self._lock = lock
        self._withhold = withhold
        self._rank = rank
        self._overlap = overlap
        self._held = False
        self._overdue: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "WritingTurn":
        await self._lock.acquire(self._rank)
        self._held = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    async def trace(self, event: str, _info: dict[str, Any]) -> None:
        """Follow the request through httpx."""
        if event == "http11.send_request_headers.started" and (reason := self._withhold()):
            # The wait for the turn and for a connection is over, and no byte has been written.
            raise CallWithheldError(reason)
        if event == "http11.receive_response_headers.started":
            if self._overlap:
                self._end()
            else:
                self._overdue = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._end)
        elif event == "http11.receive_response_headers.complete":
            self._end()

    def _end(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
        if self._held:
            self._held = False
            self._lock.release()
