"""Candles as Polars frames, and the window of recent ones that strategies see."""

from collections.abc import Iterable

import polars as pl

from krakked_tui.domain.candles import Candle

CANDLE_SCHEMA = pl.Schema(
    {
        "pair": pl.String(),
        "time": pl.Datetime("us", "UTC"),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),
        "vwap": pl.Float64(),
        "trades": pl.Int64(),
    }
)
"""Columns of every candle frame; ``time`` is the open time. A frame is of one timeframe."""

_KEY = ("pair", "time")


def frame_of(candles: Iterable[Candle]) -> pl.DataFrame:
    """Build a frame of candles, all of one timeframe, in the order given."""
    rows = [(c.pair, c.time, c.open, c.high, c.low, c.close, c.volume, c.vwap, c.trades) for c in candles]
    return pl.DataFrame(rows, schema=CANDLE_SCHEMA, orient="row")


def supersedes(new: Candle, old: Candle) -> bool:
    """Tell whether ``new`` may replace ``old``, the same candle seen earlier.

    A candle only ever gains trades and volume, so one with less of either is the older news,
    whatever order the two arrived in.
    """
    return new.trades >= old.trades and new.volume >= old.volume


class RecentBars:
    """The newest closed candles of one timeframe, in memory.

    ``frame`` is unique by (pair, time), ordered by pair and then time, holds at most ``keep`` rows
    of each pair, and is never changed in place: a reader may keep it.
    """

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.frame = CANDLE_SCHEMA.to_frame()

    def append(self, bars: pl.DataFrame) -> None:
        """Add closed candles, in any order and of any age.

        A candle already here is replaced by one that supersedes it and kept otherwise. Within
        ``bars`` the last of several rows for one candle counts.
        """
        known = self.frame.select(*_KEY, known_trades="trades", known_volume="volume")
        accepted = (
            bars.lazy()
            .unique(_KEY, keep="last")
            .join(known.lazy(), on=_KEY, how="left")
            .filter(
                pl.col("known_trades").is_null()
                | (pl.col("trades") >= pl.col("known_trades")) & (pl.col("volume") >= pl.col("known_volume"))
            )
            .select(CANDLE_SCHEMA.names())
        )
        self.frame = (
            pl.concat([self.frame.lazy(), accepted])
            .unique(_KEY, keep="last")
            .sort(_KEY)
            .filter(pl.int_range(pl.len(), 0, -1).over("pair") <= self.keep)
            .collect()
        )
