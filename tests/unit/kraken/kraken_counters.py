"""Kraken's rate counters as its documentation tells of them, kept apart from the client's own idea."""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.rate_limits import LimitRules, RateLimits, Tier
from krakked_tui.sandbox.trading_limits import (
    ADD_COST,
    CHANGE_COST,
    TradingLimits,
    amend_cost,
    cancel_cost,
    edit_cost,
)

TIERS = {  # private maximum, private decay, trading threshold, trading decay
    "starter": (15, 0.33, 60, 1.0),
    "intermediate": (20, 0.5, 125, 2.34),
    "pro": (20, 1.0, 180, 3.75),
}
BY_AGE = {  # younger than 5, 10, 15, 45, 90, 300 seconds, older
    "AmendOrder": (3, 2, 1, 0, 0, 0, 0),
    "EditOrder": (6, 5, 4, 2, 1, 0, 0),
    "CancelOrder": (8, 6, 5, 4, 2, 1, 0),
}
FIXED = {"AddOrder": 1, "AmendOrder": 1, "EditOrder": 1, "CancelOrder": 0}
AGES = (5, 10, 15, 45, 90, 300)
AGED_COSTS = {"AmendOrder": amend_cost, "EditOrder": edit_cost, "CancelOrder": cancel_cost}


@dataclass
class Count:
    """One counter; ``step`` 0 wears off continuously, otherwise at ``phase`` plus multiples of it."""

    maximum: float
    decay: float
    step: float
    phase: float
    level: float = 0.0
    at: float = 0.0
    total: float = 0.0

    def now(self, time: float) -> float:
        if self.step:
            steps = (time - self.phase) // self.step - (self.at - self.phase) // self.step
            worn = steps * self.step * self.decay
        else:
            worn = (time - self.at) * self.decay
        self.level, self.at = max(self.level - worn, 0.0), time
        return self.level

    def add(self, units: float, time: float, *, overshoot: bool = False) -> bool:
        if self.now(time) + (0 if overshoot else units) > self.maximum + 1e-6:
            return False
        self.level += units
        self.total += units
        return True


@dataclass
class Counters:
    """The exchange: says whether it takes a call that arrives now."""

    tier: str
    rng: random.Random
    public_rate: float = 1.0
    history_cost: int = 4
    orders: dict[str, tuple[str, float]] = field(default_factory=dict)
    pairs: dict[str, str] = field(default_factory=dict)
    last_public: float = -1e9

    def __post_init__(self) -> None:
        self.private_maximum, self.private_decay, self.threshold, self.decay = TIERS[self.tier]
        step = self.rng.choice([0.5, 1.0, 2.0, 3.0])
        self.private = Count(self.private_maximum, self.private_decay, step, self.rng.uniform(0, step))
        self.trading: dict[str, Count] = defaultdict(self._trading_count)

    def _trading_count(self) -> Count:
        step = self.rng.choice([0.0, 1.0])
        return Count(self.threshold, self.decay, step, self.rng.uniform(0, 1))

    def public_call(self, time: float) -> bool:
        taken = time - self.last_public >= 1 / self.public_rate - 1e-6
        self.last_public = time
        return taken

    def private_call(self, method: str, time: float) -> bool:
        history = method in ("Ledgers", "QueryLedgers", "TradesHistory", "ClosedOrders")
        return self.private.add(self.history_cost if history else 1, time)

    def add(self, pair: str, order_id: str, time: float) -> bool:
        self.orders[order_id] = (pair, time)
        self.pairs[order_id] = pair
        return self.trading[pair].add(FIXED["AddOrder"], time)

    def change(self, method: str, order_id: str, time: float, new_id: str = "") -> bool:
        """Amend, edit or cancel one order."""
        if order_id not in self.orders:
            # The fixed part is charged even when the call fails.
            return self.trading[self.pairs[order_id]].add(FIXED[method], time)
        pair, since = self.orders[order_id]
        units = FIXED[method] + self._by_age(method, since, time)
        if method == "AmendOrder":
            self.orders[order_id] = (pair, time)
        else:
            del self.orders[order_id]
        if new_id:
            self.orders[new_id] = (pair, time)
            self.pairs[new_id] = pair
        return self.trading[pair].add(units, time)

    def cancel_batch(self, order_ids: list[str], time: float) -> bool:
        """It is accepted even when it overshoots, so only a pair that is over already refuses it."""
        order_ids = [order_id for order_id in order_ids if order_id in self.orders]
        pairs = {self.orders[order_id][0] for order_id in order_ids}
        levels = [self.trading[pair].now(time) for pair in pairs]
        taken = all(level <= self.threshold for level in levels)
        for order_id in order_ids:
            pair, since = self.orders.pop(order_id)
            units = self._by_age("CancelOrder", since, time)
            self.trading[pair].add(units, time, overshoot=True)
        return taken

    def _by_age(self, method: str, since: float, time: float) -> float:
        age = time - since
        place = sum(1 for limit in AGES if age >= limit)
        return BY_AGE[method][place]


class SandboxCounters(Counters):
    """The local Kraken's own counters in the same place."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._time = 0.0
        self.limits = TradingLimits(self.tier, lambda: round(self._time * 1e9))
        tier = msgspec.convert(self.tier, Tier)
        self.rates = RateLimits(LimitRules(tier=tier, public_rate=self.public_rate, burst=1))

    def public_call(self, time: float) -> bool:
        return self._taken(time, lambda: self.rates.public_call("here", "Ticker", "", time + 1e-6))

    def private_call(self, method: str, time: float) -> bool:
        return self._taken(
            time, lambda: self.rates.private_call("key", self.rates.rules.cost(method, 1), time)
        )

    def add(self, pair: str, order_id: str, time: float) -> bool:
        super().add(pair, order_id, time)
        return self._taken(time, lambda: self.limits.charge(pair, ADD_COST))

    def change(self, method: str, order_id: str, time: float, new_id: str = "") -> bool:
        pair = self.pairs[order_id]
        cost = CHANGE_COST if FIXED[method] else ZERO
        if order_id in self.orders:
            cost = AGED_COSTS[method](time - self.orders[order_id][1])
        super().change(method, order_id, time, new_id)
        return self._taken(time, lambda: self.limits.charge(pair, cost))

    def cancel_batch(self, order_ids: list[str], time: float) -> bool:
        costs: dict[str, Decimal] = defaultdict(Decimal)
        for pair, since in (self.orders[each] for each in order_ids if each in self.orders):
            costs[pair] += cancel_cost(time - since)
        super().cancel_batch(order_ids, time)
        return self._taken(time, lambda: self.limits.charge_all(costs, overshoot=True))

    def _taken(self, time: float, charge: Callable[[], None]) -> bool:
        self._time = time
        try:
            charge()
        except ApiError:
            return False
        return True
