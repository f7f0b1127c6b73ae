"""Indicators: named functions that return Polars expressions over one pair's candles, in time order.

The value at a bar uses that bar and earlier ones only. Too few bars give null. What is recursive depends
on where the history begins: ever less with each bar, as ``ema_warmup`` and ``wilder_warmup`` say.
"""

import math
from typing import NamedTuple

import polars as pl

_FORGOTTEN = 1e-10
"""Share of a recursive value that its beginning may still have when it counts as forgotten."""

_FORGOTTEN_IN_RATIOS = 1e-12
"""The same of values that are divided by each other, and shrink when a market calms down."""

_EQUAL_WITHIN = 1e-9
"""Deviations below this share of what they deviate from are rounding."""


def sma(column: str, bars: int) -> pl.Expr:
    """Simple moving average: the mean of the last ``bars`` values."""
    return pl.col(column).rolling_mean(bars)


def ema(column: str, bars: int) -> pl.Expr:
    """Exponential moving average with weight 2 / (bars + 1), seeded with the first simple average.

    Recursive: needs ``ema_warmup(bars)`` candles.
    """
    return _smoothed(pl.col(column), bars, alpha=2 / (bars + 1))


def ema_warmup(bars: int) -> int:
    """Candles after which an exponential average is the same, to 1e-9, wherever the history began."""
    return bars + _forgets_after(2 / (bars + 1), _FORGOTTEN)


def wilder_warmup(bars: int) -> int:
    """Candles after which ``rsi`` and ``atr_wilder`` are; ``adx``, smoothed twice, takes twice as many.

    True of markets that move: an RSI over hundreds of equal closes remembers the last change before them.
    """
    return bars + 1 + _forgets_after(1 / bars, _FORGOTTEN_IN_RATIOS)


def true_range() -> pl.Expr:
    """Range of a bar together with its gap from the previous close, in quote units.

    Wilder, New Concepts in Technical Trading Systems (1978). The first bar, which has no previous
    close, counts with its own range.
    """
    before = pl.col("close").shift(1)
    return pl.max_horizontal("high", before) - pl.min_horizontal("low", before)


def atr(bars: int) -> pl.Expr:
    """Average true range: the plain mean of the last ``bars`` true ranges, in quote units.

    A plain mean rather than Wilder's recursive one, so that a value depends on the last
    ``bars`` + 1 candles alone and is the same over a short live window and over years of history.
    """
    return true_range().rolling_mean(bars)


def atr_wilder(bars: int) -> pl.Expr:
    """Average true range as Wilder smoothed it, in quote units.

    The first value, at bar ``bars``, is the mean of the true ranges of bars 1 to ``bars``; from there each
    true range counts 1 / bars. Recursive: needs ``wilder_warmup(bars)`` candles.
    """
    return _wilder(_after_first(true_range()), bars)


def rsi(column: str, bars: int) -> pl.Expr:
    """Relative strength index, 0 to 100: the share of rises in Wilder-smoothed rises and falls.

    The first value, at bar ``bars``, takes the plain mean of the first ``bars`` changes. Null in a market
    that does not move. Recursive: needs ``wilder_warmup(bars)`` candles.
    """
    change = pl.col(column).diff()
    # Smoothing adds up: that of all changes is that of the rises and of the falls together.
    rises, moves = _wilder(change.clip(lower_bound=0), bars), _wilder(change.abs(), bars)
    return pl.when(moves > 0).then(100 * rises / moves)


class Band(NamedTuple):
    """A channel around prices."""

    lower: pl.Expr
    middle: pl.Expr
    upper: pl.Expr


def bollinger(column: str, bars: int, deviations: float = 2.0) -> Band:
    """Simple average, and ``deviations`` standard deviations (of the whole window) below and above it."""
    middle = sma(column, bars)
    away = deviations * pl.col(column).rolling_std(bars, ddof=0)
    return Band(middle - away, middle, middle + away)


def donchian(bars: int) -> Band:
    """Lowest low and highest high of the last ``bars`` candles, this one included, and their middle.

    A breakout compares a close with the channel of the bars before it: ``donchian(20).upper.shift(1)``.
    """
    lower, upper = pl.col("low").rolling_min(bars), pl.col("high").rolling_max(bars)
    return Band(lower, (lower + upper) / 2, upper)


class Macd(NamedTuple):
    """Moving average convergence and divergence, all in quote units."""

    line: pl.Expr
    signal: pl.Expr
    histogram: pl.Expr


