"""Kraken's rate limits outside the trading engine, on wall time: public, private, connections."""

from collections import deque
from typing import Final, Literal, TypeVar

import msgspec

from krakked_tui.sandbox.faults import RATE_LIMIT, TOO_MANY_REQUESTS, ApiError
from krakked_tui.sandbox.lockout import Lockout

Tier = Literal["starter", "intermediate", "pro", "none"]

_NAMES_MAX: Final = 10_000
_PER_PAIR: Final = frozenset(("OHLC", "Trades"))
_CONNECTIONS: Final = 150
_CONNECTION_SECONDS: Final = 600.0

_PRIVATE: Final = {"starter": (15.0, 0.33), "intermediate": (20.0, 0.5), "pro": (20.0, 1.0)}
"""Maximum of the private counter by tier, and what it loses per second."""

Name = TypeVar("Name")
Value = TypeVar("Value")


class LimitRules(msgspec.Struct, frozen=True):
    """Which limits hold. ``public_rate`` is in calls per second, None for no limit (``burst`` at once).

    ``decay_step`` is the seconds between two decays of the private counter; ``history_cost`` and
    ``closed_orders_cost`` are what Kraken's own pages disagree about. ``strikes`` refusals in a row
    lock a key or an address out for ``lockout_seconds``.
    """

    tier: Tier = "none"
    public_rate: float | None = None
    burst: int = 15
    decay_step: float = 2.0
    history_cost: int = 4
    closed_orders_cost: int = 4
    strikes: int = 30
    lockout_seconds: float = 900.0

    def cost(self, method: str, usual: int) -> int:
        """Return what a private call adds to its key's counter."""
        match method:
            case "Ledgers" | "QueryLedgers" | "TradesHistory":
                return self.history_cost
            case "ClosedOrders":
                return self.closed_orders_cost
            case _:
                return usual


class Counter(msgspec.Struct):
    """A private counter: where it stood at the last decay."""

    count: float
    decayed_at: float


class RateLimits:
    """All counters of one sandbox. Times are wall seconds that never go back."""

    def __init__(self, rules: LimitRules) -> None:
        self.rules = rules
        self.lockout = Lockout(rules.strikes, rules.lockout_seconds)
        self._public: dict[tuple[str, ...], Counter] = {}
        self._private: dict[str, Counter] = {}
        self._connections: dict[str, deque[float]] = {}

    def public_call(self, peer: str, method: str, pair: str, now: float) -> None:
        """Count a public call, or raise ``ApiError``: OHLC and Trades count by pair, the rest together."""
        rate = self.rules.public_rate
        if rate is None:
            return
        name = f"ip {peer}"
        self.lockout.check(name, now)
        place = (peer, method, pair) if method in _PER_PAIR else (peer,)
        bucket = _entry(self._public, place, Counter(0.0, now))
        bucket.count = max(0.0, bucket.count - (now - bucket.decayed_at) * rate)
        bucket.decayed_at = now
        if bucket.count + 1 > self.rules.burst:
            self.lockout.strike(name, now)
            raise ApiError(TOO_MANY_REQUESTS)
        bucket.count += 1
        self.lockout.forgive(name)

    def private_call(self, api_key: str, cost: int, now: float) -> None:
        """Count a private call, or raise ``ApiError``; a refused one is not counted."""
        if self.rules.tier == "none":
            return
        self.lockout.check(api_key, now)
        counter = self._decayed(api_key, now)
        if counter.count + cost > _PRIVATE[self.rules.tier][0]:
            self.lockout.strike(api_key, now)
            raise ApiError(RATE_LIMIT)
        counter.count += cost
        if cost:
            self.lockout.forgive(api_key)

    def private_count(self, api_key: str, now: float) -> float:
        """Return where a key's counter stands."""
        if self.rules.tier == "none" or api_key not in self._private:
            return 0.0
        return self._decayed(api_key, now).count

    def connect(self, peer: str, now: float) -> bool:
        """Count an attempt to connect; False when there were too many within ten minutes."""
        if self.rules.public_rate is None:
            return True
        attempts = _entry(self._connections, peer, deque(maxlen=_CONNECTIONS + 1))
        attempts.append(now)
        while attempts[0] <= now - _CONNECTION_SECONDS:
            attempts.popleft()
        return len(attempts) <= _CONNECTIONS

    def _decayed(self, api_key: str, now: float) -> Counter:
        counter = _entry(self._private, api_key, Counter(0.0, now))
        step = self.rules.decay_step
        steps = int((now - counter.decayed_at) / step)
        decay = _PRIVATE[self.rules.tier][1] * step * steps
        counter.count = max(0.0, counter.count - decay)
        counter.decayed_at += steps * step
        return counter


def _entry(known: dict[Name, Value], name: Name, new: Value) -> Value:
    """Return an entry, ``new`` when it was missing; the oldest of too many is dropped."""
    if name not in known:
        if len(known) >= _NAMES_MAX:
            del known[next(iter(known))]
        known[name] = new
    return known[name]
