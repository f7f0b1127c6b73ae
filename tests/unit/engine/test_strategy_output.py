"""Whatever a strategy returns, it is intents as they may be, or one clear sentence."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.engine.strategy_output import (
    METADATA_MAX,
    NOTES_MAX,
    StrategyOutputError,
    checked,
    one_line,
    waiting_notes,
)
from tests.unit.engine.strategy_builders import BOUNDARY, NEWEST, make_context

CONTEXTS = {Timeframe.H1: make_context(1)}
GOOD = StrategyIntent(
    strategy_id="mine", pair="XBTUSD", intent_type=IntentType.ENTER, timeframe=Timeframe.H1,
    signal_time=NEWEST, generated_at=BOUNDARY, confidence=Decimal("0.7"), close=Decimal(90_000),
    desired_exposure_usd=Decimal(100), stop_price=Decimal(80_000), take_profit_price=Decimal(99_000),
    metadata={"z": -2.5},
)  # fmt: skip


def _changed(**fields: object) -> StrategyIntent:
    return msgspec.structs.replace(GOOD, **fields)


class Unprintable:
    def __str__(self) -> str:
        raise ValueError


def test_what_is_as_it_should_be_is_kept() -> None:
    other = _changed(pair="ETHUSD", intent_type=IntentType.EXIT, stop_price=None, metadata={})
    assert checked([GOOD, other], "mine", CONTEXTS) == (GOOD, other)
    assert checked((), "mine", CONTEXTS) == ()


def test_what_the_runner_says_itself_is_not_believed() -> None:
    (intent,) = checked(
        [_changed(generated_at=BOUNDARY + timedelta(days=1), atr=Decimal(7))], "mine", CONTEXTS
    )
    assert (intent.generated_at, intent.atr) == (BOUNDARY, None)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (None, "it returned None, not a list"),
        ("XBTUSD", "it returned a str, not a list"),
        (iter([GOOD]), "a list_iterator, not a list"),
        ([{"pair": "XBTUSD"}], "a dict among its intents"),
        ([GOOD, GOOD], "two intents for XBTUSD"),
        ([GOOD] * 5, "5 intents for 4 pairs"),
        ([_changed(strategy_id="other")], "an intent of the strategy 'other'"),
        ([_changed(pair="NOSUCH")], "the pair 'NOSUCH'"),
        ([_changed(pair=["XBTUSD"])], "the pair"),
        ([_changed(timeframe=Timeframe.M1)], "the timeframe"),
        ([_changed(timeframe=[])], "the timeframe"),
        ([_changed(intent_type="enter")], "its intent_type is 'enter'"),
        ([_changed(signal_time=BOUNDARY)], "its signal_time"),
        ([_changed(signal_time=None)], "its signal_time"),
        ([_changed(confidence=0.7)], "its confidence is a float"),
        ([_changed(confidence=Decimal("1.01"))], "its confidence is 1.01: allowed is 0 to 1"),
        ([_changed(confidence=Decimal("-0.01"))], "its confidence is -0.01"),
        ([_changed(confidence=Decimal("NaN"))], "its confidence is NaN"),
        ([_changed(close=Decimal(0))], "its close is 0: allowed is more than 0"),
        ([_changed(close=Decimal("sNaN"))], "its close is sNaN"),
        ([_changed(close=Decimal("1e31"))], "its close is 1e+31: that cannot be meant"),
        ([_changed(close=Decimal("1e-31"))], "its close is 1e-31: that cannot be meant"),
        ([_changed(stop_price=Decimal(-1))], "its stop_price is -1"),
        ([_changed(take_profit_price=Decimal("Infinity"))], "its take_profit_price is Infinity"),
        ([_changed(desired_exposure_usd=Decimal("-0.01"))], "its desired_exposure_usd is -0.01"),
        ([_changed(desired_exposure_usd=1)], "its desired_exposure_usd is a int"),
        ([_changed(metadata=[1.0])], "its metadata is a list"),
        ([_changed(metadata={"z": "1"})], "its metadata has 'z': a str"),
        ([_changed(metadata={1: 1.0})], "its metadata has 1: a float"),
        ([_changed(metadata=dict.fromkeys(map(str, range(METADATA_MAX + 1)), 1.0))], "51 values"),
    ],
)  # fmt: skip
def test_garbage_is_one_sentence(found: object, sentence: str) -> None:
    with pytest.raises(StrategyOutputError) as caught:
        checked(found, "mine", CONTEXTS)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_at_the_bounds_is_allowed() -> None:
    for changes in (
        {"confidence": Decimal(0)}, {"confidence": Decimal(1)}, {"desired_exposure_usd": Decimal(0)},
        {"close": Decimal("1e30")}, {"metadata": dict.fromkeys(map(str, range(METADATA_MAX)), 1.0)},
    ):  # fmt: skip
        assert checked([_changed(**changes)], "mine", CONTEXTS)


def test_numbers_that_cannot_be_shown_are_left_out_of_the_metadata() -> None:
    values = {"a": float("nan"), "b": float("inf"), "c": 3, "d": 10**400, "e\n": 1.5}
    (intent,) = checked([_changed(metadata=values)], "mine", CONTEXTS)
    assert intent.metadata == {"c": 3.0, "e": 1.5}


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(field=st.sampled_from(GOOD.__struct_fields__), value=_anything)
def test_any_value_in_any_field_is_taken_or_told_about(field: str, value: Any) -> None:
    try:
        (intent,) = checked([_changed(**{field: value})], "mine", CONTEXTS)
    except StrategyOutputError:
        return
    assert Decimal(0) <= intent.confidence <= Decimal(1)
    prices = (intent.close, intent.stop_price or intent.close, intent.take_profit_price or intent.close)
    assert all(price.is_finite() and price > 0 for price in prices)
    assert intent.strategy_id == "mine"
    assert intent.pair in CONTEXTS[Timeframe.H1].pairs
    msgspec.json.encode(intent)


def test_text_of_a_users_code_is_one_short_line() -> None:
    assert one_line("a\x1b[31m\n  b\u202e") == "a [31m b"
    assert one_line("x" * 500, 10) == "x" * 9 + "…"
    assert one_line("x" * 10, 10) == "x" * 10
    assert one_line(Unprintable()) == "(no text)"


def test_reasons_to_wait_are_few_notes_about_pairs_of_the_context() -> None:
    context = make_context(1)
    many = msgspec.structs.replace(context, pairs={f"P{n}": None for n in range(30)})
    notes = waiting_notes({f"P{n}": "too\nfew" for n in range(30)}, "mine", many)
    assert notes[0] == "mine 1h P0: too few"
    assert len(notes) == NOTES_MAX + 1
    assert notes[-1] == "mine 1h: 10 more pairs wait"
    assert waiting_notes({"XBTUSD": "w", "NOSUCH": "w", "ETHUSD": 3}, "mine", context) == (
        "mine 1h XBTUSD: w",
    )
    with pytest.raises(StrategyOutputError, match="its waiting returned a list"):
        waiting_notes([], "mine", context)
