"""Stored candles up to a moment."""

from datetime import UTC, datetime, timedelta

import pytest

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.engine.closed_candles import read_closed
from tests.fakes.candle_store import MemoryCandleStore

T0 = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def candles(pair: str, first: int, last: int) -> list[Candle]:
    """One for each minute from ``first`` to ``last``, counted from T0."""
    return [Candle(pair, Timeframe.M1, T0 + n * MINUTE, 1, 1, 1, 1, 1, 1, 1) for n in range(first, last + 1)]


@pytest.mark.parametrize("ahead", [0, 3, 700])
async def test_what_lies_ahead_takes_nobodys_place(ahead: int) -> None:
    store = MemoryCandleStore([*candles("XBTUSD", -60, ahead), *candles("ETHUSD", -60, 0)])
    found = await read_closed(store, ["XBTUSD", "ETHUSD"], Timeframe.M1, 50, T0)
    counts = dict(found.group_by("pair").len().iter_rows())
    assert counts == {"XBTUSD": 50, "ETHUSD": 50}
    assert found["time"].max() == T0


async def test_a_pair_that_has_fewer_gives_what_it_has() -> None:
    store = MemoryCandleStore([*candles("XBTUSD", -3, 900)])
    found = await read_closed(store, ["XBTUSD"], Timeframe.M1, 50, T0)
    assert list(found["time"]) == [T0 + n * MINUTE for n in range(-3, 1)]
