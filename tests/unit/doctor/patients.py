"""A healthy machine, exchange and profile, each part of which a test can spoil."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from krakked_tui.config.places import Places, places
from krakked_tui.doctor.context import Context
from krakked_tui.doctor.exchange import Exchange, TimeSample
from krakked_tui.doctor.findings import Finding, Status
from krakked_tui.doctor.opening import Request, open_context
from krakked_tui.doctor.surroundings import DiskSpace
from krakked_tui.domain.access import KeyAudit, Permission
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.ports import StreamState
from krakked_tui.storage.journal import SqliteJournal

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GIGABYTE = 10**9
TMUX = {
    "default-terminal": "tmux-256color",
    "escape-time": "20",
    "focus-events": "on",
    "mouse": "on",
    "terminal-overrides": ",*256col*:RGB",
    "terminal-features": "",
}
ENVIRONMENT = {
    "TERM": "tmux-256color",
    "LANG": "en_US.UTF-8",
    "TMUX": "/tmp/tmux-1000/default,1,0",
    "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22",
}
AUDIT = KeyAudit(
    source="GetApiKeyInfo",
    checked_at=NOW,
    held=tuple(each for each in Permission if each not in {Permission.ADD_FUNDS, Permission.WITHDRAW}),
    name="trading",
    nonce_window=5_000_000_000,
)


class FakeSurroundings:
    """Implements ``Surroundings``: everything is as it should be, until it is told otherwise."""

    def __init__(self, environment: Mapping[str, str], tmux: Mapping[str, str] = TMUX) -> None:
        self.environment = environment
        self.user = 1000
        self.space = DiskSpace(1, 100 * GIGABYTE, 50 * GIGABYTE, 1_000_000, 900_000)
        self.tmux = tmux
        self.commands: dict[tuple[str, ...], str] = {
            ("tmux", "-V"): "tmux 3.4\n",
            ("timedatectl", "show"): "Timezone=UTC\nNTP=yes\nNTPSynchronized=yes\n",
        }

    def now(self) -> datetime:
        return NOW

    def disk(self, path: Path) -> DiskSpace:
        path.stat()
        return self.space

    def run(self, *command: str) -> str | None:
        if command[:3] == ("tmux", "show", "-gv"):
            return self.tmux.get(command[3])
        return self.commands.get(command)

    def is_terminal(self) -> bool:
        return True

    def terminal_size(self) -> tuple[int, int] | None:
        return 120, 40

    def open_files_limit(self) -> int:
        return 4096

    def temporary_directory(self) -> Path:
        return Path("/")

    def python(self) -> tuple[int, int, int]:
        return 3, 12, 1

    def requirements(self) -> Sequence[str]:
        return ["msgspec>=0.20,<1", 'ccxt>=4 ; extra == "interop"']

    def installed(self, distribution: str) -> str | None:
        return {"msgspec": "0.21.0"}.get(distribution)


class FakeExchange:
    """Implements ``Exchange``: online, on time, unless given an answer or an error instead."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def status(self) -> str:
        return str(self._answer("status", "online"))

    async def times(self) -> tuple[TimeSample, ...]:
        answer: tuple[TimeSample, ...] = self._answer("times", (sample(),))
        return answer

    async def greet(self) -> StreamState:
        answer: StreamState = self._answer("greet", StreamState(name="market", connected=True))
        return answer

    async def audit(self, key: ApiKey) -> KeyAudit:
        answer: KeyAudit = self._answer("audit", AUDIT)
        return answer

    def _answer(self, name: str, default: object) -> Any:
        self.asked.append(name)
        answer = self._answers.get(name, default)
        if isinstance(answer, Exception):
            raise answer
        return answer


def sample(offset: float = 0.0, *, round_trip: float = 0.02, speed: float | None = None) -> TimeSample:
    """An answer of an exchange whose clock is ``offset`` seconds ahead of ours, asked at a full second."""
    server = (NOW + timedelta(seconds=offset)).replace(microsecond=0)
    return TimeSample(NOW, NOW + timedelta(seconds=round_trip), server, speed)


def healthy_home(home: Path) -> Places:
    """A profile that an engine has used and left in order."""
    where = places("paper", {"KRAKKED_HOME": str(home)})
    for directory in (
        where.config,
        where.data.parent,
        where.data,
        where.state.parent,
        where.state,
        where.candles,
    ):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(_journal(where.database))
    where.instance.write_text("abc")
    where.instance.chmod(0o600)
    return where


async def _journal(path: Path) -> None:
    journal = await SqliteJournal.open(path, lambda: "abc")
    await journal.load("paper")
    await journal.close()


def patient(
    home: Path,
    surroundings: FakeSurroundings | None = None,
    exchange: Exchange | None = None,
    request: Request | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Context:
    """What the checks are handed for the profile below ``home``."""
    variables = {**ENVIRONMENT, "KRAKKED_HOME": str(home), **environment}
    surroundings = surroundings or FakeSurroundings(variables)
    surroundings.environment = variables
    return open_context(request or Request(profile="paper"), surroundings, exchange or FakeExchange())


def named(findings: Sequence[Finding], name: str) -> Finding:
    """The worst finding of a name; there must be one."""
    order = [Status.PROBLEM, Status.WARNING, Status.OK, Status.SKIPPED]
    return min((each for each in findings if each.name == name), key=lambda each: order.index(each.status))
