"""The logs pane: what each key shows, what follows and what rests, what is written to the terminal."""

import msgspec
import pytest

from krakked_tui.control.views import HealthView
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.log_store import LINES_MAX
from krakked_tui.tui.panes.logs import LogsPane
from krakked_tui.tui.widgets.table import LiveTable
from tests.fakes.log import FakeLog
from tests.fakes.market import FakeMarket, ailing
from tests.tui.driving import Desk

WIDE = (120, 40)


def pane(desk: Desk) -> LogsPane:
    return desk.app.get_default_screen().query_one(LogsPane)


def shown(desk: Desk) -> list[str]:
    """The records in sight, without the scrollbar."""
    top = next(index for index, line in enumerate(desk.lines) if "LEVEL  EVENT" in line)
    width = desk.app.size.width - 1
    return [line[:width].rstrip() for line in desk.lines[top + 1 : -2] if line.strip()]


def selected(desk: Desk) -> int:
    """Number of the record under the cursor."""
    record = pane(desk).selected
    assert record is not None
    return record.number


async def test_eight_shows_health_and_the_end_of_the_log() -> None:
    async with Desk().open() as desk:
        assert desk.fake.log.asked == [], "nobody looked"
        await desk.press("8")
        assert desk.app.desk.pane is PaneName.LOGS
        assert "HEALTH  all well" in desk.text
        assert "cycle=2" in shown(desk)[-1]
        assert selected(desk) == 12


async def test_new_records_follow_while_the_cursor_is_at_the_end() -> None:
    async with Desk().open() as desk:
        await desk.press("8")
        for number in range(40):
            desk.fake.log.say("info", f"event_{number}")
            await desk.see()
        assert "event_39" in shown(desk)[-1]
        assert selected(desk) == 52
        assert "following" in desk.text


async def test_scrolled_up_it_rests_until_the_end_is_asked_for() -> None:
    async with Desk().open() as desk:
        await desk.press("8", "up", "up")
        before = shown(desk)
        desk.fake.log.say("error", "news")
        await desk.see()
        assert shown(desk) == before
        assert "PAUSED 3 newer below, G follows again" in desk.text
        await desk.press("G")
        assert "news" in shown(desk)[-1]
        assert "following" in desk.text
        desk.fake.log.say("error", "more")
        await desk.see()
        assert "more" in shown(desk)[-1]


async def test_the_memory_is_bounded_and_the_cursor_stays_on_its_record() -> None:
    async with Desk().open() as desk:
        await desk.press("8", "g", "down", "down")
        assert selected(desk) == 3
        for number in range(LINES_MAX - 10):
            desk.fake.log.say("info", f"event_{number}")
        await desk.see()
        assert selected(desk) == 3
        assert len(pane(desk)._shown) == LINES_MAX
        assert "LOG 2000" in desk.text
        desk.fake.log.say("info", "one more")
        await desk.see()
        assert selected(desk) == 4, "its record is gone: the next one has its place"


async def test_m_hides_lesser_levels_and_escape_shows_all() -> None:
    async with Desk().open(WIDE) as desk:
        await desk.press("8")
        for words, count in (("from info up", 12), ("from warning up", 3), ("from error up", 1)):
            await desk.press("m")
            assert words in desk.text
            assert len(shown(desk)) == count
        assert "ERROR" in shown(desk)[0]
        await desk.press("escape")
        assert "all levels" in desk.text
        assert len(shown(desk)) == 12


async def test_a_slash_filters_while_typing() -> None:
    async with Desk().open(WIDE) as desk:
        await desk.press("8", "slash")
        assert "part of a record; Enter keeps, Esc shows all" in desk.text
        await desk.type("order_")
        assert len(shown(desk)) == 2
        await desk.press("enter")
        assert "with “order_”: 2 of 12  esc shows all" in desk.text
        desk.fake.log.say("info", "order_new")
        desk.fake.log.say("info", "other")
        await desk.see()
        assert "order_new" in shown(desk)[-1]
        await desk.press("slash")
        await desk.type("zzz")
        assert "None of 14 records is shown. Esc shows all again." in desk.text
        await desk.press("escape")
        assert len(shown(desk)) == 14
        assert desk.fake.commands == [], "letters were text"


async def test_the_field_gives_its_place_back_and_the_kill_switch_works_in_it() -> None:
    async with Desk().open() as desk:
        await desk.press("8", "slash", "x", "ctrl+k")
        assert "KILL ON" in desk.text
        await desk.press("tab")
        assert "with “x”" in desk.text


