"""The synthetic order book around a quote: what a taker can have, and at which price.

Levels move away from the spread in growing steps and grow in size, so that a small order pays the
spread and a large one slips. What was taken is there again at the next instant: liquidity refills.
"""

from typing import Final

from krakked_tui.sim.bars import DAY_MINUTES
from krakked_tui.sim.instruments import Grid, Instrument
from krakked_tui.sim.market import Quote
from krakked_tui.sim.matching import Book, Level
from krakked_tui.sim.noise import field, key, words

DEPTH: Final = 40
_TOP_PERCENT: Final = 25
"""Size of the best level, in percent of an average minute's volume."""
_GROWTH_PERCENT: Final = 9
"""How much bigger each level is than the one before, in the same measure."""
_LEVELS_PER_STEP: Final = 4
"""So many levels are equally far apart; then the distance grows by one spread."""


def book_around(
    seed: int, instrument: Instrument, grid: Grid, quote: Quote, minute: int, depth: int = DEPTH
) -> Book:
    """Return the book around a quote, at most ``DEPTH`` levels a side; sizes are drawn anew every minute."""
    noise = field(words(key(seed, "book", instrument.name), minute * 2 * DEPTH, 2 * DEPTH), 0, 10).tolist()
    per_minute = max(1, int(instrument.daily_volume.scaleb(grid.volume_decimals)) // DAY_MINUTES)
    bids: list[Level] = []
    asks: list[Level] = []
    away = 0
    for index in range(depth):
        mean = per_minute * (_TOP_PERCENT + _GROWTH_PERCENT * index)
        if quote.bid > away:
            bids.append(_level(grid, quote.bid - away, mean, noise[index]))
        asks.append(_level(grid, quote.ask + away, mean, noise[DEPTH + index]))
        away += instrument.spread_ticks * (1 + index // _LEVELS_PER_STEP)
    return Book(tuple(bids), tuple(asks))


def _level(grid: Grid, ticks: int, mean: int, noise: int) -> Level:
    """A level of a half to one and a half times its mean size, given in hundredths of a unit."""
    units = max(1, mean * (512 + noise) // (1024 * 100))
    return Level(grid.price(ticks), grid.volume(units))
