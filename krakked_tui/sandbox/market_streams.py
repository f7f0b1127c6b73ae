"""The public channels: who listens to which pair, and what they get on each tick.

Updates are conflated: a tick sends the state a pair is in, not every trade that led there. Only
candles that ended are never skipped (up to what REST serves): after a tick, every candle that ended
before it has been sent in its final state, in the order of their ends, and before any running one.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from krakked_tui.sandbox.book_stream import BookStream
from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.clock import instant_of, micros_of
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.instrument_stream import InstrumentStream
from krakked_tui.sandbox.market_data import CLOSED_MAX, running_bar, shown_bar
from krakked_tui.sandbox.orders import ExchangeEvent, PairChanged
from krakked_tui.sandbox.topics import Option, Topic
from krakked_tui.sandbox.topics import Subscriber as Subscriber
from krakked_tui.sandbox.trade_stream import TradeStream
from krakked_tui.sandbox.wire import fixed, price_text, rfc3339, vwap_text
from krakked_tui.sim.bars import Bar
from krakked_tui.sim.liquidity import ladder_of
from krakked_tui.sim.market import Quote
from krakked_tui.sim.matching import Level
from krakked_tui.sim.tape import MINUTE_MICROS

SNAPSHOT_CANDLES: Final = 10
"""Candles that a new subscriber is told about at most; those without trades are left out."""

TopicKey = tuple[str, str, Option]
"""Channel, pair name, option."""


class OhlcStream(Topic):
    """One pair's candles of one length, in minutes."""

    def __init__(
        self, exchange: Exchange, listing: Listing, option: Option, at: datetime, *, full_rate: bool
    ) -> None:
        super().__init__(exchange, listing, option, at, full_rate=full_rate)
        assert isinstance(option, int), "candles have a length"
        self.interval = option
        self._running_start = self._start(at)
        self._last_sent: Bar | None = None

    def snapshot(self, at: datetime) -> str:
        """Return the latest candles that traded, oldest first."""
        start = self._start(at)
        found = [bar for bar in (self._running(at),) if bar.trades]
        history = -(-self.exchange.history_start // self.interval) * self.interval
        oldest = max(start - CLOSED_MAX * self.interval, history)
        while len(found) < SNAPSHOT_CANDLES and start > oldest:
            first = max(start - SNAPSHOT_CANDLES * self.interval, oldest)
            found = [*(bar for bar in self._closed(first, start) if bar.trades), *found]
            start = first
        return self._message("snapshot", found[-SNAPSHOT_CANDLES:], at)

    def tick(self, at: datetime) -> None:
        """Send every candle that ended, then the running one if it is not as it was."""
        for bar in self.ended(at):
            self.publish_bar(bar, at)
        self.publish_running(at)

    def ended(self, at: datetime) -> list[Bar]:
        """Return the candles that ended since the last call, oldest first, in their final state."""
        start = self._start(at)
        first = max(self._running_start, start - CLOSED_MAX * self.interval)
        self._running_start = start
        if first >= start:
            return []
        return self._closed(first, start)

    def publish_bar(self, bar: Bar, at: datetime) -> None:
        """Send a candle to all subscribers."""
        self.publish(self._message("update", [bar], at))

    def publish_running(self, at: datetime) -> None:
        """Send the running candle if it is not as it was."""
        self.pulse.traded(micros_of(at))
        bar = self._running(at)
        if bar != self._last_sent or self.full_rate:
            self._last_sent = bar
            self.publish_bar(bar, at)

    def _start(self, at: datetime) -> int:
        minute = micros_of(at) // MINUTE_MICROS
        return minute - minute % self.interval

    def _running(self, at: datetime) -> Bar:
        return running_bar(self.exchange, self.listing.name, self.interval, at)

    def _closed(self, first: int, last: int) -> list[Bar]:
        name = self.listing.name
        per = self.exchange.floor.ticks_per(name)
        return [shown_bar(bar, per) for bar in self.exchange.market.bars(name, self.interval, first, last)]

    def _message(self, kind: str, bars: Iterable[Bar], at: datetime) -> str:
        rows = ",".join(self._row(bar) for bar in bars)
        return f'{{"channel":"ohlc","type":"{kind}","timestamp":"{_nanos(at)}","data":[{rows}]}}'

    def _row(self, bar: Bar) -> str:
        pair = self.listing.pair
        grid = self.exchange.market.grids[pair.canonical]
        decimals = pair.price_decimals
        begin = instant_of(bar.minute * MINUTE_MICROS)
        end = instant_of((bar.minute + self.interval) * MINUTE_MICROS)
        return (
            f'{{"symbol":"{pair.ws_symbol}","open":{price_text(bar.open, grid, decimals)},'
            f'"high":{price_text(bar.high, grid, decimals)},"low":{price_text(bar.low, grid, decimals)},'
            f'"close":{price_text(bar.close, grid, decimals)},"trades":{bar.trades},'
            f'"volume":{fixed(bar.volume, grid.volume_decimals, pair.volume_decimals)},'
            f'"vwap":{vwap_text(bar, grid, decimals)},"interval_begin":"{_nanos(begin)}",'
            f'"interval":{self.interval},"timestamp":"{rfc3339(end)}"}}'
        )


class TickerStream(Topic):
    """One pair's ticker, sent when it traded (``trades``) or when its best levels changed (``bbo``)."""

    watches_book = True

    def __init__(
        self, exchange: Exchange, listing: Listing, option: Option, at: datetime, *, full_rate: bool
    ) -> None:
        super().__init__(exchange, listing, option, at, full_rate=full_rate)
        self._trades_only = option == "trades"
        self._last_best: tuple[int, ...] = ()
        market = exchange.market
        self._grid = market.grids[listing.name]
        self._ladder = ladder_of(market.seed, market.instruments[listing.name], self._grid)

    def snapshot(self, at: datetime) -> str:
        """Return the ticker as it is."""
        quote, best = self._now(at)
        return self._message("snapshot", quote, best, at)

    def tick(self, at: datetime) -> None:
        """Send the ticker if what it waits for happened."""
        traded = self.pulse.traded(micros_of(at))
        if self._trades_only and not (traded or self.full_rate):
            return
        quote, best = self._now(at)
        shown = (quote.bid, quote.ask, *best)
        if self._trades_only or shown != self._last_best or self.full_rate:
            self._last_best = shown
            self.publish(self._message("update", quote, best, at))

    def _now(self, at: datetime) -> tuple[Quote, tuple[int, int]]:
        """The quote and the volume units at its two sides."""
        quote = self.exchange.quote(self.listing.name, at)
        if self.exchange.floor.ticks_per(self.listing.name) > 1:
            book = self.exchange.book(self.listing.name, at, depth=1)
            return quote, (self._units(book.bids[0]), self._units(book.asks[0]))
        return quote, self._ladder.best(quote, micros_of(at) // MINUTE_MICROS)

    def _units(self, level: Level) -> int:
        return int(level.volume.scaleb(self._grid.volume_decimals))

    def _message(self, kind: str, quote: Quote, best: tuple[int, int], at: datetime) -> str:
        pair, grid = self.listing.pair, self._grid
        per = self.exchange.floor.ticks_per(self.listing.name)
        day = shown_bar(self.exchange.market.rolling(self.listing.name, micros_of(at)), per)
        decimals, lot, units = pair.price_decimals, pair.volume_decimals, grid.volume_decimals
        change = quote.last - day.open
        sign = "-" if change < 0 else ""
        hundredths = (abs(change) * 20_000 + day.open) // (2 * day.open)
        return (
            f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{pair.ws_symbol}",'
            f'"bid":{price_text(quote.bid, grid, decimals)},"bid_qty":{fixed(best[0], units, lot)},'
            f'"ask":{price_text(quote.ask, grid, decimals)},"ask_qty":{fixed(best[1], units, lot)},'
            f'"last":{price_text(quote.last, grid, decimals)},'
            f'"volume":{fixed(day.volume, units, lot)},"vwap":{vwap_text(day, grid, decimals)},'
            f'"low":{price_text(day.low, grid, decimals)},"high":{price_text(day.high, grid, decimals)},'
            f'"change":{sign}{price_text(abs(change), grid, decimals)},'
            f'"change_pct":{sign if hundredths else ""}{fixed(hundredths, 2, 2)},'
            f'"timestamp":"{rfc3339(at)}"}}]}}'
        )


class MarketStreams:
    """All public subscriptions of all connections.

    ``full_rate`` sends an update of every subscribed ticker, candle and book on every tick, changed or
    not: for load tests.
    """

    def __init__(self, exchange: Exchange, *, full_rate: bool = False) -> None:
        self.instruments = InstrumentStream(exchange)
        self._exchange = exchange
        self._full_rate = full_rate
        self._topics: dict[str, dict[TopicKey, Topic]] = {channel: {} for channel in _TOPICS}
        exchange.listen(self._on_event)

    def join(
        self, subscriber: Subscriber, channel: str, listing: Listing, option: Option, at: datetime
    ) -> Topic:
        """Add a subscriber; the topic's snapshot is where it sets in."""
        key = (channel, listing.name, option)
        topics = self._topics[channel]
        if key not in topics:
            topics[key] = _TOPICS[channel](self._exchange, listing, option, at, full_rate=self._full_rate)
        else:
            topics[key].admit(at)
        topics[key].subscribers[subscriber] = None
        return topics[key]

    def leave(self, subscriber: Subscriber, channel: str, name: str, option: Option) -> None:
        """Remove a subscriber; nothing is computed for nobody. A delisted pair's are gone already."""
        key = (channel, name, option)
        topic = self._topics[channel].get(key)
        if topic is None:
            return
        topic.subscribers.pop(subscriber, None)
        if not topic.subscribers:
            del self._topics[channel][key]

    def tick_ohlc(self, at: datetime) -> None:
        """Send every candle that ended, in the order of their ends, then the running ones that changed."""
        micros = micros_of(at)
        streams = [
            stream
            for stream in self._topics["ohlc"].values()
            if isinstance(stream, OhlcStream) and (self._full_rate or not stream.pulse.still(micros))
        ]
        ended = [(bar, stream) for stream in streams for bar in stream.ended(at)]
        ended.sort(key=lambda item: item[0].minute + item[1].interval)
        for bar, stream in ended:
            stream.publish_bar(bar, at)
        for stream in streams:
            stream.publish_running(at)

    def tick_tickers(self, at: datetime) -> None:
        """Send the trades, book changes and tickers there are."""
        micros = micros_of(at)
        for channel in ("trade", "book", "ticker"):
            for topic in self._topics[channel].values():
                if self._full_rate or not topic.pulse.still(micros):
                    topic.tick(at)

    def _on_event(self, event: ExchangeEvent) -> None:
        if not isinstance(event, PairChanged):
            return
        at = self._exchange.clock.now()
        listing = self._exchange.catalog.listings[event.name]
        self.instruments.publish(listing)
        for topics in self._topics.values():
            for key in [key for key in topics if key[1] == event.name]:
                if listing.is_listed:
                    topics[key].relist(listing, at)
                else:
                    del topics[key]


_TOPICS: Final[Mapping[str, type[Topic]]] = {
    "ohlc": OhlcStream,
    "trade": TradeStream,
    "book": BookStream,
    "ticker": TickerStream,
}


def _nanos(at: datetime) -> str:
    """Print an instant with nine fractional digits, as this channel does."""
    return f"{rfc3339(at)[:-1]}000Z"
