"""The synthetic order book around a quote: what a taker can have, and at which price.

Levels stand at fixed prices: every multiple of the pair's spread near the best price, every second
one further away, then every fourth and so on, bigger the further out, so that a small order pays the
spread and a large one slips. A level's size belongs to its price and stays for some minutes, so a
book that follows a moving quote changes at the top and at a few places below, as a real one does.
What was taken is there again at the next instant: liquidity refills.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

import numpy as np

from krakked_tui.sim.bars import DAY_MINUTES
from krakked_tui.sim.instruments import Grid, Instrument
from krakked_tui.sim.market import Quote
from krakked_tui.sim.matching import Book, Level
from krakked_tui.sim.noise import Ints, field, key, word, words_at

Prices = TypeVar("Prices", int, Ints)

DEPTH: Final = 40
"""Levels a side that ``book_around`` gives when not told otherwise."""

DEEPEST: Final = 1000
"""Levels a side there are at most."""

_ZONE_LEVELS: Final = 16
_ZONE_PERCENTS: Final = (25, 100, 400, 800, 1600)
"""Mean size of a level by zone, in percent of an average minute's volume.

Each zone's levels are twice as far apart as those of the one before; the last zone goes on to the end.
"""

_KEPT_MINUTES: Final = 8
"""How long a level keeps its size; each has its own minute to change."""

_KEPT_BEATS: Final = 8
"""How long a level of the first zone keeps its size within a minute."""

_REMEMBERED_MAX: Final = 8 * DEEPEST
_VERSION_BITS: Final = 24
_MANY: Final = 24
"""From so many words on, computing them all at once is faster than one by one."""


class Side(NamedTuple):
    """One side of a book, best first: prices in ticks, and the mean size at each in hundredths of a unit."""

    prices: list[int]
    means: list[int]


class Ladder:
    """The book of one pair in whole numbers; what was drawn for a minute is remembered while it lasts."""

    def __init__(self, seed: int, instrument: Instrument, grid: Grid) -> None:
        self._stream = key(seed, "book", instrument.name)
        self._near_stream = key(seed, "near", instrument.name)
        self._spread = instrument.spread_ticks
        per_minute = max(1, int(instrument.daily_volume.scaleb(grid.volume_decimals)) // DAY_MINUTES)
        self._means = [per_minute * percent for percent in _ZONE_PERCENTS]
        self._minute = -1
        self._far: dict[int, int] = {}
        self._near: dict[int, int] = {}

    def bids(self, quote: Quote, minute: int, depth: int) -> dict[int, int]:
        """Return the volume units offered by buyers at each price, best first."""
        return self._sized(self._side(quote.bid, -1, depth), quote.beat, minute)

    def asks(self, quote: Quote, minute: int, depth: int) -> dict[int, int]:
        """Return the volume units offered by sellers at each price, best first."""
        return self._sized(self._side(quote.ask, 1, depth), quote.beat, minute)

    def best(self, quote: Quote, minute: int) -> tuple[int, int]:
        """Return the volume units at the best bid and the best ask."""
        self._turn(minute)
        mean = self._means[0]
        bid, ask = self._near_noise(quote.bid, quote.beat), self._near_noise(quote.ask, quote.beat)
        return _size(mean, bid), _size(mean, ask)

    def _side(self, best: int, away: int, depth: int) -> Side:
        """Choose the prices of one side; there are fewer where they would fall below one tick."""
        prices, means = [best], [self._means[0]]
        step, edge = self._spread, best
        last_zone = len(self._means) - 1
        for zone, mean in enumerate(self._means):
            levels = DEEPEST if zone == last_zone else _ZONE_LEVELS
            first = (edge // step + 1) * step if away > 0 else (-(-edge // step) - 1) * step
            edge += away * levels * step
            stop = edge + away if away > 0 else max(edge - 1, 0)
            prices += range(first, stop, away * step)
            means += [mean] * (len(prices) - len(means))
            if len(prices) >= depth:
                break
            step *= 2
        return Side(prices[:depth], means[:depth])

    def _sized(self, side: Side, beat: int, minute: int) -> dict[int, int]:
        self._turn(minute)
        near, far = side.prices[:_ZONE_LEVELS], side.prices[_ZONE_LEVELS:]
        drawn = self._far
        missing = [price for price in far if price not in drawn]
        if missing:
            drawn.update(zip(missing, _far_noise(self._stream, missing, minute), strict=True))
        noise = [self._near_noise(price, beat) for price in near]
        noise += [drawn[price] for price in far]
        sizes = map(_size, side.means, noise)
        return dict(zip(side.prices, sizes, strict=True))

    def _near_noise(self, price: int, beat: int) -> int:
        """Random bits of a level near the best price: it changes every so many beats."""
        address = (price << 32) + (self._minute % 2**24 << 8) + (beat + _phase(price)) // _KEPT_BEATS
        drawn = self._near.get(address)
        if drawn is None:
            drawn = self._near[address] = word(self._near_stream, address) & 1023
        return drawn

    def _turn(self, minute: int) -> None:
        """Forget what belongs to another minute, and what was drawn when it got too much."""
        if minute != self._minute or len(self._far) + len(self._near) > _REMEMBERED_MAX:
            self._minute = minute
            self._far.clear()
            self._near.clear()


def _size(mean: int, noise: int) -> int:
    """A level of a half to one and a half times its mean size."""
    return mean * (512 + noise) // (1024 * 100) or 1


def book_around(
    seed: int, instrument: Instrument, grid: Grid, quote: Quote, minute: int, depth: int = DEPTH
) -> Book:
    """Return the book around a quote, at most ``depth`` levels a side; the best are the quote's own."""
    ladder = ladder_of(seed, instrument, grid)
    return Book(
        _levels(grid, ladder.bids(quote, minute, depth).items()),
        _levels(grid, ladder.asks(quote, minute, depth).items()),
    )


def changed_minute(place: int, price: int, minute: int) -> int:
    """Return the minute since which the level at a price, ``place`` levels from the best, has its size."""
    if place < _ZONE_LEVELS:
        return minute
    phase = _phase(price)
    return (minute + phase) // _KEPT_MINUTES * _KEPT_MINUTES - phase


def _levels(grid: Grid, side: Iterable[tuple[int, int]]) -> tuple[Level, ...]:
    return tuple(Level(grid.price(price), grid.volume(units)) for price, units in side)


def _far_noise(stream: int, prices: Sequence[int], minute: int) -> Sequence[int]:
    """Ten random bits for each price beyond the first zone, the same for some minutes."""
    if len(prices) < _MANY:
        return [word(stream, _addresses(price, minute)) & 1023 for price in prices]
    found: list[int] = field(words_at(stream, _addresses(np.array(prices), minute)), 0, 10).tolist()
    return found


def _addresses(prices: Prices, minute: int) -> Prices:
    """Where the random bits of prices (one, or an array of them) are found at a minute."""
    version = (minute + _phase(prices)) // _KEPT_MINUTES
    return (prices << _VERSION_BITS) + (version & ((1 << _VERSION_BITS) - 1))


def _phase(prices: Prices) -> Prices:
    """How many minutes early the levels at prices change; prices next to each other differ."""
    return (prices ^ (prices >> 3) ^ (prices >> 6) ^ (prices >> 9)) % _KEPT_MINUTES


@lru_cache(maxsize=1024)
def ladder_of(seed: int, instrument: Instrument, grid: Grid) -> Ladder:
    """Return the book of a pair."""
    return Ladder(seed, instrument, grid)
