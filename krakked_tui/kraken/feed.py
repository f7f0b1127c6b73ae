"""Kraken's public market data as the ``MarketFeed`` port."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.depth import BookLevel, BookTop, PublicTrade
from krakked_tui.domain.pairs import AssetInfo, PairMetadata
from krakked_tui.kraken import decode, endpoints
from krakked_tui.kraken.book import DEPTHS, Book
from krakked_tui.kraken.errors import InvalidArgumentsError, KrakenProtocolError
from krakked_tui.kraken.frames import TradeRow
from krakked_tui.kraken.listing import Listing
from krakked_tui.kraken.market_stream import MarketStream, Watch, Watcher, Watching
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.ports import Clock, FeedSink, FocusSink, ServerTime

SERVED = (
    Timeframe.M1,
    Timeframe.M5,
    Timeframe.M15,
    Timeframe.M30,
    Timeframe.H1,
    Timeframe.H4,
    Timeframe.D1,
    Timeframe.W1,
)
"""The timeframes Kraken serves; any other is aggregated from one of these."""


class KrakenFeed:
    """Implements ``ports.MarketFeed``."""

    def __init__(self, rest: KrakenRest, listing: Listing, stream: KrakenStream, clock: Clock) -> None:
        self._rest = rest
        self._listing = listing
        self._stream = stream
        self._clock = clock
        self._running: MarketStream | None = None
        self._watching: Watching | None = None
        self._viewer: _Watcher | None = None

    async def server_time(self) -> ServerTime:
        """The exchange's clock."""
        return await self._rest.server_time()

    async def pairs(self) -> tuple[Sequence[PairMetadata], Sequence[AssetInfo]]:
        """All pairs and assets the exchange lists, in every status."""
        return await self._listing.refresh()

    async def quotes(self) -> Mapping[str, Quote]:
        """Latest prices of all pairs by canonical name, in one call.

        ``time`` is when the answer came, and the change over 24 hours is zero: Ticker has neither.
        """
        symbols = await self._listing.symbols()
        rows = await self._rest.call(endpoints.TICKER)
        at, received = self._clock.now(), self._clock.monotonic()
        quotes = (decode.quote(symbols.pair(raw).canonical, row, at, received) for raw, row in rows.items())
        return {quote.pair: quote for quote in quotes}

    async def candles(self, pair: PairMetadata, timeframe: Timeframe, since: datetime) -> Sequence[Candle]:
        """Candles that open at or after ``since``, oldest first, the running one included.

        Raises ``InvalidArgumentsError`` for a timeframe Kraken does not serve.
        """
        _check_served(timeframe)
        params = {
            "pair": pair.rest_symbol,
            "interval": str(timeframe.minutes),
            "since": str(max(int(since.timestamp()) - 1, 0)),
        }
        answer = await self._rest.call(endpoints.OHLC, params)
        rows = next((rows for rows in answer.values() if isinstance(rows, list)), None)
        if rows is None:
            raise KrakenProtocolError(f"The reply to OHLC for {pair.canonical} holds no candles")
        candles = (decode.candle(pair.canonical, timeframe, row) for row in rows)
        return sorted((c for c in candles if c.time >= since), key=lambda candle: candle.time)

    async def stream(
        self, pairs: Sequence[PairMetadata], timeframes: Sequence[Timeframe], sink: FeedSink
    ) -> None:
        """Keep quotes and candles flowing into ``sink`` until cancelled, reconnecting by itself.

        Pairs without a WebSocket name are left out. Raises ``InvalidArgumentsError`` for a timeframe
        Kraken does not serve.
        """
        for timeframe in timeframes:
            _check_served(timeframe)
        running = self._running = MarketStream(
            pairs, timeframes, sink, self._clock, self._watching, self._canonical
        )
        try:
            await running.run(self._stream)
        finally:
            self._running = None
            if self._viewer is not None:
                self._viewer.lose_book()

    async def change_pairs(self, pairs: Sequence[PairMetadata]) -> None:
        """Have the running stream carry these pairs from here on; without one, nothing happens."""
        if self._running is not None:
            await self._running.change_pairs(pairs)

    async def renew(self, pairs: Sequence[str]) -> None:
        """Subscribe anew to everything about these pairs, and leave all others as they are."""
        if self._running is not None:
            await self._running.renew(pairs)

    async def watch(
        self, pairs: Mapping[str, Watch], watcher: Watcher, others: Sequence[PairMetadata] = ()
    ) -> None:
        """Follow books and trades of these pairs, and of no others, in this stream and later ones.

        Pairs are canonical names; ``others`` describes those that the stream need not carry otherwise.
        """
        self._watching = Watching(pairs, watcher, others)
        if self._running is not None:
            await self._running.watch(pairs, watcher, others)

    async def focus(self, pair: PairMetadata | None, depth: int, sink: FocusSink) -> None:
        """Follow book and trades of one pair (None: of none) instead of the one before, and return.

        Of a pair without a WebSocket name nothing comes. ``depth`` is taken up to the next that Kraken
        serves. Raises ``InvalidArgumentsError`` for one beyond all of these.
        """
        if depth > DEPTHS[-1]:
            raise InvalidArgumentsError(f"Kraken serves books of {DEPTHS[-1]} levels at most, not {depth}")
        served = next(each for each in DEPTHS if each >= depth)
        watcher = self._viewer = _Watcher(depth, sink, self._clock)
        watched = {} if pair is None else {pair.canonical: Watch(depth=served, trades=True)}
        if watched and self._watching is not None and self._watching.pairs == watched:
            # What is subscribed already would send no snapshot.
            await self.watch({}, watcher)
            if self._watching.watcher is not watcher:
                return  # somebody asked for another meanwhile
        await self.watch(watched, watcher, () if pair is None else (pair,))

    def heard(self, channel: str, pair: str | None = None) -> float | None:
        """Return the wall second of the last message of a channel (about a pair), None without any.

        To be acted on by whoever relies on a topic: see ``MarketStream.heard``.
        """
        return None if self._running is None else self._running.heard(channel, pair)

    async def close(self) -> None:
        """Close all connections."""
        await self._rest.close()

    def _canonical(self, symbol: str) -> str | None:
        """Return our name of a WebSocket symbol that is not streamed, None before the pairs were read."""
        symbols = self._listing.latest
        return None if symbols is None else symbols.pair(symbol).canonical


