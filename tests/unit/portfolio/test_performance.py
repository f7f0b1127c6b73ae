"""Figures worked out by hand, and what must hold for any curve."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.portfolio import CashFlow, FlowKind
from krakked_tui.domain.records import SnapshotSaved
from krakked_tui.portfolio.growth import Curve, GrowthPoint, Snapshot
from krakked_tui.portfolio.performance import (
    DAILY_RETURNS_MIN,
    Drawdown,
    daily_returns,
    max_drawdown,
    performance,
    sharpe_ratio,
    sortino_ratio,
    time_weighted_return,
)
from krakked_tui.portfolio.sales import Sale, SaleFigures, sums_of
from krakked_tui.portfolio.summary import Bounds

D = Decimal
NO_SALES = sums_of(())


START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LATER = START + 1000 * DAY
TINY = D("1e-30")


def snapshot(at: datetime, equity: Decimal) -> SnapshotSaved:
    return SnapshotSaved(at, equity, equity, D(0), D(0))


def hourly(*equities: int | str) -> list[SnapshotSaved]:
    return [snapshot(START + hour * HOUR, D(equity)) for hour, equity in enumerate(equities)]


def flow(hours: float, value: int | str | None) -> CashFlow:
    worth = None if value is None else D(value)
    return CashFlow("F", START + hours * HOUR, "USD", worth or D(1), FlowKind.DEPOSIT, worth)


def growth_curve(points: Iterable[Snapshot], flows: Iterable[CashFlow]) -> list[GrowthPoint]:
    return Curve(points, flows).between(Bounds())


def growth(*values: str) -> list[GrowthPoint]:
    return [GrowthPoint(START + hour * HOUR, D(value)) for hour, value in enumerate(values)]


def test_returns_are_chained_around_flows() -> None:
    # +10 %, a deposit of 890 that does nothing, -20 %, a withdrawal of 400 with nothing else, +50 %.
    points = hourly(100, 110, 1000, 800, 400, 600)
    curve = growth_curve(points, [flow(1.5, 890), flow(4, -400)])
    assert [point.growth for point in curve] == [D(1), D("1.1"), D("1.1"), D("0.88"), D("0.88"), D("1.32")]
    assert time_weighted_return(curve) == D("0.32")
    assert max_drawdown(curve) == Drawdown(D("0.2"), START + 2 * HOUR, START + 3 * HOUR)


def test_within_a_sub_period_deposits_count_from_its_beginning_and_withdrawals_to_its_end() -> None:
    # What became of 120 is 180.
    assert time_weighted_return(growth_curve(hourly(100, 150), [flow(0.9, 20), flow(0.1, -30)])) == D("0.5")


def test_flows_at_the_first_snapshot_and_after_the_last_are_not_its_business() -> None:
    flows = [flow(-5, 70), flow(0, 50), flow(1.1, 100)]
    assert time_weighted_return(growth_curve(hourly(100, 110), flows)) == D("0.1")
    assert time_weighted_return(growth_curve(hourly(100, 110), [flow(1, 10)])) == D(0)


def test_an_account_that_was_empty_grows_from_its_first_deposit_on() -> None:
    points = hourly(0, 0, 200, 250, 0, 0, 100, 110)
    flows = [flow(2, 200), flow(4, -250), flow(6, 100)]
    assert time_weighted_return(growth_curve(points, flows)) == D("0.375")


def test_what_nothing_was_invested_in_is_no_gain() -> None:
    assert time_weighted_return(growth_curve(hourly(0, 50, 55), [])) == D("0.1")


def test_a_flow_before_the_first_snapshot_does_not_hide_the_next_one() -> None:
    flows = [flow(-2, 7), flow(-1, 7), flow(0.5, 100)]
    assert time_weighted_return(growth_curve(hourly(100, 220), flows)) == D("0.1")


def test_a_total_loss_stays_one() -> None:
    curve = growth_curve(hourly(100, -5, 50), [flow(1.5, 60)])
    assert [point.growth for point in curve] == [1, 0, 0]
    assert max_drawdown(curve) == Drawdown(D(1), START, START + HOUR)


def test_snapshots_and_flows_come_in_any_order() -> None:
    points, flows = hourly(100, 110, 1000, 800), [flow(1.5, 890), flow(2.5, -10)]
    assert growth_curve(points[::-1], flows[::-1]) == growth_curve(points, flows)


@pytest.mark.parametrize("points", [[], hourly(100)])
def test_too_little_data_gives_nothing(points: list[SnapshotSaved]) -> None:
    figures = performance(Curve(points, [flow(0.5, None)]), Bounds(), NO_SALES, LATER)
    assert figures.time_weighted_return is None
    assert figures.max_drawdown is None
    assert (figures.sharpe, figures.sortino, figures.daily_returns) == (None, None, 0)
    assert figures.unvalued_flows == 0
    assert figures.sales == SaleFigures(0, None, None, None)


def test_a_curve_that_never_fell_has_no_times_of_a_fall() -> None:
    assert max_drawdown(growth("1", "1", "1.2")) == Drawdown(D(0), None, None)


def test_the_drawdown_begins_at_the_last_time_at_the_peak_and_the_first_of_equals_counts() -> None:
    curve = growth("1", "2", "2", "1.5", "1", "1.8", "4", "2")
    assert max_drawdown(curve) == Drawdown(D("0.5"), START + 2 * HOUR, START + 4 * HOUR)


def test_a_day_closes_with_its_last_point_and_a_gap_gives_no_return() -> None:
    points = [
        GrowthPoint(START + days * DAY + hours * HOUR, D(value))
        for days, hours, value in [
            (0, 5, "1"),
            (0, 23, "2"),
            (1, 1, "9"),
            (1, 20, "3"),
            (3, 4, "8"),
            (4, 4, "4"),
            (5, 4, "5"),
        ]
    ]
    assert daily_returns(points, START + 6 * DAY) == (D("0.5"), D("-0.5"), D("0.25"))
    assert daily_returns(points, START + 6 * DAY - HOUR) == (D("0.5"), D("-0.5"))


def test_nothing_returns_from_nothing() -> None:
    points = [GrowthPoint(START + day * DAY, D(value)) for day, value in enumerate(["1", "0", "0"])]
    assert daily_returns(points, LATER) == (D(-1),)


# Mean 0.01; squared deviations 6 * 0.0004 = 0.0024, over 6 (n - 1): 0.0004, root 0.02.
# Below zero: 3 * 0.0001 = 0.0003 over 7 (n).
WEEK = (D("0.03"), D("-0.01"), D("0.03"), D("-0.01"), D("0.03"), D("-0.01"), D("0.01"))


def test_sharpe_by_hand() -> None:
    expected = D("0.5") * D(365).sqrt()
    assert sharpe_ratio(WEEK) == expected
    assert abs(expected - D("9.5524865872714")) < D("1e-12")


def test_sortino_by_hand() -> None:
    result = sortino_ratio(WEEK)
    assert result is not None
    assert abs(result**2 - D("0.0001") / (D("0.0003") / 7) * 365) < TINY
    assert result > 0


def test_ratios_need_a_week_and_some_scatter() -> None:
    assert sharpe_ratio(WEEK[: DAILY_RETURNS_MIN - 1]) is None
    assert sortino_ratio(WEEK[: DAILY_RETURNS_MIN - 1]) is None
    level = [D(1) / 3 + D(day) * D("1e-49") for day in range(10)]
    assert sharpe_ratio(level) is None
    assert sharpe_ratio([D(0)] * 10) is None
    assert sortino_ratio([abs(one) for one in WEEK]) is None


def test_ratios_of_a_losing_week_are_negative() -> None:
    lost = [-one for one in WEEK]
    sharpe, sortino = sharpe_ratio(lost), sortino_ratio(lost)
    assert sharpe is not None
    assert sharpe < 0
    assert sortino is not None
    assert sortino < 0


def test_all_figures_together() -> None:
    daily = [snapshot(START + day * DAY, D(100 + day)) for day in range(9)]
    sold = Sale("T1", START + DAY, D(1), D(2), D(0))
    curve = Curve(daily, [flow(1, None), flow(-1, None)])
    figures = performance(curve, Bounds(), sums_of([sold]), START + 9 * DAY)
    assert figures.time_weighted_return is not None
    assert abs(figures.time_weighted_return - D("0.08")) < TINY
    assert figures.max_drawdown == Drawdown(D(0))
    assert figures.sharpe is not None
    assert figures.sharpe > 100
    assert (figures.sortino, figures.daily_returns, figures.unvalued_flows) == (None, 8, 1)
    assert figures.sales.sales == 1


def test_flows_without_a_value_are_counted_where_they_would_count() -> None:
    flows = [flow(hours, None) for hours in (-1, 0, 0.5, 1, 2, 2.5)]
    assert performance(Curve(hourly(1, 1, 1), flows), Bounds(), NO_SALES, LATER).unvalued_flows == 3


equities = st.lists(st.decimals("0.01", "1000000", places=2), min_size=2, max_size=12)
amounts = st.decimals("-1000000", "1000000", places=2)


@given(equities, st.data())
def test_a_deposit_or_withdrawal_never_changes_the_time_weighted_return(
    equity: list[Decimal], data: st.DataObject
) -> None:
    """Money comes in just after a snapshot, and from then on everything is larger in proportion."""
    plain = [snapshot(START + hour * HOUR, value) for hour, value in enumerate(equity)]
    after = data.draw(st.integers(0, len(equity) - 1))
    amount = data.draw(st.decimals(-equity[after] + D("0.01"), D(10**6), places=2))
    larger = (equity[after] + amount) / equity[after]
    moved = [
        *plain[: after + 1],
        snapshot(START + (after + 0.5) * HOUR, equity[after] + amount),
        *(snapshot(one.at, one.equity * larger) for one in plain[after + 1 :]),
    ]
    expected = growth_curve(plain, [])
    curve = growth_curve(moved, [flow(after + 0.25, str(amount))])
    assert abs(curve[-1].growth - expected[-1].growth) <= TINY * (1 + expected[-1].growth)
    fall, expected_fall = max_drawdown(curve), max_drawdown(expected)
    assert fall is not None
    if expected_fall is not None:
        assert abs(fall.depth - expected_fall.depth) < TINY


@given(equities, st.lists(st.tuples(st.floats(0, 12), amounts), max_size=6), st.integers(1, 10**6))
def test_the_size_of_an_account_does_not_matter(
    equity: list[Decimal], moves: list[tuple[float, Decimal]], factor: int
) -> None:
    small = growth_curve(hourly(*map(str, equity)), [flow(at, str(value)) for at, value in moves])
    large = growth_curve(
        hourly(*(str(value * factor) for value in equity)),
        [flow(at, str(value * factor)) for at, value in moves],
    )
    assert large == small


@given(
    st.lists(st.decimals("-100", "1000000", places=2), min_size=2, max_size=12),
    st.lists(st.tuples(st.floats(-1, 13), amounts), max_size=6),
)
def test_growth_is_never_negative_and_a_drawdown_is_a_fraction(
    equity: list[Decimal], moves: list[tuple[float, Decimal]]
) -> None:
    curve = growth_curve(hourly(*map(str, equity)), [flow(at, str(value)) for at, value in moves])
    fall = max_drawdown(curve)
    assert all(point.growth >= 0 for point in curve)
    assert fall is not None
    assert 0 <= fall.depth <= 1
    assert (fall.depth == 0) == (fall.peak_at is None)
    if fall.peak_at is not None and fall.trough_at is not None:
        assert fall.peak_at < fall.trough_at
