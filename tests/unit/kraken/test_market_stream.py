"""Prices and candles over real WebSocket connections, one per candle interval."""

import asyncio
import random
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import chain

import msgspec
import pytest
from msgspec.structs import replace
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.kraken.book import Book
from krakked_tui.kraken.frames import TradeRow
from krakked_tui.kraken.market_stream import MarketStream, Watch
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.ports import StreamState
from tests.fakes.clock import FakeClock

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TICKERS = (
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":37500.10,"bid_qty":0.10000000,'
    '"ask":37500.2,"ask_qty":1.0,"last":37500.15,"volume":20.5,"vwap":37100.1,"change_pct":-1.25,'
    '"timestamp":"2026-01-05T12:00:00.123456Z"},{"symbol":"NEW/USD","bid":1.0,"bid_qty":1.0,"ask":2.0,'
    '"ask_qty":1.0,"last":1.5}]}'
)
CANDLE = (
    '{"symbol":"BTC/USD","open":37500.0,"high":37501.0,"low":37499.0,"close":37500.1,"trades":7,"volume":1.25,'
    '"vwap":37500.2,"interval_begin":"2026-01-05T12:00:00.000000000Z","interval":%d}'
)


class Screen:
    """Implements ``FeedSink``: everything it heard, and somebody waiting for it."""

    def __init__(self) -> None:
        self.quotes: list[Quote] = []
        self.candles: list[tuple[Candle, datetime]] = []
        self.states: list[StreamState] = []
        self._changed = asyncio.Event()

    def on_quote(self, quote: Quote) -> None:
        self.quotes.append(quote)
        self._changed.set()

    def on_candle(self, candle: Candle, seen: datetime) -> None:
        self.candles.append((candle, seen))
        self._changed.set()

    def on_stream_state(self, state: StreamState) -> None:
        self.states.append(state)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()


class Server:
    """Acks every subscription, but one candle interval per connection, as Kraken does."""

    def __init__(self) -> None:
        self.asked: list[list[dict[str, object]]] = []
        self.connections: list[ServerConnection] = []

    async def serve(self, connection: ServerConnection) -> None:
        await connection.send('{"channel":"status","type":"update","data":[{"system":"online"}]}')
        asked: list[dict[str, object]] = []
        self.asked.append(asked)
        self.connections.append(connection)
        async for message in connection:
            request = msgspec.json.decode(message)
            asked.append(request["params"])
            assert len({params["interval"] for params in asked if "interval" in params}) <= 1
            for symbol in request["params"]["symbol"]:
                ack = {"method": request["method"], "req_id": request["req_id"], "success": True}
                await connection.send(msgspec.json.encode(ack | {"result": {"symbol": symbol}}).decode())
            if request["method"] == "subscribe":
                await connection.send(self.news(request["params"]))

    def news(self, params: dict[str, object]) -> str:
        if params["channel"] == "ticker":
            return TICKERS
        rows = f"{CANDLE % params['interval']},{CANDLE % 21600}"
        return f'{{"channel":"ohlc","type":"update","timestamp":"2026-01-05T12:00:30.5Z","data":[{rows}]}}'


@asynccontextmanager
async def streaming(
    server: Server, screen: Screen, pairs: Sequence[PairMetadata], timeframes: Sequence[Timeframe]
) -> AsyncIterator[FakeClock]:
    clock = FakeClock()
    async with serve(server.serve, "127.0.0.1", 0) as listener, asyncio.TaskGroup() as group:
        url = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        stream = KrakenStream("market", url, clock, random.Random(1))
        running = group.create_task(MarketStream(pairs, timeframes, screen, clock).run(stream))
        yield clock
        running.cancel()


async def test_quotes_and_candles(xbtusd: PairMetadata) -> None:
    server, screen = Server(), Screen()
    nameless = replace(xbtusd, canonical="ODDUSD", ws_symbol="")
    async with streaming(server, screen, [xbtusd, nameless], [Timeframe.M5]):
        await screen.until(lambda: bool(screen.candles))
    assert server.asked == [
        [
            {"channel": "ticker", "symbol": ["BTC/USD"]},
            {"channel": "ohlc", "interval": 5, "symbol": ["BTC/USD"]},
        ]
    ]
    (quote,) = screen.quotes
    assert (quote.pair, quote.received) == ("XBTUSD", 0.0)
    assert quote.time == datetime(2026, 1, 5, 12, 0, 0, 123456, UTC)
    assert [str(price) for price in (quote.bid, quote.ask, quote.last)] == ["37500.10", "37500.2", "37500.15"]
    figures = quote.figures
    assert [str(size) for size in (figures.bid_size, figures.ask_size)] == ["0.10000000", "1.0"]
    day = (figures.volume_24h, figures.vwap_24h, figures.change_pct_24h)
    assert [str(figure) for figure in day] == ["20.5", "37100.1", "-1.25"]
    candle = Candle("XBTUSD", Timeframe.M5, NOON, 37500.0, 37501.0, 37499.0, 37500.1, 1.25, 37500.2, 7)
    assert screen.candles == [(candle, datetime(2026, 1, 5, 12, 0, 30, 500_000, UTC))]
    assert screen.states[-1] == StreamState("market", connected=True, wanted=2, acked=2)


