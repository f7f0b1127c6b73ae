"""A market feed whose requests are remembered: when one was answered last, when and why one failed.

The sandbox is told apart by the time factor that comes with its clock.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.pairs import AssetInfo, PairMetadata
from krakked_tui.ports import Clock, FeedSink, FocusSink, MarketFeed, ServerTime

T = TypeVar("T")


class RecordedFeed:
    """Implements ``ports.MarketFeed`` by another one. The instants are wall seconds."""

    def __init__(self, feed: MarketFeed, clock: Clock, machine_now: Callable[[], datetime]) -> None:
        """``machine_now`` tells this machine's own time, UTC."""
        self._feed = feed
        self._clock = clock
        self._machine_now = machine_now
        self._own_time: bool | None = None
        self.answered: float | None = None
        """When a request was answered last."""
        self.failed: float | None = None
        """When one failed last."""
        self.failure = ""
        """Why it did."""

    @property
    def clock_offset(self) -> float | None:
        """Seconds by which this machine's clock is ahead of the exchange's, as far as we know it.

        None before the exchange has told its time, and in a sandbox, which has a time of its own.
        """
        if self._own_time is not False:
            return None
        return (self._machine_now() - self._clock.now()).total_seconds()

    async def server_time(self) -> ServerTime:
        """The exchange's clock."""
        told = await self._record(self._feed.server_time())
        self._own_time = told.speed is not None
        return told

    async def pairs(self) -> tuple[Sequence[PairMetadata], Sequence[AssetInfo]]:
        """All pairs and assets the exchange lists, in every status."""
        return await self._record(self._feed.pairs())

    async def quotes(self) -> Mapping[str, Quote]:
        """Latest prices of all pairs by canonical name, in one call."""
        return await self._record(self._feed.quotes())

    async def candles(self, pair: PairMetadata, timeframe: Timeframe, since: datetime) -> Sequence[Candle]:
        """Candles that open at or after ``since``, oldest first, the running one included."""
        return await self._record(self._feed.candles(pair, timeframe, since))

    async def stream(
        self, pairs: Sequence[PairMetadata], timeframes: Sequence[Timeframe], sink: FeedSink
    ) -> None:
        """Keep quotes and candles flowing into ``sink`` until cancelled, reconnecting by itself."""
        await self._feed.stream(pairs, timeframes, sink)

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

    async def _record(self, request: Awaitable[T]) -> T:
        try:
            answer = await request
        except ExchangeError as error:
            self.failed, self.failure = self._clock.monotonic(), str(error)
            raise
        self.answered = self._clock.monotonic()
        return answer
