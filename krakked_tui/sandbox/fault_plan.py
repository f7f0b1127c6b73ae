"""The faults in force: which of them strike at a given moment, the same for the same seed."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from krakked_tui.sandbox.fault_rules import (
    ANYWHERE,
    FaultError,
    Kind,
    Layer,
    Moment,
    Place,
    Rule,
    check_rule,
    seconds_range,
)

RULES_MAX: Final = 1000


class Strike(msgspec.Struct, frozen=True):
    """One fault that strikes now. ``seconds`` is drawn from the rule's range."""

    kind: str
    rule: int
    after: bool = False
    seconds: float | None = None
    status: int | None = None
    code: int | None = None
    text: str | None = None
    event: dict[str, object] | None = None


class Now(msgspec.Struct, frozen=True):
    """The moment on both clocks: wall seconds, exchange time."""

    wall: float
    exchange: datetime


class _Active:
    """A rule in force and what became of it."""

    def __init__(self, number: int, rule: Rule, kind: Kind, seed: int, added: Now) -> None:
        self.number = number
        self.rule = rule
        self.kind = kind
        self.places = frozenset(rule.places)
        self.chances = 0
        self.strikes = 0
        self._added = added
        self._random = random.Random(f"{seed} {number}")  # noqa: S311 - reproducible, not secret
        self._due = self._first_due()

    def strike(self, places: Iterable[str], now: Now) -> Strike | None:
        """Take a chance: strike, or not."""
        rule = self.rule
        if self.places.isdisjoint(places) and not self._anywhere(places):
            return None
        if self._spent or not self._within(now) or (self.kind.wants and self.kind.wants not in places):
            return None
        self.chances += 1
        if self.chances % rule.every or self._random.random() >= rule.probability:
            return None
        self.strikes += 1
        return self._strike()

    def strike_due(self, now: Now) -> Strike | None:
        """Strike when the clock says so. What was missed is not made up for."""
        if self._spent or not self._within(now) or now.exchange < self._due:
            return None
        if self.rule.seconds is None:
            self._due = datetime.max.replace(tzinfo=now.exchange.tzinfo)
        else:
            self._due = now.exchange + timedelta(seconds=self._seconds() or 0)
        self.chances += 1
        if self.chances % self.rule.every or self._random.random() >= self.rule.probability:
            return None
        self.strikes += 1
        return self._strike()

    @property
    def _spent(self) -> bool:
        return self.rule.count is not None and self.strikes >= self.rule.count

    def _anywhere(self, places: Iterable[str]) -> bool:
        if ANYWHERE not in self.places:
            return False
        return not self.kind.places or not set(self.kind.places).isdisjoint(places)

    def _within(self, now: Now) -> bool:
        start, end = self.rule.start, self.rule.end
        return (start is None or self._passed(start, now)) and (end is None or not self._passed(end, now))

    def _passed(self, moment: Moment, now: Now) -> bool:
        if isinstance(moment, datetime):
            return now.exchange >= moment
        return now.wall - self._added.wall >= moment

    def _first_due(self) -> datetime:
        """When a market fault strikes first: after one interval, or at its start."""
        if self.rule.start is not None or self.kind.name != "market":
            return self._added.exchange
        return self._added.exchange + timedelta(seconds=self._seconds() or 0)

    def _strike(self) -> Strike:
        rule = self.rule
        event = self._random.choice(rule.events) if rule.events else None
        return Strike(
            rule.kind, self.number, rule.after, self._seconds(), rule.status, rule.code, rule.text, event
        )

    def _seconds(self) -> float | None:
        if self.rule.seconds is None:
            return None
        low, high = seconds_range(self.rule.seconds)
        return low if low == high else self._random.uniform(low, high)


class Faults:
    """The rules in force. Every rule draws from a stream of its own, named by the seed and its number.

    ``places`` are all REST methods, WebSocket channels and WebSocket methods that exist;
    ``check_event`` raises ``FaultError`` for something that cannot happen to the market.
    """

    def __init__(
        self,
        places: Sequence[Place],
        seed: int = 0,
        check_event: Callable[[Mapping[str, object]], None] = lambda _: None,
    ) -> None:
        self._places = tuple(places)
        self._seed = seed
        self._check_event = check_event
        self._added = 0
        self._rules: list[_Active] = []
        self.epoch = 0
        """How often all rules were taken out of force: what a fault left behind ends then."""
        self._by_layer: dict[Layer, list[_Active]] = {layer: [] for layer in Layer}

    def add(self, rules: Sequence[Rule], now: Now) -> list[int]:
        """Put rules in force, all or none; return their numbers. Raises ``FaultError``."""
        if len(self._rules) + len(rules) > RULES_MAX:
            raise FaultError(f"There can be {RULES_MAX} faults at most.")
        kinds = [check_rule(rule, self._places) for rule in rules]
        for rule in rules:
            for event in rule.events or ():
                self._check_event(event)
        numbers = []
        for rule, kind in zip(rules, kinds, strict=True):
            self._added += 1
            active = _Active(self._added, rule, kind, self._seed, now)
            self._rules.append(active)
            for layer in kind.layers:
                self._by_layer[layer].append(active)
            numbers.append(self._added)
        return numbers

    def clear(self) -> None:
        """Take all rules out of force."""
        self.epoch += 1
        self._rules.clear()
        for layer in self._by_layer.values():
            layer.clear()

    def watches(self, layer: Layer) -> bool:
        """Say whether any rule could strike there."""
        return bool(self._by_layer[layer])

    def draw(self, layer: Layer, places: Sequence[str], now: Now) -> list[Strike]:
        """Return the faults that strike, in the order of their rules.

        At most one of each kind, and at most one of the kinds that decide how the thing ends: a rule
        that comes too late for that keeps its chance.
        """
        strikes: dict[str, Strike] = {}
        decided = False
        for active in self._by_layer[layer]:
            if active.kind.name in strikes or (decided and not active.kind.adds):
                continue
            strike = active.strike(places, now)
            if strike is not None:
                strikes[strike.kind] = strike
                decided = decided or not active.kind.adds
        return list(strikes.values())

    def due(self, now: Now) -> list[Strike]:
        """Return the market's faults that are due."""
        strikes = [active.strike_due(now) for active in self._by_layer[Layer.MARKET]]
        return [strike for strike in strikes if strike is not None]

    def rows(self) -> list[dict[str, object]]:
        """Print the rules, how often each could have struck and how often it did."""
        return [
            {
                "number": active.number,
                **msgspec.to_builtins(active.rule),
                "chances": active.chances,
                "strikes": active.strikes,
            }
            for active in self._rules
        ]
