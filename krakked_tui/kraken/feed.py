"""Kraken's public market data as the ``MarketFeed`` port."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.pairs import AssetInfo, PairMetadata
from krakked_tui.kraken import decode, endpoints
from krakked_tui.kraken.errors import InvalidArgumentsError, KrakenProtocolError
from krakked_tui.kraken.listing import Listing
from krakked_tui.kraken.market_stream import MarketStream, Watch, Watcher
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.ports import Clock, FeedSink, ServerTime

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
        running = self._running = MarketStream(pairs, timeframes, sink, self._clock)
        try:
            await running.run(self._stream)
        finally:
            self._running = None

    async def change_pairs(self, pairs: Sequence[PairMetadata]) -> None:
        """Have the running stream carry these pairs from here on; without one, nothing happens."""
        if self._running is not None:
            await self._running.change_pairs(pairs)

    async def watch(self, pairs: Mapping[str, Watch], watcher: Watcher) -> None:
        """Have the running stream follow books and trades of these pairs, and of no others.

        Pairs are canonical names. A stream that starts later follows nothing until asked again.
        """
        if self._running is not None:
            await self._running.watch(pairs, watcher)

    def heard(self, channel: str, pair: str | None = None) -> float | None:
        """Return the wall second of the last message of a channel (about a pair), None without any.

        To be acted on by whoever relies on a topic: see ``MarketStream.heard``.
        """
        return None if self._running is None else self._running.heard(channel, pair)

    async def close(self) -> None:
        """Close all connections."""
        await self._rest.close()


def _check_served(timeframe: Timeframe) -> None:
    if timeframe not in SERVED:
        served = ", ".join(SERVED)
        raise InvalidArgumentsError(f"Kraken serves no {timeframe} candles; aggregate them from {served}")
