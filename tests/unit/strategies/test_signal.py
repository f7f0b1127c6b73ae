"""The framework around signal expressions."""

import math
from collections.abc import Mapping
from decimal import Decimal

import msgspec
import polars as pl
import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.money import ONE
from krakked_tui.strategies.base import Curve
from krakked_tui.strategies.signal import SIGNAL_COLUMNS, SignalStrategy
from tests.unit.domain.builders import make_pair
from tests.unit.strategies.builders import bar_time, make_context, make_frame, make_settings


class NoParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to tune."""


class Threshold(SignalStrategy[NoParameters]):
    """Enter above 100 and leave below 90; the change since the bar before is the confidence."""

    type_name = "threshold"
    parameters_type = NoParameters

    @property
    def warmup_bars(self) -> int:
        return 2

    def indicators(self) -> Mapping[str, pl.Expr]:
        before = pl.col("close").shift(1)
        return {"before": before, "change": pl.col("close") / before - 1}

    def enter(self) -> pl.Expr:
        return pl.col("close") > 100

    def exit(self) -> pl.Expr:
        return pl.col("close") < 90

    def confidence(self) -> pl.Expr:
        return pl.col("change")

    def stop(self) -> pl.Expr:
        return pl.col("close") - 50.0

    def take_profit(self) -> pl.Expr:
        return pl.col("close") + 0.009


class Plain(Threshold):
    """Only what must be declared."""

    confidence = SignalStrategy.confidence
    stop = SignalStrategy.stop
    take_profit = SignalStrategy.take_profit


class Contradictory(Threshold):
    """Says enter and exit at once."""

    def exit(self) -> pl.Expr:
        return pl.col("close") > 100


class Hiding(Threshold):
    """Names an indicator like a candle column."""

    def indicators(self) -> Mapping[str, pl.Expr]:
        return {"close": pl.col("open")}


THRESHOLD = Threshold(make_settings())


def wishes(intents: list[StrategyIntent]) -> list[tuple[str, IntentType]]:
    return [(intent.pair, intent.intent_type) for intent in intents]


def test_an_entry_carries_everything_risk_and_the_operator_need() -> None:
    frame = make_frame({"XBTUSD": [100, 125.125]})
    assert THRESHOLD.generate_intents(make_context(frame, 1)) == [
        StrategyIntent(
            strategy_id="trend_v1",
            pair="XBTUSD",
            intent_type=IntentType.ENTER,
            timeframe=Timeframe.M1,
            signal_time=bar_time(1),
            generated_at=bar_time(2),
            confidence=Decimal("0.25125"),
            close=Decimal("125.12"),
            stop_price=Decimal("75.12"),
            take_profit_price=Decimal("125.13"),
            metadata={"before": 100.0, "change": 0.25125},
        )
    ]


def test_an_exit_carries_no_prices_and_is_sure() -> None:
    (intent,) = THRESHOLD.generate_intents(
        make_context(make_frame({"XBTUSD": [100, 80]}), 1, held={"XBTUSD": Timeframe.M1})
    )
    assert intent.intent_type is IntentType.EXIT
    assert (intent.confidence, intent.stop_price, intent.take_profit_price) == (ONE, None, None)


def test_what_is_not_declared_defaults_to_sure_and_without_prices() -> None:
    (intent,) = Plain(make_settings()).generate_intents(make_context(make_frame({"XBTUSD": [100, 101]}), 1))
    assert (intent.confidence, intent.stop_price, intent.take_profit_price) == (ONE, None, None)


def test_intents_are_ordered_by_pair_whatever_the_pairs_do() -> None:
    frame = make_frame({"CCCUSD": [100, 110], "AAAUSD": [100, 80], "BBBUSD": [100, 120], "DDDUSD": [1, 95]})
    held = {"AAAUSD": Timeframe.M1}
    assert wishes(THRESHOLD.generate_intents(make_context(frame, 1, held=held))) == [
        ("AAAUSD", IntentType.EXIT),
        ("BBBUSD", IntentType.ENTER),
        ("CCCUSD", IntentType.ENTER),
    ]


@pytest.mark.parametrize("opened_by", [Timeframe.M1, Timeframe.M5])
def test_a_position_is_managed_by_the_timeframe_that_opened_it(opened_by: Timeframe) -> None:
    frame = make_frame({"XBTUSD": [100, 80]})
    intents = THRESHOLD.generate_intents(make_context(frame, 1, held={"XBTUSD": opened_by}))
    assert wishes(intents) == ([("XBTUSD", IntentType.EXIT)] if opened_by is Timeframe.M1 else [])


def test_a_held_pair_is_not_entered_again() -> None:
    frame = make_frame({"XBTUSD": [100, 120]})
    assert THRESHOLD.generate_intents(make_context(frame, 1, held={"XBTUSD": Timeframe.M5})) == []


def test_a_pair_acts_only_on_the_candle_that_has_just_closed() -> None:
    frame = make_frame({"AAAUSD": [100, 110], "BBBUSD": [100, 110, 120]})
    assert wishes(THRESHOLD.generate_intents(make_context(frame, 2))) == [("BBBUSD", IntentType.ENTER)]


def test_a_pair_without_enough_history_waits() -> None:
    frame, plain = make_frame({"XBTUSD": [110, 120]}), Plain(make_settings())
    assert plain.generate_intents(make_context(frame, 0)) == []
    assert wishes(plain.generate_intents(make_context(frame, 1))) == [("XBTUSD", IntentType.ENTER)]


def test_an_expression_sees_one_pair_and_no_bar_after_the_boundary() -> None:
    class Highest(Plain):
        """Shows the highest close there is."""

        def indicators(self) -> Mapping[str, pl.Expr]:
            return {"highest": pl.col("close").max()}

    frame = make_frame({"AAAUSD": [1, 101, 900], "BBBUSD": [1, 102, 800]})
    intents = Highest(make_settings()).generate_intents(make_context(frame, 1))
    assert [intent.metadata["highest"] for intent in intents] == [101.0, 102.0]


def test_without_candles_there_is_nothing_to_say() -> None:
    assert THRESHOLD.generate_intents(make_context(make_frame({}), 1)) == []


def test_pairs_outside_the_universe_say_nothing() -> None:
    frame = make_frame({"XBTUSD": [100, 110]})
    assert THRESHOLD.generate_intents(make_context(frame, 1, pairs=["ETHUSD"])) == []


def test_a_bar_that_says_both_opens_nothing() -> None:
    frame = make_frame({"XBTUSD": [100, 110]})
    contradictory = Contradictory(make_settings())
    assert contradictory.generate_intents(make_context(frame, 1)) == []
    held = {"XBTUSD": Timeframe.M1}
    assert wishes(contradictory.generate_intents(make_context(frame, 1, held=held))) == [
        ("XBTUSD", IntentType.EXIT)
    ]


@pytest.mark.parametrize(("before", "confidence"), [(50, "1"), (0, "1"), (200, "0"), (math.nan, None)])
def test_confidence_is_limited_and_must_be_a_number(before: float, confidence: str | None) -> None:
    intents = THRESHOLD.generate_intents(make_context(make_frame({"XBTUSD": [before, 150]}), 1))
    assert [intent.confidence for intent in intents] == ([] if confidence is None else [Decimal(confidence)])


def test_indicators_that_are_not_finite_are_not_shown() -> None:
    held = {"XBTUSD": Timeframe.M1}
    (intent,) = THRESHOLD.generate_intents(make_context(make_frame({"XBTUSD": [0, 80]}), 1, held=held))
    assert intent.metadata == {"before": 0.0}


def test_a_stop_at_or_below_zero_is_none() -> None:
    class DeepStop(Threshold):
        """A stop further away than the price is high."""

        def stop(self) -> pl.Expr:
            return pl.col("close") - 1000.0

    (intent,) = DeepStop(make_settings()).generate_intents(
        make_context(make_frame({"XBTUSD": [100, 110]}), 1)
    )
    assert intent.stop_price is None


def test_prices_lie_on_the_pairs_grid() -> None:
    frame = make_frame({"XBTUSD": [100, 123.456789]})
    context = msgspec.structs.replace(
        make_context(frame, 1), pairs={"XBTUSD": make_pair("XBTUSD", price_decimals=0)}
    )
    (intent,) = THRESHOLD.generate_intents(context)
    assert [intent.close, intent.stop_price, intent.take_profit_price] == [123, 73, 123]


def test_an_indicator_may_not_hide_a_candle_column() -> None:
    with pytest.raises(TypeError, match=r"Hiding: indicators may not hide candle columns: \['close'\]"):
        Hiding(make_settings())


class Drawn(Threshold):
    """Shows one of its indicators."""

    def drawn(self) -> Mapping[str, str]:
        return {"before": "close before"}


class Misnamed(Threshold):
    """Shows an indicator it does not have."""

    def drawn(self) -> Mapping[str, str]:
        return {"behind": "close before"}


def test_a_chart_shows_the_indicators_that_are_drawn_with_none_for_what_is_no_number() -> None:
    frame = make_frame({"XBTUSD": [1.0, math.nan, 3.0]})
    assert Drawn(make_settings("threshold")).curves(frame) == (Curve("close before", (None, 1.0, None)),)
    assert Threshold(make_settings("threshold")).curves(frame) == ()


def test_only_what_is_an_indicator_can_be_drawn() -> None:
    with pytest.raises(TypeError, match="Misnamed: no indicators, so not drawn"):
        Misnamed(make_settings("threshold"))


def test_over_the_whole_history_every_bar_says_what_it_said_then() -> None:
    frame = make_frame({"AAAUSD": [150, 100, 125, 80, 95], "BBBUSD": [100, 101, math.nan]})
    found = THRESHOLD.signals(frame)
    assert found.columns == ["pair", "time", "close", "before", "change", *SIGNAL_COLUMNS]
    assert found.select("pair", "time").equals(frame.select("pair", "time"))
    # Bar 0 of either pair has no history; a confidence that is no number is no entry.
    assert found["enter"].to_list() == [False, False, True, False, False, False, True, False]
    assert found["exit"].to_list() == [False, False, False, True, False, False, False, False]
    assert found["confidence"].to_list()[1:4] == [0.0, 0.25, 0.0]
    assert found["stop"].to_list()[:4] == [100.0, 50.0, 75.0, 30.0]
    assert found["take_profit"][2] == 125.009


def test_a_bar_that_says_both_leaves_and_a_stop_below_zero_is_none_in_a_history_too() -> None:
    found = Contradictory(make_settings()).signals(make_frame({"XBTUSD": [1, 10, 110]}))
    assert found["enter"].to_list() == [False, False, False]
    assert found["exit"].to_list() == [False, False, True]
    assert found["stop"].to_list() == [None, None, 60.0]


def test_what_is_not_declared_is_sure_and_without_prices_in_a_history_too() -> None:
    row = Plain(make_settings()).signals(make_frame({"XBTUSD": [100, 101]})).row(-1, named=True)
    assert (row["enter"], row["confidence"], row["stop"], row["take_profit"]) == (True, 1.0, None, None)


def test_live_only_as_many_candles_are_looked_at_as_are_said_to_be_needed() -> None:
    class Counting(Plain):
        """Shows how many bars there are."""

        def indicators(self) -> Mapping[str, pl.Expr]:
            return {"bars": pl.len() + 0 * pl.col("close")}

    frame = make_frame({"XBTUSD": [100, 100, 100, 101, 102]})
    (intent,) = Counting(make_settings()).generate_intents(make_context(frame, 3))
    assert intent.metadata == {"bars": 2.0}


def test_expressions_that_call_python_are_known() -> None:
    class Calling(Plain):
        """Its exit is a function."""

        def exit(self) -> pl.Expr:
            return pl.col("close").map_batches(lambda prices: prices < 90, return_dtype=pl.Boolean)

    assert not THRESHOLD.calls_python
    assert Calling(make_settings()).calls_python
