"""The public channels: who listens to which pair, and what they get on each tick.

Updates are conflated: a tick sends the state a pair is in, not every trade that led there. Only
candles that ended are never skipped (up to what REST serves): after a tick, every candle that ended
before it has been sent in its final state, in the order of their ends, and before any running one.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from krakked_tui.domain.money import percent_of
from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.clock import instant_of, micros_of
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.market_data import CLOSED_MAX, TickerNow, ticker_now
from krakked_tui.sandbox.wire import fixed, price_text, rfc3339, text
from krakked_tui.sim.bars import Bar
from krakked_tui.sim.tape import MINUTE_MICROS


class Subscriber(Protocol):
    """Whoever a message is for."""

    def send(self, message: str) -> None:
        """Queue a message; never waits."""
        ...


class OhlcStream:
    """One pair's candles of one length."""

    def __init__(self, exchange: Exchange, listing: Listing, interval: int, at: datetime) -> None:
        self._exchange = exchange
        self._listing = listing
        self.interval = interval
        self.subscribers: dict[Subscriber, None] = {}
        self._running_start = self._start(at)
        self._last_sent: Bar | None = None

    def snapshot(self, at: datetime) -> str:
        """Return the last closed candle and the running one."""
        name, start = self._listing.name, self._start(at)
        closed = self._exchange.market.bars(name, self.interval, start - self.interval, start)
        return self._message("snapshot", [*closed, self._running(at)], at)

    def ended(self, at: datetime) -> list[Bar]:
        """Return the candles that ended since the last call, oldest first, in their final state."""
        start = self._start(at)
        first = max(self._running_start, start - CLOSED_MAX * self.interval)
        self._running_start = start
        if first >= start:
            return []
        return self._exchange.market.bars(self._listing.name, self.interval, first, start)

    def publish(self, bar: Bar, at: datetime) -> None:
        """Send a candle to all subscribers."""
        message = self._message("update", [bar], at)
        for subscriber in self.subscribers:
            subscriber.send(message)

    def publish_running(self, at: datetime) -> None:
        """Send the running candle if it is not as it was."""
        bar = self._running(at)
        if bar != self._last_sent:
            self._last_sent = bar
            self.publish(bar, at)

    def _start(self, at: datetime) -> int:
        minute = micros_of(at) // MINUTE_MICROS
        return minute - minute % self.interval

    def _running(self, at: datetime) -> Bar:
        return self._exchange.market.running(self._listing.name, self.interval, micros_of(at))

    def _message(self, kind: str, bars: Iterable[Bar], at: datetime) -> str:
        rows = ",".join(self._row(bar) for bar in bars)
        return f'{{"channel":"ohlc","type":"{kind}","timestamp":"{_nanos(at)}","data":[{rows}]}}'

    def _row(self, bar: Bar) -> str:
        pair = self._listing.pair
        grid = self._exchange.market.grids[pair.canonical]
        decimals = pair.price_decimals
        begin = instant_of(bar.minute * MINUTE_MICROS)
        end = instant_of((bar.minute + self.interval) * MINUTE_MICROS)
        return (
            f'{{"symbol":"{pair.ws_symbol}","open":{price_text(bar.open, grid, decimals)},'
            f'"high":{price_text(bar.high, grid, decimals)},"low":{price_text(bar.low, grid, decimals)},'
            f'"close":{price_text(bar.close, grid, decimals)},"trades":{bar.trades},'
            f'"volume":{fixed(bar.volume, grid.volume_decimals, pair.volume_decimals)},'
            f'"vwap":{bar.vwap(grid):f},"interval_begin":"{_nanos(begin)}",'
            f'"interval":{self.interval},"timestamp":"{rfc3339(end)}"}}'
        )


