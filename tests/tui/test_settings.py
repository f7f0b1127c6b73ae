"""The settings pane: what it shows, and changing a setting from the key to the new look."""

import asyncio

import msgspec
import pytest

from krakked_tui.control.commands import Answer, ChangeSetting
from krakked_tui.control.settings_view import CredentialsState, CredentialsView, SettingRow
from krakked_tui.control.ui_settings import ThemeName, UiSettings
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.widgets.table import LiveTable
from tests.fakes.settings import first_run, good, unvalidated
from tests.fakes.setup import TRADER, audit
from tests.tui.driving import Desk


def theme_of(desk: Desk) -> str:
    return desk.app.theme


async def test_nine_shows_the_settings_and_their_origins() -> None:
    async with Desk().open((120, 40)) as desk:
        await desk.press("9")
        assert desk.app.desk.pane is PaneName.SETTINGS
        for text in ("Mode        PAPER", "7f3a91c2", "2026-11-19 08:30:00 UTC", "krakked-tui 0.4.0"):
            assert text in desk.text
        for text in ("ui.theme", '⏎  "dark"', "command line", "environment", "config.toml", "default"):
            assert text in desk.text
        assert "✓ yes     placing orders" in desk.text


async def test_an_unvalidated_key_is_a_warning() -> None:
    async with Desk(effective=unvalidated()).open((100, 30)) as desk:
        await desk.press("9")
        assert "! ui.refresh_hz 4 is more than a slow line can carry." in desk.text
        assert "! The key is unvalidated: run krakked-tui setup" in desk.text
        assert "UNVALIDATED" in desk.text


async def test_a_key_that_can_withdraw_is_a_danger() -> None:
    found = audit(*TRADER, unknown=tuple(each for each in audit().missing if "withdraw" in each))
    credentials = CredentialsView(state=CredentialsState.LOCKED, audit=found)
    async with Desk(effective=msgspec.structs.replace(good(), credentials=credentials)).open() as desk:
        await desk.press("9")
        assert "DANGER: this key can, or may, withdraw money." in desk.text
        assert "UNVALIDATED" not in desk.text, "nobody knows: the file was not opened"


async def test_no_key_is_no_trouble_in_paper_mode() -> None:
    async with Desk(effective=first_run()).open() as desk:
        await desk.press("9")
        assert "none; this mode needs none" in desk.text
        assert "!" not in "".join(desk.lines[2:12])


async def test_both_parts_scroll() -> None:
    async with Desk().open() as desk:
        await desk.press("9", "end")
        assert "market_data.setting_29" in desk.text
        await desk.press("tab", *["j"] * 40)
        assert "krakked.log" in desk.text
        await desk.press("g")
        assert "Mode        PAPER" in desk.text
        await desk.press("shift+tab", "home")
        assert "ui.theme" in desk.text


async def test_a_setting_is_changed_and_the_screen_follows_only_when_it_is_in_force() -> None:
    async with Desk().open() as desk:
        desk.fake.hold = asyncio.Event()
        await desk.press("9", "enter")
        assert desk.front == "ChangeSettingDialog"
        assert '"dark"  →  "dark" (no change)' in desk.text
        await desk.press("down")
        assert '"dark"  →  "classic"' in desk.text
        await desk.press("y")
        assert desk.commands == [ChangeSetting("ui.theme", '"classic"')]
        assert 'pending  ui.theme = "classic"' in desk.answer
        assert theme_of(desk) == "dark"
        assert '⏎  "dark"' in desk.text
        desk.fake.hold.set()
        await desk.settle()
        await desk.see()
        assert 'confirmed  ui.theme = "classic": in force now' in desk.answer
        assert theme_of(desk) == "classic"
        assert '⏎  "classic"' in desk.text
        assert "runtime.toml" in desk.text


async def test_an_accepted_change_that_does_not_take_effect_is_not_confirmed() -> None:
    async with Desk().open() as desk:
        desk.fake.answers.append(Answer(accepted=True, message="saved"))
        await desk.press("9", "enter", "down", "enter")
        assert 'accepted  ui.theme = "classic"' in desk.answer
        assert theme_of(desk) == "dark"


async def test_a_change_that_something_else_overrules_is_not_called_done() -> None:
    async with Desk().open() as desk:
        kept = "ui.theme is kept, but environment KRAKKED__UI__THEME overrides it"
        desk.fake.answers.append(Answer(accepted=True, message=kept))
        await desk.press("9", "enter", "down", "enter")
        desk.time = 2.1
        await desk.see()
        assert f'NOT IN FORCE  ui.theme = "classic": {kept}'[:70] in desk.answer
        assert desk.app.session.dispatcher.pending == 0
        assert theme_of(desk) == "dark"


