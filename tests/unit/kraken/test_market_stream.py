"""Prices and candles over real WebSocket connections, one per candle interval."""

import asyncio
import random
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import chain

import msgspec
import pytest
from msgspec.structs import replace
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.pairs import PairMetadata, PairStatus, SystemStatus
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
INSTRUMENTS = (
    '{"channel":"instrument","type":"snapshot","data":{"assets":[{"id":"USD","status":"enabled"}],"pairs":['
    '{"symbol":"BTC/USD","status":"online"},{"symbol":"NEW/USD","status":"post_only"},'
    '{"symbol":"ODD/USD","status":"work_in_progress"},{"symbol":"WHAT/USD","status":"asleep"}]}}'
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
        self.system: list[SystemStatus] = []
        self.statuses: list[dict[str, PairStatus]] = []
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

    def on_system_status(self, status: SystemStatus) -> None:
        self.system.append(status)
        self._changed.set()

    def on_pair_statuses(self, statuses: Mapping[str, PairStatus]) -> None:
        self.statuses.append(dict(statuses))
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()


class Server:
    """Acks every subscription, but one candle interval per connection, as Kraken does."""

    def __init__(self) -> None:
        self.asked: list[list[dict[str, object]]] = []
        self.requests: list[tuple[str, dict[str, object]]] = []
        self.refused: set[str] = set()
        self.connections: list[ServerConnection] = []

    async def serve(self, connection: ServerConnection) -> None:
        await connection.send('{"channel":"status","type":"update","data":[{"system":"online"}]}')
        asked: list[dict[str, object]] = []
        self.asked.append(asked)
        self.connections.append(connection)
        async for message in connection:
            request = msgspec.json.decode(message)
            asked.append(request["params"])
            self.requests.append((request["method"], request["params"]))
            assert len({params["interval"] for params in asked if "interval" in params}) <= 1
            for symbol in request["params"].get("symbol", (None,)):
                ack = {"method": request["method"], "req_id": request["req_id"]}
                if symbol in self.refused:
                    refusal = {"success": False, "symbol": symbol, "error": "Currency pair not supported"}
                    await connection.send(msgspec.json.encode(ack | refusal).decode())
                    continue
                result = {"channel": request["params"]["channel"]} | ({"symbol": symbol} if symbol else {})
                answer = ack | {"success": True, "result": result}
                await connection.send(msgspec.json.encode(answer).decode())
            if request["method"] == "subscribe":
                await connection.send(self.news(request["params"]))

    def news(self, params: dict[str, object]) -> str:
        if params["channel"] == "instrument":
            return INSTRUMENTS
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
            {"channel": "instrument"},
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
    assert screen.states[-1] == StreamState("market", connected=True, wanted=3, acked=3)


async def test_each_interval_has_a_connection_of_its_own(xbtusd: PairMetadata) -> None:
    server, screen = Server(), Screen()
    wanted = [Timeframe.M1, Timeframe.M5, Timeframe.H1, Timeframe.M5]
    async with streaming(server, screen, [xbtusd], wanted):
        await screen.until(lambda: len(screen.candles) == 3)
        await screen.until(lambda: screen.states[-1].acked == 5)
    channels = sorted(
        [(params["channel"], params.get("interval")) for params in asked] for asked in server.asked
    )
    assert channels == [[("ohlc", 5)], [("ohlc", 60)], [("ticker", None), ("instrument", None), ("ohlc", 1)]]
    assert {candle.timeframe for candle, _ in screen.candles} == {Timeframe.M1, Timeframe.M5, Timeframe.H1}
    parts = (
        StreamState("market 1", connected=True, wanted=3, acked=3),
        StreamState("market 2", connected=True, wanted=1, acked=1),
        StreamState("market 3", connected=True, wanted=1, acked=1),
    )
    assert screen.states[-1] == StreamState("market", connected=True, wanted=5, acked=5, parts=parts)
    assert {state.name for state in screen.states} == {"market"}


async def test_it_is_connected_only_while_all_connections_are(xbtusd: PairMetadata) -> None:
    server, screen = Server(), Screen()
    async with streaming(server, screen, [xbtusd], [Timeframe.M1, Timeframe.M5]) as clock:
        assert not screen.states
        await screen.until(lambda: bool(screen.states) and screen.states[-1].acked == 4)
        assert screen.states[0].connected, "nothing is said while connections are still being opened"
        assert all(part.connected for part in screen.states[0].parts)
        assert screen.states[-1].connected
        await server.connections[1].close()
        await screen.until(lambda: not screen.states[-1].connected)
        assert "closed" in screen.states[-1].detail
        assert (screen.states[-1].wanted, screen.states[-1].acked) == (4, 4 - len(server.asked[1]))
        await clock.advance(1)
        await screen.until(lambda: screen.states[-1].acked == 4)
        assert screen.states[-1].connected
        assert screen.states[-1].detail == ""


async def test_without_pairs_nothing_but_what_pairs_there_are_is_asked_for() -> None:
    server, screen = Server(), Screen()
    async with streaming(server, screen, [], [Timeframe.M1]):
        await screen.until(lambda: bool(screen.states))
        await screen.until(lambda: screen.states[-1].acked == 1)
    assert server.asked == [[{"channel": "instrument"}]]
    assert screen.states[-1] == StreamState("market", connected=True, wanted=1, acked=1)


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
    server: Server, screen: Screen, pairs: Sequence[PairMetadata], clock: FakeClock | None = None
) -> AsyncIterator[MarketStream]:
    clock = clock or FakeClock()
    market = MarketStream(pairs, [Timeframe.M1, Timeframe.M5], screen, clock)
    async with serve(server.serve, "127.0.0.1", 0) as listener, asyncio.TaskGroup() as group:
        url = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        running = group.create_task(market.run(KrakenStream("market", url, clock, random.Random(1))))
        yield market
        running.cancel()


