"""The machine around the program, as far as checks look at it."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Protocol

import msgspec

from krakked_tui.engine.clock import utc_now

COMMAND_SECONDS = 2.0
"""How long a command may take."""
OUTPUT_CHARS_MAX = 20_000


class DiskSpace(msgspec.Struct, frozen=True):
    """One file system. Bytes and inodes; ``free`` is what we may use; no inodes are counted as 0."""

    device: int
    total: int
    free: int
    inodes: int = 0
    inodes_free: int = 0


class Surroundings(Protocol):
    """What checks ask of the machine. Safe to use from several threads."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables."""
        ...

    @property
    def user(self) -> int:
        """Who we are."""
        ...

    def now(self) -> datetime:
        """The machine's clock, UTC."""
        ...

    def disk(self, path: Path) -> DiskSpace:
        """The file system of an existing path. Raises ``OSError``."""
        ...

    def run(self, *command: str) -> str | None:
        """What a command prints; None when there is no such command, it fails or takes too long."""
        ...

    def is_terminal(self) -> bool:
        """Whether somebody looks at what we print, and can answer."""
        ...

    def terminal_size(self) -> tuple[int, int] | None:
        """Columns and lines; None without a terminal."""
        ...

    def open_files_limit(self) -> int:
        """How many files and connections we may have open; -1 for no limit."""
        ...

    def temporary_directory(self) -> Path:
        """Where temporary files go. Raises ``OSError`` when there is no place for them."""
        ...

    def python(self) -> tuple[int, int, int]:
        """The version of Python."""
        ...

    def requirements(self) -> Sequence[str]:
        """What the installed program says it needs, such as ``msgspec>=0.20``; empty if not installed."""
        ...

    def installed(self, distribution: str) -> str | None:
        """The version of a library; None when it is missing."""
        ...


class Machine:
    """``Surroundings``: the real ones."""

    def __init__(self, environment: Mapping[str, str], command_seconds: float = COMMAND_SECONDS) -> None:
        self._command_seconds = command_seconds
        self.environment: Mapping[str, str] = environment
        self.user = os.getuid()

    def now(self) -> datetime:
        """See ``Surroundings``."""
        return utc_now()

    def disk(self, path: Path) -> DiskSpace:
        """See ``Surroundings``."""
        about = os.statvfs(path)
        return DiskSpace(
            device=path.stat().st_dev,
            total=about.f_blocks * about.f_frsize,
            free=about.f_bavail * about.f_frsize,
            inodes=about.f_files,
            inodes_free=about.f_favail,
        )

    def run(self, *command: str) -> str | None:
        """See ``Surroundings``."""
        program = shutil.which(command[0], path=self.environment.get("PATH", os.defpath))
        if program is None:
            return None
        try:
            done = subprocess.run(  # noqa: S603 - only commands that checks name, none from outside
                [program, *command[1:]],
                capture_output=True,
                check=True,
                encoding="utf-8",
                env=_harmless(self.environment),
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=self._command_seconds,
            )
        except (OSError, ValueError, subprocess.SubprocessError):
            return None
        return done.stdout[:OUTPUT_CHARS_MAX]

    def is_terminal(self) -> bool:
        """See ``Surroundings``."""
        return sys.stdin.isatty() and sys.stdout.isatty()

    def terminal_size(self) -> tuple[int, int] | None:
        """See ``Surroundings``."""
        try:
            columns, lines = os.get_terminal_size(sys.stdout.fileno())
        except (OSError, ValueError):
            return None
        return columns, lines

    def open_files_limit(self) -> int:
        """See ``Surroundings``."""
        soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        return -1 if soft == resource.RLIM_INFINITY else soft

    def temporary_directory(self) -> Path:
        """See ``Surroundings``."""
        return Path(tempfile.gettempdir())

    def python(self) -> tuple[int, int, int]:
        """See ``Surroundings``."""
        return sys.version_info[:3]

    def requirements(self) -> Sequence[str]:
        """See ``Surroundings``."""
        try:
            return metadata.requires("krakked-tui") or ()
        except metadata.PackageNotFoundError:
            return ()

    def installed(self, distribution: str) -> str | None:
        """See ``Surroundings``."""
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            return None


def _harmless(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what is ours: other programs get no key and no password."""
    return {name: text for name, text in environment.items() if not name.startswith(("KRAKEN_", "KRAKKED_"))}
