"""WebSocket v2 messages per second, decoded to exact Decimals and applied to the latest state.

Ours is the product's own path: link, session, decoding, books with every checksum, ``MarketStream``,
and a sink that keeps the latest quote, candle, trades and book of every pair. The others get the same
messages through their own handlers, in turn in one run; ccxt keeps floats and checks no checksum,
python-kraken-sdk's reading loop hands dicts of floats to a callback, which keeps them. Medians of five.

End to end: a server in another process sends all of them over loopback to the whole client.
"""

import asyncio
import logging
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from benchmarks.ws_messages import DEPTH, END, SYMBOLS, Exchange
from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.pairs import PairMetadata, PairStatus, SystemStatus
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.kraken.book import Book
from krakked_tui.kraken.connection import BulkConnection
from krakked_tui.kraken.frames import TradeRow
from krakked_tui.kraken.link import Link, Listener
from krakked_tui.kraken.market_stream import MarketStream, Watch
from krakked_tui.kraken.session import Session
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.kraken.topics import Plan, Subscription
from krakked_tui.ports import StreamState

MESSAGES = 200_000
SEED = 7
RUNS = 5
END_PAIR = END.replace("/", "")


class Latest:
    """Implements ``FeedSink`` and ``Watcher``: the latest of everything, by pair."""

    def __init__(self) -> None:
        self.quotes: dict[str, Quote] = {}
        self.candles: dict[str, Candle] = {}
        self.trades: dict[str, TradeRow] = {}
        self.books: dict[str, Book] = {}

    def on_quote(self, quote: Quote) -> None:
        self.quotes[quote.pair] = quote

    def on_candle(self, candle: Candle, seen: datetime) -> None:  # noqa: ARG002
        self.candles[candle.pair] = candle

    def on_trades(self, pair: str, trades: Sequence[TradeRow]) -> None:
        self.trades[pair] = trades[-1]

    def on_book(self, pair: str, book: Book) -> None:
        assert book.valid, pair
        self.books[pair] = book

    def on_stream_state(self, state: StreamState) -> None:
        pass

    def on_system_status(self, status: SystemStatus) -> None:
        pass

    def on_pair_statuses(self, statuses: Mapping[str, PairStatus]) -> None:
        pass


class Arrivals(Latest):
    """Notes when the first message and the last one, which is about a pair of its own, are applied."""

    def __init__(self) -> None:
        super().__init__()
        self.first = 0.0
        self.last = 0.0
        self.done = asyncio.Event()

    def on_book(self, pair: str, book: Book) -> None:
        self.first = self.first or time.perf_counter()
        super().on_book(pair, book)

    def on_quote(self, quote: Quote) -> None:
        super().on_quote(quote)
        if quote.pair == END_PAIR:
            self.last = time.perf_counter()
            self.done.set()


def _pairs() -> list[PairMetadata]:
    return [
        PairMetadata(
            symbol.replace("/", ""), symbol[:-4], "USD", symbol, symbol, symbol, 4, Decimal("0.0001"), 8,
            Decimal("0.00000001"), Decimal("0.01"), Decimal("0.5"), 5, "currency",
        )
        for symbol in (*SYMBOLS, END)
    ]  # fmt: skip


def _watches() -> dict[str, Watch]:
    return {pair.canonical: Watch(depth=DEPTH, trades=True) for pair in _pairs()}


async def _ours(messages: list[bytes]) -> float:
    clock, latest = ExchangeClock(), Latest()
    market = MarketStream(_pairs(), [Timeframe.M1], latest, clock)
    await market.watch(_watches(), latest)
    everything = [
        Subscription("ticker", SYMBOLS), Subscription("ohlc", SYMBOLS, 1), Subscription("trade", SYMBOLS),
        Subscription("book", SYMBOLS, depth=DEPTH),
    ]  # fmt: skip
    session = Session(Plan(tuple(everything)), clock.monotonic())
    connection: BulkConnection = None  # type: ignore[assignment]
    link = Link(connection, session, Listener("bench", market.on_frame, latest.on_stream_state), clock)
    start = time.perf_counter()
    at = 0
    while at < len(messages):
        at = link.take(messages, at)
    took = time.perf_counter() - start
    assert not session.oddities, session.oddities
    assert len(latest.books) == len(SYMBOLS)
    return took


