"""Where each price is on a chart, and when the scale moves."""

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.tui.rows.scale import Scale, nice, scale_of

SCALE = Scale(low=0.0, high=4.0, rows=4, step=1.0)


def test_prices_outside_the_scale_are_at_its_edge() -> None:
    assert SCALE.half(99) == 7
    assert SCALE.half(-99) == 0


@given(st.floats(1e-12, 1e12))
def test_a_nice_step_is_one_two_or_five(value: float) -> None:
    step = nice(value)
    assert value <= step * (1 + 1e-9)
    assert step <= value * 5.1
    assert f"{step:.0e}"[0] in "125"


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=30), st.integers(1, 40))
def test_a_scale_holds_every_price(prices: list[float], rows: int) -> None:
    scale = scale_of(prices, rows, 1e-7)
    assert scale.low <= min(prices) * (1 + 1e-9)
    assert scale.high >= max(prices) * (1 - 1e-9)
    assert scale.low < scale.high


def test_a_small_move_does_not_move_the_scale() -> None:
    assert scale_of([100.0, 109.3], 10, 0.1) == scale_of([100.1, 109.6], 10, 0.1)


def test_thirds_of_a_row_end_with_the_scale() -> None:
    assert [SCALE.third(price) for price in (0.0, 0.34, 0.67, 1.0, 3.99, 4.0)] == [0, 1, 2, 3, 11, 11]
    assert SCALE.third(-0.01) is None
    assert SCALE.third(4.01) is None
    assert SCALE.half(1e308) == 7
