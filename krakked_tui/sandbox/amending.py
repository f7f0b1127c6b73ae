"""Changing an open order: amended in place, or replaced by a new one."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.sandbox.arrivals import Arrivals
from krakked_tui.sandbox.clock import SandboxClock
from krakked_tui.sandbox.faults import (
    INSUFFICIENT_FUNDS,
    INVALID_PRICE_ARGUMENT,
    NOT_EDITABLE,
    NOT_ENOUGH_LEAVES,
    POST_ONLY,
    ApiError,
    invalid,
)
from krakked_tui.sandbox.floor import Floor
from krakked_tui.sandbox.order_rules import check_deadline, check_mode, check_pair
from krakked_tui.sandbox.orders import TRAILING, Draft, Order, OrderAmended
from krakked_tui.sandbox.prices import Price
from krakked_tui.sandbox.terms import (
    asked_prices,
    check_distance,
    on_grid,
    resolve_draft,
    split_prices,
    with_prices,
)
from krakked_tui.sandbox.trading_limits import CHANGE_COST, TradingLimits, amend_cost, edit_cost

USER_REQUESTED: Final = "User requested"
REPLACED: Final = "Order replaced"
RESTATED: Final = "Tick size changed"
"""Why the exchange itself changes an order's price; Kraken's wording is not known."""


class Amendment(msgspec.Struct, frozen=True):
    """What AmendOrder may change; None leaves it as it is. ``deadline`` is exchange time."""

    volume: Decimal | None = None
    limit: Price | None = None
    trigger: Price | None = None
    post_only: bool | None = None
    deadline: datetime | None = None


class Edition(msgspec.Struct, frozen=True):
    """What EditOrder may change; ``price`` and ``price2`` mean what AddOrder's do for the type."""

    volume: Decimal | None = None
    price: Price | None = None
    price2: Price | None = None
    post_only: bool | None = None
    userref: int | None = None
    deadline: datetime | None = None


