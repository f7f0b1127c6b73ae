"""Log records: ours, and those of adopted loggers."""

import json
import logging
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.secret import Secret
from krakked_tui.engine.log import (
    CONTROL_LINES,
    LINE_CHARACTERS,
    RECENT_CHARACTERS,
    RECENT_LINES,
    EngineLog,
    RecentLines,
)
from krakked_tui.engine.redaction import Redactor
from krakked_tui.engine.settings import LogFormat, LoggingSettings


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _break(secret: str) -> None:
    local = secret
    raise ValueError(f"broken after {len(local)} letters")


def test_adopted_loggers_write_to_the_file_only_until_the_log_closes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "krakked.log"
    log = EngineLog(
        path, LoggingSettings(), to_stdout=False, context={"profile": "demo"}, redactor=Redactor()
    )
    logger = logging.getLogger("krakked_tests.adopted")
    log.adopt(logger)
    assert not logger.propagate
    logging.getLogger("krakked_tests.adopted.stream").warning("dropped %s", "a message")
    try:
        _break("do " + "not " + "show")
    except ValueError:
        logger.exception("An order request broke")
    log.close()
    assert not logger.handlers
    assert logging.getLogger(logger.name).propagate
    first, second = _read(path)
    assert (first["level"], first["source"], first["text"], first["profile"]) == (
        "warning", "krakked_tests.adopted.stream", "dropped a message", "demo",
    )  # fmt: skip
    assert "ValueError: broken after 11 letters" in second["exception"]
    assert "do not show" not in path.read_text()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("form", list(LogFormat))
def test_a_secret_is_masked_wherever_it_stands_in_a_record(
    form: LogFormat, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, secret = tmp_path / "krakked.log", "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSU+made=up"
    redactor = Redactor()
    log = EngineLog(
        path, LoggingSettings(format=form), to_stdout=True, context={"profile": "live"}, redactor=redactor
    )
    redactor.protect(Secret(secret))  # it may become known after the log was opened
    logger = logging.getLogger("krakked_tests.leaky")
    log.adopt(logger)
    logger.warning("text %s", secret)
    try:
        json.loads(secret)
    except ValueError as error:
        error.add_note(secret)
        logger.exception("broken")
    log.logger.info("field", where=secret, nested={"list": [secret]})
    log.logger.info(secret)
    log.close()
    written = path.read_text() + capsys.readouterr().out
    assert written.count("***") >= 10
    assert secret not in written
    assert len(_read(path)) == 4
    recent = log.entries(0)
    assert [entry.text for entry in recent] == path.read_text().splitlines()
    assert secret not in "".join(map(str, recent))


def test_a_record_has_the_sentence_for_the_operator_and_is_kept_for_readers(tmp_path: Path) -> None:
    path = tmp_path / "krakked.log"
    log = EngineLog(path, LoggingSettings(), to_stdout=False, context={}, redactor=Redactor())
    log.write(Log(Level.WARNING, "start_warning", {"pair": "NOSUCHUSD"}, "it is not listed"))
    log.write(Log(Level.INFO, "cycle", {"plans": 1}))
    log.write(Log(Level.DEBUG, "below", {}))
    log.close()
    first, second = _read(path)
    assert (first["message"], first["pair"]) == ("it is not listed", "NOSUCHUSD")
    assert "message" not in second
    entries = log.entries(0)
    assert [(each.number, each.level, each.event) for each in entries] == [
        (1, "warning", "start_warning"), (2, "info", "cycle"),
    ]  # fmt: skip
    assert [json.loads(each.text) for each in entries] == [first, second]
    assert log.entries(1) == entries[1:]
    assert log.entries(2) == ()


def test_the_latest_lines_are_kept_in_their_order() -> None:
    recent = RecentLines()
    assert recent.entries(0) == ()
    for number in range(RECENT_LINES + 5):
        recent.add("info", "x", str(number))
    kept = recent.entries(0)
    assert [entry.number for entry in kept] == list(range(6, RECENT_LINES + 6))
    assert [entry.number for entry in recent.entries(RECENT_LINES)] == list(
        range(RECENT_LINES + 1, RECENT_LINES + 6)
    )


def test_huge_lines_are_cut_and_give_up_older_ones_sooner() -> None:
    recent = RecentLines()
    for _ in range(RECENT_CHARACTERS // LINE_CHARACTERS + 7):
        recent.add("info", "x", "y" * (LINE_CHARACTERS + 1))
    kept = recent.entries(0)
    assert len(kept) == RECENT_CHARACTERS // LINE_CHARACTERS
    assert {len(entry.text) for entry in kept} == {LINE_CHARACTERS}


def test_records_of_commands_outlive_the_others() -> None:
    recent = RecentLines()
    for number in range(CONTROL_LINES + 2):
        recent.add("info", "control", str(number))
    for _ in range(RECENT_LINES):
        recent.add("info", "x", "")
    kept = recent.entries(0)
    assert len(kept) == CONTROL_LINES + RECENT_LINES
    assert [entry.number for entry in kept] == sorted(entry.number for entry in kept)
    assert [entry.text for entry in recent.entries(CONTROL_LINES)[:3]] == [
        str(CONTROL_LINES), str(CONTROL_LINES + 1), "",
    ]  # fmt: skip


def test_writers_in_several_threads_lose_nothing_and_readers_see_no_gap() -> None:
    recent, seen = RecentLines(), 0

    def write() -> None:
        for _ in range(480):
            recent.add("info", "x", "")

    threads = [threading.Thread(target=write) for _ in range(4)]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for entry in recent.entries(seen):
                assert entry.number == seen + 1
                seen = entry.number
        assert [entry.number for entry in recent.entries(0)] == list(range(1, 1921))
    finally:
        sys.setswitchinterval(usual)
        for thread in threads:
            thread.join()
