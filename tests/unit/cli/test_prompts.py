"""Asking until the answer is one."""

import signal

import pytest

from krakked_tui.cli.prompts import LeftError, Terminal, agrees, choose, uninterrupted
from tests.unit.cli.script import Script


@pytest.mark.parametrize(
    ("answers", "chosen"),
    [
        (["paper"], "paper"),
        (["P"], "paper"),
        ([""], "live"),
        (["", "nothing", "l"], "live"),
        (["x", "pa"], "paper"),
    ],
)
def test_a_choice_is_asked_for_until_it_is_clear(answers: list[str], chosen: str) -> None:
    script = Script(answers)
    assert choose(script, "How?", ("paper", "live"), "live") == chosen


def test_letters_that_begin_two_choices_are_not_enough_unless_they_are_one() -> None:
    script = Script(["u", "US"])
    assert choose(script, "Where?", ("US", "US_CA", "UK")) == "US"
    assert any("one of: US, US_CA, UK" in line for line in script.said)


def test_without_a_default_an_empty_answer_is_none() -> None:
    assert choose(Script(["", "b"]), "Which?", ("a", "b")) == "b"


def test_yes_and_no() -> None:
    assert agrees(Script(["y"]), "Sure?", default=False)
    assert not agrees(Script([""]), "Sure?", default=False)
    assert agrees(Script([""]), "Sure?", default=True)


def test_leaving_is_leaving() -> None:
    with pytest.raises(LeftError):
        choose(Script([]), "How?", ("a", "b"))


def test_the_end_of_the_input_is_leaving(capsys: pytest.CaptureFixture[str]) -> None:
    # Under pytest reading standard input fails, so a real end of input is made below it.
    with open("/dev/null") as nothing, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", nothing)
        with pytest.raises(LeftError):
            Terminal().ask("Well?")
    assert "Well?" in capsys.readouterr().out


def test_no_interrupt_comes_between() -> None:
    before = signal.getsignal(signal.SIGINT)
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
