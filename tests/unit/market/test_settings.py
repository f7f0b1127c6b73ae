"""Bounds of the settings."""

import msgspec
import pytest

from krakked_tui.market.settings import MarketDataSettings, UniverseSettings


def test_the_volume_floor_may_be_zero_but_not_less() -> None:
    assert msgspec.convert({"min_24h_volume_usd": 0}, UniverseSettings).min_24h_volume_usd == 0
    with pytest.raises(msgspec.ValidationError, match=r"min_24h_volume_usd is -0\.5: use 0 or more"):
        msgspec.convert({"min_24h_volume_usd": -0.5}, UniverseSettings)


def test_quiet_cannot_end_before_fresh() -> None:
    MarketDataSettings(stale_tolerance_seconds=60, quiet_tolerance_seconds=60)
    with pytest.raises(ValueError, match="use at least stale_tolerance_seconds"):
        MarketDataSettings(stale_tolerance_seconds=60, quiet_tolerance_seconds=59)


@pytest.mark.parametrize(
    "wrong", [{"stale_tolerance_seconds": 0}, {"boundary_grace_seconds": -1}, {"stale_tolerance": 60}]
)
def test_wrong_market_data_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, MarketDataSettings)
