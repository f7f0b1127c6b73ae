"""Set-up step by step: what each key does, and what the service was asked to do."""

import asyncio

import msgspec
import pytest

from krakked_tui.control.setup import (
    KeyCheck,
    KeyringState,
    KeyVerdict,
    SetupMode,
)
from krakked_tui.domain.secret import Secret
from krakked_tui.tui.exits import ExitReason, UiExit
from krakked_tui.tui.setup.fields import SecretField
from krakked_tui.tui.setup.screen import STEPS
from krakked_tui.tui.setup.step import StepName
from tests.fakes.setup import (
    FACTS,
    SAVED,
    FakeSetup,
    accepted,
    malformed,
    partial,
    refused,
    unreachable,
    withdraws,
)
from tests.tui.setup_driving import KEY, PASSWORD, SECRET, Hands

QUIT = UiExit(ExitReason.QUIT)
REPLACING = msgspec.structs.replace(FACTS, secrets_exist=True)
NO_KEYRING = msgspec.structs.replace(FACTS, keyring=KeyringState(usable=False, detail="no D-Bus session"))


async def test_paper_trading_needs_no_key_and_no_password() -> None:
    async with Hands().open() as hands:
        assert "nothing goes live from here" in hands.text.replace("\n  ", " ")
        await hands.press("enter", "tab", "tab", "tab", "enter")
        assert hands.title == "Region and universe"
        await hands.press("enter")
        assert "API key         none is saved" in hands.text
        await hands.press("enter", "enter")
        (choices,) = hands.fake.saved
        assert (choices.mode, choices.region) == (SetupMode.PAPER, "US_CA")
        entered = (choices.api_key, choices.api_secret, choices.password, choices.check)
        assert entered == (None, None, None, None)
        assert not choices.forced
        assert hands.fake.checked == []
        assert hands.app.saved == SAVED
        assert hands.app.goes_on
        assert hands.app.ended == QUIT


async def test_everything_that_was_entered_is_saved() -> None:
    async with Hands().open() as hands:
        await hands.press("down", "enter")
        assert "Live trading needs a key." in hands.text
        assert "Skip" not in hands.text
        await hands.enter_key()
        assert hands.fake.checked == [(Secret(KEY), Secret(SECRET))]
        assert "✓ ACCEPTED" in hands.text
        await hands.press("enter")
        await hands.type(PASSWORD)
        await hands.press("enter")
        await hands.type(PASSWORD)
        await hands.press("tab", "space", "enter")
        assert hands.title == "Region and universe"
        await hands.press("down", "down", "enter")
        assert "kept in the keyring of this computer" in hands.text
        assert hands.fake.saved == [], "nothing is written before the last key"
        await hands.press("enter")
        (choices,) = hands.fake.saved
        assert choices.mode is SetupMode.LIVE
        assert choices.region == "US_TX"
        assert (choices.api_key, choices.api_secret) == (Secret(KEY), Secret(SECRET))
        assert choices.password == Secret(PASSWORD)
        assert choices.remember_password
        assert choices.check == accepted()
        assert not choices.forced
        assert "✓ SAVED" in hands.text
        assert "Start trading on paper: krakked-tui" in hands.text
        assert hands.app.ended is None
        assert not hands.app._main.entries.has_secrets, "secrets are forgotten once they are saved"
        await hands.press("enter")
        assert hands.app.saved == SAVED


async def test_the_mouse_is_enough() -> None:
    async with Hands().open() as hands:
        await hands.click("#mode", (8, 1))
        await hands.click("#next")
        await hands.click("#api-secret")
        await hands.paste(SECRET)
        await hands.click("#api-key")
        await hands.paste(KEY)
        await hands.click("#next")
        assert hands.fake.checked == [(Secret(KEY), Secret(SECRET))]
        await hands.click("#next")
        await hands.paste(PASSWORD)
        await hands.click("#again")
        await hands.paste(PASSWORD)
        await hands.click("#remember")
        await hands.click("#next")
        await hands.click("#region", (8, 2))
        await hands.click("#next")
        await hands.click("#next")
        (choices,) = hands.fake.saved
        assert (choices.mode, choices.region) == (SetupMode.LIVE, "US_TX")
        assert choices.remember_password
        await hands.click("#next")
        assert hands.app.saved == SAVED


