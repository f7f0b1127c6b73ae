"""A market feed that says what it is told to, and writes down what it is asked."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.pairs import AssetInfo, PairMetadata
from krakked_tui.ports import FeedSink, FocusSink, ServerTime
from tests.fakes.clock import FakeClock


class FakeFeed:
    """Implements ``MarketFeed``.

    ``bars`` answers ``candles``; one that ``failure`` is set for raises it, as
    ``quotes`` does with ``quotes_failure``; ``gate`` holds answers back while
    it is not set. ``listed``, ``assets`` and ``prices`` answer ``pairs`` and ``quotes``; ``carried`` has what
    each ``change_pairs`` asked for, ``renewed`` what each ``renew``.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.bars: dict[tuple[str, Timeframe], list[Candle]] = {}
        self.listed: Sequence[PairMetadata] = ()
        self.assets: Sequence[AssetInfo] = ()
        self.prices: dict[str, Quote] = {}
        self.carried: list[tuple[str, ...]] = []
        self.renewed: list[tuple[str, ...]] = []
        self.failure: ExchangeError | None = None
        self.quotes_failure: ExchangeError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[tuple[str, Timeframe, float]] = []
        self.focused: list[str | None] = []
        self.viewer: FocusSink | None = None
        self.speed: float | None = None
        self.closed = False

    async def server_time(self) -> ServerTime:
        self._check()
        return ServerTime(self.clock.now(), self.speed)

    async def pairs(self) -> tuple[Sequence[PairMetadata], Sequence[AssetInfo]]:
        await self.gate.wait()
        self._check()
        return self.listed, self.assets

    async def quotes(self) -> Mapping[str, Quote]:
        await self.gate.wait()
        self._check()
        if self.quotes_failure is not None:
            raise self.quotes_failure
        return self.prices

    async def candles(self, pair: PairMetadata, timeframe: Timeframe, since: datetime) -> Sequence[Candle]:
        self.asked.append((pair.canonical, timeframe, self.clock.monotonic()))
        await self.gate.wait()
        self._check()
        return [bar for bar in self.bars.get((pair.canonical, timeframe), []) if bar.time >= since]

    async def stream(
        self, pairs: Sequence[PairMetadata], timeframes: Sequence[Timeframe], sink: FeedSink
    ) -> None:
        await asyncio.Event().wait()

    async def change_pairs(self, pairs: Sequence[PairMetadata]) -> None:
        self.carried.append(tuple(pair.canonical for pair in pairs))

    async def renew(self, pairs: Sequence[str]) -> None:
        self.renewed.append(tuple(pairs))

    async def focus(self, pair: PairMetadata | None, depth: int, sink: FocusSink) -> None:
        self.focused.append(None if pair is None else pair.canonical)
        self.viewer = sink
        await self.gate.wait()
        self._check()

    async def close(self) -> None:
        self.closed = True

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure
