"""Checks and the numbers in their sentences."""

from decimal import Decimal

import pytest

from krakked_tui.domain.plans import Verdict
from krakked_tui.risk.checks import amount, at_least, count_at_most, flag, number
from tests.unit.risk.builders import money


def test_a_flag_is_raised_by_its_reason() -> None:
    assert flag("kill_switch", "").verdict is Verdict.OK
    raised = flag("kill_switch", "it is on")
    assert (raised.verdict, raised.reason) == (Verdict.BLOCKED, "it is on")
    assert (raised.would_be, raised.threshold) == money(1, 0)


@pytest.mark.parametrize(("would_be", "verdict"), [(9, Verdict.OK), (10, Verdict.OK), (11, Verdict.BLOCKED)])
def test_a_count_may_reach_its_maximum(would_be: int, verdict: Verdict) -> None:
    check = count_at_most("max_open_positions", 10, would_be, 10, "the account uses")
    assert check.verdict is verdict
    assert check.reason == ("the account uses 10 of max_open_positions, 10" if would_be > 10 else "")


@pytest.mark.parametrize(
    ("value", "verdict"), [("19.9999", Verdict.BLOCKED), ("20", Verdict.OK), ("20.0001", Verdict.OK)]
)
def test_a_minimum_may_be_met_exactly(value: str, verdict: Verdict) -> None:
    check = at_least("min_order_notional_usd", Decimal(value), Decimal(20), "USD", "the value")
    assert check.verdict is verdict


def test_a_missed_minimum_says_by_what() -> None:
    check = at_least("order_min", Decimal("0.00040"), Decimal("0.001"), "XBT", "the volume")
    assert check.reason == "the volume is 0.0004 XBT, below order_min, 0.001 XBT"


@pytest.mark.parametrize(
    ("value", "unit", "spelled"),
    [
        ("1234567.891", "USD", "$1,234,567.89"),
        ("4.999", "%", "5.00 %"),
        ("0.00001200", "XBT", "0.000012 XBT"),
    ],
)
def test_amounts_are_spelled_by_their_unit(value: str, unit: str, spelled: str) -> None:
    assert amount(Decimal(value), unit) == spelled


@pytest.mark.parametrize(("value", "spelled"), [("1E+5", "100000"), ("1.50", "1.5"), ("1E-8", "0.00000001")])
def test_numbers_have_no_exponent(value: str, spelled: str) -> None:
    assert number(Decimal(value)) == spelled