@pytest.mark.parametrize(
    "pasted",
    [
        f"\r\n{KEY}\r\n",
        f"  {KEY}\t",
        f"{KEY[:20]}\n{KEY[20:40]}\n   {KEY[40:]}",
        f"\u00a0{KEY}\u2003",
    ],
)
async def test_white_space_around_and_within_a_pasted_key_is_dropped(pasted: str) -> None:
    async with Hands().open() as hands:
        await hands.press("enter")
        await hands.enter_key(pasted, f"\n{SECRET}\n")
        assert hands.fake.checked == [(Secret(KEY), Secret(SECRET))]


async def test_a_key_may_be_typed_and_white_space_in_it_is_dropped() -> None:
    async with Hands().open() as hands:
        await hands.press("enter")
        await hands.type(f" {KEY[:10]} {KEY[10:]} ")
        await hands.press("enter")
        await hands.type("QWQW")
        await hands.press("enter")
        assert hands.fake.checked == [(Secret(KEY), Secret("QWQW"))]


async def test_keys_never_show_and_never_reach_the_clipboard() -> None:
    async with Hands().open() as hands:
        await hands.press("enter")
        await hands.paste(KEY)
        assert "•" * 56 in hands.text
        for keys in (
            ("ctrl+shift+a", "ctrl+c"),
            ("n", "ctrl+shift+a", "ctrl+x"),
            ("ctrl+shift+a", "super+c"),
        ):
            await hands.press(*keys)
            assert hands.app.clipboard == ""
            assert KEY[:4] not in hands.text
        assert hands.fields[0] == KEY, "cutting takes nothing away either"


async def test_pasting_what_no_key_can_be_is_refused_and_endless_text_is_cut() -> None:
    async with Hands().open() as hands:
        await hands.press("enter")
        await hands.paste("abc\x1b]52;c;xyz\x07")
        assert "Nothing was pasted" in hands.text
        assert hands.fields == ["", ""]
        await hands.paste("a" * 100_000)
        assert hands.fields[0] == "a" * 512


async def test_half_a_key_is_not_checked() -> None:
    async with Hands().open() as hands:
        await hands.press("enter", "enter", "enter")
        assert "Enter the API key too" in hands.text
        await hands.paste(KEY)
        await hands.press("enter", "enter")
        assert "Enter its secret too" in hands.text
        assert hands.fake.checked == []


async def test_fields_are_empty_after_leaving_and_what_was_entered_is_kept() -> None:
    async with Hands().open() as hands:
        await hands.press("enter")
        await hands.paste(KEY)
        await hands.press("tab")
        await hands.paste(SECRET)
        fields = list(hands.app.screen.query(SecretField))
        assert hands.fields == [KEY, SECRET]
        await hands.press("escape")
        assert hands.title == "Welcome"
        assert [field.value for field in fields] == ["", ""]
        await hands.press("enter")
        assert hands.fields == ["", ""]
        assert "entered; leave empty to keep it" in hands.text
        await hands.press("enter", "enter")
        assert hands.fake.checked == [(Secret(KEY), Secret(SECRET))]


async def test_a_running_check_can_be_called_off() -> None:
    hands = Hands()
    hands.fake.hold = asyncio.Event()
    async with hands.open():
        await hands.press("enter")
        await hands.enter_key()
        assert "Asking api.kraken.com about this key." in hands.text
        assert hands.focused == "back"
        await hands.press("b")
        assert hands.title == "API key"
        assert hands.fake.cancelled == 1
        hands.fake.hold.set()
        await hands.settle()
        assert hands.title == "API key"
        assert hands.app._main.entries.check is None


