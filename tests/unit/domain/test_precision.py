"""Rounding: always on the grid, always on the safe side."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.precision import (
    at_scale,
    candle_price,
    half_up,
    indicator,
    price_down,
    price_up,
    step_down,
    step_up,
    truncate,
    volume_down,
)
from tests.unit.domain.builders import make_pair


@dataclass(frozen=True)
class Grid:
    """A step and the decimals it needs."""

    step: Decimal
    decimals: int


GRIDS = st.builds(
    lambda decimals, multiple: Grid(Decimal(multiple).scaleb(-decimals), decimals),
    st.integers(0, 10),
    st.sampled_from([1, 5, 25]),
)
AMOUNTS = st.decimals(min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False, places=14)


@given(AMOUNTS, GRIDS)
def test_steps_enclose_the_value_on_the_grid(value: Decimal, grid: Grid) -> None:
    below, above = step_down(value, grid.step), step_up(value, grid.step)
    assert below <= value <= above
    assert value - below < grid.step
    assert above - value < grid.step
    assert below % grid.step == above % grid.step == 0


@given(AMOUNTS, GRIDS)
def test_a_volume_is_never_above_what_was_decided(value: Decimal, grid: Grid) -> None:
    pair = msgspec.structs.replace(make_pair(), lot_size=grid.step, volume_decimals=grid.decimals)
    volume = volume_down(value, pair)
    assert 0 <= volume <= value
    assert value - volume < pair.lot_size
    assert volume % pair.lot_size == 0
    assert volume.as_tuple().exponent == -grid.decimals


@given(AMOUNTS, GRIDS)
def test_prices_snap_to_the_tick(value: Decimal, grid: Grid) -> None:
    pair = msgspec.structs.replace(make_pair(), tick_size=grid.step, price_decimals=grid.decimals)
    assert price_down(value, pair) <= value <= price_up(value, pair)
    assert price_down(value, pair) % pair.tick_size == 0
    assert price_up(value, pair) % pair.tick_size == 0


@pytest.mark.parametrize(
    ("value", "even", "up", "cut"),
    [
        ("0.125", "0.12", "0.13", "0.12"),
        ("0.135", "0.14", "0.14", "0.13"),
        ("-0.125", "-0.12", "-0.13", "-0.12"),
        ("2", "2.00", "2.00", "2.00"),
    ],
)
def test_named_roundings(value: str, even: str, up: str, cut: str) -> None:
    number = Decimal(value)
    assert str(at_scale(number, 2, ROUND_HALF_EVEN)) == even
    assert str(half_up(number, 2)) == up
    assert str(truncate(number, 2)) == cut


@given(st.integers(1, 10**15 - 1), st.integers(0, 10))
def test_a_candle_price_is_the_text_the_exchange_sent(digits: int, decimals: int) -> None:
    sent = Decimal(digits).scaleb(-decimals)
    pair = msgspec.structs.replace(make_pair(), price_decimals=decimals)
    assert candle_price(float(str(sent)), pair) == sent


def test_an_indicator_keeps_its_shortest_text() -> None:
    assert indicator(0.1) == Decimal("0.1")
    assert indicator(2) == 2


def test_a_number_without_room_for_its_decimals_keeps_what_it_has() -> None:
    large = Decimal("1E36") + Decimal("0.5")
    assert at_scale(large, 24) == large
    with pytest.raises(InvalidOperation):
        at_scale(Decimal("Infinity"), 2)
