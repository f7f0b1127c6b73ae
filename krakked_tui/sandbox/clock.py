"""The exchange's clock: it runs faster than the wall, can stand still and can jump ahead."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(2200, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def micros_of(at: datetime) -> int:
    """Return microseconds since 1970-01-01 UTC."""
    return (at - EPOCH) // _MICRO


def instant_of(micros: int) -> datetime:
    """Return the UTC instant so many microseconds after 1970-01-01."""
    return EPOCH + micros * _MICRO


class SandboxClock:
    """Exchange time as a function of wall time; never goes back.

    ``wall`` gives wall nanoseconds from an arbitrary start.
    """

    def __init__(
        self,
        start: datetime,
        speed: float,
        *,
        paused: bool = False,
        wall: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall = wall
        self._factor = speed
        self._paused = paused
        self._base = start
        self._base_wall = wall()

    @property
    def factor(self) -> float:
        """Exchange seconds per wall second while running."""
        return self._factor

    @property
    def paused(self) -> bool:
        """Whether exchange time stands still."""
        return self._paused

    @property
    def speed(self) -> float:
        """Exchange seconds per wall second now: 0 while paused."""
        return 0.0 if self._paused else self._factor

    def now(self) -> datetime:
        """Exchange time, UTC, to the microsecond."""
        if self._paused:
            return self._base
        return self._base + int((self._wall() - self._base_wall) * self._factor) // 1000 * _MICRO

    def wall(self) -> int:
        """Wall nanoseconds from an arbitrary start; they run on while exchange time stands still."""
        return self._wall()

    def pause(self) -> None:
        """Let exchange time stand still; pausing twice changes nothing."""
        self._rebase(self.now())
        self._paused = True

    def resume(self) -> None:
        """Let exchange time run on from where it stands; resuming twice changes nothing."""
        self._rebase(self.now())
        self._paused = False

    def jump(self, to: datetime) -> None:
        """Move exchange time ahead at once; ``ValueError`` for the past or the end of time."""
        if to < self.now():
            raise ValueError(f"it is at {self.now().isoformat()} and never goes back")
        if to > END_OF_TIME:
            raise ValueError(f"it ends at {END_OF_TIME.isoformat()}")
        self._rebase(to)

    def wall_seconds(self, span: timedelta) -> float:
        """Return how many wall seconds a span of exchange time takes while the clock runs."""
        return span.total_seconds() / self._factor

    def _rebase(self, at: datetime) -> None:
        self._base, self._base_wall = at, self._wall()
