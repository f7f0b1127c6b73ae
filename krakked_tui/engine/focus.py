"""The one pair that somebody looks at closely: its book, its trades, its candles.

Candles of a timeframe in use are those the engine has, in memory and in the store, with live updates; what
these lack is read from the exchange once. Those of any other timeframe are read from the exchange, anew
after each boundary, and follow prices in between.
"""

import asyncio
from collections.abc import Container, Mapping, Sequence
from datetime import datetime

import msgspec
import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.depth import BookTop, PublicTrade
from krakked_tui.domain.errors import KrakkedError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.series import Series, aggregate, candles_of
from krakked_tui.ports import CandleStore, Clock, MarketFeed

BARS = 300
TRADES = 50
DEPTH = 10
"""Levels of the book, each side."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
SETTLED_SECONDS = 2.0
"""After a boundary (wall), until the exchange has the candle that ended."""
REFRESH_SECONDS = 5.0
"""Between reads (wall) however short the candles: exchange time may run faster."""
LONGEST_WAIT_SECONDS = 30.0
"""Exchange time may jump or change its pace."""
RECENT_MAX = 8
"""Charts remembered, for whoever goes back to one."""
NAME_MAX = 40
PARTS = {Timeframe.H12: Timeframe.H4}
"""Timeframes that the exchange does not have, and what they are put together from."""


class FocusPicture(msgspec.Struct, frozen=True):
    """What there is of the pair now. ``bars`` is the same object for as long as they are the same."""

    pair: str = ""
    timeframe: Timeframe = Timeframe.M1
    bars: tuple[Candle, ...] = ()
    running: Candle | None = None
    book: BookTop | None = None
    trades: tuple[PublicTrade, ...] = ()
    """Newest first."""
    trouble: str = ""


class Focus:
    """Implements ``ports.FocusSink``. Used from the engine's loop only."""

    def __init__(
        self, *, feed: MarketFeed, store: CandleStore, market: LiveMarket, clock: Clock,
        listed: Mapping[str, PairMetadata], carried: Container[str], depth: int = DEPTH,
    ) -> None:  # fmt: skip
        """``listed`` are all pairs of the exchange, ``carried`` the names of those in the live stream.

        Both are read anew each time. ``depth`` is how many levels of the book are asked for, each side.
        """
        self._feed = feed
        self._store = store
        self._market = market
        self._clock = clock
        self._listed = listed
        self._carried = carried
        self._depth = depth
        self._series: Series | None = None
        self._recent: dict[tuple[str, Timeframe], Series] = {}
        self._pair: PairMetadata | None = None
        self._frame: pl.DataFrame | None = None
        self._book: BookTop | None = None
        self._trades: tuple[PublicTrade, ...] = ()
        self._moved = asyncio.Event()
        self._asked = asyncio.Event()

    def look_at(self, name: str | None, timeframe: Timeframe) -> None:
        """Show this pair and these candles from now on, at once what is in memory. None: nothing."""
        series = self._series
        if name == (series.pair if series else None) and (not series or series.timeframe is timeframe):
            return
        pair = self._listed.get(name) if name is not None else None
        if series is None or series.pair != name:
            self._book, self._trades = None, ()
        if pair is not self._pair:
            self._pair = pair
            self._moved.set()
        self._series = self._remembered(name, timeframe) if name is not None else None
        self._frame = None
        self._asked.set()

    def picture(self) -> FocusPicture:
        """Return what there is now. Never waits."""
        series = self._series
        if series is None:
            return FocusPicture()
        if self._pair is None:
            trouble = f"{series.pair[:NAME_MAX]} is not listed at the exchange"
            return FocusPicture(series.pair, series.timeframe, trouble=trouble)
        self._update(series)
        trouble = series.trouble
        if not trouble and not self._pair.ws_symbol:
            trouble = f"the exchange streams no book and no trades of {series.pair}"
        return FocusPicture(
            series.pair, series.timeframe, series.closed, series.running, self._book, self._trades, trouble
        )

    def book_of(self, pair: str) -> BookTop | None:
        """Return the book of a pair, None of one that is not looked at."""
        return self._book if self._book is not None and self._book.pair == pair else None

    def on_book(self, book: BookTop) -> None:
        """Keep the latest book of the pair."""
        if self._series is not None and book.pair == self._series.pair:
            self._book = book

    def on_trades(self, trades: Sequence[PublicTrade]) -> None:
        """Keep the latest trades of the pair."""
        if self._series is not None:
            pair = self._series.pair
            newest = [trade for trade in reversed(trades[-TRADES:]) if trade.pair == pair]
            self._trades = (*newest, *self._trades)[:TRADES]

    async def follow(self) -> None:
        """Have the feed follow whatever is looked at, until cancelled."""
        followed: PairMetadata | None = None
        while True:
            self._moved.clear()
            if self._pair is not followed:
                followed = self._pair
                # Never cancelled by the next one: half a request would have to be cleared up.
                await self._feed.focus(followed, self._depth, self)
            else:
                await self._moved.wait()

    async def keep_bars(self) -> None:
        """Read the candles of whatever is looked at, until cancelled. What is outdated is not waited for."""
        while True:
            self._asked.clear()
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(self._series, self._pair))
                await self._asked.wait()
                reading.cancel()

    def _remembered(self, name: str, timeframe: Timeframe) -> Series:
        """Return the candles that were shown lately, or none yet."""
        series = self._recent.pop((name, timeframe), None) or Series(name, timeframe, BARS)
        self._recent[name, timeframe] = series
        if len(self._recent) > RECENT_MAX:
            del self._recent[next(iter(self._recent))]
        return series

    async def _read(self, series: Series | None, pair: PairMetadata | None) -> None:
        if series is None or pair is None:
            return
        pause = FIRST_PAUSE_SECONDS
        while True:
            asked, now = self._clock.monotonic(), self._clock.now()
            try:
                await self._load(series, pair, now)
            except KrakkedError as error:
                series.trouble = f"candles may be missing: {error}; trying again"
                await self._clock.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                continue
            series.trouble = ""
            pause = FIRST_PAUSE_SECONDS
            if self._is_live(series):
                return  # the rest comes over the stream
            await self._wait_until(series.timeframe.floor(now) + series.timeframe.length, asked)

    async def _load(self, series: Series, pair: PairMetadata, now: datetime) -> None:
        timeframe = series.timeframe
        if self._is_live(series):
            frame = await self._store.read(series.pair, timeframe, limit=BARS)
            series.add(candles_of(frame, series.pair, timeframe), self._clock.now())
            if len(series.closed) >= BARS:
                return
        since = timeframe.floor(now) - BARS * timeframe.length
        candles = await self._feed.candles(pair, PARTS.get(timeframe, timeframe), since)
        if timeframe in PARTS:
            candles = aggregate(candles, timeframe)
        series.add(candles, self._clock.now())

    async def _wait_until(self, boundary: datetime, asked: float) -> None:
        """Wait until the candle that ends at ``boundary`` can be read, at least some time after ``asked``."""
        clock = self._clock
        while (now := clock.now()) < boundary:
            wall = (boundary - now).total_seconds() / clock.speed if clock.speed else LONGEST_WAIT_SECONDS
            await clock.sleep(min(wall, LONGEST_WAIT_SECONDS))
        await clock.sleep(max(SETTLED_SECONDS, asked + REFRESH_SECONDS - clock.monotonic()))

    def _update(self, series: Series) -> None:
        """Take in what came over the live stream since the last look."""
        now = self._clock.now()
        if self._is_live(series):
            frame = self._market.frame(series.timeframe)
            if frame is not self._frame:
                self._frame = frame
                series.add(candles_of(frame, series.pair, series.timeframe), now)
            running = self._market.running(series.pair, series.timeframe)
            if running is not None and running.end > now:
                series.run(running)
        else:
            quote = self._market.quotes.get(series.pair)
            if quote is not None and quote.time >= series.timeframe.floor(now):
                series.trade_at(quote)
        series.end(now)

    def _is_live(self, series: Series) -> bool:
        return series.pair in self._carried and series.timeframe in self._market.timeframes
