"""The primitive of a made-up market: the one-minute candles of one pair on one UTC day.

Prices walk from the day's coarse open to its coarse close (a random bridge), in steps that the
whole market partly shares and whose size follows the hour and clusters. Each minute then gets a
number of trades, a volume and a range; how its trades add up is fixed in closed form by ``Split``,
so that the candle's vwap is exact before any trade of it is made.
"""

import math
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from krakked_tui.sim.bars import DAY_MINUTES, DayBars
from krakked_tui.sim.days import Day, day_of
from krakked_tui.sim.instruments import Grid, Instrument
from krakked_tui.sim.noise import Floats, Ints, Words, field, key, normals, uniforms, words

_HOURS: Final[Floats] = np.array(
    (
        *(0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.9, 1.0, 1.0, 1.0, 1.0),
        *(1.1, 1.3, 1.5, 1.4, 1.3, 1.2, 1.1, 1.1, 1.1, 1.0, 0.9, 0.9),
    )
)
"""How busy each hour (UTC) is, busiest when both America and Europe are awake."""

_CLUSTER_MINUTES: Final = 30
_MAX_TRADES: Final = 400
_RANGE: Final = 0.9
"""How far a wick reaches beyond the body, at most, in standard deviations of a minute."""

_MIN_UNITS: Final = 128
_MIN_UNITS_PER_TRADE: Final = 4
_SHARE_FLOOR: Final = 32
_SHARE_BITS: Final = 10


class Split(NamedTuple):
    """How a minute's volume is shared among its trades (all in volume units).

    The first trade is at the open, the last at the close, one each at high and low when there are
    trades enough. The others come in ``pairs`` of equal volume at mirrored prices p and high+low-p,
    of mean volume ``each``; an odd one out (``odd``) is at the open too. So the sum of price times
    volume does not depend on where the mirrored prices lie.
    """

    first: Ints
    high: Ints
    low: Ints
    last: Ints
    pairs: Ints
    each: Ints
    odd: Ints


