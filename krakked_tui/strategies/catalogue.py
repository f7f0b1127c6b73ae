"""The types of strategies there are: those that come with Krakked, and the user's own."""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from traceback import format_exception
from typing import Any

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import ConfigError
from krakked_tui.strategies.base import Strategy
from krakked_tui.strategies.loaded import Failure, LoadedStrategy, Origin, StrategySet
from krakked_tui.strategies.parameters import describe
from krakked_tui.strategies.registry import STRATEGIES
from krakked_tui.strategies.settings import StrategySettings

_TYPE_NAME = re.compile(r"[a-z][a-z0-9_]{2,39}")
_WARMUP_MAX = 100_000
_TEXT_MAX = 200
_TRACEBACK_MAX = 10_000


class StrategyType(msgspec.Struct, frozen=True):
    """A class of strategies, and where it comes from."""

    strategy: type[Strategy[Any]]
    origin: Origin


class Catalogue(msgspec.Struct, frozen=True):
    """All types by name. ``failures`` are of files and packages of which types may be missing here."""

    types: Mapping[str, StrategyType]
    failures: tuple[Failure, ...] = ()

    def parameters_of(self, type_name: str) -> type[msgspec.Struct] | None:
        """Return the declaration of a type's parameters, None when the type is not known."""
        known = self.types.get(type_name)
        return None if known is None else known.strategy.parameters_type

    def might_know(self, type_name: str) -> bool:
        """Say whether a type exists, or could be in what could not be loaded."""
        return type_name in self.types or bool(self.failures)


def built_in(strategies: Iterable[type[Strategy[Any]]] = STRATEGIES) -> Catalogue:
    """Return the catalogue of what comes with Krakked."""
    return Catalogue(
        {
            strategy.type_name: StrategyType(
                strategy, Origin("built-in", strategy.__module__, strategy.__qualname__)
            )
            for strategy in strategies
        }
    )


BUILT_IN = built_in()


def classes_in(namespace: Mapping[str, object], module: str) -> Iterator[tuple[str, type[Strategy[Any]]]]:
    """Yield the strategies that a module itself defines, with their names there; no abstract ones."""
    for name, found in namespace.items():
        if not (isinstance(found, type) and issubclass(found, Strategy)):
            continue
        if found.__module__ == module and not inspect.isabstract(found):
            yield name, found


def class_problem(strategy: type[Strategy[Any]]) -> str:
    """Say what is wrong with a user's class, to complete a sentence about it; empty when it can be used.

    Builds the strategy once with its defaults, which runs the user's code: raises whatever that raises.
    """
    name = getattr(strategy, "type_name", None)
    if not isinstance(name, str) or not _TYPE_NAME.fullmatch(name):
        return "needs a type_name of 3 to 40 lowercase letters, digits and _, a letter first"
    declared = getattr(strategy, "parameters_type", None)
    if not (isinstance(declared, type) and issubclass(declared, msgspec.Struct)):
        return "needs a parameters_type, a frozen msgspec.Struct"
    for parameter in describe(declared):
        if parameter.default is msgspec.NODEFAULT:
            return f"needs a default for its parameter {parameter.name}"
        if not parameter.description:
            return f"needs a description for its parameter {parameter.name}"
    sample = StrategySettings(id="sample", type=name, timeframes=(Timeframe.H1,))
    return warmup_problem(strategy(sample))


def warmup_problem(strategy: Strategy[Any]) -> str:
    """Say what is wrong with a strategy's ``warmup_bars``; empty when nothing is."""
    bars = strategy.warmup_bars
    if not isinstance(bars, int) or isinstance(bars, bool) or not 1 <= bars <= _WARMUP_MAX:
        return f"says {str(bars)[:40]!r} for warmup_bars: a whole number from 1 to {_WARMUP_MAX} is needed"
    return ""


def build_set(enabled: Iterable[StrategySettings], catalogue: Catalogue) -> StrategySet:
    """Build the strategies that are enabled; one that fails takes no other with it."""
    failures = list(catalogue.failures)
    strategies: list[LoadedStrategy] = []
    failed: dict[str, str] = {}
    for settings in sorted(enabled, key=lambda each: each.id):
        try:
            strategies.append(build_one(settings, catalogue))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's code may raise anything
            failed[settings.id] = reason(error)
            failures.append(failure(f"strategy {settings.id} cannot run", error))
    return StrategySet(tuple(strategies), failed, tuple(failures))


def build_one(settings: StrategySettings, catalogue: Catalogue) -> LoadedStrategy:
    """Build one strategy. Raises ``ConfigError`` for its settings, and whatever a user's code raises."""
    known = catalogue.types.get(settings.type)
    if known is None:
        where = "; see what could not be loaded" if catalogue.failures else ""
        raise ConfigError([f"there is no strategy of type {settings.type!r}{where}"])
    strategy = known.strategy(settings)
    if problem := warmup_problem(strategy):
        raise ConfigError([f"{settings.type} {problem}"])
    return LoadedStrategy(strategy, known.origin)


def failure(subject: str, error: BaseException) -> Failure:
    """Make a failure of an exception that a user's code raised; the traceback is not for the screen."""
    lines = format_exception(error)
    return Failure(f"{subject}: {reason(error)}", "".join(lines)[-_TRACEBACK_MAX:])


def reason(error: BaseException) -> str:
    """Write an exception of a user's code as one line; its text may be anything."""
    if isinstance(error, ConfigError):
        return "; ".join(error.problems)
    text = " ".join(str(error).split())
    shown = "".join(char if char.isprintable() else "?" for char in text)[:_TEXT_MAX]
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__
