"""The equity curve in block characters."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.control.views import EquityPoint
from krakked_tui.tui.rows.chart import curve, equity_lines
from krakked_tui.tui.rows.line import Look, text_of, width_of
from tests.fakes.controller import NOON

D = Decimal


def points(*values: float) -> list[EquityPoint]:
    return [EquityPoint(NOON + timedelta(minutes=m), Decimal(str(v))) for m, v in enumerate(values)]


def test_a_rising_curve_rises_from_one_eighth_to_the_top() -> None:
    assert curve(points(1, 2, 3, 4), 4, 2) == ["  ▃█", "▁▆██"]


def test_a_flat_curve_is_a_line_in_the_middle() -> None:
    assert curve(points(5, 5, 5), 3, 2) == ["   ", "███"]


def test_gaps_in_time_hold_the_last_value() -> None:
    sparse = [points(1)[0], EquityPoint(NOON + timedelta(minutes=10), Decimal(2))]
    assert curve(sparse, 5, 1) == ["▁▁▁▁█"]


def test_no_room_draws_nothing() -> None:
    assert curve(points(1, 2), 0, 5) == []
    assert curve(points(1, 2), 5, 0) == []


def test_the_heading_says_how_much_in_how_long_and_the_edge_names_both_ends() -> None:
    lines = [text_of(line) for line in equity_lines(points(10000, 9900, 10100), D(1), 40, 5)]
    assert lines[0].endswith("+1.00% in 2m")
    assert lines[1].endswith("$10,100.00")
    assert lines[4].endswith("$9,900.00")


def test_a_deposit_is_no_gain_and_what_nobody_knows_has_no_colour() -> None:
    deposited = equity_lines(points(10000, 20000), D(0), 40, 5)[0]
    assert text_of(deposited).endswith("0.00% in 1m")
    unknown = equity_lines(points(10000, 20000), None, 40, 5)[0]
    assert (text_of(unknown).endswith(" last 1m"), unknown[-1].look) == (True, Look.MUTED)


def test_without_a_curve_it_says_when_there_will_be_one() -> None:
    assert "second snapshot" in " ".join(text_of(line) for line in equity_lines(points(1), D(1), 30, 5))


@given(st.lists(st.floats(1, 1e7), min_size=2, max_size=50), st.integers(12, 90), st.integers(2, 15))
def test_it_always_fills_its_place_exactly(values: list[float], width: int, height: int) -> None:
    lines = equity_lines(points(*(round(value, 2) for value in values)), None, width + 20, height)
    assert len(lines) == height
    assert {width_of(line) for line in lines} == {width + 20}
