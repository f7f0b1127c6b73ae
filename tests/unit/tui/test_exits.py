"""When the screen may go."""

from krakked_tui.control.commands import Shutdown
from krakked_tui.tui.exits import STOP_SECONDS, Departure, ExitReason, UiExit
from krakked_tui.tui.outcomes import Outcome, Stage
from tests.fakes.controller import FakeController, normal


def shutdown(stage: Stage) -> Outcome:
    return Outcome(command=Shutdown("x"), label="stop", before=normal(), sent_at=0.0, stage=stage)


def test_nobody_leaves_a_running_engine() -> None:
    assert Departure().check(normal(), None, 1e9) is None


def test_an_engine_that_stops_by_itself_ends_the_screen() -> None:
    fake = FakeController()
    fake.publish_status(phase="stopped")
    assert Departure().check(fake.view(), None, 0.0) is ExitReason.ENGINE_STOPPED


def test_leaving_waits_for_the_engine_but_not_for_ever() -> None:
    fake, departure = FakeController(), Departure()
    departure.begin(0.0)
    assert departure.check(fake.view(), shutdown(Stage.WORKING), 1.0) is None
    assert departure.check(fake.view(), shutdown(Stage.WORKING), STOP_SECONDS + 1) is ExitReason.QUIT
    fake.publish_status(phase="stopped")
    assert departure.check(fake.view(), shutdown(Stage.WORKING), 1.0) is ExitReason.QUIT


def test_a_refused_shutdown_calls_the_departure_off() -> None:
    departure = Departure()
    departure.begin(0.0)
    assert departure.check(normal(), shutdown(Stage.REFUSED), 1.0) is None
    assert departure.check(normal(), shutdown(Stage.REFUSED), STOP_SECONDS + 1) is None


def test_only_a_crash_is_a_failure() -> None:
    assert [reason for reason in ExitReason if UiExit(reason).exit_code] == [ExitReason.CRASHED]
