"""The frame clock in the app: only what is seen is painted, and never into a stalled terminal."""

import asyncio

from krakked_tui.control.commands import SetKillSwitch
from krakked_tui.tui.exits import ExitReason, UiExit
from tests.tui.driving import Desk


async def test_a_tick_paints_what_changed() -> None:
    async with Desk().open() as desk:
        desk.time = 1.0
        desk.fake.publish_status(paused=True)
        desk.app.tick()
        await desk.settle()
        assert "PAUSED" in desk.text


async def test_a_stalled_terminal_stops_the_painting_but_not_the_following() -> None:
    async with Desk().open() as desk:
        desk.terminal.write("a frame that nobody reads")
        desk.fake.publish_status(paused=True)
        desk.time = 1.0
        desk.app.tick()
        await desk.settle()
        assert "PAUSED" not in desk.text
        assert desk.app.session.view.status.paused
        desk.terminal.discard()
        desk.app.tick()
        await desk.settle()
        assert "PAUSED" in desk.text, "nothing that changed meanwhile is forgotten"


async def test_the_engines_end_is_noticed_behind_a_stalled_terminal() -> None:
    async with Desk().open() as desk:
        desk.terminal.write("a frame that nobody reads")
        desk.fake.publish_status(phase="stopped")
        desk.app.tick()
        assert desk.app.ended == UiExit(ExitReason.ENGINE_STOPPED)


async def test_an_unfocused_terminal_gets_half_the_frames() -> None:
    async with Desk().open() as desk:
        desk.app.app_focus = False
        shown = 0
        for tick in range(8):
            desk.time = 10 + tick / 4
            desk.fake.publish_status(profile=f"p{tick}", other_host="")
            desk.app.tick()
            await desk.settle()
            shown += f"p{tick}" in desk.text
        assert shown == 4


async def test_a_lost_terminal_ends_the_screen_and_says_why() -> None:
    async with Desk().open() as desk:
        desk.terminal.lose("write: Input/output error")
        desk.app.tick()
        assert desk.app.ended == UiExit(ExitReason.TERMINAL_LOST, "write: Input/output error")


async def test_a_signal_ends_the_screen_and_is_named() -> None:
    async with Desk().open() as desk:
        desk.app.end_by_signal("SIGHUP")
        desk.app.end_by_signal("SIGTERM")
        assert desk.app.ended == UiExit(ExitReason.SIGNAL, "SIGHUP")


async def test_hidden_panes_are_not_touched() -> None:
    async with Desk().open() as desk:
        hidden = desk.app.screen.query_one("#recent-orders")
        painted: list[object] = []
        hidden.show_newest = lambda keys, _row: painted.append(keys)  # type: ignore[attr-defined]
        desk.fake.publish(recent_orders=())
        await desk.see()
        assert painted == []
        await desk.press("4")
        assert painted == [[]], "it gets everything when it comes to the front"


async def test_an_unchanged_view_repaints_nothing() -> None:
    async with Desk().open() as desk:
        await desk.see()
        refreshed: list[object] = []
        for widget in desk.app.screen.query("Lines, LiveTable"):
            widget.refresh = lambda *args, **_: refreshed.append(args)  # type: ignore[method-assign, assignment]
        desk.fake.publish()
        desk.app.paint()
        assert refreshed == []


async def test_a_command_shows_at_once_without_waiting_for_a_frame() -> None:
    async with Desk().open() as desk:
        await desk.press("ctrl+k")
        assert desk.commands == [SetKillSwitch("operator at the terminal")]
        assert "confirmed" in desk.answer


async def test_pictures_are_made_only_for_the_pane_in_front() -> None:
    async with Desk().open() as desk:
        looked = desk.fake.looked
        assert looked == []
        await desk.press("2")
        assert set(looked) == {"risk", "decisions"}
        looked.clear()
        await desk.press("3")
        looked.clear()
        await desk.see()
        assert set(looked) == {"strategies"}
        await desk.press("t", "y", "1")
        looked.clear()
        await desk.see()
        assert looked == [], "the command is confirmed"


async def test_a_switch_on_its_way_is_followed_from_any_pane() -> None:
    async with Desk().open() as desk:
        desk.fake.hold = asyncio.Event()
        await desk.press("3", "t", "y", "1")
        desk.fake.looked.clear()
        await desk.see()
        assert set(desk.fake.looked) == {"strategies"}
        desk.fake.hold.set()
        await desk.settle()
        await desk.see()
        assert "confirmed  enable breakout" in desk.answer
