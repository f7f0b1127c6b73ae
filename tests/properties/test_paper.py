"""Whatever is asked of a paper account, and whenever it dies, its books stay honest."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.fills import Trade
from krakked_tui.domain.orders import (
    Accepted,
    ExchangeStatus,
    OrderReport,
    OrderRequest,
    OrderType,
    Side,
    TimeInForce,
)
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.precision import half_up
from krakked_tui.paper.books import order_of
from krakked_tui.paper.terms import PaperTerms
from krakked_tui.ports import StreamState
from krakked_tui.sim.fees import TIER_WINDOW, fee_percent
from tests.fakes.clock import FakeClock, settle
from tests.unit.paper.samples import PAIR, Desk, Disk, go_ahead, open_desk, quote_of

D = Decimal
EVER = datetime(1970, 1, 1, tzinfo=UTC)
TERMS = PaperTerms(starting_balances={"USD": D(10_000), "XBT": D("3.5")}, latency_ms=0)


class Price(msgspec.Struct, frozen=True):
    """A price comes in; ``grown`` is how much the volume of 24 hours changed."""

    last: int
    spread: int
    size: int
    grown: int
    seconds: int


class Ask(msgspec.Struct, frozen=True):
    """An order is sent; prices are in USD, the volume in thousandths of a bitcoin."""

    side: Side
    kind: OrderType
    volume: int
    price: int
    trigger: int
    name: int
    immediate: bool
    post_only: bool


class Cancel(msgspec.Struct, frozen=True):
    """The order of a name is canceled."""

    name: int


class Mode(msgspec.Struct, frozen=True):
    """The pair's status changes."""

    status: PairStatus


class Connection(msgspec.Struct, frozen=True):
    """The market stream closes or opens."""

    up: bool


class Restart(msgspec.Struct, frozen=True):
    """The program is killed and starts again, and hears the last price anew."""


class Trouble(msgspec.Struct, frozen=True):
    """From here on the disk refuses, or stores and does not say so, or works."""

    refuse: bool
    forget: bool


Step = Price | Ask | Cancel | Mode | Connection | Restart | Trouble

SIDES = st.sampled_from(Side)
PRICES = st.builds(
    Price, last=st.integers(990, 1010), spread=st.integers(0, 30), size=st.integers(0, 300),
    grown=st.integers(-100, 900), seconds=st.sampled_from([0, 0, 0, 1, 5, 58, 61]),
)  # fmt: skip
LIMITS = st.builds(
    Ask, side=SIDES, kind=st.just(OrderType.LIMIT), volume=st.integers(1, 900),
    price=st.integers(992, 1008), trigger=st.just(0), name=st.integers(0, 20),
    immediate=st.just(value=False), post_only=st.just(value=False),
)  # fmt: skip
ASKS = st.builds(
    Ask, side=SIDES, kind=st.sampled_from(OrderType), volume=st.integers(0, 4000),
    price=st.integers(985, 1015), trigger=st.integers(985, 1015), name=st.integers(0, 20),
    immediate=st.booleans(), post_only=st.sampled_from([False, False, True]),
)  # fmt: skip
TRAILS = st.builds(
    Ask, side=SIDES, kind=st.just(OrderType.TRAILING_STOP), volume=st.integers(1, 900),
    price=st.just(1), trigger=st.integers(1, 9), name=st.integers(0, 20),
    immediate=st.just(value=False), post_only=st.just(value=False),
)  # fmt: skip
OTHERS = st.one_of(
    st.builds(Cancel, st.integers(0, 20)),
    st.builds(Mode, st.sampled_from([PairStatus.ONLINE, PairStatus.ONLINE, PairStatus.MAINTENANCE])),
    st.builds(Connection, st.sampled_from([True, True, False])),
    st.just(Restart()),
)
USUAL = st.one_of(PRICES, PRICES, PRICES, LIMITS, LIMITS, ASKS, TRAILS, OTHERS)
CALM = st.lists(USUAL, min_size=25, max_size=60)
TROUBLED = st.lists(
    st.one_of(USUAL, USUAL, USUAL, st.builds(Trouble, st.booleans(), st.booleans())), min_size=25, max_size=60
)


