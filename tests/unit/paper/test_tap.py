from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.depth import BookTop, PublicTrade
from krakked_tui.domain.pairs import AssetInfo, PairMetadata, PairStatus, SystemStatus
from krakked_tui.paper.tap import TappedFeed
from krakked_tui.ports import FeedSink, FocusSink, ServerTime, StreamState
from tests.unit.paper.samples import ASSETS, PAIR, D, quote_of
from tests.unit.storage.samples import candle

AT = datetime(2026, 1, 5, tzinfo=UTC)
QUOTE = quote_of(D(1000), bid=None, ask=None, size=D(1), volume=D(5), received=1.0, time=AT)
STATUSES = {"XBTUSD": PairStatus.CANCEL_ONLY}
UP = StreamState("market", connected=True)


class Feed:
    """A market feed that says a little of everything."""

    closed = False
    carried: Sequence[PairMetadata] = ()
    renewed: Sequence[str] = ()
    focused: tuple[PairMetadata | None, int, FocusSink] | None = None

    async def server_time(self) -> ServerTime:
        return ServerTime(AT)

    async def pairs(self) -> tuple[Sequence[PairMetadata], Sequence[AssetInfo]]:
        return [PAIR], ASSETS

    async def quotes(self) -> Mapping[str, Quote]:
        return {"XBTUSD": QUOTE}

    async def candles(self, pair: PairMetadata, timeframe: Timeframe, since: datetime) -> Sequence[Candle]:
        return [candle(1)]

    async def stream(
        self, pairs: Sequence[PairMetadata], timeframes: Sequence[Timeframe], sink: FeedSink
    ) -> None:
        assert (pairs, timeframes) == ([PAIR], [Timeframe.M1])
        sink.on_stream_state(UP)
        sink.on_quote(QUOTE)
        sink.on_candle(candle(1), AT)
        sink.on_system_status(SystemStatus.POST_ONLY)
        sink.on_pair_statuses(STATUSES)

    async def change_pairs(self, pairs: Sequence[PairMetadata]) -> None:
        self.carried = pairs

    async def renew(self, pairs: Sequence[str]) -> None:
        self.renewed = pairs

    async def focus(self, pair: PairMetadata | None, depth: int, sink: FocusSink) -> None:
        self.focused = (pair, depth, sink)

    async def close(self) -> None:
        self.closed = True


class Listener:
    """Writes down what it is shown, in order; also the sink of whoever asked."""

    def __init__(self, name: str, log: list[tuple[str, object]]) -> None:
        self._name = name
        self._log = log

    def on_quote(self, quote: Quote) -> None:
        self._log.append((self._name, quote))

    def on_quotes(self, quotes: Iterable[Quote]) -> None:
        self._log.append((self._name, list(quotes)))

    def on_pairs(self, pairs: Sequence[PairMetadata], assets: Sequence[AssetInfo]) -> None:
        self._log.append((self._name, (pairs, assets)))

    def on_market_state(self, state: StreamState) -> None:
        self._log.append((self._name, state))

    def on_stream_state(self, state: StreamState) -> None:
        self._log.append((self._name, state))

    def on_candle(self, candle: Candle, seen: datetime) -> None:
        self._log.append((self._name, (candle, seen)))

    def on_system_status(self, status: SystemStatus) -> None:
        self._log.append((self._name, status))

    def on_pair_statuses(self, statuses: Mapping[str, PairStatus]) -> None:
        self._log.append((self._name, statuses))


class Viewer:
    """Somebody who looks at one pair."""

    def on_book(self, book: BookTop) -> None:
        """See nothing."""

    def on_trades(self, trades: Sequence[PublicTrade]) -> None:
        """See nothing."""


async def test_everything_passes_and_the_listener_hears_it_first() -> None:
    log: list[tuple[str, object]] = []
    inner = Feed()
    feed = TappedFeed(inner, Listener("listener", log))
    await feed.stream([PAIR], [Timeframe.M1], Listener("sink", log))
    assert log == [
        ("listener", UP), ("sink", UP),
        ("listener", QUOTE), ("sink", QUOTE),
        ("sink", (candle(1), AT)), ("sink", SystemStatus.POST_ONLY), ("sink", STATUSES),
    ]  # fmt: skip


async def test_answers_pass_and_prices_and_pairs_are_shown() -> None:
    log: list[tuple[str, object]] = []
    inner = Feed()
    feed = TappedFeed(inner, Listener("listener", log))
    assert await feed.server_time() == ServerTime(AT)
    assert await feed.candles(PAIR, Timeframe.M1, AT) == [candle(1)]
    assert log == []
    assert await feed.pairs() == ([PAIR], ASSETS)
    assert await feed.quotes() == {"XBTUSD": QUOTE}
    assert log == [("listener", ([PAIR], ASSETS)), ("listener", [QUOTE])]
    await feed.change_pairs([PAIR])
    await feed.renew(["XBTUSD"])
    assert (inner.carried, inner.renewed) == ([PAIR], ["XBTUSD"])
    sink = Viewer()
    await feed.focus(PAIR, 10, sink)
    assert inner.focused == (PAIR, 10, sink)
    await feed.close()
    assert inner.closed
