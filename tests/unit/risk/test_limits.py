"""The registry of limits."""

from krakked_tui.risk.limits import CAPS, MINIMUMS, PERMISSIONS
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.risk.sizing import size_entry
from tests.unit.risk.builders import make_candidate, money


def test_limits_are_asked_in_a_fixed_order_and_each_under_its_own_name() -> None:
    entry = make_candidate(settings=RiskSettings(max_per_strategy_pct={"trend": money(5)[0]}))
    names = [limit(entry).limit for limit in PERMISSIONS] + [
        check.limit for check in size_entry(entry).checks
    ]
    assert names == [
        "kill_switch",
        "no_new_risk",
        "pair_blocked",
        "one_order",
        "long_only",
        "pair_status",
        "price_freshness",
        "min_liquidity_24h_usd",
        "max_spread_bps",
        "max_price_deviation_pct",
        "cooldown",
        "stop_guard",
        "low_profit",
        "consecutive_losses",
        "max_entries_per_day",
        "min_signal_confidence",
        "max_positions",
        "max_open_positions",
        "stop_distance",
        "take_profit",
        "max_risk_per_trade_pct",
        "max_portfolio_risk_pct",
        "max_per_asset_pct",
        "max_per_strategy_pct.trend",
        "max_order_notional_usd",
        "cash",
        "order_min",
        "cost_min",
        "min_order_notional_usd",
    ]
    assert len(names) == len(PERMISSIONS) + 2 + len(CAPS) + len(MINIMUMS)


def test_every_limit_is_named_like_its_function() -> None:
    entry = make_candidate()
    assert [limit(entry).limit for limit in PERMISSIONS] == [limit.__name__ for limit in PERMISSIONS]
