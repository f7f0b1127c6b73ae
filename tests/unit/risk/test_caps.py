"""Limits that a smaller size can satisfy: each at, just under and just over its threshold."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.plans import Verdict
from krakked_tui.risk.candidate import Candidate, Pricing
from krakked_tui.risk.caps import (
    Cap,
    cash,
    max_order_notional_usd,
    max_per_asset_pct,
    max_per_strategy_pct,
    max_portfolio_risk_pct,
    max_risk_per_trade_pct,
)
from krakked_tui.risk.context import MANUAL
from krakked_tui.risk.settings import RiskSettings
from tests.unit.domain.builders import make_pair
from tests.unit.risk.builders import (
    make_candidate,
    make_context,
    make_holding,
    make_pending,
    make_pricing,
    make_share,
    make_state,
    money,
)

EQUITY = Decimal(10_000)
SETTINGS = RiskSettings(max_portfolio_risk_pct=Decimal("1.5"), max_per_strategy_pct={"trend": Decimal(4)})
ENTRY = make_candidate(context=make_context(max_order="600", cash="804"), settings=SETTINGS)
PRICING = make_pricing(price="100", stop="50", cost="100.5")
LIMITS = [
    (max_risk_per_trade_pct, "2"),  # 1 % of 10,000 over a distance of 50
    (max_portfolio_risk_pct, "3"),  # 1.5 % of 10,000 over a distance of 50
    (max_per_strategy_pct, "4"),  # 4 % of 10,000 at 100
    (max_per_asset_pct, "5"),  # 5 % of 10,000 at 100
    (max_order_notional_usd, "6"),  # 600 at 100
    (cash, "8"),  # 804 at 100.50, the fee included
]


@pytest.mark.parametrize(("limit", "size_max"), LIMITS)
def test_a_cap_at_just_under_and_just_over(
    limit: Callable[[Candidate, Pricing], Cap | None], size_max: str
) -> None:
    cap = limit(ENTRY, PRICING)
    assert cap is not None
    most, little = Decimal(size_max), Decimal("0.0001")
    assert cap.size_max == most
    assert cap.check((most - little) * cap.per_base, EQUITY).verdict is Verdict.OK
    assert cap.check(most * cap.per_base, EQUITY).verdict is Verdict.OK
    over = cap.check((most + little) * cap.per_base, EQUITY)
    assert over.verdict is Verdict.CLAMPED
    assert over.would_be > over.threshold
    assert over.limit.split(".")[0] == limit.__name__
    assert over.limit in over.reason


def test_what_is_held_and_being_bought_counts() -> None:
    context = make_context(
        make_state("XBTUSD"),
        make_state("ETHUSD"),
        holdings={
            "XBTUSD": make_holding(make_share("1", "other", "80"), price="120"),
            "ETHUSD": make_holding(make_share("1", "trend", "90")),
        },
        pending={"XBTUSD": make_pending(make_share("1", "other", "60"), price="80")},
    )
    entry = make_candidate(context=context, settings=SETTINGS)
    used = [cap.used for limit, _ in LIMITS if (cap := limit(entry, PRICING)) is not None]
    # Risks 40 and 20 of the pair, 10 of another; worth 100 to trend, 120 and 80 of the asset.
    assert used == [60, 70, 100, 200, 0, 0]


def test_what_nobodys_strategy_holds_counts_for_the_asset_and_for_the_portfolios_risk_only() -> None:
    for include in (True, False):
        settings = RiskSettings(include_manual_positions=include, max_per_strategy_pct={"trend": Decimal(4)})
        context = make_context(holdings={"XBTUSD": make_holding(make_share("1", MANUAL))})
        entry = make_candidate(context=context, settings=settings)
        used = [cap.used for limit, _ in LIMITS if (cap := limit(entry, PRICING)) is not None]
        assert used == [0, 100, 0, 100, 0, 0]


def test_the_pairs_of_one_asset_share_its_limit() -> None:
    second = make_state("XBTUSDT")
    second = msgspec.structs.replace(second, metadata=make_pair("XBTUSDT", quote="USDT"))
    context = make_context(
        make_state("XBTUSD"), second, holdings={"XBTUSDT": make_holding(make_share("4", MANUAL))}
    )
    assert max_per_asset_pct(make_candidate(context=context), PRICING).used == 400


def test_a_strategy_without_a_budget_has_no_cap() -> None:
    assert max_per_strategy_pct(make_candidate(), PRICING) is None


@pytest.mark.parametrize("held", ["5", "5.01"])
def test_a_cap_that_is_used_up_blocks(held: str) -> None:
    context = make_context(holdings={"XBTUSD": make_holding(make_share(held))})
    check = max_per_asset_pct(make_candidate(context=context), PRICING).check(Decimal(1), EQUITY)
    assert check.verdict is Verdict.BLOCKED
    assert check.reason.endswith(" leaves no room below max_per_asset_pct, 5.00 %")


@pytest.mark.parametrize("cash_left", ["0", "-5"])
def test_without_cash_nothing_is_bought(cash_left: str) -> None:
    entry = make_candidate(context=make_context(cash=cash_left))
    assert cash(entry, PRICING).check(Decimal(1), EQUITY).verdict is Verdict.BLOCKED


def test_percentages_are_shown_of_equity_and_money_in_usd() -> None:
    check = max_per_asset_pct(ENTRY, PRICING).check(Decimal(800), EQUITY)
    assert (check.current, check.would_be, check.threshold) == money(0, 8, 5)
    assert check.reason == "8.00 % is cut to max_per_asset_pct, 5.00 %"
    check = cash(ENTRY, PRICING).check(Decimal(1005), EQUITY)
    assert (check.would_be, check.threshold) == money(1005, 804)
    assert check.reason == "$1,005.00 is cut to cash, $804.00"


@pytest.mark.parametrize("equity", ["0", "-1"])
def test_without_equity_nothing_is_allowed(equity: str) -> None:
    entry = make_candidate(context=make_context(equity=equity))
    check = max_risk_per_trade_pct(entry, PRICING).check(Decimal(1), Decimal(equity))
    assert check.verdict is Verdict.BLOCKED
