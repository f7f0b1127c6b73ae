"""Indicators against their textbook loops."""

import math
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.market.indicators import atr, ema, sma, true_range

PRICES = st.lists(st.floats(0.01, 1e5), min_size=1, max_size=60)
LENGTHS = st.integers(1, 20)


def evaluate(expression: pl.Expr, **columns: Sequence[float]) -> list[float | None]:
    return pl.DataFrame(columns).select(value=expression)["value"].to_list()


def assert_same(found: list[float | None], expected: list[float | None]) -> None:
    assert [value is None for value in found] == [value is None for value in expected]
    for value, wanted in zip(found, expected, strict=True):
        if value is not None and wanted is not None:
            assert math.isclose(value, wanted, rel_tol=1e-9, abs_tol=1e-7)


@given(PRICES, LENGTHS)
def test_sma(prices: list[float], bars: int) -> None:
    expected = [
        math.fsum(prices[i + 1 - bars : i + 1]) / bars if i + 1 >= bars else None for i in range(len(prices))
    ]
    assert_same(evaluate(sma("close", bars), close=prices), expected)


@given(PRICES, LENGTHS)
def test_ema(prices: list[float], bars: int) -> None:
    expected: list[float | None] = [None] * min(bars - 1, len(prices))
    if len(prices) >= bars:
        value = math.fsum(prices[:bars]) / bars
        expected.append(value)
        for price in prices[bars:]:
            value += (price - value) * 2 / (bars + 1)
            expected.append(value)
    assert_same(evaluate(ema("close", bars), close=prices), expected)


@given(st.lists(st.tuples(st.floats(1, 1e5), st.floats(0, 10), st.floats(0, 10)), min_size=1), LENGTHS)
def test_atr(bars_given: list[tuple[float, float, float]], bars: int) -> None:
    close = [price for price, _, _ in bars_given]
    high = [price + above for price, above, _ in bars_given]
    low = [price - below for price, _, below in bars_given]
    ranges = [high[0] - low[0]] + [
        max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))
        for i in range(1, len(close))
    ]
    columns = {"high": high, "low": low, "close": close}
    assert_same(evaluate(true_range(), **columns), list(ranges))
    expected = [
        math.fsum(ranges[i + 1 - bars : i + 1]) / bars if i + 1 >= bars else None for i in range(len(close))
    ]
    assert_same(evaluate(atr(bars), **columns), expected)


@pytest.mark.parametrize(
    ("high", "low", "expected"),
    [(12, 9, 3), (15, 13, 5), (7, 5, 5)],
    ids=["no gap", "gap up", "gap down"],
)
def test_true_range_counts_the_gap(high: float, low: float, expected: float) -> None:
    columns = {"high": [11.0, high], "low": [9.0, low], "close": [10.0, low]}
    assert evaluate(true_range(), **columns) == [2.0, expected]


def test_pairs_do_not_leak_into_each_other() -> None:
    frame = pl.DataFrame({"pair": ["a", "a", "b", "b"], "close": [1.0, 3.0, 100.0, 300.0]})
    found = frame.select(value=sma("close", 2).over("pair"))["value"].to_list()
    assert found == [None, 2.0, None, 200.0]
