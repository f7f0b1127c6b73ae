"""The one mutable aggregate. Only ``step`` writes it; everything in it is a frozen value or a book."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, takewhile

import msgspec

from krakked_tui.decision.effects import Levels
from krakked_tui.decision.events import Mark
from krakked_tui.decision.outside import External, unjudged
from krakked_tui.decision.parts import (
    AccountTruth,
    Awaiting,
    Barred,
    CancelRequest,
    Counts,
    Unattributed,
    UrgentClose,
)
from krakked_tui.decision.syncs import SyncSummary
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import LocalOrder, OrderStatus
from krakked_tui.domain.pairs import (
    SYSTEM_PERMITS,
    PairMetadata,
    PairStatus,
    Permits,
    SystemStatus,
    allows,
)
from krakked_tui.domain.portfolio import Rate
from krakked_tui.domain.records import HistoryKind, HistoryMark, SnapshotSaved, StoredState
from krakked_tui.domain.safety import DayStart, FlattenProgress, KillSwitch
from krakked_tui.execution import client_ids
from krakked_tui.execution.holding_book import HoldingBook
from krakked_tui.execution.holdings import Holding
from krakked_tui.execution.order_book import OrderBook
from krakked_tui.execution.settings import ExecutionSettings
from krakked_tui.execution.unknown import Search
from krakked_tui.portfolio.findings import LedgerFinding
from krakked_tui.portfolio.ledger import Books
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.valuation import Valuation
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.strategies.settings import StrategySettings

RECENT_TRADES = 200
FAILED = frozenset({OrderStatus.REJECTED, OrderStatus.ERROR})
"""How an order ends that the exchange, or our own check of the rules, refused."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the core needs to know beforehand. Intervals are seconds."""

    strategies: tuple[StrategySettings, ...]
    risk: RiskSettings = RiskSettings()
    execution: ExecutionSettings = ExecutionSettings()
    portfolio: PortfolioSettings = PortfolioSettings()
    portfolio_sync_seconds: float = 30.0
    snapshot_seconds: float = 300.0
    min_liquidity_24h_usd: Decimal = ZERO
    """The universe's, which holds for entries where the risk settings have none."""


