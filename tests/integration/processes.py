"""Real processes: a sandbox, and engines that trade on it."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = [sys.executable, "-m", "krakked_tui"]
PATIENCE = 45.0
"""Wall seconds that anything here may take before the test fails."""


class SandboxProcess:
    """A sandbox of its own, with its control port."""

    def __init__(self, *arguments: str) -> None:
        # Its rate limits are tried elsewhere; here they would only make everything slow.
        unlimited = () if "--tier" in arguments else ("--tier", "none", "--public-rate", "0")
        self.process = subprocess.Popen(
            [*PROGRAM, "sandbox", *unlimited, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.process.stdout is not None
        self.address: dict[str, str] = json.loads(self.process.stdout.readline())

    def state(self) -> dict[str, Any]:
        """The exchange's truth."""
        with urllib.request.urlopen(f"{self.address['rest']}/_sandbox/state", timeout=PATIENCE) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def clock(self, **action: object) -> None:
        """Pause, resume or jump the exchange's clock."""
        self._post("clock", action)

    def chaos(self, profile: str) -> None:
        """Have it misbehave by a profile."""
        self._post("faults", {"profile": profile})

    def forget_faults(self) -> None:
        """Have it behave."""
        request = urllib.request.Request(f"{self.address['rest']}/_sandbox/faults", method="DELETE")
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    def _post(self, what: str, body: object) -> None:
        request = urllib.request.Request(
            f"{self.address['rest']}/_sandbox/{what}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    def environment(self, home: Path) -> dict[str, str]:
        """What an engine needs to trade here, with its state below ``home``."""
        return {
            **os.environ,
            "KRAKKED_HOME": str(home),
            "KRAKKED_SANDBOX_KEY": self.address["api_key"],
            "KRAKKED_SANDBOX_SECRET": self.address["api_secret"],
            "KRAKKED__CONNECTION__REST_URL": self.address["rest"],
            "KRAKKED__CONNECTION__TIER": "none",
        }

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def running_sandbox_process(*arguments: str) -> Iterator[SandboxProcess]:
    """A sandbox process for the length of a test."""
    sandbox = SandboxProcess(*arguments)
    try:
        yield sandbox
    finally:
        sandbox.close()


class EngineProcess:
    """A headless engine; its log lines are read as they come."""

    def __init__(self, sandbox: SandboxProcess, home: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, "--demo", "--no-ui", "--sandbox", sandbox.address["rest"], *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=sandbox.environment(home),
            text=True,
        )
        self.lines: list[dict[str, Any]] = []

    def wait_for(self, event: str, count: int = 1) -> dict[str, Any]:
        """Read the log until an event has come that often."""
        assert self.process.stdout is not None
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            line = self.process.stdout.readline()
            if not line:
                break
            self.lines.append(json.loads(line))
            if self.lines[-1]["event"] == event:
                count -= 1
                if not count:
                    return self.lines[-1]
        stderr = self.process.stderr.read() if self.process.stderr and self.process.poll() is not None else ""
        raise AssertionError(f"{event} did not come; {stderr}; last lines: {self.lines[-3:]}")

    def wait_for_lines(self, count: int) -> None:
        """Read that many lines of the log."""
        assert self.process.stdout is not None
        for _ in range(count):
            self.lines.append(json.loads(self.process.stdout.readline()))

    def drain(self, seconds: float) -> None:
        """Read the log for so long; the engine must not end meanwhile."""
        assert self.process.stdout is not None
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            line = self.process.stdout.readline()
            assert line, f"the engine ended: {self.lines[-3:]}"
            self.lines.append(json.loads(line))

    def kill(self) -> None:
        """End it as the operating system would: no handler runs."""
        self.process.kill()
        self._reap()

    def stop(self) -> dict[str, Any]:
        """SIGTERM; returns the summary."""
        self.process.send_signal(signal.SIGTERM)
        summary = self.wait_for("engine_stopped")
        self._reap()
        assert self.process.returncode == 0
        return summary

    def _reap(self) -> None:
        self.process.communicate(timeout=PATIENCE)


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """Read the profile's database."""
    connection = sqlite3.connect(f"file:{home}/data/demo/krakked.db?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()
