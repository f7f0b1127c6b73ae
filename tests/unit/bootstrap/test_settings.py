"""The settings of a running session: shown with their origin, a few changed and kept."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.settings import CHANGEABLE, SettingsKeeper
from krakked_tui.config.places import places
from krakked_tui.control.settings_view import CredentialsState, CredentialsView, SettingRow
from krakked_tui.control.strategy_view import ParameterLine
from krakked_tui.decision.effects import Log
from krakked_tui.decision.events import Replaced
from krakked_tui.domain.errors import ConfigError, RefusedError
from tests.unit.config.keys import keys


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


TREND = "strategies.configs.trend_following_v1"


def _runtime(home: Path) -> Path:
    return home / "state" / "paper" / "runtime.toml"


def test_limits_and_strategies_change_together_and_are_found_by_the_next_start(tmp_path: Path) -> None:
    keeper = _keeper(tmp_path)
    told: list[Log] = []
    keeper.announce = told.append
    changed = keeper.change_many(
        {"risk.max_open_positions": "3", f"{TREND}.params.ma_fast": "5", f"{TREND}.max_positions": "2"}
    )
    assert changed.changes == (
        Replaced("risk.max_open_positions", "10", "3"),
        Replaced(f"{TREND}.max_positions", "6", "2"),
        Replaced(f"{TREND}.params.ma_fast", "20", "5"),
    )
    assert changed.message == (
        f"risk.max_open_positions: 10 -> 3; {TREND}.max_positions: 6 -> 2; {TREND}.params.ma_fast: 20 -> 5"
    )
    assert [line.message for line in told] == changed.message.split("; ")
    assert changed.risk.max_open_positions == 3
    (settings,) = changed.strategies
    (built,) = changed.built.strategies
    assert built.strategy.settings == settings
    assert settings.params == {"ma_fast": 5}
    assert keeper.strategies() == changed.built
    assert _keeper(tmp_path).config == keeper.config
    assert tomllib.loads(_runtime(tmp_path).read_text())["risk"] == {"max_open_positions": 3}


def test_without_a_value_a_key_is_as_the_operator_wrote_it(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("[risk]\nmax_open_positions = 7\n")
    keeper = _keeper(tmp_path)
    keeper.change_many({"risk.max_open_positions": "3"})
    changed = keeper.change_many({"risk.max_open_positions": ""})
    assert changed.changes == (Replaced("risk.max_open_positions", "3", "7"),)
    assert keeper.change_many({"risk.max_open_positions": ""}).message == "nothing changed"


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"risk.max_open_positions": "3", "risk.max_per_asset_pct": "0"}, ConfigError, "use more than 0"),
        (
            {"risk.max_open_positions": "3", "risk.max_risk_per_trade_pct": "6"},
            ConfigError,
            "max_per_asset_pct",
        ),
        ({"risk.max_open_positions": "3", "risk.nonsense": "1"}, ConfigError, "is no known key"),
        ({"risk.max_open_positions": "3", f"{TREND}.params.ma_fast": "50"}, ConfigError, "less than ma_slow"),
        ({"risk.max_open_positions": "3", f"{TREND}.tag": '"abc"'}, RefusedError, "is fixed"),
        ({"risk.max_open_positions": "3", "strategies.enabled": '["gone"]'}, ConfigError, "not configured"),
        ({"risk.max_open_positions.x": "3"}, ConfigError, "is a table"),
        ({"risk.max_open_positions": "3", "risk.max_open_positions.x": "3"}, ConfigError, "is a value"),
        ({"risk.max_open_positions": "three"}, ConfigError, "no TOML value"),
        ({"risk.max_per_strategy_pct.gone": "3"}, ConfigError, "for no strategy"),
    ],
)
def test_changes_that_do_not_stand_together_change_nothing(
    changes: dict[str, str], error: type[Exception], text: str, tmp_path: Path
) -> None:
    keeper = _keeper(tmp_path)
    before, config = keeper.view(), keeper.config
    with pytest.raises(error, match=text):
        keeper.change_many(changes)
    assert keeper.view() == before
    assert keeper.config is config
    assert not _runtime(tmp_path).exists()
    previewed = keeper.preview(changes)
    assert previewed.problems
    assert (previewed.changes, previewed.risk) == ((), None)


def test_a_preview_says_what_a_change_would_do_and_does_not_do_it(tmp_path: Path) -> None:
    keeper = _keeper(tmp_path)
    config = keeper.config
    previewed = keeper.preview({"risk.max_open_positions": "3", "strategies.enabled": "[]"})
    assert previewed.problems == ()
    assert [(change.key, change.new) for change in previewed.changes] == [
        ("risk.max_open_positions", "3"), ("strategies.enabled", "[]"),
    ]  # fmt: skip
    assert previewed.risk is not None
    assert previewed.risk.max_open_positions == 3
    assert previewed.strategies == ()
    assert keeper.config is config
    assert not _runtime(tmp_path).exists()


def test_a_strategy_is_enabled_and_disabled_through_the_same_door(tmp_path: Path) -> None:
    keeper = _keeper(tmp_path)
    changed = keeper.enable("breakout_v1", enabled=True)
    assert [settings.id for settings in changed.strategies] == ["trend_following_v1", "breakout_v1"]
    assert [each.strategy.settings.id for each in changed.built.strategies] == [
        "breakout_v1", "trend_following_v1",
    ]  # fmt: skip
    again = keeper.enable("breakout_v1", enabled=True)
    assert (again.changes, again.message) == ((), "nothing changed")
    assert keeper.enable("trend_following_v1", enabled=False).message == (
        'strategies.enabled: ["trend_following_v1", "breakout_v1"] -> ["breakout_v1"]'
    )
    assert keeper.enable("trend_following_v1", enabled=False).changes == ()
    assert _keeper(tmp_path).config.strategies.enabled == ("breakout_v1",)
    with pytest.raises(RefusedError, match="there is no strategy 'gone': configured are breakout_v1,"):
        keeper.enable("gone", enabled=True)


def test_the_environment_still_wins(tmp_path: Path) -> None:
    keeper = _keeper(tmp_path, KRAKKED__RISK__MAX_OPEN_POSITIONS="4")
    changed = keeper.change_many({"risk.max_open_positions": "3"})
    assert changed.risk.max_open_positions == 4
    assert "KRAKKED__RISK__MAX_OPEN_POSITIONS overrides it in this run" in changed.message


def test_a_strategy_that_cannot_be_built_is_not_enabled(tmp_path: Path) -> None:
    directory = tmp_path / "config" / "strategies"
    directory.mkdir(parents=True, mode=0o700)
    (directory / "broken.py").write_text("1 / 0")
    (tmp_path / "config" / "config.toml").write_text(
        '[strategies.configs.mine]\ntype = "mine"\ntimeframes = ["1h"]\n'
    )
    keeper = _keeper(tmp_path)
    with pytest.raises(ConfigError, match=r"strategies\.configs\.mine: there is no strategy of type 'mine'"):
        keeper.enable("mine", enabled=True)
    assert keeper.strategies().failed == {}
    assert [failure.sentence.startswith(str(directory)) for failure in keeper.strategies().failures] == [True]
    assert not _runtime(tmp_path).exists()


def test_one_that_failed_before_does_not_stand_in_the_way_of_others(tmp_path: Path) -> None:
    directory = tmp_path / "config" / "strategies"
    directory.mkdir(parents=True, mode=0o700)
    (directory / "broken.py").write_text("1 / 0")
    (tmp_path / "config" / "config.toml").write_text(
        '[strategies]\nenabled = ["mine"]\n[strategies.configs.mine]\ntype = "mine"\ntimeframes = ["1h"]\n'
    )
    keeper = _keeper(tmp_path)
    assert list(keeper.strategies().failed) == ["mine"]
    changed = keeper.enable("breakout_v1", enabled=True)
    assert list(changed.built.failed) == ["mine"]
    assert [settings.id for settings in changed.strategies] == ["mine", "breakout_v1"]


def test_what_can_be_set_of_every_strategy_is_told(tmp_path: Path) -> None:
    keeper = _keeper(tmp_path)
    keeper.change_many({f"{TREND}.params.ma_fast": "5"})
    lines = {line.key: line for line in keeper.parameters()["trend_following_v1"]}
    assert lines[f"{TREND}.params.ma_fast"] == ParameterLine(
        f"{TREND}.params.ma_fast", "ma_fast", "5", "20", "a whole number from 1 to 250",
        "Bars of the fast average.",
    )  # fmt: skip
    assert not lines[f"{TREND}.tag"].changeable
    assert set(keeper.parameters()) == set(keeper.config.strategies.configs)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> SettingsKeeper:
    return _keeper(tmp_path_factory.mktemp("home"))


texts = st.one_of(
    st.text(max_size=30),
    st.integers().map(str),
    st.sampled_from(["", "true", "[]", "{}", '"ema"', "1e999", "nan"]),
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([key for key, _ in keys()]) | st.text(max_size=30), texts, max_size=4))
def test_whatever_is_asked_for_a_preview_answers_and_changes_nothing(
    standing: SettingsKeeper, changes: dict[str, str]
) -> None:
    before = standing.config
    previewed = standing.preview(changes)
    assert standing.config is before
    assert bool(previewed.problems) == (previewed.risk is None)
    assert all(problem.isprintable() and len(problem) < 3000 for problem in previewed.problems)