class Amending:
    """Changes orders on the floor."""

    def __init__(self, floor: Floor, arrivals: Arrivals, clock: SandboxClock, limits: TradingLimits) -> None:
        self._floor = floor
        self._arrivals = arrivals
        self._clock = clock
        self._limits = limits

    def amend(self, order: Order, amendment: Amendment, system: str, now: datetime) -> Order:
        """Change an open order in place, or raise ``ApiError`` and change nothing but the counter.

        The counter is charged the fixed cost when the change is not valid, nothing when it refuses itself.

        It keeps its place in the queue unless a price changes or its volume grows. A volume that is
        filled already closes it.
        """
        floor = self._floor
        with self._counted(order):
            draft = self._valid(order, amendment, system, now)
        self._limits.charge(order.draft.pair, amend_cost(self._age(order, now)))
        if draft.volume <= order.filled:
            draft = msgspec.structs.replace(draft, volume=order.filled)
            return self._closed_at_filled(order, draft, now)
        to_the_back = self._loses_place(order, draft)
        floor.withdraw(order)
        peak = None if draft.trigger_terms != order.draft.trigger_terms else order.peak
        changed = msgspec.structs.replace(order, draft=draft, amended_at=now, peak=peak)
        floor.events.append(OrderAmended(changed, now, USER_REQUESTED))
        return floor.put_back(changed, now, to_the_back=to_the_back)

    def edit(self, order: Order, edition: Edition, system: str, now: datetime) -> Order:
        """Replace an open order by a new one, or raise ``ApiError`` and change nothing but the counter.

        The new order is for what the new volume leaves over what was filled. Orders with a
        conditional close, a client id or a trigger that has fired cannot be edited.
        """
        floor = self._floor
        with self._counted(order):
            draft = self.edited(order, edition)
            check_deadline(edition.deadline, self._clock, now)
            draft = self._arrivals.checked(draft, system, now, new=False)
            offer = self._arrivals.offer(draft, now)
            if not floor.clearing.account.affords(offer.hold, freed=order.held):
                raise ApiError(INSUFFICIENT_FUNDS)
            if draft.post_only and offer.takes:
                raise ApiError(POST_ONLY)
        self._limits.charge(order.draft.pair, edit_cost(self._age(order, now)))
        floor.end(order, ExchangeStatus.CANCELED, now, REPLACED)
        return floor.start(floor.admit(draft, now, link_id=order.order_id), now)

    def edited(self, order: Order, edition: Edition) -> Draft:
        """Return the draft of the order that would replace this one, its prices not yet resolved."""
        old = order.draft
        if old.close is not None or old.cl_ord_id is not None or order.triggered_at is not None:
            raise ApiError(NOT_EDITABLE)
        volume = old.volume if edition.volume is None else edition.volume
        if volume <= order.filled:
            raise ApiError(NOT_ENOUGH_LEAVES)
        price, price2 = asked_prices(old)
        trigger, limit = split_prices(old.order_type, edition.price or price, edition.price2 or price2)
        draft = msgspec.structs.replace(
            old,
            volume=volume - order.filled,
            post_only=old.post_only if edition.post_only is None else edition.post_only,
            userref=old.userref if edition.userref is None else edition.userref,
        )
        return with_prices(draft, trigger, limit)

    def restate(self, orders: Iterable[Order], now: datetime) -> None:
        """Put the prices of open orders on their pair's new grid: a seller's up, a buyer's down."""
        for order in orders:
            if order.order_id not in self._floor.books.open_orders:
                continue  # one before it was released by its new price and displaced it
            current = self._floor.books.open_orders[order.order_id]
            draft = on_grid(current.draft, self._floor.catalog.listings[current.draft.pair].pair)
            if draft != current.draft:
                self._floor.withdraw(current)
                changed = msgspec.structs.replace(current, draft=draft)
                self._floor.events.append(OrderAmended(changed, now, RESTATED, restated=True))
                self._floor.put_back(changed, now, to_the_back=False)

    @contextmanager
    def _counted(self, order: Order) -> Iterator[None]:
        """Count the fixed cost of a change that is refused within."""
        try:
            yield
        except ApiError:
            self._limits.charge(order.draft.pair, CHANGE_COST, overshoot=True)
            raise

    def _valid(self, order: Order, amendment: Amendment, system: str, now: datetime) -> Draft:
        """Return an amended order's terms, or raise ``ApiError``; what is filled already needs no check."""
        check_deadline(amendment.deadline, self._clock, now)
        draft = self._amended(order, amendment, now)
        if draft.volume > order.filled:
            check_mode(draft, system, self._floor.catalog.listings[draft.pair].pair.status)
            self._check(order, draft, now)
        return draft

    def _amended(self, order: Order, amendment: Amendment, now: datetime) -> Draft:
        """Return the order's terms as they would be."""
        old = order.draft
        if amendment.limit is not None and not old.is_limited:
            raise ApiError(INVALID_PRICE_ARGUMENT)
        if amendment.trigger is not None and not order.is_armed:
            raise ApiError(INVALID_PRICE_ARGUMENT)
        if amendment.post_only is not None and (old.is_triggered or not old.is_limited):
            raise invalid("post_only")
        volume = old.volume if amendment.volume is None else amendment.volume
        post_only = old.post_only if amendment.post_only is None else amendment.post_only
        draft = msgspec.structs.replace(old, volume=volume, post_only=post_only)
        if amendment.limit is None and amendment.trigger is None:
            return draft
        trigger, limit = amendment.trigger, amendment.limit
        if trigger is not None and old.order_type in TRAILING:
            check_distance(trigger, "trigger_price")
        draft = with_prices(draft, trigger or _asked(old, 0), limit or _asked(old, 1))
        pair, last = self._floor.catalog.listings[old.pair].pair, self._floor.last(old.pair, now)
        if trigger is None:  # what was resolved once stays where it is
            draft = msgspec.structs.replace(draft, trigger=old.trigger)
            resolved = resolve_draft(msgspec.structs.replace(draft, trigger_terms=None), last, pair)
            return msgspec.structs.replace(resolved, trigger_terms=old.trigger_terms)
        return resolve_draft(draft, last, pair)

    def _check(self, order: Order, draft: Draft, now: datetime) -> None:
        floor = self._floor
        listing = floor.catalog.listings[draft.pair]
        check_pair(draft, listing, floor.last(draft.pair, now))
        changed = msgspec.structs.replace(order, draft=draft)
        if not floor.clearing.account.affords(floor.clearing.need(changed, now), freed=order.held):
            raise ApiError(INSUFFICIENT_FUNDS)
        if draft.post_only and self._takes(changed, now):
            raise ApiError(POST_ONLY)

    def _takes(self, order: Order, now: datetime) -> bool:
        planned = self._floor.plan(order.draft, order.remaining, now)
        return bool(planned.taken or planned.displaced or planned.blocked)

    def _closed_at_filled(self, order: Order, draft: Draft, now: datetime) -> Order:
        changed = msgspec.structs.replace(order, draft=draft, amended_at=now)
        self._floor.events.append(OrderAmended(changed, now, USER_REQUESTED))
        status = ExchangeStatus.CLOSED if order.filled else ExchangeStatus.CANCELED
        return self._floor.end(changed, status, now, None if order.filled else USER_REQUESTED)

    @staticmethod
    def _loses_place(order: Order, draft: Draft) -> bool:
        old = order.draft
        return (draft.price, draft.trigger) != (old.price, old.trigger) or draft.volume > old.volume

    def _age(self, order: Order, now: datetime) -> float:
        return self._clock.wall_seconds(now - order.touched_at)


def _asked(draft: Draft, index: int) -> Price | None:
    """The trigger (0) or limit price (1) as it was asked for, or None."""
    terms = (draft.trigger_terms, draft.limit_terms)[index]
    plain = (draft.trigger, draft.price)[index]
    if terms is not None:
        return terms
    return None if plain is None else Price(plain)
