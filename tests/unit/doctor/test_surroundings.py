"""The real machine: commands with a time limit, and no secret of ours in their environment."""

import os
from pathlib import Path

import pytest

from krakked_tui.doctor.surroundings import OUTPUT_CHARS_MAX, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(
        {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "KRAKEN_API_KEY": "k", "TMUX": "here"}
    )


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)


def test_a_command_is_found_by_the_path_it_is_given_and_never_sees_our_secrets(
    machine: Machine, tmp_path: Path
) -> None:
    script(tmp_path / "tmux", 'echo "$1 $TMUX [$KRAKEN_API_KEY]"')
    assert machine.run("tmux", "-V") == "-V here []\n"


def test_a_command_that_is_missing_fails_or_floods_does_no_harm(machine: Machine, tmp_path: Path) -> None:
    script(tmp_path / "fails", "echo no; exit 1")
    script(tmp_path / "floods", "head -c 100000 /dev/zero | tr '\\0' '\\377'")
    assert machine.run("no-such-command-anywhere") is None
    assert machine.run("fails") is None
    assert len(machine.run("floods") or "") == OUTPUT_CHARS_MAX


def test_a_command_that_hangs_is_given_up(machine: Machine, tmp_path: Path) -> None:
    script(tmp_path / "hangs", "exec sleep 60")
    assert Machine(machine.environment, command_seconds=0.1).run("hangs") is None


def test_facts_of_this_machine(machine: Machine, tmp_path: Path) -> None:
    space = machine.disk(tmp_path)
    assert 0 < space.free <= space.total
    assert machine.installed("msgspec")
    assert machine.installed("no-such-library-anywhere") is None
    assert any(line.startswith("msgspec") for line in machine.requirements())
    assert machine.python() >= (3, 11)
    assert machine.open_files_limit() != 0
    assert machine.temporary_directory().is_dir()
    assert machine.now().tzinfo is not None
    assert not machine.is_terminal()
    assert machine.terminal_size() is None
    assert machine.user == tmp_path.stat().st_uid
