"""Which points make a curve, and which may go without changing what it says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.records import SnapshotSaved
from krakked_tui.portfolio.growth import Curve
from krakked_tui.portfolio.snapshots import equity_curve, prunable
from krakked_tui.portfolio.summary import Bounds

D = Decimal
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def point(at: datetime, equity: int = 1) -> SnapshotSaved:
    return SnapshotSaved(at, D(equity), D(0), D(0), D(0))


def test_a_curve_takes_the_last_of_each_stretch_and_leaves_gaps() -> None:
    minute = timedelta(minutes=1)
    points = [point(NOON + minutes * minute, minutes) for minutes in (0, 30, 59, 60, 185)]
    assert [one.equity for one in equity_curve(points[::-1], HOUR)] == [59, 60, 185]
    assert equity_curve(points, minute) == tuple(points)
    assert equity_curve(points, DAY) == (points[-1],)
    assert equity_curve([], HOUR) == ()


def test_pruning_keeps_the_last_of_every_day_and_what_is_recent() -> None:
    midnight = utc("2026-03-04")
    old = [point(midnight - 3 * DAY + hours * HOUR, hours) for hours in (0, 5, 23, 24, 30, 71)]
    recent = [point(midnight + hours * HOUR) for hours in (0, 5, 12)]
    # It is noon of the next day: what is older than a day is from before 2026-03-04 12:00.
    pruned = prunable([*recent, *old], midnight + DAY + 12 * HOUR, 1)
    assert [one.at for one in pruned] == [old[0].at, old[1].at, old[3].at, recent[0].at, recent[1].at]
    assert prunable([point(NOON), point(NOON + HOUR)], NOON + DAY, 1) == ()


def test_two_snapshots_of_one_moment_are_never_pruned_apart() -> None:
    assert prunable([point(NOON, 1), point(NOON, 2)], NOON + 9 * DAY, 0) == ()


@given(
    st.lists(st.integers(0, 24 * 40), unique=True, max_size=60), st.integers(0, 45), st.integers(0, 24 * 45)
)
def test_pruning_never_loses_a_day(hours: list[int], retention: int, now: int) -> None:
    points = [point(NOON + hour * HOUR, hour) for hour in hours]
    at = NOON + now * HOUR
    pruned = prunable(points, at, retention)
    left = [one for one in points if one not in pruned]
    assert equity_curve(left, DAY) == equity_curve(points, DAY)
    assert all(at - one.at > retention * DAY for one in pruned)
    assert prunable(left, at, retention) == ()
    old = [one for one in left if at - one.at > retention * DAY]
    assert len({one.at.date() for one in old}) == len(old)


def test_pruning_keeps_both_sides_of_a_flow() -> None:
    flows = (0, 0, 0, 50, 50, 50, 50)
    points = [
        SnapshotSaved(NOON + hours * HOUR, D(100 + hours), D(0), D(0), D(0), D(flow))
        for hours, flow in enumerate(flows)
    ]
    pruned = prunable(points, NOON + 9 * DAY, 1)
    assert [(one.at - NOON) // HOUR for one in pruned] == [0, 1, 4, 5]


@given(
    st.lists(st.tuples(st.integers(1, 500), st.sampled_from([0, 0, 0, 40, -30])), min_size=2, max_size=30),
)
def test_pruning_changes_no_growth(steps: list[tuple[int, int]]) -> None:
    points, flowed = [], D(0)
    for number, (equity, flow) in enumerate(steps):
        flowed += flow
        at = NOON + number * 5 * HOUR
        points.append(SnapshotSaved(at, D(equity), D(0), D(0), D(0), flowed))
    pruned = prunable(points, NOON + 60 * DAY, 1)
    left = [one for one in points if one not in pruned]
    before, after = (Curve(each, ()).between(Bounds()) for each in (points, left))
    grown = {one.at: one.growth for one in before}
    first = grown[after[0].at]
    for one in after:
        assert abs(one.growth * first - grown[one.at]) < D("1e-20")