class TickerStream:
    """One pair's ticker."""

    def __init__(self, exchange: Exchange, listing: Listing) -> None:
        self._exchange = exchange
        self._listing = listing
        self.subscribers: dict[Subscriber, None] = {}
        self._last_sent: TickerNow | None = None

    def snapshot(self, at: datetime) -> str:
        """Return the ticker as it is."""
        return self._message("snapshot", ticker_now(self._exchange, self._listing, at), at)

    def publish(self, at: datetime) -> None:
        """Send the ticker to all subscribers if it is not as it was."""
        now = ticker_now(self._exchange, self._listing, at)
        if now == self._last_sent:
            return
        self._last_sent = now
        message = self._message("update", now, at)
        for subscriber in self.subscribers:
            subscriber.send(message)

    def _message(self, kind: str, now: TickerNow, at: datetime) -> str:
        pair = self._listing.pair
        grid = self._exchange.market.grids[pair.canonical]
        decimals, lot = pair.price_decimals, pair.volume_decimals
        last, opened = grid.price(now.quote.last), grid.price(now.day.open)
        change = last - opened
        return (
            f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{pair.ws_symbol}",'
            f'"bid":{text(now.bid.price, decimals)},"bid_qty":{text(now.bid.volume, lot)},'
            f'"ask":{text(now.ask.price, decimals)},"ask_qty":{text(now.ask.volume, lot)},'
            f'"last":{text(last, decimals)},'
            f'"volume":{fixed(now.day.volume, grid.volume_decimals, lot)},"vwap":{now.day.vwap(grid):f},'
            f'"low":{price_text(now.day.low, grid, decimals)},'
            f'"high":{price_text(now.day.high, grid, decimals)},'
            f'"change":{text(change, decimals)},"change_pct":{text(percent_of(change, opened), 2)},'
            f'"timestamp":"{rfc3339(at)}"}}]}}'
        )


class MarketStreams:
    """All public subscriptions of all connections."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._ohlc: dict[tuple[str, int], OhlcStream] = {}
        self._tickers: dict[str, TickerStream] = {}

    def join_ohlc(self, subscriber: Subscriber, listing: Listing, interval: int, at: datetime) -> OhlcStream:
        """Add a subscriber to a pair's candles."""
        key = (listing.name, interval)
        if key not in self._ohlc:
            self._ohlc[key] = OhlcStream(self._exchange, listing, interval, at)
        self._ohlc[key].subscribers[subscriber] = None
        return self._ohlc[key]

    def join_ticker(self, subscriber: Subscriber, listing: Listing) -> TickerStream:
        """Add a subscriber to a pair's ticker."""
        if listing.name not in self._tickers:
            self._tickers[listing.name] = TickerStream(self._exchange, listing)
        self._tickers[listing.name].subscribers[subscriber] = None
        return self._tickers[listing.name]

    def leave_ohlc(self, subscriber: Subscriber, name: str, interval: int) -> None:
        """Remove a subscriber from a pair's candles; nothing is computed for nobody."""
        stream = self._ohlc[name, interval]
        del stream.subscribers[subscriber]
        if not stream.subscribers:
            del self._ohlc[name, interval]

    def leave_ticker(self, subscriber: Subscriber, name: str) -> None:
        """Remove a subscriber from a pair's ticker."""
        stream = self._tickers[name]
        del stream.subscribers[subscriber]
        if not stream.subscribers:
            del self._tickers[name]

    def tick_ohlc(self, at: datetime) -> None:
        """Send every candle that ended, in the order of their ends, then the running ones that changed."""
        ended = [(bar, stream) for stream in self._ohlc.values() for bar in stream.ended(at)]
        ended.sort(key=lambda item: item[0].minute + item[1].interval)
        for bar, stream in ended:
            stream.publish(bar, at)
        for stream in self._ohlc.values():
            stream.publish_running(at)

    def tick_tickers(self, at: datetime) -> None:
        """Send every ticker that changed."""
        for stream in self._tickers.values():
            stream.publish(at)


def _nanos(at: datetime) -> str:
    """Print an instant with nine fractional digits, as this channel does."""
    return f"{rfc3339(at)[:-1]}000Z"
