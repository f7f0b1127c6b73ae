"""New orders: checked in Kraken's order, then let onto the floor."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.domain.precision import volume_down
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
from krakked_tui.sandbox.terms import closing_draft, resolve_draft
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
        """Accept an order and match it, or raise ``ApiError``.

        The counter is charged in any case but one: nothing is counted when it is what refuses.
        """
        try:
            offer = self._affordable(self.checked(draft, system, now), now)
        except ApiError:
            self._limits.charge(draft.pair, ADD_COST, overshoot=True)
            raise
        self._limits.charge(draft.pair, ADD_COST)
        return self._enter(self._posting(offer), now)

    def place_batch(self, drafts: Sequence[Draft], system: str, now: datetime) -> list[Order | ApiError]:
        """Accept orders of one pair together.

        One that is not valid refuses them all (``ApiError``); what the engine refuses is returned in
        its place. The counter is charged as by ``place``.
        """
        name, cost = drafts[0].pair, batch_cost(len(drafts))
        try:
            valid = self.checked_batch(drafts, system, now)
        except ApiError:
            self._limits.charge(name, cost, overshoot=True)
            raise
        self._limits.charge(name, cost)
        outcomes: list[Order | ApiError] = []
        for draft in valid:
            offer = self._judged(draft, now)
            outcomes.append(offer if isinstance(offer, ApiError) else self._enter(offer, now))
        return outcomes

    def examine_batch(self, drafts: Sequence[Draft], system: str, now: datetime) -> list[ApiError | None]:
        """Make all checks of a batch without placing it: return what the engine has against each order.

        Each is judged as if it came alone. Raises ``ApiError`` as ``place_batch`` does.
        """
        found = [self._judged(draft, now) for draft in self.checked_batch(drafts, system, now)]
        return [each if isinstance(each, ApiError) else None for each in found]

    def checked_batch(self, drafts: Sequence[Draft], system: str, now: datetime) -> list[Draft]:
        """Return valid drafts, resolved, or raise ``ApiError`` for the first that is not valid."""
        valid = [self.checked(draft, system, now) for draft in drafts]
        names = [draft.cl_ord_id for draft in drafts if draft.cl_ord_id is not None]
        if len(set(names)) < len(names):
            raise ApiError(ID_NOT_UNIQUE)
        return valid

    def examine(self, draft: Draft, system: str, now: datetime) -> None:
        """Make all checks of an order without placing it."""
        self._posting(self._affordable(self.checked(draft, system, now), now))

    def checked(self, draft: Draft, system: str, now: datetime, *, new: bool = True) -> Draft:
        """Make the checks that need no money: return the draft with its prices resolved.

        Only a ``new`` order may not expire too soon; one that replaces another keeps its expiry.
        """
        floor = self._floor
        listing = floor.catalog.listings[draft.pair]
        check_deadline(draft.deadline, self._clock, now)
        check_client_id(draft, floor.books)
        check_mode(draft, system, listing.pair.status)
        if new:
            check_expiry(draft, now)
        last = floor.last(draft.pair, now)
        draft = resolve_draft(draft, last, listing.pair)
        price = floor.book(draft.pair, now, depth=1).against(draft.side)[0].price
        check_pair(draft, listing, price)
        if draft.close is not None:
            # Its relative prices are resolved again when it is placed; now it must be possible at all.
            volume = volume_down(draft.volume / price, listing.pair) if draft.in_quote else draft.volume
            check_pair(resolve_draft(closing_draft(draft, volume), last, listing.pair), listing, last)
        return draft

    def _affordable(self, draft: Draft, now: datetime) -> Offer:
        """Make the engine's first checks: funds, open orders."""
        offer = self.offer(draft, now)
        if not self._floor.clearing.account.affords(offer.hold):
            raise ApiError(INSUFFICIENT_FUNDS)
        self._limits.check_open(self._floor.books.open_on(draft.pair))
        return offer

    def _posting(self, offer: Offer) -> Offer:
        """Make the engine's last check: post-only."""
        if offer.draft.post_only and offer.takes and not self.refuse_late:
            raise ApiError(POST_ONLY)
        return offer

    def _judged(self, draft: Draft, now: datetime) -> Offer | ApiError:
        """Return a valid order's offer, or what the engine has against it."""
        try:
            return self._posting(self._affordable(draft, now))
        except ApiError as error:
            return error

    def offer(self, draft: Draft, now: datetime) -> Offer:
        """Return what a valid order needs and would do now."""
        waits = draft.trigger is not None
        planned = Plan(()) if waits else self._floor.plan(draft, draft.volume, now)
        price = draft.price if draft.price is not None else draft.trigger
        cost = planned.cost if price is None else price * draft.volume
        volume = draft.volume
        if draft.in_quote:  # there must be all of it, even if the book has less to offer
            cost, volume = draft.volume, ZERO
        return Offer(draft, self._floor.clearing.needed(draft, volume, cost, now), planned)

    def _enter(self, offer: Offer, now: datetime) -> Order:
        order = self._floor.admit(offer.draft, now)
        if offer.draft.post_only and offer.takes:
            return self._floor.end(order, ExchangeStatus.CANCELED, now, POST_ONLY_REASON)
        if order.draft.trigger is None and order.draft.price is None:
            self._floor.clearing.account.hold(order.order_id, offer.hold)
        return self._floor.start(order, now, offer.plan if order.draft.trigger is None else None)