async def test_each_interval_has_a_connection_of_its_own(xbtusd: PairMetadata) -> None:
    server, screen = Server(), Screen()
    wanted = [Timeframe.M1, Timeframe.M5, Timeframe.H1, Timeframe.M5]
    async with streaming(server, screen, [xbtusd], wanted):
        await screen.until(lambda: len(screen.candles) == 3)
        await screen.until(lambda: screen.states[-1].acked == 4)
    channels = sorted(
        [(params["channel"], params.get("interval")) for params in asked] for asked in server.asked
    )
    assert channels == [[("ohlc", 5)], [("ohlc", 60)], [("ticker", None), ("ohlc", 1)]]
    assert {candle.timeframe for candle, _ in screen.candles} == {Timeframe.M1, Timeframe.M5, Timeframe.H1}
    assert screen.states[-1] == StreamState("market", connected=True, wanted=4, acked=4)
    assert {state.name for state in screen.states} == {"market"}


async def test_it_is_connected_only_while_all_connections_are(xbtusd: PairMetadata) -> None:
    server, screen = Server(), Screen()
    async with streaming(server, screen, [xbtusd], [Timeframe.M1, Timeframe.M5]) as clock:
        assert not screen.states
        await screen.until(lambda: bool(screen.states) and screen.states[-1].acked == 3)
        assert not screen.states[0].connected
        assert screen.states[0].detail == "not connected yet"
        assert screen.states[-1].connected
        await server.connections[1].close()
        await screen.until(lambda: not screen.states[-1].connected)
        assert "closed" in screen.states[-1].detail
        assert (screen.states[-1].wanted, screen.states[-1].acked) == (3, 3 - len(server.asked[1]))
        await clock.advance(1)
        await screen.until(lambda: screen.states[-1].acked == 3)
        assert screen.states[-1].connected
        assert screen.states[-1].detail == ""


async def test_without_pairs_nothing_is_asked_for() -> None:
    server, screen = Server(), Screen()
    async with streaming(server, screen, [], [Timeframe.M1]):
        await screen.until(lambda: bool(screen.states))
    assert server.asked == [[]]
    assert screen.states == [StreamState("market", connected=True)]


class Desk:
    """Implements ``Watcher``: everything it heard."""

    def __init__(self) -> None:
        self.books: list[tuple[str, bool, int]] = []
        self.trades: list[tuple[str, list[int]]] = []
        self.served = asyncio.Event()

    def on_book(self, pair: str, book: Book) -> None:
        self.books.append((pair, book.valid, len(book.bids())))

    def on_trades(self, pair: str, trades: Sequence[TradeRow]) -> None:
        self.trades.append((pair, [trade.trade_id for trade in trades]))
        self.served.set()


class Serving(Server):
    """Serves books and trades as well."""

    def news(self, params: dict[str, object]) -> str:
        if params["channel"] == "book":
            crc = zlib.crc32(b"1520")
            row = f'{{"symbol":"BTC/USD","bids":[{{"price":1.5,"qty":2.0}}],"asks":[],"checksum":{crc}}}'
            return f'{{"channel":"book","type":"snapshot","data":[{row}]}}'
        if params["channel"] == "trade":
            row = (
                '{"symbol":"BTC/USD","side":"buy","price":1.5,"qty":2.0,"ord_type":"limit","trade_id":%d,'
                '"timestamp":"2026-01-05T12:00:00Z"}'
            )
            return f'{{"channel":"trade","type":"snapshot","data":[{row % 7},{row % 8}]}}'
        return super().news(params)


@asynccontextmanager
async def watching(
    server: Server, screen: Screen, pairs: Sequence[PairMetadata]
) -> AsyncIterator[MarketStream]:
    clock = FakeClock()
    market = MarketStream(pairs, [Timeframe.M1, Timeframe.M5], screen, clock)
    async with serve(server.serve, "127.0.0.1", 0) as listener, asyncio.TaskGroup() as group:
        url = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        running = group.create_task(market.run(KrakenStream("market", url, clock, random.Random(1))))
        yield market
        running.cancel()


