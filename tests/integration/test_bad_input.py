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
        ((), 2, "not a terminal: use --no-ui"),
        (("--no-ui", "--mode", "dry_run"), 6, "--mode paper"),
        (("--no-ui", "--mode", "live"), 6, "live mode is locked"),
        (("--mode", "fast"), 2, "--mode"),
        (("--demo", "--mode", "live"), 2, "--mode has no meaning with --demo"),
        (("--demo", "--password-file", "x"), 2, "--password-file has no meaning with --demo"),
        (("--seed", "3"), 2, "--seed needs --demo"),
        ((*RUN[:2], "--run-for", "soon"), 2, "--run-for is 'soon'"),
        ((*RUN[:2], "--speed", "0"), 2, "--speed is 0"),
        ((*RUN[:2], "--sandbox", "http://example.com:80"), 2, "on this machine"),
        ((*RUN[:2], "--sandbox", "http://127.0.0.1:9"), 2, "KRAKKED_SANDBOX_KEY"),
        ((*RUN[:2], "--log-format", "xml"), 2, "json"),
        ((*RUN[:2], "--start", "yesterday"), 2, "--start yesterday is not a time"),
        ((*RUN[:2], "--run-for", "99999999999d"), 2, "at most 365d"),
        ((*RUN, "--profile", ".."), 2, "--profile is '..'"),
        ((*RUN, "--profile", ""), 2, "--profile is ''"),
        (("--no-ui", "--profile", "demo"), 2, "belongs to --demo"),
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
    assert "did you mean risk.max_open_positions?" in done.stderr
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


def test_the_demo_never_touches_the_books_of_another_account(tmp_path: Path) -> None:
    urls = {
        "KRAKKED__CONNECTION__REST_URL": "http://127.0.0.1:9",
        "KRAKKED__CONNECTION__WS_PUBLIC_URL": "ws://127.0.0.1:9/v2",
        "KRAKKED__CONNECTION__WS_PRIVATE_URL": "ws://127.0.0.1:9/v2",
    }
    _run(tmp_path, "--no-ui", "--profile", "main", "--run-for", "2s", **urls)
    books = tmp_path / "data" / "main"
    before = {path.name for path in books.iterdir()}
    assert "paper.db" in before
    for more in ((), ("--fresh",)):
        done = _run(tmp_path, *RUN, "--profile", "main", *more)
        assert "not of a demo" in _sentence(done)
        assert done.returncode == 6
    assert {path.name for path in books.iterdir()} == before


def test_everything_a_demo_leaves_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        _start_once(tmp_path)
    finally:
        os.umask(before)
    loose = [str(p) for p in tmp_path.rglob("*") if p.stat().st_mode & 0o077]
    assert loose == []


def test_a_reader_that_goes_away_is_no_internal_error(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "config", "show"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "KRAKKED_HOME": str(tmp_path)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == 1


def test_a_signal_while_it_waits_for_the_exchange_is_an_orderly_end(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "KRAKKED_HOME": str(tmp_path),
        "KRAKKED__CONNECTION__REST_URL": "http://127.0.0.1:9",
        "KRAKKED__CONNECTION__WS_PUBLIC_URL": "ws://127.0.0.1:9/v2",
        "KRAKKED__CONNECTION__WS_PRIVATE_URL": "ws://127.0.0.1:9/v2",
    }
    with subprocess.Popen(
        [*PROGRAM, "--no-ui"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert any('"start_waiting"' in line for line in process.stdout)
        process.terminate()
        rest, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert '"event": "engine_stopped"' in rest.splitlines()[-1]
