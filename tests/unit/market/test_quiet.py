"""When silence is suspicious."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.market.quiet import (
    GAPS_MIN,
    LEAST_SECONDS,
    MOST_SECONDS,
    UNKNOWN_SECONDS,
    QuietModel,
)

GAPS = st.lists(st.floats(min_value=-10, max_value=1e9, allow_nan=False), max_size=50)


def after(*gaps: float) -> QuietModel:
    model = QuietModel()
    for gap in gaps:
        model.heard(gap)
    return model


def test_little_is_known_of_a_new_topic() -> None:
    assert after(*[1.0] * (GAPS_MIN - 1)).expected_quiet() == UNKNOWN_SECONDS
    assert after(*[1.0] * GAPS_MIN).expected_quiet() < UNKNOWN_SECONDS


def test_a_steady_topic_may_be_silent_for_a_little_longer_than_usual() -> None:
    model = after(*[30.0] * 50)
    assert model.expected_quiet() == pytest.approx(30.0, abs=0.1)
    assert not model.suspicious(model.expected_quiet())
    assert model.suspicious(model.expected_quiet() + 0.001)


def test_an_irregular_topic_may_be_silent_for_much_longer() -> None:
    assert after(*[1.0, 59.0] * 50).expected_quiet() > 100.0


def test_more_deviations_are_a_longer_silence() -> None:
    model = after(*[5.0, 15.0] * 20)
    assert model.expected_quiet() < model.expected_quiet(12) < 100


def test_the_busiest_topic_may_pause() -> None:
    assert after(*[0.01] * 1000).expected_quiet() == LEAST_SECONDS


def test_a_topic_that_changes_its_ways_is_learnt_anew() -> None:
    model = after(*[1.0] * 100, *[120.0] * 40)
    assert 120.0 <= model.expected_quiet() < 200.0
    for _ in range(100):
        model.heard(1.0)
    assert model.expected_quiet() == LEAST_SECONDS


def test_one_endless_gap_is_got_over() -> None:
    assert after(*[1.0] * 50, 1e9, *[1.0] * 60).expected_quiet() == LEAST_SECONDS


@given(GAPS)
def test_whatever_was_heard_the_expectation_is_bounded(gaps: list[float]) -> None:
    model = after(*gaps)
    assert LEAST_SECONDS <= model.expected_quiet() <= MOST_SECONDS
    assert model.gaps <= GAPS_MIN
