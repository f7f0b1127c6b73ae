"""The float trap, in this thread and in every later one."""

import decimal
import threading
from decimal import Decimal

import pytest

from krakked_tui.domain.money import PRECISION_DIGITS, percent_of, trap_floats

A_FLOAT = 0.1


def test_floats_are_refused_in_a_plain_thread() -> None:
    trap_floats()
    seen: list[object] = []

    def mix() -> None:
        seen.append(decimal.getcontext().prec)
        try:
            Decimal(A_FLOAT)
        except decimal.FloatOperation as error:
            seen.append(type(error))
        try:
            _ = Decimal(1) < 0.5
        except decimal.FloatOperation as error:
            seen.append(type(error))

    thread = threading.Thread(target=mix)
    thread.start()
    thread.join()
    assert seen == [PRECISION_DIGITS, decimal.FloatOperation, decimal.FloatOperation]


def test_floats_are_refused_here() -> None:
    with pytest.raises(decimal.FloatOperation):
        Decimal(A_FLOAT)


def test_products_of_any_price_and_size_are_exact() -> None:
    price, size = Decimal("123456789.123456789"), Decimal("987654321.12345678")
    assert price * size / size == price


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [("5", "200", "2.5"), ("-5", "200", "-2.5"), ("5", "0", "0")],
)
def test_percent_of(part: str, whole: str, expected: str) -> None:
    assert percent_of(Decimal(part), Decimal(whole)) == Decimal(expected)