async def test_enter_shows_the_whole_record_which_stays_while_others_come() -> None:
    log = FakeLog()
    log.say("error", "task_failed", "the feed broke", exception="Traceback\n  one\n" + "word " * 60)
    async with Desk(log=log).open() as desk:
        await desk.press("8", "enter")
        assert "╭─ RECORD" in desk.text
        assert "the feed broke" in desk.text
        before = desk.text.count("word")
        assert before > 12, "wrapped, not cut"
        desk.fake.log.say("info", "later")
        await desk.see()
        assert "the feed broke" in desk.text
        await desk.press("q")
        assert not desk.in_dialog


async def test_a_long_record_scrolls() -> None:
    log = FakeLog()
    log.say("error", "task_failed", exception="\n".join(f"frame {number}" for number in range(60)))
    async with Desk(log=log).open() as desk:
        await desk.press("8", "enter")
        assert "frame 50" not in desk.text
        await desk.press(*["pagedown"] * 6)
        assert "frame 50" in desk.text


async def test_enter_without_records_says_so() -> None:
    async with Desk(log=FakeLog(empty=True)).open() as desk:
        await desk.press("8")
        assert "The log has no records yet." in desk.text
        await desk.press("enter")
        assert "No record is selected." in desk.answer


async def test_c_shows_who_commanded_what() -> None:
    async with Desk().open() as desk:
        await desk.press("8", "c")
        assert "CONTROL LOG  3 commands of this run" in desk.text
        assert "tui     pause" in desk.text
        await desk.press("up", "enter")
        assert "resumed" in desk.text
        await desk.press("escape")
        desk.fake.log.say("info", "control", by="signal", command="stop", outcome="done")
        await desk.see()
        assert "signal  stop" in desk.text
        await desk.press("c")
        assert "LEVEL  EVENT" in desk.text


@pytest.mark.parametrize("key", ["m", "slash"])
async def test_a_filter_leads_back_to_the_log(key: str) -> None:
    async with Desk().open() as desk:
        await desk.press("8", "c", key)
        assert "LEVEL  EVENT" in desk.text


async def test_trouble_says_what_happens_and_scrolls() -> None:
    market = FakeMarket()
    market.publish(data=ailing(60))
    async with Desk(market=market).open() as desk:
        await desk.press("8")
        assert "10 problems " in desk.text
        assert "Tab, then down, for all" in desk.text
        assert "It connects again" in desk.text
        assert "12 closed candles not stored yet" not in desk.text
        await desk.press("tab", "pagedown", "j")
        assert "12 closed candles not stored yet" in desk.text
        await desk.press("home")
        assert "It connects again" in desk.text
        await desk.press("end")
        assert "Rate limits" in desk.text
        await desk.press("tab", "up")
        assert "PAUSED 1 newer below" in desk.text


async def test_what_goes_wrong_is_said_at_once_and_so_is_its_end() -> None:
    async with Desk().open() as desk:
        await desk.press("8")
        desk.fake.publish(health=HealthView(journal_trouble="disk full", account_age=4.0))
        assert " FAIL Journal        cannot be written: disk full." in await desk.see()
        desk.fake.publish(health=HealthView(account_age=4.0))
        assert "HEALTH  all well" in await desk.see()


async def test_the_log_is_not_asked_for_while_nobody_looks() -> None:
    async with Desk().open() as desk:
        await desk.press("8", "1")
        asked, markets = len(desk.fake.log.asked), desk.fake.markets
        await desk.see()
        assert (len(desk.fake.log.asked), desk.fake.markets) == (asked, markets)
        desk.fake.log.say("info", "meanwhile")
        await desk.press("8")
        assert "meanwhile" in shown(desk)[-1], "it follows again"


async def test_an_unchanged_picture_repaints_nothing_and_a_new_age_only_itself() -> None:
    async with Desk().open(WIDE) as desk:
        await desk.press("8")
        await desk.see()
        before = desk.lines
        refreshed: list[tuple[object, ...]] = []
        for widget in desk.app.screen.query("#logs Lines, #logs LiveTable"):
            widget.refresh = lambda *args, **_: refreshed.append(args)  # type: ignore[method-assign, assignment]
        desk.fake.publish()
        desk.app.paint()
        assert refreshed == []
        desk.fake.publish(health=HealthView(account_age=5.0))
        desk.app.paint()
        assert len(refreshed) == 1
        assert str(refreshed[0]).endswith("width=1, height=1),)"), "one digit"
        assert "confirmed 4s ago" in "\n".join(before)


async def test_times_follow_the_zone() -> None:
    async with Desk().open() as desk:
        await desk.press("8")
        table = desk.app.get_default_screen().query_one("#log-lines", LiveTable)
        assert "11:59:24" in desk.text
        changed = desk.fake.current_settings
        ui = msgspec.structs.replace(changed.ui, timezone="Asia/Tokyo")
        desk.fake.current_settings = msgspec.structs.replace(changed, ui=ui)
        await desk.see()
        assert "20:59:24" in desk.text
        assert table.selected == "12"
