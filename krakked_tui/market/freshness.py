"""How far a price, and the feed as a whole, can be trusted. Ages are wall seconds from receipt."""

from enum import StrEnum

from krakked_tui.domain.candles import Quote
from krakked_tui.market.settings import FeedSettings


class Freshness(StrEnum):
    """How far the price of a pair can be trusted."""

    FRESH = "fresh"
    """Good for everything."""
    CHECKED = "checked"
    """Nothing new on a live stream, and a separate request confirmed it lately: good for everything."""
    QUIET = "quiet"
    """Nothing new on a live stream: good for valuation and exits, not for an entry."""
    STALE = "stale"
    """Too old: exits only."""
    NEVER = "never"
    """Has not arrived yet."""


GOOD_FOR_ENTRIES = frozenset({Freshness.FRESH, Freshness.CHECKED})
"""What the price of a pair must be for anything to be bought at it."""
GOOD_FOR_VALUATION = GOOD_FOR_ENTRIES | {Freshness.QUIET}
"""What it must be for a value to count as live."""


class FeedState(StrEnum):
    """State of the market data as a whole."""

    STARTING = "starting"
    """No price yet."""
    LIVE = "live"
    """The stream brings prices. Only now may new risk be taken."""
    POLLING = "polling"
    """The stream brings none; prices are asked for: good for valuation, stops and exits."""
    STALE = "stale"
    """The stream is open and brings none."""
    DOWN = "down"
    """The stream is not open."""


def freshness_of(
    quote: Quote | None, monotonic: float, settings: FeedSettings, *, live: bool,
    checked: float | None = None,
) -> Freshness:  # fmt: skip
    """Judge one pair's price at wall instant ``monotonic``; a tolerance reached exactly still holds.

    ``live`` says that the feed as a whole is ``FeedState.LIVE``: only then can the silence of one pair
    mean that nothing happened. ``checked`` is the wall instant at which a separate request confirmed this
    price, None when none has.
    """
    if quote is None:
        return Freshness.NEVER
    age, tolerance = monotonic - quote.received, settings.stale_tolerance_seconds
    if age <= tolerance:
        return Freshness.FRESH
    if not live or age > settings.quiet_tolerance_seconds:
        return Freshness.STALE
    confirmed = checked is not None and monotonic - checked <= tolerance
    return Freshness.CHECKED if confirmed else Freshness.QUIET


class Substitute(StrEnum):
    """What takes the place of a stream that brings no prices."""

    NONE = "none"
    """Nothing needs to: the stream brings prices, as far as is known."""
    POLLED = "polled"
    """Prices are asked for."""
    FAILING = "failing"
    """They are, and the requests fail."""


def feed_state(
    proven_age: float | None, settings: FeedSettings, *, priced: bool, connected: bool,
    substitute: Substitute,
) -> FeedState:  # fmt: skip
    """Judge the feed as a whole: it lives when it is connected and lately proved to bring what happens.

    ``proven_age`` is the age of the newest price of the stream, of whatever pair, or of the last request
    that showed that nothing traded of which the stream did not tell; None without either. Heartbeats and
    candles prove nothing: all pairs silent at once on an open connection is a dead feed until somebody
    has asked whether the market is calm. ``priced`` says whether there is any price at all.
    """
    if not priced:
        return FeedState.STARTING
    if substitute is Substitute.POLLED:
        return FeedState.POLLING
    if not connected:
        return FeedState.DOWN
    alive = proven_age is not None and proven_age <= settings.stale_tolerance_seconds
    return FeedState.LIVE if alive and substitute is Substitute.NONE else FeedState.STALE
