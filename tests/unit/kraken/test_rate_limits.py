"""The limiter against Kraken's documented counters, in simulated time."""

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import pytest

from krakked_tui.kraken import endpoints
from krakked_tui.kraken.back_off import BLOCK_WAIT_MAX
from krakked_tui.kraken.endpoints import Action, Endpoint, Priority
from krakked_tui.kraken.errors import RateLimitError
from krakked_tui.kraken.order_costs import Subject
from krakked_tui.kraken.rate_limits import (
    LOOK_AGAIN_SECONDS,
    WAITING_MAX,
    RateLimiter,
    Ticket,
)
from krakked_tui.kraken.settings import ConnectionSettings, Tier
from tests.unit.kraken.kraken_counters import Counters, SandboxCounters

PAIRS = ("XBTUSD", "ETHUSD", "ATOMETH")
OVERTAKEN_PART_MAX = 0.01
"""Order calls that cancels may make the exchange refuse: answers take up to six seconds here."""


@dataclass(eq=False)
class Sent:
    """One call of a schedule."""

    endpoint: Endpoint[Any]
    params: dict[str, object]
    arrive: Callable[[float], bool]
    result: object
    ticket: Ticket | None = None
    joined: float = math.nan
    left: float = math.nan


class World:
    """Drives a limiter and an exchange through simulated time, answers taking as long as they like."""

    def __init__(
        self,
        tier: str,
        seed: int,
        rate: float = 1.0,
        latency: float = 3.0,
        exchange: type[Counters] = Counters,
    ) -> None:
        self.rng = random.Random(seed)
        self.exchange = exchange(tier, self.rng, public_rate=rate)
        self.limiter = RateLimiter(ConnectionSettings(tier=Tier(tier), public_calls_per_second=rate))
        self.latency = latency
        self.now = 0.0
        self.ids = count(1)
        self.calls: list[Sent] = []
        self.refused: list[str] = []
        self.overtaken: list[Sent] = []
        self._order = count()
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._look_at = math.inf

    def at(self, time: float, what: Callable[[], object]) -> None:
        heapq.heappush(self._events, (max(time, self.now), next(self._order), what))

    def run(self, until: float = math.inf) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, what = heapq.heappop(self._events)
            what()
            self._look()

    def _look(self) -> None:
        waiting = [call for call in self.calls if call.ticket and math.isnan(call.left)]
        for call in waiting:
            assert call.ticket
            if call.ticket.admitted:
                self._send(call)
        delays = [
            self.limiter.delay(call.ticket, self.now)
            for call in waiting
            if call.ticket and not call.ticket.admitted
        ]
        soonest = self.now + min(delays, default=math.inf)
        assert not delays or soonest <= self.now + LOOK_AGAIN_SECONDS + 1e-9, "nobody keeps the time"
        if soonest < self._look_at or self._look_at <= self.now:
            self._look_at = soonest
            if not math.isinf(soonest):
                self.at(soonest + 1e-9, lambda: self.limiter.advance(self.now))

    def _send(self, call: Sent) -> None:
        call.left = self.now
        there = self.now + (self.rng.uniform(0.001, self.latency) if call.endpoint.private else 0.0)
        back = there + self.rng.uniform(0.001, self.latency)
        self.at(there, lambda: self._arrive(call))
        self.at(back, lambda: self._answer(call))

    def _arrive(self, call: Sent) -> None:
        if call.arrive(self.now):
            return
        if self._overtaken(call):
            self.overtaken.append(call)
        else:
            self.refused.append(f"{call.endpoint.name} at {self.now:.3f}")

    def _overtaken(self, call: Sent) -> bool:
        """Say whether cancels that may overshoot left for the same pair while this call was on its way.

        They do not wait for its answer, at the price that it may be refused: cancels come first.
        """
        pairs = self._pairs(call)
        return call.endpoint.action is not None and any(
            batch is not call and call.left <= batch.left <= self.now and pairs & self._pairs(batch)
            for batch in self.calls
            if batch.endpoint is endpoints.CANCEL_ORDER_BATCH
        )

    def _pairs(self, call: Sent) -> set[str]:
        ids = call.params.get("cl_ord_ids") or [call.params.get("cl_ord_id"), call.params.get("txid")]
        assert isinstance(ids, list)
        named = {str(call.params["pair"])} if "pair" in call.params else set()
        return named | {self.exchange.pairs[each] for each in ids if each in self.exchange.pairs}

    def _answer(self, call: Sent) -> None:
        assert call.ticket
        self.limiter.settle(call.ticket, self.now, call.result)

    def call(
        self,
        endpoint: Endpoint[Any],
        arrive: Callable[[float], bool],
        params: dict[str, object] | None = None,
        result: object = True,
        priority: Priority | None = None,
    ) -> Sent:
        sent = Sent(endpoint, params or {}, arrive, result, joined=self.now)
        sent.ticket = self.limiter.join(endpoint, sent.params, self.now, priority=priority)
        self.calls.append(sent)
        return sent

    def add(self, pair: str, priority: Priority | None = None) -> str:
        order_id = f"kabcnet{next(self.ids):05}"
        self.call(
            endpoints.ADD_ORDER,
            lambda now: self.exchange.add(pair, order_id, now),
            {"pair": pair, "cl_ord_id": order_id},
            {"txid": [f"O-{order_id}"]},
            priority,
        )
        return order_id

    def read(self, endpoint: Endpoint[Any]) -> None:
        if endpoint.private:
            self.call(endpoint, lambda now: self.exchange.private_call(endpoint.name, now))
        else:
            pair = self.rng.choice(PAIRS)
            self.call(endpoint, self.exchange.public_call, {"pair": pair})

    def change_something(self) -> None:
        """Amend, edit or cancel an order that is open, or some of them, or all."""
        known = [order_id for order_id in self.exchange.orders if order_id not in self._in_use]
        if not known:
            return
        order_id = self.rng.choice(known)
        kind = self.rng.choice(["amend", "edit", "cancel", "batch"])
        chosen = self.rng.sample(known, min(len(known), 5)) if kind == "batch" else [order_id]
        if kind != "amend":
            self._in_use |= set(chosen)
        if kind == "batch":
            self.call(
                endpoints.CANCEL_ORDER_BATCH,
                lambda now: self.exchange.cancel_batch(chosen, now),
                {"cl_ord_ids": chosen},
            )
            return
        pair = self.exchange.orders[order_id][0]
        new_id = f"kabcnet{next(self.ids):05}" if kind == "edit" else ""
        by_kind: dict[str, Endpoint[Any]] = {
            "amend": endpoints.AMEND_ORDER,
            "edit": endpoints.EDIT_ORDER,
            "cancel": endpoints.CANCEL_ORDER,
        }
        endpoint = by_kind[kind]
        params: dict[str, object] = {"cl_ord_id": order_id}
        if kind == "edit":
            params = {"txid": order_id, "pair": pair}
        self.call(
            endpoint,
            lambda now: self.exchange.change(endpoint.name, order_id, now, new_id),
            params,
            {"txid": new_id} if new_id else {},
        )

    _in_use: set[str] = set()

    def random_schedule(self, calls: int) -> None:
        self._in_use = set()
        spread = self.rng.choice([5.0, 60.0, 400.0])
        reads = [e for e in endpoints.ENDPOINTS if e.action is None]
        for _ in range(calls):
            kind = self.rng.random()
            when = self.rng.uniform(0, spread)
            if kind < 0.35:
                self.at(when, partial(self.read, self.rng.choice(reads)))
            elif kind < 0.75:
                pair = self.rng.choice(PAIRS)
                for _ in range(self.rng.choice([1, 1, 3, 20])):
                    self.at(when, partial(self.add, pair))
            else:
                self.at(when, self.change_something)


