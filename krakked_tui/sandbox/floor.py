"""The trading floor: what happens to an accepted order, from its arrival to its end.

Everything here is booked at once but neither stored nor published: the exchange does that.
"""

import heapq
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Final

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus, Side, TimeInForce
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.sandbox.books import Books
from krakked_tui.sandbox.catalog import Catalog
from krakked_tui.sandbox.clearing import Clearing
from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.coarse import gathered, snapped, snapped_quote, ticks_per
from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.ids import ORDER, make_id
from krakked_tui.sandbox.order_rules import check_pair
from krakked_tui.sandbox.orders import (
    TRAILING,
    Draft,
    ExchangeEvent,
    Order,
    OrderAccepted,
    OrderEnded,
    RareTimeInForce,
    SelfTrade,
    TriggerChanged,
)
from krakked_tui.sandbox.terms import (
    closing_draft,
    moved_limit,
    on_grid,
    resolve_draft,
    trail_of,
)
from krakked_tui.sim.instruments import Grid
from krakked_tui.sim.liquidity import DEEPEST, DEPTH, book_around, ladder_of
from krakked_tui.sim.market import Market, Quote
from krakked_tui.sim.matching import (
    Book,
    Level,
    Plan,
    Resting,
    RestingOrders,
    crosses,
    plan,
    volume_for,
)
from krakked_tui.sim.tape import MINUTE_MICROS, Print
from krakked_tui.sim.triggers import Armed, ArmedOrders

SELF_TRADE_REASON: Final = "Self trade prevention"
NO_FUNDS_REASON: Final = "Insufficient funds"
"""Why the exchange itself cancels an order; Kraken's wording of these two is not known."""

_HALTED: Final = frozenset((PairStatus.MAINTENANCE, PairStatus.CANCEL_ONLY, PairStatus.DELISTED))
"""Nothing fills and no trigger fires in these modes, whatever the market's tape shows."""

_EMPTY: Final = Book((), ())

POST_ONLY_REASON: Final = "Post only order"


