"""Problems are safe to show, whatever is in them."""

from decimal import Decimal

import pytest

from krakked_tui.config.problems import (
    KEY_MAX,
    ORIGIN_MAX,
    TEXT_MAX,
    Findings,
    InvalidConfigError,
    Problem,
    nearest,
    shown,
)
from krakked_tui.domain.errors import ConfigError


def test_a_problem_is_one_printable_line_of_bounded_length() -> None:
    findings = Findings()
    findings.add(("a\x1b[31m" * 100, "b\n"), "file\u202e\n" * 100, "text\x00" * 1000)
    with pytest.raises(InvalidConfigError) as caught:
        findings.refuse_any()
    (problem,) = caught.value.findings
    assert str(problem).isprintable()
    assert len(problem.key) <= KEY_MAX + 3
    assert len(problem.origin) <= ORIGIN_MAX + 3
    assert len(problem.text) <= TEXT_MAX + 3


def test_problems_come_as_sentences_and_in_parts() -> None:
    error = InvalidConfigError(
        [Problem("a.b", "f.toml", "is 3"), Problem("", "g.toml", "is gone"), Problem("c", "", "x")]
    )
    assert isinstance(error, ConfigError)
    assert error.problems == ("f.toml: a.b is 3", "g.toml: is gone", "c x")
    assert str(error) == "\n".join(error.problems)
    assert error.exit_code == 4


def test_nothing_found_raises_nothing() -> None:
    Findings().refuse_any()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (False, "false"), (3, "3"), (2.5, "2.5"), (Decimal("2.30"), "2.30"), ("a", '"a"'),
        ("a\x1b", '"a?"'), ({"a": 1}, "a table"), ([1], "a list"), ((), "a list"),
        (10**60, "a number of more than 60 digits"),
        ("x" * 61, '"' + "x" * 60 + '..."'),
    ],
)  # fmt: skip
def test_values_are_shown_in_bounded_room(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_number_too_long_to_be_written_is_shown() -> None:
    assert shown(-(10**6000)) == "a number of more than 60 digits"


def test_the_nearest_name_is_found_in_any_case() -> None:
    assert nearest("MAX_OPEN_POSITION", ["max_open_positions", "max_x"]) == "max_open_positions"
    assert nearest("zzz", ["max_open_positions"]) is None
