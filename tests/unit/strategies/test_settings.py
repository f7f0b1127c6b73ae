"""Settings of a strategy, and what must hold among all of them."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Timeframe
from krakked_tui.strategies.settings import StrategySettings, default_tag, identity_problems


def make(strategy_id: str = "trend_following_v1", tag: str = "") -> StrategySettings:
    return StrategySettings(id=strategy_id, type="trend_following", timeframes=(Timeframe.H1,), tag=tag)


@pytest.mark.parametrize(
    ("strategy_id", "tag"),
    [("trend_following_v1", "tfv"), ("breakout", "bre"), ("my_dca", "mdy"), ("a__", "a00")],
)
def test_the_tag_is_derived_from_the_id(strategy_id: str, tag: str) -> None:
    assert make(strategy_id).tag == tag


@given(st.from_regex(r"^[a-z][a-z0-9_]{2,39}\Z"))
def test_every_id_gives_a_valid_tag(strategy_id: str) -> None:
    derived = msgspec.convert(
        {"id": strategy_id, "type": "t", "timeframes": ["1m"], "tag": default_tag(strategy_id)},
        StrategySettings,
    )
    assert len(derived.tag) == 3


def test_a_given_tag_stands() -> None:
    assert make(tag="abc").tag == "abc"


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "Trend"},
        {"id": "ab"},
        {"id": "trend\n"},
        {"tag": "ab"},
        {"tag": "ABC"},
        {"timeframes": []},
        {"timeframes": ["7m"]},
        {"max_positions": 0},
        {"stop_atr_multiple": 0},
        {"min_signal_confidence": 1.01},
        {"min_signal_confidence": -0.01},
        {"colour": "red"},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {"id": "trend_v1", "type": "trend_following", "timeframes": ["1m"]}
    msgspec.convert(right, StrategySettings)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(right | wrong, StrategySettings)


@pytest.mark.parametrize("confidence", ["0", "1"])
def test_confidence_may_reach_its_bounds(confidence: str) -> None:
    settings = StrategySettings(
        id="trend", type="t", timeframes=(Timeframe.H1,), min_signal_confidence=Decimal(confidence)
    )
    assert settings.min_signal_confidence == Decimal(confidence)


def test_ids_and_tags_are_unique_and_not_reserved() -> None:
    assert list(identity_problems([make("one"), make("two")])) == []
    problems = list(
        identity_problems(
            [make("one", "abc"), make("two", "abc"), make("man"), make("six", "six"), make("six")]
        )
    )
    assert problems == [
        "strategies.configs: six is configured 2 times; give each its own id.",
        "strategies.configs.one: tag 'abc' is used twice; set another tag.",
        "strategies.configs.two: tag 'abc' is used twice; set another tag.",
        "strategies.configs.man: tag 'man' is reserved; set another tag.",
        "strategies.configs.six: tag 'six' is used twice; set another tag.",
        "strategies.configs.six: tag 'six' is used twice; set another tag.",
    ]


@pytest.mark.parametrize("tag", ["man", "flt", "net"])
def test_reserved_tags(tag: str) -> None:
    assert len(list(identity_problems([make(tag=tag)]))) == 1
