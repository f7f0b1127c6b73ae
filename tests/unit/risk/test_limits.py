"""The registry of limits."""

from krakked_tui.risk.limits import CAPS, MINIMUMS, PERMISSIONS
from krakked_tui.risk.sizing import size_entry
from tests.unit.risk.builders import make_candidate


def test_limits_are_asked_in_a_fixed_order_and_each_under_its_own_name() -> None:
    entry = make_candidate()
    names = [limit(entry).limit for limit in PERMISSIONS] + [
        check.limit for check in size_entry(entry).checks
    ]
    assert names == [
        "kill_switch",
        "no_new_risk",
        "pair_blocked",
        "pair_status",
        "price_freshness",
        "min_signal_confidence",
        "one_holder",
        "max_positions",
        "max_open_positions",
        "stop_distance",
        "max_risk_per_trade_pct",
        "max_per_asset_pct",
        "max_order_notional_usd",
        "cash",
        "order_min",
        "cost_min",
        "min_order_notional_usd",
    ]
    assert len(names) == len(PERMISSIONS) + 1 + len(CAPS) + len(MINIMUMS)
