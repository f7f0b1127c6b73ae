"""Market data as everybody else asks for it: pairs, candles, live prices, and how good all that is.

It delegates and owns nothing. Pairs are named canonically; a name that is not listed raises
``UnknownPairError``, which says what may have been meant.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec
import polars as pl

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.depth import BookTop
from krakked_tui.domain.errors import NoDataError, StaleDataError
from krakked_tui.domain.pairs import AssetInfo, PairMetadata, SystemStatus
from krakked_tui.engine.ingest import Ingest
from krakked_tui.engine.ingest_report import IngestStatistics
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.recorded_feed import RecordedFeed
from krakked_tui.market.freshness import FeedState, Freshness
from krakked_tui.market.history import SERVED, reach
from krakked_tui.market.universe import Universe
from krakked_tui.ports import CandleGap, CandleStore, Clock, StreamState


class Listing(Protocol):
    """Who knows the pairs (``engine.universe_keeper.UniverseKeeper``)."""

    @property
    def universe(self) -> Universe:
        """The pairs of the last reading."""
        ...

    @property
    def read_at_wall(self) -> float | None:
        """When the exchange was read last and believed, in wall seconds."""
        ...

    @property
    def trouble(self) -> str:
        """Why the last reading failed or was not believed; empty when all is well."""
        ...

    @property
    def assets(self) -> Mapping[str, AssetInfo]:
        """All assets by normalised name."""
        ...

    def metadata(self, pair: str) -> PairMetadata:
        """Return a pair. Raises ``UnknownPairError``, which says what may have been meant."""
        ...

    async def refresh(self) -> object:
        """Read the exchange's listing anew."""
        ...