@dataclass(slots=True)
class State:
    """What the core knows. Made by ``open_state``, changed by ``step``."""

    settings: CoreSettings
    instance: str
    next_number: int
    books: Books
    orders: OrderBook
    known: dict[str, PairMetadata] = field(default_factory=dict)
    """Every pair that is listed, and every one that is not any more and that something of ours is about."""
    tradable: frozenset[str] = frozenset()
    system: SystemStatus | None = SystemStatus.ONLINE
    """What the exchange as a whole is in; None when that is not known."""
    barred: dict[str, Barred] = field(default_factory=dict)
    """Closes, by pair, that wait for the exchange to take them."""
    taker_fees: dict[str, Decimal] = field(default_factory=dict)
    """What the account pays by its volume, in percent, by pair, as far as the exchange said it."""
    fees_wall: float | None = None
    """Wall second from which the exchange is asked for that again."""
    kill_switch: KillSwitch = field(default_factory=KillSwitch)
    paused: bool = False
    day_start: DayStart | None = None
    day_awaited: datetime | None = None
    """Since when a new day waits for prices to be opened at."""
    flatten: FlattenProgress | None = None
    held: HoldingBook = field(default_factory=HoldingBook)
    """What strategies hold, share by share, and what they have sold."""
    atr: dict[str, Decimal] = field(default_factory=dict)
    """Average true range of the pairs that are held, in quote units, as of the last cycle that told it."""
    marks: dict[str, Mark] = field(default_factory=dict)
    """The last prices; written by ``decision.marks`` and by a stop that is hit."""
    valuation: Valuation | None = None
    delisted: tuple[str, ...] = ()
    """Assets held of which nobody tells the worth any more, as the operator was told last."""
    snapshots: list[SnapshotSaved] = field(default_factory=list)
    account: AccountTruth = field(default_factory=AccountTruth)
    last_sync: SyncSummary | None = None
    history: dict[HistoryKind, HistoryMark] = field(default_factory=dict)
    """How much of each history is stored; a database made before there were marks has none."""
    awaiting: Awaiting = field(default_factory=Awaiting)
    foreign: dict[str, int | None] = field(default_factory=dict)
    """The userref of each order with fills that is not ours, by the exchange's id."""
    rates_asked: bool = False
    """Whether prices of the past are being looked for."""
    found: list[Rate] = field(default_factory=list)
    """Prices of the past that are stored and not booked yet."""
    unfound: set[tuple[str, str]] = field(default_factory=set)
    """Events and assets for which nothing says a price."""
    findings_told: set[LedgerFinding] = field(default_factory=set)
    external: External = field(default_factory=External)
    reattribute: bool = False
    """Whether holdings are to be made anew once every fill's order is identified: the order matters."""
    pruned: str = ""
    """The day on which the equity curve was thinned out last."""
    searches: dict[str, Search] = field(default_factory=dict)
    submissions: dict[str, int] = field(default_factory=dict)
    """Times each order that is still to be sent has been handed to the broker."""
    cancelling: dict[str, CancelRequest] = field(default_factory=dict)
    """Live orders that are to be canceled, by client id."""
    recent_trades: deque[Trade] = field(default_factory=lambda: deque(maxlen=RECENT_TRADES))
    unbooked: dict[str, Trade] = field(default_factory=dict)
    """Stored trades, by id, on pairs that the exchange does not list (any more)."""
    unattributed: dict[str, Unattributed] = field(default_factory=dict)
    """Fills by exchange order id whose order is not identified yet."""
    next_identify_wall: float = 0.0
    booked: dict[str, Decimal] = field(default_factory=dict)
    """Base volume of the booked fills of each order, by client id."""
    awaiting_fills: set[str] = field(default_factory=set)
    """Orders that the exchange says have filled further than their booked fills."""
    urgent: dict[str, UrgentClose] = field(default_factory=dict)
    """Shares to sell at market, by pair, until nothing is held of them."""
    watched_stops: dict[str, Levels] | None = None
    """The prices watched for now; None before that has been asked for."""
    flatten_next_wall: dict[str, float] = field(default_factory=dict)
    """Wall second from which the flatten may make another close order of each pair."""
    flatten_verifying_since: float | None = None
    strategy_errors: dict[str, str] = field(default_factory=dict)
    """What stopped each strategy that has failed; it is not run until it is restarted."""
    restarted: set[str] = field(default_factory=set)
    """Strategies that were made anew while a cycle was computed with the old ones."""
    order_errors: int = 0
    """Orders in a row that ended in an error; an order that the exchange took ends the row."""
    last_order_error: str = ""
    market_usable: bool = False
    market_detail: str = "no prices yet"
    storage_trouble: str = ""
    stopping: bool = False
    cycle: int = 0
    cycle_running: bool = False
    made: set[str] = field(default_factory=set)
    """Client ids of the orders made since start."""
    activity: int = 0
    """Grows with every order sent and every fill; see ``AccountSynced``."""
    wall: float = 0.0
    """Wall second of the last housekeeping."""
    speed: float = 1.0
    counts: Counts = field(default_factory=Counts)

    @property
    def holdings(self) -> dict[str, Holding]:
        """What strategies hold, by pair."""
        return self.held.holdings

    def new_client_id(self, tag: str) -> str:
        """Take the next client order id."""
        return client_ids.make(self.instance, tag, self._new_number())

    def new_plan_id(self) -> str:
        """Take the next plan id: ``p`` where a client order id has ``k`` and a tag."""
        return f"p{client_ids.make(self.instance, 'pln', self._new_number())[7:]}"

    def _new_number(self) -> int:
        number, self.next_number = self.next_number, self.next_number + 1
        return number

    def strategy(self, strategy_id: str) -> StrategySettings | None:
        """Return a strategy's settings by id."""
        return next((s for s in self.settings.strategies if s.id == strategy_id), None)

    def live_orders(self, pair: str) -> tuple[LocalOrder, ...]:
        """Return our orders on a pair that have not ended."""
        return tuple(order for order in self.orders.live() if order.request.pair == pair)

    def needed_pairs(self) -> frozenset[str]:
        """Return the pairs that something of ours is about now.

        That is a position, a holding, an order, a fill, and whatever else lies in the account and is to be
        valued.
        """
        positions = self.books.state.positions
        waiting = (trade.pair for fills in self.unattributed.values() for trade in fills.trades)
        return frozenset(
            chain(
                (pair for pair, position in positions.items() if position.size),
                self.holdings,
                (order.request.pair for order in self.orders.live()),
                waiting,
                self._pairs_of_balances(),
            )
        )

    def _pairs_of_balances(self) -> Iterator[str]:
        """Yield the pairs that say what the assets in the account are worth."""
        base_currency = self.settings.portfolio.base_currency
        forms, balances = self.books.forms, self.account.balances
        assets = {forms.asset(name) for name, balance in balances.items() if balance.total}
        if assets <= {base_currency}:
            return
        for name, pair in self.known.items():
            if pair.base in assets and pair.quote == base_currency:
                yield name

    def permits(self, pair: str) -> Permits:
        """Return what may be done on a pair now, by its status and by the exchange's."""
        known = self.known.get(pair)
        return allows(PairStatus.DELISTED if known is None else known.status, self.system)

    def system_refusal(self) -> str:
        """Say that the exchange takes nothing new at all now; empty when it does."""
        if self.system is None or SYSTEM_PERMITS[self.system].enter:
            return ""
        mode = "" if self.system is SystemStatus.MAINTENANCE else " mode"
        return f"the exchange is in {self.system}{mode}"

    def new_risk_refusal(self) -> str:
        """Say why nothing may be opened at all now; empty when it may."""
        account = self.account
        for trouble in (
            "the engine is stopping" if self.stopping else "",
            "a flatten is in progress" if self.flattening else "",
            f"the kill switch is set: {self.kill_switch.reason}" if self.kill_switch.active else "",
            f"the journal cannot be written: {self.storage_trouble}" if self.storage_trouble else "",
            self.system_refusal(),
            f"the account's history is being read: {self.history_progress}" if self.history_pending else "",
            f"market data unusable: {self.market_detail}" if not self.market_usable else "",
            "the account has not been read yet" if account.synced_wall is None else "",
            self._stale_reason() if self.account_stale else "",
            "balances differ from the ledger" if account.drift else "",
            self._drawdown_unjudged(),
        ):
            if trouble:
                return trouble
        return ""

    def _drawdown_unjudged(self) -> str:
        """Say why equity, and with it the day's drawdown, is not known in full; empty when it is."""
        unpriced = self.valuation.unpriced if self.valuation else ()
        if not unpriced:
            return ""
        return f"equity is not known in full: nothing says what {', '.join(unpriced)} is worth"

    @property
    def history_pending(self) -> bool:
        """Whether a history is still being read the first time, so that books and equity are incomplete."""
        return any(not mark.done for mark in self.history.values())

    @property
    def history_progress(self) -> str:
        """How far the first reading is, for the operator."""
        return ", ".join(mark.progress for mark in self.history.values())

    @property
    def flattening(self) -> bool:
        """Whether a flatten is under way."""
        return self.flatten is not None and self.flatten.finished_at is None

    @property
    def account_stale(self) -> bool:
        """Whether what the exchange confirmed last of the account is too old, for whatever reason."""
        return self._truth_age() > self.settings.portfolio.max_truth_age_seconds

    def _truth_age(self) -> float:
        account = self.account
        confirmed = account.synced_wall if account.read_wall is None else account.read_wall
        return 0.0 if confirmed is None else max(self.wall, account.asked_wall or 0.0) - confirmed

    def _stale_reason(self) -> str:
        if self.account.failure:
            return f"the account cannot be read: {self.account.failure}"
        return f"the account has not been read for {self._truth_age():.0f} s"

    def day_cash_flows(self) -> Decimal:
        """Return the deposits less the withdrawals since the day's opening equity was taken."""
        return self.cash_flows() - self.day_start.cash_flows if self.day_start else ZERO

    def cash_flows(self) -> Decimal:
        """Return what came in less what went out since the beginning, each at its worth when it was counted.

        Never moved by a price, nor by a price of the past that is found later.
        """
        if self.day_start is not None and self.day_start.flows is not None:
            return self.day_start.flows.total
        return self.valuation.flow_value if self.valuation else ZERO

    def orders_made(self) -> dict[str, int]:
        """Return the number of orders made since start, by status."""
        counts: dict[str, int] = {}
        for cl_ord_id in self.made:
            order = self.orders.get(cl_ord_id)
            if order is not None:
                counts[order.status] = counts.get(order.status, 0) + 1
        return counts

    def mid(self, pair: str) -> Decimal | None:
        """Return the middle of the last known spread, however old."""
        mark = self.marks.get(pair)
        return mark.quote.mid if mark else None

    def reference_price(self, pair: str) -> Decimal | None:
        """Return the best price there is for judging a close: the last known, else what was paid."""
        position = self.books.state.positions.get(pair)
        return self.mid(pair) or (position.avg_entry_price if position else None)

    def fills_missing(self, pair: str) -> bool:
        """Say whether an order on the pair has filled further than is booked."""
        orders = (self.orders.get(cl_ord_id) for cl_ord_id in self.awaiting_fills)
        return any(order is not None and order.request.pair == pair for order in orders)

    def note_fills(self, order: LocalOrder) -> None:
        """Keep track of whether the booked fills of an order are all that the exchange reported."""
        if order.filled > self.booked.get(order.cl_ord_id, ZERO):
            self.awaiting_fills.add(order.cl_ord_id)
        else:
            self.awaiting_fills.discard(order.cl_ord_id)


