"""Bad input: one clear sentence on standard error, the right exit code, nothing lost."""

import os
import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.integration.processes import PATIENCE, PROGRAM, running_sandbox_process

RUN = ("--demo", "--no-ui", "--run-for", "1s")


def _run(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False,
        stdin=subprocess.DEVNULL, env={**os.environ, "KRAKKED_HOME": str(home), **environment},
    )  # fmt: skip


def _start_once(home: Path, *arguments: str) -> None:
    """Run a demo until it trades."""
    with subprocess.Popen(
        [*PROGRAM, "--demo", "--no-ui", *arguments], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "KRAKKED_HOME": str(home)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert any('"engine_started"' in line for line in process.stdout)
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def _sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert lines, done.stdout
    assert lines[0].startswith("krakked-tui: ")
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--demo", "--no-iu"), 2, "--no-iu"),
        (("--demo",), 2, "not a terminal: use --no-ui"),
        ((), 6, "--demo"),
        (("--seed", "3"), 2, "--seed needs --demo"),
        ((*RUN[:2], "--run-for", "soon"), 2, "--run-for is 'soon'"),
        ((*RUN[:2], "--speed", "0"), 2, "--speed is 0"),
        ((*RUN[:2], "--sandbox", "http://example.com:80"), 2, "on this machine"),
        ((*RUN[:2], "--sandbox", "http://127.0.0.1:9"), 2, "KRAKKED_SANDBOX_KEY"),
        ((*RUN[:2], "--log-format", "xml"), 2, "json or console"),
        ((*RUN[:2], "--start", "yesterday"), 2, "--start yesterday is not a time"),
        ((*RUN[:2], "--run-for", "99999999999d"), 2, "at most 365d"),
        ((*RUN, "--profile", ".."), 2, "--profile is '..'"),
        ((*RUN, "--profile", "Demo"), 2, "a to z"),
        ((*RUN, "--fresh", "--sandbox", "http://127.0.0.1:9"), 2, "not ours to forget"),
        (("sandbox", "--host", "0.0.0.0"), 6, "loopback"),
        (("sandbox", "--balance", "lots"), 2, "ASSET=AMOUNT"),
        ((*RUN[:2], "--config", "/nowhere/config.toml"), 4, "/nowhere/config.toml does not exist"),
    ],
)
def test_the_command_line(tmp_path: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = _run(tmp_path, *arguments)
    assert words in _sentence(done)
    assert done.returncode == code


def test_a_bad_configuration_reports_everything_at_once(tmp_path: Path) -> None:
    config = tmp_path / "config" / "config.toml"
    config.parent.mkdir()
    config.write_text("[risk]\nmax_open_position = 3\n[execution]\ndeadline_seconds = -1\n")
    done = _run(tmp_path, *RUN)
    assert done.returncode == 4
    assert "did you mean max_open_positions?" in done.stderr
    assert "execution.deadline_seconds is -1" in done.stderr
    assert str(config) in done.stderr
    assert not (tmp_path / "data").exists(), "nothing starts on a bad configuration"


def test_a_busy_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = _run(tmp_path, "sandbox", "--port", port)
    assert port in _sentence(done)
    assert done.returncode == 6


def test_an_unwritable_directory(tmp_path: Path) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("a file where a directory should be")
    done = _run(blocked, *RUN)
    assert str(blocked) in _sentence(done)
    assert done.returncode == 1


def test_a_database_from_a_newer_version_is_left_as_it_is(tmp_path: Path) -> None:
    _start_once(tmp_path)
    path = tmp_path / "data" / "demo" / "krakked.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    done = _run(tmp_path, *RUN)
    assert "99" in _sentence(done)
    assert "newer" in done.stderr
    assert done.returncode == 1
    assert path.read_bytes() == before


def test_a_second_engine_on_the_same_profile(tmp_path: Path) -> None:
    first = subprocess.Popen(
        [*PROGRAM, "--demo", "--no-ui"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "KRAKKED_HOME": str(tmp_path)},
    )  # fmt: skip
    try:
        assert first.stdout is not None
        first.stdout.readline()
        done = _run(tmp_path, *RUN)
        assert "another Krakked" in _sentence(done)
        assert str(first.pid) in done.stderr
        assert done.returncode == 6
    finally:
        first.terminate()
        first.communicate(timeout=PATIENCE)


def test_another_seed_for_an_existing_demo_is_refused_with_the_way_out(tmp_path: Path) -> None:
    _start_once(tmp_path, "--seed", "3")
    data = tmp_path / "data" / "demo"
    (data / "notes.db").write_text("mine")
    other = tmp_path / "data" / "candles" / "sandbox-other" / "tail.db"
    other.parent.mkdir(parents=True)
    other.write_text("another's")
    done = _run(tmp_path, *RUN[:2], "--seed", "4")
    assert done.returncode == 6
    assert "seed" in _sentence(done)
    assert "--fresh" in done.stderr
    _start_once(tmp_path, "--seed", "4", "--fresh")
    assert (tmp_path / "data" / "candles" / "sandbox-4" / "tail.db").exists()
    assert (data / "notes.db").read_text() == "mine"
    assert other.read_text() == "another's"


def test_a_start_that_is_stopped_before_its_end_says_what_it_waited_for(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        keys = {"KRAKKED_SANDBOX_KEY": "key", "KRAKKED_SANDBOX_SECRET": "c2VjcmV0"}
        done = _run(tmp_path, *RUN, "--sandbox", url, **keys)
    assert "stopped before it could start: " in _sentence(done)
    assert done.returncode == 1


def test_a_key_that_the_exchange_refuses(tmp_path: Path) -> None:
    with running_sandbox_process() as sandbox:
        environment = {**sandbox.environment(tmp_path), "KRAKKED_SANDBOX_KEY": "wrong"}
        done = _run(tmp_path, "--demo", "--no-ui", "--sandbox", sandbox.address["rest"], **environment)
    assert "check the key" in _sentence(done)
    assert done.returncode == 1


def test_a_screen_needs_standard_error(tmp_path: Path) -> None:
    ours, terminal = os.openpty()
    try:
        done = subprocess.run(
            [*PROGRAM, "--demo"], stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, text=True,
            timeout=PATIENCE, check=False, env={**os.environ, "KRAKKED_HOME": str(tmp_path)},
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(terminal)
    assert "standard error is not a terminal" in _sentence(done)
    assert done.returncode == 2
