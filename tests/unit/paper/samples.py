"""A paper account to play with: books in memory, a market one types in, and a sink that remembers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import KnownFigures, Quote
from krakked_tui.domain.errors import AccountMismatchError, StorageError
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.orders import (
    Accepted,
    OrderReport,
    OrderRequest,
    OrderType,
    Side,
    SubmitOutcome,
    Withheld,
)
from krakked_tui.domain.pairs import AssetInfo, FeeTier, PairMetadata, PairStatus
from krakked_tui.paper.books import OrderRow
from krakked_tui.paper.broker import PaperBroker
from krakked_tui.paper.terms import PaperTerms
from krakked_tui.ports import StreamState
from tests.fakes.clock import FakeClock, settle

D = Decimal
OWNER = "paper:abc"
TAG = "f00d"
ACCOUNT = f"{OWNER}-{TAG}"

PAIR = PairMetadata(
    canonical="XBTUSD",
    base="XBT",
    quote="USD",
    rest_symbol="XBTUSD",
    ws_symbol="BTC/USD",
    raw_name="XXBTZUSD",
    price_decimals=1,
    tick_size=D("0.1"),
    volume_decimals=8,
    lot_size=D("0.00000001"),
    order_min=D("0.00005"),
    cost_min=D("0.5"),
    cost_decimals=5,
    asset_class="currency",
    fees_taker=(FeeTier(D(0), D("0.40")), FeeTier(D(10_000), D("0.35"))),
    fees_maker=(FeeTier(D(0), D("0.25")), FeeTier(D(10_000), D("0.20"))),
)
ASSETS = (
    AssetInfo("XBT", "XXBT", "currency", 10, 5),
    AssetInfo("USD", "ZUSD", "currency", 4, 2),
)
CROSS = msgspec.structs.replace(
    PAIR, canonical="ETHXBT", base="ETH", quote="XBT", rest_symbol="ETHXBT", ws_symbol="ETH/BTC",
    raw_name="XETHXXBT", price_decimals=5, tick_size=D("0.00001"), cost_decimals=10,
    order_min=D("0.001"), cost_min=D("0.00002"),
)  # fmt: skip


def go_ahead() -> str:
    """Withhold nothing."""
    return ""


class Disk(msgspec.Struct):
    """What survives a restart."""

    meta: tuple[str, str] | None = None
    orders: dict[int, OrderRow] = {}
    trades: list[tuple[Trade, Decimal]] = []
    entries: list[LedgerEntry] = []


class MemoryBooks:
    """``PaperBooks`` on a ``Disk``. ``refuse`` fails commits before, ``forget`` after they were made."""

    def __init__(self, disk: Disk, tag: str = TAG) -> None:
        self.disk = disk
        self.tag = tag
        self.refuse = False
        self.forget = False
        self.commits = 0
        self.closed = False
        self.stall: asyncio.Event | None = None

    async def claim(self, owner: str, opening: str) -> tuple[str, str]:
        if self.disk.meta is None:
            self.disk.meta = (f"{owner}-{self.tag}", opening)
        if not f"{self.disk.meta[0]}-".startswith(f"{owner}-"):
            raise AccountMismatchError("another account")
        return self.disk.meta

    async def commit(
        self,
        orders: Sequence[OrderRow],
        trades: Sequence[tuple[Trade, Decimal]],
        entries: Sequence[LedgerEntry],
    ) -> None:
        if self.stall is not None:
            await self.stall.wait()
        if self.refuse:
            raise StorageError("the disk is full")
        self.commits += 1
        self.disk.orders |= {order.number: order for order in orders}
        self.disk.trades += trades
        self.disk.entries += entries
        if self.forget:
            raise StorageError("the disk went away")

    async def counts(self) -> tuple[int, int, int]:
        return len(self.disk.orders), len(self.disk.trades), len(self.disk.entries)

    async def last_time(self) -> datetime | None:
        return self.disk.entries[-1].time if self.disk.entries else None

    async def balances(self) -> Mapping[str, Decimal]:
        return {entry.asset: entry.balance for entry in self.disk.entries}

    async def turnover(self, since: datetime) -> Sequence[tuple[datetime, Decimal]]:
        return [(trade.time, usd) for trade, usd in self.disk.trades if trade.time >= since]

    async def open_orders(self) -> Sequence[str]:
        return [row.body for row in self.disk.orders.values() if row.is_open]

    async def find_orders(self, cl_ord_id: str) -> Sequence[str]:
        return [row.body for row in self.disk.orders.values() if row.cl_ord_id == cl_ord_id]

    async def query_orders(self, order_ids: Sequence[str]) -> Sequence[str]:
        return [row.body for row in self.disk.orders.values() if row.order_id in order_ids]

    async def trades(self, since: datetime) -> Sequence[Trade]:
        return [trade for trade, _ in self.disk.trades if trade.time >= since]

    async def entries(self, since: datetime) -> Sequence[LedgerEntry]:
        return [entry for entry in self.disk.entries if entry.time >= since]

    async def trades_before(self, until: datetime, skip: int, rows: int) -> Sequence[Trade]:
        return [trade for trade, _ in self.disk.trades[::-1] if trade.time <= until][skip : skip + rows]

    async def entries_before(self, until: datetime, skip: int, rows: int) -> Sequence[LedgerEntry]:
        return [entry for entry in self.disk.entries[::-1] if entry.time <= until][skip : skip + rows]

    async def close(self) -> None:
        self.closed = True


class Ear:
    """An ``AccountSink`` that remembers."""

    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self.reports: list[OrderReport] = []
        self.states: list[StreamState] = []

    def on_report(self, report: OrderReport) -> None:
        self.reports.append(report)

    def on_trade(self, trade: Trade) -> None:
        self.trades.append(trade)

    def on_stream_state(self, state: StreamState) -> None:
        self.states.append(state)


class Desk:
    """One paper account, its market and its listener."""

    def __init__(self, broker: PaperBroker, books: MemoryBooks, clock: FakeClock) -> None:
        self.broker = broker
        self.books = books
        self.clock = clock
        self.ear = Ear()
        self.volume = D(1440)
        self._orders = 0

    async def hear(
        self, last: str, *, traded: str = "0", bid: str = "", ask: str = "", size: str = "1",
        pair: str = "XBTUSD",
    ) -> Quote:  # fmt: skip
        """Let a second pass and a price come in; bid and ask are 0.5 around the last price."""
        self.clock.jump(1)
        self.volume += D(traded)
        quote = quote_of(
            D(last), bid=D(bid) if bid else None, ask=D(ask) if ask else None, size=D(size),
            volume=self.volume, received=self.clock.monotonic(), time=self.clock.now(), pair=pair,
        )  # fmt: skip
        self.broker.on_quote(quote)
        await settle()
        return quote

    async def order(
        self, side: Side, volume: str, price: str | None = None, *, kind: OrderType | None = None,
        name: str = "", pair: str = "XBTUSD", **more: object,
    ) -> SubmitOutcome | Withheld:  # fmt: skip
        """Submit an order: a limit one with a price, else a market one."""
        return await self.broker.submit(
            self.request(side, volume, price, kind=kind, name=name, pair=pair, **more), go_ahead
        )

    def request(
        self, side: Side, volume: str, price: str | None = None, *, kind: OrderType | None = None,
        name: str = "", pair: str = "XBTUSD", **more: object,
    ) -> OrderRequest:  # fmt: skip
        self._orders += 1
        request = OrderRequest(
            cl_ord_id=name or f"kabctrf{self._orders:011}",
            pair=pair,
            side=side,
            order_type=kind or (OrderType.LIMIT if price else OrderType.MARKET),
            volume=D(volume),
            price=D(price) if price else None,
        )
        return msgspec.structs.replace(request, **more)

    async def free(self, asset: str) -> Decimal:
        balances = await self.broker.balances()
        return balances[asset].free if asset in balances else D(0)

    async def total(self, asset: str) -> Decimal:
        balances = await self.broker.balances()
        return balances[asset].total if asset in balances else D(0)

    def status(self, status: PairStatus) -> None:
        """Let the exchange list the pair in another mode."""
        self.broker.on_pairs([msgspec.structs.replace(PAIR, status=status), CROSS], ASSETS)

    def fills(self) -> list[tuple[str, str]]:
        """Price and volume of every fill heard of."""
        return [
            (f"{trade.price.normalize():f}", f"{trade.volume.normalize():f}") for trade in self.ear.trades
        ]


def quote_of(
    last: Decimal, *, bid: Decimal | None, ask: Decimal | None, size: Decimal, volume: Decimal,
    received: float, time: datetime, pair: str = "XBTUSD",
) -> Quote:  # fmt: skip
    return Quote(
        pair=pair,
        bid=last - D("0.5") if bid is None else bid,
        ask=last + D("0.5") if ask is None else ask,
        last=last,
        time=time,
        received=received,
        figures=KnownFigures(bid_size=size, ask_size=size, volume_24h=volume),
    )


TERMS = PaperTerms(latency_ms=0)


@asynccontextmanager
async def open_desk(
    disk: Disk | None = None, *, terms: PaperTerms = TERMS, clock: FakeClock | None = None,
    listed: bool = True, ask_prices: Callable[[], object] | None = None,
    tag: str = TAG,
) -> AsyncIterator[Desk]:  # fmt: skip
    """Open an account and let somebody listen to it."""
    clock = clock or FakeClock()
    books = MemoryBooks(disk if disk is not None else Disk(), tag)
    broker = await PaperBroker.open(OWNER, books, clock, terms, ask_prices)  # type: ignore[arg-type]
    if listed:
        broker.on_pairs([PAIR, CROSS], ASSETS)
    desk = Desk(broker, books, clock)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(broker.stream(desk.ear))
        await settle()
        try:
            yield desk
        finally:
            listening.cancel()


def accepted(outcome: SubmitOutcome | Withheld) -> str:
    """Return the order's id, or fail."""
    assert isinstance(outcome, Accepted), outcome
    return outcome.kraken_order_id
