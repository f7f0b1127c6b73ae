"""Who may write a private request now: one at a time, so that nonces arrive in their order.

Whoever is most urgent goes first, and of equals who came first.
"""

import asyncio
import heapq
from collections.abc import Callable, Mapping
from itertools import count
from types import TracebackType
from typing import Any, Protocol

import httpx

SETTLE_SECONDS = 0.25
"""After a request has been written for this long without an answer, the next one may be written."""

Rank = tuple[int, int]
"""Smaller goes first; its first part is the priority."""
Signed = tuple[Mapping[str, str], bytes]
"""Headers and body of a signed request."""
_ORDINARY: Rank = (2, 0)
_EVERYBODY: Mapping[int, int] = {}


class Outgoing(Protocol):
    """A request that is about to be written, as httpx reports it."""

    method: bytes
    headers: list[tuple[bytes, bytes]]
    stream: Any


class CallWithheldError(Exception):
    """A call was called off before its first byte was written; the message says why."""


class Places:
    """So many places, which go to the waiter of the smallest rank. Used from one event loop.

    ``kept``: how many places calls of a priority must leave free for those before them; a priority
    that is not named leaves none. Less urgent ones leave no fewer than more urgent ones.
    """

    def __init__(self, places: int, kept: Mapping[int, int] = _EVERYBODY) -> None:
        self._places = places
        self._kept = kept
        self._held = 0
        self._given_back = 0
        self._gone = 0
        self._order = count()
        self._waiters: list[tuple[Rank, int, asyncio.Future[None]]] = []

    async def acquire(self, rank: Rank = _ORDINARY) -> None:
        """Wait for a place. A cancelled waiter leaves no trace."""
        if self._fits(rank):
            self._held += 1
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (rank, next(self._order), granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.release()
            else:
                self._forget()
            raise

    async def acquire_within(self, seconds: float, rank: Rank) -> None:
        """Wait for a place; raise ``TimeoutError`` when nobody gave one back for so many seconds."""
        while True:
            before = self._given_back
            try:
                async with asyncio.timeout(seconds):
                    return await self.acquire(rank)
            except TimeoutError:
                if self._given_back == before:
                    raise

    def release(self) -> None:
        """Give a place back, and hand on what is free."""
        assert self._held
        self._held -= 1
        self._given_back += 1
        while self._waiters and (self._waiters[0][2].done() or self._fits(self._waiters[0][0])):
            granted = heapq.heappop(self._waiters)[2]
            if granted.done():
                self._gone -= 1
            else:
                self._held += 1
                granted.set_result(None)

    def _fits(self, rank: Rank) -> bool:
        return self._held + self._kept.get(rank[0], 0) < self._places

    def _forget(self) -> None:
        """Drop those who no longer wait, once they are half of all: dropping each would cost too much."""
        self._gone += 1
        if 2 * self._gone >= len(self._waiters):
            self._waiters = [waiter for waiter in self._waiters if not waiter[2].done()]
            heapq.heapify(self._waiters)
            self._gone = 0


class WritingTurn:
    """One private request's turn to write: it begins when its connection is there and can be written to.

    Then ``withhold`` is asked, ``sign`` takes the nonce, and the signed request is written: waiting
    for a connection holds up nobody. ``sign`` gives headers and body of the request, and may raise.

    The turn ends when the request is answered or has failed, or was written a while ago. Nonces are
    written in order, but over separate connections a later one may arrive first and make the exchange
    refuse the earlier, whose order then has to be searched for. So the next request waits for the
    answer, but never long: a call that hangs must not hold up a cancel. When the key forgives nonces
    that arrive out of order, the turn ends as soon as the request is written.
    """

    def __init__(
        self,
        lock: Places,
        withhold: Callable[[], str],
        sign: Callable[[], Signed],
        rank: Rank,
        *,
        overlap: Callable[[], bool] = lambda: False,
    ) -> None:
        self._lock = lock
        self._withhold = withhold
        self._sign = sign
        self._rank = rank
        self._overlap = overlap
        self._held = False
        self._overdue: asyncio.TimerHandle | None = None
        self.began = False
        """Whether the request was signed, so that some of it may have been written."""

    async def __aenter__(self) -> "WritingTurn":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Follow the request through httpx.

        A proxy is asked for a tunnel by a request of its own, which is none of ours.
        """
        if event == "http11.send_request_headers.started":
            if info["request"].method != b"CONNECT":
                await self._begin(info["request"])
        elif not self.began:
            return
        elif event == "http11.receive_response_headers.started":
            if self._overlap():
                self._end()
            else:
                self._overdue = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._end)
        elif event == "http11.receive_response_headers.complete":
            self._end()

    async def _begin(self, request: Outgoing) -> None:
        """Take the turn, then sign what is about to be written."""
        await self._lock.acquire(self._rank)
        self._held = True
        if reason := self._withhold():
            raise CallWithheldError(reason)
        headers, body = self._sign()
        self.began = True
        kept = [(name, value) for name, value in request.headers if name.lower() != b"content-length"]
        own = {**headers, "Content-Length": str(len(body))}
        request.headers = kept + [(name.encode(), value.encode()) for name, value in own.items()]
        request.stream = httpx.ByteStream(body)

    def _end(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
        if self._held:
            self._held = False
            self._lock.release()
