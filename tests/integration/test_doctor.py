"""``krakked-tui doctor`` as a process: against a real sandbox, with things really broken."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from krakked_tui.engine.clock import utc_now
from krakked_tui.storage.files import FileLock
from tests.integration.processes import (
    PATIENCE,
    PROGRAM,
    EngineProcess,
    SandboxProcess,
    running_sandbox_process,
)

DOCTOR = [*PROGRAM, "doctor"]
Findings = dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    """A sandbox whose clock is ours."""
    with _sandbox_in_our_time() as running:
        yield running


@contextmanager
def _sandbox_in_our_time(ahead: float = 0.0) -> Iterator[SandboxProcess]:
    start = utc_now() + timedelta(seconds=ahead)
    with running_sandbox_process("--speed", "1", "--start", start.isoformat()) as running:
        # Its clock starts when it does, which is a moment after it was told when that is.
        running.clock(action="jump", to=(utc_now() + timedelta(seconds=ahead)).isoformat())
        yield running


def _environment(sandbox: SandboxProcess, home: Path) -> dict[str, str]:
    inherited = {name: text for name, text in os.environ.items() if name not in {"TMUX", "STY", "SSH_TTY"}}
    return {
        **inherited,
        "KRAKKED_HOME": str(home),
        "KRAKKED__CONNECTION__REST_URL": sandbox.address["rest"],
        "KRAKKED__CONNECTION__WS_PUBLIC_URL": sandbox.address["ws_public"],
        "KRAKKED__CONNECTION__WS_PRIVATE_URL": sandbox.address["ws_private"],
        "KRAKKED__CONNECTION__TIER": "none",
        "KRAKKED__CONNECTION__PUBLIC_CALLS_PER_SECOND": "100",
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "SSH_CONNECTION": "",
    }


def _run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DOCTOR, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False,
        stdin=subprocess.DEVNULL, env=environment,
    )  # fmt: skip


def _findings(environment: dict[str, str], *arguments: str) -> tuple[int, Findings]:
    done = _run(environment, "--json", *arguments)
    assert done.stderr == ""
    found: Findings = {}
    for row in json.loads(done.stdout):
        found.setdefault(row["name"], []).append(row)
    return done.returncode, found


def _bad(found: Findings) -> set[str]:
    return {
        name for name, rows in found.items() if any(row["status"] in {"warning", "problem"} for row in rows)
    }


def test_a_healthy_profile(sandbox: SandboxProcess, tmp_path: Path) -> None:
    environment = _environment(sandbox, tmp_path)
    keys = {"KRAKEN_API_KEY": sandbox.address["api_key"], "KRAKEN_API_SECRET": sandbox.address["api_secret"]}
    code, found = _findings({**environment, **keys})
    # What the machine of the tests is short of is not the program's doing.
    assert _bad(found) <= {"disk", "inodes", "open_files", "time_sync"}
    assert code == int(any(row["status"] == "problem" for rows in found.values() for row in rows))
    for name in ("exchange", "clock", "websocket", "key", "key_permissions", "configuration", "lock"):
        assert [row["status"] for row in found[name]] == ["ok"], found[name]
    shown = json.dumps(found) + _run({**environment, **keys}).stdout
    for secret in keys.values():
        assert secret not in shown


def _loose(home: Path) -> str:
    directory = home / "state" / "paper"
    directory.mkdir(mode=0o700, parents=True)
    directory.chmod(0o777)
    return f"chmod 700 {directory}"


def _stale_lock(home: Path) -> str:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom krakked_tui.storage.files import FileLock\n"
        "lock = FileLock(Path(sys.argv[1]), 'used')\nos.kill(os.getpid(), 9)"
    )
    path = home / "state" / "paper" / "engine.lock"
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=PATIENCE)
    assert killed.returncode == -9
    return "Nothing needs to be done"


def _bad_configuration(home: Path) -> str:
    (home / "config").mkdir(mode=0o700)
    (home / "config" / "config.toml").write_text("[risk]\nmax_open_position = 3\n")
    (home / "config" / "config.toml").chmod(0o600)
    return str(home / "config")


@pytest.mark.parametrize(
    ("sabotage", "name", "code"),
    [(_loose, "permissions", 1), (_stale_lock, "lock", 0), (_bad_configuration, "configuration", 4)],
)
def test_a_sabotaged_profile_is_found_with_its_fix(
    sandbox: SandboxProcess, tmp_path: Path, sabotage: Callable[[Path], str], name: str, code: int
) -> None:
    fix = sabotage(tmp_path)
    exit_code, found = _findings(_environment(sandbox, tmp_path), "--offline")
    assert exit_code == code
    assert name in _bad(found)
    assert any(fix in row["fix"] for row in found[name])


def test_a_clock_that_is_ten_seconds_off(tmp_path: Path) -> None:
    with _sandbox_in_our_time(ahead=10.0) as ahead:
        environment = _environment(ahead, tmp_path)
        code, found = _findings(environment)
        table = _run(environment).stdout
    assert code == 1
    [clock] = found["clock"]
    assert clock["status"] == "problem"
    assert "behind the exchange's" in clock["detail"]
    assert "timedatectl" in clock["fix"]
    assert "problem clock" in table
    assert "1 problem (clock" in table
    assert max(map(len, table.splitlines())) <= 80 + len(str(tmp_path))


def test_a_sandbox_that_keeps_its_own_time(tmp_path: Path) -> None:
    with running_sandbox_process("--speed", "60") as fast:
        _, found = _findings(_environment(fast, tmp_path))
    [clock] = found["clock"]
    assert clock["status"] == "ok"
    assert "runs 60 times as fast" in clock["detail"]


def test_tmux_without_256_colours(sandbox: SandboxProcess, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "tmux"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        '-V) echo "tmux 3.3a";;\n'
        "*default-terminal) echo screen;;\n"
        "*escape-time) echo 500;;\n"
        "*) exit 1;;\n"
        "esac\n"
    )
    program.chmod(0o700)
    inside = {"TMUX": "/tmp/none,1,0", "TERM": "screen", "PATH": f"{program.parent}:{os.environ['PATH']}"}
    code, found = _findings({**_environment(sandbox, tmp_path), **inside}, "--offline")
    assert code == 0
    assert {"tmux_colours", "tmux_escape_time", "colours"} <= _bad(found)
    assert "tmux without 256 colours" in found["tmux_colours"][0]["detail"]
    assert 'set -g default-terminal "tmux-256color"' in found["tmux_colours"][0]["fix"]
    assert "set -sg escape-time 20" in found["tmux_escape_time"][0]["fix"]


def test_an_exchange_that_is_not_there(tmp_path: Path) -> None:
    with running_sandbox_process() as gone:
        environment = _environment(gone, tmp_path)
    code, found = _findings(environment)
    assert code == 1
    assert "nothing listens there" in found["exchange"][0]["detail"]
    assert "krakked-tui sandbox" in found["exchange"][0]["fix"]
    assert found["clock"][0]["status"] == "skipped"
    assert found["websocket"][0]["status"] == "problem"


def test_a_key_that_the_exchange_does_not_know(sandbox: SandboxProcess, tmp_path: Path) -> None:
    keys = {"KRAKEN_API_KEY": "somebody-elses-key", "KRAKEN_API_SECRET": sandbox.address["api_secret"]}
    code, found = _findings({**_environment(sandbox, tmp_path), **keys})
    assert code == 1
    assert "the exchange refuses the key" in found["key"][0]["detail"]
    assert "Invalid key" in found["key"][0]["detail"]


def test_a_running_engine_is_seen_and_left_alone(sandbox: SandboxProcess, tmp_path: Path) -> None:
    engine = EngineProcess(sandbox, tmp_path)
    try:
        engine.wait_for("engine_started")
        environment = {**sandbox.environment(tmp_path), **_environment(sandbox, tmp_path)}
        _, found = _findings(environment, "--profile", "demo")
        assert found["lock"][0]["detail"].endswith(f"(process {engine.process.pid})")
        for name in ("database", "instance", "candles"):
            assert [row["status"] for row in found[name]] == ["ok"], found[name]
        assert engine.process.poll() is None
    finally:
        summary: dict[str, Any] = engine.stop()
    assert summary["event"] == "engine_stopped"


def test_what_a_lock_of_another_process_says(sandbox: SandboxProcess, tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "state" / "paper" / "engine.lock", "used")
    _, found = _findings(_environment(sandbox, tmp_path), "--offline")
    lock.release()
    assert f"(process {os.getpid()})" in found["lock"][0]["detail"]