def check_schedule(seed: int, exchange: type[Counters] = Counters) -> tuple[int, int]:
    """Run a schedule; return how many order calls an overshooting cancel made the exchange refuse, of all."""
    tier = random.Random(seed).choice(["starter", "intermediate", "pro"])
    world = World(tier, seed, exchange=exchange)
    world.random_schedule(30)
    world.run()
    assert world.refused == []
    assert all(not math.isnan(call.left) for call in world.calls), "somebody never left"
    check_fairness(world.calls)
    return len(world.overtaken), sum(call.endpoint.action is not None for call in world.calls)


def check_fairness(calls: list[Sent]) -> None:
    """Within a priority and a counter, who comes first goes first."""
    lanes: dict[tuple[object, object], list[Sent]] = {}
    for call in calls:
        counter = endpoints.Counter.PRIVATE if call.endpoint.private else endpoints.Counter.PUBLIC
        if call.endpoint.action is not None:
            if call.endpoint is not endpoints.ADD_ORDER:
                continue
            lanes.setdefault((call.params["pair"], call.endpoint.priority), []).append(call)
        else:
            lanes.setdefault((counter, call.endpoint.priority), []).append(call)
    for lane in lanes.values():
        in_order = [call.left for call in sorted(lane, key=lambda c: c.ticket.turn if c.ticket else 0)]
        assert in_order == sorted(in_order)


