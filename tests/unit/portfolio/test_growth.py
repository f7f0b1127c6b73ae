"""The growth curve as a whole, in parts, and bit by bit; what it says is in ``test_performance``."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from krakked_tui.domain.portfolio import CashFlow, FlowKind
from krakked_tui.domain.records import SnapshotSaved
from krakked_tui.portfolio.growth import Curve, growth
from krakked_tui.portfolio.summary import Bounds

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZERO = Decimal(0)
POINTS = st.lists(st.decimals("-100", "10000", places=2), max_size=12).map(
    lambda equities: [
        SnapshotSaved(START + hour * HOUR, equity, ZERO, ZERO, ZERO) for hour, equity in enumerate(equities)
    ]
)
FLOWS = st.lists(
    st.builds(
        lambda half_hours, value: CashFlow(
            "F", START + half_hours * HOUR / 2, "USD", Decimal(1), FlowKind.DEPOSIT, value
        ),
        st.integers(-2, 26),
        st.none() | st.decimals("-1000", "1000", places=2),
    ),
    max_size=6,
)
TIMES = st.none() | st.builds(lambda half_hours: START + half_hours * HOUR / 2, st.integers(-2, 26))


@given(POINTS, FLOWS, TIMES, TIMES)
def test_the_curve_of_a_period_is_that_of_what_happened_in_it(
    points: list[SnapshotSaved], flows: list[CashFlow], since: datetime | None, until: datetime | None
) -> None:
    assume(since is None or until is None or since < until)
    within = Bounds(since, until)
    whole = Curve(points, flows)
    alone = Curve([p for p in points if p.at in within], [flow for flow in flows if flow.time in within])
    assert whole.between(within) == alone.between(Bounds())
    assert whole.unvalued(within) == alone.unvalued(Bounds())


def stored(*points: tuple[int, int | None]) -> list[SnapshotSaved]:
    """Points an hour apart: equity, and what had come in less what had gone out."""
    return [
        SnapshotSaved(
            START + hour * HOUR, Decimal(equity), ZERO, ZERO, ZERO, None if flows is None else Decimal(flows)
        )
        for hour, (equity, flows) in enumerate(points)
    ]


def grown(points: list[SnapshotSaved], flows: tuple[CashFlow, ...] = ()) -> list[Decimal]:
    return [each.growth for each in Curve(points, flows).between(Bounds())]


def test_a_flow_counts_between_the_points_that_have_it_whenever_its_row_was_dated() -> None:
    late = CashFlow("F", START + HOUR / 2, "USD", Decimal(50), FlowKind.DEPOSIT, Decimal(77))
    points = stored((100, 0), (110, 0), (160, 50), (80, -30))
    assert grown(points, (late,)) == [1, Decimal("1.1"), Decimal("1.1"), Decimal("1.1")]
    assert growth(points) == Decimal("1.1")


def test_points_that_did_not_store_their_flows_are_judged_by_those_of_that_time() -> None:
    deposit = CashFlow("F", START + HOUR / 2, "USD", Decimal(50), FlowKind.DEPOSIT, Decimal(50))
    points = stored((100, None), (150, None), (300, 7))
    assert grown(points, (deposit,)) == [1, 1, 2]
    assert growth(points) is None
    assert growth(points[:1]) is None


@given(
    st.lists(st.tuples(st.integers(1, 900), st.sampled_from([0, 0, 50, 90, -70])), min_size=2, max_size=20)
)
def test_the_growth_of_all_is_that_of_the_curve(points: list[tuple[int, int | None]]) -> None:
    found = growth(stored(*points))
    assert found is not None
    assert abs(found - grown(stored(*points))[-1]) < Decimal("1e-30")


@given(POINTS, FLOWS, FLOWS, st.integers(0, 12))
def test_a_curve_that_grew_is_the_same_as_a_new_one(
    points: list[SnapshotSaved], flows: list[CashFlow], others: list[CashFlow], size: int
) -> None:
    whole = Curve(points, flows).between(Bounds())
    for earlier in (Curve(points[:size], flows), Curve(points[:size], others), Curve(points[1:], flows)):
        assert Curve(points, flows, earlier).between(Bounds()) == whole