def _ccxt() -> Callable[[list[bytes]], float] | None:
    try:
        ccxt = import_module("ccxt.pro")
        client_of = import_module("ccxt.async_support.base.ws.client").Client
    except ImportError:
        return None

    async def feed(texts: list[str]) -> float:
        exchange = ccxt.kraken()
        exchange.set_markets(
            [
                {
                    "id": symbol.replace("/", ""), "symbol": symbol, "base": symbol[:-4], "quote": "USD",
                    "wsId": symbol, "spot": True, "type": "spot", "info": {"wsname": symbol},
                    "precision": {"price": 1e-4, "amount": 1e-8}, "limits": {},
                }
                for symbol in (*SYMBOLS, END)
            ]
        )  # fmt: skip

        def nothing(*_: object) -> None:
            pass

        client = client_of("wss://ws.kraken.com/v2", exchange.handle_message, nothing, nothing, nothing)
        start = time.perf_counter()
        for text in texts:
            client.handle_text_or_binary_message(text)
        took = time.perf_counter() - start
        assert len(exchange.orderbooks) == len(SYMBOLS)
        await exchange.close()
        return took

    return lambda messages: asyncio.run(feed([message.decode() for message in messages]))


class _Tape:
    """In place of python-kraken-sdk's socket: plays messages, then ends its reading loop."""

    def __init__(self, messages: list[str]) -> None:
        self._messages = iter(messages)

    async def __aenter__(self) -> "_Tape":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def send(self, text: str) -> None:
        pass

    async def recv(self) -> str:
        try:
            return next(self._messages)
        except StopIteration:
            raise asyncio.CancelledError from None


def _kraken_sdk() -> Callable[[list[bytes]], float] | None:
    try:
        connectors = import_module("kraken.spot.websocket.connectors")
    except ImportError:
        return None
    logging.getLogger(connectors.__name__).setLevel(logging.CRITICAL)

    async def feed(messages: list[str]) -> float:
        latest: dict[tuple[str, str], object] = {}

        async def keep(message: dict[str, list[dict[str, str]]]) -> None:
            for row in message["data"]:
                latest[str(message["channel"]), row["symbol"]] = row

        vars(connectors)["connect"] = lambda *_, **__: _Tape(messages)
        connector = connectors.ConnectSpotWebsocket(None, "", keep)
        start = time.perf_counter()
        await connector._ConnectSpotWebsocketBase__run(asyncio.Event())
        took = time.perf_counter() - start
        assert len(latest) >= len(SYMBOLS)
        return took

    return lambda messages: asyncio.run(feed([message.decode() for message in messages]))


async def _end_to_end(count: int) -> float:
    """Seconds from the first message of the burst to the last one applied."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.ws_server", str(SEED), str(count), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    port = int(await server.stdout.readline())
    clock, latest = ExchangeClock(), Arrivals()
    market = MarketStream(_pairs(), [Timeframe.M1], latest, clock)
    await market.watch(_watches(), latest)
    try:
        async with asyncio.TaskGroup() as group:
            stream = KrakenStream("bench", f"ws://127.0.0.1:{port}", clock, random.Random(1))
            running = group.create_task(market.run(stream))
            await latest.done.wait()
            running.cancel()
    finally:
        server.kill()
        await server.wait()
    return latest.last - latest.first


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed: left out"


async def measure() -> dict[str, object]:
    """Messages per second of everyone, and how many times faster ours is."""
    messages = Exchange(SEED).messages(MESSAGES)
    peers = {"ccxt": _ccxt(), "python-kraken-sdk": _kraken_sdk()}
    times: dict[str, list[float]] = {"ours": [], **{name: [] for name, run in peers.items() if run}}
    for _ in range(RUNS):
        times["ours"].append(await _ours(messages))
        for name, run in peers.items():
            if run is not None:
                times[name].append(await asyncio.to_thread(run, messages))
    medians = {name: statistics.median(each) for name, each in times.items()}
    ends = [await _end_to_end(MESSAGES) for _ in range(RUNS)]
    return {
        "runs": RUNS,
        "messages": MESSAGES,
        "symbols": len(SYMBOLS),
        "messages_per_second": {name: round(MESSAGES / median) for name, median in medians.items()},
        "times_faster_than": {
            name: round(median / medians["ours"], 2) for name, median in medians.items() if name != "ours"
        },
        "end_to_end_messages_per_second": round(MESSAGES / statistics.median(ends)),
        "peers": {name: _installed(name) for name in peers},
        "budget": {"messages_per_second": 300_000, "times_faster_than": 4, "end_to_end": 150_000},
    }
