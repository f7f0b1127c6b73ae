"""The terminal, from its environment."""

import pytest

from krakked_tui.doctor.findings import Finding, Status
from krakked_tui.doctor.terminal import (
    has_256_colours,
    judge_colours,
    judge_locale,
    judge_screen,
    judge_size,
    judge_ssh,
    judge_terminal,
    terminal,
)
from tests.unit.doctor.patients import ENVIRONMENT, FakeSurroundings


def test_a_good_terminal() -> None:
    assert {each.status for each in terminal(FakeSurroundings(ENVIRONMENT))} == {Status.OK}


@pytest.mark.parametrize(
    ("kind", "many"),
    [("xterm", False), ("screen", False), ("linux", False), ("vt100", False), ("", False),
     ("xterm-256color", True), ("screen-256color-bce", True), ("xterm-kitty", True), ("xterm-direct", True)],
)  # fmt: skip
def test_colours_of_terminal_types(kind: str, many: bool) -> None:
    assert has_256_colours(kind) is many


@pytest.mark.parametrize(
    ("environment", "status", "says"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, Status.OK, "16 million"),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, Status.OK, "16 million"),
        ({"TERM": "xterm-256color"}, Status.OK, "256"),
        ({"TERM": "screen"}, Status.WARNING, "TERM is screen"),
        ({"TERM": "xterm"}, Status.WARNING, "TERM is xterm"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, Status.OK, "NO_COLOR"),
        ({}, Status.SKIPPED, "not set"),
    ],
)
def test_colours(environment: dict[str, str], status: Status, says: str) -> None:
    found = judge_colours(environment)
    assert found.status is status
    assert says in found.detail


@pytest.mark.parametrize(
    ("environment", "status"),
    [
        ({"LANG": "en_US.UTF-8"}, Status.OK),
        ({"LANG": "C.utf8"}, Status.OK),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, Status.WARNING),
        ({"LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "C"}, Status.OK),
        ({"LANG": "de_DE.ISO-8859-1"}, Status.WARNING),
        ({}, Status.WARNING),
    ],
)
def test_the_first_variable_that_is_set_decides_on_letters(
    environment: dict[str, str], status: Status
) -> None:
    assert judge_locale(environment).status is status


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (judge_size((80, 24)), Status.OK),
        (judge_size((79, 24)), Status.WARNING),
        (judge_size((80, 23)), Status.WARNING),
        (judge_size(None), Status.SKIPPED),
        (judge_terminal({"TERM": "xterm"}, is_terminal=True), Status.OK),
        (judge_terminal({"TERM": "dumb"}, is_terminal=True), Status.PROBLEM),
        (judge_terminal({}, is_terminal=True), Status.PROBLEM),
        (judge_terminal({"TERM": "xterm"}, is_terminal=False), Status.SKIPPED),
        (judge_screen({"STY": "1", "TERM": "screen"}), Status.WARNING),
        (judge_screen({"STY": "1", "TERM": "screen-256color"}), Status.OK),
        (judge_screen({"TERM": "screen"}), Status.OK),
        (judge_ssh({"SSH_CONNECTION": "a"}), Status.WARNING),
        (judge_ssh({"SSH_TTY": "/dev/pts/1", "STY": "1"}), Status.OK),
        (judge_ssh({"SSH_CONNECTION": "a", "TMUX": "x"}), Status.OK),
        (judge_ssh({}), Status.OK),
    ],
)
def test_what_is_unwise_has_a_fix(found: Finding, status: Status) -> None:
    assert found.status is status
    assert bool(found.fix) == (status in {Status.WARNING, Status.PROBLEM})
