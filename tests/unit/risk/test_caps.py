"""Limits that a smaller size can satisfy: each at, just under and just over its threshold."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from krakked_tui.domain.plans import Verdict
from krakked_tui.risk.candidate import Candidate, Pricing
from krakked_tui.risk.caps import (
    Cap,
    cash,
    max_order_notional_usd,
    max_per_asset_pct,
    max_risk_per_trade_pct,
)
from krakked_tui.risk.context import PendingBuy
from tests.unit.risk.builders import make_candidate, make_context, make_holding, make_pricing, money

EQUITY = Decimal(10_000)
ENTRY = make_candidate(context=make_context(max_order="600", cash="804"))
PRICING = make_pricing(price="100", stop="50", cost="100.5")


@pytest.mark.parametrize(
    ("limit", "size_max"),
    [
        (max_risk_per_trade_pct, "2"),  # 1 % of 10,000 over a distance of 50
        (max_per_asset_pct, "5"),  # 5 % of 10,000 at 100
        (max_order_notional_usd, "6"),  # 600 at 100
        (cash, "8"),  # 804 at 100.50, the fee included
    ],
)
def test_a_cap_at_just_under_and_just_over(limit: Callable[[Candidate, Pricing], Cap], size_max: str) -> None:
    cap = limit(ENTRY, PRICING)
    most, little = Decimal(size_max), Decimal("0.0001")
    assert cap.size_max == most
    assert cap.check(most - little, EQUITY).verdict is Verdict.OK
    assert cap.check(most, EQUITY).verdict is Verdict.OK
    over = cap.check(most + little, EQUITY)
    assert over.verdict is Verdict.CLAMPED
    assert over.would_be > over.threshold
    assert limit.__name__ == over.limit
    assert over.limit in over.reason


def test_what_is_held_and_being_bought_counts() -> None:
    context = make_context(
        holdings={"XBTUSD": make_holding("1", "120")}, pending={"XBTUSD": PendingBuy("trend", Decimal(80))}
    )
    entry = make_candidate(context=context)
    assert max_risk_per_trade_pct(entry, PRICING).size_max == 1
    assert max_per_asset_pct(entry, PRICING).size_max == 3
    assert max_order_notional_usd(entry, PRICING).size_max == 250


@pytest.mark.parametrize("held", ["500", "501"])
def test_a_cap_that_is_used_up_blocks(held: str) -> None:
    entry = make_candidate(context=make_context(holdings={"XBTUSD": make_holding("1", held)}))
    check = max_per_asset_pct(entry, PRICING).check(Decimal(1), EQUITY)
    assert check.verdict is Verdict.BLOCKED
    assert check.reason.endswith(" leaves no room below max_per_asset_pct, 5.00 %")


@pytest.mark.parametrize("cash_left", ["0", "-5"])
def test_without_cash_nothing_is_bought(cash_left: str) -> None:
    entry = make_candidate(context=make_context(cash=cash_left))
    assert cash(entry, PRICING).check(Decimal(1), EQUITY).verdict is Verdict.BLOCKED


def test_percentages_are_shown_of_equity_and_money_in_usd() -> None:
    check = max_per_asset_pct(ENTRY, PRICING).check(Decimal(8), EQUITY)
    assert (check.current, check.would_be, check.threshold) == money(0, 8, 5)
    assert check.reason == "8.00 % is cut to max_per_asset_pct, 5.00 %"
    check = cash(ENTRY, PRICING).check(Decimal(10), EQUITY)
    assert (check.would_be, check.threshold) == money(1005, 804)
    assert check.reason == "$1,005.00 is cut to cash, $804.00"


def test_without_equity_nothing_is_allowed() -> None:
    entry = make_candidate(context=make_context(equity="0"))
    assert max_risk_per_trade_pct(entry, PRICING).check(Decimal(1), Decimal(0)).verdict is Verdict.BLOCKED
