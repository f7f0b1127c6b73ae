"""The ``data`` commands without an exchange; with one: tests/integration/test_data_command.py."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from krakked_tui.bootstrap.data import Covered
from krakked_tui.cli import data
from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import ConfigError, RefusedError, UsageError
from krakked_tui.ports import CandleGap, Coverage
from krakked_tui.storage.files import FileLock

FIRST, LAST = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, whatever the environment of the tests says."""
    for name in list(os.environ):
        if name.startswith(("KRAKKED", "KRAKEN")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KRAKKED_HOME", str(tmp_path))
    return tmp_path


def test_nothing_stored_is_no_problem_and_nothing_is_made(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (data.verify(), data.coverage(), data.compact()) == (0, 0, 0)
    assert data.verify(as_json=True) == 0
    printed = capsys.readouterr().out
    assert "no candles are stored" in printed
    assert "0 rows moved" in printed
    assert json.loads(printed.splitlines()[-1]) == []
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("command", [data.ingest, data.compact])
def test_an_engine_on_the_profile_does_it_itself(home: Path, command: object) -> None:
    lock = FileLock(home / "state" / "paper" / "engine.lock", "used")
    try:
        with pytest.raises(RefusedError, match=rf"profile paper \(process {os.getpid()}\)") as refused:
            data.ingest() if command is data.ingest else data.compact()
    finally:
        lock.release()
    assert refused.value.exit_code == 6


def test_a_timeframe_that_does_not_exist_is_named_with_those_that_do() -> None:
    for text in ("2m", "1h,soon", "12H"):
        with pytest.raises(UsageError, match="use one of 1m, 5m"):
            data.coverage(timeframe=text)
    with pytest.raises(UsageError, match="use 4h"):
        data.ingest(timeframe="1h,12h")
    with pytest.raises(UsageError, match="--profile"):
        data.verify(profile="demo")


def test_a_bad_configuration_ends_it(home: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        data.coverage(config=home / "nowhere.toml")


def test_the_table_lines_up_and_shows_no_control_characters() -> None:
    known = Coverage(FIRST, LAST, 1000, (CandleGap(FIRST, LAST),))
    lines = data._table(
        [Covered("XBTUSD", Timeframe.M15, known), Covered("\x1b[31mEVIL", Timeframe.H1, Coverage())]
    )
    assert lines[0].split() == ["pair", "timeframe", "first", "(UTC)", "last", "(UTC)", "rows", "gaps"]
    assert lines[1].split()[-2:] == ["1000", "1"]
    assert len({len(line) for line in lines}) == 1
    assert "\x1b" not in "".join(lines)


def test_progress_and_trouble_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    fields: dict[str, str | int | float | bool | None] = {
        "pairs": "XBTUSD,ETHUSD", "rows": 7, "done": 2, "of": 9,
    }  # fmt: skip
    data._tell(Log(Level.DEBUG, "candles_batch", fields))
    data._tell(Log(Level.INFO, "candles_read", fields))
    data._tell(Log(Level.WARNING, "candles_skipped", {}, "candles of \x1b[2JX could not be read"))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "2 of 9 pairs, 7 rows: XBTUSD,ETHUSD\nwarning: candles of ?[2JX could not be read\n"