@pytest.mark.parametrize(
    ("check", "word"), [(malformed(), "NOT A KEY"), (refused(), "REFUSED")], ids=["malformed", "refused"]
)
async def test_a_bad_key_cannot_be_saved_from_here(check: KeyCheck, word: str) -> None:
    async with Hands(FakeSetup(checks=[check, accepted()])).open() as hands:
        await hands.press("down", "enter")
        await hands.enter_key()
        assert f"✗ {word}" in hands.text
        assert check.headline in hands.text
        assert "Correct it" in hands.text
        assert "unvalidated" not in hands.text
        assert "without a key" not in hands.text, "live needs one"
        assert [choice.id for choice in hands.app.screen.query("Choice")] == ["back"]
        hands.app._main.step.submit()
        await hands.settle()
        assert hands.title == "Key check"
        await hands.press("enter")
        assert hands.title == "API key"
        await hands.press("tab")
        await hands.paste(SECRET + "x")
        await hands.press("enter")
        assert "✓ ACCEPTED" in hands.text
        assert hands.fake.checked[1] == (Secret(KEY), Secret(SECRET + "x"))


async def test_after_a_refusal_paper_trading_goes_on_without_the_key() -> None:
    async with Hands(FakeSetup(checks=[refused()])).open() as hands:
        await hands.press("enter")
        await hands.enter_key()
        await hands.press("right", "enter")
        assert hands.title == "Region and universe"
        assert not hands.app._main.entries.has_secrets
        await hands.press("enter", "enter")
        assert hands.fake.saved[0].api_key is None


async def test_an_unreachable_exchange_says_nothing_about_the_key() -> None:
    async with Hands(FakeSetup(checks=[unreachable(), unreachable(), accepted()])).open() as hands:
        await hands.press("enter")
        await hands.enter_key()
        assert "? NOT CHECKED" in hands.text
        assert "This says nothing about the key." in hands.text
        assert "invalid" not in hands.text.lower().replace("unvalidated", "")
        await hands.press("enter")
        assert len(hands.fake.checked) == 2, "Enter tries again"
        await hands.press("right", "enter")
        assert hands.title == "Master password"
        await hands.enter_password()
        await hands.press("enter")
        assert "UNVALIDATED: the exchange was not reached" in hands.text
        await hands.press("enter")
        (choices,) = hands.fake.saved
        assert choices.check is not None
        assert choices.check.verdict is KeyVerdict.UNREACHABLE
        assert not choices.forced


async def test_trying_again_can_succeed() -> None:
    async with Hands(FakeSetup(checks=[unreachable(), accepted()])).open() as hands:
        await hands.press("enter")
        await hands.enter_key()
        await hands.press("enter")
        assert "✓ ACCEPTED" in hands.text


async def test_a_check_that_breaks_is_reported_and_proves_nothing() -> None:
    async with Hands(FakeSetup(checks=[ValueError("boom")])).open() as hands:
        await hands.press("enter")
        await hands.enter_key()
        assert "The check failed inside Krakked (ValueError)" in hands.text
        assert "boom" in hands.crashes[0]
        assert KEY not in hands.crashes[0]


async def test_a_key_that_can_withdraw_is_warned_of_and_not_taken_by_mere_enter() -> None:
    async with Hands(FakeSetup(checks=[withdraws()])).open() as hands:
        await hands.press("enter")
        await hands.enter_key()
        assert "DANGER: this key can, or may, withdraw money." in hands.text
        assert "! CAN     WITHDRAW MONEY" in hands.text
        assert hands.focused == "back"
        await hands.press("pagedown")
        assert "Only from: 203.0.113.7." in hands.text
        await hands.press("pageup", "right", "enter")
        await hands.enter_password()
        await hands.press("enter")
        assert "WITHDRAW MONEY" in hands.text


async def test_permissions_are_words_and_signs() -> None:
    async with Hands(FakeSetup(checks=[partial()])).open((120, 40)) as hands:
        await hands.press("enter")
        await hands.enter_key()
        assert "✓ yes     reading balances" in hands.text
        assert "? unknown placing orders" in hands.text
        assert "✗ NO      hearing of fills at once (needs create-ws-token)" in hands.text
        assert "✓ cannot  withdraw money" in hands.text
        assert "! It cannot place orders for certain." in hands.text


async def to_password(hands: Hands) -> None:
    await hands.press("enter")
    await hands.enter_key()
    await hands.press("enter")
    assert hands.title == "Master password"


