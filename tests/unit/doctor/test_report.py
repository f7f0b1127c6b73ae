"""The table and the JSON."""

import json

import pytest

from krakked_tui.doctor.findings import Finding, Status, ok, problem, skipped, warning
from krakked_tui.doctor.report import WIDTH_MAX, as_json, as_table

FINDINGS = [
    ok("python", "Python 3.12.1"),
    warning("tmux_colours", "tmux without 256 colours: " + "TERM is screen, " * 6, "Set it " * 20),
    problem("clock", "our clock is 10.0 s behind the exchange's", "sudo timedatectl set-ntp true"),
    skipped("key", "there is no open key to look at"),
]  # fmt: skip


def test_a_table_of_80_columns_says_everything_in_words() -> None:
    table = as_table(FINDINGS, colour=False)
    lines = table.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "ok      python       Python 3.12.1"
    assert "problem clock        our clock is 10.0 s behind the exchange's" in lines
    assert "                     -> sudo timedatectl set-ntp true" in lines
    assert lines[-2:] == ["", "1 problem (clock), 1 warning (tmux colours), 1 not looked at, 1 ok"]
    assert "\x1b" not in table


@pytest.mark.parametrize(("width", "limit"), [(0, 80), (100, 100), (1000, WIDTH_MAX)])
def test_a_wider_terminal_is_used(width: int, limit: int) -> None:
    longest = max(map(len, as_table(FINDINGS, colour=False, width=width).splitlines()))
    assert limit - 12 < longest <= limit


def test_what_can_be_copied_is_never_broken() -> None:
    path = "/home/somebody/" + "a-rather-long-directory-name/" * 4
    assert f"-> chmod 700 {path}" in as_table([problem("owner", "loose", f"chmod 700 {path}")], colour=False)
    assert path in as_table([problem("owner", f"it is {path} here", f"Look at {path} there")], colour=False)


def test_colour_only_adds_to_the_words() -> None:
    coloured = as_table(FINDINGS, colour=True)
    assert "\x1b[1;31mproblem \x1b[0m" in coloured
    for code in ("32", "33", "1;31", "2", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == as_table(FINDINGS, colour=False)


def test_json_is_a_list_with_stable_names() -> None:
    rows = json.loads(as_json(FINDINGS))
    assert rows[2] == {
        "name": "clock",
        "status": "problem",
        "detail": "our clock is 10.0 s behind the exchange's",
        "fix": "sudo timedatectl set-ntp true",
    }
    assert [row["status"] for row in rows] == ["ok", "warning", "problem", "skipped"]


def test_no_findings_and_empty_ones() -> None:
    assert as_table([], colour=False).endswith("0 problems, 0 warnings, 0 not looked at, 0 ok")
    assert as_table([Finding("x", Status.OK, "")], colour=False).startswith("ok      x\n")