class Floor:
    """All open orders: those that rest in the book and those that wait for a trigger.

    ``stirred`` collects the pairs where something began to wait for prices that did not matter before.
    ``system`` is the mode of the whole exchange. Prices are on the listing's tick even where the
    market's own is finer.

    What was executed of an order with a conditional close is closed when the order ends, however it
    ends: Kraken speaks of "the same quantity" as the execution and leaves partial fills open. Who clears
    the floor (cancel all, the dead man's switch, a delisting) wants nothing to follow, so nothing does.
    """

    def __init__(self, catalog: Catalog, market: Market, books: Books, clearing: Clearing) -> None:
        self.catalog = catalog
        self.market = market
        self.books = books
        self.clearing = clearing
        self.system = "online"
        self.resting: dict[str, RestingOrders] = {name: RestingOrders() for name in catalog.listings}
        self.armed: dict[str, ArmedOrders] = {name: ArmedOrders() for name in catalog.listings}
        self.expiries: list[tuple[datetime, str]] = []
        self.stirred: set[str] = set()
        self.events: list[ExchangeEvent] = []
        orders = books.orders.values()
        self._queue = max((max(order.queue, order.number) for order in orders), default=0)

    def restore(self, at: datetime) -> None:
        """Put the stored open orders back in their places, holding what they held."""
        for order in self.books.open_orders.values():
            if order.held:
                self.clearing.restore_hold(order)
            else:  # written before holds were stored
                self.clearing.hold(order, at)
            self._schedule(order)
            if order.is_armed:
                self.armed[order.draft.pair].add(self._armed(order))
            else:
                self.resting[order.draft.pair].add(_resting(order))

    def quote(self, name: str, at: datetime) -> Quote:
        """Bid, ask and last price of a pair, in the market's ticks."""
        return snapped_quote(self.market.quote(name, micros_of(at)), self.ticks_per(name))

    def ticks_per(self, name: str) -> int:
        """Return how many of the market's ticks one of the listing's is."""
        return ticks_per(self.market.grids[name], self.catalog.listings[name].pair)

    def print_price(self, name: str, trade: Print) -> Decimal:
        """Return the price of a trade of the market."""
        grid = self.market.grids[name]
        return grid.price(snapped(trade.price, self.ticks_per(name), up=trade.buy))

    def last(self, name: str, at: datetime) -> Decimal:
        """The pair's last price."""
        return self.market.grids[name].price(self.quote(name, at).last)

    def book(self, name: str, at: datetime, depth: int = DEPTH) -> Book:
        """The order book of a pair."""
        micros = micros_of(at)
        instrument, grid = self.market.instruments[name], self.market.grids[name]
        quote, minute, per = self.market.quote(name, micros), micros // MINUTE_MICROS, self.ticks_per(name)
        if per == 1:
            return book_around(self.market.seed, instrument, grid, quote, minute, depth)
        ladder, best = ladder_of(self.market.seed, instrument, grid), snapped_quote(quote, per)
        bids = gathered(ladder.bids(quote, minute, DEEPEST), best.bid, per, up=False)
        asks = gathered(ladder.asks(quote, minute, DEEPEST), best.ask, per, up=True)
        return Book(_levels(grid, bids, depth), _levels(grid, asks, depth))

    def is_halted(self, name: str) -> bool:
        """Whether nothing happens to the orders of a pair, but for their cancellation and expiry."""
        return not _HALTED.isdisjoint(self._modes(name))

    def holds_back(self, draft: Draft) -> bool:
        """Say whether the mode keeps a reached trigger from firing: its order would take, or be a market one.

        It fires with the first trade beyond it once the mode is over.
        """
        modes = self._modes(draft.pair)
        if PairStatus.LIMIT_ONLY in modes and not draft.is_limited:
            return True
        return PairStatus.POST_ONLY in modes or not _HALTED.isdisjoint(modes)

    def plan(self, draft: Draft, remaining: Decimal, at: datetime) -> Plan:
        """Plan what an order that becomes active would do at once; ``remaining`` as the order's own."""
        book = self.book(draft.pair, at) if self._crosses(draft, at) else _EMPTY
        volume = remaining
        if draft.in_quote:
            volume = volume_for(book, draft.side, remaining, self._pair(draft).volume_decimals)
        found = plan(
            book,
            draft.side,
            volume,
            draft.price,
            self.resting[draft.pair],
            newest_yields=draft.self_trade is not SelfTrade.CANCEL_OLDEST,
            oldest_yields=draft.self_trade is not SelfTrade.CANCEL_NEWEST,
        )
        if draft.time_in_force is RareTimeInForce.FOK and found.volume < volume:
            return Plan(())
        return found

    def admit(
        self, draft: Draft, at: datetime, *, refid: str | None = None, link_id: str | None = None
    ) -> Order:
        """Book a new order that passed all checks, holding what it needs."""
        number = len(self.books.orders) + 1
        order = Order(
            order_id=make_id(self.market.seed, ORDER, number),
            number=number,
            draft=msgspec.structs.replace(draft, deadline=None),
            arrived_at=at,
            queue=self._next_place(),
            refid=refid,
            link_id=link_id,
        )
        order = self.clearing.hold(order, at)
        self.books.put_order(order)
        self._schedule(order)
        self.events.append(OrderAccepted(order))
        return order

    def start(self, order: Order, at: datetime, planned: Plan | None = None) -> Order:
        """Let a new order act: take and rest, or wait for its trigger (which may have been reached)."""
        if order.draft.trigger is None:
            return self.match(order, planned or self.plan(order.draft, order.remaining, at), at)
        return self.arm(order, self.last(order.draft.pair, at), at)

    def arm(self, order: Order, last: Decimal, at: datetime) -> Order:
        """Let an order wait for its trigger; one that was reached already fires at once."""
        if order.draft.order_type in TRAILING and order.peak is None:
            order = self._put(order, peak=last)
        armed = self._armed(order)
        if armed.fires(last) and not self.holds_back(order.draft):
            return self.fire(order, last, at)
        self.armed[order.draft.pair].add(armed)
        self.stirred.add(order.draft.pair)
        return order

    def fire(self, order: Order, price: Decimal, at: datetime) -> Order:
        """Activate a triggered order: it goes to the back of the queue and acts."""
        order = self._put(order, triggered_at=at, triggered_price=price, queue=self._next_place())
        self.events.append(TriggerChanged(order, at))
        planned = self.plan(order.draft, order.remaining, at)
        if not order.draft.is_limited:
            need = self.clearing.needed(order.draft, order.remaining, planned.cost, at)
            if not self.clearing.account.affords(need, freed=order.held):
                return self.end(order, ExchangeStatus.CANCELED, at, NO_FUNDS_REASON)
        return self.match(order, planned, at)

    def move(self, armed: Armed, at: datetime) -> None:
        """Write down that a trailing trigger moved, and hold what its new price needs."""
        order = self.books.open_orders[armed.order_id]
        draft = msgspec.structs.replace(order.draft, trigger=armed.price)
        if draft.limit_terms is not None:
            draft = moved_limit(draft, self._pair(draft))
        order = msgspec.structs.replace(order, draft=draft, peak=armed.peak)
        self.books.put_order(self.clearing.hold(order, at))
        self.stirred.add(order.draft.pair)

    def match(self, order: Order, planned: Plan, at: datetime) -> Order:
        """Let an active order take what was planned; what is left rests, or ends."""
        for order_id in planned.displaced:
            self.end(self.books.open_orders[order_id], ExchangeStatus.CANCELED, at, SELF_TRADE_REASON)
        for level in planned.taken:
            if order.is_open:  # an amount of quote may be spent a hair before the last lot
                order = self.fill(order, level.price, level.volume, at, maker=False)
        if not order.is_open:
            return order
        if planned.blocked:
            return self.end(order, ExchangeStatus.CANCELED, at, SELF_TRADE_REASON)
        if order.draft.in_quote and planned.taken and self._spent(order, planned):
            return self.end(order, ExchangeStatus.CLOSED, at)
        if order.draft.is_limited and order.draft.time_in_force in (TimeInForce.GTC, TimeInForce.GTD):
            self.resting[order.draft.pair].add(_resting(order))
            self.stirred.add(order.draft.pair)
            return order
        return self.end(order, ExchangeStatus.CANCELED, at)

    def fill(self, order: Order, price: Decimal, volume: Decimal, at: datetime, *, maker: bool) -> Order:
        """Execute a part of an order."""
        order, events = self.clearing.settle(order, price, volume, at, maker=maker)
        self.events += events
        return order if order.remaining else self.end(order, ExchangeStatus.CLOSED, at)

    def end(
        self,
        order: Order,
        status: ExchangeStatus,
        at: datetime,
        reason: str | None = None,
        *,
        follow: bool = True,
    ) -> Order:
        """Close, cancel or expire an open order; its conditional close follows what was filled of it.

        Nothing follows when it is not to ``follow``.
        """
        self.withdraw(order)
        self.clearing.account.release(order.order_id)
        order = self._put(order, status=status, closed_at=at, reason=reason, held=ZERO)
        self.events.append(OrderEnded(order, at))
        if follow and order.filled and order.draft.close is not None:
            self._follow(order, at)
        return order

    def withdraw(self, order: Order) -> None:
        """Take an order out of its place, without ending it."""
        self.resting[order.draft.pair].remove(order.order_id)
        self.armed[order.draft.pair].remove(order.order_id)

    def put_back(self, order: Order, at: datetime, *, to_the_back: bool) -> Order:
        """Let an amended order, withdrawn before, act again; its place is kept unless it goes to the back."""
        changed = msgspec.structs.replace(order, queue=self._next_place() if to_the_back else order.queue)
        order = self.clearing.hold(changed, at)
        self.books.put_order(order)
        if order.is_armed:
            return self.arm(order, self.last(order.draft.pair, at), at)
        if to_the_back:
            return self.match(order, self.plan(order.draft, order.remaining, at), at)
        self.resting[order.draft.pair].add(_resting(order))
        return order

    def next_expiry(self) -> tuple[datetime, str] | None:
        """The first expiry to come, with its order; forgets those of orders that ended."""
        while self.expiries and self.expiries[0][1] not in self.books.open_orders:
            heapq.heappop(self.expiries)
        return self.expiries[0] if self.expiries else None

    def _follow(self, parent: Order, at: datetime) -> None:
        """Place the conditional close of a filled order.

        It ends at once when its price leads nowhere by now, its volume is too small, there is no money
        for it or the mode does not let it take. It never raises: its parent was executed.
        """
        last = self.last(parent.draft.pair, at)
        listing = self.catalog.listings[parent.draft.pair]
        asked = closing_draft(parent.draft, parent.filled)
        try:
            draft = on_grid(resolve_draft(asked, last, listing.pair), listing.pair)
            check_pair(draft, listing, last)
        except ApiError as error:
            order = self.admit(asked, at, refid=parent.order_id)
            self.end(order, ExchangeStatus.CANCELED, at, error.text)
            return
        reason = self._refusal(draft, at)
        order = self.admit(draft, at, refid=parent.order_id)
        if reason is None:
            self.start(order, at)
        else:
            self.end(order, ExchangeStatus.CANCELED, at, reason)

    def _refusal(self, draft: Draft, at: datetime) -> str | None:
        """Why the conditional close may not be placed, None when it may."""
        cost = draft.volume * (draft.price or draft.trigger or ZERO)
        if not self.clearing.account.affords(self.clearing.needed(draft, draft.volume, cost, at)):
            return NO_FUNDS_REASON
        if draft.trigger is None and self.holds_back(draft) and self.plan(draft, draft.volume, at).taken:
            return POST_ONLY_REASON
        return None

    def _spent(self, order: Order, planned: Plan) -> bool:
        """Say whether what is left of an order in quote buys no whole lot any more, but for rounding."""
        pair = self._pair(order.draft)
        return order.remaining < pair.lot_size * planned.taken[-1].price + Decimal(1).scaleb(
            -pair.cost_decimals
        )

    def _modes(self, name: str) -> tuple[PairStatus, PairStatus]:
        return PairStatus(self.system), self.catalog.listings[name].pair.status

    def _pair(self, draft: Draft) -> PairMetadata:
        return self.catalog.listings[draft.pair].pair

    def _crosses(self, draft: Draft, at: datetime) -> bool:
        """Say whether an order would find anything in the market's book: most limit orders do not."""
        if draft.price is None:
            return True
        quote, grid = self.quote(draft.pair, at), self.market.grids[draft.pair]
        best = quote.ask if draft.side is Side.BUY else quote.bid
        return crosses(draft.side, draft.price, grid.price(best))

    def _next_place(self) -> int:
        self._queue += 1
        return self._queue

    def _put(self, order: Order, **changes: object) -> Order:
        order = msgspec.structs.replace(order, **changes)
        self.books.put_order(order)
        return order

    def _schedule(self, order: Order) -> None:
        if order.draft.expires_at is not None:
            heapq.heappush(self.expiries, (order.draft.expires_at, order.order_id))

    def _armed(self, order: Order) -> Armed:
        draft = order.draft
        assert draft.trigger is not None, f"nothing to wait for: {order.order_id}"
        trail = trail_of(draft, self._pair(draft)) if draft.order_type in TRAILING else None
        return Armed(
            order.order_id, draft.fires_on_rise, draft.trigger, order.place, trail=trail, peak=order.peak
        )


def _levels(grid: Grid, side: Mapping[int, int], depth: int) -> tuple[Level, ...]:
    best = islice(side.items(), depth)
    return tuple(Level(grid.price(price), grid.volume(units)) for price, units in best)


def _resting(order: Order) -> Resting:
    price = order.draft.price
    assert price is not None, f"an order without a limit cannot rest: {order.order_id}"
    return Resting(order.order_id, order.draft.side, price, order.remaining, order.place)
