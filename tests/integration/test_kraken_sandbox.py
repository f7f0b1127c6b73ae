"""The Kraken client against the local Kraken, through real sockets."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.fills import Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import (
    Accepted,
    ExchangeStatus,
    OrderReport,
    OrderRequest,
    OrderType,
    Refused,
    Side,
    Unknown,
    Withheld,
)
from krakked_tui.domain.pairs import PairStatus, SystemStatus
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.execution.settings import Transport
from krakked_tui.kraken.broker import KrakenBroker
from krakked_tui.kraken.errors import AuthError
from krakked_tui.kraken.feed import KrakenFeed
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.listing import Listing
from krakked_tui.kraken.nonce import NonceSource
from krakked_tui.kraken.order_entry import StreamOrderEntry
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.settings import ConnectionSettings, Tier
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.kraken.tokens import TokenSource
from krakked_tui.ports import StreamState
from krakked_tui.sandbox.server import Sandbox, running_sandbox
from krakked_tui.sandbox.settings import SandboxSettings
from tests.fakes.broker import go_ahead

SPEED = 60.0
DUST_KEY = ApiKey("nobody", "bm9ib2R5")


class Client:
    """Feed and broker on one sandbox, and everything that came over their streams."""

    def __init__(self, sandbox: Sandbox, key: ApiKey, nonces: NonceSource, transport: Transport) -> None:
        settings = ConnectionSettings(
            rest_url=sandbox.rest,
            ws_public_url=sandbox.ws_public,
            ws_private_url=sandbox.ws_private,
            public_calls_per_second=500,
            tier=Tier.NONE,
        )
        self.rest_url = sandbox.rest
        self.clock = ExchangeClock()
        self.rest = KrakenRest(settings, self.clock, key=key, nonces=nonces)
        listing = Listing(self.rest)
        market = KrakenStream("market", settings.ws_public_url, self.clock, random.Random(1))
        account = KrakenStream("account", settings.ws_private_url, self.clock, random.Random(2))
        self.feed = KrakenFeed(self.rest, listing, market, self.clock)
        tokens = TokenSource(self.rest, self.clock)
        entry = StreamOrderEntry(account, listing, tokens, self.rest, self.clock)
        by_stream = transport is Transport.WEBSOCKET
        self.broker = KrakenBroker("sandbox", self.rest, listing, account, entry if by_stream else None)
        self.quotes: dict[str, Quote] = {}
        self.candles: list[Candle] = []
        self.states: dict[str, StreamState] = {}
        self.system: list[SystemStatus] = []
        self.statuses: dict[str, PairStatus] = {}
        self.reports: list[OrderReport] = []
        self.trades: list[Trade] = []
        self._changed = asyncio.Event()

    def on_quote(self, quote: Quote) -> None:
        self.quotes[quote.pair] = quote
        self._changed.set()

    def on_candle(self, candle: Candle, seen: datetime) -> None:
        assert candle.time <= seen
        self.candles.append(candle)
        self._changed.set()

    def on_stream_state(self, state: StreamState) -> None:
        self.states[state.name] = state
        self._changed.set()

    def on_system_status(self, status: SystemStatus) -> None:
        self.system.append(status)
        self._changed.set()

    def on_pair_statuses(self, statuses: Mapping[str, PairStatus]) -> None:
        self.statuses |= statuses
        self._changed.set()

    def on_report(self, report: OrderReport) -> None:
        self.reports.append(report)
        self._changed.set()

    def on_trade(self, trade: Trade) -> None:
        self.trades.append(trade)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def synchronise(self) -> None:
        asked = self.clock.monotonic()
        server = await self.feed.server_time()
        self.clock.synchronise(server, asked, self.clock.monotonic())

    def order(self, number: int, **fields: object) -> OrderRequest:
        """A buy of a hundredth of a bitcoin."""
        request = {
            "cl_ord_id": f"kabcnet{number:011d}",
            "pair": "XBTUSD",
            "side": Side.BUY,
            "order_type": OrderType.MARKET,
            "volume": Decimal("0.01"),
            "deadline": self.clock.now() + timedelta(seconds=10 * SPEED),
        }
        return OrderRequest(**(request | fields))  # type: ignore[arg-type]


@asynccontextmanager
async def connected(
    key: ApiKey | None = None, nonces: NonceSource | None = None, transport: Transport = Transport.REST
) -> AsyncIterator[Client]:
    async with running_sandbox(SandboxSettings(speed=SPEED)) as sandbox:
        own_key = ApiKey(sandbox.api_key, sandbox.api_secret)
        client = Client(sandbox, key or own_key, nonces or NonceSource(time.time_ns), transport)
        try:
            await client.synchronise()
            yield client
        finally:
            await client.rest.close()


async def test_market_data() -> None:
    async with connected() as client:
        assert client.clock.speed == SPEED
        pairs, assets = await client.feed.pairs()
        bitcoin = next(pair for pair in pairs if pair.canonical == "XBTUSD")
        assert (bitcoin.ws_symbol, bitcoin.base, bitcoin.quote) == ("BTC/USD", "XBT", "USD")
        assert {"XBT", "USD"} <= {asset.name for asset in assets}

        quotes = await client.feed.quotes()
        assert quotes.keys() == {pair.canonical for pair in pairs}
        assert quotes["XBTUSD"].bid < quotes["XBTUSD"].ask

        since = Timeframe.M5.floor(client.clock.now()) - timedelta(hours=1)
        candles = await client.feed.candles(bitcoin, Timeframe.M5, since)
        opens = [candle.time for candle in candles]
        assert opens[:13] == [since + n * Timeframe.M5.length for n in range(13)]
        assert candles[-1].end > client.clock.now() - timedelta(minutes=5)


async def test_the_market_stream() -> None:
    async with connected() as client, asyncio.TaskGroup() as group:
        pairs, _ = await client.feed.pairs()
        streaming = group.create_task(client.feed.stream(pairs, [Timeframe.M1, Timeframe.M5], client))
        await client.until(lambda: "XBTUSD" in client.quotes)
        await client.until(lambda: {c.timeframe for c in client.candles} == {Timeframe.M1, Timeframe.M5})
        wanted = len(pairs) * 3 + 1
        await client.until(lambda: client.states["market"].acked == wanted)
        assert client.states["market"].failed == ()
        assert 0 <= client.clock.monotonic() - client.quotes["XBTUSD"].received < 20
        streaming.cancel()


@pytest.mark.parametrize("transport", Transport)
async def test_the_life_of_orders(transport: Transport) -> None:
    async with connected(transport=transport) as client, asyncio.TaskGroup() as group:
        broker, started = client.broker, client.clock.now() - timedelta(minutes=2)
        streaming = group.create_task(broker.stream(client))
        await client.until(lambda: "account" in client.states)
        assert client.states["account"].connected

        market = client.order(1)
        accepted = await broker.submit(market, go_ahead)
        assert isinstance(accepted, Accepted)
        await client.until(lambda: any(r.status is ExchangeStatus.CLOSED for r in client.reports))
        done = client.reports[-1]
        assert (done.cl_ord_id, done.kraken_order_id) == (market.cl_ord_id, accepted.kraken_order_id)
        assert (done.pair, done.filled, done.volume) == ("XBTUSD", market.volume, market.volume)
        assert sum(trade.volume for trade in client.trades) == market.volume

        resting = client.order(2, order_type=OrderType.LIMIT, price=Decimal("10000.0"), post_only=True)
        assert isinstance(await broker.submit(resting, go_ahead), Accepted)
        assert isinstance(await broker.submit(resting, go_ahead), Unknown)
        (found,) = await broker.find_orders(resting.cl_ord_id)
        assert (found.status, found.limit_price) == (ExchangeStatus.OPEN, Decimal("10000.0"))
        assert [order.cl_ord_id for order in await broker.open_orders()] == [resting.cl_ord_id]
        assert (await broker.balances())["USD"].reserved >= 100

        await broker.cancel([resting.cl_ord_id, "kabcnet00000000009"])
        await broker.cancel([resting.cl_ord_id])
        await client.until(lambda: client.reports[-1].status is ExchangeStatus.CANCELED)
        assert client.reports[-1].cl_ord_id == resting.cl_ord_id
        assert await broker.open_orders() == []
        await check_books(client, accepted.kraken_order_id, started)
        streaming.cancel()


async def check_books(client: Client, order_id: str, since: datetime) -> None:
    """REST and the stream must tell of the same fills, and the ledger must add up to the balances."""
    told = {trade.trade_id: trade for trade in client.trades}
    trades = {trade.trade_id: trade for trade in await client.broker.trades(since)}
    assert trades.keys() == told.keys()
    for trade_id, trade in trades.items():
        mine = told[trade_id]
        assert trade.kraken_order_id == mine.kraken_order_id == order_id
        assert (trade.price, trade.volume, trade.cost) == (mine.price, mine.volume, mine.cost)
        assert (trade.fees, trade.time, trade.maker) == (mine.fees, mine.time, mine.maker)
    entries = await client.broker.ledger(since)
    assert {entry.refid for entry in entries if entry.type == "trade"} == trades.keys()
    balances = await client.broker.balances()
    for asset in ("USD", "XBT"):
        moves = [entry for entry in entries if entry.asset == asset]
        assert sum((move.amount - move.fee for move in moves), ZERO) == balances[asset].total
        assert moves[-1].balance == balances[asset].total
        assert balances[asset].reserved == 0


async def test_an_order_called_off_while_it_waits_for_its_turn_never_leaves() -> None:
    async with connected() as client:
        killed = False

        def withhold() -> str:
            return "killed before sending" if killed else ""

        async with asyncio.TaskGroup() as group:
            await client.rest._writing.acquire()
            task = group.create_task(client.broker.submit(client.order(1), withhold))
            await asyncio.sleep(0)
            killed = True
            client.rest._writing.release()
        assert task.result() == Withheld(client.order(1).cl_ord_id, "killed before sending")
        assert await client.broker.find_orders(client.order(1).cl_ord_id) == []
        assert isinstance(await client.broker.submit(client.order(2), go_ahead), Accepted)


async def test_refusals() -> None:
    async with connected() as client:
        too_much = await client.broker.submit(client.order(1, volume=Decimal(1000)), go_ahead)
        assert isinstance(too_much, Refused)
        assert too_much.code == "EOrder:Insufficient funds"
        too_little = await client.broker.submit(client.order(2, volume=Decimal("0.00000001")), go_ahead)
        assert isinstance(too_little, Refused)
        assert too_little.code == "EGeneral:Invalid arguments:volume minimum not met"
        crossing = client.order(3, order_type=OrderType.LIMIT, price=Decimal("1000000.0"), post_only=True)
        assert isinstance(await client.broker.submit(crossing, go_ahead), Refused)
        nowhere = await client.broker.submit(client.order(4, pair="NOPEUSD"), go_ahead)
        assert isinstance(nowhere, Refused)
        assert nowhere.code == "EQuery:Unknown asset pair"
        late = client.order(5, deadline=client.clock.now() - timedelta(seconds=60))
        assert isinstance(await client.broker.submit(late, go_ahead), Unknown)
        assert await client.broker.find_orders(late.cl_ord_id) == []
        assert await client.broker.query_orders(["OAAAAA-AAAAA-AAAAAA"]) == []


async def test_a_wrong_key() -> None:
    async with connected(key=DUST_KEY) as client:
        with pytest.raises(AuthError, match="EAPI:Invalid key"):
            await client.broker.balances()


async def test_a_stale_nonce_is_repeated_for_reads_and_unknown_for_orders() -> None:
    readings = iter([10**18, 1, 1, 1])
    async with connected(nonces=NonceSource(lambda: next(readings))) as client:
        await client.broker.balances()
        # Another client of the same key, whose clock is behind.
        behind = iter([5, 10**18 + 5, 7])
        client.rest._nonces = _Unguarded(lambda: next(behind))
        assert (await client.broker.balances())["USD"].total == 10_000
        assert isinstance(await client.broker.submit(client.order(1), go_ahead), Unknown)


class _Unguarded(NonceSource):
    """A nonce source that trusts its clock."""

    def next(self) -> int:
        return self._now_ns()