@pytest.mark.parametrize("exchange", [Counters, SandboxCounters])
@pytest.mark.parametrize("start", [0, 100])
def test_random_schedules_are_never_refused(start: int, exchange: type[Counters]) -> None:
    overtaken, order_calls = map(
        sum, zip(*(check_schedule(n, exchange) for n in range(start, start + 100)), strict=True)
    )
    assert overtaken <= OVERTAKEN_PART_MAX * order_calls
    assert order_calls > 5000


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("exchange", [Counters, SandboxCounters])
def test_ten_thousand_random_schedules(exchange: type[Counters]) -> None:
    for seed in range(10_000):
        check_schedule(seed, exchange)


@pytest.mark.parametrize("tier", ["starter", "intermediate", "pro"])
def test_a_saturated_pair_uses_what_is_not_reserved(tier: str) -> None:
    world = World(tier, 1, latency=0.1)
    for _ in range(700):
        world.add("XBTUSD")
    world.at(0.0, lambda: None)
    world.run(until=120.0)
    budget = world.exchange.threshold - 8 + 120 * world.exchange.decay
    used = world.exchange.trading["XBTUSD"].total
    assert world.refused == []
    assert 0.9 * budget <= used <= budget


@pytest.mark.parametrize("endpoint", [endpoints.BALANCE_EX, endpoints.LEDGERS], ids=lambda e: e.name)
def test_a_saturated_key_uses_what_is_not_reserved(endpoint: Endpoint[Any]) -> None:
    world = World("intermediate", 2, latency=0.1)
    for _ in range(600):
        world.read(endpoint)
    world.at(0.0, lambda: None)
    world.run(until=600.0)
    assert world.refused == []
    assert world.exchange.private.total >= 0.9 * (20 - 4 + 600 * 0.5)


def test_public_calls_are_spaced_and_history_leaves_a_fifth() -> None:
    world = World("pro", 3)
    for _ in range(200):
        world.read(endpoints.OHLC)
    world.at(0.0, lambda: None)
    world.run(until=100.0)
    sent = sum(1 for call in world.calls if call.left <= 100)
    assert world.refused == []
    assert 72 <= sent <= 81
    world.read(endpoints.TICKER)
    world.at(100.0, lambda: None)
    world.run(until=101.1)
    assert world.calls[-1].left <= 101.0


@pytest.mark.parametrize("seed", range(20))
def test_a_cancel_during_saturation_leaves_within_a_second(seed: int) -> None:
    world = World("intermediate", seed, latency=0.2)
    for _ in range(200):
        world.add("XBTUSD")
        world.read(endpoints.LEDGERS)
    world.at(0.0, lambda: None)
    world.run(until=30.0)
    youngest = list(world.exchange.orders)[-1]
    cancel = world.call(
        endpoints.CANCEL_ORDER,
        lambda now: world.exchange.change("CancelOrder", youngest, now),
        {"cl_ord_id": youngest},
    )
    world.at(30.0, lambda: None)
    world.run(until=32.0)
    assert cancel.left - cancel.joined <= 1.0
    assert world.refused == []


def test_an_emergency_order_uses_the_reserve_and_goes_first() -> None:
    world = World("starter", 4, latency=0.01)
    for _ in range(100):
        world.add("XBTUSD")
    world.at(0.0, lambda: None)
    world.run(until=5.0)
    waiting = [call for call in world.calls if math.isnan(call.left)]
    assert waiting
    world.add("XBTUSD", Priority.EMERGENCY)
    world.at(5.0, lambda: None)
    world.run(until=5.1)
    assert world.calls[-1].left == 5.0
    assert world.refused == []


# One rule at a time -------------------------------------------------------------------------------


def limiter(tier: Tier = Tier.INTERMEDIATE, **settings: Any) -> RateLimiter:
    return RateLimiter(ConnectionSettings(tier=tier, **settings))


def gone(ticket: Ticket) -> bool:
    """Whether it may go now; a call, because it changes behind the type checker's back."""
    return ticket.admitted


def add(limits: RateLimiter, now: float, pair: str = "XBTUSD", **ids: object) -> Ticket:
    return limits.join(endpoints.ADD_ORDER, {"pair": pair, **ids}, now)


def saturate(limits: RateLimiter, now: float = 0.0, pair: str = "XBTUSD") -> Ticket:
    """Place orders until one has to wait; return it."""
    while (ticket := add(limits, now, pair)).admitted:
        limits.settle(ticket, now, {"txid": []})
    return ticket


