"""Contradictions among sections, and what is allowed but unwise."""

from typing import Any

import pytest

from krakked_tui.config.load import Layer, load
from krakked_tui.config.problems import InvalidConfigError
from krakked_tui.config.rules import CANDLES_REACHABLE, WITHOUT_EFFECT
from tests.unit.config.keys import STRATEGY, keys, nested

MINE = "strategies.configs.mine"
OWN = {f"{MINE}.type": "trend_following", f"{MINE}.timeframes": ["1h"]}


def _told(flat: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidConfigError) as caught:
        load([Layer("my.toml", nested(flat))], {})
    return list(caught.value.problems)


def _warnings(flat: dict[str, Any]) -> tuple[str, ...]:
    return load([Layer("my.toml", nested(flat))], {}).warnings


@pytest.mark.parametrize(
    ("bad", "good", "text"),
    [
        ({"strategies.enabled": ["trend_folowing_v1"]}, {"strategies.enabled": ["trend_following_v1"]},
         'strategies.enabled names "trend_folowing_v1", which is not configured; did you mean'),
        ({"strategies.enabled": ["trend_following_v1"] * 2}, {"strategies.enabled": []},
         'strategies.enabled names "trend_following_v1" 2 times'),
        ({**OWN, f"{MINE}.tag": "tfv"}, OWN, f'{MINE}.tag is "tfv", which trend_following_v1 has too'),
        ({**OWN, f"{MINE}.tag": "net"}, OWN, f'{MINE}.tag is "net", which is reserved'),
        ({f"{STRATEGY}.timeframes": ["1h", "12h"]}, {f"{STRATEGY}.timeframes": ["1h", "1d"]},
         f'{STRATEGY}.timeframes holds "12h", which Kraken does not serve'),
        ({"portfolio.base_currency": "EUR"}, {"portfolio.base_currency": "USD"},
         'portfolio.base_currency is "EUR": must be region.default_quote, "USD"'),
        ({"scheduler.portfolio_sync_seconds": 300.1}, {"scheduler.portfolio_sync_seconds": 300},
         "portfolio.max_truth_age_seconds is 300: use at least scheduler.portfolio_sync_seconds, 300.1"),
        ({"execution.order_ttl_seconds": 30}, {"execution.order_ttl_seconds": 30.1},
         "execution.order_ttl_seconds is 30: use more than execution.exit_escalation_seconds, 30"),
        ({"api.host": "0.0.0.0", "api.auth.enabled": False}, {"api.host": "::1", "api.auth.enabled": False},
         "api.host is '0.0.0.0' while auth.enabled is false"),
        ({"api.host": "example.com", "api.auth.enabled": False}, {"api.host": "example.com"},
         "api.host is 'example.com' while auth.enabled is false"),
        ({"risk.max_risk_per_trade_pct": 6}, {"risk.max_risk_per_trade_pct": 5},
         "risk.max_risk_per_trade_pct is 6: use at most risk.max_per_asset_pct, 5"),
        ({"risk.max_portfolio_risk_pct": 0.9}, {"risk.max_portfolio_risk_pct": 1},
         "risk.max_risk_per_trade_pct is 1.0: use at most risk.max_portfolio_risk_pct, 0.9"),
        ({"risk.max_per_strategy_pct": {"breakot_v1": 20}},
         {"risk.max_per_strategy_pct": {"breakout_v1": 20}},
         'risk.max_per_strategy_pct.breakot_v1 is for no strategy that is configured; did you mean'),
        ({f"{STRATEGY}.userref": 7, "strategies.configs.breakout_v1.userref": 7},
         {f"{STRATEGY}.userref": 7, "strategies.configs.breakout_v1.userref": 8},
         "strategies.configs.breakout_v1.userref is 7, which stands for trend_following_v1"),
        ({f"{STRATEGY}.userref": 7, "portfolio.strategy_tags": {"7": "breakout_v1"}},
         {f"{STRATEGY}.userref": 7, "portfolio.strategy_tags": {"7": "trend_following_v1"}},
         f"{STRATEGY}.userref is 7, which stands for breakout_v1"),
        ({"risk.protections.stop_guard_window_minutes": 0},
         {"risk.protections.stop_guard_window_minutes": 0, "risk.protections.stop_guard_count": 0},
         "risk.protections.stop_guard_count is 3, but stop_guard_window_minutes or stop_guard_pause"),
        ({"risk.protections.low_profit_pct": 1, "risk.protections.low_profit_pause_minutes": 0},
         {"risk.protections.low_profit_pct": 1},
         "risk.protections.low_profit_pct is 1, but low_profit_window_minutes or low_profit_pause_minutes"),
    ],
)  # fmt: skip
def test_contradictions_are_errors(bad: dict[str, Any], good: dict[str, Any], text: str) -> None:
    (problem,) = _told(bad)
    assert problem.startswith(f"my.toml: {text}")
    load([Layer("my.toml", nested(good))], {})


