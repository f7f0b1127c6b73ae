"""The feed over a scripted exchange; its stream has a test module of its own."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain

import pytest
from msgspec.structs import replace
from websockets.asyncio.server import serve

from krakked_tui.domain.candles import Candle, KnownFigures, Quote, Timeframe
from krakked_tui.domain.depth import BookLevel, BookTop, PublicTrade
from krakked_tui.domain.errors import UnknownPairError
from krakked_tui.domain.orders import Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.kraken.errors import InvalidArgumentsError, KrakenProtocolError
from krakked_tui.kraken.feed import SERVED, KrakenFeed
from krakked_tui.kraken.market_stream import Watch, Watcher
from krakked_tui.kraken.stream import KrakenStream
from tests.fakes.clock import FakeClock
from tests.fakes.viewer import Viewer
from tests.unit.kraken.exchange import ScriptedKraken, ok, refused
from tests.unit.kraken.test_market_stream import Desk, Screen, Serving

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def feed(kraken: ScriptedKraken) -> KrakenFeed:
    clock = FakeClock()
    stream = KrakenStream("market", "ws://127.0.0.1:1", clock, random.Random(1))
    return KrakenFeed(kraken.rest(key=False), kraken.listing(), stream, clock)


def ohlc_row(at: datetime, close: str = "37500.1") -> list[object]:
    return [int(at.timestamp()), "37500.0", "37501.0", "37499.0", close, "37500.2", "1.25000000", 7]


async def test_server_time_and_pairs() -> None:
    kraken = ScriptedKraken()
    kraken.on("Time", ok({"unixtime": 1767614400}))
    market = feed(kraken)
    assert (await market.server_time()).at == NOON
    pairs, assets = await market.pairs()
    assert [pair.ws_symbol for pair in pairs] == ["BTC/USD"]
    assert [asset.raw_name for asset in assets] == ["XXBT", "ZUSD"]


async def test_quotes_come_in_one_call_under_our_names() -> None:
    row = {
        "a": ["37500.2", "1", "1.5"],
        "b": ["37500.1", "2", "2.5"],
        "c": ["37500.15", "0.1"],
        "v": ["1", "20"],
        "p": ["37000", "37100"],
    }
    kraken = ScriptedKraken()
    kraken.on("Ticker", ok({"XXBTZUSD": row, "NOBODYKNOWS": row}))
    quotes = await feed(kraken).quotes()
    assert quotes["XBTUSD"] == Quote(
        pair="XBTUSD",
        bid=Decimal("37500.1"),
        ask=Decimal("37500.2"),
        last=Decimal("37500.15"),
        time=datetime(2026, 1, 5, tzinfo=UTC),
        received=0.0,
        figures=KnownFigures(
            bid_size=Decimal("2.5"),
            ask_size=Decimal("1.5"),
            volume_24h=Decimal(20),
            vwap_24h=Decimal(37100),
        ),
    )
    assert quotes.keys() == {"XBTUSD", "NOBODYKNOWS"}
    assert len(kraken.calls_of("Ticker")) == 1


async def test_candles_from_since_oldest_first_the_running_one_included(xbtusd: PairMetadata) -> None:
    opens = [datetime(2026, 1, 5, 12, minute, tzinfo=UTC) for minute in (0, 5, 10)]
    before = datetime(2026, 1, 5, 11, 55, tzinfo=UTC)
    kraken = ScriptedKraken()
    kraken.on("OHLC", ok({"XXBTZUSD": [ohlc_row(at) for at in (before, *opens)], "last": 5}))
    candles = await feed(kraken).candles(xbtusd, Timeframe.M5, NOON)
    assert [candle.time for candle in candles] == opens
    assert candles[0] == Candle(
        "XBTUSD", Timeframe.M5, NOON, 37500.0, 37501.0, 37499.0, 37500.1, 1.25, 37500.2, 7
    )
    (call,) = kraken.calls_of("OHLC")
    assert call.params == {"pair": "XBTUSD", "interval": "5", "since": str(int(NOON.timestamp()) - 1)}


async def test_candles_kraken_does_not_serve(xbtusd: PairMetadata) -> None:
    kraken = ScriptedKraken()
    with pytest.raises(InvalidArgumentsError, match="12h"):
        await feed(kraken).candles(xbtusd, Timeframe.H12, NOON)
    assert kraken.calls == []
    assert set(Timeframe) - set(SERVED) == {Timeframe.H12}


async def test_candles_of_an_unknown_pair_or_none_at_all(xbtusd: PairMetadata) -> None:
    kraken = ScriptedKraken()
    kraken.on("OHLC", refused("EQuery:Unknown asset pair"))
    with pytest.raises(UnknownPairError, match="XBTUSD"):
        await feed(kraken).candles(xbtusd, Timeframe.M1, NOON)
    kraken.on("OHLC", ok({"last": 5}))
    with pytest.raises(KrakenProtocolError, match="XBTUSD"):
        await feed(kraken).candles(xbtusd, Timeframe.M1, NOON)


async def test_a_stream_of_candles_kraken_does_not_serve(xbtusd: PairMetadata) -> None:
    with pytest.raises(InvalidArgumentsError, match="12h"):
        await feed(ScriptedKraken()).stream([xbtusd], [Timeframe.H12], Screen())


async def test_closing_is_repeatable() -> None:
    market = feed(ScriptedKraken())
    await market.close()
    await market.close()


async def test_a_running_stream_carries_other_pairs_and_books_on_demand(xbtusd: PairMetadata) -> None:
    server, screen, desk = Serving(), Screen(), Desk()
    kraken, clock = ScriptedKraken(), FakeClock()
    async with serve(server.serve, "127.0.0.1", 0) as listener, asyncio.TaskGroup() as group:
        url = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        stream = KrakenStream("market", url, clock, random.Random(1))
        market = KrakenFeed(kraken.rest(key=False), kraken.listing(), stream, clock)
        await market.watch({"XBTUSD": Watch(depth=10)}, desk)
        assert market.heard("ticker") is None
        running = group.create_task(market.stream([], [Timeframe.M1], screen))
        await screen.until(lambda: bool(screen.states) and screen.states[-1].connected)
        await market.change_pairs([xbtusd])
        # What was asked for before there was a stream counts too.
        await screen.until(lambda: bool(screen.candles) and screen.states[-1].acked == 4)
        assert market.heard("ticker", "XBTUSD") == 0.0
        await market.watch({"XBTUSD": Watch(depth=10, trades=True)}, desk)
        await screen.until(lambda: screen.states[-1].acked == 5)
        running.cancel()
    assert desk.books[0] == ("XBTUSD", True, 1)
    assert market.heard("ticker") is None


TRADE = PublicTrade("XBTUSD", NOON, Side.BUY, Decimal("1.5"), Decimal("2.0"))


@asynccontextmanager
async def focusing() -> AsyncIterator[tuple[KrakenFeed, Serving, FakeClock]]:
    server, kraken, clock = Serving(), ScriptedKraken(), FakeClock()
    async with serve(server.serve, "127.0.0.1", 0) as listener:
        url = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        stream = KrakenStream("market", url, clock, random.Random(1))
        yield KrakenFeed(kraken.rest(key=False), kraken.listing(), stream, clock), server, clock


async def test_focus_outlives_streams_and_connections_and_tells_each_trade_once(xbtusd: PairMetadata) -> None:
    viewer, screen = Viewer(), Screen()
    async with focusing() as (market, server, clock), asyncio.TaskGroup() as group:
        await market.focus(xbtusd, 3, viewer)
        # A pair is followed even when the stream carries nothing else of it.
        running = group.create_task(market.stream([], [Timeframe.M1], screen))
        await viewer.until(lambda: bool(viewer.books) and len(viewer.trades) == 2)
        assert viewer.books == [
            BookTop("XBTUSD", (BookLevel(Decimal("1.5"), Decimal("2.0")),), (), valid=True, received=0.0)
        ]
        assert viewer.trades == [TRADE, TRADE]
        await server.connections[0].close()
        await viewer.until(lambda: not viewer.books[-1].valid)
        await clock.advance(1)
        await viewer.until(lambda: viewer.books[-1].valid)
        running.cancel()
        await asyncio.wait({running})
        assert not viewer.books[-1].valid
        running = group.create_task(market.stream([xbtusd], [Timeframe.M1], screen))
        await viewer.until(lambda: viewer.books[-1].valid)
        await screen.until(lambda: screen.states[-1].acked == 5)
        running.cancel()
    assert len(viewer.trades) == 2
    assert {"channel": "book", "depth": 10, "symbol": ["BTC/USD"]} in chain.from_iterable(server.asked)


async def test_asking_for_the_same_begins_anew_and_for_none_ends_it(xbtusd: PairMetadata) -> None:
    first, second, screen = Viewer(), Viewer(), Screen()
    async with focusing() as (market, _server, _clock), asyncio.TaskGroup() as group:
        running = group.create_task(market.stream([], [Timeframe.M1], screen))
        await market.focus(xbtusd, 10, first)
        await first.until(lambda: bool(first.trades))
        await market.focus(xbtusd, 10, second)
        await second.until(lambda: len(second.trades) == 2 and second.books[-1].valid)
        await market.focus(None, 10, second)
        assert not second.books[-1].valid
        await screen.until(lambda: (screen.states[-1].wanted, screen.states[-1].acked) == (1, 1))
        running.cancel()
    assert len(first.trades) == 2


class SlowStream:
    """A running stream that takes its time over every change."""

    def __init__(self) -> None:
        self.followed: list[str] = []

    async def watch(
        self, pairs: Mapping[str, Watch], _watcher: Watcher, _others: Sequence[PairMetadata]
    ) -> None:
        await asyncio.sleep(0)
        self.followed = list(pairs)


async def test_of_several_who_ask_at_once_the_last_counts(xbtusd: PairMetadata) -> None:
    market, slow, viewer = feed(ScriptedKraken()), SlowStream(), Viewer()
    market._running = slow  # type: ignore[assignment]
    await market.focus(xbtusd, 10, viewer)
    async with asyncio.TaskGroup() as askers:
        # The first begins anew, in two steps; the second asks in between.
        askers.create_task(market.focus(xbtusd, 10, viewer))
        askers.create_task(market.focus(replace(xbtusd, canonical="ETHUSD"), 10, viewer))
    assert slow.followed == ["ETHUSD"]


async def test_a_book_deeper_than_kraken_serves(xbtusd: PairMetadata) -> None:
    with pytest.raises(InvalidArgumentsError, match="1000 levels at most, not 1001"):
        await feed(ScriptedKraken()).focus(xbtusd, 1001, Viewer())
