"""The later steps of set-up: master password, region, review, saving."""

import asyncio
import threading

import msgspec
import pytest

from krakked_tui.control.setup import (
    KeyringState,
    SetupMode,
    UniversePreview,
)
from krakked_tui.domain.errors import RefusedError, StorageError
from krakked_tui.domain.secret import Secret
from krakked_tui.tui.exits import ExitReason, UiExit
from tests.fakes.setup import (
    FACTS,
    SAVED,
    SAVED_LIVE,
    FakeSetup,
)
from tests.tui.setup_driving import PASSWORD, Hands

QUIT = UiExit(ExitReason.QUIT)
REPLACING = msgspec.structs.replace(FACTS, secrets_exist=True)
NO_KEYRING = msgspec.structs.replace(FACTS, keyring=KeyringState(usable=False, detail="no D-Bus session"))


async def to_password(hands: Hands) -> None:
    await hands.press("enter")
    await hands.enter_key()
    await hands.press("enter")
    assert hands.title == "Master password"


async def test_a_password_must_be_typed_twice_and_be_strong_enough() -> None:
    async with Hands().open() as hands:
        await to_password(hands)
        await hands.press("enter", "enter")
        assert "Type a master password, twice." in hands.text
        await hands.enter_password("abc")
        assert "■····" in hands.text
        assert "strength: ■···· hopeless, NOT ENOUGH\n" in hands.text
        assert "This password is too easy to guess." in hands.text
        await hands.press("ctrl+u", "tab", "ctrl+u", "shift+tab")
        await hands.type(PASSWORD)
        assert "strength: ■■■■■ strong\n" in hands.text
        await hands.press("enter")
        await hands.type(PASSWORD + "x")
        await hands.press("enter")
        assert "The two are not the same." in hands.text
        assert hands.title == "Master password"
        await hands.press("tab", "backspace", "enter")
        assert hands.title == "Region and universe"


async def test_a_password_is_never_changed_silently() -> None:
    async with Hands().open() as hands:
        await to_password(hands)
        await hands.paste(" spaces and q stay \n")
        assert hands.fields[0] == " spaces and q stay "
        await hands.press("ctrl+u")
        await hands.paste("two\nlines")
        assert hands.fields[0] == ""
        assert "Nothing was pasted" in hands.text


async def test_an_entered_password_is_kept_when_its_step_is_left_empty() -> None:
    async with Hands().open() as hands:
        await to_password(hands)
        await hands.enter_password()
        await hands.press("b")
        assert hands.fields == ["", ""]
        await hands.press("enter", "enter", "enter", "enter")
        assert hands.fake.saved[0].password == Secret(PASSWORD)


async def test_without_a_keyring_nothing_is_offered_and_the_reason_is_given() -> None:
    async with Hands(FakeSetup(NO_KEYRING)).open() as hands:
        await to_password(hands)
        assert "no D-Bus session" in hands.text
        assert "[ ]" not in hands.text
        await hands.enter_password()
        await hands.press("enter", "enter")
        assert not hands.fake.saved[0].remember_password


async def judgements(hands: Hands, number: int) -> None:
    """Wait until so many were asked for."""
    while len(hands.fake.judged) < number:
        await hands.pilot.pause(0)


async def test_a_slow_judge_stops_no_key_and_shows_nothing_stale() -> None:
    hands = Hands()
    hands.fake.gate = gate = threading.Semaphore(0)
    async with hands.open():
        await to_password(hands)
        await hands.type("a")
        await judgements(hands, 1)
        await hands.type("bc")
        assert "•••" in hands.text
        assert "strength: … judging" in hands.text
        gate.release()
        await judgements(hands, 2)
        await hands.settle()
        assert "strength: … judging" in hands.text, "the answer was about other text"
        gate.release()
        while hands.app._main.step.judging:  # type: ignore[attr-defined]
            await hands.pilot.pause(0)
        await hands.settle()
        assert "hopeless, NOT ENOUGH" in hands.text
        assert hands.fake.judged == [Secret("a"), Secret("abc")], "only the newest text is judged"


async def test_next_waits_for_the_judgement_of_just_what_is_typed() -> None:
    hands = Hands()
    async with hands.open():
        await to_password(hands)
        await hands.type(PASSWORD)
        assert "strength: ■■■■■ strong" in hands.text
        hands.fake.gate = gate = threading.Semaphore(0)
        hands.fake.judged.clear()
        await hands.press("ctrl+u")
        await hands.type("abc")
        await hands.press("enter")
        await hands.type("abc")
        await hands.press("enter")
        assert hands.title == "Master password"
        assert hands.app._main.entries.password is None
        for _ in range(3):
            gate.release()
        hands.fake.gate = None
        await hands.settle()
        assert "This password is too easy to guess." in hands.text
        assert hands.title == "Master password"
        hands.fake.gate = threading.Semaphore(0)
        await hands.type("defghijklmnop")
        await hands.press("enter", "ctrl+u")
        await hands.type("abcdefghijklmnop")
        await hands.press("enter")
        assert hands.title == "Master password"
        gate, hands.fake.gate = hands.fake.gate, None
        gate.release()
        await hands.settle()
        assert hands.title == "Region and universe"
        assert hands.app._main.entries.password == Secret("abcdefghijklmnop")


