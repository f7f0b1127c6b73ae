"""Every key: what it takes and what it refuses, from the types that declare it."""

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec import inspect

from krakked_tui.config.load import Layer, build
from krakked_tui.config.problems import InvalidConfigError
from krakked_tui.config.values import BadValueError, allowed, choices, read_value
from krakked_tui.domain.candles import Timeframe
from tests.unit.config.keys import STRATEGY, bare, keys, nested

AMOUNTS: dict[str, tuple[list[str], list[str]]] = {
    "universe.min_24h_volume_usd": (["0", "0.01", "1e9"], ["-0.01"]),
    "portfolio.reconciliation_tolerance": (["0", "0.01"], ["-0.01"]),
    "portfolio.external_activity_pct": (["0", "100"], ["-0.01", "100.01"]),
    "risk.max_risk_per_trade_pct": (["0.01", "100"], ["0", "-1", "100.01"]),
    "risk.max_per_asset_pct": (["0.01", "100"], ["0", "-1", "100.01"]),
    "risk.max_portfolio_risk_pct": (["0.01", "100"], ["0", "-1", "100.01"]),
    "risk.max_per_strategy_pct.trend_following_v1": (["0.01", "100"], ["0", "-1", "100.01"]),
    "risk.min_liquidity_24h_usd": (["0", "1e9"], ["-0.01"]),
    "risk.max_spread_bps": (["0.01", "10000"], ["0", "-1", "10000.01"]),
    "risk.max_price_deviation_pct": (["0.01", "100"], ["0", "-1", "100.01"]),
    "risk.protections.low_profit_pct": (["0", "100"], ["-0.01", "100.01"]),
    "risk.max_daily_drawdown_pct": (["0.01", "100"], ["0", "-1", "100.01"]),
    "execution.max_slippage_bps": (["0.01", "1000"], ["0", "-1", "1000.01"]),
    "execution.min_order_notional_usd": (["0", "25000"], ["-0.01", "25000.01"]),
    "execution.max_order_notional_usd": (["0", "1e9"], ["-0.01"]),
    "execution.paper.fee_volume_usd": (["0", "1e12"], ["-0.01", "1000000000000.01"]),
    "execution.paper.starting_balances.USD": (["0.01", "1e12"], ["0", "-1", "1000000000000.01", "1e-11"]),
    "simulation.volume_30d_usd": (["0", "1e9"], ["-0.01"]),
    "simulation.slippage_bps": (["0", "1000"], ["-0.01", "1000.01"]),
    f"{STRATEGY}.min_signal_confidence": (["0", "1"], ["-0.01", "1.01"]),
    f"{STRATEGY}.weight": (["0.01", "100"], ["0", "-1", "100.01"]),
    f"{STRATEGY}.per_trade_target_r_multiple": (["0.01", "100"], ["0", "-1", "100.01"]),
    f"{STRATEGY}.trailing_stop_pct": (["0.01", "99.99"], ["0", "-1", "100"]),
    f"{STRATEGY}.universe_filter.min_liquidity_24h_usd": (["0", "1e9"], ["-0.01"]),
}
"""Bounds of amounts are checked where their section is built; here they stand a second time."""

TEXTS: dict[str, tuple[list[str], list[str]]] = {
    "portfolio.valuation_pairs.USDT": (["USDTUSD"], ["", "usdtusd", "USDT/USD", "ABC"]),
    "portfolio.strategy_tags.4711": (["trend_following_v1"], ["", "Trend", "x"]),
    "portfolio.base_currency": (["USD"], ["usd", "U", "ABCDEFGHIJK", "EUR"]),
    "connection.rest_url": (["https://api.kraken.com", "http://127.0.0.1:1"], ["http://api.kraken.com", "x"]),
    "connection.ws_public_url": (["wss://ws.kraken.com/v2", "ws://[::1]:1/v2"], ["wss://kraken.com.example"]),
    "connection.ws_private_url": (["wss://ws-auth.kraken.com/v2"], ["https://ws-auth.kraken.com", ""]),
    "ui.timezone": (["UTC", "Europe/Berlin"], ["Mars/Base", "", "../etc/passwd"]),
    "api.socket": (["", "/tmp/a.sock"], []),
    "api.host": (["127.0.0.1", "0.0.0.0", "::1"], []),
    "api.base_path": (["/", "/krakked"], ["", "krakked", "/a b"]),
    "market_data.ohlc_store.root_dir": (["", "~/candles", "/var/lib/krakked"], ["a\0b"]),
    "alerts.quiet_hours": (["", "23:00-07:00"], ["23:00", "23:00-24:00", "night"]),
    "backup.time_utc": (["00:00", "23:59"], ["24:00", "3:00", "", "03:00\n"]),
    f"{STRATEGY}.type": (["trend_following"], ["", "nope"]),
    f"{STRATEGY}.tag": (["", "abc", "a1b"], ["ab", "abcd", "ABC", "man"]),
    "strategies.configs.dca_rebalance_v1.params.targets": (
        ["XBTUSD:1", "XBT/USD: 1.5, ETH/USD: 2"],
        ["", "XBTUSD", "XBTUSD: 0", "XBTUSD: 1, XBTUSD: 1"],
    ),
}

