"""Engines on a local Kraken that take commands, and the strategies they are given."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import msgspec

from krakked_tui.control.commands import Answer, Command
from tests.integration.processes import PATIENCE, EngineProcess, SandboxProcess
from tests.integration.strategy_engine import FAILURES

LOOK_SECONDS = 0.05
_ENGINE = [sys.executable, "-m", "tests.integration.strategy_engine"]


class DeskProcess(EngineProcess):
    """A headless engine with an operator."""

    def __init__(self, sandbox: SandboxProcess, home: Path) -> None:
        self.process = subprocess.Popen(
            [*_ENGINE, sandbox.address["rest"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=sandbox.environment(home),
            text=True,
        )
        self.lines = []
        self._written = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def tell(self, command: Command) -> Answer:
        """Send a command and wait for its answer."""
        return msgspec.json.decode(self._ask(msgspec.json.encode(command).decode()), type=Answer)

    def failures(self) -> dict[str, str]:
        """What the operator is shown of failed strategies, by id; asking has a new picture made."""
        return msgspec.json.decode(self._ask(FAILURES), type=dict[str, str])

    def _ask(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.process.stderr.readline()

    @property
    def ended(self) -> bool:
        """Whether it was ended, and everything read."""
        return self.process.stdout is None or self.process.stdout.closed

    def _reap(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        super()._reap()


def wait_until(
    engine: EngineProcess, event: str, count: int = 1, seconds: float = PATIENCE, **fields: object
) -> dict[str, Any]:
    """Look at the log until an event with these fields has come that often, what was seen before included."""
    give_up, seen = time.monotonic() + seconds, 0
    while True:
        for line in engine.lines[seen:]:
            count -= line["event"] == event and fields.items() <= line.items()
            if not count:
                return line
        seen = len(engine.lines)
        while len(engine.lines) == seen:
            assert time.monotonic() < give_up, f"{event} {fields} did not come: {engine.lines[-3:]}"
            engine.drain(LOOK_SECONDS)


@contextmanager
def running_desk(sandbox: SandboxProcess, home: Path) -> Iterator[DeskProcess]:
    """An engine for the length of a block; one that was not stopped in it is killed."""
    desk = DeskProcess(sandbox, home)
    try:
        yield desk
    finally:
        if not desk.ended:
            desk.kill()


def write_home(home: Path, config: str, strategies: Mapping[str, str] | None = None) -> None:
    """Make a home with the demo's configuration and files of strategies, by name."""
    directory = home / "config" / "strategies"
    directory.mkdir(parents=True)
    (home / "config" / "config.demo.toml").write_text(config)
    for name, source in (strategies or {}).items():
        (directory / f"{name}.py").write_text(source)
