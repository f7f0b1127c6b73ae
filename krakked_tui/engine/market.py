"""The live market as the engine keeps it: latest quotes, recent closed bars, watched stops.

Implements ``FeedSink``: ticks end here, in dictionaries, and only closed bars, crossed stops and
changes of usability become events.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from krakked_tui.decision.events import Mark, MarketDataChanged, StopCrossed
from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.engine.inbox import Inbox
from krakked_tui.market.closing import CandleCloser
from krakked_tui.market.frames import RecentBars, frame_of
from krakked_tui.market.freshness import FeedState, Freshness, feed_state, freshness_of
from krakked_tui.market.settings import MarketDataSettings
from krakked_tui.ports import Clock, StreamState

RATE_SAMPLES = 11
"""Over how many measurements the rate of messages is taken."""


class LiveMarket:
    """Latest state of every pair. Used from the engine's loop only; no method waits."""

    def __init__(
        self, *, timeframes: Iterable[Timeframe], keep_bars: int, settings: MarketDataSettings, inbox: Inbox,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._inbox = inbox
        self._clock = clock
        self._quotes: dict[str, Quote] = {}
        self._stops: dict[str, Decimal] = {}
        self._bars = {timeframe: RecentBars(keep_bars) for timeframe in timeframes}
        self._stream = StreamState("market", connected=False, detail="not connected yet")
        self._reported: FeedState | None = None
        self._gap = asyncio.Event()
        # Candles of one timeframe come over one ordered connection; different ones may not.
        self._closers = {timeframe: CandleCloser(clock.now()) for timeframe in self._bars}
        self._running: dict[tuple[str, Timeframe], Candle] = {}
        self._newest: Quote | None = None
        self._measured: deque[tuple[float, int]] = deque(maxlen=RATE_SAMPLES)
        self.ticks = 0
        self.candles = 0

    def on_quote(self, quote: Quote) -> None:
        """Keep the latest quote, and report a stop it goes through."""
        self.ticks += 1
        self._quotes[quote.pair] = self._newest = quote
        stop = self._stops.get(quote.pair)
        if stop is not None and quote.price <= stop:
            del self._stops[quote.pair]
            event = StopCrossed(self._clock.now(), self._mark(quote), stop)
            self._inbox.put(event, key=f"stop:{quote.pair}")

    def on_candle(self, candle: Candle, seen: datetime) -> None:
        """Keep a running or final candle until its boundary; one that had to be dropped is a gap."""
        self.candles += 1
        key = candle.pair, candle.timeframe
        known = self._running.get(key)
        if known is None or candle.time >= known.time:
            self._running[key] = candle
        closer = self._closers[candle.timeframe]
        dropped = closer.dropped
        closer.update(candle, seen)
        if closer.dropped > dropped:
            self._gap.set()

    def on_stream_state(self, state: StreamState) -> None:
        """Remember the state of the market stream; after a reconnect candles may be missing."""
        if state.connected and not self._stream.connected and self._quotes:
            self._gap.set()
        self._stream = state
        self.check_usable()

    async def wait_for_gap(self) -> None:
        """Wait until candles may be missing: the stream was away and is back, or candles were dropped."""
        await self._gap.wait()
        self._gap.clear()

    @property
    def quotes(self) -> Mapping[str, Quote]:
        """The latest quote of every pair."""
        return self._quotes

    @property
    def timeframes(self) -> Collection[Timeframe]:
        """The timeframes whose candles are kept."""
        return self._bars.keys()

    def running(self, pair: str, timeframe: Timeframe) -> Candle | None:
        """Return the newest candle that was streamed; it may have ended since."""
        return self._running.get((pair, timeframe))

    def measure(self) -> None:
        """Note how many messages have come. To be called every second."""
        self._measured.append((self._clock.monotonic(), self.ticks + self.candles))

    @property
    def message_rate(self) -> float:
        """Prices and candles a wall second, lately."""
        if len(self._measured) < 2:
            return 0.0
        (since, before), (until, after) = self._measured[0], self._measured[-1]
        return (after - before) / (until - since) if until > since else 0.0

    @property
    def lag(self) -> float | None:
        """Wall seconds between the exchange's timestamp of the newest price and its receipt.

        As exact as our idea of the exchange's time; None without a price, or while that stands still.
        """
        quote, clock = self._newest, self._clock
        if quote is None or not clock.speed:
            return None
        behind = (clock.now() - quote.time).total_seconds() / clock.speed
        return max(behind - (clock.monotonic() - quote.received), 0.0)

    @property
    def stream(self) -> StreamState:
        """State of the market stream."""
        return self._stream

    def final(self, boundary: datetime, grace: timedelta) -> bool:
        """Say whether every candle that ended by ``boundary`` can be taken as final."""
        now = self._clock.now()
        return all(
            closer.ready(timeframe.floor(boundary), now, grace) for timeframe, closer in self._closers.items()
        )

    def close(self, boundary: datetime) -> list[Candle]:
        """Take every candle that ended by ``boundary`` and was not taken yet, then late corrections."""
        closed = [candle for closer in self._closers.values() for candle in closer.close(boundary)]
        return closed + [candle for closer in self._closers.values() for candle in closer.corrections()]

    def load(self, candles: Iterable[Candle]) -> None:
        """Take in closed candles, from history or from the closer."""
        by_timeframe: dict[Timeframe, list[Candle]] = {}
        for candle in candles:
            by_timeframe.setdefault(candle.timeframe, []).append(candle)
        for timeframe, rows in by_timeframe.items():
            self._bars[timeframe].append(frame_of(rows))

    def frame(self, timeframe: Timeframe) -> pl.DataFrame:
        """Return the recent closed candles of all pairs."""
        return self._bars[timeframe].frame

    def watch_stops(self, stops: Mapping[str, Decimal]) -> None:
        """Replace the watched stops, and check them against the prices at hand."""
        self._stops = dict(stops)
        for pair in stops:
            quote = self._quotes.get(pair)
            if quote is not None and self.freshness(quote) is not Freshness.STALE:
                self.on_quote(quote)

    def marks(self) -> dict[str, Mark]:
        """Return the latest price of every pair, with its age."""
        return {pair: self._mark(quote) for pair, quote in self._quotes.items()}

    @property
    def state(self) -> FeedState:
        """State of the market data as a whole."""
        seen = (self.freshness(quote) for quote in self._quotes.values())
        return feed_state(seen, connected=self._stream.connected)

    def check_usable(self) -> None:
        """Report when the feed as a whole becomes usable or stops being so."""
        state = self.state
        if state is not self._reported:
            self._reported = state
            usable = state is FeedState.LIVE
            self._inbox.put(MarketDataChanged(self._clock.now(), usable, self._detail(state)))

    def _detail(self, state: FeedState) -> str:
        match state:
            case FeedState.STARTING:
                return f"no prices yet ({self._stream.detail})" if self._stream.detail else "no prices yet"
            case FeedState.DOWN:
                return f"the market stream is down: {self._stream.detail}"
            case FeedState.STALE:
                newest = max(quote.received for quote in self._quotes.values())
                return f"no price for {self._clock.monotonic() - newest:.0f} s"
            case FeedState.LIVE:
                return "live"

    def freshness_counts(self) -> dict[Freshness, int]:
        """Return how many pairs are in each state."""
        counts = dict.fromkeys(Freshness, 0)
        for quote in self._quotes.values():
            counts[self.freshness(quote)] += 1
        return counts

    def freshness(self, quote: Quote) -> Freshness:
        """Judge a quote by its age now."""
        return freshness_of(quote, self._clock.monotonic(), self._settings, connected=self._stream.connected)

    def _mark(self, quote: Quote) -> Mark:
        return Mark(quote, self._clock.monotonic() - quote.received, self.freshness(quote))


def grace(clock: Clock, shortest: Timeframe, settings: MarketDataSettings) -> timedelta:
    """Return how long after a boundary (exchange time) a candle that saw no newer one is taken as final.

    The configured grace is wall time, for the network; where exchange time runs faster it is
    limited to half the shortest interval, so that a boundary is closed before the next one.
    """
    speed = max(clock.speed, 1.0)
    return min(timedelta(seconds=settings.boundary_grace_seconds * speed), shortest.length / 2)
