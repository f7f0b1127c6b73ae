"""The emergency keys, from everywhere."""

import asyncio

import pytest

from krakked_tui.control.commands import Answer, CancelAll, FlattenAll, SetKillSwitch
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.safety import FlattenPhase, FlattenProgress
from tests.fakes.controller import NOON, disconnected, empty, start_failed, starting
from tests.tui.driving import Desk

PLACES = {
    "dashboard": ("1",),
    "orders": ("4",),
    "order details": ("4", "enter"),
    "help": ("question_mark",),
    "palette's text field": ("ctrl+p", "f", "l"),
    "flatten's word field": ("ctrl+f", "F", "L"),
    "cancel all": ("ctrl+x",),
    "quit": ("q",),
}
KILL = [SetKillSwitch("operator at the terminal")]


@pytest.mark.parametrize("key", ["ctrl+k", "f9"])
async def test_the_kill_switch_is_set_at_once_from_everywhere(key: str) -> None:
    async with Desk().open() as desk:
        for place, way in PLACES.items():
            await desk.press(*way)
            front = desk.front
            await desk.press(key)
            assert desk.commands == KILL, place
            assert "KILL ON" in await desk.see()
            assert "confirmed  kill switch on: no new risk; Ctrl+X cancels 3 open orders too" in desk.answer
            assert desk.front == front, place
            await desk.start_over()


@pytest.mark.parametrize("view", [starting, disconnected, empty, start_failed])
async def test_the_kill_switch_works_in_every_state(view: object) -> None:
    async with Desk(view()).open() as desk:  # type: ignore[operator]
        await desk.press("ctrl+k")
        assert desk.commands == KILL


async def test_a_held_key_sends_one_kill_until_it_is_answered() -> None:
    async with Desk().open() as desk:
        desk.fake.hold = asyncio.Event()
        await desk.press("ctrl+k", "ctrl+k", "ctrl+k")
        assert desk.commands == KILL
        desk.time = 3.0
        assert "pending  kill switch on 3s" in (await desk.see()).splitlines()[-2]
        assert "kill off" in desk.text, "nothing is claimed before the engine says so"
        desk.fake.hold.set()
        await desk.settle()
        assert "KILL ON" in await desk.see()


async def test_a_kill_that_fails_says_so_and_can_be_pressed_again() -> None:
    async with Desk().open() as desk:
        desk.fake.answers += [ExchangeError("the engine does not answer")]
        await desk.press("ctrl+k")
        assert "NO ANSWER  kill switch on: the engine does not answer" in desk.answer
        await desk.press("ctrl+k")
        assert desk.commands == KILL * 2
        assert "confirmed" in desk.answer


async def test_a_kill_key_in_a_text_field_leaves_the_text_alone() -> None:
    async with Desk().open() as desk:
        await desk.press("ctrl+p", "f", "l", "home", "ctrl+k")
        assert "fl" in desk.text
        assert "Flatten: sell everything" in desk.text


async def test_cancel_all_opens_its_dialog_above_everything() -> None:
    async with Desk().open() as desk:
        for place, way in PLACES.items():
            await desk.press(*way, "ctrl+x")
            assert desk.front == "CancelAllDialog", place
            assert "This cancels 3 orders." in desk.text
            assert desk.commands == []
            await desk.press("y")
            assert desk.commands == [CancelAll()], place
            await desk.start_over()


async def test_cancel_all_starts_on_the_way_out() -> None:
    async with Desk().open() as desk:
        await desk.press("ctrl+x", "enter")
        assert desk.commands == []
        assert desk.front == "MainScreen"


async def test_cancel_all_can_be_left() -> None:
    async with Desk().open() as desk:
        for key in ("escape", "q", "n"):
            await desk.press("ctrl+x", key)
            assert desk.commands == []
            assert desk.front == "MainScreen", key


async def test_cancel_all_is_sent_once_and_followed_to_its_end() -> None:
    async with Desk().open() as desk:
        desk.fake.answers.append(Answer(accepted=True, message="started"))
        await desk.press("ctrl+x", "tab", "enter", "enter")
        assert desk.commands == [CancelAll()]
        await desk.press("escape")
        assert "accepted  cancel 3 orders 0s: 3 of 3 still open" in desk.answer
        desk.fake.take_effect(CancelAll())
        await desk.see()
        assert "confirmed  cancel 3 orders: 3 canceled" in desk.answer


async def test_cancel_all_without_asking_when_the_settings_say_so() -> None:
    async with Desk(settings=UiSettings(confirm_destructive=False)).open() as desk:
        await desk.press("ctrl+x")
        assert desk.commands == [CancelAll()]


async def test_flatten_opens_its_dialog_above_everything() -> None:
    async with Desk().open() as desk:
        for place, way in PLACES.items():
            await desk.press(*way, "ctrl+f")
            assert desk.front == "FlattenDialog", place
            assert desk.commands == []
            types = [type(screen).__name__ for screen in desk.app.screen_stack]
            assert types.count("FlattenDialog") == 1
            await desk.start_over()


