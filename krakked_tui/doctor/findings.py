"""What a check found."""

from enum import StrEnum

import msgspec


class Status(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"
    """Not looked at; the detail says why."""


class Finding(msgspec.Struct, frozen=True):
    """One line of the report. ``name`` is stable.

    ``fix`` is what to do: a sentence, or just a command, which begins with a small letter; or nothing.
    """

    name: str
    status: Status
    detail: str
    fix: str = ""


def ok(name: str, detail: str) -> Finding:
    """All is well."""
    return Finding(name, Status.OK, detail)


def warning(name: str, detail: str, fix: str) -> Finding:
    """It works, but something will bite sooner or later."""
    return Finding(name, Status.WARNING, detail, fix)


def problem(name: str, detail: str, fix: str) -> Finding:
    """It does not work, or must not be left like this."""
    return Finding(name, Status.PROBLEM, detail, fix)


def skipped(name: str, why: str) -> Finding:
    """Nobody looked."""
    return Finding(name, Status.SKIPPED, why)
