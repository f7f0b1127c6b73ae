"""Secret variables are taken out of the environment and print as a mask."""

import os
import subprocess
import sys

import pytest

from krakked_tui.credentials.environment import (
    API_KEY,
    API_SECRET,
    MASTER_PASSWORD,
    SECRET_NAMES,
    guarded,
    take_from_environment,
)
from tests.unit.credentials.builders import KEY, PASSWORD, PLAIN_TEXTS, SECRET

FULL = {API_KEY: KEY, API_SECRET: SECRET, MASTER_PASSWORD: PASSWORD, "HOME": "/home/me"}


def test_what_is_taken_is_gone_from_where_it_was() -> None:
    environment = dict(FULL)
    taken = take_from_environment(environment)
    assert environment == {"HOME": "/home/me"}
    assert dict(taken) == FULL
    assert len(taken) == 4
    assert take_from_environment(environment).secret(API_KEY) is None


def test_the_process_and_its_children_do_not_have_it_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRET_NAMES:
        monkeypatch.setenv(name, FULL[name])
    taken = take_from_environment(os.environ)
    assert taken.secret(API_SECRET) is not None
    listing = subprocess.run(
        [sys.executable, "-c", "import os; print(os.environ)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    ).stdout
    assert "PATH" in listing
    for text in (*PLAIN_TEXTS, *SECRET_NAMES):
        assert text not in listing
        assert text not in repr(os.environ)


def test_it_prints_without_values() -> None:
    shown = repr(guarded(FULL))
    assert API_KEY in shown
    assert not any(text in shown for text in PLAIN_TEXTS)


def test_it_reads_like_the_environment_it_was_made_of() -> None:
    environment = guarded(FULL)
    assert environment["HOME"] == "/home/me"
    assert environment[API_KEY] == KEY
    assert MASTER_PASSWORD in environment
    assert environment.get("OTHER") is None
    assert guarded(environment) is environment


def test_an_empty_variable_is_none() -> None:
    environment = guarded({API_KEY: ""})
    assert environment.secret(API_KEY) is None
    assert API_KEY in environment
