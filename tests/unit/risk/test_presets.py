"""Ready-made sets of limits."""

import tomllib
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.risk.presets import PRESETS, Preset, settings_by_key, toml_text
from krakked_tui.risk.settings import ProtectionSettings, RiskSettings


def settings_from(changes: dict[str, str]) -> RiskSettings:
    """Read changes as the configuration does."""
    text = "\n".join(f"{key} = {value}" for key, value in changes.items())
    return msgspec.convert(tomllib.loads(text, parse_float=Decimal)["risk"], RiskSettings)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_fills_every_limit_and_means_its_settings(preset: Preset) -> None:
    changes = preset.changes
    assert len(changes) == len(RiskSettings.__struct_fields__) - 3 + len(ProtectionSettings.__struct_fields__)
    assert settings_from({key: toml_text(value) for key, value in changes.items()}) == preset.settings
    assert preset.summary


def test_balanced_are_the_defaults() -> None:
    assert [preset.name for preset in PRESETS] == ["conservative", "balanced", "aggressive"]
    assert PRESETS[1].settings == RiskSettings()


@pytest.mark.parametrize(
    "key",
    [
        "risk.max_risk_per_trade_pct",
        "risk.max_portfolio_risk_pct",
        "risk.max_open_positions",
        "risk.max_per_asset_pct",
        "risk.max_daily_drawdown_pct",
        "risk.max_spread_bps",
        "risk.max_price_deviation_pct",
        "risk.protections.max_consecutive_losses",
        "risk.protections.max_entries_per_day",
        "risk.protections.stop_guard_count",
    ],
)
def test_each_preset_allows_more_than_the_one_before(key: str) -> None:
    values = [preset.changes[key] for preset in PRESETS]
    assert values == sorted(values)
    assert len(set(values)) == 3


def test_what_is_ones_own_is_left_as_it_is() -> None:
    own = RiskSettings(min_liquidity_24h_usd=Decimal(5), max_per_strategy_pct={"trend": Decimal(3)})
    assert settings_by_key(own) == settings_by_key(RiskSettings())


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (12, "12"), (Decimal("0.50"), "0.50"), (Decimal("1E+2"), "100")],
)
def test_values_are_spelled_as_toml(value: Decimal | int, text: str) -> None:
    assert toml_text(value) == text
