"""A clock that stands still until it is told to move, and jumps where sleepers want to go."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count


class FakeClock:
    """Implements ``Clock``. ``advance`` wakes sleepers in the order of their times.

    With ``auto`` the clock jumps by itself whenever somebody sleeps: time costs nothing.
    """

    def __init__(
        self, start: datetime = datetime(2026, 1, 5, tzinfo=UTC), *, speed: float = 1.0, auto: bool = False
    ) -> None:
        self._start = start
        self._speed = speed
        self._wall = 0.0
        self._auto = auto
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._wall * self._speed)

    def monotonic(self) -> float:
        return self._wall

    @property
    def speed(self) -> float:
        return self._speed

    async def sleep(self, seconds: float) -> None:
        if self._auto:
            self._wall += max(seconds, 0.0)
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self._wall + max(seconds, 0.0), next(self._order), woken))
        await woken.wait()

    def jump(self, seconds: float) -> None:
        """Pass wall time without anybody waking on the way, as when a machine sleeps."""
        self._wall += seconds

    async def advance(self, seconds: float) -> None:
        """Let wall time pass, running whatever wakes up on the way."""
        end = self._wall + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, woken = heapq.heappop(self._sleepers)
            self._wall = max(self._wall, at)
            woken.set()
            await settle()
        self._wall = end
        await settle()


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)
