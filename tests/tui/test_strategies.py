"""The strategies pane: each one closely, switched and changed only after asking, why it is silent."""

import asyncio
from datetime import timedelta

import msgspec

from krakked_tui.control.commands import Answer, ChangeSettings, EnableStrategy
from krakked_tui.control.risk_view import Silence
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.domain.errors import StorageError
from krakked_tui.tui.rows.changes import ASKING
from tests.fakes import strategies as fake_strategies
from tests.fakes.controller import NOON
from tests.fakes.risk import FakeRisk
from tests.tui.driving import Desk


async def test_the_parts_are_of_the_strategy_under_the_cursor() -> None:
    async with Desk().open() as desk:
        await desk.press("3")
        assert "Type          breakout" in desk.text
        await desk.press("end")
        assert "userref 7001" in desk.text
        await desk.press("v")
        assert "HELD 3" in desk.text
        await desk.press("up")
        assert "It holds nothing." in desk.text
        await desk.press("v")
        assert "Press n to see why" in desk.text
        await desk.press("v", "down")
        assert "PARAMETER 6" in desk.text
        await desk.press("v")
        assert "[about]" in desk.text


async def test_enter_opens_the_line_that_has_the_keys() -> None:
    async with Desk().open() as desk:
        await desk.press("3", "end", "enter")
        assert "Follows trends: buys when a fast average" in desk.text
        await desk.press("q", "v", "tab", "end", "enter")
        assert "NO STOP: nothing limits the loss of this position." in desk.text
        await desk.press("q", "v", "enter")
        assert "sma_20 63811.4  sma_50 62990.25" in desk.text
        await desk.press("q", "v", "end", "enter")
        assert "It is fixed while the engine runs" in desk.text


async def test_a_strategy_is_disabled_after_saying_what_stays_watched() -> None:
    async with Desk().open() as desk:
        await desk.press("3", "end", "t")
        assert "It holds 3 positions worth $3,741.81: XBTUSD, ETHUSD, SOLUSD." in desk.text
        assert "stay watched on" in desk.text
        assert "NO STOP: nothing would limit the loss of SOLUSD." in desk.text
        await desk.press("enter")
        assert desk.commands == [], "the focus starts on the way out"
        await desk.press("t", "y")
        assert desk.commands == [EnableStrategy("trend_following", enabled=False)]
        assert "confirmed  disable trend_following" in desk.answer
        assert ["trend_following", "disabled"] in [line.split()[:2] for line in desk.lines]


async def test_a_failed_strategy_is_enabled_again() -> None:
    async with Desk().open((120, 40)) as desk:
        await desk.press("3", "down")
        assert "t Enable" in desk.lines[-1]
        await desk.press("t")
        assert "It failed: ZeroDivisionError" in desk.text
        await desk.press("y")
        assert desk.commands == [EnableStrategy("mean_reversion", enabled=True)]
        assert "confirmed  enable mean_reversion" in desk.answer


async def test_enabling_is_not_done_before_the_picture_shows_it() -> None:
    async with Desk().open() as desk:
        desk.fake.answers.append(Answer(accepted=True, message="from the next cycle on"))
        await desk.press("3", "t", "y")
        assert "accepted  enable breakout" in desk.answer
        command = EnableStrategy("breakout", enabled=True)
        desk.fake.current_strategies = fake_strategies.switched(desk.fake.current_strategies, command)
        await desk.see()
        assert "confirmed  enable breakout: from the next cycle on" in desk.answer


async def test_a_refused_switch_says_why() -> None:
    async with Desk().open() as desk:
        desk.fake.answers.append(Answer(accepted=False, message="its file is broken"))
        await desk.press("3", "t", "y")
        assert "REFUSED  enable breakout: its file is broken" in desk.answer


async def test_parameters_change_after_their_preview_and_fixed_ones_are_not_offered() -> None:
    async with Desk().open() as desk:
        await desk.press("3", "end", "v", "v", "v", "tab", "down", "c")
        assert "▶ ma_slow" in desk.text, "the form begins where the cursor is"
        assert "1 of 5" not in desk.text
        assert "2 of 5" in desk.text
        await desk.press("ctrl+u", *"70", "enter", "y")
        assert desk.commands == [ChangeSettings({"strategies.configs.trend_following.ma_slow": "70"})]


async def test_what_cannot_be_changed_says_so() -> None:
    async with Desk().open() as desk:
        await desk.press("3", "c")
        assert desk.front == "MainScreen"
        assert "Nothing of breakout can be changed" in desk.answer


async def test_a_silence_is_asked_again_while_it_is_shown() -> None:
    risk = FakeRisk()
    gate = Silence(
        "", "", "spread", "too wide", "131 bps", "at most 100 bps", None, NOON - timedelta(hours=1)
    )
    risk.silences = [gate, msgspec.structs.replace(gate, value="120 bps"), Silence("", "", "", "")]
    async with Desk(risk=risk).open() as desk:
        await desk.press("3", "end", "n", *"doge", "enter")
        assert "Value         131 bps" in desk.text
        assert "not since the program began" in desk.text
        desk.time = 0.5
        await desk.see()
        assert len(risk.asked) == 1, "at most once a second"
        desk.time = 1.0
        await desk.see()
        await desk.see()
        assert "Value         120 bps" in desk.text
        desk.time = 2.0
        await desk.see()
        await desk.see()
        assert "Nothing stands in the way" in desk.text
        assert risk.asked == [("silence", "trend_following", "DOGEUSD")] * 3
        await desk.press("escape")
        desk.time = 9.0
        await desk.see()
        assert len(risk.asked) == 3, "nobody asks when nobody looks"


async def test_while_one_question_waits_no_other_is_asked() -> None:
    async with Desk().open() as desk:
        desk.fake.asking = asyncio.Event()
        await desk.press("3", "end", "n", "down", "enter")
        assert ASKING in desk.text
        for second in (5.0, 10.0):
            desk.time = second
            await desk.see()
        desk.fake.asking.set()
        await desk.settle()
        question = ("silence", "trend_following", "ETHUSD")
        assert desk.fake.limits.asked == [question, question], "the second one after the first was answered"


async def test_a_pair_nobody_knows_is_asked_for_as_typed_and_errors_are_told() -> None:
    async with Desk().open() as desk:
        await desk.press("3", "n", *"ZZZ", "enter")
        assert "No pair has that in its name" in desk.text
        assert desk.fake.limits.asked == [("silence", "breakout", "ZZZ")]
        desk.fake.limits.fails = StorageError("ZZZ is not a pair.")
        desk.time = 1.0
        await desk.see()
        assert "ZZZ is not a pair." in await desk.see()


async def test_a_read_only_screen_watches() -> None:
    async with Desk(settings=UiSettings(read_only=True)).open() as desk:
        await desk.press("3", "end", "t", "c")
        assert desk.front == "MainScreen"
        await desk.press("n")
        assert desk.front == "SilenceDialog"


async def test_unchanged_strategies_repaint_nothing() -> None:
    async with Desk().open() as desk:
        await desk.press("3", "end")
        marked: list[object] = []
        for widget in desk.app.get_default_screen().query("#strategies Lines, #strategies LiveTable"):
            widget.refresh = lambda *regions, **_: marked.append(regions)  # type: ignore[method-assign, assignment]
        desk.fake.publish()
        desk.app.paint()
        assert marked == []