class Run:
    """Takes an account through steps. Without ``restarts`` the program goes on where it should die."""

    def __init__(self, *, restarts: bool) -> None:
        self.disk = Disk()
        self.clock = FakeClock()
        self.volume = D(5000)
        self.restarts = restarts
        self.status = PairStatus.ONLINE
        self.connected = True
        self.quote: Quote | None = None
        self.quotes: list[Quote] = []
        self.heard: list[Trade] = []
        self.requests: dict[str, OrderRequest] = {}
        self.fills_at: dict[str, tuple[Quote, Decimal]] = {}

    async def play(self, steps: list[Step]) -> None:
        left = list(steps)
        while True:
            async with open_desk(self.disk, terms=TERMS, clock=self.clock) as desk:
                desk.status(self.status)
                desk.broker.on_market_state(StreamState("market", connected=self.connected))
                if self.quote is not None and self.restarts:
                    await self._say(desk, self.quote, D(0))
                while left:
                    step = left.pop(0)
                    if isinstance(step, Restart):
                        if self.restarts:
                            break
                        if self.quote is not None:
                            await self._say(desk, self.quote, D(0))
                        continue
                    await self._do(desk, step)
                    if not (desk.books.refuse or desk.books.forget):
                        await check_balances(desk)
                else:
                    desk.books.refuse = desk.books.forget = False
                    await self.clock.advance(10)
                    await self._finish(desk)
                    return
                self.heard += desk.ear.trades

    async def _do(self, desk: Desk, step: Step) -> None:
        match step:
            case Price():
                await self._price(desk, step)
            case Ask():
                await self._ask(desk, step)
            case Cancel(name):
                with_errors = desk.books.refuse or desk.books.forget or self.status is PairStatus.MAINTENANCE
                try:
                    await desk.broker.cancel([f"name{name}"])
                except ExchangeError:
                    assert with_errors
            case Mode(status):
                self.status = status
                desk.status(status)
            case Connection(up):
                self.connected = up
                desk.broker.on_market_state(StreamState("market", connected=up))
            case Trouble(refuse, forget):
                desk.books.refuse, desk.books.forget = refuse, forget
                await self.clock.advance(6)
            case Restart():
                raise AssertionError("handled by play")

    async def _price(self, desk: Desk, step: Price) -> None:
        self.clock.jump(step.seconds)
        grown = D(step.grown).scaleb(-3)
        self.volume += grown
        last = D(step.last)
        quote = quote_of(
            last, bid=last - D(step.spread) / 10, ask=last + D(step.spread) / 10,
            size=D(step.size).scaleb(-3), volume=self.volume, received=0.0, time=self.clock.now(),
        )  # fmt: skip
        await self._say(desk, quote, grown)

    async def _say(self, desk: Desk, quote: Quote, grown: Decimal) -> None:
        self.clock.jump(1)
        quote = msgspec.structs.replace(quote, received=self.clock.monotonic())
        self.quote = quote
        before = len(self.disk.trades)
        desk.broker.on_quote(quote)
        await settle()
        self._note(before, quote, grown)

    async def _ask(self, desk: Desk, step: Ask) -> None:
        request = OrderRequest(
            cl_ord_id=f"name{step.name}",
            pair="XBTUSD",
            side=step.side,
            order_type=step.kind,
            volume=D(step.volume).scaleb(-3),
            price=D(step.price),
            trigger_price=D(step.trigger),
            time_in_force=TimeInForce.IOC if step.immediate else TimeInForce.GTC,
            post_only=step.post_only,
        )
        before = len(self.disk.trades)
        outcome = await desk.broker.submit(request, go_ahead)
        if isinstance(outcome, Accepted):
            assert self.quote is not None
            assert self.status is not PairStatus.MAINTENANCE
            self.requests[outcome.kraken_order_id] = request
        if self.quote is not None:
            self._note(before, self.quote, D(0))
        else:
            assert len(self.disk.trades) == before

    def _note(self, before: int, quote: Quote, grown: Decimal) -> None:
        """Check what filled at a price just heard; ``grown`` is what surely traded since the one before."""
        made = D(0)
        for trade, _ in self.disk.trades[before:]:
            limit = self._limit(trade.kraken_order_id)
            buys = trade.side == "buy"
            if trade.maker:
                made += trade.volume
                assert trade.price == limit
                assert quote.last < trade.price if buys else quote.last > trade.price
            else:
                assert trade.price >= quote.ask if buys else trade.price <= quote.bid
                assert limit is None or (trade.price <= limit if buys else trade.price >= limit)
        assert made <= max(grown, D(0))
        if not self.connected:
            assert made == 0

    def _limit(self, order_id: str) -> Decimal | None:
        return next(order_of(row.body).limit for row in self.disk.orders.values() if row.order_id == order_id)

    async def _finish(self, desk: Desk) -> None:
        await check_balances(desk)
        self.heard += desk.ear.trades
        await check_books(desk)
        self.result = (
            await desk.broker.balances(),
            sorted(msgspec.structs.astuple(report) for report in await desk.broker.open_orders()),
            await desk.broker.trades(EVER),
            await desk.broker.ledger(EVER),
        )