async def test_books_and_trades_come_on_demand(xbtusd: PairMetadata) -> None:
    server, screen, desk = Serving(), Screen(), Desk()
    async with watching(server, screen, [xbtusd]) as market:
        await screen.until(lambda: bool(screen.states) and screen.states[-1].acked == 4)
        await market.watch({"XBTUSD": Watch(depth=25, trades=True), "GONEUSD": Watch(depth=10)}, desk)
        await screen.until(lambda: screen.states[-1].acked == 6)
        await desk.served.wait()
        assert (desk.books, desk.trades) == ([("XBTUSD", True, 1)], [("XBTUSD", [7, 8])])
        assert market.heard("book", "XBTUSD") == 0.0
        assert market.heard("book", "GONEUSD") is None
        await market.watch({}, desk)
        await screen.until(lambda: screen.states[-1].wanted == 4)
    asked = [params for params in chain.from_iterable(server.asked) if params["channel"] in ("book", "trade")]
    assert asked[:2] == [
        {"channel": "book", "depth": 25, "symbol": ["BTC/USD"]},
        {"channel": "trade", "symbol": ["BTC/USD"], "snapshot": True},
    ]


async def test_books_stop_being_valid_with_their_connection_and_come_back(xbtusd: PairMetadata) -> None:
    server, screen, desk = Serving(), Screen(), Desk()
    async with watching(server, screen, [xbtusd]) as market:
        await screen.until(lambda: bool(screen.states) and screen.states[-1].acked == 4)
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
        await screen.until(lambda: bool(screen.states) and screen.states[-1].acked == 4)
        await market.watch({"XBTUSD": Watch(depth=25, trades=True)}, desk)
        await desk.served.wait()
        if gone:
            await market.change_pairs([replace(xbtusd, canonical="ETHUSD", ws_symbol="ETH/USD")])
        else:
            await market.watch({}, desk)
        assert desk.books == [("XBTUSD", True, 1), ("XBTUSD", False, 1)]


async def test_the_pairs_may_change(xbtusd: PairMetadata) -> None:
    server, screen = Server(), Screen()
    whole = StreamState("market", connected=True, wanted=4, acked=4)
    ethusd = replace(xbtusd, canonical="ETHUSD", ws_symbol="ETH/USD")
    async with watching(server, screen, [xbtusd]) as market:
        await screen.until(lambda: bool(screen.states) and screen.states[-1].acked == 4)
        await market.change_pairs([ethusd])
        await screen.until(lambda: replace(screen.states[-1], parts=()) == whole)
        assert market.heard("ticker", "XBTUSD") is None
    symbols = [params["symbol"] for params in chain.from_iterable(server.asked) if "symbol" in params]
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


