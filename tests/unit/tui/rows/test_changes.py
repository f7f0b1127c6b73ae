"""Settings being changed: all of them in the form, old beside new, what is in force afterwards."""

import msgspec
import pytest

from krakked_tui.control.risk_view import RiskPreview, SettingChange
from krakked_tui.control.settings_view import SettingRow, SettingsView
from krakked_tui.tui.rows.changes import (
    Field,
    form_lines,
    not_in_force,
    parameter_fields,
    preview_lines,
    risk_fields,
    same_value,
)
from krakked_tui.tui.rows.line import Line, text_of, width_of
from tests.fakes.risk import LIMITS
from tests.fakes.strategies import PARAMETERS

WIDTH = 71
SETTINGS = SettingsView(
    rows=(
        SettingRow("risk.kill_switch_on_drift", "true", "default"),
        SettingRow("risk.max_per_strategy_pct", "{}", "default"),
        SettingRow("risk.brand_new", "7", "default"),
        SettingRow("strategies.configs.breakout.type", '"breakout"', "default"),
        SettingRow("strategies.configs.breakout.weight", "1", "default"),
        SettingRow("ui.theme", '"dark"', "default"),
    )
)


def shown(lines: list[Line]) -> list[str]:
    assert all(width_of(line) <= WIDTH for line in lines)
    return [text_of(line).rstrip() for line in lines]


def test_the_form_has_every_limit_each_strategys_share_and_what_is_new() -> None:
    fields = {field.key: field for field in risk_fields(SETTINGS, LIMITS)}
    assert fields["risk.kill_switch_on_drift"].value == "true"
    assert fields["risk.max_portfolio_risk_pct"].value == "10.0", "what the limit says, where it says it"
    assert fields["risk.max_per_strategy_pct.breakout"].value == ""
    assert fields["risk.max_per_strategy_pct.mean_reversion"].value == "10.0"
    assert fields["risk.brand_new"].value == "7"
    assert not {"risk.max_per_strategy_pct", "ui.theme", ""} & set(fields)


def test_only_changeable_parameters_are_in_the_form() -> None:
    keys = [field.key for field in parameter_fields(PARAMETERS)]
    assert len(keys) == len(PARAMETERS) - 1
    assert not any(key.endswith(".tag") for key in keys)


def test_the_marked_field_says_what_it_is_and_new_stands_beside_old() -> None:
    fields = [
        Field(f"k{number}", f"name {number}", str(number), "What it is.", "1 to 9") for number in range(20)
    ]
    lines = shown(form_lines(fields, 12, {"k11": "5", "k13": ""}, 5, WIDTH))
    assert lines[0].startswith("  name 10")
    assert lines[1] == "  name 11                     11  →  5"
    assert lines[2] == "▶ name 12                     12"
    assert lines[3] == "  name 13                     13  →  the default"
    assert "What it is. Allowed: 1 to 9." in lines
    assert lines[-1] == "13 of 20; 2 changes"
    assert shown(form_lines([], 0, {}, 5, WIDTH)) == ["There is nothing to change here."]


def test_neither_old_nor_new_value_pushes_the_other_out_of_sight() -> None:
    fields = [Field("k", "pairs", "a" * 80, ""), Field("l", "pair", "b", "")]
    old, *_ = shown(form_lines(fields, 0, {"k": "c" * 80}, 5, WIDTH))
    assert "a…  →  c" in old
    assert old.endswith("c…")


def test_a_preview_says_first_what_forbids_it() -> None:
    changes = (SettingChange("risk.max_open_positions", "10", "5"), SettingChange("x.pairs", "", "y" * 90))
    lines = shown(preview_lines(RiskPreview(changes, ("too low",), ("XBT is 19 %",)), WIDTH))
    order = [lines.index(text) for text in ("NOT POSSIBLE", "! too low", "BROKEN AS THINGS ARE", "2 CHANGES")]
    assert order == sorted(order)
    assert "Open positions              10  →  5" in lines
    assert "  from (not set)" in lines, "a long value has lines of its own, whole"
    assert "".join(lines[-2:]).count("y") == 90
    assert shown(preview_lines(RiskPreview(), WIDTH)) == ["Nothing would change."]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("5", "5.00", True),
        ("0.5", ".5", False),
        ('["1h"]', '[ "1h" ]', True),
        ("true", "1", False),
        ("true", "true", True),
        ("5", "6", False),
        ("bad value", "bad value", True),
    ],
)
def test_values_are_compared_by_what_they_mean(one: str, other: str, same: bool) -> None:
    assert same_value(one, other) is same


def test_a_change_is_in_force_when_the_settings_show_it() -> None:
    changes = {"risk.kill_switch_on_drift": "false", "risk.not_shown": "1", "risk.brand_new": ""}
    assert not_in_force(changes, SETTINGS) == ["risk.kill_switch_on_drift"]
    row = SettingRow("risk.kill_switch_on_drift", "false", "runtime.toml")
    assert not_in_force(changes, msgspec.structs.replace(SETTINGS, rows=(row,))) == []
