"""How far a price, and the feed as a whole, can be trusted. Ages are wall seconds from receipt."""

from collections.abc import Iterable
from enum import StrEnum

from krakked_tui.domain.candles import Quote
from krakked_tui.market.settings import MarketDataSettings


class Freshness(StrEnum):
    """How far the price of a pair can be trusted."""

    FRESH = "fresh"
    """Good for everything."""
    QUIET = "quiet"
    """Nothing new on a live stream: good for valuation and exits, not for an entry."""
    STALE = "stale"
    """Too old: exits only."""
    NEVER = "never"
    """Has not arrived yet."""


class FeedState(StrEnum):
    """State of the market data as a whole."""

    STARTING = "starting"
    LIVE = "live"
    STALE = "stale"
    DOWN = "down"


def freshness_of(
    quote: Quote | None, monotonic: float, settings: MarketDataSettings, *, connected: bool
) -> Freshness:
    """Judge one pair's price at wall instant ``monotonic``; a tolerance reached exactly still holds.

    ``connected`` says that the stream the quote comes from is open and acknowledged: only then can
    silence mean that nothing happened.
    """
    if quote is None:
        return Freshness.NEVER
    age = monotonic - quote.received
    if age <= settings.stale_tolerance_seconds:
        return Freshness.FRESH
    if connected and age <= settings.quiet_tolerance_seconds:
        return Freshness.QUIET
    return Freshness.STALE


def feed_state(pairs: Iterable[Freshness], *, connected: bool) -> FeedState:
    """Judge the feed by all its pairs: it lives when it is connected and one of them is fresh.

    All pairs silent at once on an open connection is a dead feed, not a quiet market.
    """
    seen = set(pairs)
    if seen <= {Freshness.NEVER}:
        return FeedState.STARTING
    if not connected:
        return FeedState.DOWN
    return FeedState.LIVE if Freshness.FRESH in seen else FeedState.STALE
