"""Rows of one pair as partitions hold them."""

from collections.abc import Iterable

import polars as pl

from krakked_tui.domain.candles import Candle
from krakked_tui.storage.candle_store.merging import ROW_SCHEMA, frame_of
from tests.unit.storage.samples import candle


def rows_of(candles: Iterable[Candle]) -> pl.DataFrame:
    """The rows of some candles of one pair."""
    return frame_of(list(candles)).select(ROW_SCHEMA.names())


def rows(*numbers: int, trades: int = 7) -> pl.DataFrame:
    """The rows of ``candle`` for these numbers."""
    return rows_of(candle(number, trades=trades) for number in numbers)
