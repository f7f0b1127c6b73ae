"""The exchange: takes orders, matches them against the market as time passes, keeps the books.

Every entry point first lets the market catch up with the clock, so that what happened before a
request is booked before the request is looked at. A change is durable before it is answered or
published.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus, OrderType, TimeInForce
from krakked_tui.sandbox.catalog import Catalog
from krakked_tui.sandbox.clearing import Clearing
from krakked_tui.sandbox.clock import SandboxClock, instant_of, micros_of
from krakked_tui.sandbox.faults import INSUFFICIENT_FUNDS, POST_ONLY, ApiError
from krakked_tui.sandbox.ids import ORDER, make_id
from krakked_tui.sandbox.order_rules import check_client_id, check_deadline, check_open_orders, check_pair
from krakked_tui.sandbox.orders import (
    Draft,
    ExchangeEvent,
    Order,
    OrderAccepted,
    OrderEnded,
)
from krakked_tui.sandbox.state_file import StateFile
from krakked_tui.sim.account import Account, Hold
from krakked_tui.sim.bars import DAY_MINUTES
from krakked_tui.sim.liquidity import DEPTH, book_around
from krakked_tui.sim.market import Market, Quote
from krakked_tui.sim.matching import Book, Level, Resting, RestingOrders, take
from krakked_tui.sim.tape import MINUTE_MICROS, Print

TIME_AHEAD: Final = timedelta(seconds=5)
"""So much wall time ahead a running clock is stored: after a crash it is never seen to go back."""

HISTORY: Final = timedelta(days=730)
"""How far the market reaches back before the exchange's first instant."""

_FAR: Final = 2**62


