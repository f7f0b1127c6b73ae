"""New orders: checked in Kraken's order, then let onto the floor."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.sandbox.clock import SandboxClock
from krakked_tui.sandbox.faults import ID_NOT_UNIQUE, INSUFFICIENT_FUNDS, POST_ONLY, ApiError
from krakked_tui.sandbox.floor import POST_ONLY_REASON, Floor
from krakked_tui.sandbox.order_rules import (
    check_client_id,
    check_deadline,
    check_expiry,
    check_mode,
    check_pair,
)
from krakked_tui.sandbox.orders import Draft, Order
from krakked_tui.sandbox.terms import resolve_draft
from krakked_tui.sandbox.trading_limits import ADD_COST, TradingLimits, batch_cost
from krakked_tui.sim.account import Hold
from krakked_tui.sim.matching import Plan


class Offer(msgspec.Struct, frozen=True):
    """An order that passed its checks: its relative prices resolved, what it needs and would do at once."""

    draft: Draft
    hold: Hold
    plan: Plan

    @property
    def takes(self) -> bool:
        """Whether it would take liquidity, or run into an own order, at once."""
        return bool(self.plan.taken or self.plan.displaced or self.plan.blocked)


class Arrivals:
    """The way onto the floor. ``refuse_late`` lets post-only orders in and cancels them afterwards."""

    def __init__(self, floor: Floor, clock: SandboxClock, limits: TradingLimits) -> None:
        self._floor = floor
        self._clock = clock
        self._limits = limits
        self.refuse_late = False

    def place(self, draft: Draft, system: str, now: datetime) -> Order:
        """Accept an order and match it, or raise ``ApiError``; the counter is charged in any case."""
        self._limits.charge(draft.pair, ADD_COST)
        return self._enter(self._admitted(self.checked(draft, system, now), now), now)

    def place_batch(self, drafts: Sequence[Draft], system: str, now: datetime) -> list[Order | ApiError]:
        """Accept orders of one pair together.

        One that is not valid refuses them all (``ApiError``); what the engine refuses is returned in
        its place.
        """
        self._limits.charge(drafts[0].pair, batch_cost(len(drafts)))
        valid = self.checked_batch(drafts, system, now)
        outcomes: list[Order | ApiError] = []
        for draft in valid:
            try:
                outcomes.append(self._enter(self._admitted(draft, now), now))
            except ApiError as error:
                outcomes.append(error)
        return outcomes

    def checked_batch(self, drafts: Sequence[Draft], system: str, now: datetime) -> list[Draft]:
        """Return valid drafts, resolved, or raise ``ApiError`` for the first that is not valid."""
        valid = [self.checked(draft, system, now) for draft in drafts]
        names = [draft.cl_ord_id for draft in drafts if draft.cl_ord_id is not None]
        if len(set(names)) < len(names):
            raise ApiError(ID_NOT_UNIQUE)
        return valid

    def examine(self, draft: Draft, system: str, now: datetime) -> None:
        """Make all checks of an order without placing it."""
        self._admitted(self.checked(draft, system, now), now)

    def checked(self, draft: Draft, system: str, now: datetime) -> Draft:
        """Make the checks that need no money: return the draft with its prices resolved."""
        floor = self._floor
        listing = floor.catalog.listings[draft.pair]
        check_deadline(draft.deadline, self._clock, now)
        check_client_id(draft, floor.books)
        check_mode(draft, system, listing.pair.status)
        check_expiry(draft, now)
        draft = resolve_draft(draft, floor.last(draft.pair, now), listing.pair)
        check_pair(draft, listing, floor.book(draft.pair, now, depth=1).against(draft.side)[0].price)
        return draft

    def _admitted(self, draft: Draft, now: datetime) -> Offer:
        """Make the engine's checks: funds, open orders, post-only."""
        offer = self.offer(draft, now)
        if not self._floor.clearing.account.affords(offer.hold):
            raise ApiError(INSUFFICIENT_FUNDS)
        self._limits.check_open(self._floor.books.open_on(draft.pair))
        if draft.post_only and offer.takes and not self.refuse_late:
            raise ApiError(POST_ONLY)
        return offer

    def offer(self, draft: Draft, now: datetime) -> Offer:
        """Return what a valid order needs and would do now."""
        waits = draft.trigger is not None
        planned = Plan(()) if waits else self._floor.plan(draft, draft.volume, now)
        price = draft.price if draft.price is not None else draft.trigger
        cost = planned.cost if price is None else price * draft.volume
        volume = ZERO if draft.in_quote else draft.volume
        return Offer(draft, self._floor.clearing.needed(draft, volume, cost, now), planned)

    def _enter(self, offer: Offer, now: datetime) -> Order:
        order = self._floor.admit(offer.draft, now)
        if offer.draft.post_only and offer.takes:
            return self._floor.end(order, ExchangeStatus.CANCELED, now, POST_ONLY_REASON)
        if order.draft.trigger is None and order.draft.price is None:
            self._floor.clearing.account.hold(order.order_id, offer.hold)
        return self._floor.start(order, now, offer.plan if order.draft.trigger is None else None)
