"""What every broker does, and what every broker that keeps an account does too."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.fills import Trade
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
from krakked_tui.paper.broker import PaperBroker
from krakked_tui.paper.tap import TappedFeed
from krakked_tui.ports import Broker, Clock, StreamState
from krakked_tui.storage.paper_books import SqlitePaperBooks
from tests.fakes.broker import FakeBroker, go_ahead
from tests.fakes.clock import FakeClock
from tests.integration.test_kraken_sandbox import connected
from tests.unit.paper.samples import OWNER, TERMS, open_desk

D = Decimal
EVER = datetime(1970, 1, 1, tzinfo=UTC)
PATIENCE = 20.0


class Venue:
    """A broker, the last price of a bitcoin there, and all that its stream said."""

    def __init__(self, broker: Broker, clock: Clock, last: Decimal, *, resting_seconds: float = 10.0) -> None:
        self.broker = broker
        self.clock = clock
        self.last = last
        self.deadline = timedelta(seconds=resting_seconds)
        self.reports: list[OrderReport] = []
        self.trades: list[Trade] = []
        self.states: list[StreamState] = []
        self._changed = asyncio.Event()

    def on_report(self, report: OrderReport) -> None:
        self.reports.append(report)
        self._changed.set()

    def on_trade(self, trade: Trade) -> None:
        self.trades.append(trade)
        self._changed.set()

    def on_stream_state(self, state: StreamState) -> None:
        self.states.append(state)
        self._changed.set()

    def on_quote(self, quote: Quote) -> None:
        if quote.pair == "XBTUSD":
            self.last = quote.last
        self._changed.set()

    def on_candle(self, candle: Candle, seen: datetime) -> None:
        pass

    def on_system_status(self, status: SystemStatus) -> None:
        pass

    def on_pair_statuses(self, statuses: Mapping[str, PairStatus]) -> None:
        pass

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def order(self, number: int = 1, **fields: Any) -> OrderRequest:
        """A limit buy of a hundredth of a bitcoin, ten per cent below the market."""
        request = OrderRequest(
            cl_ord_id=f"kabcnet{number:011d}",
            pair="XBTUSD",
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            volume=D("0.01"),
            price=D(int(self.last * D("0.9"))),
            deadline=self.clock.now() + self.deadline,
        )
        return msgspec.structs.replace(request, **fields)

    async def place(self, request: OrderRequest) -> str:
        outcome = await self.broker.submit(request, go_ahead)
        assert isinstance(outcome, Accepted), outcome
        assert outcome.cl_ord_id == request.cl_ord_id
        return outcome.kraken_order_id

    async def reserved(self, asset: str) -> Decimal:
        balances = await self.broker.balances()
        return balances[asset].reserved if asset in balances else D(0)


@asynccontextmanager
async def fake() -> AsyncIterator[Venue]:
    yield Venue(FakeBroker(), FakeClock(), D(30_000))


@asynccontextmanager
async def paper() -> AsyncIterator[Venue]:
    """A paper account before a price that somebody typed in."""
    async with open_desk() as desk:
        await desk.hear("30000")
        yield Venue(desk.broker, desk.clock, D(30_000))


@asynccontextmanager
async def kraken() -> AsyncIterator[Venue]:
    """The Kraken client on a local Kraken."""
    async with connected() as client:
        quote = (await client.feed.quotes())["XBTUSD"]
        yield Venue(client.broker, client.clock, quote.last, resting_seconds=600.0)


@asynccontextmanager
async def paper_on_kraken() -> AsyncIterator[Venue]:
    """A stored paper account on the market of a local Kraken."""
    with tempfile.TemporaryDirectory() as directory:
        async with connected() as client:
            books = await SqlitePaperBooks.open(Path(directory) / "paper.db")
            broker = await PaperBroker.open(OWNER, books, client.clock, TERMS, client.feed.quotes)
            try:
                feed = TappedFeed(client.feed, broker)
                pairs, _ = await feed.pairs()
                quotes = await feed.quotes()
                venue = Venue(broker, client.clock, quotes["XBTUSD"].last, resting_seconds=600.0)
                bitcoin = [pair for pair in pairs if pair.canonical == "XBTUSD"]
                async with asyncio.TaskGroup() as group:
                    streaming = group.create_task(feed.stream(bitcoin, [Timeframe.M1], venue))
                    await venue.until(lambda: any(state.connected for state in venue.states))
                    venue.states.clear()
                    yield venue
                    streaming.cancel()
            finally:
                await broker.close()


Kind = Callable[[], Any]
KINDS: tuple[Kind, ...] = (fake, paper, kraken, paper_on_kraken)
ACCOUNTS: tuple[Kind, ...] = (paper, kraken, paper_on_kraken)

every = pytest.mark.parametrize("opened", KINDS, ids=lambda kind: kind.__name__)
with_account = pytest.mark.parametrize("opened", ACCOUNTS, ids=lambda kind: kind.__name__)


@asynccontextmanager
async def listening(opened: Kind) -> AsyncIterator[Venue]:
    """Open a venue and follow its account stream."""
    async with opened() as venue, asyncio.TaskGroup() as group:
        following = group.create_task(venue.broker.stream(venue))
        await venue.until(lambda: any(s.name == "account" and s.connected for s in venue.states))
        yield venue
        following.cancel()


@every
async def test_an_order_that_is_withheld_is_never_sent(opened: Kind) -> None:
    async with opened() as venue:
        order = venue.order()
        assert await venue.broker.submit(order, lambda: "killed") == Withheld(order.cl_ord_id, "killed")
        assert await venue.broker.find_orders(order.cl_ord_id) == []
        assert await venue.broker.open_orders() == []


@every
async def test_an_accepted_order_has_an_id(opened: Kind) -> None:
    async with opened() as venue:
        first, second = await venue.place(venue.order(1)), await venue.place(venue.order(2))
        assert first
        assert first != second


@every
async def test_what_is_not_there_is_no_error(opened: Kind) -> None:
    async with opened() as venue:
        await venue.broker.cancel(["kabcnet00000000099"])
        await venue.broker.cancel(["kabcnet00000000099"], emergency=True)
        assert await venue.broker.find_orders("kabcnet00000000099") == []
        assert list(await venue.broker.query_orders(["OAAAAA-AAAAA-AAAAAA"])) == []
        tomorrow = venue.clock.now() + timedelta(days=1)
        assert list(await venue.broker.trades(tomorrow)) == []
        assert list(await venue.broker.ledger(tomorrow)) == []


@every
async def test_the_account_keeps_its_name_and_the_limits_are_told_without_waiting(opened: Kind) -> None:
    async with opened() as venue:
        assert venue.broker.account_id
        assert venue.broker.account_id == venue.broker.account_id
        assert all(limit.used <= limit.limit for limit in venue.broker.headroom())


@every
async def test_the_stream_says_that_it_is_open_and_runs_on(opened: Kind) -> None:
    async with listening(opened) as venue:
        assert venue.states[-1].connected
        assert venue.reports == []
        assert venue.trades == []


@with_account
async def test_a_resting_order_is_open_until_it_is_canceled(opened: Kind) -> None:
    async with listening(opened) as venue:
        order = venue.order()
        order_id = await venue.place(order)
        await venue.until(lambda: bool(venue.reports) and venue.reports[-1].status is ExchangeStatus.OPEN)
        [report] = await venue.broker.open_orders()
        for found in (
            venue.reports[-1],
            report,
            *await venue.broker.find_orders(order.cl_ord_id),
            *await venue.broker.query_orders([order_id]),
        ):
            assert (found.kraken_order_id, found.cl_ord_id) == (order_id, order.cl_ord_id)
            assert (found.status, found.pair, found.side) == (ExchangeStatus.OPEN, "XBTUSD", Side.BUY)
            assert (found.volume, found.filled, found.limit_price) == (order.volume, D(0), order.price)
        assert order.price is not None
        assert await venue.reserved("USD") >= order.volume * order.price
        for _ in range(2):
            await venue.broker.cancel([order.cl_ord_id])
        assert await venue.broker.open_orders() == []
        assert await venue.reserved("USD") == 0
        await venue.until(lambda: venue.reports[-1].status is ExchangeStatus.CANCELED)
        [report] = await venue.broker.find_orders(order.cl_ord_id)
        assert report.status is ExchangeStatus.CANCELED
        assert report.closed_at is not None


@with_account
async def test_a_fill_is_told_once_and_everything_agrees(opened: Kind) -> None:
    async with listening(opened) as venue:
        before = await venue.broker.balances()
        order_id = await venue.place(venue.order(order_type=OrderType.MARKET, price=None))
        await venue.until(lambda: bool(venue.reports) and venue.reports[-1].status is ExchangeStatus.CLOSED)
        trades = await venue.broker.trades(EVER)
        assert [trade.trade_id for trade in venue.trades] == [trade.trade_id for trade in trades]
        assert sum(trade.volume for trade in trades) == D("0.01")
        assert {trade.kraken_order_id for trade in trades} == {order_id}
        assert all(not trade.maker and trade.fees[0].asset == "USD" for trade in trades)
        [report] = await venue.broker.query_orders([order_id])
        assert (report.status, report.filled) == (ExchangeStatus.CLOSED, D("0.01"))
        assert report.cost == sum(trade.cost for trade in trades)
        assert report.fee == sum(trade.fees[0].amount for trade in trades)
        await check_ledger(venue)
        after = await venue.broker.balances()
        gone = before["USD"].total - after["USD"].total
        assert abs(gone - report.cost - report.fee) < D("0.001")
        had = before["XBT"].total if "XBT" in before else 0
        assert after["XBT"].total - had == D("0.01")


async def check_ledger(venue: Venue) -> None:
    """The ledger begins with deposits, has two rows a trade and adds up to the balances."""
    entries = await venue.broker.ledger(EVER)
    trades = {trade.trade_id for trade in await venue.broker.trades(EVER)}
    sums: dict[str, Decimal] = {}
    for entry in entries:
        sums[entry.asset] = sums.get(entry.asset, D(0)) + entry.amount - entry.fee
        assert sums[entry.asset] == entry.balance
    assert {asset: b.total for asset, b in (await venue.broker.balances()).items()} == sums
    assert entries[0].type == "deposit"
    assert {entry.refid for entry in entries if entry.type == "trade"} == trades
    assert sum(entry.type == "trade" for entry in entries) == 2 * len(trades)
    assert [entry.time for entry in entries] == sorted(entry.time for entry in entries)
    latest = entries[-1].time
    since = await venue.broker.ledger(latest)
    assert list(since) == [entry for entry in entries if entry.time >= latest]


@every
async def test_a_history_without_rows_is_one_last_page(opened: Kind) -> None:
    async with opened() as venue:
        for read in (venue.broker.trades_before, venue.broker.entries_before):
            page = await read(datetime(2000, 1, 1, tzinfo=UTC))
            assert (page.rows, page.last) == ((), True)


@with_account
async def test_histories_can_be_read_backwards_and_nothing_is_lost_at_one_second(opened: Kind) -> None:
    async with listening(opened) as venue:
        for number in range(1, 4):
            order = venue.order(number, order_type=OrderType.MARKET, price=None)
            order_id = await venue.place(order)
            await venue.until(partial(_ended, venue, order_id))
        trades, entries = await venue.broker.trades(EVER), await venue.broker.ledger(EVER)
        assert len(trades) >= 3
        await check_backwards(venue.broker.trades_before, trades)
        await check_backwards(venue.broker.entries_before, entries)


def _ended(venue: Venue, order_id: str) -> bool:
    return any(report.kraken_order_id == order_id and report.closed_at for report in venue.reports)


async def check_backwards(read: Callable[..., Any], rows: Sequence[Any]) -> None:
    """Whatever time and row one begins at, the page is what is at or before it, newest first."""
    newest_first = list(rows)[::-1]
    page = await read(None)
    assert (list(page.rows), page.total, page.last) == (newest_first, len(rows), True)
    for row in rows:
        end = row.time if not row.time.microsecond else row.time.replace(microsecond=0) + timedelta(seconds=1)
        within = [other for other in newest_first if other.time <= end]
        for skip in range(len(within) + 1):
            page = await read(row.time, skip)
            assert list(page.rows) == within[skip:]
            assert page.last
            assert page.total in (None, len(within))


@with_account
@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("EOrder:Insufficient funds", {"volume": D(5000)}),
        (
            "EOrder:Tick size check failed",
            {"order_type": OrderType.STOP_LOSS, "trigger_price": D("20000.05")},
        ),
        ("EGeneral:Invalid arguments:volume minimum not met", {"volume": D("0.00001")}),
        ("EOrder:Cost minimum not met", {"volume": D("0.00005"), "price": D("1.0")}),
        ("EQuery:Unknown asset pair", {"pair": "NIXUSD"}),
        ("EOrder:Post only order", {"price": D(900_000), "post_only": True, "volume": D("0.0001")}),
    ],
)
async def test_what_cannot_be_placed_is_refused(opened: Kind, code: str, fields: dict[str, Any]) -> None:
    async with opened() as venue:
        order = venue.order(**fields)
        outcome = await venue.broker.submit(order, go_ahead)
        if code == "EOrder:Tick size check failed":
            # Which of its words Kraken uses depends on the decimals.
            assert isinstance(outcome, Refused)
            assert outcome.code in (code, "EOrder:Invalid price")
        else:
            assert isinstance(outcome, Refused), outcome
            assert outcome.code == code
        assert await venue.broker.find_orders(order.cl_ord_id) == []


@with_account
async def test_a_client_id_that_is_open_proves_that_the_order_exists(opened: Kind) -> None:
    async with opened() as venue:
        order = venue.order()
        order_id = await venue.place(order)
        assert isinstance(await venue.broker.submit(order, go_ahead), Unknown)
        assert [r.kraken_order_id for r in await venue.broker.find_orders(order.cl_ord_id)] == [order_id]


@with_account
async def test_an_order_after_its_deadline_is_never_accepted(opened: Kind) -> None:
    async with opened() as venue:
        order = venue.order(deadline=venue.clock.now() - timedelta(seconds=1))
        assert not isinstance(await venue.broker.submit(order, go_ahead), Accepted | Withheld)
        assert await venue.broker.find_orders(order.cl_ord_id) == []


@every
async def test_what_the_account_pays_is_told_by_pair(opened: Kind) -> None:
    async with opened() as venue:
        if isinstance(venue.broker, FakeBroker):
            venue.broker.fees = {"XBTUSD": D("0.4")}
        fees = await venue.broker.taker_fees(["XBTUSD"])
    assert fees.keys() == {"XBTUSD"}
    assert D(0) < fees["XBTUSD"] <= 1