async def test_flatten_lists_what_is_sold_and_starts_on_the_way_out() -> None:
    async with Desk(disconnected()).open() as desk:
        await desk.press("ctrl+f")
        for fact in ("3 positions", "$4,813.31", "0.03127711", "1m35s", "2,005.49", "Old or missing prices"):
            assert fact in desk.text
        await desk.press("enter")
        assert desk.front == "MainScreen"
        assert desk.commands == []


FLATTEN = [FlattenAll("FLATTEN", "operator at the terminal")]


async def test_flatten_wants_its_word_and_a_double_press_submits_once() -> None:
    async with Desk().open() as desk:
        await desk.press("ctrl+f", "shift+tab")
        await desk.type("FLATTEN")
        for _ in range(3):
            desk.app.simulate_key("enter")
        await desk.settle()
        assert desk.commands == FLATTEN


async def test_typing_the_word_works_from_the_way_out_too_and_the_choice_submits() -> None:
    async with Desk().open() as desk:
        await desk.press("ctrl+f")
        await desk.type("FLATTEN")
        await desk.press("tab", "tab", "enter", "enter")
        assert desk.commands == FLATTEN


async def test_a_wrong_word_sends_nothing_and_says_why() -> None:
    async with Desk().open() as desk:
        for word in ("", "flatten", "FLATTE", "FLATTENN", "ARM", "FLATTENX"):
            await desk.press("ctrl+f", "shift+tab")
            await desk.type(word)
            await desk.press("enter")
            assert desk.commands == [], word
            assert "Nothing was sent: type FLATTEN in capitals first." in desk.text
            await desk.press("escape")


async def test_a_mistyped_word_can_be_mended() -> None:
    async with Desk().open() as desk:
        await desk.press("ctrl+f", "shift+tab")
        await desk.type("FLATTWN")
        await desk.press("backspace", "backspace")
        await desk.type("EN")
        await desk.press("enter")
        assert desk.commands == FLATTEN


async def test_flatten_can_be_left_even_with_the_word_half_typed() -> None:
    async with Desk().open() as desk:
        for key in ("escape", "q"):
            await desk.press("ctrl+f")
            await desk.type("FLA")
            await desk.press(key)
            assert desk.front == "MainScreen", key
            assert desk.commands == []


async def test_flatten_shows_its_progress_and_its_verified_result() -> None:
    async with Desk().open() as desk:
        desk.fake.answers.append(Answer(accepted=True, message="started"))
        await desk.press("ctrl+f")
        await desk.type("FLATTEN")
        await desk.press("enter")
        assert "Waiting for the engine to take it up" in desk.text
        desk.fake.take_effect(FLATTEN[0])
        assert "SELLING  started 12:00:00 by tui" in await desk.see()
        assert "FLATTEN RUNNING" in desk.text
        desk.fake.finish_flatten(ETHUSD="0.0001 is below the minimum")
        assert "ETHUSD left: 0.0001 is below the minimum" in await desk.see()
        await desk.press("q")
        assert "confirmed  flatten: Verified, with something left: ETHUSD" in desk.answer


async def test_a_flatten_that_runs_already_is_shown_not_offered() -> None:
    async with Desk().open() as desk:
        running = FlattenProgress(FlattenPhase.CANCELLING, "x", "cli", NOON)
        desk.fake.publish(flatten=running)
        await desk.see()
        await desk.press("ctrl+f")
        assert "CANCELLING ORDERS  started 12:00:00 by cli" in desk.text
        await desk.type("FLATTEN")
        await desk.press("enter")
        assert desk.commands == []


async def test_flatten_is_always_confirmed() -> None:
    async with Desk(settings=UiSettings(confirm_destructive=False)).open() as desk:
        await desk.press("ctrl+f")
        assert desk.front == "FlattenDialog"


async def test_an_emergency_dialog_that_is_covered_comes_back_to_the_front() -> None:
    async with Desk().open() as desk:
        await desk.press("ctrl+f", "ctrl+x", "ctrl+f")
        assert [type(screen).__name__ for screen in desk.app.screen_stack] == ["MainScreen", "FlattenDialog"]


async def test_a_read_only_screen_sends_nothing() -> None:
    async with Desk(settings=UiSettings(read_only=True)).open() as desk:
        for place in ("1", "4", "question_mark", "ctrl+p"):
            await desk.press(place, "ctrl+k", "f9", "ctrl+x", "ctrl+f")
        await desk.press("escape", "escape", "p", "a", "c")
        assert desk.commands == []
        assert desk.front == "MainScreen"
        assert "READ ONLY" in desk.text


async def test_the_keys_work_while_the_terminal_is_too_small() -> None:
    async with Desk().open((60, 15)) as desk:
        await desk.press("ctrl+k")
        assert desk.commands == KILL
        assert "KILL SWITCH ON" in desk.text
        await desk.press("ctrl+f")
        await desk.type("FLATTEN")
        await desk.press("enter")
        assert desk.commands == KILL + FLATTEN
