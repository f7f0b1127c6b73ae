"""Ready-made sets of limits, and settings as dotted keys."""

from decimal import Decimal

import msgspec

from krakked_tui.risk.settings import ProtectionSettings, RiskSettings

SettingValue = Decimal | int | bool

_NOT_PRESET = frozenset({"max_per_strategy_pct", "min_liquidity_24h_usd"})
"""What belongs to one's own strategies and universe: a preset leaves it as it is."""


class Preset(msgspec.Struct, frozen=True):
    """A set of limits by name; ``summary`` says for whom it is."""

    name: str
    summary: str
    settings: RiskSettings

    @property
    def changes(self) -> dict[str, SettingValue]:
        """Every setting it fills, by its dotted key in the configuration."""
        return settings_by_key(self.settings)


PRESETS: tuple[Preset, ...] = (
    Preset(
        "conservative",
        "Small positions, long pauses: to begin with, or for money that must not be lost.",
        RiskSettings(
            max_risk_per_trade_pct=Decimal("0.5"),
            max_portfolio_risk_pct=Decimal("3.0"),
            max_open_positions=5,
            max_per_asset_pct=Decimal("3.0"),
            max_daily_drawdown_pct=Decimal("3.0"),
            max_consecutive_order_errors=3,
            max_spread_bps=Decimal(50),
            max_price_deviation_pct=Decimal("2.0"),
            protections=ProtectionSettings(
                cooldown_minutes=240,
                stop_guard_count=2,
                stop_guard_pause_minutes=720,
                max_consecutive_losses=3,
                max_entries_per_day=8,
            ),
        ),
    ),
    Preset("balanced", "The defaults.", RiskSettings()),
    Preset(
        "aggressive",
        "Larger and more positions, short pauses: for what one can afford to lose.",
        RiskSettings(
            max_risk_per_trade_pct=Decimal("2.0"),
            max_portfolio_risk_pct=Decimal("20.0"),
            max_open_positions=20,
            max_per_asset_pct=Decimal("15.0"),
            max_daily_drawdown_pct=Decimal("20.0"),
            max_spread_bps=Decimal(200),
            max_price_deviation_pct=Decimal("10.0"),
            protections=ProtectionSettings(
                cooldown_minutes=15,
                stop_guard_count=5,
                stop_guard_pause_minutes=120,
                max_consecutive_losses=8,
                max_entries_per_day=60,
            ),
        ),
    ),
)


def settings_by_key(settings: RiskSettings) -> dict[str, SettingValue]:
    """Return settings by their dotted keys, ``risk.max_open_positions`` and the like.

    Without the budgets of single strategies and the least liquidity, which no preset fills.
    """
    found: dict[str, SettingValue] = {}
    for name in RiskSettings.__struct_fields__:
        if name not in _NOT_PRESET and name != "protections":
            found[f"risk.{name}"] = getattr(settings, name)
    for name in ProtectionSettings.__struct_fields__:
        found[f"risk.protections.{name}"] = getattr(settings.protections, name)
    return found


def toml_text(value: SettingValue) -> str:
    """Spell a setting as a TOML value; amounts keep their digits.

    >>> toml_text(Decimal("2.50")), toml_text(Decimal(100)), toml_text(10), toml_text(True)
    ('2.50', '100', '10', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
