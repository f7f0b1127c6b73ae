"""Where the account stands."""

from datetime import timedelta
from decimal import Decimal

import pytest

from krakked_tui.domain.safety import KillSwitch
from krakked_tui.risk.context import MANUAL, Protection, ProtectionKind
from krakked_tui.risk.settings import ProtectionSettings, RiskSettings
from krakked_tui.risk.status import LimitState, limit_states, risk_status, violations
from tests.unit.domain.builders import START
from tests.unit.risk.builders import (
    SETTINGS,
    facts,
    make_context,
    make_holding,
    make_pending,
    make_share,
    make_state,
    make_strategy,
    money,
)

PAUSE = Protection(ProtectionKind.STOP_GUARD, START + timedelta(hours=1), "why")
CONTEXT = make_context(
    make_state("XBTUSD"),
    make_state("ETHUSD", atr="5"),
    make_state("SOLUSD"),
    cash="7000",
    holdings={
        "XBTUSD": make_holding(make_share("2", "trend", "90"), make_share("1", "other", "70")),
        "ETHUSD": make_holding(make_share("6", MANUAL)),
    },
    pending={"SOLUSD": make_pending(make_share("3", "trend", "80"))},
    strategies={"trend": make_strategy(2), "other": make_strategy(6)},
    kill_switch=KillSwitch(active=True, reason="drill", since=START),
    protections=(PAUSE,),
    entries_today=4,
)


def test_the_accounts_risk() -> None:
    status = risk_status(CONTEXT, daily_drawdown_pct=Decimal("1.5"), drift=True, account_truth="3 s ago")
    assert (status.kill_switch_active, status.kill_switch_reason, status.kill_switch_since) == (
        True,
        "drill",
        START,
    )
    assert (status.daily_drawdown_pct, status.drift_flag, status.account_truth) == (
        Decimal("1.5"),
        True,
        "3 s ago",
    )
    assert status.total_exposure_pct == 12
    assert list(status.per_asset_exposure_pct) == ["ETH", "SOL", "XBT"]
    assert tuple(status.per_asset_exposure_pct.values()) == money(6, 3, 3)
    assert list(status.per_strategy_exposure_pct) == ["manual", "trend", "other"]
    assert tuple(status.per_strategy_exposure_pct.values()) == money(6, 5, 1)
    assert (status.loss_if_all_stops_hit_usd, status.open_risk_pct) == money("170", "1.7")
    assert status.without_stop == ("ETHUSD",)
    assert status.protections == (PAUSE,)


def test_an_empty_account_risks_nothing() -> None:
    status = risk_status(
        make_context(equity="0"), daily_drawdown_pct=Decimal(0), drift=False, account_truth=""
    )
    assert facts(status.open_risk_pct, status.total_exposure_pct, status.per_asset_exposure_pct) == (0, 0, {})


def state_of(key: str, settings: RiskSettings = SETTINGS) -> LimitState:
    (state,) = (s for s in limit_states(CONTEXT, settings, daily_drawdown_pct=Decimal(4)) if s.key == key)
    return state


@pytest.mark.parametrize(
    ("key", "value", "threshold", "subject"),
    [
        ("risk.max_risk_per_trade_pct", "0.6", "1", "SOLUSD"),
        ("risk.max_portfolio_risk_pct", "1.7", "10", ""),
        ("risk.max_open_positions", "3", "10", ""),
        ("risk.max_per_asset_pct", "6", "5", "ETH"),
        ("risk.max_daily_drawdown_pct", "4", "10", ""),
        ("risk.protections.max_entries_per_day", "4", "20", ""),
        ("strategies.configs.trend.max_positions", "2", "2", "trend"),
        ("strategies.configs.other.max_positions", "1", "6", "other"),
    ],
)
def test_of_each_limit_the_worst_is_shown(key: str, value: str, threshold: str, subject: str) -> None:
    state, (used, most) = state_of(key), money(value, threshold)
    assert (state.value, state.threshold, state.subject) == (used, most, subject)
    assert state.headroom == most - used
    assert state.used_share == pytest.approx(float(used / most))