def split(volume: Ints, count: Ints, draw: Words) -> Split:
    """Share out volumes; ``draw`` is one random word per minute. Works on any number of minutes."""
    extra = np.maximum(count - 4, 0)
    pairs = extra // 2
    each = np.where(extra > 0, volume // np.maximum(2 * count, 1), 0)
    odd = (extra % 2) * each
    anchors = volume - 2 * pairs * each - odd
    has_high, has_low = extremes(count, draw)
    high = np.where(has_high, anchors * (_SHARE_FLOOR + field(draw, 8, 8)) >> _SHARE_BITS, 0)
    low = np.where(has_low, anchors * (_SHARE_FLOOR + field(draw, 16, 8)) >> _SHARE_BITS, 0)
    last = np.where(count > 1, anchors * (_SHARE_FLOOR + field(draw, 24, 8)) >> _SHARE_BITS, 0)
    return Split(anchors - high - low - last, high, low, last, pairs, each, odd)


def anchor_share(anchors: int, bits: int) -> int:
    """Return the share of one trade at an extreme or the close, decided by the lowest eight of ``bits``."""
    return anchors * (_SHARE_FLOOR + (bits & 255)) >> _SHARE_BITS


def extremes(count: Ints, draw: Words) -> tuple[Ints, Ints]:
    """Say (1 or 0) whether a minute has a trade of its own at its high, and at its low."""
    coin = field(draw, 0, 1)
    full = (count > 3).astype(np.int64)
    three = (count == 3).astype(np.int64)
    return full + three * coin, full + three * (1 - coin)


def draws(seed: int, name: str, first: int, count: int) -> Words:
    """Return the words, one per minute, that decide how each of some minutes is split."""
    return words(split_key(seed, name), first, count)


def split_key(seed: int, name: str) -> int:
    """Return the key of the words that ``draws`` gives."""
    return key(seed, "split", name)


def day_bars(seed: int, instrument: Instrument, grid: Grid, day: int) -> DayBars:
    """Make the minutes of a day (days since 1970-01-01 UTC)."""
    coarse = day_of(seed, instrument, day)
    step = coarse.volatility / math.sqrt(DAY_MINUTES) * _step_sizes(seed, instrument.name, day)
    tick = float(grid.tick)
    walk = np.maximum(np.rint(_bridge(seed, instrument, coarse, step, day) / tick), 1.0)

    draw = draws(seed, instrument.name, day * DAY_MINUTES, DAY_MINUTES)
    noise = words(key(seed, "wick", instrument.name), day * DAY_MINUTES, DAY_MINUTES)
    count = _counts(seed, instrument, coarse, day)
    volume = _volumes(seed, instrument, grid, count, day)

    at = np.maximum.accumulate(np.where(count > 0, np.arange(DAY_MINUTES), 0))
    close = walk[1:].astype(np.int64)[at]
    reach = step * walk[:-1]
    gap = np.rint((uniforms(noise) - 0.5) * reach * 0.5)
    gap[0] = 0.0
    opened = np.maximum(walk[:-1] + gap, 1.0).astype(np.int64)
    opened = np.where(count > 1, opened, close)
    has_high, has_low = extremes(count, draw)
    up = (_RANGE * reach * field(noise, 0, 5) / 31.0).astype(np.int64)
    down = (_RANGE * reach * field(noise, 5, 5) / 31.0).astype(np.int64)
    high = np.maximum(opened, close) + has_high * up
    low = np.maximum(np.minimum(opened, close) - has_low * down, 1)

    shares = split(volume, count, draw)
    notional = (
        (shares.first + shares.odd) * opened
        + shares.high * high
        + shares.low * low
        + shares.last * close
        + shares.pairs * shares.each * (high + low)
    )
    return DayBars(day, opened, high, low, close, volume, notional, count)


def trades_of_day(seed: int, instrument: Instrument, day: int) -> int:
    """Return the number of trades of a day without making its candles."""
    return int(_counts(seed, instrument, day_of(seed, instrument, day), day).sum())


def _step_sizes(seed: int, name: str, day: int) -> Floats:
    """How big each minute's step is, relative to the day's average."""
    spells = DAY_MINUTES // _CLUSTER_MINUTES
    clusters = 0.55 + 0.9 * uniforms(words(key(seed, "spell", name), day * spells, spells))
    return np.repeat(clusters, _CLUSTER_MINUTES) * np.repeat(_HOURS, 60)


def _bridge(seed: int, instrument: Instrument, coarse: Day, step: Floats, day: int) -> Floats:
    """Prices at the 1441 minute borders of the day, from its open to its close."""
    rho = instrument.correlation
    own = normals(words(key(seed, "minute", instrument.name), day * DAY_MINUTES, DAY_MINUTES))
    walk = np.zeros(DAY_MINUTES + 1)
    np.cumsum((rho * _market_minutes(seed, day) + math.sqrt(1.0 - rho * rho) * own) * step, out=walk[1:])
    share = np.arange(DAY_MINUTES + 1) / DAY_MINUTES
    straight = coarse.open * (1.0 - share) + coarse.close * share
    path: Floats = straight + coarse.open * (walk - walk[-1] * share)
    return path


@lru_cache(maxsize=8)
def _market_minutes(seed: int, day: int) -> Floats:
    return normals(words(key(seed, "minute"), day * DAY_MINUTES, DAY_MINUTES))


def _counts(seed: int, instrument: Instrument, coarse: Day, day: int) -> Ints:
    """Number of trades of each minute. The first minute of a day always trades: days stay independent."""
    noise = words(key(seed, "count", instrument.name), day * DAY_MINUTES, DAY_MINUTES)
    rate = instrument.daily_trades / DAY_MINUTES * coarse.activity * np.repeat(_HOURS, 60)
    burst = uniforms(noise)
    expected = rate * (0.25 + 2.25 * burst * burst)
    count = np.minimum(expected + field(noise, 0, 11) / 2048.0, _MAX_TRADES).astype(np.int64)
    count[0] = max(1, count[0])
    return count


def _volumes(seed: int, instrument: Instrument, grid: Grid, count: Ints, day: int) -> Ints:
    noise = uniforms(words(key(seed, "volume", instrument.name), day * DAY_MINUTES, DAY_MINUTES))
    usual = float(instrument.daily_volume.scaleb(grid.volume_decimals)) / instrument.daily_trades
    size = usual * (0.4 + 3.0 * noise * noise * noise * noise)
    volume = (size * count).astype(np.int64) + _MIN_UNITS + _MIN_UNITS_PER_TRADE * count
    return np.where(count > 0, volume, 0)
