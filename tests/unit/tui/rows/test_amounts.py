"""Values of limits with their units."""

from decimal import Decimal

import pytest

from krakked_tui.tui.rows.amounts import amount, short, verdict
from krakked_tui.tui.rows.line import Look


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("1234.5", "USD", "$1,234.50"),
        ("2.306", "%", "2.31%"),
        ("3", "positions", "3"),
        ("0.600", "confidence", "0.6"),
        ("131.5", "bps", "131.5 bps"),
        ("1", "flag", "yes"),
        ("0", "flag", "no"),
    ],
)
def test_an_amount_has_its_unit(value: str, unit: str, text: str) -> None:
    assert amount(Decimal(value), unit) == text


def test_a_narrow_column_leaves_long_units_out() -> None:
    assert short(Decimal("-31.5"), "bps") == "-31.5"
    assert short(Decimal("0.74"), "%") == "0.74%"


def test_a_verdict_that_is_not_ok_stands_out_in_words() -> None:
    assert verdict("ok") == ("ok", Look.GOOD)
    assert verdict("blocked") == ("BLOCKED", Look.ALARM)
    assert verdict("clamped") == ("CLAMPED", Look.WARN)
    assert verdict("new") == ("new", Look.WARN)
