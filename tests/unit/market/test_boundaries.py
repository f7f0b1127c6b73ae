"""When candles close."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Timeframe
from krakked_tui.market.boundaries import (
    closed_between,
    closed_candle_time,
    missed_between,
    newest_boundary,
    next_boundary,
)

M1, M5, H1, D1, W1 = Timeframe.M1, Timeframe.M5, Timeframe.H1, Timeframe.D1, Timeframe.W1

SETS = st.sets(st.sampled_from(Timeframe), min_size=1)
SECONDS = st.integers(0, 40 * 86_400)
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)


def at(clock: str) -> datetime:
    return datetime.combine(MIDNIGHT, datetime.strptime(clock, "%H:%M:%S").time(), UTC)  # noqa: DTZ007


@pytest.mark.parametrize(
    ("now", "timeframes", "newest", "following"),
    [
        ("10:03:20", {M1, M5}, "10:03:00", "10:04:00"),
        ("10:03:20", {M5, H1}, "10:00:00", "10:05:00"),
        ("10:05:00", {M5}, "10:05:00", "10:10:00"),
    ],
)
def test_newest_and_next(now: str, timeframes: set[Timeframe], newest: str, following: str) -> None:
    assert newest_boundary(at(now), timeframes) == at(newest)
    assert next_boundary(at(now), timeframes) == at(following)


def test_the_day_and_the_week_close_at_midnight() -> None:
    late = MIDNIGHT - timedelta(seconds=1)
    assert next_boundary(late, {D1}) == MIDNIGHT
    assert closed_between(late, MIDNIGHT, {W1, D1, H1, M1}) == (M1, H1, D1, W1)


@pytest.mark.parametrize(
    ("after", "upto", "closed", "missed"),
    [
        ("10:04:00", "10:05:00", (M1, M5), 0),
        ("10:05:00", "10:06:00", (M1,), 0),
        ("10:05:00", "10:05:00", (), 0),
        ("10:04:00", "10:07:30", (M1, M5), 2),
        ("09:58:00", "10:03:00", (M1, M5, H1), 4),
    ],
)
def test_a_late_wake_up_evaluates_each_timeframe_once(
    after: str, upto: str, closed: tuple[Timeframe, ...], missed: int
) -> None:
    assert closed_between(at(after), at(upto), {H1, M5, M1}) == closed
    assert missed_between(at(after), at(upto), {H1, M5, M1}) == missed


def test_the_candle_that_closed_at_a_boundary_opened_one_length_before() -> None:
    assert closed_candle_time(M5, at("10:05:00")) == at("10:00:00")
    assert closed_candle_time(M5, at("10:09:59")) == at("10:00:00")


def boundaries(start: datetime, end: datetime, timeframes: set[Timeframe]) -> dict[datetime, set[Timeframe]]:
    """All boundaries in (start, end], by walking every minute."""
    found: dict[datetime, set[Timeframe]] = {}
    minute = M1.floor(start) + M1.length
    while minute <= end:
        if closing := {t for t in timeframes if t.floor(minute) == minute}:
            found[minute] = closing
        minute += M1.length
    return found


@given(SETS, SECONDS, st.integers(0, 6 * 3600))
def test_rules_agree_with_a_walk_over_every_minute(
    timeframes: set[Timeframe], start: int, length: int
) -> None:
    after = MIDNIGHT + timedelta(seconds=start)
    upto = after + timedelta(seconds=length)
    walked = boundaries(after, upto, timeframes)
    assert set(closed_between(after, upto, timeframes)) == set().union(*walked.values())
    assert missed_between(after, upto, timeframes) == max(0, len(walked) - 1)
    if walked:
        assert next_boundary(after, timeframes) == min(walked)
        assert newest_boundary(upto, timeframes) == max(walked)
