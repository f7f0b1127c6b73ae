"""Running the screen: asked to end before it starts, and pictures of it."""

import pytest

from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.exits import ExitReason, UiExit
from krakked_tui.tui.run import UiRunner, screenshot
from tests.fakes.controller import FakeController


def test_a_signal_before_the_start_means_no_screen() -> None:
    runner = UiRunner(FakeController(), UiSettings(), on_crash_log=pytest.fail)
    runner.request_exit("SIGTERM")
    runner.request_exit("SIGHUP")
    assert runner.run() == UiExit(ExitReason.SIGNAL, "SIGTERM")
    runner.request_exit("SIGTERM")


@pytest.mark.parametrize(
    ("pane", "words"), [(PaneName.DASHBOARD, "ALLOCATION"), (PaneName.ORDERS, "REJECTED")]
)
async def test_a_screenshot_is_a_picture_of_the_pane(pane: PaneName, words: str) -> None:
    picture = await screenshot(FakeController(), pane, (80, 24))
    assert picture.startswith("<svg")
    assert words in picture
    assert "127.0.0.1:43211" in picture
