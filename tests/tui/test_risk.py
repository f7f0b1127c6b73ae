"""The risk pane: what each key asks and sends, old beside new before anything is saved."""

import asyncio
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.control.commands import Answer, ChangeSettings, ClearKillSwitch
from krakked_tui.control.risk_view import RiskPreview
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.domain.errors import StorageError
from krakked_tui.tui.rows.changes import ASKING
from tests.fakes import risk as fake_risk
from tests.fakes.controller import killed, normal
from tests.fakes.risk import OK, FakeRisk
from tests.tui.driving import Desk


async def test_the_parts_follow_one_another_and_enter_opens_their_lines() -> None:
    async with Desk().open() as desk:
        await desk.press("2", "down", "enter")
        assert "Setting       risk.max_portfolio_risk_pct" in desk.text
        await desk.press("q", "v", "enter")
        assert desk.front == "MainScreen"
        assert "no more to say of an exposure" in desk.answer
        await desk.press("v", "enter")
        assert "lost 12.41 USD of 920.90" in desk.text
        await desk.press("q", "v", "down", "enter")
        assert desk.front == "WhyDialog"
        assert desk.fake.limits.asked == [("explain", desk.fake.limits.decisions[1].plan_id)]
        await desk.press("q", "v")
        assert "[limits 13]" in desk.text


async def test_a_new_picture_shows_and_the_cursor_stays_on_its_limit() -> None:
    async with Desk().open() as desk:
        await desk.press("2", "down", "down")
        limits = desk.fake.limits.view.limits
        more = (fake_risk.limit("x", "something new", "1", "2", "%"), *limits)
        desk.fake.limits.view = msgspec.structs.replace(OK, limits=more)
        assert "something new" in await desk.see()
        selected = desk.app.desk.risk_pane.selected_limit
        assert selected is not None
        assert selected.name == "open positions"


async def test_a_limit_is_changed_only_after_its_preview() -> None:
    async with Desk().open() as desk:
        desk.fake.asking = asyncio.Event()
        await desk.press("2", "down", "c", "ctrl+u", *"7.5")
        assert "Open risk                   10.0  →  7.5" in desk.text
        await desk.press("enter", "y", "y")
        assert ASKING in desk.text
        assert desk.commands == [], "nothing is saved before the preview is there"
        desk.fake.asking.set()
        await desk.settle()
        assert "1 CHANGE" in desk.text
        assert desk.fake.limits.asked == [("preview", {"risk.max_portfolio_risk_pct": "7.5"})]
        await desk.press("enter")
        assert "▶ Open risk" in desk.text, "the focus of a preview is on the way back"
        await desk.press("enter", "y")
        assert desk.commands == [ChangeSettings({"risk.max_portfolio_risk_pct": "7.5"})]
        assert "confirmed  risk.max_portfolio_risk_pct = 7.5" in desk.answer


async def test_several_limits_change_together() -> None:
    async with Desk().open() as desk:
        await desk.press("2", "c", "ctrl+u", "5", "up", "ctrl+u", "6", "pagedown", "pageup", "enter", "y")
        (command,) = desk.commands
        assert isinstance(command, ChangeSettings)
        assert list(command.changes.values()) == ["5", "6"]
        assert "change 2 settings" in desk.answer


async def test_what_was_typed_back_is_no_change_and_empty_means_the_default() -> None:
    async with Desk().open() as desk:
        await desk.press("2", "down", "c", *"9", "ctrl+u", *"10.0", "enter")
        assert desk.fake.limits.asked == []
        assert desk.front == "ChangeLimitsDialog"
        await desk.press("ctrl+u")
        assert "10.0  →  the default" in desk.text
        await desk.press("enter", "y")
        assert desk.commands == [ChangeSettings({"risk.max_portfolio_risk_pct": ""})]
        assert "= the default" in desk.answer


async def test_what_the_engine_forbids_cannot_be_saved() -> None:
    async with Desk().open() as desk:
        desk.fake.limits.preview = RiskPreview(problems=("max_open_positions is -1: use 1 to 1000.",))
        await desk.press("2", "c", "9", "enter")
        assert "NOT POSSIBLE" in desk.text
        assert "Save (y)" not in desk.text
        await desk.press("y")
        assert desk.commands == []
        await desk.press("escape")
        assert "1 change" in desk.text, "what was typed is still there"
        await desk.press("escape")
        assert desk.front == "MainScreen"


async def test_a_preview_that_fails_is_one_sentence() -> None:
    async with Desk().open() as desk:
        desk.fake.limits.fails = StorageError("The configuration file cannot be read: it is gone.")
        await desk.press("2", "c", "9", "enter")
        assert "The configuration file cannot be read: it is gone." in desk.text
        desk.fake.limits.fails = ZeroDivisionError()
        await desk.press("escape", "enter")
        assert "Internal error (ZeroDivisionError); the log has the details." in desk.text
        assert len(desk.crashes) == 1
        assert desk.app.ended is None


async def test_a_refused_change_says_why() -> None:
    async with Desk().open() as desk:
        desk.fake.answers.append(Answer(accepted=False, message="runtime.toml cannot be written"))
        await desk.press("2", "m", "y")
        assert "REFUSED  risk.include_manual_positions = false: runtime.toml cannot be written" in desk.answer


