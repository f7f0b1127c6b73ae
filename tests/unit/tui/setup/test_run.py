"""Ending set-up from outside, before it has begun."""

from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.tui.exits import ExitReason, UiExit
from krakked_tui.tui.setup.run import SetupRunner
from tests.fakes.setup import FakeSetup


def test_an_exit_asked_for_before_the_start_shows_nothing_and_saves_nothing() -> None:
    service = FakeSetup()
    reports: list[str] = []
    runner = SetupRunner(service, UiSettings(), on_crash_log=reports.append)
    runner.request_exit("SIGTERM")
    assert runner.run() is None
    assert runner.ended == UiExit(ExitReason.SIGNAL, "SIGTERM")
    assert service.closed
    assert service.saved == []
    assert reports == []
    runner.request_exit("SIGHUP")
    assert runner.ended.detail == "SIGTERM"