@pytest.mark.parametrize("back", ["escape", "b"])
async def test_back_works_at_every_step(back: str) -> None:
    async with Hands().open() as hands:
        await to_password(hands)
        await hands.enter_password()
        await hands.press("enter")
        seen = [hands.title]
        for _ in range(5):
            if back == "b" and hands.focused in {"password", "api-key"}:
                await hands.press("tab", "tab", "tab")  # letters are text in a text field
            await hands.press(back)
            seen.append(hands.title)
        assert seen == [
            "Review", "Region and universe", "Master password", "Key check", "API key", "Welcome"
        ]  # fmt: skip
        assert len(hands.fake.checked) == 1, "the verdict on a key holds until the key changes"


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c", "escape", "b"])
async def test_leaving_untouched_asks_nothing(key: str) -> None:
    async with Hands().open() as hands:
        await hands.press(key)
        assert hands.app.ended == QUIT
        assert hands.app.saved is None


@pytest.mark.parametrize("stay", ["escape", "q", "n", "enter", "ctrl+q"])
async def test_leaving_asks_when_something_was_typed(stay: str) -> None:
    again = "n" if stay == "ctrl+q" else ""
    async with Hands().open() as hands:
        await hands.press("enter")
        await hands.type("q")
        assert hands.fields[0] == "q", "q is a letter there"
        await hands.press("ctrl+q")
        assert "Nothing is saved: everything stays as it was before." in hands.text
        await hands.press(stay)
        assert ("LEAVE SET-UP" in hands.text) == bool(again), "the same key again is no answer"
        await hands.press(*again)
        assert hands.title == "API key"
        assert hands.fields[0] == "q"
        await hands.press("ctrl+c", "y")
        assert hands.app.ended == QUIT
        assert hands.app.saved is None
        assert hands.fake.saved == []
        assert not hands.app._main.entries.has_secrets


async def test_a_signal_ends_set_up_and_forgets_everything() -> None:
    async with Hands().open() as hands:
        await hands.press("enter")
        await hands.enter_key()
        hands.app.end_by_signal("SIGTERM")
        await hands.settle()
        assert hands.app.ended == UiExit(ExitReason.SIGNAL, "SIGTERM")
        assert hands.app.saved is None
        assert not hands.app._main.entries.has_secrets


async def test_a_lost_terminal_ends_set_up() -> None:
    hands = Hands()
    async with hands.open():
        hands.app._terminal.lose("closed")
        hands.app.check_terminal()
        await hands.settle()
        assert hands.app.ended == UiExit(ExitReason.TERMINAL_LOST, "closed")


async def test_tab_goes_through_all_fields_and_choices_in_order() -> None:
    async with Hands().open() as hands:
        await to_password(hands)
        order = []
        for _ in range(5):
            order.append(hands.focused)
            await hands.press("tab")
        assert order == ["password", "again", "remember", "next", "back"]
        assert hands.focused == "password"
        await hands.press("shift+tab")
        assert hands.focused == "back"


async def test_nothing_is_painted_while_nobody_does_anything() -> None:
    async with Hands().open() as hands:
        await hands.press("enter")
        timers = [timer.name for timer in hands.app._timers]
        assert timers == ["terminal"]
        assert all(not field._blink_timer._active.is_set() for field in hands.app.screen.query("SecretField"))  # type: ignore[attr-defined]


async def test_too_small_a_terminal_is_said_and_recovers() -> None:
    async with Hands().open() as hands:
        before = hands.text
        await hands.resize(60, 20)
        assert "80x24 or more; this is 60x20" in hands.text
        await hands.resize(80, 24)
        assert hands.text == before


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (79, 24), (80, 23), (300, 100)])
async def test_every_step_survives_every_size(size: tuple[int, int]) -> None:
    async with Hands().open() as hands:
        hands.app._main.entries.saved = SAVED
        hands.app._main.entries.take_key(Secret(KEY), Secret(SECRET))
        for name in StepName:
            hands.app._main.go(name)
            await hands.settle()
            await hands.resize(*size)
            await hands.resize(80, 24)
            assert hands.title == STEPS[name].TITLE_TEXT
        assert hands.crashes == []