async def test_what_is_typed_while_next_waits_takes_it_back() -> None:
    hands = Hands()
    hands.fake.gate = gate = threading.Semaphore(0)
    async with hands.open():
        await to_password(hands)
        await hands.enter_password()
        await hands.type("x")
        hands.fake.gate = None
        gate.release()
        await hands.settle()
        assert hands.title == "Master password"
        assert "strong" in hands.text
        assert "not the same" not in hands.text, "nobody asks any more"


async def test_a_judge_that_breaks_is_reported_and_lets_no_password_through() -> None:
    hands = Hands()
    hands.fake.strength = ValueError("boom")
    async with hands.open():
        await to_password(hands)
        await hands.enter_password()
        assert hands.title == "Master password"
        assert "not judged, NOT ENOUGH" in hands.text
        assert "Judging it failed inside Krakked (ValueError)" in hands.text
        assert "boom" in hands.crashes[0]
        assert PASSWORD not in "".join(hands.crashes)


async def test_the_preview_is_loaded_in_the_background_and_its_failure_blocks_nothing() -> None:
    trouble = UniversePreview(trouble="api.kraken.com did not answer.")
    hands = Hands(FakeSetup(previews=[trouble, OSError("no route"), UniversePreview(3, 9)]))
    async with hands.open():
        await hands.press("enter", "tab", "tab", "tab", "enter")
        assert "No preview: api.kraken.com did not answer." in hands.text
        await hands.press("b", "tab", "tab", "tab", "enter")
        assert "No preview: internal error (OSError)" in hands.text
        assert "no route" in hands.crashes[0]
        await hands.press("b", "tab", "tab", "tab", "enter")
        assert "3 of 9 USD pairs" in hands.text
        await hands.press("b", "tab", "tab", "tab", "enter")
        assert hands.fake.previewed == 3, "what is known is not asked again"


async def test_a_preview_that_comes_late_appears() -> None:
    hands = Hands()
    hands.fake.hold = asyncio.Event()
    async with hands.open():
        await hands.press("enter", "tab", "tab", "tab", "enter")
        assert "Loading what would be traded." in hands.text
        hands.fake.hold.set()
        await hands.settle()
        assert "25 of 612 USD pairs" in hands.text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RefusedError("The password is too weak."), "NOT SAVED: The password is too weak."),
        (StorageError("No space left on the disk."), "NOT SAVED: No space left on the disk."),
        (ValueError("boom"), "NOT SAVED: internal error (ValueError)"),
    ],
)
async def test_a_failed_save_loses_nothing(error: Exception, words: str) -> None:
    hands = Hands(FakeSetup(saves=[error, SAVED]))
    async with hands.open():
        await to_password(hands)
        await hands.enter_password()
        await hands.press("enter", "enter")
        assert words in hands.text
        assert hands.app.ended is None
        assert hands.app._main.entries.saved is None
        await hands.press("enter")
        first, second = hands.fake.saved
        assert first == second
        assert second.password == Secret(PASSWORD)
        assert "✓ SAVED" in hands.text
        assert PASSWORD not in "".join(hands.crashes)


async def test_nothing_interrupts_saving_and_it_happens_once() -> None:
    hands = Hands()
    async with hands.open():
        await hands.press("enter", "tab", "tab", "tab", "enter", "enter")
        hands.fake.hold = asyncio.Event()
        await hands.press("enter", "enter", "q", "escape", "ctrl+q", "b")
        assert "… Saving." in hands.text
        assert hands.app.ended is None
        hands.fake.hold.set()
        await hands.settle()
        assert "✓ SAVED" in hands.text
        assert len(hands.fake.saved) == 1
        await hands.press("q")
        assert hands.app.saved == SAVED, "saved is saved, however it is left"
        assert not hands.app.goes_on, "leaving starts nothing"


@pytest.mark.parametrize("keys", [("right", "enter"), ("q",), ("ctrl+q",), ("ctrl+c",)])
async def test_after_saving_only_the_choice_that_says_so_starts(keys: tuple[str, ...]) -> None:
    async with Hands(FakeSetup(saves=[SAVED_LIVE])).open() as hands:
        await hands.press("down", "enter")
        await hands.enter_key()
        await hands.press("enter")
        await hands.enter_password()
        await hands.press("enter", "enter")
        assert "✓ SAVED" in hands.text
        assert "Live trading stays locked" in hands.text
        assert "Start paper trading (Enter)" in hands.text
        await hands.press(*keys)
        assert hands.app.ended == QUIT
        assert not hands.app.goes_on


async def test_replacing_a_saved_key_is_said_and_wants_more_than_enter() -> None:
    async with Hands(FakeSetup(REPLACING)).open() as hands:
        assert "A key is saved already" in hands.text
        await to_password(hands)
        await hands.enter_password()
        await hands.press("enter")
        assert "this REPLACES the key that is saved now" in hands.text
        assert hands.focused == "back"
        await hands.press("right", "enter")
        assert len(hands.fake.saved) == 1


async def test_a_saved_key_may_be_kept_for_live() -> None:
    async with Hands(FakeSetup(REPLACING)).open() as hands:
        await hands.press("down", "enter", "tab", "tab", "tab", "enter", "enter")
        assert "stays as it is" in hands.text
        await hands.press("enter")
        assert hands.fake.saved[0].mode is SetupMode.LIVE
        assert hands.fake.saved[0].api_key is None


async def test_a_key_in_the_environment_is_mentioned() -> None:
    facts = msgspec.structs.replace(FACTS, environment_key="KRAKEN_API_KEY is set without its secret.")
    async with Hands(FakeSetup(facts)).open() as hands:
        assert "KRAKEN_API_KEY is set without its secret." in hands.text
