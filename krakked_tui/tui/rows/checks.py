"""The answers of limits, one line each: in what-ifs and behind decisions."""

from collections.abc import Sequence

from krakked_tui.control.risk_view import CheckLine, WhatIf
from krakked_tui.tui.rows.amounts import FLAG, amount, short, verdict
from krakked_tui.tui.rows.line import (
    EMPTY,
    Cell,
    Column,
    Line,
    Look,
    Row,
    Span,
    header_line,
    place,
    row_line,
    wrap,
)
from krakked_tui.tui.rows.numbers import NOTHING, quantity, usd
from krakked_tui.tui.rows.risk_words import words

_COLUMNS = (
    Column("LIMIT", 18, most=28),
    Column("", 7),
    Column("NOW", 11, number=True),
    Column("WOULD BE", 11, number=True),
    Column("LIMIT", 11, number=True),
    Column("LEFT", 8, number=True, most=11),
)
_INDENT = "  "


def check_lines(checks: Sequence[CheckLine], width: int) -> list[Line]:
    """Return a line per limit, what stopped something first; below it its reason."""
    placed = place(_COLUMNS, width)
    ordered = sorted(checks, key=lambda check: _RANK.get(check.verdict, 0))
    lines = [header_line(placed, "LIMIT")]
    for check in ordered:
        lines.append(row_line(_row(check), placed))
        if check.verdict != "ok" and check.reason:
            look = Look.WARN if check.verdict == "clamped" else Look.STRONG
            lines += [(Span(_INDENT), *line) for line in wrap(check.reason, width - len(_INDENT), look)]
    return lines


def limit_word(check: CheckLine) -> str:
    """Return what the form calls a limit; of one that is no setting, its own name."""
    key = f"risk.{check.limit}"
    name = words(key)[0]
    return check.limit if name == key else name


_RANK = {"blocked": 0, "clamped": 1, "ok": 2}


def _row(check: CheckLine) -> Row:
    return Row(
        check.limit,
        (
            Cell(limit_word(check)),
            Cell(*verdict(check.verdict)),
            Cell(amount(check.current, check.unit)),
            Cell(amount(check.would_be, check.unit)),
            Cell(amount(check.threshold, check.unit)),
            Cell(NOTHING if check.unit == FLAG else short(check.headroom, check.unit)),
        ),
    )


def what_if_lines(found: WhatIf, width: int) -> list[Line]:
    """Return what would become of a buy: the outcome in one sentence, then each limit's answer."""
    if found.problem:
        return wrap(found.problem, width, Look.WARN)
    lines = wrap(_outcome(found), width, Look.STRONG if found.size else Look.WARN)
    if found.checks:
        lines += [EMPTY, *check_lines(found.checks, width)]
    return lines


def _outcome(found: WhatIf) -> str:
    wanted = f"{found.pair} for {usd(found.usd)}"
    if not found.size:
        blocking = [limit_word(check) for check in found.checks if check.verdict == "blocked"]
        by = f" by: {', '.join(blocking)}" if blocking else ""
        return f"{wanted}: BLOCKED{by}. Nothing would be bought."
    bought = f"{quantity(found.size)} would be bought for about {usd(found.notional_usd)}"
    clamping = [limit_word(check) for check in found.checks if check.verdict == "clamped"]
    cut = f", cut by: {', '.join(clamping)}" if clamping else ""
    return f"{wanted}: {bought}{cut}."
