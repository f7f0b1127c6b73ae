"""A pair's coarse path: the price at which each UTC day opens and closes, and how wild the day is.

The logarithm of the price, relative to the pair's level, is a moving average of daily shocks with
exponentially fading weights. So any day can be computed on its own, prices wander for months and
still come home, and no day depends on what was asked before. A shock is partly the whole market's
and partly the pair's own; its size clusters (volatility moves between random knots a few days
apart) and follows the market's regime, which changes every few days.
"""

import math
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from krakked_tui.sim.instruments import Instrument
from krakked_tui.sim.noise import Floats, Ints, field, growth, key, normals, uniforms, words


class Regime(NamedTuple):
    """A mood of the whole market.

    ``drift`` is the daily log return of a pair that moves one to one with the market and has a
    volatility of 3 % a day; ``volatility`` multiplies every pair's own.
    """

    name: str
    drift: float
    volatility: float


REGIMES: Final = (
    Regime("range", 0.0, 0.7),
    Regime("range", 0.0, 0.8),
    Regime("trend up", 0.009, 0.9),
    Regime("trend up", 0.012, 1.0),
    Regime("trend up", 0.006, 0.8),
    Regime("trend down", -0.008, 1.0),
    Regime("trend down", -0.006, 1.1),
    Regime("crash", -0.025, 2.2),
)
"""As often as each is listed, one of them rules a block of days."""

REGIME_DAYS: Final = 8
_DRIFT_VOLATILITY: Final = 0.03

_MEMORY_DAYS: Final = 512
_FADE: Final = 0.99
_WEIGHTS: Final[Floats] = np.array([_FADE**age for age in range(_MEMORY_DAYS, 0, -1)])

_KNOT_DAYS: Final = 6
_CALMEST: Final = 0.6
_WILDEST: Final = 1.6


class Day(NamedTuple):
    """One UTC day of a pair: prices in quote, ``volatility`` the standard deviation of its return.

    ``activity`` multiplies the pair's usual volume.
    """

    open: float
    close: float
    volatility: float
    activity: float


def regime_of(seed: int, day: int) -> Regime:
    """Return the regime that rules a day (days since 1970-01-01 UTC)."""
    return REGIMES[int(_regimes(seed, day, 1)[0])]


def day_of(seed: int, instrument: Instrument, day: int) -> Day:
    """Return a pair's coarse day. The next day opens where this one closes."""
    returns, volatility = _shocks(seed, instrument, day - _MEMORY_DAYS, _MEMORY_DAYS + 1)
    level = float(instrument.level)
    opened = level * growth(math.fsum((returns[:-1] * _WEIGHTS).tolist()))
    closed = level * growth(math.fsum((returns[1:] * _WEIGHTS).tolist()))
    wildness = float(volatility[-1])
    return Day(opened, closed, wildness * instrument.volatility, 0.4 + 0.6 * wildness)


def _shocks(seed: int, instrument: Instrument, first: int, count: int) -> tuple[Floats, Floats]:
    """Daily log returns, and the factor by which each day is wilder than an ordinary one."""
    market, regime_drift, regime_volatility = _market(seed, first, count)
    own = normals(words(key(seed, "day", instrument.name), first, count))
    volatility = regime_volatility * _clustering(key(seed, "cluster", instrument.name), first, count)
    rho = instrument.correlation
    mixed = rho * market + math.sqrt(1.0 - rho * rho) * own
    drift = regime_drift * (rho * instrument.volatility / _DRIFT_VOLATILITY)
    return mixed * volatility * instrument.volatility + drift, volatility


@lru_cache(maxsize=8)
def _market(seed: int, first: int, count: int) -> tuple[Floats, Floats, Floats]:
    """What all pairs share on these days: the common shock, drift and volatility factor."""
    common = normals(words(key(seed, "day"), first, count))
    regimes = _regimes(seed, first, count)
    drift = np.array([regime.drift for regime in REGIMES])[regimes]
    volatility = np.array([regime.volatility for regime in REGIMES])[regimes]
    return common, drift, volatility


def _regimes(seed: int, first: int, count: int) -> Ints:
    first_block = first // REGIME_DAYS
    blocks = (first + count - 1) // REGIME_DAYS - first_block + 1
    drawn = field(words(key(seed, "regime"), first_block, blocks), 0, 32) % len(REGIMES)
    return drawn[(np.arange(first, first + count) // REGIME_DAYS) - first_block]


def _clustering(stream: int, first: int, count: int) -> Floats:
    """Volatility factors that move in straight lines between random knots."""
    first_knot = first // _KNOT_DAYS
    knots = (first + count - 1) // _KNOT_DAYS - first_knot + 2
    heights = _CALMEST + (_WILDEST - _CALMEST) * uniforms(words(stream, first_knot, knots))
    days = np.arange(first, first + count)
    knot = days // _KNOT_DAYS - first_knot
    share = (days % _KNOT_DAYS) / _KNOT_DAYS
    return heights[knot] * (1.0 - share) + heights[knot + 1] * share
