"""Settings as rows and sentences."""

from datetime import UTC

import msgspec
import pytest

from krakked_tui.config.ui_settings import UiSettings
from krakked_tui.control.commands import ChangeSetting
from krakked_tui.control.settings_view import CredentialsState, CredentialsView, SettingRow, SettingsView
from krakked_tui.tui.rows.line import Line, Look, text_of
from krakked_tui.tui.rows.settings import (
    CHOICES,
    can_change,
    change_lines,
    credential_lines,
    fact_lines,
    setting_lines,
    setting_rows,
    short_origin,
)
from tests.fakes.settings import VALIDATED_AT, changed, good
from tests.fakes.settings import unvalidated as untried


def text(lines: list[Line]) -> str:
    return "\n".join(text_of(line) for line in lines)


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in CHOICES.items() for value in values]
)
def test_every_choice_is_a_value_the_configuration_takes(key: str, value: str) -> None:
    after = changed(SettingsView(ui=UiSettings()), ChangeSetting(key, value))
    name = key.removeprefix("ui.")
    assert name in UiSettings.__struct_fields__
    assert str(getattr(after.ui, name)).lower() == value.strip('"')


def test_changeable_settings_come_first_and_the_rest_stays_in_order() -> None:
    rows = setting_rows(good())
    assert [row.key for row in rows[:3]] == ["ui.theme", "ui.refresh_hz", "ui.timezone"]
    assert len(rows) == len(good().rows)


def test_only_what_has_choices_can_be_changed_here() -> None:
    assert can_change(SettingRow("ui.theme", '"dark"', "default", changeable=True))
    assert not can_change(SettingRow("ui.theme", '"dark"', "default"))
    assert not can_change(SettingRow("ui.unheard_of", "1", "default", changeable=True))


@pytest.mark.parametrize(
    ("origin", "short"),
    [
        ("default", "default"),
        ("command line", "command line"),
        ("environment KRAKKED__UI__THEME", "environment"),
        ("/home/me/.config/krakked/config.toml", "config.toml"),
    ],
)
def test_origins_are_short_in_the_table(origin: str, short: str) -> None:
    assert short_origin(origin) == short


@pytest.mark.parametrize("state", CredentialsState)
def test_every_state_of_the_credentials_has_words(state: CredentialsState) -> None:
    lines = credential_lines(CredentialsView(state=state, validated_at=VALIDATED_AT), 90, UTC)
    assert "Validated   2026-11-19 08:30:00 UTC" in text(lines)
    assert "UNVALIDATED" not in text(lines)


def test_a_key_in_use_that_was_never_accepted_is_a_warning() -> None:
    lines = credential_lines(CredentialsView(state=CredentialsState.OPEN), 90, UTC)
    assert "in use, UNVALIDATED" in text(lines)
    assert lines[0][-1].look is Look.WARN


def test_trouble_comes_first() -> None:
    lines = fact_lines(untried(), 90, UTC)
    assert text_of(lines[0]) == "! ui.refresh_hz 4 is more than a slow line can carry."


def test_a_change_shows_old_and_new() -> None:
    setting = SettingRow("ui.refresh_hz", "4", "default", changeable=True)
    assert "4  →  2" in text(change_lines(setting, "2", 70))
    assert "4  →  4 (no change)" in text(change_lines(setting, "4", 70))


def test_empty_facts_are_no_gaps() -> None:
    bare = msgspec.structs.replace(good(), versions=(), paths=(), credentials=CredentialsView())
    assert "VERSIONS" not in text(fact_lines(bare, 90, UTC))


@pytest.mark.parametrize(
    ("key", "way"),
    [
        ("risk.max_open_positions", "press 2"),
        ("strategies.configs.a.weight", "press 3"),
        ("region.code", "file"),
    ],
)
def test_every_setting_says_where_it_is_changed(key: str, way: str) -> None:
    assert way in text(setting_lines(SettingRow(key, "1", "default"), 71))
