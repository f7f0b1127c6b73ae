"""Which candles are still to be read, and how urgently: the memory of whoever reads them."""

from collections.abc import Collection, Iterable, Set
from datetime import datetime

import msgspec

from krakked_tui.domain.candles import Candle, Timeframe

Key = tuple[str, Timeframe]


class CandleAnswer(msgspec.Struct, frozen=True):
    """The closed candles of an answer: all that the exchange has that open from ``since`` to ``upto``.

    ``asked`` is exchange time when the request was made.
    """

    closed: list[Candle]
    since: datetime
    upto: datetime
    asked: datetime


class CandleWants:
    """Wanted candles by pair and timeframe. Used from one event loop.

    Of what is *old* only such candles lack as the strategies do not look at. What was read too close to a
    boundary is *doubted*: its newest candle may not have been there yet, so it is wanted once more soon.
    """

    def __init__(self) -> None:
        self._wanted: dict[str, set[Timeframe]] = {}
        self._reading: dict[str, frozenset[Timeframe]] = {}
        self._old: set[Key] = set()
        self._doubted: dict[Key, float] = {}
        self._goals: dict[Key, datetime] = {}

    @property
    def names(self) -> Set[str]:
        """Pairs of which something may be read now."""
        return self._wanted.keys()

    @property
    def missing(self) -> tuple[str, ...]:
        """Pairs of which something is still to be read: now, soon, or just being read."""
        return tuple(dict.fromkeys((*self._reading, *self._wanted, *(name for name, _ in self._doubted))))

    def unread(self, used: Collection[Timeframe]) -> frozenset[str]:
        """Return the pairs of which candles of these timeframes are still to be read that are not old."""
        keys = {
            (name, timeframe)
            for wanted in (self._wanted, self._reading)
            for name, timeframes in wanted.items()
            for timeframe in timeframes
        }
        return frozenset(
            name for name, timeframe in (keys - self._old) | self._doubted.keys() if timeframe in used
        )

    def of(self, name: str) -> Set[Timeframe]:
        """Return the timeframes that are wanted of a pair now."""
        return self._wanted.get(name, frozenset())

    def is_old(self, name: str) -> bool:
        """Say whether all that is wanted of a pair is old."""
        return all((name, timeframe) in self._old for timeframe in self.of(name))

    def want(self, name: str, timeframes: Iterable[Timeframe]) -> None:
        """Want these candles up to the newest."""
        for timeframe in timeframes:
            self._wanted.setdefault(name, set()).add(timeframe)
            self._old.discard((name, timeframe))
            self._doubted.pop((name, timeframe), None)
            self._goals.pop((name, timeframe), None)

    def want_old(self, key: Key) -> None:
        """Want candles that no strategy looks at, unless newer ones are wanted already."""
        name, timeframe = key
        if timeframe not in self.of(name):
            self._old.add(key)
        self._wanted.setdefault(name, set()).add(timeframe)

    def begin(self, name: str, only: Set[Timeframe]) -> list[Timeframe]:
        """Take what is wanted of a pair, these timeframes only, shortest first: it is read now."""
        wanted = self._wanted.pop(name, set())
        if later := wanted - only:
            self._wanted[name] = later
        self._reading[name] = frozenset(wanted & only)
        return sorted(wanted & only, key=lambda timeframe: timeframe.minutes)

    def put_back(self, name: str, timeframes: Iterable[Timeframe]) -> None:
        """Want again, as urgently as before, what was taken and could not be read or kept."""
        if again := set(timeframes):
            self._wanted.setdefault(name, set()).update(again)

    def end(self, names: Iterable[str]) -> None:
        """Note that nothing of these pairs is being read any more."""
        for name in names:
            self._reading.pop(name, None)

    def settle(self, key: Key, upto: datetime, goal: datetime, due: float) -> None:
        """Note that all candles up to ``upto`` are there.

        Unless the one that opens at ``goal`` is among them, or at the goal of the reading that this one
        repeats, it is wanted again at wall second ``due``.
        """
        name, timeframe = key
        if timeframe in self.of(name):
            return  # asked for again meanwhile
        self._old.discard(key)
        goal = self._goals.pop(key, goal)
        if upto < goal:
            self._goals[key], self._doubted[key] = goal, due

    def take_doubted(self, now: float) -> None:
        """Want what is doubted and due at wall second ``now``."""
        for key in [key for key, due in self._doubted.items() if now >= due]:
            del self._doubted[key]
            self._wanted.setdefault(key[0], set()).add(key[1])

    @property
    def doubted_until(self) -> float | None:
        """The wall second at which something doubted is due next."""
        return min(self._doubted.values(), default=None)

    def keep_only(self, kept: Collection[str]) -> None:
        """Forget all other pairs."""
        for name in self._wanted.keys() - kept:
            del self._wanted[name]
        self._old = {key for key in self._old if key[0] in kept}
        self._doubted = {key: due for key, due in self._doubted.items() if key[0] in kept}
        self._goals = {key: goal for key, goal in self._goals.items() if key[0] in kept}
