"""What is wrong with a configuration: findings that are collected, and shown without harm."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

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

_KEY_OF_KRAKEN = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{56}(?![A-Za-z0-9+/=])")
_SECRET_OF_KRAKEN = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==")


def looks_like_a_key(text: str) -> bool:
    """Say whether a text holds what looks like an API key or secret of Kraken."""
    if _SECRET_OF_KRAKEN.search(text):
        return True
    return any(_is_mixed(found.group()) for found in _KEY_OF_KRAKEN.finditer(text))


def _is_mixed(text: str) -> bool:
    """Tell a random text from a path or a word of the same length."""
    return (
        any(c.isdigit() for c in text) and any(c.isupper() for c in text) and any(c.islower() for c in text)
    )


def printable(text: str, limit: int) -> str:
    """Return text from outside so that it is safe to show: one line, printable, bounded."""
    shown = "".join(char if char.isprintable() else "?" for char in text[:limit])
    return f"{shown}..." if len(text) > limit else shown


def dotted(path: Path) -> str:
    """Write a key as ``section.key``; a part that could be a secret is masked."""
    return printable(".".join("***" if looks_like_a_key(part) else part for part in path), KEY_MAX)


def shown(value: object) -> str:
    """Write a value as TOML would, cut to a length; the content of lists and tables is left out."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{printable(value, VALUE_MAX)}"'
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
        self._problems.append(Problem(dotted(path), printable(origin, ORIGIN_MAX), printable(text, TEXT_MAX)))

    def refuse_any(self) -> None:
        """Raise ``InvalidConfigError`` with all that was found, if anything was."""
        problems = list(self._problems)
        if self._left_out:
            problems.append(Problem("", "", f"and {self._left_out} more problems"))
        if problems:
            raise InvalidConfigError(problems)
