"""Each limit's answer to a buy."""

from decimal import Decimal

import msgspec

from krakked_tui.control.risk_view import WhatIf
from krakked_tui.tui.rows.checks import check_lines, what_if_lines
from krakked_tui.tui.rows.line import Line, text_of, width_of
from tests.fakes.risk import CHECKS, SPREAD

WIDTH = 71
D = Decimal


def shown(lines: list[Line]) -> list[str]:
    assert all(width_of(line) <= WIDTH for line in lines)
    return [text_of(line).rstrip() for line in lines]


def test_what_stopped_something_comes_first_with_its_reason() -> None:
    lines = shown(check_lines((*CHECKS, SPREAD), WIDTH))
    assert lines[1].split() == [
        "Widest",
        "spread",
        "BLOCKED",
        "131.5",
        "bps",
        "131.5",
        "bps",
        "100",
        "bps",
        "-31.5",
    ]
    assert lines[2] == "  the spread is 131.5 bps, above max_spread_bps, 100 bps"
    assert lines[3].split()[:3] == ["One", "asset", "CLAMPED"]
    assert lines[-1].split() == ["pair_tradable", "ok", "yes", "yes", "yes", "-"]
    assert len(lines) == 1 + 6 + 2, "what is well needs no reason"


def test_a_what_if_begins_with_its_outcome() -> None:
    cut = WhatIf("XBTUSD", D(500), D("0.0012"), D("76.94"), CHECKS)
    assert shown(what_if_lines(cut, WIDTH))[:2] == [
        "XBTUSD for $500.00: 0.0012 would be bought for about $76.94, cut by:",
        "One asset.",
    ]
    blocked = WhatIf("XBTUSD", D(500), D(0), D(0), (SPREAD, *CHECKS))
    assert shown(what_if_lines(blocked, WIDTH))[0].startswith(
        "XBTUSD for $500.00: BLOCKED by: Widest spread."
    )
    free = WhatIf("XBTUSD", D(500), D("0.0078"), D(500), ())
    assert shown(what_if_lines(free, WIDTH)) == [
        "XBTUSD for $500.00: 0.0078 would be bought for about $500.00."
    ]
    problem = msgspec.structs.replace(blocked, problem="there is no price of XBTUSD")
    assert shown(what_if_lines(problem, WIDTH)) == ["there is no price of XBTUSD"]
