"""The screen's copy of the log: fed page by page, bounded, commands kept longer."""

from krakked_tui.control.log_view import LogLine, LogPage
from krakked_tui.tui.log_store import CONTROL_MAX, LINES_MAX, PAGE_LINES, PAGES_MAX, LogStore
from tests.fakes.log import FakeLog


def test_it_asks_for_what_is_new_only() -> None:
    log, store = FakeLog(empty=True), LogStore()
    log.say("info", "first")
    store.follow(log.page)
    before = store.lines
    store.follow(log.page)
    assert store.lines is before
    log.say("info", "second")
    store.follow(log.page)
    assert [line.event for line in store.lines] == ["first", "second"]
    assert [after for after, _ in log.asked] == [0, 1, 1]


def test_a_full_log_is_taken_in_at_once_and_an_endless_one_is_not() -> None:
    log, store = FakeLog(empty=True), LogStore()
    for _ in range(PAGE_LINES * 2 + 3):
        log.say("info", "cycle")
    store.follow(log.page)
    assert len(store.lines) == PAGE_LINES * 2 + 3

    asked: list[int] = []

    def endless(after: int, limit: int) -> LogPage:
        asked.append(after)
        return LogPage(tuple(LogLine(after + 1 + n, "info", "x") for n in range(limit)), dropped=3)

    store = LogStore()
    store.follow(endless)
    assert len(asked) == PAGES_MAX
    assert len(store.lines) == LINES_MAX
    assert store.lines[-1].number == PAGES_MAX * PAGE_LINES
    assert store.dropped == 3


def test_commands_stay_when_the_records_around_them_are_gone() -> None:
    log, store = FakeLog(empty=True), LogStore()
    for number in range(CONTROL_MAX + 5):
        log.say("info", "control", by="tui", command=str(number))
    store.follow(log.page)
    commands = store.control
    for _ in range(LINES_MAX):
        log.say("info", "cycle")
    store.follow(log.page)
    assert {line.event for line in store.lines} == {"cycle"}
    assert store.control is commands
    assert len(store.control) == CONTROL_MAX
    assert store.control[-1].fields[-1] == ("command", str(CONTROL_MAX + 4))