def macd(column: str, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Fast less slow exponential average, the exponential average of that, and their difference.

    Each average is seeded with its own first simple average. Recursive: needs ``ema_warmup(slow) +
    ema_warmup(signal)`` candles.
    """
    line = ema(column, fast) - ema(column, slow)
    smooth = _smoothed(line, signal, alpha=2 / (signal + 1))
    return Macd(line, smooth, line - smooth)


def zscore(column: str, bars: int) -> pl.Expr:
    """How many standard deviations the value is above the mean of the last ``bars`` values, itself included.

    The deviation is that of a sample. Null where the values are equal but for rounding.
    """
    value = pl.col(column)
    deviation = value.rolling_std(bars)
    distance = value - value.rolling_mean(bars)
    return pl.when(deviation > value.abs() * _EQUAL_WITHIN).then(distance / deviation)


def adx(bars: int) -> pl.Expr:
    """Average directional index, 0 to 100: how much a market goes in one direction, whichever.

    Wilder's three smoothed series begin with the sum of ``bars`` - 1 values, as his worksheet does; the
    first value, at bar 2 x ``bars`` - 1, is the mean of ``bars`` directional indices. Null in a market that
    does not move. Recursive twice: needs 2 x ``wilder_warmup(bars)`` candles.
    """
    up, down = pl.col("high").diff(), -pl.col("low").diff()
    rises = _wilder(pl.when((up > down) & (up > 0)).then(up).otherwise(up * 0), bars, seed=bars - 1)
    falls = _wilder(pl.when((down > up) & (down > 0)).then(down).otherwise(down * 0), bars, seed=bars - 1)
    moves = rises + falls
    # The sum that the smoothing starts from is no value yet.
    index = pl.when((moves > pl.col("close").abs() * _EQUAL_WITHIN) & (pl.int_range(pl.len()) >= bars)).then(
        100 * (rises - falls).abs() / moves
    )
    return _wilder(index, bars)


class Supertrend(NamedTuple):
    """The line that follows a trend, in quote units, and its direction: 1 below prices, -1 above them."""

    line: pl.Expr
    direction: pl.Expr


def supertrend(bars: int = 10, multiple: float = 3.0) -> Supertrend:
    """Band of ``multiple`` average true ranges (Wilder's) around the middle of each bar, drawn tighter only.

    A band moves towards prices while the close stays on its side; a close beyond it turns the direction,
    which is 1 at first. What it says depends on when the last turn was: no fixed number of candles makes
    it independent of where the history begins. Computed in Python, bar by bar, so a user's strategy that
    has it is evaluated in the worker process.
    """
    needed = pl.struct(
        (pl.col("high") + pl.col("low")) / 2, "close", (multiple * atr_wilder(bars)).alias("away")
    )
    line = needed.map_batches(lambda rows: _trend_line(rows, 0), return_dtype=pl.Float64)
    direction = needed.map_batches(lambda rows: _trend_line(rows, 1), return_dtype=pl.Float64)
    return Supertrend(line, direction)


def realised_volatility(column: str, bars: int, bars_per_year: float = 1.0) -> pl.Expr:
    """Sample standard deviation of the last ``bars`` log returns, times the root of ``bars_per_year``.

    1.0 stands for a full hundred percent; without ``bars_per_year`` it is that of one bar.
    """
    returns = (pl.col(column) / pl.col(column).shift(1)).log()
    return returns.rolling_std(bars) * math.sqrt(bars_per_year)


def _forgets_after(alpha: float, share: float) -> int:
    return 1 if alpha >= 1 else math.ceil(math.log(share) / math.log(1 - alpha))


def _after_first(value: pl.Expr) -> pl.Expr:
    return pl.when(pl.int_range(pl.len()) > 0).then(value)


def _wilder(value: pl.Expr, bars: int, seed: int | None = None) -> pl.Expr:
    return _smoothed(value, bars, alpha=1 / bars, seed=seed)


def _smoothed(value: pl.Expr, bars: int, *, alpha: float, seed: int | None = None) -> pl.Expr:
    """Average exponentially, from the sum of the first ``seed`` values (``bars`` by default) over ``bars``.

    Nulls before the first value are passed over.
    """
    first = bars if seed is None else seed
    if first == 0:
        return value.ewm_mean(alpha=alpha, adjust=False)
    count = value.is_not_null().cum_sum()
    start = value.rolling_sum(first) / bars
    seeded = pl.when(count > first).then(value).when(count == first).then(start)
    return seeded.ewm_mean(alpha=alpha, adjust=False)


def _trend_line(rows: pl.Series, which: int) -> pl.Series:
    found: list[float | None] = []
    lower = upper = before = math.nan
    direction = 1.0
    for row in rows.to_list():
        middle, close, away = row.values()
        if away is None or middle is None:
            found.append(None)
            before = close
            continue
        low, high = middle - away, middle + away
        # A comparison with the NaN of the first bar is false.
        lower = lower if before >= lower > low else low
        upper = upper if before <= upper < high else high
        if close < lower and direction > 0:
            direction = -1.0
        elif close > upper and direction < 0:
            direction = 1.0
        found.append((lower if direction > 0 else upper, direction)[which])
        before = close
    return pl.Series(found, dtype=pl.Float64)
