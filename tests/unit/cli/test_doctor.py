"""The ``doctor`` command, offline; with an exchange: tests/integration/test_doctor.py."""

import json
import os
from pathlib import Path

import pytest

from krakked_tui.cli.doctor import doctor
from krakked_tui.doctor.examination import CHECKS
from krakked_tui.domain.errors import UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, whatever the environment of the tests says."""
    for name in list(os.environ):
        if name.startswith(("KRAKKED", "KRAKEN")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KRAKKED_HOME", str(tmp_path))
    return tmp_path


def test_json_is_all_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    doctor(offline=True, json=True)
    printed = capsys.readouterr()
    rows = json.loads(printed.out)
    assert {check.name for check in CHECKS} <= {row["name"] for row in rows}
    assert {row["status"] for row in rows} <= {"ok", "warning", "problem", "skipped"}
    assert printed.err == ""


def test_a_table_without_colour_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    doctor(offline=True)
    out = capsys.readouterr().out
    assert "ok      python" in out
    assert "\x1b" not in out


def test_a_bad_configuration_is_exit_code_4(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "config.toml").write_text("[risk]\nmax_open_position = 3\n")
    assert doctor(config=home / "config.toml", offline=True) == 4
    assert "max_open_positions" in capsys.readouterr().out
    assert doctor(config=home / "nowhere.toml", offline=True) == 4
    assert "nowhere.toml does not exist" in " ".join(capsys.readouterr().out.split())


def test_a_problem_is_exit_code_1(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "config").mkdir(mode=0o777)
    (home / "config").chmod(0o777)
    assert doctor(offline=True) == 1
    assert f"-> chmod 700 {home}/config" in capsys.readouterr().out


def test_secrets_leave_the_environment_and_are_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KRAKEN_API_KEY", "a-key-of-nobody")
    doctor(offline=True)
    assert "KRAKEN_API_KEY" not in os.environ
    assert "a-key-of-nobody" not in capsys.readouterr().out


def test_a_bad_profile_name_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        doctor(profile="..", offline=True)
