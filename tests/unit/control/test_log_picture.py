"""Log records as a screen gets them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from krakked_tui.control.log_picture import log_line, log_page
from krakked_tui.control.log_view import LogLine
from krakked_tui.engine.log import LogEntry

AT = datetime(2026, 11, 20, 12, 0, 0, 250_000, tzinfo=UTC)


def entry(text: str, number: int = 1, level: str = "info", event: str = "cycle") -> LogEntry:
    return LogEntry(number, level, event, text)


def record(**fields: object) -> str:
    head = {"time": "2026-11-20T12:00:00.250+00:00", "level": "info", "event": "cycle"}
    return json.dumps(head | fields)


class Source:
    """Records 1 to 9."""

    dropped = 4

    def entries(self, after: int) -> Sequence[LogEntry]:
        return [entry(record(n=number), number) for number in range(after + 1, 10)]


def test_a_record_comes_apart() -> None:
    text = record(profile="demo", message="done", plans=2, ok=True, nothing=None, pairs=["A", "É"])
    assert log_line(entry(text, 7, "warning", "cycle")) == LogLine(
        7, "warning", "cycle", AT, None, "done",
        (("profile", "demo"), ("plans", "2"), ("ok", "true"), ("nothing", "null"), ("pairs", '["A", "É"]')),
    )  # fmt: skip


def test_what_other_loggers_say_is_their_message() -> None:
    assert log_line(entry(record(text="book dropped", source="kraken.feed"))).message == "book dropped"


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "{}", '"x"', "null", '{"time": 3}', '{"time": "yesterday"}', record()[:-1]],
)
def test_a_record_that_cannot_be_understood_is_its_own_message(text: str) -> None:
    line = log_line(entry(text, 3, "error", "odd"))
    assert (line.number, line.level, line.event, line.message, line.fields) == (3, "error", "odd", text, ())


def test_a_cut_record_keeps_its_time() -> None:
    assert log_line(entry(record(a="x" * 50)[:-9])).at == AT
    assert log_line(entry('{"time": "2026-99-20T12:00:00.250+00:00", "x')).at is None


def test_numbers_that_json_does_not_know_are_shown() -> None:
    assert log_line(entry(record(value=float("nan")))).fields == (("value", "NaN"),)


def test_the_exchange_has_a_clock_of_its_own() -> None:
    line = log_line(entry(record(exchange_time="2026-01-05T00:06:00.000+00:00", cycle=1)))
    assert (line.at, line.exchange_at) == (AT, datetime(2026, 1, 5, 0, 6, tzinfo=UTC))
    assert line.fields == (("cycle", "1"),)


def test_a_page_goes_on_after_the_last_one() -> None:
    first = log_page(Source(), 0, 4)
    assert [line.number for line in first.lines] == [1, 2, 3, 4]
    assert first.dropped == 4
    assert [line.number for line in log_page(Source(), 4, 99).lines] == [5, 6, 7, 8, 9]
    assert log_page(Source(), 9, 99).lines == ()
