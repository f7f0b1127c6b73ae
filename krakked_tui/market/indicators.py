"""Indicators: named functions that return Polars expressions over one pair's candles, in time order.

The value at a bar uses that bar and earlier ones only. Too few bars give null.
"""

import polars as pl


def sma(column: str, bars: int) -> pl.Expr:
    """Simple moving average: the mean of the last ``bars`` values."""
    return pl.col(column).rolling_mean(bars)


def ema(column: str, bars: int) -> pl.Expr:
    """Exponential moving average with weight 2 / (bars + 1), seeded with the first simple average.

    Recursive: the value depends on where the history begins, by (1 - weight) per bar ever less.
    After five times ``bars`` the seed's share is below 0.04 %.
    """
    value = pl.col(column)
    bar = pl.int_range(pl.len())
    seeded = pl.when(bar >= bars).then(value).when(bar == bars - 1).then(value.rolling_mean(bars))
    return seeded.ewm_mean(span=bars, adjust=False)


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
