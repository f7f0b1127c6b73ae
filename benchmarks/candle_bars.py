"""The bars that the candle stores are compared on.

500 pairs of one-minute bars, as many whole months as KRAKKED_BENCH_MONTHS says (1 by default). Eight
different random walks are used in turn, so that the files of different pairs compress as badly as real
ones.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.storage.candle_store.merging import ROW_SCHEMA
from krakked_tui.storage.rows import to_micros

MONTHS = int(os.environ.get("KRAKKED_BENCH_MONTHS", "1"))
PAIRS = [f"P{number:03}USD" for number in range(500)]
WALKS = 8
M1 = Timeframe.M1
MINUTE = timedelta(minutes=1)
START = datetime(2025, 1, 1, tzinfo=UTC)


def _walk(bars: int, seed: int) -> pl.DataFrame:
    """One pair: a random walk with wandering volatility, prices in ticks, volumes with eight decimals."""
    rng = np.random.default_rng(seed)
    first = float(10 ** rng.uniform(-2, 4.5))
    places = max(1, 5 - int(np.log10(first)))
    shocks = rng.standard_normal(bars) * 0.02
    level = np.convolve(shocks, 0.999 ** np.arange(2_000))[:bars]
    moves = rng.standard_normal(bars) * 0.0008 * np.exp(level)
    close = first * np.exp(np.cumsum(moves) - np.linspace(0, 1, bars) * moves.sum() * 0.8)
    opened = np.concatenate([[first], close[:-1]])
    spread = np.abs(rng.standard_normal((2, bars))) * 0.0004 * np.exp(level)
    high = np.maximum(opened, close) * (1 + spread[0])
    low = np.minimum(opened, close) * (1 - spread[1])
    prices = {"open": opened, "high": high, "low": low, "close": close, "vwap": (high + low + close) / 3}
    start = to_micros(START)
    return pl.DataFrame(
        {
            "time": start + np.arange(bars) * 60_000_000,
            **{name: np.round(column, places) for name, column in prices.items()},
            "volume": np.round(rng.lognormal(0, 1.2, bars) * (1 + 5 * np.abs(moves) / 0.0008), 8),
            "trades": rng.poisson(20, bars),
        }
    ).select(pl.col(name).cast(kind) for name, kind in ROW_SCHEMA.items())


class Bars:
    """The data: history of every pair, and the minutes that close after it, one after the other."""

    def __init__(self) -> None:
        end = START
        for _ in range(MONTHS):
            end = (end + timedelta(days=32)).replace(day=1)
        self.bars = int((end - START) / MINUTE)
        extra = 2_000
        self._walks = [_walk(self.bars + extra, seed) for seed in range(WALKS)]
        self._extra = iter(range(self.bars, self.bars + extra))

    def history(self, pair: str, start: int = 0, end: int | None = None) -> pl.DataFrame:
        return self._walks[PAIRS.index(pair) % WALKS].slice(start, (end or self.bars) - start)

    def minutes(self, start: int, end: int) -> Iterator[pl.DataFrame]:
        for at in range(start, end):
            rows = pl.concat([walk.slice(at, 1) for walk in self._walks])
            places = [number % WALKS for number in range(len(PAIRS))]
            yield pl.concat([pl.DataFrame({"pair": PAIRS}), rows[places]], how="horizontal").cast(
                CANDLE_SCHEMA
            )

    def next_minute(self) -> pl.DataFrame:
        at = next(self._extra)
        return next(self.minutes(at, at + 1))


def candles_of(minute: pl.DataFrame) -> list[Candle]:
    return [Candle(timeframe=M1, **row) for row in minute.iter_rows(named=True)]
