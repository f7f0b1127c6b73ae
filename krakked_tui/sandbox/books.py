"""The exchange's books: every order, trade and ledger row there ever was, and how to find them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.sandbox.market_changes import MarketChange
from krakked_tui.sandbox.orders import Order


class Changes(msgspec.Struct):
    """Rows that are new or changed since they were last stored."""

    orders: dict[str, Order] = {}
    trades: list[Trade] = []
    entries: list[LedgerEntry] = []
    market: list[MarketChange] = []

    def __bool__(self) -> bool:
        return bool(self.orders or self.trades or self.entries or self.market)


class Books:
    """All records, in the order they were made; they grow with the exchange's life."""

    def __init__(
        self,
        orders: Sequence[Order] = (),
        trades: Sequence[Trade] = (),
        entries: Sequence[LedgerEntry] = (),
        market_changes: Sequence[MarketChange] = (),
    ) -> None:
        self._orders: dict[str, Order] = {}
        self._open: dict[str, Order] = {}
        self._open_client_ids: dict[str, str] = {}
        self._open_by_pair: Counter[str] = Counter()
        self._market_changes: list[MarketChange] = []
        self._trades: dict[str, Trade] = {}
        self._trade_numbers: dict[str, int] = {}
        self._entries: list[LedgerEntry] = []
        self._entries_by_ref: dict[str, list[str]] = {}
        self._changes = Changes()
        for order in orders:
            self.put_order(order)
        for trade in trades:
            self.add_trade(trade)
        for entry in entries:
            self.add_entry(entry)
        for change in market_changes:
            self.add_market_change(change)
        self.settle_changes()

    @property
    def orders(self) -> Mapping[str, Order]:
        """Every order ever accepted, oldest first, by its id."""
        return self._orders

    @property
    def open_orders(self) -> Mapping[str, Order]:
        """The open ones, oldest first, by id."""
        return self._open

    @property
    def trades(self) -> Mapping[str, Trade]:
        """Every trade, oldest first, by id."""
        return self._trades

    @property
    def entries(self) -> Sequence[LedgerEntry]:
        """Every ledger row, oldest first."""
        return self._entries

    @property
    def market_changes(self) -> Sequence[MarketChange]:
        """What was done to the market by command, oldest first."""
        return self._market_changes

    @property
    def open_pairs(self) -> list[str]:
        """The pairs with open orders."""
        return [name for name, count in self._open_by_pair.items() if count]

    def open_on(self, name: str) -> int:
        """Return how many orders are open on a pair."""
        return self._open_by_pair[name]

    def trade_number(self, trade_id: str) -> int:
        """Return a trade's running number, from 1."""
        return self._trade_numbers[trade_id]

    def entry_ids(self, refid: str) -> Sequence[str]:
        """Return the ids of the ledger rows of a trade or deposit."""
        return self._entries_by_ref.get(refid, ())

    def open_by_client_id(self, cl_ord_id: str) -> Order | None:
        """Return the open order that carries a client id; at most one does."""
        order_id = self._open_client_ids.get(cl_ord_id)
        return self._open[order_id] if order_id is not None else None

    def ended_orders(self) -> Iterator[Order]:
        """Every order that is open no more, in the order of arrival."""
        return (order for order in self._orders.values() if not order.is_open)

    def put_order(self, order: Order) -> None:
        """Record a new order or a new state of one."""
        self._orders[order.order_id] = order
        client_id = order.draft.cl_ord_id
        if order.is_open:
            self._open_by_pair[order.draft.pair] += order.order_id not in self._open
            self._open[order.order_id] = order
            if client_id is not None:
                self._open_client_ids[client_id] = order.order_id
        elif self._open.pop(order.order_id, None) is not None:
            self._open_by_pair[order.draft.pair] -= 1
            if client_id is not None:
                del self._open_client_ids[client_id]
        self._changes.orders[order.order_id] = order

    def add_trade(self, trade: Trade) -> None:
        """Record a trade."""
        self._trades[trade.trade_id] = trade
        self._trade_numbers[trade.trade_id] = len(self._trades)
        self._changes.trades.append(trade)

    def add_entry(self, entry: LedgerEntry) -> None:
        """Record a ledger row."""
        self._entries.append(entry)
        self._entries_by_ref.setdefault(entry.refid, []).append(entry.entry_id)
        self._changes.entries.append(entry)

    def add_market_change(self, change: MarketChange) -> None:
        """Record what was done to the market."""
        self._market_changes.append(change)
        self._changes.market.append(change)

    @property
    def has_changes(self) -> bool:
        """Whether something is not stored yet."""
        return bool(self._changes)

    @property
    def changes(self) -> Changes:
        """What is not stored yet."""
        return self._changes

    def settle_changes(self) -> None:
        """Take note that all changes are stored."""
        self._changes = Changes()
