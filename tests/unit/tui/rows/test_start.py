"""The start screen."""

import msgspec

from krakked_tui.tui.rows.line import text_of, width_of
from krakked_tui.tui.rows.start import failure, start_lines
from tests.fakes.controller import empty, start_failed, starting


def test_each_step_shows_its_state_and_its_time() -> None:
    lines = [text_of(line).rstrip() for line in start_lines(starting(), 76)]
    assert lines[0] == "STARTING"
    assert lines[2] == "✓ open the database          done       0.03 s"
    assert lines[4].startswith("▶ load the universe          running    1.40 s  312 of 700 pairs")
    assert lines[5] == "· warm up candles            waiting"


def test_a_failure_shows_its_sentence_and_what_to_do() -> None:
    shown = "\n".join(text_of(line) for line in start_lines(start_failed(), 76))
    assert shown.startswith("START FAILED")
    assert shown.count("api.kraken.com did not answer in 10 s; check the network") == 1
    assert "Press q to leave" in shown


def test_a_failure_without_a_step_takes_the_last_message() -> None:
    view = start_failed()
    silent = msgspec.structs.replace(view, start_steps=(), messages=("the journal is full",))
    assert failure(silent) == "the journal is full"
    assert failure(msgspec.structs.replace(silent, messages=())) == "The engine failed without saying why."


def test_without_steps_it_says_what_it_waits_for() -> None:
    assert "Waiting for the engine." in [text_of(line) for line in start_lines(empty(), 76)]


def test_long_details_are_cut_to_the_width() -> None:
    view = starting()
    steps = tuple(msgspec.structs.replace(step, name="n" * 50, detail="d" * 90) for step in view.start_steps)
    lines = start_lines(msgspec.structs.replace(view, start_steps=steps), 76)
    assert all(width_of(line) <= 76 for line in lines)