async def check_balances(desk: Desk) -> None:
    """No balance is negative, and what is held is what the open orders need."""
    balances = await desk.broker.balances()
    orders = [order_of(body) for body in await desk.books.open_orders()]
    held: dict[str, Decimal] = defaultdict(Decimal)
    for order in orders:
        held[order.hold_asset] += order.held
        if order.request.side is Side.SELL:
            assert (order.hold_asset, order.held) == ("XBT", order.remaining)
        else:
            price = order.limit or order.trigger or D(0)
            most = order.remaining * price * (100 + PAIR.fees_taker[0].percent) / 100
            least = order.remaining * price * (100 + PAIR.fees_taker[-1].percent) / 100
            assert least - D("0.001") <= order.held <= most + D("0.0001")
    for asset, balance in balances.items():
        assert balance.total >= 0
        assert balance.free >= 0
        assert balance.reserved == held[asset]


async def check_books(desk: Desk) -> None:
    """Ledger, balances, trades and orders tell the same story."""
    balances = await desk.broker.balances()
    running: dict[str, Decimal] = defaultdict(Decimal)
    for entry in await desk.broker.ledger(EVER):
        running[entry.asset] += entry.amount - entry.fee
        assert running[entry.asset] == entry.balance
    assert {asset: balance.total for asset, balance in balances.items()} == dict(running)

    trades = await desk.broker.trades(EVER)
    filled: dict[str, Decimal] = defaultdict(Decimal)
    for index, trade in enumerate(trades):
        filled[trade.kraken_order_id] += trade.volume
        volume = sum((past.cost for past in trades[:index] if past.time > trade.time - TIER_WINDOW), D(0))
        ladder = PAIR.fees_maker if trade.maker else PAIR.fees_taker
        assert trade.cost == half_up(trade.price * trade.volume, 5)
        assert trade.fees[0].amount == half_up(trade.cost * fee_percent(ladder, volume) / 100, 5)
    reports: list[OrderReport] = list(await desk.broker.query_orders(list(filled)))
    assert {report.kraken_order_id: report.filled for report in reports} == filled
    for report in reports:
        assert report.filled <= report.volume
        assert (report.filled == report.volume) is (report.status is ExchangeStatus.CLOSED)
    ids = [trade.trade_id for trade in trades]
    assert len(set(ids)) == len(ids)


@given(CALM)
@settings(max_examples=150)
def test_the_books_are_honest_and_a_restart_changes_nothing(steps: list[Step]) -> None:
    killed, lasting = Run(restarts=True), Run(restarts=False)
    asyncio.run(killed.play(steps))
    asyncio.run(lasting.play(steps))
    assert killed.result == lasting.result
    for run in (killed, lasting):
        assert run.heard == run.result[2]


@given(TROUBLED)
@settings(max_examples=150)
def test_a_disk_that_fails_at_any_moment_leaves_honest_books(steps: list[Step]) -> None:
    run = Run(restarts=True)
    asyncio.run(run.play(steps))
    stored = run.result[2]
    # Nobody ever heard of a fill that is not in the books.
    assert [trade for trade in stored if trade in run.heard] == run.heard


@given(CALM)
@settings(max_examples=30)
def test_the_same_steps_give_the_same_account(steps: list[Step]) -> None:
    first, second = Run(restarts=True), Run(restarts=True)
    asyncio.run(first.play(steps))
    asyncio.run(second.play(steps))
    assert first.result == second.result
