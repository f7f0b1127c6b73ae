"""The loss of the day, read like a bank statement."""

from decimal import Decimal

import pytest

from krakked_tui.domain.safety import DayStart
from krakked_tui.risk.drawdown import daily_drawdown_pct, drawdown_reason
from krakked_tui.risk.settings import RiskSettings


@pytest.mark.parametrize(
    ("opening", "flows", "equity", "drawdown"),
    [
        ("10000", "0", "10000", "0"),
        ("10000", "0", "9500", "5"),
        ("10000", "0", "10500", "0"),
        ("10000", "-4000", "6000", "0"),  # a withdrawal is not a loss
        ("10000", "-4000", "5700", "5"),
        ("10000", "5000", "15000", "0"),  # a deposit is not a gain
        ("10000", "5000", "14250", "5"),
        ("10000", "5000", "10000", "33.33333333333333333333333333333333333333333333333333"[:51]),
        ("0", "1000", "900", "10"),  # an account opened today
        ("1000", "-1400", "100", "0"),  # more withdrawn than there was, out of gains
        ("0", "0", "0", "0"),
    ],
)
def test_daily_drawdown(opening: str, flows: str, equity: str, drawdown: str) -> None:
    found = daily_drawdown_pct(DayStart("2026-01-01", Decimal(opening)), Decimal(equity), Decimal(flows))
    assert found == Decimal(drawdown)


@pytest.mark.parametrize(("drawdown", "trips"), [("9.9999", False), ("10", True), ("10.0001", True)])
def test_the_limit_trips_when_it_is_reached(drawdown: str, trips: bool) -> None:
    reason = drawdown_reason(Decimal(drawdown), RiskSettings())
    assert bool(reason) is trips


def test_the_reason_says_how_much_and_what_is_allowed() -> None:
    assert drawdown_reason(Decimal("12.345"), RiskSettings()) == (
        "equity is 12.34 % below the day's opening; max_daily_drawdown_pct is 10.00 %"
    )
