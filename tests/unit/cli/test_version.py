"""The ``version`` command."""

import json
import platform

import pytest

from krakked_tui import __version__
from krakked_tui.cli.version import version

NAMES = [
    "krakked-tui", "database_schema", "candle_schema", "paper_schema", "python", "textual", "polars",
    "sqlite", "platform",
]  # fmt: skip


def test_it_names_all_that_matters(capsys: pytest.CaptureFixture[str]) -> None:
    version(json=True)
    facts = json.loads(capsys.readouterr().out)
    assert list(facts) == NAMES
    assert facts["krakked-tui"] == __version__
    assert facts["python"] == platform.python_version()
    assert int(facts["database_schema"]) >= 1
    assert all(facts.values())


def test_for_people_it_is_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    version()
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[0] for line in lines] == [name.replace("_", " ") for name in NAMES]