async def test_books_and_trades_come_on_demand(xbtusd: PairMetadata) -> None:
    server, screen, desk = Serving(), Screen(), Desk()
    async with watching(server, screen, [xbtusd]) as market:
        await screen.until(lambda: bool(screen.states) and screen.states[-1].acked == 3)
        await market.watch({"XBTUSD": Watch(depth=25, trades=True), "GONEUSD": Watch(depth=10)}, desk)
        await screen.until(lambda: screen.states[-1].acked == 5)
        await desk.served.wait()
        assert (desk.books, desk.trades) == ([("XBTUSD", True, 1)], [("XBTUSD", [7, 8])])
        assert market.heard("book", "XBTUSD") == 0.0
        assert market.heard("book", "GONEUSD") is None
        await market.watch({}, desk)
        await screen.until(lambda: screen.states[-1].wanted == 3)
    asked = [params for params in chain.from_iterable(server.asked) if params["channel"] in ("book", "trade")]
    assert asked[:2] == [
        {"channel": "book", "depth": 25, "symbol": ["BTC/USD"]},
        {"channel": "trade", "symbol": ["BTC/USD"], "snapshot": True},
    ]


async def test_books_stop_being_valid_with_their_connection_and_come_back(xbtusd: PairMetadata) -> None:
    server, screen, desk = Serving(), Screen(), Desk()
    async with watching(server, screen, [xbtusd]) as market:
        await screen.until(lambda: bool(screen.states) and screen.states[-1].acked == 3)
        await market.watch({"XBTUSD": Watch(depth=25, trades=True)}, desk)
        await desk.served.wait()
        carrying = next(
            at for at, asked in enumerate(server.asked) if {"channel": "ticker"}.items() <= asked[0].items()
        )
        await server.connections[carrying].close()
        await screen.until(lambda: not screen.states[-1].connected)
        assert desk.books == [("XBTUSD", True, 1), ("XBTUSD", False, 1)]


@pytest.mark.parametrize("gone", [False, True])
async def test_a_book_that_is_not_followed_any_more_stops_being_valid(
    xbtusd: PairMetadata, gone: bool
) -> None:
    server, screen, desk = Serving(), Screen(), Desk()
    async with watching(server, screen, [xbtusd]) as market:
        await screen.until(lambda: bool(screen.states) and screen.states[-1].acked == 3)
        await market.watch({"XBTUSD": Watch(depth=25, trades=True)}, desk)
        await desk.served.wait()
        if gone:
            await market.change_pairs([replace(xbtusd, canonical="ETHUSD", ws_symbol="ETH/USD")])
        else:
            await market.watch({}, desk)
        assert desk.books == [("XBTUSD", True, 1), ("XBTUSD", False, 1)]


async def test_the_pairs_may_change(xbtusd: PairMetadata) -> None:
    server, screen = Server(), Screen()
    ethusd = replace(xbtusd, canonical="ETHUSD", ws_symbol="ETH/USD")
    async with watching(server, screen, [xbtusd]) as market:
        await screen.until(lambda: bool(screen.states) and screen.states[-1].acked == 3)
        await market.change_pairs([ethusd])
        await screen.until(lambda: screen.states[-1] == StreamState("market", True, wanted=3, acked=3))
        assert market.heard("ticker", "XBTUSD") is None
    symbols = [params["symbol"] for params in chain.from_iterable(server.asked)]
    assert {str(each) for each in symbols} == {"['BTC/USD']", "['ETH/USD']"}


async def test_what_is_asked_for_while_a_connection_is_opened_is_not_forgotten(xbtusd: PairMetadata) -> None:
    server, screen, desk = Serving(), Screen(), Desk()
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def hold(_connection: ServerConnection, _request: Request) -> None:
        arrived.set()
        await go_on.wait()

    clock = FakeClock()
    market = MarketStream([xbtusd], [Timeframe.M1], screen, clock)
    async with (
        serve(server.serve, "127.0.0.1", 0, process_request=hold) as listener,
        asyncio.TaskGroup() as group,
    ):
        url = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        running = group.create_task(market.run(KrakenStream("market", url, clock, random.Random(1))))
        await arrived.wait()
        await market.watch({"XBTUSD": Watch(depth=10, trades=True)}, desk)
        go_on.set()
        async with asyncio.timeout(10):
            await desk.served.wait()
        running.cancel()
    assert desk.books == [("XBTUSD", True, 1)]
