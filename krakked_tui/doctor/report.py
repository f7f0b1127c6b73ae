"""The findings on paper: a table for people, JSON for programs."""

import textwrap
from collections.abc import Iterator, Sequence

import msgspec

from krakked_tui.doctor.findings import Finding, Status

WIDTH = 80
WIDTH_MAX = 120
_COUNTED = (
    (Status.PROBLEM, "problem", "problems"),
    (Status.WARNING, "warning", "warnings"),
    (Status.SKIPPED, "not looked at", "not looked at"),
    (Status.OK, "ok", "ok"),
)
_NAMED = frozenset({Status.PROBLEM, Status.WARNING})
_COLOURS = {Status.OK: "32", Status.WARNING: "33", Status.PROBLEM: "1;31", Status.SKIPPED: "2"}
_STATUS_WIDTH = max(map(len, Status)) + 1


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings as a JSON list, one object per finding."""
    return msgspec.json.format(msgspec.json.encode(findings), indent=2).decode()


def as_table(findings: Sequence[Finding], *, colour: bool, width: int = WIDTH) -> str:
    """Return the findings as lines of at most ``width`` columns; commands and paths are never broken."""
    width = min(max(width, WIDTH), WIDTH_MAX)
    lines = _lines(findings, colour=colour, width=width)
    return "\n".join([*lines, "", *_summary(findings, width)])


def _lines(findings: Sequence[Finding], *, colour: bool, width: int) -> Iterator[str]:
    names = max((len(finding.name) for finding in findings), default=0) + 1
    indent = " " * (_STATUS_WIDTH + names)
    for finding in findings:
        status = finding.status.value.ljust(_STATUS_WIDTH)
        if colour:
            status = f"\x1b[{_COLOURS[finding.status]}m{status}\x1b[0m"
        first, *others = _wrapped(finding.detail, width - len(indent)) or [""]
        yield f"{status}{finding.name.replace('_', ' ').ljust(names)}{first}".rstrip()
        yield from (indent + line for line in others)
        if finding.fix:
            arrow = "-> "
            # What begins with a small letter is a command, to be copied as it is.
            whole = finding.fix[0].islower()
            fix = [finding.fix] if whole else _wrapped(finding.fix, width - len(indent) - len(arrow))
            yield from (
                f"{indent}{arrow if number == 0 else ' ' * len(arrow)}{line}"
                for number, line in enumerate(fix)
            )


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _summary(findings: Sequence[Finding], width: int) -> list[str]:
    """Count, and name what needs a look: the table may have scrolled away."""
    parts = []
    for status, one, many in _COUNTED:
        names = [finding.name.replace("_", " ") for finding in findings if finding.status is status]
        named = f" ({', '.join(dict.fromkeys(names))})" if names and status in _NAMED else ""
        parts.append(f"{len(names)} {one if len(names) == 1 else many}{named}")
    return _wrapped(", ".join(parts), width)
