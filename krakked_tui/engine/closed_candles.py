"""Stored candles up to a moment, whatever lies ahead of it in the store."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.ports import CandleStore

LOOKBACK_MAX = 100_000


async def read_closed(
    store: CandleStore, pairs: Sequence[str], timeframe: Timeframe, bars: int, closed: datetime
) -> pl.DataFrame:
    """Return the latest stored candles that opened at ``closed`` or before, ``bars`` of each pair at most.

    A rehearsal that begins anew finds candles in the store that lie ahead of its time. Raises
    ``StorageError``.
    """
    lookback = bars
    while True:
        found = await store.read_many(pairs, timeframe, lookback)
        past = found.filter(pl.col("time") <= closed)
        if past.height == found.height:
            return past
        ahead = found.filter(pl.col("time") > closed).group_by("pair").len()
        most = max(count for _, count in ahead.iter_rows())
        if lookback >= min(bars + most, LOOKBACK_MAX):
            return past.group_by("pair", maintain_order=True).tail(bars)
        lookback = min(max(2 * lookback, bars + most), LOOKBACK_MAX)
