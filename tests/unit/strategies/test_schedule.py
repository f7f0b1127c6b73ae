"""When it is time."""

from datetime import UTC, datetime, timedelta

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.strategies.schedule import is_due

THURSDAY = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_seventh_day_ends_with_the_wednesday() -> None:
    due = [day for day in range(14) if is_due(Timeframe.D1, THURSDAY + timedelta(days=day), 7)]
    assert due == [6, 13]


@pytest.mark.parametrize("timeframe", Timeframe)
def test_one_means_always_and_two_every_other(timeframe: Timeframe) -> None:
    start = timeframe.floor(THURSDAY)
    ends = [start + n * timeframe.length for n in range(4)]
    assert all(is_due(timeframe, at, 1) for at in ends)
    first, second, *rest = (is_due(timeframe, at, 2) for at in ends)
    assert first is not second
    assert rest == [first, second]
