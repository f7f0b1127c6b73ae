"""One strategy closely."""

from datetime import UTC, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.control.risk_view import Silence
from krakked_tui.tui.rows.line import Line, text_of, width_of
from krakked_tui.tui.rows.strategy_detail import (
    about_lines,
    held_lines,
    made_lines,
    parameter_lines,
    runs,
    silence_lines,
    switch_sentences,
)
from tests.fakes.strategies import HELD, NOON, PARAMETERS, normal, strategy, trend_following

WIDTH = 71
GATE = Silence("trend", "XBTUSD", "spread", "too wide", "131 bps", "at most 100 bps")


def shown(lines: list[Line], width: int = WIDTH) -> list[str]:
    assert all(width_of(line) <= width for line in lines)
    return [text_of(line).rstrip() for line in lines]


def test_what_is_wrong_comes_first_and_what_to_do_about_it() -> None:
    failed = normal().strategies[1]
    lines = shown(about_lines(failed, UTC, WIDTH))
    assert lines[0] == " FAILED"
    assert "ZeroDivisionError" in lines[1]
    assert "t enables it again" in " ".join(lines[:5])
    assert shown(about_lines(None, UTC, WIDTH)) == ["No strategy is selected."]


def test_a_strategy_is_told_with_its_budget() -> None:
    lines = shown(about_lines(trend_following(), UTC, WIDTH))
    assert "At work       $3,741.81, 35.90% of equity" in lines
    assert "Budget        40.00% of equity" in lines
    bare = shown(about_lines(strategy("x", exposure_usd=None, exposure_pct=None, pnl=None), UTC, WIDTH))
    assert "At work       -, - of equity" in bare
    assert "Budget        no limit of its own" in bare


def test_the_curve_of_what_was_made_has_its_ends_beside_it() -> None:
    lines = shown(made_lines(trend_following().equity, 40, 8), 40)
    assert lines[0].endswith("+$23.18 in 5h00m")
    assert lines[1].endswith("+$23.18")
    assert lines[-1].endswith("-$8.50")
    assert "starts with the second" in " ".join(shown(made_lines([(NOON, Decimal(1))], 40, 8), 40))


def test_a_silence_says_gate_value_threshold_and_when_it_last_passed() -> None:
    lines = shown(silence_lines(GATE, UTC, WIDTH))
    assert lines == [
        "trend on XBTUSD", "Stopped at    spread", "Why           too wide", "Value         131 bps",
        "Needed        at most 100 bps", "Last passed   not since the program began",
    ]  # fmt: skip
    since = msgspec.structs.replace(GATE, since=NOON - timedelta(hours=1))
    assert (
        "not since the program began, 2026-11-20 11:00:00 UTC" in shown(silence_lines(since, UTC, WIDTH))[-1]
    )
    passed = msgspec.structs.replace(since, last_passed=NOON)
    assert shown(silence_lines(passed, UTC, WIDTH))[-1] == "Last passed   2026-11-20 12:00:00 UTC"
    free = msgspec.structs.replace(GATE, gate="", reason="")
    assert "Nothing stands in the way" in shown(silence_lines(free, UTC, WIDTH))[1]


def test_what_is_held_shows_every_way_it_is_sold() -> None:
    lines = shown(held_lines(HELD[0], UTC, WIDTH))
    for text in (
        "Stop          59,695.8",
        "Trailing stop 4.50% below the highest price",
        "Target        69,959.3",
        "Sold by       2026-11-23 12:00:00 UTC",
    ):
        assert text in lines
    assert "NO STOP" in shown(held_lines(HELD[2], UTC, WIDTH))[-1]


def test_a_fixed_parameter_says_where_it_is_changed() -> None:
    assert "configuration file" in shown(parameter_lines(PARAMETERS[-1], WIDTH))[-1]
    assert "configuration file" not in " ".join(shown(parameter_lines(PARAMETERS[0], WIDTH)))


def test_switching_says_what_stays_watched_and_what_does_not() -> None:
    off = " ".join(text for text, _ in switch_sentences(trend_following()))
    for text in (
        "it opens nothing more",
        "3 positions worth $3,741.81",
        "stay watched",
        "the loss of SOLUSD",
    ):
        assert text in off
    assert "It holds nothing." in [text for text, _ in switch_sentences(strategy("x"))]
    failed = normal().strategies[1]
    assert not runs(failed)
    on = " ".join(text for text, _ in switch_sentences(failed))
    assert "from the next cycle on: it may open positions" in on
    assert "It failed: ZeroDivisionError" in on
