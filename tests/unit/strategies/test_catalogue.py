"""The types of strategies, and building some of them."""

from abc import abstractmethod
from typing import Annotated, Any

import msgspec
import pytest

from krakked_tui.domain.errors import ConfigError
from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.strategies.base import Strategy, StrategyContext
from krakked_tui.strategies.catalogue import (
    BUILT_IN,
    Catalogue,
    StrategyType,
    build_one,
    build_set,
    class_problem,
    classes_in,
    failure,
    reason,
)
from krakked_tui.strategies.loaded import Failure, Origin
from krakked_tui.strategies.registry import STRATEGIES
from tests.unit.strategies.builders import make_settings


class Nothing(msgspec.Struct, frozen=True):
    """Nothing to tune."""


class Mine(Strategy[Any]):
    """A strategy of a user's."""

    type_name = "mine"
    parameters_type = Nothing
    warmup_bars: Any = 5

    def generate_intents(self, ctx: StrategyContext) -> list[StrategyIntent]:
        return []


class Helper(Mine):
    """A base of others."""

    @abstractmethod
    def more(self) -> None:
        """Something to write."""


class Exploding(Mine):
    """Raises when it is built."""

    type_name = "exploding"

    def __init__(self, settings: object) -> None:
        raise SystemExit("bang\x1b\nbang " + "x" * 1000)


class WithoutDefault(msgspec.Struct, frozen=True):
    """A parameter must have a default."""

    bars: Annotated[int, msgspec.Meta(ge=1, le=2, description="Bars.")]


class Undescribed(msgspec.Struct, frozen=True):
    """A parameter must be described."""

    bars: Annotated[int, msgspec.Meta(ge=1, le=2)] = 1


class Unbounded(msgspec.Struct, frozen=True):
    """A number must have bounds."""

    bars: Annotated[int, msgspec.Meta(description="Bars.")] = 1


def catalogue(*kinds: type[Strategy[Any]]) -> Catalogue:
    own = {kind.type_name: StrategyType(kind, Origin("file", "mine", kind.__name__)) for kind in kinds}
    return Catalogue({**BUILT_IN.types, **own})


def test_what_comes_with_krakked_is_known() -> None:
    assert [known.strategy for known in BUILT_IN.types.values()] == list(STRATEGIES)
    for name, known in BUILT_IN.types.items():
        assert BUILT_IN.parameters_of(name) is known.strategy.parameters_type
        assert class_problem(known.strategy) == ""
    assert BUILT_IN.parameters_of("other") is None


def test_a_type_may_be_in_what_could_not_be_loaded() -> None:
    assert BUILT_IN.might_know("breakout")
    assert not BUILT_IN.might_know("other")
    assert Catalogue({}, (Failure("broken.py cannot be loaded"),)).might_know("other")


def test_a_module_offers_the_strategies_that_it_defines_itself() -> None:
    namespace = {"Mine": Mine, "Helper": Helper, "Trend": STRATEGIES[0], "Nothing": Nothing, "x": 1}
    assert list(classes_in(namespace, __name__)) == [("Mine", Mine)]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, ""),
        ({"type_name": "My Strategy"}, "needs a type_name of 3 to 40 lowercase letters, digits and _"),
        ({"type_name": None}, "needs a type_name of 3 to 40"),
        ({"parameters_type": dict}, "needs a parameters_type, a frozen msgspec.Struct"),
        ({"parameters_type": WithoutDefault}, "needs a default for its parameter bars"),
        ({"parameters_type": Undescribed}, "needs a description for its parameter bars"),
        ({"warmup_bars": 0}, "says '0' for warmup_bars: a whole number from 1 to 100000 is needed"),
        ({"warmup_bars": "many"}, "says 'many' for warmup_bars"),
        ({"warmup_bars": 100_001}, "says '100001' for warmup_bars"),
        ({"warmup_bars": True}, "says 'True' for warmup_bars"),
    ],
)
def test_what_is_wrong_with_a_class_is_told(changes: dict[str, object], problem: str) -> None:
    told = class_problem(type("Changed", (Mine,), changes))
    assert told.startswith(problem)
    assert bool(told) == bool(problem)


def test_a_declaration_that_cannot_be_shown_raises() -> None:
    with pytest.raises(TypeError, match="numbers need both bounds"):
        class_problem(type("Changed", (Mine,), {"parameters_type": Unbounded}))


def test_one_that_fails_takes_no_other_with_it() -> None:
    settings = [
        msgspec.structs.replace(make_settings(kind), id=name)
        for name, kind in (("ddd", "mine"), ("ccc", "exploding"), ("bbb", "gone"), ("aaa", "breakout"))
    ]
    known = msgspec.structs.replace(catalogue(Mine, Exploding), failures=(Failure("x.py is broken"),))
    built = build_set(settings, known)
    assert [each.strategy.settings.id for each in built.strategies] == ["aaa", "ddd"]
    assert [each.origin.kind for each in built.strategies] == ["built-in", "file"]
    assert built.failed["bbb"] == "there is no strategy of type 'gone'; see what could not be loaded"
    assert built.failed["ccc"].startswith("SystemExit: bang? bang xxx")
    assert [each.sentence.partition(":")[0] for each in built.failures] == [
        "x.py is broken", "strategy bbb cannot run", "strategy ccc cannot run",
    ]  # fmt: skip


def test_settings_may_make_a_strategy_impossible() -> None:
    with pytest.raises(ConfigError, match="mine says '0' for warmup_bars"):
        build_one(make_settings("mine"), catalogue(type("Bad", (Mine,), {"warmup_bars": 0})))
    with pytest.raises(ConfigError, match="ma_fast is 0"):
        build_one(make_settings(params={"ma_fast": 0}), BUILT_IN)


def test_exceptions_are_one_safe_bounded_line_and_keep_their_traceback() -> None:
    try:
        Exploding(make_settings("exploding"))
    except SystemExit as error:
        found = failure("it fails", error)
        assert found.sentence.isprintable()
        assert len(found.sentence) < 300
        assert "test_catalogue.py" in found.traceback
        assert len(found.traceback) <= 10_000
    assert reason(ValueError()) == "ValueError"
    assert reason(ConfigError(["one", "two"])) == "one; two"