def _check_served(timeframe: Timeframe) -> None:
    if timeframe not in SERVED:
        served = ", ".join(SERVED)
        raise InvalidArgumentsError(f"Kraken serves no {timeframe} candles; aggregate them from {served}")


class _Watcher:
    """Says what happens to one pair in our words, and each trade once."""

    def __init__(self, depth: int, sink: FocusSink, clock: Clock) -> None:
        self._depth = depth
        self._sink = sink
        self._clock = clock
        self._newest: dict[str, int] = {}
        self._book: BookTop | None = None

    def on_book(self, pair: str, book: Book) -> None:
        bids = tuple(BookLevel(level.price, level.qty) for level in book.bids(self._depth))
        asks = tuple(BookLevel(level.price, level.qty) for level in book.asks(self._depth))
        self._book = BookTop(pair, bids, asks, book.valid, self._clock.monotonic())
        self._sink.on_book(self._book)

    def lose_book(self) -> None:
        """Say that nothing keeps the book up any more."""
        if self._book is not None and self._book.valid:
            self._book = msgspec.structs.replace(self._book, valid=False)
            self._sink.on_book(self._book)

    def on_trades(self, pair: str, trades: Sequence[TradeRow]) -> None:
        # After every reconnect the latest fifty come again.
        newest = self._newest.get(pair, -1)
        new = sorted((row for row in trades if row.trade_id > newest), key=lambda row: row.trade_id)
        if new:
            self._newest = {pair: new[-1].trade_id}
            self._sink.on_trades(
                [PublicTrade(pair, row.timestamp, row.side, row.price, row.qty) for row in new]
            )
