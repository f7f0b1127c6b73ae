"""The growth curve as a whole, in parts, and bit by bit; what it says is in ``test_performance``."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from krakked_tui.domain.portfolio import CashFlow, FlowKind
from krakked_tui.domain.records import SnapshotSaved
from krakked_tui.portfolio.growth import Curve
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


@given(POINTS, FLOWS, FLOWS, st.integers(0, 12))
def test_a_curve_that_grew_is_the_same_as_a_new_one(
    points: list[SnapshotSaved], flows: list[CashFlow], others: list[CashFlow], size: int
) -> None:
    whole = Curve(points, flows).between(Bounds())
    for earlier in (Curve(points[:size], flows), Curve(points[:size], others), Curve(points[1:], flows)):
        assert Curve(points, flows, earlier).between(Bounds()) == whole
