"""Log records: ours, and those of adopted loggers."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from krakked_tui.engine.log import EngineLog
from krakked_tui.engine.settings import LoggingSettings


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _break(secret: str) -> None:
    local = secret
    raise ValueError(f"broken after {len(local)} letters")


def test_adopted_loggers_write_to_the_file_only_until_the_log_closes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "krakked.log"
    log = EngineLog(path, LoggingSettings(), to_stdout=False, context={"profile": "demo"})
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