def test_a_low_priority_call_that_waits_delays_no_other_counter_and_no_higher_priority() -> None:
    limits = limiter()
    waiting = saturate(limits)
    assert add(limits, 0.0, "ETHUSD").admitted
    assert limits.join(endpoints.BALANCE_EX, {}, 0.0).admitted
    cancel = limits.join(endpoints.CANCEL_ORDER, {"cl_ord_id": "old", "pair": "XBTUSD"}, 0.0)
    assert gone(cancel)
    assert not gone(waiting)


@pytest.mark.parametrize("priority", [Priority.EMERGENCY, Priority.CANCEL])
def test_a_cheap_call_does_not_slip_past_a_dear_one_that_waits(priority: Priority) -> None:
    limits = limiter()
    limits.order_seen("XBTUSD", ("young",), 0.0, 1000.0)
    limits.order_seen("XBTUSD", ("old",), 100.0, 1000.0)
    limits.trading_count("XBTUSD", 118.0, 1000.0)
    dear = limits.join(endpoints.CANCEL_ORDER, {"txid": "young"}, 1000.0, priority=priority)
    cheap = limits.join(endpoints.CANCEL_ORDER, {"txid": "old"}, 1000.0)
    limits.advance(1000.5)
    assert not gone(dear)
    assert not gone(cheap)
    limits.advance(1002.0)
    assert gone(dear)


def test_a_waiting_call_is_rung_when_it_may_go_and_leaves_no_trace_when_it_gives_up() -> None:
    limits = limiter(Tier.PRO)
    rung: list[str] = []
    tickets = [limits.join(endpoints.LEDGERS, {}, 0.0, ring=partial(rung.append, f"{n}")) for n in range(5)]
    assert [ticket.admitted for ticket in tickets] == [True, True, True, False, False]
    assert limits.delay(tickets[4], 0.0) == math.inf
    rung.clear()
    limits.leave(tickets[3], 0.0)
    assert rung == ["4"]
    assert limits.delay(tickets[4], 0.0) <= LOOK_AGAIN_SECONDS
    limits.leave(tickets[0], 0.0)
    assert gone(tickets[4])


@pytest.mark.parametrize(
    ("answer", "sure", "units"), [({}, True, 8), (None, True, 0), (None, False, 8), ("unsent", True, 0)]
)
def test_an_amended_order_is_young_again_and_one_that_was_not_is_not(
    answer: object, sure: bool, units: float
) -> None:
    limits = limiter()
    limits.order_seen("XBTUSD", ("O1",), 1000.0, 1000.0)
    amend = limits.join(endpoints.AMEND_ORDER, {"txid": "O1"}, 1000.0)
    prices = [limits._ages.units(Action.CANCEL, 0, Subject(order_ids=("O1",)), 1000.0)["XBTUSD"]]
    if answer == "unsent":
        limits.leave(amend, 1000.0)
    else:
        limits.settle(amend, 1000.0, answer, sure=sure)
    prices.append(limits._ages.units(Action.CANCEL, 0, Subject(order_ids=("O1",)), 1001.0)["XBTUSD"])
    assert prices == [8, units]


def test_units_of_a_call_on_its_way_do_not_wear_off() -> None:
    limits = limiter(Tier.PRO)
    tickets = [limits.join(endpoints.LEDGERS, {}, 0.0) for _ in range(4)]
    limits.advance(1000.0)
    assert not gone(tickets[3])
    limits.settle(tickets[0], 1000.0, {})
    assert not gone(tickets[3])
    limits.advance(1004.1)
    assert gone(tickets[3])


def test_the_price_of_a_history_call_is_a_setting() -> None:
    limits = limiter(history_cost=2)
    tickets = [limits.join(endpoints.LEDGERS, {}, 0.0) for _ in range(8)]
    assert sum(ticket.admitted for ticket in tickets) == 7


def test_a_sandbox_without_limits_has_none() -> None:
    limits = RateLimiter(ConnectionSettings(rest_url="http://127.0.0.1:1", tier=Tier.NONE))
    assert all(add(limits, 0.0).admitted for _ in range(1000))
    assert all(limits.join(endpoints.LEDGERS, {}, 0.0).admitted for _ in range(1000))
    limits.trading_maximum(125)
    assert add(limits, 0.0).admitted


