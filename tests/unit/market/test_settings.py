"""Bounds of the settings."""

import msgspec
import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.market.settings import (
    FeedSettings,
    IngestSettings,
    MarketDataSettings,
    UniverseSettings,
)


def test_the_volume_floor_may_be_zero_but_not_less() -> None:
    assert msgspec.convert({"min_24h_volume_usd": 0}, UniverseSettings).min_24h_volume_usd == 0
    with pytest.raises(msgspec.ValidationError, match=r"min_24h_volume_usd is -0\.5: use 0 or more"):
        msgspec.convert({"min_24h_volume_usd": -0.5}, UniverseSettings)


def test_quiet_cannot_end_before_fresh() -> None:
    FeedSettings(stale_tolerance_seconds=60, quiet_tolerance_seconds=60)
    with pytest.raises(ValueError, match="use at least stale_tolerance_seconds"):
        FeedSettings(stale_tolerance_seconds=60, quiet_tolerance_seconds=59)


def test_candles_that_the_exchange_lacks_cannot_be_ingested() -> None:
    with pytest.raises(ValueError, match="use 4h"):
        IngestSettings(timeframes=(Timeframe.M15, Timeframe.H12))


@pytest.mark.parametrize(
    "wrong",
    [
        {"ws": {"stale_tolerance_seconds": 0}},
        {"ingest": {"boundary_grace_seconds": -1}},
        {"stale_tolerance_seconds": 60},
        {"ingest": {"retry_wait_seconds": []}},
    ],
)
def test_wrong_market_data_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, MarketDataSettings)
