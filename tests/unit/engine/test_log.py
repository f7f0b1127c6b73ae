"""Log records: ours, and those of adopted loggers."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from krakked_tui.domain.secret import Secret
from krakked_tui.engine.log import EngineLog
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
