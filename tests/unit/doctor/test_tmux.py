"""tmux's settings, each with the line for ~/.tmux.conf."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.doctor.findings import Finding, Status
from krakked_tui.doctor.tmux import TmuxFacts, judge_tmux, tmux
from tests.unit.doctor.patients import ENVIRONMENT, TMUX, FakeSurroundings, named


def found(kind: str = "tmux-256color", features: str = "", **changes: str) -> list[Finding]:
    options = {**TMUX, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return list(judge_tmux(TmuxFacts("tmux 3.4", kind, options, features)))


def test_good_settings() -> None:
    assert {each.status for each in tmux(FakeSurroundings(ENVIRONMENT))} == {Status.OK}
    assert {each.fix for each in tmux(FakeSurroundings(ENVIRONMENT))} == {""}


@pytest.mark.parametrize(
    ("change", "name", "line"),
    [
        ({"default_terminal": "screen"}, "tmux_colours", 'set -g default-terminal "tmux-256color"'),
        ({"kind": "screen"}, "tmux_colours", 'set -g default-terminal "tmux-256color"'),
        ({"escape_time": "500"}, "tmux_escape_time", "set -sg escape-time 20"),
        ({"escape_time": "51"}, "tmux_escape_time", "set -sg escape-time 20"),
        ({"focus_events": "off"}, "tmux_focus", "set -g focus-events on"),
    ],
)
def test_a_bad_setting_has_its_line(change: dict[str, str], name: str, line: str) -> None:
    finding = named(found(**change), name)
    assert finding.status is Status.WARNING
    assert "~/.tmux.conf" in finding.fix
    assert line in finding.fix


@pytest.mark.parametrize(
    ("change", "name", "line"),
    [
        ({"terminal_overrides": ""}, "tmux_colours", ":RGB"),
        ({"mouse": "off"}, "tmux_mouse", "set -g mouse on"),
    ],
)
def test_what_is_a_matter_of_taste_is_only_offered(change: dict[str, str], name: str, line: str) -> None:
    finding = named(found(**change), name)
    assert finding.status is Status.OK
    assert line in finding.fix


@pytest.mark.parametrize(
    "change",
    [
        {"terminal_overrides": ",xterm-256color:Tc"},
        {"terminal_overrides": "", "terminal_features": "xterm*:clipboard:RGB:title"},
        {"terminal_overrides": "", "features": "256,RGB,title"},
        {"terminal_overrides": "*:RGB\nlinux*:AX@"},
    ],
)
def test_exact_colours_are_recognised_wherever_they_are_set(change: dict[str, str]) -> None:
    assert "exact" in named(found(**change), "tmux_colours").detail


def test_a_tmux_that_does_not_answer_is_told_and_term_still_counts() -> None:
    surroundings = FakeSurroundings({**ENVIRONMENT, "TERM": "screen"}, tmux={})
    surroundings.commands = {}
    findings = list(tmux(surroundings))
    assert [(each.name, each.status) for each in findings] == [
        ("tmux", Status.WARNING), ("tmux_colours", Status.WARNING)
    ]  # fmt: skip


def test_an_old_tmux_without_some_options() -> None:
    surroundings = FakeSurroundings(ENVIRONMENT, tmux={"default-terminal": "tmux-256color\n"})
    assert [each.name for each in tmux(surroundings)] == ["tmux", "tmux_colours"]


def test_outside_of_tmux_nothing_is_asked() -> None:
    [finding] = tmux(FakeSurroundings({**ENVIRONMENT, "TMUX": ""}))
    assert finding.status is Status.SKIPPED


@given(st.dictionaries(st.sampled_from(sorted(TMUX)), st.text(max_size=30)), st.text(max_size=20))
def test_whatever_tmux_says_is_judged(options: dict[str, str], kind: str) -> None:
    for finding in judge_tmux(TmuxFacts("tmux", kind, options)):
        assert finding.status is not Status.WARNING or finding.fix
