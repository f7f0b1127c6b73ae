"""What is wrong with a configuration: findings that are collected, and shown without harm."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import pairwise

import msgspec

from krakked_tui.domain.errors import ConfigError

Path = tuple[str, ...]
"""A key with the tables it lies in."""

TEXT_MAX = 360
KEY_MAX = 80
ORIGIN_MAX = 160
VALUE_MAX = 60
PROBLEMS_MAX = 100
"""Problems that are told; of more, only their number is."""

MASK = "***"
_RUN = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_RUN_IN_PATH = re.compile(r"[A-Za-z0-9+]{40,}={0,2}")
_KEY_LENGTHS = (range(54, 59), range(84, 91))
"""Kraken's keys have 56 characters and its secrets 88: these, and what was copied a little wrong."""


def looks_like_a_key(text: str) -> bool:
    """Say whether a text holds what looks like an API key or secret of Kraken, whole or nearly."""
    return any(_is_key(found.group()) for found in _RUN.finditer(text))


def _is_key(run: str) -> bool:
    lengths = {len(run), len(run.rstrip("="))}
    return any(length in near for length in lengths for near in _KEY_LENGTHS) and _is_random(run)


def _is_random(text: str) -> bool:
    """Tell a random text from a path or words of the same length: its kinds of characters alternate."""
    kinds = ["0" if char.isdigit() else "A" if char.isupper() else "a" for char in text if char.isalnum()]
    changes = sum(kind != following for kind, following in pairwise(kinds))
    return set(kinds) == {"0", "A", "a"} and 3 * changes > len(kinds)


def masked(text: str) -> str:
    """Return a text without what could be a part of a key or secret."""
    return _RUN.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    run = found.group()
    return MASK if any(c.isupper() for c in run) and any(c.islower() for c in run) else run


def printable(text: str, limit: int) -> str:
    """Return text from outside so that it is safe to show: one line, printable, bounded."""
    shown = "".join(char if char.isprintable() else "?" for char in text[:limit])
    return f"{shown}..." if len(text) > limit else shown


def dotted(path: Path) -> str:
    """Write a key as ``section.key``; a part that could be a secret is masked."""
    return printable(".".join(MASK if _RUN.search(part) else part for part in path), KEY_MAX)


def shown(value: object) -> str:
    """Write a value as TOML would, cut to a length; the content of lists and tables is left out."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{printable(masked(value), VALUE_MAX)}"'
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
        case int() if abs(value) >= 10**VALUE_MAX:
            return f"a number of more than {VALUE_MAX} digits"
    return printable(str(value), VALUE_MAX)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``name`` most likely means."""
    close = get_close_matches(name[:VALUE_MAX].lower(), list(known), n=1)
    return close[0] if close else None


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong: the dotted key, where its value comes from, and what to do instead.

    ``key`` is empty when a file as a whole cannot be read; ``origin`` when nothing given is to blame.
    """

    key: str
    origin: str
    text: str

    @classmethod
    def safe(cls, path: Path, origin: str, text: str) -> "Problem":
        """Make a problem of texts that may hold anything: it is safe to show."""
        told = printable(masked(text), TEXT_MAX)
        # The directories of a path are words of their own.
        run = _RUN if origin.startswith("environment ") else _RUN_IN_PATH
        return cls(dotted(path), printable(run.sub(_mask, origin), ORIGIN_MAX), told)

    def __str__(self) -> str:
        start = f"{self.origin}: " if self.origin else ""
        return f"{start}{self.key} {self.text}" if self.key else f"{start}{self.text}"


class InvalidConfigError(ConfigError):
    """A configuration that nothing starts on. ``findings`` are its problems in parts."""

    def __init__(self, findings: Iterable[Problem]) -> None:
        self.findings = tuple(findings)
        super().__init__([str(problem) for problem in self.findings])


class Findings:
    """Collects problems, up to a bound."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._left_out = 0

    @property
    def full(self) -> bool:
        """Whether further problems are only counted."""
        return len(self._problems) >= PROBLEMS_MAX

    def add(self, path: Path, origin: str, text: str) -> None:
        """Take in a problem; its texts are made safe to show."""
        if self.full:
            self._left_out += 1
            return
        self._problems.append(Problem.safe(path, origin, text))

    def refuse_any(self) -> None:
        """Raise ``InvalidConfigError`` with all that was found, if anything was."""
        problems = list(self._problems)
        if self._left_out:
            problems.append(Problem("", "", f"and {self._left_out} more problems"))
        if problems:
            raise InvalidConfigError(problems)
