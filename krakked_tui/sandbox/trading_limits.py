"""How fast and how much one may trade: the engine's counter per pair, and the open orders per pair.

The counter runs on wall time and is not stored: it is back at zero long before a restart is over.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.sandbox.faults import ORDERS_LIMIT, TRADING_RATE, ApiError

_SECOND: Final = 1_000_000_000


class Tier(msgspec.Struct, frozen=True):
    """What an account level allows: the counter's maximum, its decay per second, open orders a pair."""

    maximum: int
    decay: Decimal
    open_orders: int


TIERS: Final = {
    "starter": Tier(60, Decimal(1), 60),
    "intermediate": Tier(125, Decimal("2.34"), 80),
    "pro": Tier(180, Decimal("3.75"), 225),
}
"""Account levels by name; any other name, like ``none``, means no limits."""

ADD_COST: Final = Decimal(1)
CHANGE_COST: Final = Decimal(1)
"""The fixed part of an amend's and an edit's cost, charged even when it is refused."""
CANCEL_ALL_COST: Final = Decimal(1)
DEAD_MAN_COST: Final = Decimal(1)

Ages = tuple[tuple[int, int], ...]
_AMEND: Final[Ages] = ((5, 3), (10, 2), (15, 1))
_EDIT: Final[Ages] = ((5, 6), (10, 5), (15, 4), (45, 2), (90, 1))
_CANCEL: Final[Ages] = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))
"""Extra cost by age: (younger than so many seconds since arrival or last amend, cost)."""


def amend_cost(age: float) -> Decimal:
    """Return what an amend adds for an order of this age in wall seconds."""
    return CHANGE_COST + _by_age(_AMEND, age)


def edit_cost(age: float) -> Decimal:
    """Return what an edit adds."""
    return CHANGE_COST + _by_age(_EDIT, age)


def cancel_cost(age: float) -> Decimal:
    """Return what a cancel adds."""
    return _by_age(_CANCEL, age)


def batch_cost(orders: int) -> Decimal:
    """Return what a batch of new orders adds."""
    return Decimal(orders) / 2


class TradingLimits:
    """The counters of one account. ``wall`` gives wall nanoseconds."""

    def __init__(self, tier: str, wall: Callable[[], int]) -> None:
        self._tier = TIERS.get(tier)
        self._wall = wall
        self._counters: dict[str, tuple[Decimal, int]] = {}

    @property
    def maximum(self) -> int:
        """The counter's maximum as clients are told it; an unlimited one is told Intermediate's."""
        return (self._tier or TIERS["intermediate"]).maximum

    def count(self, pair: str) -> Decimal:
        """Return a pair's counter as it stands now; 0 for an unlimited account."""
        if self._tier is None or pair not in self._counters:
            return ZERO
        count, since = self._counters[pair]
        return max(ZERO, count - self._tier.decay * (self._wall() - since) / _SECOND)

    def charge(self, pair: str, cost: Decimal, *, overshoot: bool = False) -> None:
        """Count an action, or raise ``ApiError`` and count nothing when it would pass the maximum.

        ``overshoot`` counts it whatever the maximum.
        """
        self.charge_all({pair: cost}, overshoot=overshoot)

    def charge_all(self, costs: Mapping[str, Decimal], *, overshoot: bool = False) -> None:
        """Count an action on several pairs, or raise ``ApiError`` and count nothing on any of them."""
        if self._tier is None:
            return
        counts = {pair: self.count(pair) + cost for pair, cost in costs.items() if cost}
        if not overshoot and any(count > self._tier.maximum for count in counts.values()):
            raise ApiError(TRADING_RATE)
        for pair, count in counts.items():
            self._counters[pair] = count, self._wall()

    def check_open(self, count: int) -> None:
        """Refuse one order more on a pair that has ``count`` open."""
        if self._tier is not None and count >= self._tier.open_orders:
            raise ApiError(ORDERS_LIMIT)


def _by_age(ages: Ages, age: float) -> Decimal:
    return Decimal(next((cost for limit, cost in ages if age < limit), 0))