def test_a_contradiction_is_not_told_of_a_value_that_is_wrong_by_itself() -> None:
    (problem,) = _told({"risk.max_per_asset_pct": "x", "risk.max_risk_per_trade_pct": 6})
    assert "must be a number" in problem


@pytest.mark.parametrize(
    ("unwise", "wise", "text"),
    [
        ({f"{STRATEGY}.max_positions": 11}, {f"{STRATEGY}.max_positions": 10},
         f"{STRATEGY}.max_positions is 11, but risk.max_open_positions allows 10 in all"),
        ({"risk.max_open_positions": 5}, {"risk.max_open_positions": 6},
         f"{STRATEGY}.max_positions is 6, but risk.max_open_positions allows 5 in all"),
        ({f"{STRATEGY}.params": {"average": "ema", "ma_slow": 58}},
         {f"{STRATEGY}.params": {"average": "ema", "ma_slow": 57}},
         f"{STRATEGY} needs 727 candles of 1h, 4h before it acts, but Kraken gives at most"),
        ({f"{STRATEGY}.universe_filter.min_history_bars": 721},
         {f"{STRATEGY}.universe_filter.min_history_bars": 720},
         f"{STRATEGY} needs 721 candles of 1h, 4h before it acts, but Kraken gives at most"),
        ({"risk.kill_switch_on_drift": False}, {}, "risk.kill_switch_on_drift is false: balances that"),
        ({"strategies.enabled": []}, {}, "strategies.enabled is empty"),
        ({"risk.max_daily_drawdown_pct": 51}, {"risk.max_daily_drawdown_pct": 50},
         "risk.max_daily_drawdown_pct is 51: more than 50 is unwise"),
        ({"execution.max_slippage_bps": 301}, {"execution.max_slippage_bps": 300},
         "execution.max_slippage_bps is 301: more than 300 is unwise"),
        ({"universe.include_pairs": ["A"], "universe.exclude_pairs": ["A"]},
         {"universe.include_pairs": ["A"], "universe.exclude_pairs": ["B"]},
         'universe.include_pairs names "A", which exclude_pairs leaves out'),
        ({"universe.asset_classes": []}, {"universe.asset_classes": [], "universe.include_pairs": ["A"]},
         "universe.asset_classes is empty and include_pairs too: there is nothing to trade"),
        ({"execution.allow_withdraw_key": True}, {"execution.allow_withdraw_key": False},
         "execution.allow_withdraw_key is true: whoever gets hold"),
        ({"execution.paper.starting_balances": {"XBT": 1}}, {"execution.paper.starting_balances": {"usd": 1}},
         "execution.paper.starting_balances holds no USD: a new paper account can buy nothing"),
        ({"connection.allow_other_host": True}, {}, "connection.allow_other_host is true"),
    ],
)  # fmt: skip
def test_what_is_unwise_is_a_warning(unwise: dict[str, Any], wise: dict[str, Any], text: str) -> None:
    assert CANDLES_REACHABLE == 720
    (warning,) = _warnings(unwise)
    assert warning.startswith(f"my.toml: {text}")
    assert _warnings(wise) == ()


def test_live_mode_is_no_error_but_says_what_is_missing() -> None:
    locked = _warnings({"execution.mode": "live"})
    assert any("refuses while execution.allow_live is false" in warning for warning in locked)
    (warning,) = _warnings({"execution.mode": "live", "execution.allow_live": True})
    assert "neither a dead-man switch nor stops at the exchange" in warning
    assert _warnings({"execution.mode": "dry_run"}) == ()


PLANNED: dict[str, Any] = {
    "api.enabled": True, "api.socket": "/x", "api.host": "::1", "api.port": 1, "api.base_path": "/x",
    "api.read_only": True, "api.auth.enabled": False, "alerts.min_level": "ERROR", "alerts.dedup_minutes": 1,
    "alerts.quiet_hours": "23:00-07:00", "alerts.heartbeat_seconds": 10, "logging.max_mb": 1,
    "logging.keep_days": 1, "backup.time_utc": "04:00", "backup.keep": 1, "simulation.seed": 1,
    "simulation.volume_30d_usd": 1, "simulation.slippage_bps": 1,
}  # fmt: skip


def test_everything_without_effect_is_in_the_schema_and_warns_once_when_it_is_set() -> None:
    known = [key for key, _ in keys()]
    covered = {key for key in known for entry in WITHOUT_EFFECT if f"{key}.".startswith(f"{entry}.")}
    assert covered == set(PLANNED)
    for entry in WITHOUT_EFFECT:
        assert any(f"{key}.".startswith(f"{entry}.") for key in known), entry
    for key, value in PLANNED.items():
        assert _warnings({key: value}) == (f"my.toml: {key} has no effect in this version",)


def test_a_planned_setting_at_its_default_gives_no_warning() -> None:
    assert _warnings({"backup.keep": 7, "simulation.slippage_bps": 5}) == ()
