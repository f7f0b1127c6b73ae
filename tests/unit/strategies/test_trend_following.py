"""Trend following on a price path worked out by hand, and without a look ahead."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import ConfigError
from krakked_tui.domain.intents import IntentType
from krakked_tui.strategies.trend_following import TrendFollowing
from tests.unit.strategies.builders import bar_time, follow, make_context, make_frame, make_settings

ENTER, EXIT = IntentType.ENTER, IntentType.EXIT

# bar      0   1   2   3   4     5     6   7     8   9   10  11  12    13
CLOSES = [10, 10, 10, 10, 12, 14, 12, 8, 6, 6, 12, 12, 9, 3]
# fast 2   -   10  10  10  11    13    13  10    7   6   9   12  10.5  6
# slow 4   -   -   -   10  10.5  11.5  12  11.5  10  8   8   9   9.75  9


def make_strategy(**params: object) -> TrendFollowing:
    return TrendFollowing(make_settings(params={"ma_fast": 2, "ma_slow": 4, "atr_bars": 2} | params))


def test_the_signals_of_a_hand_checked_path() -> None:
    expected = [(4, ENTER), (7, EXIT), (10, ENTER), (13, EXIT)]
    assert follow(make_strategy(), [float(close) for close in CLOSES]) == expected


@pytest.mark.parametrize(("enter_on", "bars"), [("cross", [4, 10]), ("above", [4, 5, 6, 10, 11, 12])])
def test_bars_that_may_enter(enter_on: str, bars: list[int]) -> None:
    frame = make_frame({"XBTUSD": [float(close) for close in CLOSES]})
    strategy = make_strategy(enter_on=enter_on)
    assert [bar for bar in range(len(CLOSES)) if strategy.generate_intents(make_context(frame, bar))] == bars


def test_confidence_stop_and_indicators_of_an_entry() -> None:
    # Bar 4: true ranges 11 - 9 = 2 and 13 - 10 = 3, so ATR 2.5; stop 12 - 2 x 2.5;
    # confidence 0.5 + 0.25 x (12 - 10.5) / 2.5.
    frame = make_frame({"XBTUSD": [float(close) for close in CLOSES]})
    (intent,) = make_strategy().generate_intents(make_context(frame, 4))
    assert intent.stop_price == 7
    assert intent.confidence == Decimal("0.65")
    assert intent.metadata == {"ma_fast": 11.0, "ma_slow": 10.5, "atr": 2.5}


@pytest.mark.parametrize("flat", [0.7, 0.1])
def test_averages_that_differ_by_rounding_alone_are_equal(flat: float) -> None:
    closes = [0.3] * 30 + [flat] * 60
    strategy = make_strategy(ma_fast=20, ma_slow=50, enter_on="above")
    frame = make_frame({"XBTUSD": closes}, reach=0.01)
    for bar in range(80, 90):
        for held in ({}, {"XBTUSD": Timeframe.M1}):
            assert strategy.generate_intents(make_context(frame, bar, held=held)) == []


def test_without_a_true_range_there_is_no_stop() -> None:
    frame = make_frame({"XBTUSD": [10.0, 10.0, 10.0, 10.0, 12.0, 12.0]}, reach=0.0)
    strategy = make_strategy(atr_bars=1, enter_on="above")
    (intent,) = strategy.generate_intents(make_context(frame, 5))
    assert (intent.stop_price, intent.confidence) == (None, Decimal(1))


def test_a_dead_market_gives_no_entry() -> None:
    frame = make_frame({"XBTUSD": [5.0] * 10}, reach=0.0)
    assert make_strategy(enter_on="above").generate_intents(make_context(frame, 9)) == []


@pytest.mark.parametrize(
    ("params", "bars"),
    [
        ({"ma_fast": 20, "ma_slow": 50, "atr_bars": 14}, 51),
        ({"ma_fast": 2, "ma_slow": 4, "atr_bars": 30}, 31),
        ({"ma_fast": 20, "ma_slow": 50, "atr_bars": 14, "average": "ema"}, 627),
    ],
)
def test_warm_up(params: dict[str, object], bars: int) -> None:
    assert make_strategy(**params).warmup_bars == bars


def test_the_warm_up_is_enough_and_not_more_than_needed() -> None:
    frame = make_frame({"XBTUSD": [10.0, 10.0, 10.0, 10.0, 12.0]})
    strategy = make_strategy()
    assert len(strategy.generate_intents(make_context(frame, 4))) == 1
    assert strategy.generate_intents(make_context(frame.slice(1), 4)) == []


def test_the_fast_average_must_be_the_faster_one() -> None:
    with pytest.raises(ConfigError, match="ma_fast is 4: use less than ma_slow, 4"):
        make_strategy(ma_fast=4)


WALKS = st.dictionaries(
    st.sampled_from(["AAAUSD", "BBBUSD", "CCCUSD"]),
    st.lists(st.floats(50, 150), min_size=1, max_size=16),
    min_size=1,
)


def signals(strategy: TrendFollowing, frame: pl.DataFrame) -> pl.DataFrame:
    """Every signal at every bar, from the declared expressions alone."""
    declared = {
        "enter": strategy.enter(),
        "exit": strategy.exit(),
        "confidence": strategy.confidence(),
        "stop": strategy.stop(),
    }
    return frame.with_columns(
        expression.over("pair").alias(name) for name, expression in strategy.indicators().items()
    ).select("pair", "time", *(expression.over("pair").alias(name) for name, expression in declared.items()))


@settings(max_examples=30)
@given(WALKS, st.sampled_from(["sma", "ema"]), st.sampled_from(["cross", "above"]))
def test_a_signal_does_not_depend_on_later_bars(
    walks: dict[str, list[float]], average: str, enter_on: str
) -> None:
    strategy = make_strategy(ma_fast=1, ma_slow=2, average=average, enter_on=enter_on)
    whole = make_frame(walks)
    expected = signals(strategy, whole)
    for bar in range(max(map(len, walks.values()))):
        cut = signals(strategy, whole.filter(pl.col("time") <= bar_time(bar)))
        assert cut.equals(expected.filter(pl.col("time") <= bar_time(bar)))


@settings(max_examples=30)
@given(WALKS, st.booleans())
def test_bars_after_the_boundary_change_nothing(walks: dict[str, list[float]], holding: bool) -> None:
    strategy = make_strategy(ma_fast=1, ma_slow=2, enter_on="above")
    held = dict.fromkeys(walks, Timeframe.M1) if holding else {}
    whole, bar = make_frame(walks), 3
    cut = whole.filter(pl.col("time") <= bar_time(bar))
    contexts = [make_context(frame, bar, held=held, pairs=list(walks)) for frame in (whole, cut)]
    assert strategy.generate_intents(contexts[0]) == strategy.generate_intents(contexts[1])


@given(WALKS)
def test_a_signal_does_not_depend_on_bars_before_the_warm_up(walks: dict[str, list[float]]) -> None:
    strategy = make_strategy(ma_fast=1, ma_slow=3, enter_on="above")
    whole = make_frame(walks)
    bar = max(map(len, walks.values())) - 1
    window = whole.group_by("pair", maintain_order=True).tail(strategy.warmup_bars)
    wishes = [
        [(i.pair, i.intent_type) for i in strategy.generate_intents(make_context(frame, bar))]
        for frame in (whole, window)
    ]
    assert wishes[0] == wishes[1]


def test_a_chart_shows_both_averages() -> None:
    fast, slow = make_strategy().curves(make_frame({"XBTUSD": [float(close) for close in CLOSES]}))
    assert (fast.name, fast.values[:5]) == ("sma 2", (None, 10.0, 10.0, 10.0, 11.0))
    assert (slow.name, slow.values[:5]) == ("sma 4", (None, None, None, 10.0, 10.5))
    assert [curve.name for curve in make_strategy(average="ema").curves(make_frame({"A": [1.0]}))] == [
        "ema 2", "ema 4",
    ]  # fmt: skip
