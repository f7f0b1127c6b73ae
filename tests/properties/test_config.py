"""Whatever stands in a configuration: it is read, or every problem is told; nothing else happens."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakked_tui.config.flat import flatten
from krakked_tui.config.layers import Layer, read_file
from krakked_tui.config.load import load
from krakked_tui.config.problems import Findings, InvalidConfigError
from krakked_tui.config.show import effective
from krakked_tui.domain.errors import ConfigError
from tests.unit.config.keys import keys, nested

SENTENCE_MAX = 700

KEYS = [key for key, _ in keys()]

numbers = st.one_of(
    st.integers(), st.decimals(allow_nan=True), st.decimals(min_value=-2, max_value=2000, places=2),
    st.floats(), st.integers(-1, 200),
)  # fmt: skip
leaves = st.one_of(
    st.booleans(), numbers, st.text(max_size=200), st.datetimes(), st.dates(), st.times(),
    st.sampled_from(["live", "1h", "12h", "sma", "EUR", "ERROR", "trend_following", "http://[::1]"]),
)  # fmt: skip
names = st.one_of(
    st.text(max_size=20), st.sampled_from([part for key in KEYS for part in key.split(".")] + ["x" * 9999])
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
tables = st.dictionaries(names, values, max_size=5)
near = st.dictionaries(st.sampled_from(KEYS), values | leaves, max_size=6).map(nested)


def _check_problems(error: InvalidConfigError) -> None:
    assert error.problems
    for problem in error.problems:
        assert len(problem) <= SENTENCE_MAX
        assert problem.isprintable()


@given(st.lists(tables | near, min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_any_layers_make_a_configuration_or_problems(given_tables: list[dict[str, Any]]) -> None:
    layers = [Layer(f"layer {number}", table) for number, table in enumerate(given_tables)]
    try:
        loaded = load(layers, {})
    except InvalidConfigError as error:
        _check_problems(error)
        return
    assert all(warning.isprintable() and len(warning) <= SENTENCE_MAX for warning in loaded.warnings)
    rows = effective(loaded)
    present = {".".join(path) for path, value in flatten(loaded.config) if value is not None}
    assert {row.key for row in rows} == present <= set(loaded.origins)
    # What was taken is written in bounded room.
    assert all(len(row.value_toml) < 100_000 for row in rows)


@given(st.dictionaries(st.sampled_from(KEYS), leaves, min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_what_is_refused_together_with_something_wrong_is_refused_alone_too(flat: dict[str, Any]) -> None:
    """A mistake elsewhere neither hides a problem nor makes one up."""
    alone = _told([Layer("a", nested(flat))])
    beside = _told([Layer("a", nested(flat)), Layer("b", {"nonsense": 1})])
    assert [line for line in beside if not line.startswith("b: ")] == alone
    assert len(beside) == len(alone) + 1


def _told(layers: list[Layer]) -> list[str]:
    try:
        load(layers, {})
    except ConfigError as error:
        return list(error.problems)
    return []


@given(st.binary(max_size=300) | tables.map(lambda table: repr(table).encode("utf-8", "replace")))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_read_or_is_one_problem(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    findings = Findings()
    assert read_file(path, findings) is not None
    try:
        load([path], {})
    except InvalidConfigError as error:
        _check_problems(error)


@given(st.dictionaries(st.text(max_size=30).map("KRAKKED__{}".format), st.text(max_size=100), max_size=4))
@settings(max_examples=100, deadline=None)
def test_any_variables_make_a_configuration_or_problems(environment: dict[str, str]) -> None:
    try:
        load([], environment)
    except InvalidConfigError as error:
        _check_problems(error)


@given(st.dictionaries(st.sampled_from(KEYS), leaves, max_size=6))
@settings(max_examples=100, deadline=None)
def test_a_file_says_the_same_as_its_values(flat: dict[str, Any]) -> None:
    """Through TOML text and back, the configuration is the same."""
    try:
        loaded = load([Layer("a", nested(flat))], {})
    except ConfigError:
        return
    text = tomli_w.dumps(nested({row.key: _plain(row.value_toml) for row in effective(loaded)}))
    again = load([Layer("b", tomllib.loads(text, parse_float=Decimal))], {})
    assert [row.value_toml for row in effective(again)] == [row.value_toml for row in effective(loaded)]


def _plain(text: str) -> Any:
    return tomllib.loads(f"v = {text}", parse_float=Decimal)["v"]
