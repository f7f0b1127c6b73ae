"""A market feed that shows a paper account everything it hears."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.pairs import AssetInfo, PairMetadata, PairStatus, SystemStatus
from krakked_tui.ports import FeedSink, FocusSink, MarketFeed, ServerTime, StreamState


class MarketListener(Protocol):
    """Who is shown the market. Every method is quick and never awaits."""

    def on_quote(self, quote: Quote) -> None:
        """A price from the live stream."""
        ...

    def on_quotes(self, quotes: Iterable[Quote]) -> None:
        """Prices that were asked for."""
        ...

    def on_pairs(self, pairs: Sequence[PairMetadata], assets: Sequence[AssetInfo]) -> None:
        """The exchange's whole listing."""
        ...

    def on_market_state(self, state: StreamState) -> None:
        """The live stream opened or closed."""
        ...


class TappedFeed:
    """Implements ``ports.MarketFeed`` by another one, of which the listener hears all but candles."""

    def __init__(self, feed: MarketFeed, listener: MarketListener) -> None:
        self._feed = feed
        self._listener = listener

    async def server_time(self) -> ServerTime:
        """The exchange's clock."""
        return await self._feed.server_time()

    async def pairs(self) -> tuple[Sequence[PairMetadata], Sequence[AssetInfo]]:
        """All pairs and assets the exchange lists, in every status."""
        pairs, assets = await self._feed.pairs()
        self._listener.on_pairs(pairs, assets)
        return pairs, assets

    async def quotes(self) -> Mapping[str, Quote]:
        """Latest prices of all pairs by canonical name, in one call."""
        quotes = await self._feed.quotes()
        self._listener.on_quotes(quotes.values())
        return quotes

    async def candles(self, pair: PairMetadata, timeframe: Timeframe, since: datetime) -> Sequence[Candle]:
        """Candles that open at or after ``since``, oldest first, the running one included."""
        return await self._feed.candles(pair, timeframe, since)

    async def stream(
        self, pairs: Sequence[PairMetadata], timeframes: Sequence[Timeframe], sink: FeedSink
    ) -> None:
        """Keep quotes and candles flowing into ``sink`` until cancelled; the listener hears them first."""
        await self._feed.stream(pairs, timeframes, _Tap(sink, self._listener))

    async def change_pairs(self, pairs: Sequence[PairMetadata]) -> None:
        """Have the running stream carry these pairs from here on; without one, nothing happens."""
        await self._feed.change_pairs(pairs)

    async def renew(self, pairs: Sequence[str]) -> None:
        """Subscribe anew to everything about these pairs."""
        await self._feed.renew(pairs)

    async def focus(self, pair: PairMetadata | None, depth: int, sink: FocusSink) -> None:
        """Follow book and trades of one pair (None: of none) instead of the one before, and return."""
        await self._feed.focus(pair, depth, sink)

    async def close(self) -> None:
        """Close all connections."""
        await self._feed.close()


class _Tap:
    """A feed sink that passes everything on."""

    def __init__(self, sink: FeedSink, listener: MarketListener) -> None:
        self._sink = sink
        self._listener = listener

    def on_quote(self, quote: Quote) -> None:
        self._listener.on_quote(quote)
        self._sink.on_quote(quote)

    def on_candle(self, candle: Candle, seen: datetime) -> None:
        self._sink.on_candle(candle, seen)

    def on_stream_state(self, state: StreamState) -> None:
        self._listener.on_market_state(state)
        self._sink.on_stream_state(state)

    def on_system_status(self, status: SystemStatus) -> None:
        self._sink.on_system_status(status)

    def on_pair_statuses(self, statuses: Mapping[str, PairStatus]) -> None:
        self._sink.on_pair_statuses(statuses)