MEAN = "strategies.configs.mean_reversion_v1.params"
MOMENTUM = "strategies.configs.momentum_rotation_v1.params"

SPOT_ONLY = ("region.supports_margin", "region.supports_futures", "region.supports_staking")

COMPANIONS: dict[str, dict[str, Any]] = {
    "market_data.ws.stale_tolerance_seconds": {"market_data.ws.quiet_tolerance_seconds": 86_400},
    "market_data.ws.quiet_tolerance_seconds": {"market_data.ws.stale_tolerance_seconds": 1e-9},
    "portfolio.max_truth_age_seconds": {"scheduler.portfolio_sync_seconds": 1e-9},
    "scheduler.portfolio_sync_seconds": {"portfolio.max_truth_age_seconds": 86_400},
    "execution.order_ttl_seconds": {"execution.exit_escalation_seconds": 1e-9},
    "execution.exit_escalation_seconds": {"execution.order_ttl_seconds": 604_800},
    "execution.max_order_notional_usd": {"execution.min_order_notional_usd": 0},
    "risk.max_risk_per_trade_pct": {"risk.max_per_asset_pct": 100, "risk.max_portfolio_risk_pct": 100},
    "risk.max_per_asset_pct": {"risk.max_risk_per_trade_pct": Decimal("0.0001")},
    "risk.max_portfolio_risk_pct": {"risk.max_risk_per_trade_pct": Decimal("0.0001")},
    "risk.protections.stop_guard_window_minutes": {"risk.protections.stop_guard_count": 0},
    "risk.protections.stop_guard_pause_minutes": {"risk.protections.stop_guard_count": 0},
    "connection.tier": {"connection.rest_url": "http://127.0.0.1:1"},
    f"{STRATEGY}.params.ma_fast": {f"{STRATEGY}.params.ma_slow": 500},
    f"{STRATEGY}.params.ma_slow": {f"{STRATEGY}.params.ma_fast": 1},
    f"{MEAN}.enter_below": {f"{MEAN}.exit_above": 10.0},
    f"{MEAN}.exit_above": {f"{MEAN}.enter_below": -10.0},
    f"{MEAN}.rsi_enter_below": {f"{MEAN}.rsi_exit_above": 100.0},
    f"{MEAN}.rsi_exit_above": {f"{MEAN}.rsi_enter_below": 0.0},
    "strategies.configs.breakout_v1.params.entry_bars": {
        "strategies.configs.breakout_v1.params.exit_bars": 1
    },
    "strategies.configs.breakout_v1.params.exit_bars": {
        "strategies.configs.breakout_v1.params.entry_bars": 500
    },
    f"{MOMENTUM}.top_n": {f"{MOMENTUM}.keep_to": 1000},
    f"{MOMENTUM}.keep_to": {f"{MOMENTUM}.top_n": 1},
}
"""What else must be set so that a value at its bound contradicts nothing."""


def _cases() -> Iterator[tuple[str, Any, bool]]:
    """Yield key, value, and whether the key takes it."""
    for key, kind in keys():
        for value, good in _values(key, kind):
            yield key, value, good


