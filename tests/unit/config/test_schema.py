"""The example file tells the whole truth."""

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec

from krakked_tui.config.layers import parse_toml
from krakked_tui.config.load import Layer, load
from krakked_tui.config.rules import WITHOUT_EFFECT
from krakked_tui.config.schema import AppConfig
from krakked_tui.config.values import choices
from tests.unit.config.keys import EMPTY, PARAMETERS, STRATEGY, UNSET, keys, standing

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


def _present(values: dict[str, object], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _present(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def test_the_example_names_every_key_and_no_other() -> None:
    values = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    others = {key for key in _present(values) if _is_of_another_strategy(key)}
    assert sorted([*(set(_present(values)) - others), *EMPTY, *UNSET]) == [
        key for key in standing() if not _is_of_another_strategy(key)
    ]
    assert others >= {key for key in standing() if _is_of_another_strategy(key)}
    text = EXAMPLE.read_text(encoding="utf-8")
    assert all(f"[{table}]" in text for table in EMPTY)
    assert all(f"\n# {key.rpartition('.')[2]} = " in text for key in UNSET)


def _is_of_another_strategy(key: str) -> bool:
    return key.startswith("strategies.configs.") and not key.startswith(STRATEGY)


def test_the_example_with_what_is_commented_out_is_valid() -> None:
    names = {key.rpartition(".")[2] for key in UNSET}
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    text = "\n".join(
        line.removeprefix("# ") if line[2:].partition(" =")[0] in names and line.startswith("# ") else line
        for line in lines
    )
    given = parse_toml(text)
    present = set(_present(given))
    assert present >= set(UNSET)
    load([Layer("example", given)], {})


def test_the_example_equals_the_defaults() -> None:
    loaded, defaults = load([EXAMPLE], {}).config, AppConfig()
    configs = {}
    for name, strategy in loaded.strategies.configs.items():
        declared = PARAMETERS[name]
        assert msgspec.convert(strategy.params, declared) == declared()
        configs[name] = msgspec.structs.replace(strategy, params={})
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
