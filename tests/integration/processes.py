"""Real processes: a sandbox, and engines that trade on it."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlencode

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
        found: dict[str, Any] = self._get("_sandbox/state")
        return found

    def now(self) -> datetime:
        """The exchange's time, to the second."""
        return datetime.fromtimestamp(self.public("Time")["unixtime"], UTC)

    def clock(self, **action: object) -> None:
        """Pause, resume or jump the exchange's clock."""
        self._post("clock", action)

    def chaos(self, profile: str) -> None:
        """Have it misbehave by a profile."""
        self._post("faults", {"profile": profile})

    def fault(self, **rule: object) -> None:
        """Let one thing go wrong."""
        self._post("faults", rule)

    def faults(self) -> list[dict[str, Any]]:
        """The rules in force, each with how often it struck."""
        found: list[dict[str, Any]] = self._get("_sandbox/faults")["faults"]
        return found

    def forget_faults(self) -> None:
        """Have it behave."""
        request = urllib.request.Request(f"{self.address['rest']}/_sandbox/faults", method="DELETE")
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    def market(self, **happening: object) -> dict[str, Any]:
        """Let something happen at the exchange; its answer. Raises ``ValueError`` when that cannot be."""
        try:
            answer: dict[str, Any] = json.loads(self._post("market", happening))
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(f"{happening}: {error.read().decode()}") from error
        return answer

    def requests(self, method: str) -> list[dict[str, Any]]:
        """What was asked of it by one method or channel, oldest first."""
        found: list[dict[str, Any]] = self._get("_sandbox/requests", method=method)["requests"]
        return found

    def public(self, method: str, **parameters: object) -> Any:
        """The result of a public REST call."""
        answer = self._get(f"0/public/{method}", **parameters)
        assert not answer["error"], answer["error"]
        return answer["result"]

    def _get(self, path: str, **parameters: object) -> Any:
        query = f"?{urlencode(parameters)}" if parameters else ""
        url = f"{self.address['rest']}/{path}{query}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return json.load(answer)

    def _post(self, what: str, body: object) -> bytes:
        request = urllib.request.Request(
            f"{self.address['rest']}/_sandbox/{what}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            found: bytes = answer.read()
        return found

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
    """A headless engine; a thread reads its log, so that it never waits for whoever looks at it."""

    def __init__(self, sandbox: SandboxProcess, home: Path, *arguments: str, **settings: str) -> None:
        """``settings`` are more variables of its environment."""
        self.process = subprocess.Popen(
            [*PROGRAM, "--demo", "--no-ui", "--sandbox", sandbox.address["rest"], *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=sandbox.environment(home) | settings,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []
        """What has been looked at of the log."""
        self._written: SimpleQueue[str] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, event: str, count: int = 1, seconds: float = PATIENCE) -> dict[str, Any]:
        """Look at the log until an event has come that often."""
        give_up = time.monotonic() + seconds
        while (line := self._next(give_up - time.monotonic())) is not None:
            count -= line["event"] == event
            if not count:
                return line
        stderr = self.process.stderr.read() if self.process.stderr and self.process.poll() is not None else ""
        raise AssertionError(f"{event} did not come; {stderr}; last lines: {self.lines[-3:]}")

    def wait_for_lines(self, count: int) -> None:
        """Look at that many lines of the log."""
        for _ in range(count):
            assert self._next(PATIENCE) is not None, f"no more lines: {self.lines[-3:]}"

    def drain(self, seconds: float) -> None:
        """Look at the log for so long; the engine must not end meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._next(until - time.monotonic())
            assert self._reader.is_alive(), f"the engine ended: {self.lines[-3:]}"

    def events(self, event: str) -> list[dict[str, Any]]:
        """The lines looked at that tell of one event."""
        return [line for line in self.lines if line["event"] == event]

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

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._written.put(line)
        self._written.put("")

    def _next(self, seconds: float) -> dict[str, Any] | None:
        """The next line, None when none comes in time or ever."""
        try:
            line = self._written.get(timeout=max(0.0, seconds))
        except Empty:
            return None
        if not line:
            self._written.put("")
            return None
        self.lines.append(json.loads(line))
        return self.lines[-1]

    def _reap(self) -> None:
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


@contextmanager
def running_engine(
    sandbox: SandboxProcess, home: Path, *arguments: str, **settings: str
) -> Iterator[EngineProcess]:
    """An engine for the length of a block; one that was not stopped in it is killed."""
    engine = EngineProcess(sandbox, home, *arguments, **settings)
    try:
        yield engine
    finally:
        if engine.process.poll() is None:
            engine.kill()


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """Read the profile's database."""
    connection = sqlite3.connect(f"file:{home}/data/demo/krakked.db?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()
