"""Strategies with their origin: where they run, and how they are made again elsewhere."""

import sys
from collections.abc import Mapping

import msgspec
import polars as pl
import pytest

from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.market.indicators import supertrend
from krakked_tui.strategies.base import Strategy, StrategyContext
from krakked_tui.strategies.loaded import LoadedStrategy, Origin, load_class, module_name, run_source
from krakked_tui.strategies.signal import SignalStrategy
from krakked_tui.strategies.trend_following import TrendFollowing
from tests.unit.strategies.builders import make_settings

SOURCE = """
from __future__ import annotations
import msgspec
from krakked_tui.strategies.base import Strategy

class Parameters(msgspec.Struct, frozen=True):
    pass

class Outer:
    class Mine(Strategy[Parameters]):
        type_name = "mine"
        parameters_type = Parameters
        warmup_bars = 1
        def generate_intents(self, ctx):
            return []

nothing = 1
"""
FILE = Origin("file", module_name("loaded_test"), "Outer.Mine", "/nowhere/mine.py", SOURCE)


class Nothing(msgspec.Struct, frozen=True):
    """Nothing to tune."""


class Signals(SignalStrategy[Nothing]):
    """Expressions."""

    type_name = "signals"
    parameters_type = Nothing
    shown: Mapping[str, pl.Expr] = {}

    @property
    def warmup_bars(self) -> int:
        return 1

    def indicators(self) -> Mapping[str, pl.Expr]:
        return self.shown

    def enter(self) -> pl.Expr:
        return pl.col("close") > 0

    def exit(self) -> pl.Expr:
        return pl.col("close") < 0


class Own(Signals):
    """Code of its own."""

    def generate_intents(self, ctx: StrategyContext) -> list[StrategyIntent]:
        return super().generate_intents(ctx)


class Calls(Signals):
    """Expressions that call back into Python."""

    shown = {"trend": supertrend().line}


class Rolling(Signals):
    """So do these."""

    shown = {"sum": pl.col("close").rolling_map(sum, 3)}


class Folding(Signals):
    """And these."""

    shown = {"sum": pl.fold(pl.lit(0.0), lambda a, b: a + b, [pl.col("open"), pl.col("close")])}


@pytest.mark.parametrize(
    ("kind", "in_worker"), [(Signals, False), (Own, True), (Calls, True), (Rolling, True), (Folding, True)]
)
def test_code_of_the_users_runs_in_the_worker_and_expressions_do_not(
    kind: type[Signals], *, in_worker: bool
) -> None:
    strategy = kind(make_settings("signals"))
    for where in ("file", "package"):
        assert LoadedStrategy(strategy, msgspec.structs.replace(FILE, kind=where)).in_worker is in_worker
    assert not LoadedStrategy(strategy, Origin("built-in", "here", "Own")).in_worker


def test_a_file_is_made_again_from_its_source_alone() -> None:
    sent = msgspec.json.decode(msgspec.json.encode(FILE), type=Origin)
    found = load_class(sent)
    assert found(make_settings("mine")).settings.id == "trend_v1"
    assert issubclass(found, Strategy)
    assert sys.modules.pop(FILE.module).__file__ == "/nowhere/mine.py"


def test_what_comes_with_krakked_is_found_by_its_names() -> None:
    origin = Origin("built-in", TrendFollowing.__module__, TrendFollowing.__qualname__)
    assert load_class(origin) is TrendFollowing


@pytest.mark.parametrize("name", ["Outer", "Missing", "Outer.Missing", "nothing", "Parameters"])
def test_what_is_no_strategy_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=f"has no strategy {name}"):
        load_class(msgspec.structs.replace(FILE, class_name=name))
    sys.modules.pop(FILE.module)


def test_a_module_that_raises_is_not_kept() -> None:
    with pytest.raises(ZeroDivisionError):
        run_source(module_name("raising"), "raising.py", "1 / 0")
    assert module_name("raising") not in sys.modules