@pytest.mark.parametrize(
    ("pair_rate", "other_pair_goes", "same_pair_goes"), [(0.0, 1.25, 2.5), (0.1, 1.25, 10.0)]
)
def test_downloads_of_one_pair_are_counted_by_pair_too(
    pair_rate: float, other_pair_goes: float, same_pair_goes: float
) -> None:
    limits = limiter(public_pair_calls_per_second=pair_rate)
    assert limits.join(endpoints.OHLC, {"pair": "XBTUSD"}, 0.0).admitted
    other = limits.join(endpoints.OHLC, {"pair": "ETHUSD"}, 0.0)
    same = limits.join(endpoints.OHLC, {"pair": "XBTUSD"}, 0.0)
    for now in (step / 100 for step in range(1, 1200)):
        limits.advance(now)
        assert gone(other) == (now >= other_pair_goes), now
        assert gone(same) == (now >= same_pair_goes - 1e-6), now


def test_a_pair_that_has_to_wait_holds_up_no_other() -> None:
    limits = limiter(public_pair_calls_per_second=0.1)
    assert limits.join(endpoints.OHLC, {"pair": "XBTUSD"}, 0.0).admitted
    same = limits.join(endpoints.OHLC, {"pair": "XBTUSD"}, 0.0)
    other = limits.join(endpoints.OHLC, {"pair": "ETHUSD"}, 0.0)
    limits.advance(1.25)
    assert (same.admitted, other.admitted) == (False, True)


def test_a_pair_counts_as_one_however_it_is_spelled() -> None:
    limits = limiter()
    limits.translate = {"XXBTZUSD": "XBTUSD"}.__getitem__
    waiting = saturate(limits, pair="XXBTZUSD")
    assert waiting.subject.pair == "XBTUSD"


# What the exchange says ---------------------------------------------------------------------------


def refusal(code: str, retry_after: float = 5.0) -> RateLimitError:
    return RateLimitError("no", code=code, retry_after=retry_after)


@pytest.mark.parametrize("code", ["", "EAPI:Rate limit exceeded", "EService:Throttled"])
def test_a_refusal_holds_back_everything(code: str) -> None:
    limits = limiter()
    first = limits.join(endpoints.TICKER, {}, 0.0)
    limits.refused(first, refusal(code), 0.0)
    limits.settle(first, 0.0)
    cancel = limits.join(endpoints.CANCEL_ORDER, {"cl_ord_id": "a"}, 1.0)
    read = limits.join(endpoints.OPEN_ORDERS, {}, 1.0)
    limits.advance(4.9)
    assert not gone(cancel)
    limits.advance(5.0)
    assert gone(cancel)
    assert gone(read)


@pytest.mark.parametrize(
    ("refused", "code", "held"),
    [
        (endpoints.TICKER, "EGeneral:Too many requests", {"Ticker", "OHLC"}),
        (endpoints.OHLC, "EGeneral:Too many requests", {"Ticker", "OHLC"}),
        (endpoints.LEDGERS, "EAPI:Rate limit exceeded", {"BalanceEx"}),
        (endpoints.BALANCE_EX, "EAPI:Rate limit exceeded", {"BalanceEx"}),
        (endpoints.BALANCE_EX, "EGeneral:Too many requests", {"Ticker", "OHLC", "BalanceEx", "AddOrder"}),
        (endpoints.ADD_ORDER, "EAPI:Rate limit exceeded", {"Ticker", "OHLC", "BalanceEx", "AddOrder"}),
    ],
)
def test_a_refusal_holds_back_what_it_is_about(refused: Endpoint[Any], code: str, held: set[str]) -> None:
    limits = limiter(public_calls_per_second=100)
    first = limits.join(refused, {"pair": "ATOMETH"}, 0.0)
    limits.refused(first, refusal(code), 0.0)
    limits.settle(first, 0.0)
    tried = (endpoints.TICKER, endpoints.OHLC, endpoints.BALANCE_EX, endpoints.ADD_ORDER)
    tickets = [limits.join(each, {"pair": "XBTUSD"}, 1.0) for each in tried]
    limits.advance(4.9)
    assert {ticket.endpoint.name for ticket in tickets if not ticket.admitted} == held
    limits.advance(5.1)
    assert gone(tickets[0])


def test_cancels_wait_for_the_end_of_a_long_refusal_and_others_fail() -> None:
    limits = limiter(public_calls_per_second=100)
    first = limits.join(endpoints.TICKER, {}, 0.0)
    limits.refused(first, refusal("EService:Throttled", 50.0), 0.0)
    with pytest.raises(RateLimitError, match="not sent"):
        add(limits, 1.0)
    cancel = limits.join(endpoints.CANCEL_ORDER_BATCH, {"cl_ord_ids": ["a"]}, 1.0)
    flatten = limits.join(endpoints.ADD_ORDER, {"pair": "XBTUSD"}, 1.0, priority=Priority.EMERGENCY)
    limits.check(cancel, 1.0)
    limits.advance(49.0)
    assert not gone(cancel)
    limits.advance(50.0)
    assert gone(cancel)
    assert gone(flatten)


