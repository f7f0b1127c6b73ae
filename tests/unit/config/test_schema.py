"""The example file tells the whole truth."""

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec

from krakked_tui.config.load import load
from krakked_tui.config.schema import AppConfig
from krakked_tui.strategies.settings import StrategySettings
from krakked_tui.strategies.trend_following import TrendFollowingParameters

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


def _keys(kind: type[msgspec.Struct], path: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        here = f"{path}{field.name}"
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _keys(field.type, f"{here}.")
        elif here == "strategies.configs":
            one = f"{here}.trend_following_v1."
            yield from (
                key for key in _keys(StrategySettings, one) if key not in {f"{one}id", f"{one}params"}
            )
            yield from _keys(TrendFollowingParameters, f"{one}params.")
        else:
            yield here


def _present(values: dict[str, object], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _present(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def test_the_example_names_every_key_and_no_other() -> None:
    values = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert sorted(_present(values)) == sorted(_keys(AppConfig))


def test_the_example_equals_the_defaults() -> None:
    loaded, defaults = load([EXAMPLE], {}), AppConfig()
    strategy = loaded.strategies.configs["trend_following_v1"]
    parameters = msgspec.convert(strategy.params, TrendFollowingParameters)
    assert parameters == TrendFollowingParameters()
    configs = {strategy.id: msgspec.structs.replace(strategy, params={})}
    strategies = msgspec.structs.replace(loaded.strategies, configs=configs)
    assert msgspec.structs.replace(loaded, strategies=strategies) == defaults


def test_every_key_is_explained() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for before, line in pairwise(lines):
        if "=" in line and not line.startswith("#"):
            assert before.startswith("#"), f"no comment above: {line}"


def test_money_in_the_example_is_exact() -> None:
    assert load([EXAMPLE], {}).portfolio.reconciliation_tolerance == Decimal("1.0")
