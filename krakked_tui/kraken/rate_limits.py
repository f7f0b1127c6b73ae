"""When a call may be sent: Kraken's own counters, kept here so that it need not refuse.

With one exception: a cancel of several orders goes although it overshoots, because the exchange takes
it all the same. Order calls on that pair which are on their way then may be refused for it, and are
not executed; those that come later wait.

Four systems, each apart from the others (docs: "Rate limits"):

- public calls, by IP address, some of them by pair as well;
- private calls, by key: a counter that wears off in steps, of which the worst phase is assumed;
- order calls, by account and pair: a counter whose charges depend on the age of the order;
- connection attempts and messages of WebSockets.

Calls wait in the order of their priority, then in the order they came. One that waits for a counter
holds back everything behind it that would spend from the same counter; nothing else. Part of each
budget is kept for what must never wait: see ``RESERVED`` and ``SLICES``.

Nothing here sleeps or reads a clock. Times are wall seconds of one monotonic clock.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import msgspec

from krakked_tui.kraken import error_codes
from krakked_tui.kraken.back_off import BACK_OFF_SECONDS, BackOff
from krakked_tui.kraken.endpoints import Action, Counter, Endpoint, Priority
from krakked_tui.kraken.errors import RateLimitError
from krakked_tui.kraken.order_costs import ANY_PAIR, OrderAges, Subject, ids_placed, subject_of
from krakked_tui.kraken.rate_counters import Meter, Spenders, Window
from krakked_tui.kraken.settings import ConnectionSettings, Tier
from krakked_tui.kraken.trading_counters import TradingCounters
from krakked_tui.ports import Headroom

WAITING_MAX = 4096
"""How many ordinary calls may wait; besides them as many cancels, and as many emergencies."""
LOOK_AGAIN_SECONDS = 1.0
"""However long the wait for a counter, it is looked at again after this: the exchange may correct us."""
HISTORY_SHARE = 0.8
"""The part of the public budget that history calls may use."""
SLICES = {Priority.ACCOUNT: 2.0, Priority.HISTORY: 4.0}
"""Units of the private counter that calls of a priority leave to those before them."""

CONNECTS, CONNECTS_SECONDS = 150, 600.0
MESSAGES_PER_SECOND, MESSAGES_BURST = 20.0, 10
"""Not documented: what other clients have found to be safe."""


class _Allowance(msgspec.Struct, frozen=True):
    """What the private counter of a tier allows."""

    maximum: float
    decay: float


_PRIVATE = {
    Tier.STARTER: _Allowance(15, 0.33),
    Tier.INTERMEDIATE: _Allowance(20, 0.5),
    Tier.PRO: _Allowance(20, 1.0),
}


def _silent() -> None:
    pass


class Ticket:
    """A call's place in the queue, then its permission. Made and changed by the limiter only.

    ``ring`` is called when it is worth looking again: the call may go, or its wait is now known.
    """

    __slots__ = (
        "admitted",
        "charges",
        "due",
        "earlier",
        "endpoint",
        "needs",
        "params",
        "priority",
        "ring",
        "since",
        "subject",
        "takes",
        "turn",
    )

    def __init__(
        self,
        endpoint: Endpoint[Any],
        params: Mapping[str, object],
        subject: Subject,
        priority: Priority,
        turn: int,
        ring: Callable[[], None],
    ) -> None:
        self.endpoint = endpoint
        self.params = params
        self.subject = subject
        self.priority = priority
        self.turn = turn
        self.ring = ring
        self.admitted = False
        self.since = math.inf
        self.due = math.inf
        self.earlier: float | None = None
        self.charges: list[tuple[Meter, Spenders, float]] = []
        self.needs: frozenset[str] = frozenset()
        self.takes: frozenset[str] = frozenset()

    @property
    def rank(self) -> tuple[int, int]:
        """Who goes first: the smaller."""
        return self.priority, self.turn


def _rank(ticket: Ticket) -> tuple[int, int]:
    return ticket.rank


def _crowd(priority: Priority) -> Priority:
    """Return with whom a call shares the room to wait."""
    return min(priority, Priority.ORDER)


class RateLimiter:
    """Decides when calls may go. One for everything that shares an account and an address.

    A call ``join``s, goes once its ticket is ``admitted``, and afterwards ``settle``s, whatever came
    of it; or it ``leave``s unsent. Whoever drives it calls ``advance`` as time passes, at the latest
    after the ``delay`` of the ticket that waits.
    """

    def __init__(self, settings: ConnectionSettings) -> None:
        self.translate: Callable[[str], str] = str
        """Turns any spelling of a pair into ours; to be set once the pairs are known."""
        self._settings = settings
        self._waiting: list[Ticket] = []
        self._crowds: dict[Priority, int] = {}
        self._turns = count()
        rate = settings.public_calls_per_second
        self._public = (Meter(rate), Meter(rate * HISTORY_SHARE))
        self._public_spenders = Spenders()
        self._pair_rate = settings.public_pair_calls_per_second or rate
        self._public_pairs: dict[str, Meter] = {}
        self._allowance = _PRIVATE.get(settings.tier)
        self._private = Meter(self._allowance.decay if self._allowance else 1.0)
        self._private_spenders = Spenders()
        self._trading = TradingCounters(settings.tier)
        self._ages = OrderAges()
        self._back_off = BackOff()
        self._connects = Window(CONNECTS, CONNECTS_SECONDS)
        self._messages = Meter(MESSAGES_PER_SECOND)

    # The queue ----------------------------------------------------------------------------------

    def join(
        self,
        endpoint: Endpoint[Any],
        params: Mapping[str, object],
        now: float,
        *,
        priority: Priority | None = None,
        ring: Callable[[], None] = _silent,
    ) -> Ticket:
        """Queue a call; it may be admitted at once.

        Raises ``RateLimitError`` when the exchange refuses such calls for longer than a call should
        wait, or when too many calls of its kind wait already.
        """
        ticket = self._ticket(endpoint, params, endpoint.priority if priority is None else priority, ring)
        self.check(ticket, now)
        crowd = _crowd(ticket.priority)
        if self._crowds.get(crowd, 0) >= WAITING_MAX:
            raise RateLimitError(
                f"{endpoint.name} was not sent: {WAITING_MAX} calls wait already",
                retry_after=BACK_OFF_SECONDS,
            )
        self._assign_lanes(ticket, now)
        behind = any(each.takes & ticket.needs for each in self._waiting if each.rank < ticket.rank)
        insort(self._waiting, ticket, key=_rank)
        self._crowds[crowd] = self._crowds.get(crowd, 0) + 1
        if not behind:
            self.advance(now)
        return ticket

    def fits(self, endpoint: Endpoint[Any], params: Mapping[str, object], now: float) -> bool:
        """Say whether a call would be admitted at once. Queues nothing."""
        ticket = self._ticket(endpoint, params, endpoint.priority, _silent)
        self._assign_lanes(ticket, now)
        behind = any(each.takes & ticket.needs for each in self._waiting if each.rank < ticket.rank)
        return not behind and self._wait(ticket, now) <= 0

    def check(self, ticket: Ticket, now: float) -> None:
        """Raise ``RateLimitError`` when the exchange refuses such calls for too long to wait."""
        endpoint = ticket.endpoint
        self._back_off.check(endpoint.name, endpoint.counter, ticket.priority, now)

    def advance(self, now: float) -> None:
        """Admit whatever may go now, and ring those whose wait has become known or shorter."""
        taken: set[str] = set()
        still_waiting: list[Ticket] = []
        for ticket in self._waiting:
            behind = bool(ticket.needs & taken)
            # Even a wait that seems endless is looked at again: answers and corrections end it.
            wait = math.inf if behind else min(self._wait(ticket, now), LOOK_AGAIN_SECONDS)
            if wait <= 0:
                self._crowds[_crowd(ticket.priority)] -= 1
                self._admit(ticket, now)
                continue
            taken |= ticket.takes if behind else self._lacks(ticket, now)
            still_waiting.append(ticket)
            if now + wait < ticket.due:
                ticket.ring()
            ticket.due = now + wait
        self._waiting = still_waiting

    def delay(self, ticket: Ticket, now: float) -> float:
        """Return after how many seconds to ``advance`` for this ticket; infinite: when it is rung."""
        return max(ticket.due - now, 0.0)

    def leave(self, ticket: Ticket, now: float) -> None:
        """Give up the place, or the permission, of a call that was not sent."""
        if ticket.admitted:
            self._let_go(ticket)
            self.advance(now)
            return
        place = bisect_left(self._waiting, ticket.rank, key=_rank)
        if place < len(self._waiting) and self._waiting[place] is ticket:
            del self._waiting[place]
            self._crowds[_crowd(ticket.priority)] -= 1
        if self._waiting:
            # Whoever is first now looks again on behalf of all. When thousands give up at once, that
            # is done once, not after each.
            self._waiting[0].due = now
            self._waiting[0].ring()

    def settle(self, ticket: Ticket, now: float, result: object = None, *, sure: bool = True) -> None:
        """Note that a call is over: the exchange has counted it.

        ``result`` as decoded, None for a failure; not ``sure``: whether it was executed is unknown.
        """
        for meter, spenders, units in ticket.charges:
            meter.held -= units
            meter.count(units, now)
            spenders.add(ticket.endpoint.name, units, now)
        ticket.charges = []
        self._end_change(ticket)
        if result is None and sure:
            self._restore_age(ticket)
        elif ticket.endpoint.action is not None:
            self._remember(ticket, msgspec.to_builtins(result), now if sure else None)
        self.advance(now)

    def _ticket(
        self, endpoint: Endpoint[Any], params: Mapping[str, object], priority: Priority,
        ring: Callable[[], None],
    ) -> Ticket:  # fmt: skip
        pair = params.get("pair")
        name = self.translate(pair) if isinstance(pair, str) else ANY_PAIR
        return Ticket(endpoint, params, subject_of(params, name), priority, next(self._turns), ring)

    # What the exchange says -----------------------------------------------------------------------

    def refused(self, ticket: Ticket, error: RateLimitError, now: float) -> None:
        """Back off after an actual refusal, from what it is about."""
        if error.code == error_codes.PAIR_RATE_LIMIT:
            for pair in self._units(ticket, now) or (ANY_PAIR,):
                self._trading.refused(pair, now, now + BACK_OFF_SECONDS)
        elif error.code == error_codes.DOMAIN_RATE_LIMIT:
            self._trading.refused(ANY_PAIR, now, now + BACK_OFF_SECONDS)
        else:
            self._back_off.refused(ticket.endpoint.counter, error, ticket.since, now)
        if self._allowance and ticket.endpoint.counter in (Counter.PRIVATE, Counter.HISTORY):
            self._private.raise_to(self._allowance.maximum, now)
        self.advance(now)

    def trading_maximum(self, units: float) -> None:
        """Take over the account's threshold on the trading counter, as the exchange reports it."""
        self._trading.set_maximum(units)

    def trading_count(self, pair: str, units: float, now: float) -> None:
        """Take over the count of one pair as the exchange reports it; ``pair`` is our name of it."""
        self._trading.correct(pair, units, now)
        self.advance(now)

    def order_seen(self, pair: str, order_ids: tuple[str, ...], age: float | None, now: float) -> None:
        """Note an open order that the exchange lists: what is not known of it yet.

        ``age`` in wall seconds since it was placed or amended, at most the true one; None when unknown.
        """
        self._ages.seen(pair, order_ids, None if age is None else now - age)

    # WebSockets ---------------------------------------------------------------------------------

    def connect_delay(self, now: float) -> float:
        """Book the next connection attempt and return how long to wait for it."""
        return self._connects.book(now)

    def message_delay(self, now: float) -> float:
        """Book the next outgoing message and return how long to wait for it."""
        self._messages.count(1.0, now)
        return max(self._messages.level(now) - MESSAGES_BURST, 0.0) / MESSAGES_PER_SECOND

    # What is left ---------------------------------------------------------------------------------

    def headroom(self, now: float) -> tuple[Headroom, ...]:
        """Return all limits and what is left of them, the fullest pairs among them."""
        blocked = {counter: self._back_off.remaining(counter, now) for counter in Counter}
        limits = [
            Headroom(
                "public calls",
                self._public[0].used(now),
                1.0,
                self._public_spenders.last_minute(now),
                blocked[Counter.PUBLIC],
            )
        ]
        if self._allowance:
            spenders = self._private_spenders.last_minute(now)
            used = self._private.used(now)
            maximum = self._allowance.maximum
            limits.append(Headroom("private calls", used, maximum, spenders, blocked[Counter.PRIVATE]))
        limits += self._trading.headroom(now, blocked[Counter.TRADING])
        limits.append(Headroom("connection attempts", self._connects.used(now), CONNECTS))
        return tuple(limits)

    # Prices -------------------------------------------------------------------------------------

    def _units(self, ticket: Ticket, now: float) -> dict[str, float]:
        """Return the units an order call costs now, by pair."""
        action = ticket.endpoint.action
        if action is None:
            return {}
        return self._ages.units(action, ticket.endpoint.cost, ticket.subject, now)

    def _private_units(self, ticket: Ticket) -> float:
        history = ticket.endpoint.counter is Counter.HISTORY
        return self._settings.history_cost if history else ticket.endpoint.cost

    def _assign_lanes(self, ticket: Ticket, now: float) -> None:
        """Decide whom a ticket waits behind. Order calls of unknown pair wait for all, and all for them."""
        match ticket.endpoint.counter:
            case Counter.PUBLIC:
                needs = takes = {"public"}
            case Counter.PUBLIC_PAIR:
                needs = takes = {"public", f"public {ticket.subject.pair}"}
            case Counter.PRIVATE | Counter.HISTORY:
                needs = takes = {"private"}
            case Counter.TRADING:
                pairs = self._units(ticket, now)
                takes = {f"pair {pair}" for pair in pairs} | {"some pair"}
                needs = {f"pair {pair}" for pair in pairs} | {f"pair {ANY_PAIR}"}
                if ANY_PAIR in pairs:
                    needs.add("some pair")
        ticket.needs, ticket.takes = frozenset(needs), frozenset(takes)

    def _lacks(self, ticket: Ticket, now: float) -> frozenset[str]:
        """Return where calls behind this ticket must wait: not for a pair that is not theirs."""
        if ticket.endpoint.counter is not Counter.PUBLIC_PAIR:
            return ticket.takes
        if self._back_off.remaining(Counter.PUBLIC_PAIR, now):
            return ticket.takes
        shared = self._public_meters(ticket, now)[:-1]
        if any(meter.wait(1.0, 1.0, now) for meter in shared):
            return ticket.takes
        return frozenset({f"public {ticket.subject.pair}"})

    def _wait(self, ticket: Ticket, now: float) -> float:
        """Return how long this ticket's counters would keep it if it were alone."""
        blocked = self._back_off.remaining(ticket.endpoint.counter, now)
        match ticket.endpoint.counter:
            case Counter.PUBLIC | Counter.PUBLIC_PAIR:
                meters = self._public_meters(ticket, now)
                return max(blocked, *(meter.wait(1.0, 1.0, now) for meter in meters))
            case Counter.PRIVATE | Counter.HISTORY:
                return max(blocked, self._private_wait(ticket, now))
            case Counter.TRADING:
                urgent = ticket.priority <= Priority.CANCEL
                units = self._units(ticket, now)
                if ticket.endpoint.action is Action.CANCEL_BATCH:
                    # It is accepted even when it overshoots: it needs a place for its first unit only.
                    # An order that is on its way already may be refused for it; cancels come first.
                    units = {pair: min(each, 1.0) for pair, each in units.items()}
                return max(blocked, self._trading.wait(units, now, urgent=urgent))

    def _private_wait(self, ticket: Ticket, now: float) -> float:
        if self._allowance is None:
            return 0.0
        worst_phase = self._allowance.decay * self._settings.private_decay_step_seconds
        limit = self._allowance.maximum - worst_phase - SLICES.get(ticket.priority, 0.0)
        units = self._private_units(ticket)
        return self._private.wait(units, max(limit, units), now)

    def _public_meters(self, ticket: Ticket, now: float) -> list[Meter]:
        meters = [self._public[0]]
        if ticket.priority is Priority.HISTORY:
            meters.append(self._public[1])
        if ticket.endpoint.counter is Counter.PUBLIC_PAIR:
            pair = ticket.subject.pair
            if pair not in self._public_pairs:
                used = {name: meter for name, meter in self._public_pairs.items() if meter.level(now)}
                self._public_pairs = {**used, pair: Meter(self._pair_rate)}
            meters.append(self._public_pairs[pair])
        return meters

    def _admit(self, ticket: Ticket, now: float) -> None:
        match ticket.endpoint.counter:
            case Counter.PUBLIC | Counter.PUBLIC_PAIR:
                # Our own ceiling, not the exchange's count: it wears off from the sending on.
                for meter in self._public_meters(ticket, now):
                    meter.count(1.0, now)
                self._public_spenders.add(ticket.endpoint.name, 1.0, now)
            case Counter.PRIVATE | Counter.HISTORY:
                units = self._private_units(ticket)
                ticket.charges = [(self._private, self._private_spenders, units)]
            case Counter.TRADING:
                units_by_pair = self._units(ticket, now)
                ticket.charges = [
                    (*self._trading.counter(pair, now), units) for pair, units in units_by_pair.items()
                ]
        for meter, _, units in ticket.charges:
            meter.held += units
        # Until the answer the order may be as young as can be, and so as dear to change again.
        if ticket.endpoint.action is Action.AMEND:
            self._ages.changing(ticket.subject.order_ids, 1)
        ticket.earlier = self._ages.since(ticket.subject.order_ids)
        self._remember(ticket, None, None)
        ticket.admitted = True
        ticket.since = now
        ticket.ring()

    def _let_go(self, ticket: Ticket) -> None:
        for meter, _, units in ticket.charges:
            meter.held -= units
        ticket.charges = []
        self._end_change(ticket)
        self._restore_age(ticket)

    def _end_change(self, ticket: Ticket) -> None:
        if ticket.endpoint.action is Action.AMEND:
            self._ages.changing(ticket.subject.order_ids, -1)

    def _restore_age(self, ticket: Ticket) -> None:
        """Take back that an order was about to be amended: it was not."""
        if ticket.endpoint.action is Action.AMEND:
            self._ages.changed(ticket.subject.order_ids, ticket.earlier)

    def _remember(self, ticket: Ticket, result: object, since: float | None) -> None:
        """Note the orders a call has placed, or may have placed, and those whose age starts anew."""
        match ticket.endpoint.action:
            case Action.ADD | Action.ADD_BATCH | Action.EDIT:
                for ids in ids_placed(ticket.params, result):
                    self._ages.placed(ticket.subject.pair, ids, since)
            case Action.AMEND:
                self._ages.changed(ticket.subject.order_ids, since)
            case _:
                pass