class Exchange:
    """One exchange with one account, as its state file left it.

    ``founded_at`` is its first instant, ``matched_until`` the one up to which the market has been
    applied to resting orders. Raises ``StorageError`` when a change cannot be stored: then nothing
    it did may be believed.
    """

    def __init__(
        self,
        catalog: Catalog,
        market: Market,
        clock: SandboxClock,
        state: StateFile,
        *,
        founded_at: datetime,
        matched_until: datetime,
    ) -> None:
        self.catalog = catalog
        self.founded_at = founded_at
        self.market = market
        self.clock = clock
        self.books = state.books()
        self._clearing = Clearing(catalog, market, self.books)
        self._state = state
        self._matched_until = matched_until
        self._stored_until = matched_until
        self._resting: dict[str, RestingOrders] = {name: RestingOrders() for name in catalog.listings}
        self._events: list[ExchangeEvent] = []
        self._listeners: list[Callable[[ExchangeEvent], None]] = []
        for order in self.books.open_orders.values():
            self._clearing.hold(order, matched_until)
            self._resting[order.draft.pair].add(_resting(order))

    @property
    def account(self) -> Account:
        """Balances and holds."""
        return self._clearing.account

    @property
    def history_start(self) -> int:
        """The oldest minute (since 1970) whose candles are on offer."""
        return (micros_of(self.founded_at - HISTORY) // MINUTE_MICROS) // DAY_MINUTES * DAY_MINUTES

    def listen(self, listener: Callable[[ExchangeEvent], None]) -> None:
        """Have every event handed to ``listener``, in order, once it is durable."""
        self._listeners.append(listener)

    def catch_up(self) -> datetime:
        """Let the market do what it did until now; return exchange time, safely stored."""
        now = self.clock.now()
        if now > self._matched_until:
            for at, name, trade in heapq.merge(*self._prints(now)):
                self._on_print(instant_of(at), name, trade)
            self._matched_until = now
        self._commit(now)
        return now

    def place(self, draft: Draft) -> Order:
        """Accept an order and match it, or raise ``ApiError``. The order returned may be filled already."""
        now = self.catch_up()
        hold, taken = self._examine(draft, now)
        number = len(self.books.orders) + 1
        order_id = make_id(self.market.seed, ORDER, number)
        order = Order(order_id, number, msgspec.structs.replace(draft, deadline=None), arrived_at=now)
        self.books.put_order(order)
        self.account.hold(order_id, hold)
        self._events.append(OrderAccepted(order))
        for level in taken:
            order = self._fill(order, level.price, level.volume, now, maker=False)
        if order.is_open:
            order = self._rest(order, now)
        self._commit(now)
        return order

    def examine(self, draft: Draft) -> None:
        """Make all checks of an order without placing it."""
        self._examine(draft, self.catch_up())

    def cancel(self, orders: Iterable[Order], reason: str) -> int:
        """Cancel open orders; return how many were open."""
        now = self.catch_up()
        open_now = [order for order in orders if order.order_id in self.books.open_orders]
        for order in open_now:
            self._end(self.books.open_orders[order.order_id], ExchangeStatus.CANCELED, now, reason)
        self._commit(now)
        return len(open_now)

    def quote(self, name: str, at: datetime) -> Quote:
        """Bid, ask and last price of a pair, in ticks."""
        return self.market.quote(name, micros_of(at))

    def book(self, name: str, at: datetime, depth: int = DEPTH) -> Book:
        """The order book of a pair."""
        micros = micros_of(at)
        instrument, grid = self.market.instruments[name], self.market.grids[name]
        quote = self.market.quote(name, micros)
        return book_around(self.market.seed, instrument, grid, quote, micros // MINUTE_MICROS, depth)

    def usd_value(self, asset: str, amount: Decimal, at: datetime) -> Decimal:
        """Value an amount at its pair's last price; at par when it has no pair with USD."""
        return self._clearing.usd_value(asset, amount, at)

    def open_account(self, balance: dict[str, Decimal], facts: dict[str, str]) -> None:
        """Found a new exchange: store its facts and book the starting balance as deposits."""
        now = self.clock.now()
        for asset, amount in sorted(balance.items()):
            self._clearing.deposit(asset, amount, now)
        self._state.save(self.books.take_changes(), facts | _times(now, now), self.books)

    def close(self) -> None:
        """Store the exact time and close the state file. Nothing may be called afterwards."""
        now = self.catch_up()
        self._state.save(self.books.take_changes(), _times(now, now), self.books)
        self._state.close()

    def _examine(self, draft: Draft, now: datetime) -> tuple[Hold, tuple[Level, ...]]:
        """Return what the order must hold and what it would take at once, or raise ``ApiError``."""
        listing = self.catalog.listings[draft.pair]
        book = self.book(draft.pair, now)
        check_deadline(draft, self.clock, now)
        check_client_id(draft, self.books)
        check_pair(draft, listing, book.against(draft.side)[0].price)
        taken = take(book, draft.side, draft.volume, draft.price)
        if draft.price is None:
            cost = sum((level.price * level.volume for level in taken), ZERO)
        else:
            cost = draft.price * draft.volume
        hold = self._clearing.needed(draft, draft.volume, cost, now)
        if not self.account.affords(hold):
            raise ApiError(INSUFFICIENT_FUNDS)
        check_open_orders(draft, self.books)
        if draft.post_only and taken:
            raise ApiError(POST_ONLY)
        return hold, taken

    def _rest(self, order: Order, now: datetime) -> Order:
        """Let what is left of an arrived order wait, unless its kind forbids that."""
        if order.draft.order_type is OrderType.LIMIT and order.draft.time_in_force is TimeInForce.GTC:
            self._resting[order.draft.pair].add(_resting(order))
            return order
        return self._end(order, ExchangeStatus.CANCELED, now)

    def _prints(self, until: datetime) -> Iterator[Iterator[tuple[int, str, Print]]]:
        """For every pair with resting orders, the market's trades that may fill one."""
        after, last = micros_of(self._matched_until), micros_of(until)
        for name, resting in self._resting.items():
            if not resting:
                continue
            tick = self.market.grids[name].tick
            highest_buy, lowest_sell = resting.limits()
            low = 0 if highest_buy is None else int(highest_buy / tick)
            high = _FAR if lowest_sell is None else int(lowest_sell / tick)
            yield _named(name, self.market.prints(name, after, last, low, high))

    def _on_print(self, at: datetime, name: str, trade: Print) -> None:
        grid = self.market.grids[name]
        for match in self._resting[name].on_print(grid.price(trade.price), grid.volume(trade.volume)):
            order = self.books.open_orders[match.order_id]
            self._fill(order, match.price, match.volume, at, maker=True)

    def _fill(self, order: Order, price: Decimal, volume: Decimal, at: datetime, *, maker: bool) -> Order:
        order, events = self._clearing.settle(order, price, volume, at, maker=maker)
        self._events += events
        return order if order.remaining else self._end(order, ExchangeStatus.CLOSED, at)

    def _end(self, order: Order, status: ExchangeStatus, at: datetime, reason: str | None = None) -> Order:
        self._resting[order.draft.pair].remove(order.order_id)
        self.account.release(order.order_id)
        order = msgspec.structs.replace(order, status=status, closed_at=at, reason=reason)
        self.books.put_order(order)
        self._events.append(OrderEnded(order, at))
        return order

    def _commit(self, now: datetime) -> None:
        """Store what is new, then publish it."""
        changes = self.books.take_changes()
        if changes or now > self._stored_until:
            self._stored_until = now + TIME_AHEAD * self.clock.speed
            self._state.save(changes, _times(self._stored_until, self._matched_until), self.books)
        events, self._events = self._events, []
        for event in events:
            for listener in self._listeners:
                listener(event)


def _named(name: str, prints: Iterator[tuple[int, Print]]) -> Iterator[tuple[int, str, Print]]:
    for at, trade in prints:
        yield at, name, trade


def _times(until: datetime, matched: datetime) -> dict[str, str]:
    """The facts about time: the clock resumes at one, the market is matched up to the other."""
    return {"time": until.isoformat(), "matched": matched.isoformat()}


def _resting(order: Order) -> Resting:
    price = order.draft.price
    assert price is not None, f"a market order cannot rest: {order.order_id}"
    return Resting(order.order_id, order.draft.side, price, order.remaining, order.number)