def test_budgets_are_shown_where_there_are_any() -> None:
    settings = RiskSettings(max_per_strategy_pct={"trend": Decimal(10), "gone": Decimal(7)})
    assert state_of("risk.max_per_strategy_pct.trend", settings).value == 5
    gone = state_of("risk.max_per_strategy_pct.gone", settings)
    assert facts(gone.value, gone.threshold, gone.name) == (0, 7, "max_per_strategy_pct.gone")


@pytest.mark.parametrize(
    ("key", "threshold", "unit"),
    [
        ("risk.min_liquidity_24h_usd", "0", "USD"),
        ("risk.max_spread_bps", "100", "bps"),
        ("risk.max_price_deviation_pct", "5", "%"),
        ("execution.max_order_notional_usd", "25000", "USD"),
        ("execution.min_order_notional_usd", "20", "USD"),
        ("strategies.configs.trend.min_signal_confidence", "0.6", "confidence"),
        ("", "7000", "USD"),
    ],
)
def test_limits_of_single_orders_have_no_present_value(key: str, threshold: str, unit: str) -> None:
    state = state_of(key)
    assert (state.value, state.headroom, state.used_share) == (None, None, None)
    assert (state.threshold, state.unit) == (Decimal(threshold), unit)
    assert state.name


def test_the_least_liquidity_is_the_universes_unless_it_is_set() -> None:
    own = RiskSettings(min_liquidity_24h_usd=Decimal(777))
    assert state_of("risk.min_liquidity_24h_usd", own).threshold == 777


def test_a_limit_is_shown_though_nothing_uses_it() -> None:
    keys = [state.key for state in limit_states(make_context(), SETTINGS)]
    assert keys[:4] == [
        "risk.max_risk_per_trade_pct",
        "risk.max_portfolio_risk_pct",
        "risk.max_open_positions",
        "risk.max_per_asset_pct",
    ]
    assert len(set(keys)) == len(keys)


def test_no_limit_of_entries_is_shown_when_there_is_none() -> None:
    settings = RiskSettings(protections=ProtectionSettings(max_entries_per_day=0))
    assert "max_entries_per_day" not in {state.name for state in limit_states(CONTEXT, settings)}


def test_other_settings_would_be_broken() -> None:
    assert violations(CONTEXT, RiskSettings(max_per_asset_pct=Decimal(6))) == ()
    strict = RiskSettings(
        max_risk_per_trade_pct=Decimal("0.4"),
        max_portfolio_risk_pct=Decimal("1.69"),
        max_open_positions=2,
        max_per_asset_pct=Decimal("2.99"),
        max_per_strategy_pct={"trend": Decimal("4.99"), "other": Decimal(1)},
        max_daily_drawdown_pct=Decimal(3),
        protections=ProtectionSettings(max_entries_per_day=3),
    )
    assert violations(CONTEXT, strict, daily_drawdown_pct=Decimal("3.01")) == (
        "SOLUSD is at 0.60 %, above max_risk_per_trade_pct, 0.40 %",
        "XBTUSD is at 0.50 %, above max_risk_per_trade_pct, 0.40 %",
        "the account is at 1.70 %, above max_portfolio_risk_pct, 1.69 %",
        "the account is at 3 positions, above max_open_positions, 2 positions",
        "ETH is at 6.00 %, above max_per_asset_pct, 2.99 %",
        "SOL is at 3.00 %, above max_per_asset_pct, 2.99 %",
        "XBT is at 3.00 %, above max_per_asset_pct, 2.99 %",
        "trend is at 5.00 %, above max_per_strategy_pct.trend, 4.99 %",
        "the account is at 3.01 %, above max_daily_drawdown_pct, 3.00 %",
        "the account is at 4 entries, above max_entries_per_day, 3 entries",
    )


def test_what_is_nobodys_strategys_breaks_no_count_when_it_does_not_count() -> None:
    one = RiskSettings(max_open_positions=2, max_per_asset_pct=Decimal(6), include_manual_positions=False)
    assert violations(CONTEXT, one) == ()
