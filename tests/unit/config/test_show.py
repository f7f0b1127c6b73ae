"""The effective configuration, key by key."""

import tomllib
from decimal import Decimal

import pytest

from krakked_tui.config.flat import flatten
from krakked_tui.config.load import Layer, load
from krakked_tui.config.schema import AppConfig
from krakked_tui.config.show import as_toml, effective
from tests.unit.config.keys import UNSET, nested, standing


def test_every_key_is_shown_once_with_value_and_origin() -> None:
    rows = effective(load([Layer("my.toml", {"ui": {"refresh_hz": 2}})], {"KRAKKED__UI__THEME": "classic"}))
    assert [row.key for row in rows] == [
        ".".join(path) for path, value in flatten(AppConfig()) if value is not None
    ]
    assert {row.key for row in rows} >= set(standing()) - set(UNSET)
    shown = {row.key: (row.value_toml, row.origin) for row in rows}
    assert shown["ui.refresh_hz"] == ("2", "my.toml")
    assert shown["ui.theme"] == ('"classic"', "environment KRAKKED__UI__THEME")
    assert shown["risk.max_per_asset_pct"] == ("5.0", "default")
    assert shown["strategies.configs.trend_following_v1.timeframes"] == ('["1h", "4h"]', "default")
    assert shown["strategies.configs.trend_following_v1.params.average"] == ('"sma"', "default")


def test_what_is_shown_is_toml_and_makes_the_same_configuration() -> None:
    first = load(
        [Layer("a", {"ui": {"timezone": "Europe/Berlin"}, "universe": {"include_pairs": ["A", "B"]}})], {}
    )
    text = "\n".join(f"{row.key} = {row.value_toml}" for row in effective(first))
    again = load([Layer("b", tomllib.loads(text, parse_float=Decimal))], {})
    assert effective(again) != effective(first)  # other origins
    assert [(r.key, r.value_toml) for r in effective(again)] == [
        (r.key, r.value_toml) for r in effective(first)
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (3, "3"), (2.5, "2.5"), (Decimal("1E+2"), "100"), (Decimal("2.30"), "2.30"),
        ('a "b" \\ \n', '"a \\"b\\" \\\\ \\n"'), (("a", "b"), '["a", "b"]'), ([], "[]"), ({}, "{}"),
        ({"A": Decimal(1)}, "{A = 1}"),
    ],
)  # fmt: skip
def test_values_are_written_as_toml_on_one_line(value: object, text: str) -> None:
    assert as_toml(value) == text


def test_a_value_that_toml_has_no_word_for_is_a_bug_of_ours() -> None:
    with pytest.raises(TypeError, match="holds object"):
        as_toml(object())


def test_nested_helper_makes_tables() -> None:
    assert nested({"a.b": 1, "a.c.d": 2, "e": 3}) == {"a": {"b": 1, "c": {"d": 2}}, "e": 3}