async def test_the_first_connection_tells_the_statuses(xbtusd: PairMetadata) -> None:
    server, screen, clock = Server(), Screen(), FakeClock()
    named = {"NEW/USD": "NEWUSD", "WHAT/USD": "WHATUSD"}
    market = MarketStream([xbtusd], [Timeframe.M1, Timeframe.M5], screen, clock, canonical=named.get)
    async with serve(server.serve, "127.0.0.1", 0) as listener, asyncio.TaskGroup() as group:
        url = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        running = group.create_task(market.run(KrakenStream("market", url, clock, random.Random(1))))
        await screen.until(lambda: bool(screen.statuses) and screen.states[-1].acked == 4)
        carrying = next(at for at, asked in enumerate(server.asked) if {"channel": "instrument"} in asked)
        for at, system in ((carrying, "cancel_only"), (1 - carrying, "maintenance"), (carrying, "dreaming")):
            await server.connections[at].send(
                f'{{"channel":"status","type":"update","data":[{{"system":"{system}"}}]}}'
            )
        await screen.until(lambda: len(screen.system) == 3)
        running.cancel()
    assert screen.system == [SystemStatus.ONLINE, SystemStatus.CANCEL_ONLY, SystemStatus.MAINTENANCE]
    # Of a pair that nobody has a name for nothing is said.
    assert screen.statuses == [
        {
            "XBTUSD": PairStatus.ONLINE,
            "NEWUSD": PairStatus.POST_ONLY,
            "WHATUSD": PairStatus.MAINTENANCE,
        }
    ]


async def test_renewing_a_pair_leaves_and_asks_for_all_of_it_and_nothing_else(xbtusd: PairMetadata) -> None:
    server, screen, desk, clock = Serving(), Screen(), Desk(), FakeClock()
    ethusd = replace(xbtusd, canonical="ETHUSD", ws_symbol="ETH/USD")
    async with watching(server, screen, [xbtusd, ethusd], clock) as market:
        await market.watch({"XBTUSD": Watch(depth=10, trades=True)}, desk)
        await screen.until(lambda: bool(screen.states) and screen.states[-1].acked == 9)
        before = len(server.requests)
        # As many requests as are sent at once have been sent.
        await clock.advance(1)
        await market.renew(["XBTUSD", "GONEUSD"])
        await screen.until(lambda: len(server.requests) == before + 10 and screen.states[-1].acked == 9)
    topics = [("book", None), ("ohlc", 1), ("ohlc", 5), ("ticker", None), ("trade", None)]
    for method in ("subscribe", "unsubscribe"):
        renewed = [params for done, params in server.requests[before:] if done == method]
        told = sorted(((p["channel"], p.get("interval")) for p in renewed), key=str)
        assert told == topics
        assert all(params["symbol"] == ["BTC/USD"] for params in renewed)


async def test_a_refused_symbol_is_reported_and_stands_in_nobody_s_way(xbtusd: PairMetadata) -> None:
    server, screen = Server(), Screen()
    server.refused.add("BAD/USD")
    bad = replace(xbtusd, canonical="BADUSD", ws_symbol="BAD/USD")
    ethusd = replace(xbtusd, canonical="ETHUSD", ws_symbol="ETH/USD")
    why = ": Currency pair not supported"
    failed = (f"ticker BAD/USD{why}", f"ohlc 5 BAD/USD{why}")
    async with watching(server, screen, [xbtusd, bad]) as carried:
        await screen.until(lambda: bool(screen.states) and len(screen.states[-1].failed) == 3)
        await screen.until(lambda: screen.states[-1].acked == 4)
        await carried.change_pairs([xbtusd, bad, ethusd])
        await screen.until(lambda: screen.states[-1].acked == 7)
        assert set(screen.states[-1].failed) == {*failed, f"ohlc 1 BAD/USD{why}"}
        asked = [params for params in chain.from_iterable(server.asked) if "BAD/USD" in str(params)]
        assert len(asked) == 3
        await carried.change_pairs([xbtusd, ethusd])
        await screen.until(lambda: screen.states[-1].failed == ())
        assert screen.states[-1].acked == 7
