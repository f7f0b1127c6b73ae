"""Bounds of the risk settings."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.risk.settings import ProtectionSettings, RiskSettings

PERCENTAGES = [
    "max_risk_per_trade_pct",
    "max_portfolio_risk_pct",
    "max_per_asset_pct",
    "max_daily_drawdown_pct",
    "max_price_deviation_pct",
]


@pytest.mark.parametrize("name", PERCENTAGES)
@pytest.mark.parametrize(
    ("value", "right"), [(0, False), (0.01, True), (100, True), (100.01, False), (-1, False)]
)
def test_percentages_are_above_zero_and_at_most_a_hundred(name: str, value: float, right: bool) -> None:
    if right:
        assert str(getattr(msgspec.convert({name: value}, RiskSettings), name)) == str(value)
    else:
        with pytest.raises(msgspec.ValidationError, match=rf"{name} is .*: use more than 0 and at most 100"):
            msgspec.convert({name: value}, RiskSettings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_open_positions": 0},
        {"max_open_positions": 2.5},
        {"max_opens": 3},
        {"max_spread_bps": 0},
        {"max_spread_bps": 10_001},
        {"min_liquidity_24h_usd": -1},
        {"max_per_strategy_pct": {"trend": 0}},
        {"max_per_strategy_pct": {"trend": 101}},
        {"protections": {"cooldown_minutes": -1}},
        {"protections": {"low_profit_pct": -0.1}},
        {"protections": {"low_profit_pct": 101}},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, RiskSettings)


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("name", [*PERCENTAGES, "max_spread_bps", "min_liquidity_24h_usd"])
def test_what_is_no_number_is_refused(name: str, number: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is "):
        RiskSettings(**{name: Decimal(number)})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"max_per_strategy_pct\.trend is "):
        RiskSettings(max_per_strategy_pct={"trend": Decimal(number)})
    with pytest.raises(ValueError, match="low_profit_pct is "):
        ProtectionSettings(low_profit_pct=Decimal(number))


def test_the_edges_are_allowed() -> None:
    edges = RiskSettings(
        max_spread_bps=Decimal(10_000),
        min_liquidity_24h_usd=Decimal(0),
        max_per_strategy_pct={"trend": Decimal(100)},
        protections=ProtectionSettings(low_profit_pct=Decimal(100), cooldown_minutes=0),
    )
    assert edges.protections.low_profit_pct == 100
