"""Breakout on a price path worked out by hand."""

import pytest

from krakked_tui.domain.errors import ConfigError
from krakked_tui.domain.intents import IntentType
from krakked_tui.strategies.breakout import Breakout
from tests.unit.strategies.builders import follow, make_context, make_frame, make_settings

# bar             0   1   2   3   4   5   6   7   8   9   10
CLOSES = [10.0, 10, 10, 10, 11, 12, 14, 13, 12, 10, 10]
# highs, 3 before  -   -   -   11  11  12  13  15  15  15  14
# lows, 2 before   -   -   9   9   9   9   10  11  12  11  9


def make_strategy(**params: object) -> Breakout:
    return Breakout(make_settings("breakout", {"entry_bars": 3, "exit_bars": 2, "atr_bars": 2} | params))


def test_the_signals_of_a_hand_checked_path() -> None:
    assert follow(make_strategy(), CLOSES) == [(6, IntentType.ENTER), (9, IntentType.EXIT)]


def test_confidence_stop_and_indicators_of_an_entry() -> None:
    # Bar 6: true ranges 13 - 11 = 2 and 15 - 12 = 3, so ATR 2.5; stop 14 - 2 x 2.5;
    # confidence 0.6 + 0.2 x (14 - 13) / 2.5.
    (intent,) = make_strategy().generate_intents(make_context(make_frame({"XBTUSD": CLOSES}), 6))
    assert intent.stop_price == 9
    assert float(intent.confidence) == pytest.approx(0.68)
    assert intent.metadata == {"highest": 13.0, "lowest": 10.0, "atr": 2.5}


def test_a_close_at_the_edge_is_no_breakout() -> None:
    for bar in (4, 5):
        assert make_strategy().generate_intents(make_context(make_frame({"XBTUSD": CLOSES}), bar)) == []


def test_a_market_that_stands_still_says_nothing() -> None:
    assert follow(make_strategy(), [0.3] * 20, reach=0.0) == []


def test_the_warm_up_is_enough_and_not_more_than_needed() -> None:
    assert make_strategy(entry_bars=20, exit_bars=10, atr_bars=14).warmup_bars == 21
    assert make_strategy(atr_bars=30).warmup_bars == 31
    frame, strategy = make_frame({"XBTUSD": CLOSES[:7]}), make_strategy()
    assert len(strategy.generate_intents(make_context(frame.slice(3), 6))) == 1
    assert strategy.generate_intents(make_context(frame.slice(4), 6)) == []


def test_the_way_out_is_not_longer_than_the_way_in() -> None:
    with pytest.raises(ConfigError, match="exit_bars is 4: use at most entry_bars, 3"):
        make_strategy(exit_bars=4)


def test_a_chart_shows_both_edges() -> None:
    highest, lowest = make_strategy().curves(make_frame({"XBTUSD": CLOSES}))
    assert (highest.name, highest.values[3:7]) == ("highest 3", (11.0, 11.0, 12.0, 13.0))
    assert (lowest.name, lowest.values[2:6]) == ("lowest 2", (9.0, 9.0, 9.0, 9.0))
