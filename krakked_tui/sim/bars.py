"""Candles of a made-up market in whole ticks and volume units, and how they add up."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
import numpy as np

from krakked_tui.sim.instruments import Grid
from krakked_tui.sim.noise import Ints

DAY_MINUTES = 1440


class Bar(NamedTuple):
    """One candle. ``minute`` is its open time in minutes since 1970-01-01 UTC.

    Prices in ticks, ``volume`` in the grid's units, ``notional`` the exact sum of price times
    volume over its trades, ``trades`` their number. Without trades all four prices are the last
    price before it.
    """

    minute: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    notional: int
    trades: int

    def vwap(self, grid: Grid) -> Decimal:
        """Volume-weighted price, truncated to the price decimals as the exchange does; 0 without trades."""
        ulps = self.notional * grid.ulps_per_tick // self.volume if self.volume else 0
        return Decimal(ulps).scaleb(-grid.price_decimals)


def merge(bars: Sequence[Bar]) -> Bar:
    """Add up adjacent candles, oldest first, at least one, into the candle that spans them."""
    traded = [bar for bar in bars if bar.trades]
    if not traded:
        return bars[0]
    return Bar(
        minute=bars[0].minute,
        open=traded[0].open,
        high=max(bar.high for bar in traded),
        low=min(bar.low for bar in traded),
        close=traded[-1].close,
        volume=sum(bar.volume for bar in traded),
        notional=sum(bar.notional for bar in traded),
        trades=sum(bar.trades for bar in traded),
    )


class DayBars(msgspec.Struct, frozen=True):
    """The 1440 one-minute candles of a pair's UTC day, by column."""

    day: int
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    notional: Ints
    trades: Ints

    def minute(self, index: int) -> Bar:
        """Return the candle of minute ``index`` (0 to 1439) of the day."""
        return Bar(
            self.day * DAY_MINUTES + index,
            int(self.open[index]),
            int(self.high[index]),
            int(self.low[index]),
            int(self.close[index]),
            int(self.volume[index]),
            int(self.notional[index]),
            int(self.trades[index]),
        )

    def fold(self, length: int, first: int = 0, last: int = DAY_MINUTES) -> list[Bar]:
        """Add up minutes ``first`` to ``last - 1`` in groups of ``length``, which divides their number."""
        rows = (last - first) // length
        trades = self.trades[first:last].reshape(rows, length)
        traded = trades > 0
        any_traded = traded.any(axis=1)
        first_traded = np.where(any_traded, traded.argmax(axis=1), 0) + np.arange(rows) * length
        opened = self.open[first:last][first_traded]
        high = np.where(traded, self.high[first:last].reshape(rows, length), 0).max(axis=1)
        low = np.where(traded, self.low[first:last].reshape(rows, length), _NO_LOW).min(axis=1)
        columns = (
            self.day * DAY_MINUTES + first + np.arange(rows) * length,
            opened,
            np.where(any_traded, high, opened),
            np.where(any_traded, low, opened),
            # A minute without trades carries the last price along, so the last close is always right.
            self.close[first:last].reshape(rows, length)[:, -1],
            self.volume[first:last].reshape(rows, length).sum(axis=1),
            self.notional[first:last].reshape(rows, length).sum(axis=1),
            trades.sum(axis=1),
        )
        return [Bar(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


_NO_LOW = np.iinfo(np.int64).max