def _values(key: str, kind: Any) -> Iterator[tuple[Any, bool]]:
    info = bare(kind)
    yield {}, False
    match info:
        case inspect.BoolType():
            yield from ((False, True), (True, key not in SPOT_ONLY), (1, False), ("true", False))
        case inspect.IntType() | inspect.FloatType():
            yield from (
                ("5", False),
                (True, False),
                ([5], False),
                (Decimal("nan"), False),
                (Decimal("inf"), False),
            )
            yield from _around(info)
        case inspect.DecimalType():
            yield from (("5", False), (True, False), (Decimal("nan"), False), (Decimal("-inf"), False))
            yield from ((Decimal("1e999999"), False), (Decimal("1e-999"), False), (10**4000, False))
            good, bad = AMOUNTS[key]
            yield from ((Decimal(text), True) for text in good)
            yield from ((Decimal(text), False) for text in bad)
        case inspect.StrType():
            yield from ((5, False), (["x"], False))
            good, bad = TEXTS[key]
            yield from ((text, True) for text in good)
            yield from ((text, False) for text in bad)
        case inspect.EnumType() | inspect.LiteralType():
            yield from ((choice, True) for choice in choices(kind))
            yield from (("no such choice", False), (5, False), ("", False), ([choices(kind)[0]], False))
        case inspect.VarTupleType(item_type=inspect.FloatType() | inspect.Metadata(type=inspect.FloatType())):
            yield from (([5], True), ([1, 2.5, 3], True), ([-1], False), (["x"], False), ([], False))
        case inspect.VarTupleType():
            yield from (("x", False), ([5], False), (5, False), ([["x"]], False))
        case _:
            pytest.fail(f"{key} has a type that is not tested: {info}")


def _around(info: inspect.IntType | inspect.FloatType) -> Iterator[tuple[Any, bool]]:
    whole = isinstance(info, inspect.IntType)
    if whole:
        yield from ((Decimal("5.5"), False), (10**30, False))

    def near(bound: float, towards: float) -> Any:
        return int(bound + math.copysign(1, towards)) if whole else bound + math.copysign(1e-6, towards)

    for bound, inside, takes in ((info.ge, math.inf, True), (info.gt, math.inf, False),
                                 (info.le, -math.inf, True), (info.lt, -math.inf, False)):  # fmt: skip
        if bound is not None:
            yield int(bound) if whole else bound, takes
            yield near(bound, -inside), False
            yield near(bound, inside), near(bound, inside) <= 2**63 - 1


@pytest.mark.parametrize("key", [key for key, _ in keys()])
def test_a_key_takes_what_it_declares_and_nothing_else(key: str) -> None:
    for value, good in _values(key, dict(keys())[key]):
        layer = Layer("my.toml", nested({**COMPANIONS.get(key, {}), key: value}))
        if good:
            build([layer])
            continue
        with pytest.raises(InvalidConfigError) as caught:
            pytest.fail(f"{key} took {value!r}: {build([layer])}")
        assert key in {problem.key for problem in caught.value.findings}, value
        assert all(len(str(problem)) < 500 for problem in caught.value.findings)


def test_every_key_with_bounds_or_choices_has_both_good_and_bad_cases() -> None:
    good = {key for key, _, takes in _cases() if takes}
    bad = {key for key, _, takes in _cases() if not takes}
    every = {key for key, _ in keys()}
    lists = {key for key, kind in keys() if isinstance(bare(kind), inspect.VarTupleType)}
    assert good >= every - lists
    assert bad == every


@pytest.mark.parametrize("key", AMOUNTS)
def test_what_an_amount_may_be_is_told_for_a_wrong_type_too(key: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        build([Layer("a", nested({key: "much"}))])
    (problem,) = caught.value.findings
    assert 'is "much": must be a number (' in problem.text
    assert "0" in problem.text


def test_a_choice_that_is_nearly_right_is_named() -> None:
    with pytest.raises(BadValueError, match='did you mean "15m"'):
        read_value("15min", Timeframe)
    with pytest.raises(BadValueError, match=r'holds "15min": each item must be .*did you mean "15m"'):
        read_value(["1h", "15min"], tuple[Timeframe, ...])


def test_an_empty_list_where_something_is_needed_is_refused() -> None:
    with pytest.raises(InvalidConfigError, match="is a list of 0: must be a list that is not empty"):
        build([Layer("a", nested({f"{STRATEGY}.timeframes": []}))])


def test_every_key_can_say_what_it_takes() -> None:
    for key, kind in keys():
        assert allowed(kind), key
        assert "<" not in allowed(kind), key


def test_floats_become_money_by_their_digits() -> None:
    assert read_value(0.1, Decimal) == Decimal("0.1")


@pytest.mark.parametrize(
    ("value", "says"),
    [("yes", "; write true"), ("On", "; write true"), (1, "; write true"), ("True", "; write true"),
     ("off", "; write false"), (0, "; write false"), ("perhaps", "true or false"), (2, "true or false")],
)  # fmt: skip
def test_another_word_for_yes_or_no_gets_the_right_one(value: object, says: str) -> None:
    with pytest.raises(BadValueError) as caught:
        read_value(value, bool)
    assert str(caught.value).endswith(says)
