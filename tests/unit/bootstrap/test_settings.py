"""The settings of a running session: shown with their origin, a few changed and kept."""

import os
from pathlib import Path

import pytest

from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.settings import CHANGEABLE, SettingsKeeper
from krakked_tui.config.places import places
from krakked_tui.control.settings_view import CredentialsState, CredentialsView, SettingRow
from krakked_tui.decision.effects import Log
from krakked_tui.domain.errors import ConfigError, RefusedError


def _keeper(home: Path, **environment: str) -> SettingsKeeper:
    settings = {"KRAKKED_HOME": str(home), **environment}
    sources = Sources(where=places("paper", settings), profile="paper", environment=settings)
    return SettingsKeeper(sources, read_configuration(sources), mode="paper", exchange="api.kraken.com")


def _row(keeper: SettingsKeeper, key: str) -> SettingRow:
    return next(row for row in keeper.view().rows if row.key == key)


def test_every_setting_is_shown_with_its_origin(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("[risk]\nmax_open_positions = 3\n")
    keeper = _keeper(tmp_path)
    assert _row(keeper, "risk.max_open_positions") == SettingRow(
        "risk.max_open_positions", "3", str(tmp_path / "config" / "config.toml")
    )
    assert _row(keeper, "ui.theme") == SettingRow("ui.theme", '"dark"', "default", changeable=True)
    assert [row.key for row in keeper.view().rows if row.changeable] == sorted(
        CHANGEABLE, key=[row.key for row in keeper.view().rows].index
    )


def test_a_change_is_in_force_at_once_told_and_found_by_the_next_start(tmp_path: Path) -> None:
    keeper = _keeper(tmp_path)
    told: list[Log] = []
    keeper.announce = told.append
    assert keeper.change("ui.theme", '"classic"') == 'ui.theme is now "classic"'
    assert keeper.view().ui.theme == "classic"
    assert [line.message for line in told] == ['ui.theme: "dark" -> "classic"']
    runtime = tmp_path / "state" / "paper" / "runtime.toml"
    assert os.stat(runtime).st_mode & 0o777 == 0o600
    again = _keeper(tmp_path)
    assert again.config.ui.theme == "classic"
    assert _row(again, "ui.theme").origin == str(runtime)


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("risk.max_open_positions", "99", RefusedError),
        ("ui.theme", '"neon"', ConfigError),
        ("ui.theme", "classic", ConfigError),
        ("ui.refresh_hz", "0", ConfigError),
        ("ui.refresh_hz", "4\n[risk]\nmax_open_positions = 99", ConfigError),
        ("ui.timezone", '"Mars/Olympus"', ConfigError),
        ("ui.theme", '"' + "x" * 300 + '"', ConfigError),
    ],
)
def test_a_bad_change_leaves_everything_as_it_was(
    key: str, value: str, error: type[Exception], tmp_path: Path
) -> None:
    keeper = _keeper(tmp_path)
    before = keeper.view()
    with pytest.raises(error):
        keeper.change(key, value)
    assert keeper.view() == before
    assert not (tmp_path / "state" / "paper" / "runtime.toml").exists()


def test_a_change_that_the_environment_overrides_says_so(tmp_path: Path) -> None:
    keeper = _keeper(tmp_path, KRAKKED__UI__THEME="dark")
    message = keeper.change("ui.theme", '"classic"')
    assert "KRAKKED__UI__THEME overrides it" in message
    assert keeper.view().ui.theme == "dark"


def test_what_becomes_known_of_the_credentials_is_shown(tmp_path: Path) -> None:
    keeper = _keeper(tmp_path)
    keeper.credentials(CredentialsView(state=CredentialsState.LOCKED, origin="secrets.enc"))
    assert keeper.view().credentials.state is CredentialsState.LOCKED
    keeper.change("ui.refresh_hz", "2")
    assert keeper.view().credentials.state is CredentialsState.LOCKED


def test_what_the_files_say_meanwhile_is_for_the_next_start(tmp_path: Path) -> None:
    config = tmp_path / "config" / "config.toml"
    config.parent.mkdir()
    config.write_text("[risk]\nmax_open_positions = 5\n")
    keeper = _keeper(tmp_path)
    config.write_text('[risk]\nmax_open_positions = 50\n[execution]\nmode = "live"\n')
    keeper.change("ui.theme", '"classic"')
    assert _row(keeper, "risk.max_open_positions").value == "5"
    assert _row(keeper, "execution.mode").value == '"paper"'
    config.write_text("broken [")
    assert keeper.change("ui.refresh_hz", "2") == "ui.refresh_hz is now 2"
    assert keeper.view().ui.theme == "classic"


def test_an_overlay_that_was_broken_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    keeper = _keeper(tmp_path)
    keeper.change("ui.refresh_hz", "2")
    runtime = tmp_path / "state" / "paper" / "runtime.toml"
    runtime.write_text("broken [")
    with pytest.raises(ConfigError):
        keeper.change("ui.refresh_hz", "3")
    assert runtime.read_text() == "broken ["
    assert keeper.view().ui.refresh_hz == 2


def test_configurations_are_told_apart_by_a_fingerprint(tmp_path: Path) -> None:
    keeper = _keeper(tmp_path)
    before = keeper.about()
    assert before == _keeper(tmp_path).about()
    keeper.change("ui.refresh_hz", "2")
    assert keeper.about()["config_fingerprint"] != before["config_fingerprint"]
