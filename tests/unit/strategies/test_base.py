"""Which pairs wait, and why."""

from krakked_tui.strategies.trend_following import TrendFollowing
from tests.unit.strategies.builders import make_context, make_frame, make_settings

STRATEGY = TrendFollowing(make_settings(params={"ma_fast": 2, "ma_slow": 3, "atr_bars": 2}))


def test_pairs_wait_for_history_and_for_their_newest_candle() -> None:
    frame = make_frame({"AAAUSD": [1] * 6, "BBBUSD": [1] * 3, "CCCUSD": [1] * 5})
    context = make_context(frame, 5, pairs=["DDDUSD", "CCCUSD", "BBBUSD", "AAAUSD"])
    assert STRATEGY.warmup_bars == 4
    assert STRATEGY.waiting(context) == {
        "BBBUSD": "3 of 4 candles",
        "CCCUSD": "no candle since 2026-01-01 00:04",
        "DDDUSD": "0 of 4 candles",
    }


def test_candles_after_the_boundary_do_not_count() -> None:
    frame = make_frame({"AAAUSD": [1] * 6})
    assert STRATEGY.waiting(make_context(frame, 2)) == {"AAAUSD": "3 of 4 candles"}
    assert STRATEGY.waiting(make_context(frame, 3)) == {}