def test_in_a_lockout_cancels_fail_too() -> None:
    limits = limiter()
    first = limits.join(endpoints.TICKER, {}, 0.0)
    limits.refused(first, refusal("EGeneral:Temporary lockout", 900.0), 0.0)
    with pytest.raises(RateLimitError, match="lockout"):
        limits.join(endpoints.CANCEL_ALL, {}, 1.0, priority=Priority.EMERGENCY)


def test_public_refusals_in_a_row_leave_emergencies_alone() -> None:
    limits = limiter(public_calls_per_second=10)
    now = 0.0
    for _ in range(6):
        ticket = limits.join(endpoints.TICKER, {}, now)
        limits.advance(now)
        limits.refused(ticket, refusal("EGeneral:Too many requests"), now)
        limits.settle(ticket, now)
        cancel = limits.join(endpoints.CANCEL_ORDER_BATCH, {"cl_ord_ids": ["a"]}, now)
        assert cancel.admitted
        limits.settle(cancel, now, {"count": 1})
        now += 70.0


def test_refusals_in_a_row_hold_back_longer_each_time_and_calls_in_flight_count_once() -> None:
    limits = limiter(public_calls_per_second=10)
    both = [limits.join(endpoints.TICKER, {}, now) for now in (0.0, 0.2)]
    for ticket in both:
        limits.refused(ticket, refusal("EGeneral:Too many requests"), 0.5)
    assert limits.headroom(0.5)[0].blocked_seconds == 5
    again = limits.join(endpoints.TICKER, {}, 6.0)
    limits.refused(again, refusal("EGeneral:Too many requests"), 6.0)
    assert limits.headroom(6.0)[0].blocked_seconds == 10
    later = limits.join(endpoints.TICKER, {}, 500.0)
    limits.refused(later, refusal("EGeneral:Too many requests"), 500.0)
    assert limits.headroom(500.0)[0].blocked_seconds == 5


def test_a_lockout_fails_calls_at_once_with_the_reason() -> None:
    limits = limiter()
    first = limits.join(endpoints.TICKER, {}, 0.0)
    limits.refused(first, refusal("EGeneral:Temporary lockout", 900), 0.0)
    with pytest.raises(RateLimitError, match="Temporary lockout") as caught:
        add(limits, 1.0)
    assert caught.value.retry_after == 899
    limits.join(endpoints.TICKER, {}, 900 - BLOCK_WAIT_MAX)


def test_a_refused_pair_holds_back_its_orders_and_its_cancels_only_for_their_units() -> None:
    limits = limiter()
    first = add(limits, 0.0)
    limits.settle(first, 0.0, {"txid": ["O1"]})
    limits.refused(first, refusal("EOrder:Rate limit exceeded"), 0.0)
    order, other = add(limits, 0.0), add(limits, 0.0, "ETHUSD")
    young = limits.join(endpoints.CANCEL_ORDER, {"txid": "O1"}, 0.0)
    assert gone(other)
    assert not gone(young)
    for now in (step / 10 for step in range(1, 60)):
        limits.advance(now)
        if gone(young):
            break
    assert 3.4 <= now <= 4.9  # 8 units and the worst phase at 2.34 a second
    assert not gone(order)
    limits.settle(young, now, {})
    for now in (step / 10 for step in range(50, 100)):
        limits.advance(now)
    assert gone(order)


def test_a_domain_refusal_holds_back_the_orders_of_all_pairs() -> None:
    limits = limiter()
    first = add(limits, 0.0)
    limits.refused(first, refusal("EOrder:Domain rate limit exceeded"), 0.0)
    assert not add(limits, 1.0, "ETHUSD").admitted
    assert limits.join(endpoints.BALANCE_EX, {}, 1.0).admitted


def test_the_accounts_own_threshold_and_count_are_taken_over() -> None:
    limits = limiter(Tier.STARTER)
    limits.trading_maximum(180)
    assert [h.limit for h in limits.headroom(0.0) if h.name.startswith("trading")] == []
    tickets = [add(limits, 0.0) for _ in range(180)]
    assert sum(ticket.admitted for ticket in tickets) == 168  # less the reserve and the worst phase
    for nonsense in (math.nan, math.inf, -5.0, 0.0):
        limits.trading_maximum(nonsense)
        limits.trading_count("XBTUSD", nonsense, 0.0) if nonsense else None
    (pair,) = (h for h in limits.headroom(0.0) if h.name == "trading XBTUSD")
    assert (pair.used, pair.limit) == (168, 180)


