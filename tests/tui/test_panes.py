"""Panes, tables, footer, answer line: moving about and what stays put."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.control.ui_settings import ThemeName, UiSettings
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.tui.rows.line import Look
from krakked_tui.tui.widgets.looks import Looks
from krakked_tui.tui.widgets.table import LiveTable
from tests.fakes.controller import (
    MARKETS,
    disconnected,
    empty,
    order,
    position,
    start_failed,
    starting,
    status,
)
from tests.tui.driving import Desk


def table(desk: Desk, name: str) -> LiveTable:
    return desk.app.screen_stack[0].query_one(f"#{name}", LiveTable)


async def test_number_keys_change_the_pane() -> None:
    async with Desk().open() as desk:
        assert "ACCOUNT" in desk.text
        await desk.press("4")
        assert "OPEN 3" in desk.text
        assert "ACCOUNT" not in desk.text
        await desk.press("1")
        assert "ACCOUNT" in desk.text


async def test_keys_of_screens_that_do_not_exist_do_nothing() -> None:
    async with Desk().open() as desk:
        before = desk.text
        await desk.press("7", "ctrl+z", "c", "enter")
        assert desk.text == before


async def test_the_engine_starts_and_the_dashboard_takes_over() -> None:
    async with Desk(starting()).open() as desk:
        assert "▶ load the universe" in desk.text
        await desk.press("4")
        assert "▶ load the universe" in desk.text, "there is nothing to show yet"
        desk.fake.publish(status=status(), portfolio=empty().portfolio)
        assert "No open orders." in await desk.see()


async def test_a_failed_start_shows_its_sentence() -> None:
    async with Desk(start_failed()).open() as desk:
        assert "api.kraken.com did not answer in 10 s; check the network" in desk.text
        assert "Press q to leave" in desk.text


async def test_the_cursor_follows_its_row_when_others_come_and_go() -> None:
    async with Desk().open() as desk:
        await desk.press("4", "down", "down")
        assert table(desk, "open-orders").selected == "kk-7f3a-000003"
        newer = order(0, MARKETS[0], OrderStatus.OPEN)
        desk.fake.publish(open_orders=(newer, *desk.fake.current.open_orders))
        await desk.see()
        assert table(desk, "open-orders").selected == "kk-7f3a-000003"
        desk.fake.publish(open_orders=desk.fake.current.open_orders[:2])
        await desk.see()
        assert table(desk, "open-orders").selected == "kk-7f3a-000001", "its row is gone: the nearest one"
        desk.fake.publish(open_orders=())
        await desk.see()
        assert table(desk, "open-orders").selected is None


async def test_new_fills_come_into_sight_unless_an_older_one_is_looked_at() -> None:
    def with_newer(desk: Desk, name: str) -> None:
        newest = msgspec.structs.replace(desk.fake.current.recent_trades[0], trade_id=name)
        desk.fake.publish(recent_trades=(newest, *desk.fake.current.recent_trades))

    async with Desk().open() as desk:
        with_newer(desk, "NEWER")
        await desk.see()
        assert table(desk, "fills").selected == "NEWER"
        table(desk, "fills").focus()
        await desk.press("down")
        looked_at = table(desk, "fills").selected
        with_newer(desk, "NEWEST")
        await desk.see()
        assert table(desk, "fills").selected == looked_at != "NEWEST"


async def test_moving_in_a_table() -> None:
    async with Desk().open() as desk:
        await desk.press("4", "tab")
        recent = table(desk, "recent-orders")
        moves = [("down", 1), ("j", 2), ("k", 1), ("end", 13), ("down", 13), ("up", 12)]
        moves += [("pageup", 1), ("home", 0), ("G", 13), ("g", 0), ("up", 0)]
        for key, place in moves:
            await desk.press(key)
            assert recent.cursor == place, key
        await desk.press("pagedown")
        assert recent.cursor == 11


async def test_the_header_stays_while_rows_scroll() -> None:
    async with Desk().open() as desk:
        await desk.press("4", "tab", "end")
        assert "RECENT 14" in desk.text
        assert "11:37:04" in desk.text
        assert "11:50:04" not in desk.text


async def test_tab_changes_the_table_and_a_click_selects_a_row() -> None:
    async with Desk().open() as desk:
        await desk.press("4", "tab")
        assert desk.app.screen.focused is table(desk, "recent-orders")
        await desk.press("shift+tab")
        assert desk.app.screen.focused is table(desk, "open-orders")
        await desk.pilot.click("#recent-orders", offset=(10, 4))
        assert table(desk, "recent-orders").cursor == 3


async def test_a_terminal_without_focus_does_not_forget_the_selected_table() -> None:
    async with Desk().open() as desk:
        await desk.press("4", "tab", "down")
        selected = desk.app.desk.selected_order
        desk.app.app_focus = False
        await desk.settle()
        assert desk.app.desk.selected_order == selected
        await desk.press("enter")
        assert desk.front == "OrderDialog"


async def test_nothing_moves_when_values_change() -> None:
    async with Desk().open() as desk:
        before = desk.lines
        market = MARKETS[0]
        desk.fake.publish(positions=(position(market, market.price * 2), *desk.fake.current.positions[1:]))
        after = (await desk.see()).splitlines()
        row = next(index for index, line in enumerate(before) if line.startswith("XBTUSD"))
        assert after[row] != before[row]
        assert [line for index, line in enumerate(after) if index != row] == [
            line for index, line in enumerate(before) if index != row
        ]
        assert len(after[row]) == len(before[row])


async def test_a_number_that_does_not_fit_never_changes_its_size() -> None:
    async with Desk().open() as desk:
        whale = msgspec.structs.replace(desk.fake.current.positions[0], value=Decimal(10**9))
        desk.fake.publish(positions=(whale,))
        line = next(line for line in (await desk.see()).splitlines() if line.startswith("XBTUSD"))
        assert "##########" in line


async def test_the_footer_names_the_keys_of_the_moment() -> None:
    async with Desk().open() as desk:
        assert desk.lines[-1].startswith("2 Risk  4 Orders")
        await desk.press("4")
        assert desk.lines[-1].startswith("1 Dash  ⏎ Details  c Cancel")
        await desk.press("question_mark")
        assert desk.lines[-1].startswith("esc q Close dialog")
        assert desk.lines[-1].endswith("^K Kill  ^X Cancel all  ^F Flatten")


async def test_a_click_in_the_footer_is_the_key() -> None:
    async with Desk().open() as desk:
        await desk.pilot.click("#footer", offset=(10, 0))
        await desk.settle()
        assert "OPEN 3" in desk.text
        await desk.pilot.click("#footer", offset=(75, 0))
        await desk.settle()
        assert desk.front == "FlattenDialog"


async def test_the_answer_line_ends_with_the_engines_newest_message() -> None:
    async with Desk().open() as desk:
        await desk.press("a")
        assert "off already" in desk.answer
        desk.time = 11.0
        await desk.see()
        assert "11:58:20 kk-7f3a-000013 refused: funds" in desk.answer


async def test_an_engine_that_says_nothing_is_called_silent() -> None:
    async with Desk().open() as desk:
        desk.time = 95.0
        assert "SILENT 1m35s" in await desk.see()
        desk.fake.publish()
        assert "SILENT" not in await desk.see()


async def test_the_screen_says_when_it_is_too_small_and_recovers() -> None:
    async with Desk().open() as desk:
        before = desk.text
        for size in ((79, 24), (80, 23), (20, 5), (1, 1)):
            await desk.resize(*size)
            assert "equity" not in desk.text
        await desk.resize(60, 12)
        assert "80x24 or more; this is 60x12" in desk.text
        await desk.resize(80, 24)
        assert await desk.see() == before


async def test_times_follow_the_zone_but_the_clock_is_utc() -> None:
    async with Desk(settings=UiSettings(timezone="America/New_York")).open() as desk:
        assert "12:00:00 UTC" in desk.text
        assert "06:53:00  ETHUSD" in desk.text


async def test_stale_prices_show_their_age() -> None:
    async with Desk(disconnected()).open() as desk:
        assert desk.text.count("1m35s") == 3


@pytest.mark.parametrize(("theme", "gain"), [(ThemeName.DARK, "#56b4e9"), (ThemeName.CLASSIC, "#5fd75f")])
async def test_themes_give_the_looks_their_colours(theme: ThemeName, gain: str) -> None:
    async with Desk(settings=UiSettings(theme=theme)).open() as desk:
        looks = desk.app.screen.query_one(Looks)
        colour = looks.style(Look.GAIN).color
        assert colour is not None
        assert colour.name == gain
        assert looks.style(Look.ALARM).bgcolor is not None


def test_no_colour_is_named_outside_the_theme() -> None:
    import re
    from pathlib import Path

    import krakked_tui.tui as package

    folder = Path(package.__file__).parent
    for path in folder.rglob("*.py"):
        if path.name != "themes.py":
            assert not re.search(r"#[0-9a-f]{6}\b", path.read_text(encoding="utf-8")), path
    assert not re.search(r"#[0-9a-f]{6}\b", (folder / "theme.tcss").read_text(encoding="utf-8"))
