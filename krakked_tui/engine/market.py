"""The live market as the engine keeps it: latest quotes, recent closed bars, watched levels.

Implements ``FeedSink``: ticks end here, in dictionaries, and only closed bars, crossed levels and
changes of usability become events.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from math import inf

import msgspec
import polars as pl

from krakked_tui.decision.effects import Levels
from krakked_tui.decision.events import Mark, MarketDataChanged, StopCrossed
from krakked_tui.domain.candles import Candle, KnownFigures, Quote, Timeframe
from krakked_tui.domain.pairs import PairStatus, SystemStatus
from krakked_tui.engine.inbox import Inbox
from krakked_tui.market.closing import CandleCloser
from krakked_tui.market.frames import RecentBars, frame_of
from krakked_tui.market.freshness import FeedState, Freshness, Substitute, feed_state, freshness_of
from krakked_tui.market.settings import MarketDataSettings
from krakked_tui.ports import Clock, StreamState

RATE_SAMPLES = 11
"""Over how many measurements the rate of messages is taken."""


class Polling(msgspec.Struct, frozen=True):
    """Prices are asked for because the stream brings none.

    ``reason`` says why and since when, ``every`` is the pause between requests in wall seconds, and
    ``trouble`` why the last request failed, empty when it did not.
    """

    reason: str
    every: float
    trouble: str = ""


def _to_nobody(_news: object) -> None:
    """Tell nobody."""


class LiveMarket:
    """Latest state of every pair. Used from the engine's loop only; no method waits."""

    def __init__(
        self, *, timeframes: Iterable[Timeframe], keep_bars: int, settings: MarketDataSettings, inbox: Inbox,
        clock: Clock, on_system_status: Callable[[SystemStatus], None] = _to_nobody,
        on_pair_statuses: Callable[[Mapping[str, PairStatus]], None] = _to_nobody,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._inbox = inbox
        self._clock = clock
        self._quotes: dict[str, Quote] = {}
        self._levels: dict[str, Levels] = {}
        self._bars = {timeframe: RecentBars(keep_bars) for timeframe in timeframes}
        self._stream = StreamState("market", connected=False, detail="not connected yet")
        self._reported: tuple[FeedState, Polling | None] | None = None
        self._gap = asyncio.Event()
        # Candles of one timeframe come over one ordered connection; different ones may not.
        self._closers = {timeframe: CandleCloser(clock.now()) for timeframe in self._bars}
        self._running: dict[tuple[str, Timeframe], Candle] = {}
        self._newest: Quote | None = None
        """The newest quote of the stream."""
        self._asked: dict[str, Quote] = {}
        """The last quote of each pair that was asked for and not streamed."""
        self._checked: dict[str, float] = {}
        """When a separate request confirmed the price of a pair last, wall seconds."""
        self._polling: Polling | None = None
        self._sent: datetime | None = None
        """When the exchange sent the newest candles that came since the last measurement."""
        self._lateness = 0.0
        """How late messages came when that was last measured, wall seconds."""
        self.vouched_at = -inf
        """Wall second of the last request that showed that the stream, silent or not, misses nothing; told by
        the price checks."""
        self.turned_at = clock.monotonic()
        """Wall second at which the stream opened or closed last."""
        self._measured: deque[tuple[float, int]] = deque(maxlen=RATE_SAMPLES)
        self._tell_system_status = on_system_status
        self._tell_pair_statuses = on_pair_statuses
        self.system_status: SystemStatus | None = None
        """What the exchange said of itself last; None before it said anything."""
        self.ticks = 0
        self.candles = 0

    def on_quote(self, quote: Quote) -> None:
        """Keep the latest quote of the stream, and report it when it reaches a level that is watched for."""
        self.ticks += 1
        self._quotes[quote.pair] = self._newest = quote
        self._check(quote)

    def take_quotes(self, quotes: Iterable[Quote], asked: float) -> None:
        """Keep prices that were asked for at wall second ``asked``, and report levels they reach.

        What the stream said since then wins. The change over 24 hours, which such prices do not have,
        stays that of the price before.
        """
        for answer in quotes:
            known = self._quotes.get(answer.pair)
            if known is not None and known.received >= asked:
                continue
            quote = answer if known is None else _merged(answer, known)
            self._quotes[quote.pair] = self._asked[quote.pair] = quote
            self._check(quote)

    def confirm(self, pairs: Iterable[str], at: float) -> None:
        """Note that the prices of these pairs were the same in an answer received at wall second ``at``."""
        self._checked.update(dict.fromkeys(pairs, at))

    def keep_only(self, pairs: Collection[str]) -> None:
        """Forget the prices and candles that are not closed of all other pairs: nothing brings them any more.

        The candle in which a pair went is not closed: what was heard of it is not all of it.
        """
        for mapping in (self._quotes, self._asked, self._checked):
            for pair in mapping.keys() - set(pairs):
                del mapping[pair]
        gone = [key for key in self._running if key[0] not in pairs]
        for key in gone:
            del self._running[key]
        if gone:
            names = {pair for pair, _timeframe in gone}
            for closer in self._closers.values():
                closer.forget(names)

    def was_asked_for(self, quote: Quote) -> bool:
        """Say whether a pair's latest quote was asked for, and not streamed."""
        return self._asked.get(quote.pair) is quote

    def _check(self, quote: Quote) -> None:
        """Report a price that reaches a level of its pair, once."""
        levels = self._levels.get(quote.pair)
        level = levels.crossed(quote.price) if levels is not None else None
        if level is not None:
            del self._levels[quote.pair]
            event = StopCrossed(self._clock.now(), self._mark(quote), level)
            self._inbox.put(event, key=f"stop:{quote.pair}")

    def on_candle(self, candle: Candle, seen: datetime) -> None:
        """Keep a running or final candle until its boundary; one that had to be dropped is a gap."""
        self.candles += 1
        self._sent = seen
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
        if state.connected and not self._stream.connected and self._newest is not None:
            self._gap.set()
        if state.connected is not self._stream.connected:
            self.turned_at = self._clock.monotonic()
        self._stream = state
        self.check_usable()

    def on_system_status(self, status: SystemStatus) -> None:
        """Remember the status of the exchange as a whole and pass it on."""
        self.system_status = status
        self._tell_system_status(status)

    def on_pair_statuses(self, statuses: Mapping[str, PairStatus]) -> None:
        """Pass on what the exchange says of these pairs."""
        self._tell_pair_statuses(statuses)

    def note_gap(self) -> None:
        """Note that candles may be missing, of whatever pair."""
        self._gap.set()

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
        """Note how many messages have come, and how late. To be called every second."""
        clock = self._clock
        self._measured.append((clock.monotonic(), self.ticks + self.candles))
        if self._sent is not None and clock.speed:
            self._lateness = max((clock.now() - self._sent).total_seconds() / clock.speed, 0.0)
            self._sent = None

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
    def _late(self) -> bool:
        """Whether what comes in now is older than a price may be."""
        return self._lateness > self._settings.ws.stale_tolerance_seconds

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
            self.load_frame(timeframe, frame_of(rows))

    def load_frame(self, timeframe: Timeframe, frame: pl.DataFrame) -> None:
        """Take in a frame of closed candles, in any order, known or not."""
        self._bars[timeframe].append(frame)

    def frame(self, timeframe: Timeframe) -> pl.DataFrame:
        """Return the recent closed candles of all pairs."""
        return self._bars[timeframe].frame

    def keep_bars(self, bars: int) -> None:
        """Keep so many candles of each pair and timeframe from now on, if that is more than before.

        What was dropped before does not come back by itself.
        """
        for recent in self._bars.values():
            recent.keep = max(recent.keep, bars)

    def watch_stops(self, stops: Mapping[str, Levels]) -> None:
        """Replace the levels that are watched for, and check them against the prices at hand."""
        self._levels = dict(stops)
        for pair in stops:
            quote = self._quotes.get(pair)
            # However old the price is: it is the best there is, and its age goes on record.
            if quote is not None:
                self._check(quote)

    def marks(self) -> dict[str, Mark]:
        """Return the latest price of every pair, with its age."""
        return {pair: self._mark(quote) for pair, quote in self._quotes.items()}

    @property
    def state(self) -> FeedState:
        """State of the market data as a whole."""
        if self._polling is None:
            substitute = Substitute.NONE
        else:
            substitute = Substitute.FAILING if self._polling.trouble else Substitute.POLLED
        state = feed_state(
            self._proven_age, self._settings.ws, priced=bool(self._quotes),
            connected=self._stream.connected, substitute=substitute,
        )  # fmt: skip
        return FeedState.STALE if state is FeedState.LIVE and self._late else state

    @property
    def streamed_at(self) -> float | None:
        """Wall second at which the stream brought a price last, of whatever pair; None before the first."""
        return None if self._newest is None else self._newest.received

    @property
    def _proven_age(self) -> float | None:
        """Age of the last proof that the stream brings what happens; None while there is no price of it."""
        at = self.streamed_at
        return None if at is None else self._clock.monotonic() - max(at, self.vouched_at)

    @property
    def _streamed_age(self) -> float | None:
        return None if self._newest is None else self._clock.monotonic() - self._newest.received

    @property
    def polling(self) -> Polling | None:
        """How prices are asked for while the stream brings none; None while it does."""
        return self._polling

    @polling.setter
    def polling(self, polling: Polling | None) -> None:
        self._polling = polling
        self.check_usable()

    def check_usable(self) -> None:
        """Report when the feed as a whole becomes usable or stops being so, or says anything new of it."""
        seen = self.state, self._polling
        if seen != self._reported:
            self._reported = seen
            usable = seen[0] is FeedState.LIVE
            self._inbox.put(MarketDataChanged(self._clock.now(), usable, self._detail(seen[0])))

    def _detail(self, state: FeedState) -> str:
        match state:
            case FeedState.STARTING:
                detail = f"no prices yet ({self._stream.detail})" if self._stream.detail else "no prices yet"
            case FeedState.POLLING:
                assert self._polling is not None
                return f"{self._polling.reason}; prices are asked for every {self._polling.every:.0f} s"
            case FeedState.DOWN:
                detail = f"the market stream is down: {self._stream.detail}"
            case FeedState.STALE:
                detail = self._why_stale()
            case FeedState.LIVE:
                return "live"
        trouble = self._polling.trouble if self._polling else ""
        return f"{detail}; asking for prices fails too: {trouble}" if trouble else detail

    def _why_stale(self) -> str:
        if self._late:
            return f"prices come {self._lateness:.0f} s late"
        age = self._streamed_age
        if age is None:
            return "no price from the stream"
        # An instant, not an age: this is said once.
        since = self._clock.now() - timedelta(seconds=age * self._clock.speed)
        return f"no price since {since:%H:%M:%S} UTC"

    def freshness_counts(self) -> dict[Freshness, int]:
        """Return how many pairs are in each state."""
        counts = dict.fromkeys(Freshness, 0)
        for quote in self._quotes.values():
            counts[self.freshness(quote)] += 1
        return counts

    def freshness(self, quote: Quote) -> Freshness:
        """Judge a quote by its age now."""
        return freshness_of(
            quote, self._clock.monotonic(), self._settings.ws, live=self.state is FeedState.LIVE,
            checked=self._checked.get(quote.pair),
        )  # fmt: skip

    def _mark(self, quote: Quote) -> Mark:
        return Mark(quote, self._clock.monotonic() - quote.received, self.freshness(quote))


def _merged(answer: Quote, known: Quote) -> Quote:
    """Return prices that were asked for with the one figure that they lack."""
    figures = answer.figures
    kept = KnownFigures(
        bid_size=figures.bid_size, ask_size=figures.ask_size, volume_24h=figures.volume_24h,
        vwap_24h=figures.vwap_24h, change_pct_24h=known.figures.change_pct_24h,
    )  # fmt: skip
    return msgspec.structs.replace(answer, figures=kept)


def grace(clock: Clock, shortest: Timeframe, settings: MarketDataSettings) -> timedelta:
    """Return how long after a boundary (exchange time) a candle that saw no newer one is taken as final.

    The configured grace is wall time, for the network; where exchange time runs faster it is
    limited to half the shortest interval, so that a boundary is closed before the next one.
    """
    speed = max(clock.speed, 1.0)
    return min(timedelta(seconds=settings.ingest.boundary_grace_seconds * speed), shortest.length / 2)
