"""The paper floor: what happens to an order from its arrival to its end.

Everything here is booked at once in memory; the broker stores it before it tells anyone. What is in
memory alone is thrown away when storing fails.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.fills import Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus, OrderReport, OrderRequest, OrderType, TimeInForce
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.paper.arrivals import Arrivals, Offer
from krakked_tui.paper.books import Changes, row_of
from krakked_tui.paper.clearing import Clearing
from krakked_tui.paper.ids import ORDER, make_id
from krakked_tui.paper.market import PaperMarket
from krakked_tui.paper.orders import LIMITED, PaperOrder, fires_on_rise
from krakked_tui.sim.matching import Plan, Resting, RestingOrders
from krakked_tui.sim.triggers import Armed, ArmedOrders, Trail

USER_REQUESTED: Final = "User requested"
SELF_TRADE: Final = "Self trade prevention"
NO_FUNDS: Final = "Insufficient funds"
NOTHING_OFFERED: Final = "The live prices offer no more"
"""Why an order was canceled; only the first is known to be Kraken's own wording."""

Event = Trade | OrderReport

_HALTED = frozenset({PairStatus.CANCEL_ONLY, PairStatus.MAINTENANCE, PairStatus.DELISTED})
"""Nothing trades on such a pair."""


class PaperFloor:
    """All open orders: those that rest, those that wait for a trigger, and those that came just now.

    An order takes part in what trades only from the first price heard after it came to rest, so that
    nothing that traded before it was there can fill it.
    """

    def __init__(self, account_id: str, market: PaperMarket, clearing: Clearing) -> None:
        self.orders: dict[str, PaperOrder] = {}
        self.market = market
        self.clearing = clearing
        self._account_id = account_id
        self._arrivals = Arrivals(market, clearing)
        self._by_pair: dict[str, dict[str, PaperOrder]] = {}
        self._resting: dict[str, RestingOrders] = {}
        self._fresh: dict[str, list[str]] = {}
        self._changed: dict[str, PaperOrder] = {}
        self._events: list[Event] = []
        self._order_count = 0
        self._queue = 0

    def restore(self, orders: Iterable[PaperOrder], order_count: int) -> None:
        """Put the stored open orders back in their places, holding what they held."""
        self._order_count = self._queue = order_count
        for order in orders:
            self._keep(order)
            self._queue = max(self._queue, order.queue)
            self.clearing.restore_hold(order)
            if not order.is_armed:
                self._fresh.setdefault(order.pair, []).append(order.order_id)

    def watches(self, name: str) -> bool:
        """Say whether an order is open on a pair."""
        return name in self._by_pair

    def place(self, request: OrderRequest, at: datetime, now: float) -> PaperOrder:
        """Accept an order and match it, or raise ``OrderRefusal``. ``now`` is the wall second."""
        offer = self._arrivals.judge(
            request, list(self.orders.values()), self._waiting(request.pair), at, now
        )
        order = self._admit(offer, at)
        if offer.trigger is None:
            return self._match(order, offer.pair, offer.plan, at)
        if _armed(order, offer.pair).fires(offer.quote.last) and not _holds_back(order, offer.pair):
            return self._fire(order, offer.quote, offer.pair, at)
        return order

    def cancel(self, cl_ord_ids: Sequence[str], at: datetime) -> tuple[str, ...]:
        """Cancel the open orders of these; return the pairs whose mode does not allow it."""
        wanted = frozenset(cl_ord_ids)
        refused: dict[str, None] = {}
        for order in [each for each in self.orders.values() if each.request.cl_ord_id in wanted]:
            pair = self.market.pair(order.pair)
            if pair is not None and not pair.permits.cancel:
                refused[order.pair] = None
            else:
                self._end(order, ExchangeStatus.CANCELED, at, USER_REQUESTED)
        return tuple(refused)

    def hear(self, quote: Quote, at: datetime) -> None:
        """Let a fresh price do what it does to the pair's orders.

        What traded since the price before counts as one trade at its last price.
        """
        pair = self.market.pair(quote.pair)
        self.market.learn(quote)
        if pair is None or pair.status in _HALTED:
            self.market.look_away(quote.pair)
            return
        volume = self.market.traded(quote, pair)
        if volume and quote.pair in self._resting:
            for match in self._resting[quote.pair].on_print(quote.last, volume):
                order = self._fill(
                    self.orders[match.order_id], pair, match.price, match.volume, at, maker=True
                )
                self._tell(order)
        self._pull(quote, pair, at)
        self._settle_in(quote.pair)

    def take_changes(self) -> tuple[Changes, Sequence[Event]]:
        """Return what has to be stored, and what to tell once it is; both are gone from here then."""
        orders = sorted(self._changed.values(), key=lambda order: order.number)
        changes = Changes(
            [row_of(order) for order in orders], tuple(self.clearing.trades), tuple(self.clearing.entries)
        )
        events = tuple(self._events)
        self._changed.clear()
        self._events.clear()
        self.clearing.trades.clear()
        self.clearing.entries.clear()
        return changes, events

    def _admit(self, offer: Offer, at: datetime) -> PaperOrder:
        self._order_count += 1
        order = PaperOrder(
            order_id=make_id(self._account_id, ORDER, self._order_count, at),
            number=self._order_count,
            request=offer.request,
            opened_at=at,
            price_decimals=offer.pair.price_decimals,
            hold_asset=offer.hold.asset,
            queue=self._next_place(),
            trigger=offer.trigger,
            peak=offer.peak,
        )
        order = self._put(self.clearing.hold_this(order, offer.hold))
        self._tell(order)
        return order

    def _pull(self, quote: Quote, pair: PairMetadata, at: datetime) -> None:
        """Fire the triggers that a price reaches, oldest first, and let trailing ones follow it."""
        armed = ArmedOrders()
        for order in self._on(quote.pair):
            if order.is_armed:
                armed.add(_armed(order, pair))
        if not armed:
            return
        fired, moved = armed.on_print(quote.last, lambda each: _holds_back(self.orders[each.order_id], pair))
        for each in fired:
            self._fire(self.orders[each.order_id], quote, pair, at)
        for each in moved:
            order = msgspec.structs.replace(self.orders[each.order_id], trigger=each.price, peak=each.peak)
            self._put(self.clearing.hold(order, pair, at))

    def _fire(self, order: PaperOrder, quote: Quote, pair: PairMetadata, at: datetime) -> PaperOrder:
        """Activate a triggered order: it goes to the back of the queue and acts."""
        order = self._put(msgspec.structs.replace(order, triggered_at=at, queue=self._next_place()))
        planned = self._arrivals.plan(order.request, order.remaining, quote, pair, self._waiting(order.pair))
        if order.limit is None:
            need = self.clearing.needed(pair, order.request.side, order.remaining, planned.cost, at)
            if not self.clearing.account.affords(need, freed=order.held):
                return self._end(order, ExchangeStatus.CANCELED, at, NO_FUNDS)
            order = self._put(self.clearing.hold_this(order, need))
        return self._match(order, pair, planned, at)

    def _match(self, order: PaperOrder, pair: PairMetadata, planned: Plan, at: datetime) -> PaperOrder:
        """Let an active order take what was planned; what is left rests, or ends."""
        self.market.take(order.pair, order.request.side, planned.volume)
        for level in planned.taken:
            order = self._fill(order, pair, level.price, level.volume, at, maker=False)
        if not order.is_open:
            self._tell(order)
            return order
        if planned.blocked:
            return self._end(order, ExchangeStatus.CANCELED, at, SELF_TRADE)
        if order.limit is None:
            return self._end(order, ExchangeStatus.CANCELED, at, NOTHING_OFFERED)
        if order.request.time_in_force is TimeInForce.IOC:
            return self._end(order, ExchangeStatus.CANCELED, at, None)
        self._fresh.setdefault(order.pair, []).append(order.order_id)
        if planned.taken:
            self._tell(order)
        return order

    def _fill(
        self, order: PaperOrder, pair: PairMetadata, price: Decimal, volume: Decimal, at: datetime, *,
        maker: bool,
    ) -> PaperOrder:  # fmt: skip
        """Execute a part of an order; one that is filled is closed."""
        order, trade = self.clearing.settle(order, pair, price, volume, at, maker=maker)
        self._events.append(trade)
        if not order.remaining:
            order = msgspec.structs.replace(order, status=ExchangeStatus.CLOSED, closed_at=at)
        return self._put(order)

    def _end(self, order: PaperOrder, status: ExchangeStatus, at: datetime, reason: str | None) -> PaperOrder:
        """Close or cancel an open order."""
        self.clearing.account.release(order.order_id)
        if order.pair in self._resting:
            self._resting[order.pair].remove(order.order_id)
        order = msgspec.structs.replace(order, status=status, closed_at=at, reason=reason, held=ZERO)
        self._tell(self._put(order))
        return order

    def _settle_in(self, name: str) -> None:
        """Let the orders that came before the latest price rest; stop looking where nothing waits."""
        for order_id in self._fresh.pop(name, ()):
            order = self.orders.get(order_id)
            if order is not None:
                self._resting.setdefault(name, RestingOrders()).add(_resting(order))
        if not self.watches(name):
            self.market.look_away(name)
            self._resting.pop(name, None)

    def _waiting(self, name: str) -> list[Resting]:
        """The limit orders in the book of a pair."""
        return [_resting(order) for order in self._on(name) if not order.is_armed and order.limit is not None]

    def _put(self, order: PaperOrder) -> PaperOrder:
        self._keep(order)
        self._changed[order.order_id] = order
        return order

    def _keep(self, order: PaperOrder) -> None:
        """Know an order as long as it is open."""
        here = self._by_pair.setdefault(order.pair, {})
        for known in (self.orders, here):
            if order.is_open:
                known[order.order_id] = order
            else:
                known.pop(order.order_id, None)
        if not here:
            del self._by_pair[order.pair]

    def _on(self, name: str) -> list[PaperOrder]:
        """The open orders of a pair, oldest first."""
        return list(self._by_pair.get(name, {}).values())

    def _tell(self, order: PaperOrder) -> None:
        self._events.append(order.report())

    def _next_place(self) -> int:
        self._queue += 1
        return self._queue


def _resting(order: PaperOrder) -> Resting:
    assert order.limit is not None, f"an order without a limit cannot rest: {order.order_id}"
    return Resting(order.order_id, order.request.side, order.limit, order.remaining, order.queue)


def _armed(order: PaperOrder, pair: PairMetadata) -> Armed:
    request = order.request
    assert order.trigger is not None, f"nothing to wait for: {order.order_id}"
    trail = None
    if request.order_type is OrderType.TRAILING_STOP:
        assert request.trigger_price is not None, f"no distance: {order.order_id}"
        trail = Trail(request.trigger_price, percent=False, pair=pair)
    return Armed(order.order_id, fires_on_rise(request), order.trigger, order.queue, trail, order.peak)


def _holds_back(order: PaperOrder, pair: PairMetadata) -> bool:
    """Say whether the pair's mode keeps a reached trigger from firing: its order would take."""
    if pair.status is PairStatus.LIMIT_ONLY and order.request.order_type not in LIMITED:
        return True
    return pair.status is PairStatus.POST_ONLY or pair.status in _HALTED
