"""The settings pane on the real keeper of settings: from the key to the file and back to the screen."""

from pathlib import Path

from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.settings import CHANGEABLE, SettingsKeeper
from krakked_tui.config.places import places
from krakked_tui.control.local import LocalController
from krakked_tui.decision.state import EPOCH
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.moment import Moment
from krakked_tui.tui.outcomes import Stage
from krakked_tui.tui.widgets.table import LiveTable
from tests.fakes.log import NoLog
from tests.tui.driving import Desk

LARGE = (120, 40)


def kept(home: Path, **environment: str) -> tuple[SettingsKeeper, Desk]:
    """A running paper session's settings below ``home``, and a screen on them."""
    settings = {"KRAKKED_HOME": str(home), **environment}
    sources = Sources(where=places("paper", settings), profile="paper", environment=settings)
    keeper = SettingsKeeper(sources, read_configuration(sources), mode="paper", exchange="api.kraken.com")
    controller = LocalController(
        mode="paper", profile="paper", other_host="", answers=Answers(), keeper=keeper, log=NoLog()
    )
    controller.publish(Moment(at=EPOCH, phase="running"))
    return keeper, Desk(settings=keeper.config.ui, controller=controller)


async def to_setting(desk: Desk, key: str) -> None:
    await desk.press("9", "home")
    table = desk.app.screen.query_one("#settings-table", LiveTable)
    for _ in range(len(CHANGEABLE)):
        if table.selected == key:
            return
        await desk.press("down")
    raise AssertionError(f"{key} is not among the first rows")


async def answer(desk: Desk) -> str:
    """Wait until the last command was answered, and return the answer line."""
    await desk.see()
    while (latest := desk.app.session.dispatcher.latest) is None or latest.stage is Stage.SENDING:
        await desk.see()
    await desk.see()
    return desk.answer


def row(desk: Desk, key: str) -> str:
    return next(line for line in desk.lines if f"{key} " in line)


async def test_enter_changes_every_changeable_setting_and_it_holds_at_once(tmp_path: Path) -> None:
    keeper, desk = kept(tmp_path)
    changes = {
        "ui.theme": (("down",), '"dark"  →  "classic"'),
        "ui.refresh_hz": (("down",), "4  →  5"),
        "ui.on_terminal_loss": (("down",), '"shutdown"  →  "keep_running"'),
        "ui.confirm_destructive": (("down",), "true  →  false"),
        "ui.timezone": (("ctrl+u", *"Asia/Tokyo"), '"UTC"  →  "Asia/Tokyo"'),
    }
    assert set(changes) == set(CHANGEABLE)
    async with desk.open(LARGE):
        for key, (keys, change) in changes.items():
            await to_setting(desk, key)
            assert "⏎" in row(desk, key)
            await desk.press("enter")
            assert desk.front == "ChangeSettingDialog"
            assert "(no change)" in desk.text, "the value in force is the one that is chosen"
            await desk.press(*keys)
            assert change in desk.text
            await desk.press("enter")
            new = change.rpartition("→  ")[2]
            assert f"confirmed  {key} = {new}: in force now" in await answer(desk)
            assert new in row(desk, key)
            assert "runtime.toml" in row(desk, key)
        assert desk.app.theme == "classic"
        assert desk.app._frames.period == 0.2
        assert desk.app.session.settings == keeper.config.ui
        assert desk.crashes == []
    again, _ = kept(tmp_path)
    assert again.config.ui == keeper.config.ui, "the next start finds it"


async def test_a_value_that_is_not_allowed_is_refused_with_the_reason(tmp_path: Path) -> None:
    keeper, desk = kept(tmp_path)
    async with desk.open(LARGE):
        for typed in ("Mars", 'UTC"', "back\\slash"):
            await to_setting(desk, "ui.timezone")
            await desk.press("enter", "ctrl+u")
            await desk.type(typed)
            await desk.press("enter")
            said = await answer(desk)
            assert "REFUSED  ui.timezone = " in said
            assert "use an IANA name" in " ".join(desk.app.session.dispatcher.latest.message.split())  # type: ignore[union-attr]
            assert '"UTC"' in row(desk, "ui.timezone")
    assert keeper.config.ui.timezone == "UTC"
    assert not (tmp_path / "state" / "paper" / "runtime.toml").exists()


async def test_a_setting_of_the_environment_is_kept_but_not_called_in_force(tmp_path: Path) -> None:
    _, desk = kept(tmp_path, KRAKKED__UI__THEME="dark")
    async with desk.open(LARGE):
        await to_setting(desk, "ui.theme")
        assert "environment" in row(desk, "ui.theme")
        await desk.press("enter", "down", "enter")
        await answer(desk)
        desk.time = 2.1
        await desk.see()
        assert 'NOT IN FORCE  ui.theme = "classic": ui.theme is kept, but environment' in desk.answer
        assert desk.app.theme == "dark"


async def test_the_details_of_a_changeable_setting_say_how_to_change_it(tmp_path: Path) -> None:
    _, desk = kept(tmp_path)
    async with desk.open(LARGE):
        await to_setting(desk, "ui.theme")
        await desk.press("d")
        assert desk.front == "SettingDialog"
        assert "close this and press Enter on its row" in " ".join(desk.text.split())
