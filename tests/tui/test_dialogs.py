"""Arming, cancelling one order, details, help, palette, quitting."""

import pytest

from krakked_tui.control.commands import (
    Answer,
    CancelOrder,
    ClearKillSwitch,
    PauseCycles,
    ResumeCycles,
    Shutdown,
)
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.tui.exits import STOP_SECONDS, ExitReason, UiExit
from tests.fakes.controller import killed, start_failed
from tests.tui.driving import Desk

QUIT = UiExit(ExitReason.QUIT)


async def test_arming_wants_its_word() -> None:
    async with Desk(killed()).open() as desk:
        await desk.press("a", "enter")
        assert desk.front == "MainScreen", "the focus starts on the way out"
        await desk.press("a")
        await desk.type("arm")
        await desk.press("enter")
        assert "type ARM in capitals" in desk.text
        await desk.press("escape", "a")
        await desk.type("ARM")
        await desk.press("enter", "enter")
        assert desk.commands == [ClearKillSwitch("ARM")]
        assert "kill off" in desk.text
        assert "confirmed  clear the kill switch: new positions are allowed again" in desk.answer


async def test_a_refused_clearing_says_why() -> None:
    async with Desk(killed()).open() as desk:
        desk.fake.answers.append(Answer(accepted=False, message="drift persists: XBT differs by 0.1"))
        await desk.press("a")
        await desk.type("ARM")
        await desk.press("enter")
        assert "REFUSED  clear the kill switch: drift persists: XBT differs by 0.1" in desk.answer
        assert "KILL ON" in desk.text


async def test_there_is_nothing_to_arm_without_a_kill() -> None:
    async with Desk().open() as desk:
        await desk.press("a")
        assert desk.front == "MainScreen"
        assert "The kill switch is off already." in desk.answer


async def test_the_selected_order_is_cancelled_after_asking() -> None:
    async with Desk().open() as desk:
        await desk.press("4", "down", "c")
        assert "This cancels 1 order: buy 6.25000000 SOLUSD at 170.58" in desk.text
        await desk.press("y")
        assert desk.commands == [CancelOrder("kk-7f3a-000002")]
        assert "confirmed  cancel buy SOLUSD: 1 canceled" in desk.answer
        assert "OPEN 2" in desk.text


async def test_a_cancel_can_be_left() -> None:
    async with Desk().open() as desk:
        for key in ("escape", "q", "n", "enter"):
            await desk.press("4", "c", key)
            assert desk.commands == []
            assert desk.front == "MainScreen", key


async def test_one_order_goes_without_asking_when_the_settings_say_so() -> None:
    async with Desk(settings=UiSettings(confirm_destructive=False)).open() as desk:
        await desk.press("4", "c")
        assert desk.commands == [CancelOrder("kk-7f3a-000001")]


async def test_an_ended_order_cannot_be_cancelled() -> None:
    async with Desk().open() as desk:
        await desk.press("4", "tab", "c")
        assert desk.front == "MainScreen"
        assert "Select an open order first" in desk.answer


async def test_the_cancel_dialog_keeps_its_order_when_rows_move() -> None:
    async with Desk().open() as desk:
        await desk.press("4", "c")
        desk.fake.publish(open_orders=desk.fake.current.open_orders[1:])
        await desk.see()
        assert "ETHUSD" in desk.text
        await desk.press("y")
        assert desk.commands == [CancelOrder("kk-7f3a-000001")]


async def test_details_show_the_order_under_the_cursor_and_close() -> None:
    async with Desk().open() as desk:
        await desk.press("4", "tab", "down")
        for key in ("escape", "q", "enter"):
            await desk.press("enter")
            assert desk.front == "OrderDialog"
            assert "kk-7f3a-000011" in desk.text
            await desk.press(key)
            assert desk.front == "MainScreen", key


async def test_details_follow_the_order_while_they_are_open() -> None:
    async with Desk().open() as desk:
        await desk.press("4", "enter")
        assert "Status        open" in desk.text
        desk.fake.take_effect(CancelOrder("kk-7f3a-000001"))
        assert "Status        canceled" in await desk.see()


