"""The log's rows, which records are shown, the line above them, a record in full."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from krakked_tui.control.log_view import LogLine
from krakked_tui.tui.rows.line import Look, place, row_line, text_of, width_of
from krakked_tui.tui.rows.logs import (
    LOG_COLUMNS,
    RECORD_LINES,
    LeastLevel,
    LogChoice,
    control_head,
    control_row,
    empty_log,
    log_head,
    log_row,
    record_lines,
)
from tests.fakes.log import BEGIN, FakeLog


def line(level: str = "info", event: str = "cycle", message: str = "", **fields: str) -> LogLine:
    return LogLine(7, level, event, BEGIN, None, message, tuple(fields.items()))


def cells(what: LogLine) -> list[str]:
    return [cell.text for cell in log_row(what, UTC).cells]


def head(choice: LogChoice, shown: int = 12, *, below: int = 0, dropped: int = 0) -> str:
    return text_of(log_head(choice, shown, 12, below=below, dropped=dropped))


def test_a_row_has_the_sentence_first_and_no_fields_that_every_record_has() -> None:
    found = line(message="bought", profile="demo", version="1", pair="XBTUSD", why="bought")
    assert cells(found) == ["11:58:00", "info", "cycle", "bought  pair=XBTUSD"]
    assert cells(line(cycle="1", plans="0"))[-1] == "cycle=1  plans=0"
    assert log_row(found, ZoneInfo("Asia/Tokyo")).cells[0].text == "20:58:00"
    assert log_row(found, UTC).key == "7"


def test_the_time_is_the_exchanges_as_everywhere_else() -> None:
    there = LogLine(1, "info", "x", BEGIN, BEGIN + timedelta(hours=2))
    assert cells(there)[0] == "13:58:00"
    assert [text_of(each)[14:33] for each in record_lines(there, UTC, 71)[1:3]] == [
        "2026-11-20 13:58:00", "2026-11-20 11:58:00",
    ]  # fmt: skip


def test_a_record_without_a_time_or_with_an_unheard_of_level_is_shown() -> None:
    assert cells(LogLine(1, "catastrophe", "?")) == ["-", "cata…", "?", ""]


def test_eighty_columns_show_a_usual_record_whole() -> None:
    said = "43 pairs read, 0 failed, 10,320 rows in 1.0 s"
    row = log_row(line(event="candles_at_hand", message=said), UTC)
    assert text_of(row_line(row, place(LOG_COLUMNS, 79))) == f"11:58:00  info   candles_at_hand  {said}"


def test_texts_are_made_harmless() -> None:
    assert cells(line(event="a\x1b[2J", message="two\nlines"))[2:] == ["a␛[2J", "two␊lines"]


@pytest.mark.parametrize(
    ("level", "word", "look"),
    [("warning", "WARN", Look.WARN), ("error", "ERROR", Look.ALARM), ("critical", "CRIT", Look.ALARM),
     ("debug", "debug", Look.MUTED)],
)  # fmt: skip
def test_a_level_is_a_word_before_it_is_a_colour(level: str, word: str, look: Look) -> None:
    cell = log_row(line(level), UTC).cells[1]
    assert (cell.text, cell.look) == (word, look)


def test_levels_go_round() -> None:
    choice = LogChoice()
    lines = tuple(line(level) for level in ("debug", "info", "warning", "error", "critical", "odd"))
    seen = []
    for _ in range(len(LeastLevel) + 1):
        seen.append([each.level for each in choice.choose(lines)])
        choice.next_level()
    every = [each.level for each in lines]
    assert seen == [every, every[1:], every[2:], every[3:], every]


def test_a_filter_looks_everywhere_but_in_what_every_record_has() -> None:
    choice, lines = LogChoice(), tuple(FakeLog().lines)
    for wanted, found in (("ORDER_F", 1), ("  funds ", 1), ("eorder:", 1), ("step=data", 1), ("demo", 1)):
        choice.want(wanted)
        assert len(choice.choose(lines)) == found, wanted
    choice.want("")
    assert choice.choose(lines) is lines


def test_what_is_chosen_is_the_same_object_until_something_changes() -> None:
    choice, lines = LogChoice(), tuple(FakeLog().lines)
    choice.want("cycle")
    before = choice.choose(lines)
    assert choice.choose(lines) is before
    assert choice.choose((*lines, line())) is not before
    choice.choose(lines)
    choice.want("order")
    assert choice.choose(lines) != before


def test_the_line_above_says_what_is_shown() -> None:
    choice = LogChoice()
    assert head(choice) == "LOG  following  all levels"
    assert head(choice, below=1200) == "LOG  PAUSED 1,200 newer below, G follows again  all levels"
    assert "! 1 record not in the file" in head(choice, dropped=1)
    choice.want("Kk-")
    choice.next_level()
    assert head(choice, 3).endswith("from info up with “kk-”: 3 of 12  esc shows all")
    assert text_of(control_head(1)).startswith("CONTROL LOG  1 command of this run")


def test_an_empty_table_says_why() -> None:
    assert "no records yet" in empty_log(0)
    assert "None of 12 records is shown. Esc" in empty_log(12)


def test_a_command_says_who_what_and_what_came_of_it() -> None:
    made = line(event="control", profile="demo", by="tui", command="kill", reason="3 a.m.", outcome="set")
    assert [cell.text for cell in control_row(made, UTC).cells] == ["11:58:00", "tui", "kill 3 a.m.", "set"]
    assert [cell.text for cell in control_row(line(event="control"), UTC).cells][1:] == ["-", "-", "-"]


def test_a_record_is_told_in_full_and_keeps_its_line_breaks() -> None:
    trace = "Traceback\n\tFile one\nValueError: x\x1b[31m " + "long " * 40
    lines = record_lines(line("error", message="broken", exception=trace), UTC, 71)
    texts = [text_of(each) for each in lines]
    assert texts[:6] == [
        "Record        7", "Time          2026-11-20 11:58:00 UTC",
        "Machine time  2026-11-20 11:58:00 UTC", "Level         error",
        "Event         cycle", "Message       broken",
    ]  # fmt: skip
    assert texts[6:9] == ["exception     Traceback", "              File one", texts[8]]
    assert texts[8].startswith("              ValueError: x␛[31m long")
    assert all(width_of(each) <= 71 for each in lines)


def test_a_huge_record_ends_somewhere() -> None:
    lines = record_lines(line(message="\n".join("x" * 9000)), UTC, 71)
    assert len(lines) == RECORD_LINES + 1
    assert text_of(lines[-1]) == "… the rest is in the log file."