def open_state(
    stored: StoredState,
    settings: CoreSettings,
    known: dict[str, PairMetadata],
    first_number: int,
) -> State:
    """Rebuild the state from what the journal stored: start-up and crash recovery are the same.

    ``first_number`` is the lowest order number to use; it is raised above every stored one, so
    that no client id is ever used twice.
    """
    portfolio = settings.portfolio
    books = Books(portfolio.base_currency, portfolio.cost_basis_method, known.values())
    orders = OrderBook(stored.orders)
    state = State(
        settings=settings,
        instance=stored.instance_id,
        next_number=max([first_number, *(_number(order) + 1 for order in stored.orders)]),
        books=books,
        orders=orders,
        known=known,
        kill_switch=stored.kill_switch,
        paused=stored.paused,
        day_start=stored.day_start,
        flatten=stored.flatten,
        snapshots=list(stored.snapshots),
        history={mark.kind: mark for kind in HistoryKind for mark in stored.history if mark.kind is kind},
        foreign={order.kraken_order_id: order.userref for order in stored.foreign_orders},
        held=HoldingBook(stored.share_marks),
        order_errors=_errors_in_a_row(orders),
        external=unjudged(stored),
    )
    for rate in stored.rates:
        books.apply_rate(rate)
    if state.history_pending:
        state.awaiting.trades.update((trade.trade_id, trade) for trade in stored.trades)
        state.awaiting.entries.update((entry.entry_id, entry) for entry in stored.entries)
    else:
        book(state, stored.trades, stored.entries)
    for order in orders.live():
        state.searches[order.cl_ord_id] = Search(deadline=order.request.deadline or order.created_at)
    return state