async def test_a_zone_is_typed_and_used_at_once() -> None:
    async with Desk().open() as desk:
        await desk.press("9", "down", "down", "enter", "ctrl+u")
        await desk.type("America/New_York")
        assert '"UTC"  →  "America/New_York"' in desk.text
        await desk.press("enter")
        assert desk.commands == [ChangeSetting("ui.timezone", '"America/New_York"')]
        await desk.press("1")
        assert "06:53:00  ETHUSD" in await desk.see()


async def test_a_refused_change_says_why_and_changes_nothing() -> None:
    async with Desk().open() as desk:
        desk.fake.answers.append(Answer(accepted=False, message="runtime.toml cannot be written"))
        await desk.press("9", "enter", "down", "enter")
        assert 'REFUSED  ui.theme = "classic": runtime.toml cannot be written' in desk.answer
        assert theme_of(desk) == "dark"
        assert '⏎  "dark"' in desk.text


@pytest.mark.parametrize("keys", [("enter", "enter"), ("enter", "down", "n"), ("enter", "down", "q"), ("d",)])
async def test_nothing_is_sent_without_a_change(keys: tuple[str, ...]) -> None:
    async with Desk().open() as desk:
        await desk.press("9", *keys)
        assert desk.commands == []


async def test_the_mouse_changes_a_setting_too() -> None:
    async with Desk().open() as desk:
        await desk.press("9")
        await desk.pilot.click("#settings-table", offset=(4, 2))
        await desk.press("enter")
        await desk.pilot.click("#values", offset=(6, 5))
        await desk.settle()
        await desk.pilot.click("#confirm")
        await desk.settle()
        (command,) = desk.commands
        assert isinstance(command, ChangeSetting)
        assert command.key == "ui.refresh_hz"
        assert command.value != "4"


async def test_the_refresh_rate_zone_and_confirmations_follow_at_once() -> None:
    async with Desk().open() as desk:
        ui = UiSettings(refresh_hz=1, timezone="America/New_York", confirm_destructive=False, read_only=True)
        desk.fake.current_settings = msgspec.structs.replace(good(), ui=ui)
        await desk.see()
        assert desk.app._frames.period == 1.0
        assert desk.app._timer is not None
        assert desk.app._timer._interval == 1.0
        assert "06:53:00  ETHUSD" in desk.text
        assert not desk.app.session.settings.read_only, "watching only is decided at the start"
        await desk.press("ctrl+x")
        assert len(desk.commands) == 1, "cancelling asks no more"


async def test_settings_given_at_the_start_hold_until_a_change() -> None:
    async with Desk(settings=UiSettings(theme=ThemeName.CLASSIC)).open() as desk:
        desk.fake.current_settings = msgspec.structs.replace(good(), warnings=("news",))
        await desk.see()
        assert theme_of(desk) == "classic"


async def test_other_settings_say_where_they_are_changed() -> None:
    async with Desk().open() as desk:
        await desk.press("9", "down", "down", "down", "enter")
        assert desk.front == "MainScreen"
        assert "Only settings marked ⏎ change here" in desk.answer
        await desk.press("d")
        assert desk.front == "SettingDialog"
        assert "/home/me/.config/krakked/config.toml" in desk.text
        assert "Change it in the configuration file" in desk.text


async def test_a_read_only_screen_has_no_change_command() -> None:
    async with Desk(settings=UiSettings(read_only=True)).open() as desk:
        await desk.press("9", "enter")
        assert desk.front == "MainScreen"
        await desk.press("d")
        assert desk.front == "SettingDialog"
        await desk.press("q", "ctrl+p")
        assert "Change the selected setting" not in desk.text


async def test_the_pane_is_in_palette_help_and_footer() -> None:
    async with Desk().open((140, 40)) as desk:
        assert "9 Settings" in desk.lines[-1]
        await desk.press("ctrl+p")
        await desk.type("settings")
        await desk.press("enter")
        assert desk.app.desk.pane is PaneName.SETTINGS
        await desk.press("question_mark", "pagedown")
        assert "Mode, API key, versions, paths" in desk.text


async def test_the_cursor_stays_on_its_setting_when_values_change() -> None:
    async with Desk().open() as desk:
        await desk.press("9", "down", "down", "down")
        table = desk.app.screen.query_one("#settings-table", LiveTable)
        before = table.selected
        more = (SettingRow("ui.confirm_destructive", "true", "default", changeable=True), *good().rows)
        desk.fake.current_settings = msgspec.structs.replace(good(), rows=more)
        await desk.see()
        assert table.selected == before
