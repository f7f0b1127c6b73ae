"""Settings of the universe and of market data."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from krakked_tui.domain.candles import Timeframe
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


class FeedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The live feed: how old prices may be, how deep books are, how connections are looked after."""

    stale_tolerance_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0
    """Wall seconds a price stays fresh after its receipt."""

    quiet_tolerance_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 900.0
    """Wall seconds a price stays usable for valuation and exits while its stream lives in silence."""

    book_depth: Annotated[int, msgspec.Meta(ge=10, le=1000)] = 10
    """Levels of an order book, each side; subscribed to is the next of 10, 25, 100, 500 and 1000."""

    batch_size: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100
    """Symbols in one request to subscribe."""

    ping_seconds: Annotated[float, msgspec.Meta(ge=1, le=30)] = 5.0
    """Wall seconds of silence after which a connection is asked whether it lives."""

    def __post_init__(self) -> None:
        if self.quiet_tolerance_seconds < self.stale_tolerance_seconds:
            raise ValueError(
                f"quiet_tolerance_seconds is {self.quiet_tolerance_seconds}:"
                f" use at least stale_tolerance_seconds, {self.stale_tolerance_seconds}"
            )


Wait = Annotated[float, msgspec.Meta(ge=0, le=3600)]


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How candles are closed at their boundaries, and read from the exchange where the feed had a gap."""

    timeframes: tuple[Timeframe, ...] = (Timeframe.M15,)
    """Candles kept of every pair, besides those the strategies use."""

    history_bars: Annotated[int, msgspec.Meta(ge=1, le=720)] = 720
    """Candles asked for where the store has too few; the exchange serves the latest 720 at most."""

    boundary_grace_seconds: Annotated[float, msgspec.Meta(ge=0, le=60)] = 2.0
    """Wall seconds a candle boundary waits for late updates when nothing newer has been heard."""

    max_retries: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    """Tries for a pair before it is left for the next round."""

    retry_wait_seconds: Annotated[tuple[Wait, ...], msgspec.Meta(min_length=1)] = (2.0, 10.0)
    """Wall seconds before the second try, the third and so on; the last one goes for all later ones."""

    rate_limit_wait_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0
    """Wall seconds everything waits when the exchange says that it is asked too often."""

    breaker_failures: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    """Pairs that fail one after the other until all reading of candles pauses."""

    breaker_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 300.0
    """Wall seconds that this pause lasts."""

    batch_size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    """Pairs whose candles are read together, stored in one transaction, and reported in one line."""

    def __post_init__(self) -> None:
        if Timeframe.H12 in self.timeframes:
            raise ValueError("the exchange serves no 12h candles: use 4h, which 12h is put together from")


class MarketDataSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[market_data]``: live prices, and candles."""

    ws: FeedSettings = FeedSettings()
    """The live feed."""

    ohlc_store: CandleStoreSettings = CandleStoreSettings()
    """Where closed candles are kept."""

    ingest: IngestSettings = IngestSettings()
    """How candles come into the store."""
