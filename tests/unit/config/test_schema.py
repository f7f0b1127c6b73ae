"""The example file tells the whole truth."""

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec

from krakked_tui.config.load import load
from krakked_tui.config.rules import WITHOUT_EFFECT
from krakked_tui.config.schema import AppConfig
from krakked_tui.config.values import choices
from krakked_tui.strategies.trend_following import TrendFollowingParameters
from tests.unit.config.keys import EMPTY, keys, standing

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


def _present(values: dict[str, object], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _present(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def test_the_example_names_every_key_and_no_other() -> None:
    values = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert sorted([*_present(values), *EMPTY]) == standing()
    text = EXAMPLE.read_text(encoding="utf-8")
    assert all(f"[{table}]" in text for table in EMPTY)


def test_the_example_equals_the_defaults() -> None:
    loaded, defaults = load([EXAMPLE], {}).config, AppConfig()
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
    assert load([EXAMPLE], {}).config.portfolio.reconciliation_tolerance == Decimal("1.0")


def test_the_example_says_what_has_no_effect_yet_and_gives_no_warning() -> None:
    assert load([EXAMPLE], {}).warnings == ()
    text = EXAMPLE.read_text(encoding="utf-8")
    lines = text.splitlines()
    for entry in WITHOUT_EFFECT:
        section, _, key = entry.partition(".")
        place = lines.index(f"[{entry}]" if entry in EMPTY else f"[{section}]")
        if key and entry not in EMPTY:
            place = next(n for n in range(place, len(lines)) if lines[n].startswith(f"{key} ="))
        assert "No effect in this version." in lines[place - 1], entry


def test_the_example_names_every_choice() -> None:
    values = EXAMPLE.read_text(encoding="utf-8")
    for key, kind in keys():
        for choice in choices(kind):
            assert choice in values, f"{key} = {choice}"
