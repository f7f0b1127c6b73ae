"""Mean reversion on a price path worked out by hand."""

from decimal import Decimal

import pytest

from krakked_tui.domain.errors import ConfigError
from krakked_tui.domain.intents import IntentType
from krakked_tui.strategies.mean_reversion import MeanReversion
from tests.unit.strategies.builders import follow, make_context, make_frame, make_settings

PARAMS = {"zscore_bars": 4, "enter_below": -1.4, "rsi_bars": 2, "atr_bars": 4}

# Up and down by one until bar 49, at 11. Then, over four bars:
# bar      50      51     52
# close    7       7      9
# average  9.75    8.75   8.5
# z-score  -1.453  -0.85  0.26
# index    13.3    13.3   52.1
CLOSES = [10.0, 11.0] * 25 + [7.0, 7.0, 9.0, 9.0]


def make_strategy(**params: object) -> MeanReversion:
    return MeanReversion(make_settings("mean_reversion", PARAMS | params))


def test_the_signals_of_a_hand_checked_path() -> None:
    assert follow(make_strategy(), CLOSES) == [(50, IntentType.ENTER), (52, IntentType.EXIT)]


def test_confidence_stop_target_and_indicators_of_an_entry() -> None:
    # Bar 50: true ranges 1.5, 1.5, 1.5 and 11 - 6.5 = 4.5, so ATR 2.25; stop 7 - 2 x 2.25; squares of
    # 1.25, 0.25, 1.25 and -2.75 add up to 10.75, so a deviation of (10.75 / 3) ** 0.5 = 1.8930.
    # Rises and falls alternated, so their averages were 2/3 and 1/3: 1/3 and 13/6 after a fall of 4.
    frame = make_frame({"XBTUSD": CLOSES}, reach=0.5)
    (intent,) = make_strategy().generate_intents(make_context(frame, 50))
    assert (intent.stop_price, intent.take_profit_price) == (Decimal("2.5"), Decimal("9.75"))
    score = -2.75 / (10.75 / 3) ** 0.5
    assert intent.metadata == pytest.approx({"average": 9.75, "zscore": score, "rsi": 40 / 3, "atr": 2.25})
    assert float(intent.confidence) == pytest.approx(0.6 + 0.2 * (-1.4 - score))


def test_both_must_say_that_it_has_fallen_far() -> None:
    assert follow(make_strategy(rsi_enter_below=13.0), CLOSES) == []
    assert follow(make_strategy(enter_below=-1.46), CLOSES) == []


def test_either_says_that_it_has_come_back() -> None:
    assert follow(make_strategy(exit_above=0.3), CLOSES) == [(50, IntentType.ENTER), (53, IntentType.EXIT)]
    early = make_strategy(exit_above=0.3, rsi_exit_above=52.0)
    assert follow(early, CLOSES) == [(50, IntentType.ENTER), (52, IntentType.EXIT)]


def test_a_market_that_stands_still_says_nothing() -> None:
    assert follow(make_strategy(enter_below=0.0, exit_above=0.1), [0.3] * 60, reach=0.0) == []


def test_warm_up() -> None:
    assert make_strategy().warmup_bars == 43
    assert make_strategy(zscore_bars=100).warmup_bars == 100
    assert make_strategy(atr_bars=200).warmup_bars == 201
    assert make_strategy(rsi_bars=14).warmup_bars == 388


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"exit_above": -1.4}, "exit_above is -1.4: use more than enter_below, -1.4"),
        ({"rsi_exit_above": 34.0}, "rsi_exit_above is 34.0: use at least rsi_enter_below, 35.0"),
    ],
)
def test_the_way_out_is_above_the_way_in(params: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        make_strategy(**params)


def test_a_chart_shows_the_average() -> None:
    (average,) = make_strategy().curves(make_frame({"XBTUSD": CLOSES}))
    assert (average.name, average.values[50:52]) == ("sma 4", (9.75, 8.75))