def book(state: State, trades: Iterable[Trade], entries: Iterable[LedgerEntry]) -> None:
    """Book what is stored, and give all fills that are booked to the holdings, in their order."""
    for entry in entries:
        state.books.apply_entry(entry)
    for trade in trades:
        pair = state.known.get(trade.pair)
        if pair is None:
            # Its ledger rows book it all the same: as a conversion, without the trade's price.
            state.unbooked[trade.trade_id] = trade
        else:
            state.books.apply_trade(trade, pair)
    attribute_all(state)
    state.reattribute = bool(state.unattributed)


def attribute_all(state: State) -> None:
    """Make the holdings anew from all fills that are booked, by time."""
    state.held.clear()
    state.booked.clear()
    state.unattributed.clear()
    state.recent_trades.clear()
    state.awaiting_fills.clear()
    for trade in state.books.trades():
        attribute(state, trade)
        state.recent_trades.append(trade)
    for order in state.orders:
        state.note_fills(order)


def attribute(state: State, trade: Trade) -> LocalOrder | None:
    """Give a fill to the holding of the order that caused it.

    None is returned for the fill of an order that is not ours, and for one whose order is not known: that
    is kept until it is.
    """
    order = state.orders.get(trade.cl_ord_id) or state.orders.by_kraken_id(trade.kraken_order_id)
    if order is None and trade.kraken_order_id in state.foreign:
        return None
    if order is None:
        state.unattributed.setdefault(trade.kraken_order_id, Unattributed()).trades.append(trade)
        return None
    state.booked[order.cl_ord_id] = state.booked.get(order.cl_ord_id, ZERO) + trade.volume
    state.note_fills(order)
    state.held.apply(order, trade, state.known[trade.pair])
    return order


def _errors_in_a_row(orders: OrderBook) -> int:
    """Count the orders made last that all ended in an error."""
    failed = takewhile(lambda order: order.status in FAILED, orders.newest(len(orders)))
    return sum(1 for _ in failed)


def _number(order: LocalOrder) -> int:
    parsed = client_ids.parse(order.cl_ord_id)
    return parsed.number if parsed else 0