def test_a_reported_count_corrects_both_ways_but_never_forgets_what_it_cannot_know() -> None:
    limits = limiter()
    limits.trading_count("XBTUSD", 120.0, 0.0)
    assert not add(limits, 0.0).admitted
    limits.trading_count("XBTUSD", 3.0, 0.0)
    used = {h.name: h.used for h in limits.headroom(0.0)}
    assert used["trading XBTUSD"] == pytest.approx(4)  # the order that waited has gone
    settled = [add(limits, 10.0) for _ in range(5)]
    for ticket in settled:
        limits.settle(ticket, 10.0, {"txid": []})
    limits.trading_count("XBTUSD", 1.0, 10.5)
    used = {h.name: h.used for h in limits.headroom(10.5)}
    assert used["trading XBTUSD"] >= 4


def test_orders_seen_in_a_list_count_with_their_age() -> None:
    limits = limiter()
    limits.order_seen("XBTUSD", ("O1", "kabc"), 400.0, 1000.0)
    limits.order_seen("XBTUSD", ("O2",), None, 1000.0)
    limits.order_seen("XBTUSD", ("O1", "kabc"), 0.0, 1001.0)  # known already
    for order_id, units in (("kabc", 0.0), ("O2", 8.0)):
        before = sum(h.used for h in limits.headroom(1001.0) if h.name == "trading XBTUSD")
        limits.join(endpoints.CANCEL_ORDER, {"txid": order_id}, 1001.0)
        after = sum(h.used for h in limits.headroom(1001.0) if h.name == "trading XBTUSD")
        assert after - before == units


def price(limits: RateLimiter, order_id: str, now: float) -> float:
    """What cancelling this order would cost."""
    return sum(limits._ages.units(Action.CANCEL, 0, Subject(order_ids=(order_id,)), now).values())


def test_a_list_tells_the_age_and_the_other_id_of_an_order_whose_fate_was_unknown() -> None:
    limits = limiter()
    limits.settle(add(limits, 0.0, cl_ord_id="kabc"), 0.0, sure=False)
    limits.order_seen("XBTUSD", ("O1", "kabc"), None, 50.0)
    assert (price(limits, "kabc", 50.0), price(limits, "O1", 50.0)) == (8, 8)
    limits.order_seen("XBTUSD", ("O1", "kabc"), 100.0, 100.0)
    assert (price(limits, "kabc", 100.0), price(limits, "O1", 100.0)) == (1, 1)


def test_a_list_says_nothing_about_an_order_that_is_being_amended() -> None:
    limits = limiter()
    limits.order_seen("XBTUSD", ("O1",), 1000.0, 1000.0)
    amend = limits.join(endpoints.AMEND_ORDER, {"txid": "O1"}, 1000.0)
    limits.order_seen("XBTUSD", ("O1",), 1000.0, 1000.0)
    assert price(limits, "O1", 1000.0) == 8
    limits.settle(amend, 1001.0, sure=False)
    limits.order_seen("XBTUSD", ("O1",), 1000.0, 1005.0)
    assert price(limits, "O1", 1005.0) == 0
    assert not limits._ages._changing


@pytest.mark.parametrize("reported", [1.0, 8.0, 10.0, 11.3])
def test_a_threshold_that_would_stop_everything_is_ignored(
    reported: float, caplog: pytest.LogCaptureFixture
) -> None:
    limits = limiter()
    for _ in range(3):
        limits.trading_maximum(reported)
    assert add(limits, 0.0).admitted
    (limit,) = [h.limit for h in limits.headroom(0.0) if h.name == "trading XBTUSD"]
    assert limit == 125
    assert len([record for record in caplog.records if "ignored" in record.getMessage()]) == 1


def test_what_fits_is_told_and_not_queued() -> None:
    limits = limiter()
    limits.order_seen("XBTUSD", ("young",), 0.0, 0.0)
    limits.order_seen("XBTUSD", ("old",), 900.0, 0.0)
    limits.trading_count("XBTUSD", 120.0, 0.0)
    assert not limits.fits(endpoints.CANCEL_ORDER, {"txid": "young"}, 0.0)
    assert limits.fits(endpoints.CANCEL_ORDER, {"txid": "old"}, 0.0)
    assert limits.fits(endpoints.CANCEL_ORDER_BATCH, {"cl_ord_ids": ["young"]}, 0.0)
    assert limits._waiting == []
    limits.join(endpoints.CANCEL_ORDER, {"txid": "young"}, 0.0)
    assert not limits.fits(endpoints.CANCEL_ORDER, {"txid": "old"}, 0.0)


