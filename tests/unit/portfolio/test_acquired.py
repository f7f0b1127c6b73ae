"""Dates of acquisition under average cost."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.portfolio import CostBasis
from krakked_tui.portfolio.acquired import dated
from tests.unit.portfolio.statements import START, books_of

D = Decimal


def disposed(statement: str, method: CostBasis) -> list:  # type: ignore[type-arg]
    bookings = books_of(statement, method).booked().bookings
    return [each for booking in bookings for each in booking.disposed]


def test_what_was_bought_yesterday_was_not_held_since_the_oldest_crumb() -> None:
    statement = """
        2024-01-01 deposit 100000 USD
        2024-01-02 buy 1 XBTUSD @ 10000
        2024-01-03 sell 0.9999 XBTUSD @ 11000
        2026-03-01 buy 1 XBTUSD @ 50000
        2026-03-02 sell 1 XBTUSD @ 51000
    """
    average, first_in = (disposed(statement, each) for each in (CostBasis.WAC, CostBasis.FIFO))
    _, crumb, rest = dated(average, first_in)
    assert [each.acquired_at.date().isoformat() for each in (crumb, rest)] == ["2024-01-02", "2026-03-01"]
    assert (crumb.quantity, rest.quantity) == (D("0.0001"), D("0.9999"))
    assert abs(crumb.cost / crumb.quantity - rest.cost / rest.quantity) < D("1e-18"), "the average"
    assert crumb.cost + rest.cost == average[1].lots[0].cost
    assert crumb.proceeds + rest.proceeds == 51000


LINES = st.lists(
    st.sampled_from(
        [
            "buy 1 XBTUSD @ 100 fee 1 USD", "buy 0.3 XBTUSD @ 130 fee 0.001 XBT", "sell 0.4 XBTUSD @ 120",
            "sell 2 XBTUSD @ 90 fee 1 USD", "buy 2 ETHXBT @ 0.05 at 100 XBT", "withdrawal 0.2 XBT at 100",
            "convert 0.1 XBT to 12 USD",
        ]
    ),
    max_size=12,
)  # fmt: skip


@given(LINES)
def test_no_money_is_lost_over_the_dates(lines: list[str]) -> None:
    statement = "\n".join(["deposit 10000 USD", *lines])
    average, first_in = (disposed(statement, each) for each in (CostBasis.WAC, CostBasis.FIFO))
    found = dated(average, first_in)
    for sum_of in ("quantity", "proceeds", "cost", "fee"):
        whole = sum(getattr(each, sum_of) for one in average for each in one.by_lot())
        assert sum(getattr(each, sum_of) for each in found) == whole
    dates = {(each.event_id, each.asset, each.acquired_at) for each in found}
    assert dates == {
        (each.event_id, each.asset, each.acquired_at) for one in first_in for each in one.by_lot()
    }
    assert all(each.acquired_at >= START for each in found)