async def test_an_accepted_change_that_something_overrules_is_told() -> None:
    async with Desk().open() as desk:
        desk.fake.answers.append(Answer(accepted=True, message="the environment overrides it"))
        await desk.press("2", "c", "5", "enter", "y")
        assert desk.commands == [ChangeSettings({"risk.max_daily_drawdown_pct": "5"})]
        assert "accepted" in desk.answer
        desk.time = 2.1
        await desk.see()
        assert "NOT IN FORCE" in desk.answer


async def test_a_preset_is_previewed_then_saved_as_it_was_shown() -> None:
    async with Desk().open() as desk:
        await desk.press("2", "f", "down", "enter")
        assert desk.fake.limits.asked == [("preset", "balanced")]
        assert "Cooldown after a loss       60  →  240" in desk.text
        await desk.press("tab", "enter")
        (command,) = desk.commands
        assert isinstance(command, ChangeSettings)
        assert command.changes["risk.protections.cooldown_minutes"] == "240"
        assert len(command.changes) == 3


async def test_without_presets_there_is_nothing_to_preview() -> None:
    async with Desk(risk=FakeRisk(msgspec.structs.replace(OK, presets=()))).open() as desk:
        await desk.press("2", "f")
        assert "There is no preset." in desk.text
        await desk.press("y", "down", "n")
        assert desk.front == "MainScreen"
        assert desk.fake.limits.asked == []


@pytest.mark.parametrize(("included", "sent"), [(True, "false"), (False, "true")])
async def test_manual_positions_are_counted_or_not(included: bool, sent: str) -> None:
    view = msgspec.structs.replace(OK, include_manual_positions=included)
    async with Desk(risk=FakeRisk(view)).open() as desk:
        await desk.press("2", "m")
        assert ("would count" in desk.text) is not included
        await desk.press("n", "m", "y")
        assert desk.commands == [ChangeSettings({"risk.include_manual_positions": sent})]


async def test_what_if_asks_and_buys_nothing() -> None:
    async with Desk().open() as desk:
        await desk.press("2", "i", *"XBTUSD", "enter", *"1,250.5", "enter", "enter")
        assert desk.fake.limits.asked == [("what_if", "XBTUSD", Decimal("1250.5"), None)]
        assert "XBTUSD for $1,250.50: 0.0012 would be bought for about $76.94, cut by: " in desk.text
        assert "One asset          CLAMPED" in desk.text
        await desk.press(*"60000", "enter")
        assert desk.fake.limits.asked[-1] == ("what_if", "XBTUSD", Decimal("1250.5"), Decimal(60000))
        assert desk.commands == []


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (("enter", "enter", "enter"), "Type a pair first"),
        (("X", "enter", "enter", "enter"), "Dollars are a number above zero"),
        (("X", "enter", "-", "1", "enter", "enter"), "Dollars are a number above zero"),
        (("X", "enter", *"inf", "enter", "enter"), "Dollars are a number above zero"),
        (("X", "enter", "1", "enter", "0", "enter"), "A stop price is a number above zero"),
        (("X", "enter", "1", "enter", "enter"), "X is not a pair of the universe."),
    ],
)
async def test_what_if_says_what_is_missing(keys: tuple[str, ...], says: str) -> None:
    async with Desk().open() as desk:
        await desk.press("2", "i", *keys)
        assert says in desk.text


async def test_a_cause_that_goes_on_wants_another_word() -> None:
    async with Desk(killed(), risk=FakeRisk(fake_risk.killed())).open() as desk:
        await desk.press("a", *"ARM", "enter")
        assert "type FORCE in capitals" in desk.text
        await desk.press("escape", "a", *"FORCE", "enter")
        assert desk.commands == [ClearKillSwitch("FORCE")]


async def test_the_word_follows_what_the_engine_says() -> None:
    async with Desk(killed(), risk=FakeRisk(fake_risk.killed(persists=False))).open() as desk:
        await desk.press("a")
        assert "Type ARM" in desk.text
        desk.fake.limits.view = fake_risk.killed()
        assert "Type FORCE" in await desk.see()


async def test_a_read_only_screen_asks_and_changes_nothing() -> None:
    async with Desk(settings=UiSettings(read_only=True)).open() as desk:
        await desk.press("2", "c", "f", "m")
        assert desk.front == "MainScreen"
        await desk.press("i")
        assert desk.front == "WhatIfDialog"


async def test_unchanged_limits_repaint_nothing_and_a_countdown_only_itself() -> None:
    async with Desk().open() as desk:
        await desk.press("2")
        marked: list[object] = []
        for widget in desk.app.get_default_screen().query("#risk Lines, #risk LiveTable"):
            widget.refresh = lambda *regions, **_: marked.extend(regions)  # type: ignore[method-assign, assignment]
        desk.fake.publish()
        desk.app.paint()
        assert marked == []
        desk.fake.publish_status(at=normal().status.at.replace(second=5))
        desk.app.paint()
        assert marked
        assert all(region.height == 1 for region in marked)  # type: ignore[attr-defined]