async def test_p_pauses_and_resumes() -> None:
    async with Desk().open() as desk:
        await desk.press("p")
        assert "PAUSED" in desk.text
        assert "p Resume" in desk.text
        await desk.press("p")
        assert "PAUSED" not in desk.text
        assert desk.commands == [PauseCycles(), ResumeCycles()]


async def test_help_lists_the_keys_and_closes() -> None:
    async with Desk().open() as desk:
        for key in ("escape", "q"):
            await desk.press("question_mark")
            assert "EVERYWHERE" in desk.text
            await desk.press(*["pagedown"] * 4)
            assert "WORDS" in desk.text
            await desk.press(key)
            assert desk.front == "MainScreen", key


async def test_the_palette_finds_commands_and_dangerous_ones_still_ask() -> None:
    async with Desk().open() as desk:
        await desk.press("ctrl+p")
        await desk.type("flat")
        assert "▶ ^F" in desk.text
        await desk.press("enter")
        assert desk.front == "FlattenDialog"
        assert desk.commands == []


async def test_the_palette_runs_the_marked_command() -> None:
    async with Desk().open() as desk:
        await desk.press("ctrl+p", "down", "down", "down", "enter")
        assert desk.front == "MainScreen"
        assert "OPEN 3" in desk.text


async def test_the_palette_says_why_a_command_cannot_run_or_is_not_there() -> None:
    async with Desk().open() as desk:
        await desk.press("ctrl+p")
        await desk.type("clear")
        await desk.press("enter")
        assert "The kill switch is off already." in desk.answer
        await desk.press("ctrl+p")
        await desk.type("zzz")
        assert "No command has that in its name." in desk.text
        await desk.press("enter", "escape")
        assert desk.front == "MainScreen"


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_quitting_asks_says_what_happens_and_stops_the_engine(key: str) -> None:
    async with Desk().open() as desk:
        await desk.press(key)
        assert "3 open orders stay at the exchange and may still fill." in desk.text
        await desk.press("enter")
        assert desk.front == "MainScreen", "the focus starts on staying"
        await desk.press(key, "y")
        assert desk.commands == [Shutdown("operator quit")]
        assert desk.app.ended == QUIT


async def test_ctrl_c_asks_from_within_any_dialog() -> None:
    async with Desk().open() as desk:
        await desk.press("ctrl+p", "x", "ctrl+c")
        assert desk.front == "QuitDialog"
        await desk.press("ctrl+c", "q")
        assert desk.front == "PaletteDialog"


async def test_leaving_waits_until_the_engine_has_stopped() -> None:
    async with Desk().open() as desk:
        desk.fake.answers.append(Answer(accepted=True, message="stopping"))
        await desk.press("q", "y")
        assert desk.app.ended is None
        desk.fake.publish_status(phase="stopping")
        assert "STOPPING" in await desk.see()
        desk.time = STOP_SECONDS + 1
        await desk.see()
        assert desk.app.ended == QUIT


async def test_a_refused_shutdown_keeps_the_screen() -> None:
    async with Desk().open() as desk:
        desk.fake.answers.append(Answer(accepted=False, message="a submission is in flight"))
        await desk.press("q", "y")
        desk.time = STOP_SECONDS + 1
        await desk.see()
        assert desk.app.ended is None
        assert "REFUSED  stop the engine: a submission is in flight" in desk.answer


async def test_a_read_only_screen_leaves_without_a_command() -> None:
    async with Desk(settings=UiSettings(read_only=True)).open() as desk:
        await desk.press("q", "y")
        assert desk.commands == []
        assert desk.app.ended == QUIT


async def test_after_a_failed_start_q_just_leaves() -> None:
    async with Desk(start_failed()).open() as desk:
        await desk.press("q")
        assert desk.commands == []
        assert desk.app.ended == QUIT


async def test_an_engine_that_stops_by_itself_ends_the_screen() -> None:
    async with Desk().open() as desk:
        desk.fake.publish_status(phase="stopped")
        await desk.see()
        assert desk.app.ended == UiExit(ExitReason.ENGINE_STOPPED)


async def test_an_error_nobody_foresaw_is_reported_and_the_screen_lives() -> None:
    async with Desk().open() as desk:
        desk.fake.answers.append(ValueError("boom"))
        await desk.press("p")
        assert "NO ANSWER  pause cycles: internal error (ValueError)" in desk.answer
        assert "boom" in desk.crashes[0]
