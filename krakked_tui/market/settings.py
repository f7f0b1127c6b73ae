"""Settings of the universe and of market data."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from krakked_tui.domain.money import ZERO


class UniverseSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pairs may be traded. Pairs are named canonically (``XBTUSD``)."""

    include_pairs: tuple[str, ...] = ()
    """Traded in addition, below the volume floor and in any asset class."""

    exclude_pairs: tuple[str, ...] = ()
    """Never traded; positions in them are still valued and can be closed. Wins over include_pairs."""

    min_24h_volume_usd: Decimal = Decimal(100_000)
    """Least traded value of the last 24 hours, in the quote asset; 0 or more."""

    asset_classes: tuple[str, ...] = ("currency",)
    """Kraken's classes of base assets that are traded."""

    def __post_init__(self) -> None:
        if not self.min_24h_volume_usd >= ZERO:
            raise ValueError(f"min_24h_volume_usd is {self.min_24h_volume_usd}: use 0 or more")


class CandleStoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where closed candles are kept, and how."""

    backend: Literal["parquet", "csv"] = "parquet"
    """Parquet partitions beside an SQLite tail, or the same as plain text to look at. One directory
    holds candles of one backend; the other one does not see them."""

    root_dir: str = ""
    """Directory that has one directory per exchange; empty: candles in the user's data directory."""

    recent_bars: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 512
    """Newest bars of each pair and timeframe in use that are kept in memory, 64 bytes each."""

    def __post_init__(self) -> None:
        if "\0" in self.root_dir:
            raise ValueError("root_dir is no path: it holds a NUL character")


class MarketDataSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How old prices may be, and how long a boundary waits for its last candles."""

    stale_tolerance_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0
    """Wall seconds a price stays fresh after its receipt."""

    quiet_tolerance_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 900.0
    """Wall seconds a price stays usable for valuation and exits while its stream lives in silence."""

    boundary_grace_seconds: Annotated[float, msgspec.Meta(ge=0, le=60)] = 2.0
    """Wall seconds a candle boundary waits for late updates when nothing newer has been heard."""

    ohlc_store: CandleStoreSettings = CandleStoreSettings()
    """Where closed candles are kept."""

    def __post_init__(self) -> None:
        if self.quiet_tolerance_seconds < self.stale_tolerance_seconds:
            raise ValueError(
                f"quiet_tolerance_seconds is {self.quiet_tolerance_seconds}:"
                f" use at least stale_tolerance_seconds, {self.stale_tolerance_seconds}"
            )