class DeafLately(msgspec.Struct, frozen=True):
    """Topics of the stream that were silent without a reason lately: how many, and the newest by name."""

    names: tuple[str, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Whom ``MarketData`` asks.

    ``book`` returns the book of a pair that is followed, None of any other; ``streams`` the state of every
    connection; ``unstored`` how many closed candles wait for the store; ``next_boundary`` when candles
    close next, exchange time; ``deaf`` the topics found deaf lately.
    """

    listing: Listing
    feed: RecordedFeed
    store: CandleStore
    market: LiveMarket
    ingest: Ingest
    clock: Clock
    book: Callable[[str], BookTop | None]
    streams: Callable[[], tuple[StreamState, ...]]
    unstored: Callable[[], int]
    next_boundary: Callable[[], datetime | None]
    deaf: Callable[[], DeafLately]


class Backfilled(msgspec.Struct, frozen=True):
    """What a backfill brought: closed candles ``read``, of which ``rows`` were new or corrected.

    ``unreached`` are spans that are still missing and that the exchange does not serve any more; ``advice``
    says in one sentence what to do about them, empty without any.
    """

    pair: str
    timeframe: Timeframe
    read: int
    rows: int
    unreached: tuple[CandleGap, ...] = ()
    advice: str = ""


class DataStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the market data is doing. Seconds are wall seconds, None where there is nothing to measure."""

    rest_success_age: float | None = None
    rest_error: str = ""
    rest_error_age: float | None = None
    streams: tuple[StreamState, ...] = ()
    """Of every stream; its ``parts`` are its connections."""
    state: FeedState = FeedState.STARTING
    system_status: SystemStatus | None = None
    """What the exchange said of itself last."""
    pairs: dict[Freshness, int] = {}
    """How many pairs are in each state; those of the universe without any price are ``never``."""
    tradable: int = 0
    known: int = 0
    """How many pairs the universe has, and how many the exchange lists."""
    universe_age: float | None = None
    """Since the exchange was asked what it lists."""
    universe_trouble: str = ""
    deaf: DeafLately = DeafLately()
    prices_trouble: str = ""
    """Why asking for prices fails while the stream brings none; empty while it does not."""
    messages_per_second: float = 0.0
    lag_seconds: float | None = None
    clock_offset_seconds: float | None = None
    breaker_seconds: float | None = None
    """For how long no candles are read, after too many failures; None while they are."""
    breaker_reason: str = ""
    ingest: IngestStatistics | None = None
    """The last round of reading candles."""
    missing: int = 0
    """Pairs of which candles are still to be read."""
    incomplete: int = 0
    """Pairs whose history is shorter than the strategies need, for now."""
    next_boundary: datetime | None = None
    """When candles close next, exchange time."""
    unstored: int = 0
    """Closed candles that wait for the store."""


def early_status(feed: RecordedFeed | None, now: float, streams: tuple[StreamState, ...]) -> DataStatus:
    """Return what there is to say before the pairs are known; ``now`` is the wall second."""
    if feed is None:
        return DataStatus(streams=streams)
    return DataStatus(
        rest_success_age=None if feed.answered is None else max(now - feed.answered, 0.0),
        rest_error=feed.failure,
        rest_error_age=None if feed.failed is None else max(now - feed.failed, 0.0),
        streams=streams,
        clock_offset_seconds=feed.clock_offset,
    )


class MarketData:
    """The facade of market data. Used from the engine's loop only."""

    def __init__(self, sources: Sources) -> None:
        self._from = sources

    def get_universe(self) -> Universe:
        """Return the pairs that may be traded, and all that are known."""
        return self._from.listing.universe

    def get_pair_metadata(self, pair: str) -> PairMetadata:
        """Return a pair, in whatever status. Raises ``UnknownPairError``."""
        return self._from.listing.metadata(pair)

    async def refresh_universe(self) -> Universe:
        """Read the exchange's listing anew, and return the universe; the old one when that fails."""
        await self._from.listing.refresh()
        return self._from.listing.universe

    def get_asset(self, asset: str) -> AssetInfo:
        """Return an asset by its normalised name (``XBT``). Raises ``NoDataError``."""
        found = self._from.listing.assets.get(asset)
        if found is None:
            raise NoDataError(f"The exchange lists no asset {asset!r}: assets are named like XBT or USD")
        return found

    async def backfill_ohlc(
        self, pair: str, timeframe: Timeframe, since: datetime | None = None
    ) -> Backfilled:
        """Read closed candles from the exchange into the store: those from ``since`` on, or all it serves.

        It serves the latest 720 at most; what lies before and is not stored yet is named in the result.
        Raises ``UnknownPairError``; ``ExchangeError`` (``RateLimitedError`` among them) when the exchange
        does not answer, or does not serve the timeframe; ``StorageError``.
        """
        metadata, store = self.get_pair_metadata(pair), self._from.store
        oldest = reach(timeframe, self._from.clock.now())
        wanted = oldest if since is None else timeframe.floor(since)
        candles, rows = await self._from.ingest.backfill(metadata, timeframe, max(wanted, oldest))
        unreached: tuple[CandleGap, ...] = ()
        if wanted < oldest:
            stored = await store.coverage(pair, timeframe)
            spans = (CandleGap(wanted, stored.first or oldest), *stored.gaps)
            unreached = tuple(_cut(spans, wanted, oldest))
        advice = _advice(pair, timeframe, unreached) if unreached else ""
        return Backfilled(pair, timeframe, len(candles), rows, unreached, advice)

    async def get_ohlc(self, pair: str, timeframe: Timeframe, lookback: int) -> pl.DataFrame:
        """Return the newest ``lookback`` closed candles of a pair, oldest first; fewer when there are fewer.

        Raises ``UnknownPairError`` and ``StorageError``.
        """
        self.get_pair_metadata(pair)
        return await self._from.store.read(pair, timeframe, limit=max(lookback, 0))

    async def get_ohlc_since(self, pair: str, timeframe: Timeframe, since: datetime) -> pl.DataFrame:
        """Return the closed candles of a pair that open at or after ``since``, oldest first.

        Raises ``UnknownPairError`` and ``StorageError``.
        """
        self.get_pair_metadata(pair)
        return await self._from.store.read(pair, timeframe, start=since)

    def get_latest_price(self, pair: str) -> Decimal:
        """Return the price by the one rule (``Quote.price``): the last trade inside the spread, else mid.

        A quiet price counts; whoever enters a position asks for its freshness too. Raises
        ``UnknownPairError``, ``NoDataError`` before the first price, and ``StaleDataError`` with its age.
        """
        return self._quote(pair).price

    def get_best_bid_ask(self, pair: str) -> tuple[Decimal, Decimal]:
        """Return the best bid and ask. Raises like ``get_latest_price``."""
        quote = self._quote(pair)
        return quote.bid, quote.ask

    def get_live_ohlc(self, pair: str, timeframe: Timeframe) -> Candle:
        """Return the running candle.

        Raises ``UnknownPairError``; ``NoDataError`` when none was streamed, as for timeframes that are not
        kept; ``StaleDataError`` when the newest one has ended, or the pair's price is stale.
        """
        self._quote(pair)
        running = self._from.market.running(pair, timeframe)
        if running is None:
            raise NoDataError(f"No {timeframe} candle of {pair} has been streamed yet")
        clock = self._from.clock
        over = (clock.now() - running.end).total_seconds()
        if over >= 0:
            raise StaleDataError(
                f"The {timeframe} candle of {pair} has ended and", over / (clock.speed or 1.0)
            )
        return running

    def get_book(self, pair: str) -> BookTop:
        """Return the order book of a pair that is followed.

        Raises ``UnknownPairError``, ``NoDataError`` for a pair whose book is not followed or has not come
        yet, and ``StaleDataError`` for one that must not be relied on.
        """
        self.get_pair_metadata(pair)
        book = self._from.book(pair)
        if book is None:
            raise NoDataError(
                f"No book of {pair} is at hand: it is followed while somebody looks at the pair"
            )
        if not book.valid:
            raise StaleDataError(f"The book of {pair} is not valid and", self._age(book.received))
        return book

    def get_data_status(self) -> DataStatus:
        """Return how everything is doing."""
        parts = self._from
        market, feed, ingest = parts.market, parts.feed, parts.ingest
        now = parts.clock.monotonic()
        counts = market.freshness_counts()
        universe = parts.listing.universe
        counts[Freshness.NEVER] += len(universe.pairs.keys() - market.quotes.keys())
        read = parts.listing.read_at_wall
        return msgspec.structs.replace(
            early_status(feed, now, parts.streams()),
            state=market.state,
            system_status=market.system_status,
            pairs=counts,
            tradable=len(universe.pairs),
            known=len(universe.known),
            universe_age=None if read is None else self._age(read),
            universe_trouble=parts.listing.trouble,
            deaf=parts.deaf(),
            prices_trouble=market.polling.trouble if market.polling else "",
            messages_per_second=market.message_rate,
            lag_seconds=market.lag,
            breaker_seconds=ingest.breaker.open_seconds(now),
            breaker_reason=ingest.breaker.reason,
            ingest=ingest.last,
            missing=len(ingest.missing),
            incomplete=ingest.incomplete,
            next_boundary=parts.next_boundary(),
            unstored=parts.unstored(),
        )

    def _quote(self, pair: str) -> Quote:
        """Return the latest quote of a pair, unless it is too old to be used."""
        market = self._from.market
        self.get_pair_metadata(pair)
        quote = market.quotes.get(pair)
        if quote is None:
            raise NoDataError(f"No price of {pair} has arrived yet")
        if market.freshness(quote) is Freshness.STALE:
            raise StaleDataError(f"The price of {pair}", self._age(quote.received))
        return quote

    def _age(self, at: float) -> float:
        return max(self._from.clock.monotonic() - at, 0.0)


def _cut(spans: tuple[CandleGap, ...], start: datetime, end: datetime) -> Iterator[CandleGap]:
    """Yield the parts of spans that lie between two instants."""
    for span in spans:
        cut = CandleGap(max(span.start, start), min(span.end, end))
        if cut.start < cut.end:
            yield cut


def _advice(pair: str, timeframe: Timeframe, unreached: tuple[CandleGap, ...]) -> str:
    return (
        f"{timeframe} candles of {pair} between {unreached[0].start:%Y-%m-%d %H:%M} and"
        f" {unreached[-1].end:%Y-%m-%d %H:%M} UTC are not stored, and the exchange serves the latest {SERVED}"
        " only: older candles have to be built from trades (history backfill)"
    )
