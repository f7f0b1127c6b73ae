"""The screen's own copy of the limits, the strategies and the latest decisions: cleaned."""

from collections.abc import Iterable, Iterator

import msgspec

from krakked_tui.control.risk_view import DecisionLine, RiskView
from krakked_tui.control.strategy_view import StrategiesView, StrategyLine
from krakked_tui.tui.store import cleaned
from krakked_tui.tui.text import clean


class RiskStore:
    """Holds the newest of each; every text in them may be shown as it is."""

    def __init__(self) -> None:
        self.risk = RiskView()
        self.strategies = StrategiesView()
        self.decisions: tuple[DecisionLine, ...] = ()
        self._raw_risk = self.risk
        self._raw_strategies = self.strategies
        self._raw_decisions: tuple[DecisionLine, ...] = ()
        self._names: dict[str, dict[str, str]] = {}

    def apply_risk(self, view: RiskView) -> RiskView:
        """Take the limits in and return the clean copy, the same object while nothing changed."""
        if view is not self._raw_risk:
            self._raw_risk = view
            self.risk = cleaned(view)
            self._names["risk"] = _differing(_risk_names(view))
        return self.risk

    def apply_strategies(self, view: StrategiesView) -> StrategiesView:
        """Take the strategies in and return the clean copy, the same object while nothing changed."""
        if view is not self._raw_strategies:
            self._raw_strategies = view
            lines = tuple(map(_clean_line, view.strategies))
            self.strategies = StrategiesView(view.at, lines, cleaned(view.problems))
            self._names["strategies"] = _differing(_strategy_names(view))
        return self.strategies

    def apply_decisions(self, decisions: tuple[DecisionLine, ...]) -> tuple[DecisionLine, ...]:
        """Take the decisions in and return the clean copy, the same object while nothing changed."""
        if decisions is not self._raw_decisions:
            self._raw_decisions = decisions
            self.decisions = cleaned(decisions)
            self._names["decisions"] = _differing(each.plan_id for each in decisions)
        return self.decisions

    def name_at_the_engine(self, name: str) -> str:
        """Return what is shown as ``name``, as the engine calls it."""
        return next((names[name] for names in self._names.values() if name in names), name)


def _clean_line(line: StrategyLine) -> StrategyLine:
    """Clean all but the equity curve, which is numbers only and long."""
    bare = cleaned(msgspec.structs.replace(line, equity=()))
    return msgspec.structs.replace(bare, equity=line.equity)


def _risk_names(view: RiskView) -> Iterator[str]:
    yield from view.presets
    yield from view.without_stop
    yield from (limit.key for limit in view.limits)


def _strategy_names(view: StrategiesView) -> Iterator[str]:
    for line in view.strategies:
        yield line.id
        yield from (parameter.key for parameter in line.parameters)
        yield from (held.pair for held in line.held)
        yield from (intent.pair for intent in line.intents)


def _differing(names: Iterable[str]) -> dict[str, str]:
    return {clean(name): name for name in names if clean(name) != name}
