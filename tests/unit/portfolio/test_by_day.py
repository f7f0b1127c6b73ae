"""Sums kept by day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from krakked_tui.portfolio.by_day import ByDay
from krakked_tui.portfolio.summary import Bounds

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
times = st.integers(-30, 130).map(lambda hours: START + hours * HOUR)
items = st.lists(times, max_size=30).map(sorted)


class Counted:
    """Sums up, and remembers how much."""

    def __init__(self) -> None:
        self.items = 0

    def __call__(self, some: Sequence[datetime]) -> list[Sequence[datetime]]:
        self.items += len(some)
        return [some]


def same(at: datetime) -> datetime:
    return at


@given(items, st.none() | times, st.none() | times)
def test_the_sums_of_a_period_hold_what_is_in_it_once(
    items: list[datetime], since: datetime | None, until: datetime | None
) -> None:
    assume(since is None or until is None or since < until)
    within = Bounds(since, until)
    found = ByDay(items, same, Counted()).sums(within)
    assert [at for some in found for at in some] == [at for at in items if at in within]
    assert all(len({at.date() for at in some}) == 1 for some in found[1:-1]), "whole days are kept apart"


@given(items, items, st.integers(0, 30))
def test_days_that_are_the_same_are_not_summed_up_again(
    items: list[datetime], others: list[datetime], count: int
) -> None:
    before = ByDay(items, same, Counted())
    kept = items[:count]
    now = kept + [at for at in others if not kept or at >= kept[-1]]
    counted = Counted()
    grown = ByDay(now, same, counted, before, len(kept))
    assert grown.sums(Bounds()) == ByDay(now, same, Counted()).sums(Bounds())
    assert counted.items == sum(not kept or at.date() >= kept[-1].date() for at in now)