# WebSockets, headroom, bounds ---------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_connection_attempts_stay_below_150_in_ten_minutes(seed: int) -> None:
    rng = random.Random(seed)
    limits = limiter()
    now, made = 0.0, []
    for _ in range(600):
        now += rng.choice([0.0, 0.0, 0.5, 30.0])
        made.append(now + limits.connect_delay(now))
    for first, later in zip(made, made[150:], strict=False):
        assert later - first >= 600 - 1e-6
    assert made[:150] == sorted(made[:150])


def test_messages_are_paced_after_a_burst() -> None:
    limits = limiter()
    delays = [limits.message_delay(0.0) for _ in range(30)]
    assert delays[:10] == [0.0] * 10
    assert delays[29] == pytest.approx(1.0)
    assert limits.message_delay(100.0) == 0.0


def test_headroom_names_the_spenders() -> None:
    limits = limiter()
    for _ in range(3):
        limits.settle(limits.join(endpoints.OPEN_ORDERS, {}, 0.0), 0.0, {})
    limits.settle(limits.join(endpoints.LEDGERS, {}, 1.0), 1.0, {})
    limits.settle(add(limits, 1.0), 1.0, {"txid": []})
    limits.connect_delay(1.0)
    shown = {h.name: h for h in limits.headroom(1.0)}
    assert list(shown) == ["public calls", "private calls", "trading XBTUSD", "connection attempts"]
    assert shown["private calls"].spenders == (("Ledgers", 4.0), ("OpenOrders", 3.0))
    assert (shown["private calls"].used, shown["private calls"].limit) == (6.5, 20)
    assert shown["trading XBTUSD"].spenders == (("AddOrder", 1.0),)
    assert (shown["connection attempts"].used, shown["connection attempts"].limit) == (1, 150)
    assert {h.name: h for h in limits.headroom(62.0)}["private calls"].spenders == ()


def test_too_many_waiting_calls_are_turned_away_but_never_what_is_urgent() -> None:
    limits = limiter()
    for _ in range(WAITING_MAX + 1):
        limits.join(endpoints.TICKER, {}, 0.0)
    with pytest.raises(RateLimitError, match="wait already"):
        limits.join(endpoints.TICKER, {}, 0.0)
    limits.trading_count("XBTUSD", 125.0, 0.0)
    young = {"cl_ord_id": "a", "pair": "XBTUSD"}
    for _ in range(WAITING_MAX):
        assert not limits.join(endpoints.CANCEL_ORDER, young, 0.0).admitted
    with pytest.raises(RateLimitError, match="wait already"):
        limits.join(endpoints.CANCEL_ORDER, young, 0.0)
    assert limits.join(endpoints.CANCEL_ALL, {"pair": "ETHUSD"}, 0.0, priority=Priority.EMERGENCY).admitted


def test_thousands_who_give_up_at_once_are_not_looked_at_after_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = limiter()
    tickets = [limits.join(endpoints.TICKER, {}, 0.0) for _ in range(1000)]
    looked = []
    real = RateLimiter._wait

    def wait(self: RateLimiter, ticket: Ticket, now: float) -> float:
        looked.append(ticket)
        return real(self, ticket, now)

    monkeypatch.setattr(RateLimiter, "_wait", wait)
    for ticket in tickets[1:-1]:
        limits.leave(ticket, 1.0)
        limits.leave(ticket, 1.0)  # gone already
    assert looked == []
    assert limits.delay(tickets[-1], 1.0) == 0.0
    limits.advance(1.0)
    assert gone(tickets[-1])
    assert all(limits.join(endpoints.ADD_ORDER, {"pair": f"P{n}"}, 1.0).admitted for n in range(10))


def test_what_is_remembered_is_bounded() -> None:
    limits = limiter()
    for n in range(11_000):
        now = n * 10.0
        limits.settle(add(limits, now, f"PAIR{n}", cl_ord_id=f"id{n}"), now, {"txid": [f"O{n}"]})
        limits.join(endpoints.OHLC, {"pair": f"PAIR{n}"}, now)
    assert len(limits._trading._any.pairs) <= 2048
    assert len(limits._public_pairs) <= 10
    assert len(limits._ages._placed) <= 10_000
