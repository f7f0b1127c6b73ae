"""``krakked-tui config`` through the real command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from krakked_tui.cli.app import run_command_line
from krakked_tui.config.problems import TEXT_MAX

KRAKEN_SECRET = "Ab1/" * 21 + "Ab=="

MAIN = f"""
markets = 3
[risk]
max_open_position = 3
max_per_asset_pct = 101
[execution]
on_shutdown = "stay"
deadline_seconds = "soon"
[connection]
rest_url = "http://evil.example"
[ui]
theme = {{ name = "dark" }}
[logging]
format = "{KRAKEN_SECRET}"
"""
OVERLAY = "[risk\n"
RUNTIME = """
[portfolio]
max_truth_age_seconds = 5
base_currency = "usd"
"""
EXPECTED = (
    "markets is no known section",
    "risk.max_open_position is no known key; did you mean risk.max_open_positions?",
    "risk.max_per_asset_pct is 101: use more than 0 and at most 100",
    'execution.on_shutdown is "stay": must be "leave" or "cancel"',
    'execution.deadline_seconds is "soon": must be a number from 2 to 60',
    "connection.rest_url leads to 'evil.example'",
    'ui.theme is a table: must be "dark" or "classic"',
    "logging.format looks like a secret",
    "config.paper.toml: is not valid TOML",
    "portfolio.max_truth_age_seconds is 5: use at least scheduler.portfolio_sync_seconds, 30",
    'portfolio.base_currency is "usd": must be',
    "environment KRAKKED__UI__REFRESH_HZ: ui.refresh_hz is 99: must be a whole number from 1 to 10",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("KRAKKED"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KRAKKED_HOME", str(tmp_path))
    (tmp_path / "config").mkdir()
    (tmp_path / "state" / "paper").mkdir(parents=True)
    return tmp_path


def _mistakes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config" / "config.toml").write_text(MAIN)
    (home / "config" / "config.paper.toml").write_text(OVERLAY)
    (home / "state" / "paper" / "runtime.toml").write_text(RUNTIME)
    monkeypatch.setenv("KRAKKED__UI__REFRESH_HZ", "99")


def test_a_dozen_mistakes_are_a_dozen_problems_and_exit_code_4(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _mistakes(home, monkeypatch)
    done = subprocess.run(
        [sys.executable, "-m", "krakked_tui", "config", "check"], capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (4, "")
    *problems, last = done.stderr.splitlines()
    assert len(problems) == len(EXPECTED)
    for text in EXPECTED:
        assert sum(text in problem for problem in problems) == 1, text
    assert last == "krakked-tui: 12 problems; nothing starts on this."
    assert KRAKEN_SECRET not in done.stderr


def test_the_same_as_json(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _mistakes(home, monkeypatch)
    assert run_command_line(["config", "check", "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert len(told["problems"]) == len(EXPECTED)
    assert {"key", "origin", "text"} == set(told["problems"][0])
    origins = {problem["origin"] for problem in told["problems"]}
    assert str(home / "state" / "paper" / "runtime.toml") in origins
    assert all(len(problem["text"]) <= TEXT_MAX + 3 for problem in told["problems"])


@pytest.mark.parametrize("command", [["show"], ["show", "--origin"], ["show", "--json"]])
def test_nothing_else_works_on_a_bad_configuration_either(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    _mistakes(home, monkeypatch)
    assert run_command_line(["config", *command]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "markets is no known section" in captured.err


def test_a_good_configuration_is_ok_and_names_its_files(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["config", "check"]) == 0
    assert capsys.readouterr().out == "ok: no configuration file, defaults only\n"
    main, runtime = home / "config" / "config.toml", home / "state" / "paper" / "runtime.toml"
    main.write_text('[execution]\nmode = "live"\n')
    runtime.write_text("[backup]\nkeep = 3\n")
    assert run_command_line(["config", "check"]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"ok: {main}, {runtime}\n"
    assert f"warning: {runtime}: backup.keep has no effect in this version\n" in captured.err
    assert f"warning: {main}: execution.mode is" in captured.err
    assert run_command_line(["config", "check", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["problems"], told["files"]) == (True, [], [str(main), str(runtime)])
    assert len(told["warnings"]) == 3


def test_the_file_given_with_config_is_read_instead_with_its_own_overlay(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "config" / "config.toml").write_text("[ui]\nrefresh_hz = 99\n")
    mine = home / "mine.toml"
    mine.write_text("[ui]\nrefresh_hz = 2\n")
    mine.with_name("mine.live.toml").write_text("[ui]\nrefresh_hz = 3\n")
    for profile, value in (("paper", 2), ("live", 3)):
        assert run_command_line(["config", "show", "--config", str(mine), "--profile", profile]) == 0
        assert f"\nui.refresh_hz = {value}\n" in capsys.readouterr().out
    assert run_command_line(["config", "check", "--config", str(home / "none.toml")]) == 4
    assert "none.toml does not exist: check the path given with --config" in capsys.readouterr().err


def test_show_tells_values_and_origins(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main = home / "config" / "config.toml"
    main.write_text("[risk]\nmax_per_asset_pct = 2.30\n")
    monkeypatch.setenv("KRAKKED__UI__THEME", "classic")
    assert run_command_line(["config", "show"]) == 0
    assert "\nrisk.max_per_asset_pct = 2.30\n" in capsys.readouterr().out
    assert run_command_line(["config", "show", "--origin"]) == 0
    shown = capsys.readouterr().out
    assert f"\nrisk.max_per_asset_pct = 2.30  # {main}\n" in shown
    assert '\nui.theme = "classic"  # environment KRAKKED__UI__THEME\n' in shown
    assert "\nui.refresh_hz = 4  # default\n" in shown
    assert run_command_line(["config", "show", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"key": "risk.max_per_asset_pct", "value": "2.30", "origin": str(main)} in rows


def test_a_demo_shows_its_own_defaults_below_what_is_configured(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["config", "show", "--profile", "demo", "--origin"]) == 0
    assert 'timeframes = ["1m", "5m"]  # demo' in capsys.readouterr().out


def test_path_names_every_place_and_whether_it_is_there(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "config" / "config.toml").touch()
    assert run_command_line(["config", "path", "--profile", "live"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"configuration    {home / 'config' / 'config.toml'}"
    assert f"secrets          {home / 'config' / 'secrets.enc'}  (not there)" in lines
    assert run_command_line(["config", "path", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"name": "configuration", "path": str(home / "config" / "config.toml"), "exists": True} in rows
    assert len(rows) == len(lines) == 13


def test_migrate_says_when_there_is_nothing_to_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "config" / "config.toml").write_text("[ui]\nrefresh_hz = 2\n")
    assert run_command_line(["config", "migrate"]) == 0
    assert capsys.readouterr().out == "nothing to do: no key has an old name\n"


@pytest.mark.parametrize("command", ["check", "show", "path", "migrate"])
def test_a_profile_that_is_no_name_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run_command_line(["config", command, "--profile", "../live"]) == 2
    assert "--profile" in capsys.readouterr().err
