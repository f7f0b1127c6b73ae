"""Splitting an amount: exact, in proportion, and always the same."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.fills import apportion

D = Decimal
amounts = st.decimals("-100000", "100000", places=9)
weights = st.lists(st.decimals("0.00000001", "1000", places=8), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("amount", "among", "parts"),
    [
        ("1", "1 1 1", "0.34 0.33 0.33"),
        ("-1", "1 1 1", "-0.34 -0.33 -0.33"),
        ("0.02", "1 1 1", "0.01 0.01 0"),
        ("1", "1 3", "0.25 0.75"),
        ("1", "1 2", "0.33 0.67"),
        ("0.0001", "1 1", "0.0001 0"),
        ("0", "1 2", "0 0"),
        ("5", "7", "5"),
        ("1", "0 1", "0 1"),
        ("1.00", "0.05 0.50 0.45", "0.05 0.50 0.45"),
    ],
)
def test_what_rounding_leaves_goes_to_who_lost_most(amount: str, among: str, parts: str) -> None:
    found = apportion(D(amount), [D(weight) for weight in among.split()], 2)
    assert found == tuple(D(part) for part in parts.split())


@given(amounts, weights, st.integers(0, 12))
def test_parts_add_up_exactly_and_are_in_proportion(
    amount: Decimal, among: list[Decimal], decimals: int
) -> None:
    parts = apportion(amount, among, decimals)
    assert sum(parts) == amount
    unit = D(1).scaleb(-min(9, max(decimals, 0)))
    for part, weight in zip(parts, among, strict=True):
        assert abs(part - amount * weight / sum(among)) <= unit
        assert part * amount >= 0
    assert apportion(-amount, among, decimals) == tuple(-part for part in parts)
