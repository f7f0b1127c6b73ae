"""Candles that were never traded."""

import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.strategies.practice import practice_candles, practice_pairs

HISTORY = practice_candles(Timeframe.H1, 160)


def test_practice_candles_are_always_the_same_and_have_gaps_and_standstills() -> None:
    assert practice_candles(Timeframe.H1, 160).equals(HISTORY)
    counts = dict(HISTORY.group_by("pair").len().rows())
    assert counts["XBTUSD"] == counts["ETHUSD"] == counts["SOLUSD"] == 160 > counts["ADAUSD"]
    assert HISTORY.filter(pl.col("high") == pl.col("low")).height > 0
    assert (HISTORY["low"] <= pl.Series(HISTORY.select(pl.min_horizontal("open", "close"))["open"])).all()
    assert (HISTORY["low"] > 0).all()
    assert HISTORY.sort("pair", "time").equals(HISTORY)
    assert set(HISTORY["pair"]) == set(practice_pairs())
