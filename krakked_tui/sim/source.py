"""Where a market's candles and trades come from, before any shock moves them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

from krakked_tui.sim.bars import Bar, DayBars
from krakked_tui.sim.instruments import Grid, Instrument
from krakked_tui.sim.minutes import day_bars, split_key, trades_of_day
from krakked_tui.sim.noise import key, word
from krakked_tui.sim.tape import Print, made_up_parts, make_prints


class Source(Protocol):
    """A market's raw material. The same question always gets the same answer."""

    def day(self, name: str, day: int) -> DayBars:
        """Return the minutes of a UTC day (days since 1970)."""
        ...

    def prints(self, name: str, bar: Bar) -> tuple[Print, ...]:
        """Return the trades of a minute of ``day`` that has some; they rebuild it exactly."""
        ...

    def trades(self, name: str, day: int) -> int:
        """Return how many trades a day has, without making it."""
        ...

    def traded_day(self, name: str, day: int) -> int | None:
        """Return the latest day up to ``day`` with a trade, None when there never was one."""
        ...


class MadeUp:
    """The random market of a seed; every day of every pair starts with a trade."""

    def __init__(self, seed: int, instruments: Mapping[str, Instrument], grids: Mapping[str, Grid]) -> None:
        self._seed = seed
        self._instruments = instruments
        self._grids = grids

    def day(self, name: str, day: int) -> DayBars:
        """Make the minutes of a day."""
        return day_bars(self._seed, self._instruments[name], self._grids[name], day)

    def prints(self, name: str, bar: Bar) -> tuple[Print, ...]:
        """Make the trades of a minute."""
        parts = made_up_parts(bar, word(_split_key(self._seed, name), bar.minute))
        return make_prints(tape_key(self._seed, name), bar, parts)

    def trades(self, name: str, day: int) -> int:
        """Count the trades of a day."""
        return trades_of_day(self._seed, self._instruments[name], day)

    def traded_day(self, name: str, day: int) -> int | None:  # noqa: ARG002 - every pair trades every day
        """Return the day itself."""
        return day


@lru_cache(maxsize=4096)
def _split_key(seed: int, name: str) -> int:
    return split_key(seed, name)


@lru_cache(maxsize=4096)
def tape_key(seed: int, name: str) -> int:
    """Return the key of the random numbers that a pair's trades are made with."""
    return key(seed, "tape", name)
