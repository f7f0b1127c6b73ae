"""The equity curve of a screen: all of the past, and what was made without deposits."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from krakked_tui.control.curve_picture import CURVE_POINTS, PastCurve
from krakked_tui.domain.records import SnapshotSaved

D = Decimal
START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTES = timedelta(minutes=5)


def point(number: int, equity: int, flows: int | None = 0) -> SnapshotSaved:
    return SnapshotSaved(
        START + number * MINUTES, D(equity), D(0), D(0), D(0), None if flows is None else D(flows)
    )


def test_the_whole_past_is_shown_in_so_many_points() -> None:
    stored = [point(number, 100 + number % 7) for number in range(-90_000, 0, 300)]  # one a day
    stored += [point(number, 100 + number % 7) for number in range(8640)]
    curve, _ = PastCurve().show(stored, point(8641, 120))
    assert len(curve) <= CURVE_POINTS + 3
    assert (curve[0].at, curve[-1].at) == (stored[0].at, START + 8641 * MINUTES)
    assert [each.at for each in curve] == sorted(each.at for each in curve)


def test_few_points_are_shown_as_they_are_with_the_present_one() -> None:
    past, stored = PastCurve(), [point(0, 100), point(1, 110)]
    assert [each.equity for each in past.show(stored, point(2, 121))[0]] == [100, 110, 121]
    assert [each.equity for each in past.show(stored, stored[-1])[0]] == [100, 110]
    assert [each.equity for each in past.show(stored, None)[0]] == [100, 110]
    assert past.show([], point(0, 100)) == ((past.show([], point(0, 100))[0][0],), None)


def test_what_was_deposited_was_not_made() -> None:
    past = PastCurve()
    assert past.show([point(0, 100), point(1, 150, 50)], point(2, 165, 50))[1] == D("1.1")
    assert past.show([point(0, 100)], point(1, 250, 100))[1] == D("1.25")
    assert past.show([point(0, 100)], None)[1] is None
    assert past.show([point(0, 100), point(1, 105)], None)[1] == D("1.05")


def test_without_stored_flows_nobody_knows_what_was_made() -> None:
    assert PastCurve().show([point(0, 100, None), point(1, 200)], point(2, 200))[1] is None


def test_another_past_is_worked_out_anew() -> None:
    past = PastCurve()
    past.show([point(0, 100), point(1, 110)], None)
    assert past.show([point(1, 110), point(2, 99)], None)[1] == D("0.9")
    assert past.show([point(2, 99)], point(3, 99))[1] == 1
