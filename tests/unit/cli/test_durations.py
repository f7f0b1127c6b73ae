"""Durations on the command line."""

from datetime import timedelta

import pytest

from krakked_tui.cli.durations import parse_duration
from krakked_tui.domain.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("1.5m", 90), ("2h", 7200), ("1d", 86400), (" 5s ", 5)]
)
def test_what_is_understood(text: str, seconds: float) -> None:
    assert parse_duration("--run-for", text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "30", "s", "-5s", "0s", "5 s", "1w", "1e9s", "٣s"])
def test_what_is_not_says_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError, match=r"--run-for .* s, m, h or d"):
        parse_duration("--run-for", text)


@pytest.mark.parametrize("text", ["366d", "99999999999d", "9" * 400 + "s"])
def test_what_is_too_long_says_how_long_is_allowed(text: str) -> None:
    with pytest.raises(UsageError, match=r"--run-for is longer than a year: use at most 365d"):
        parse_duration("--run-for", text)
