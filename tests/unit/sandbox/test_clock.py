from datetime import UTC, datetime, timedelta

import pytest

from krakked_tui.sandbox.clock import END_OF_TIME, SandboxClock, instant_of, micros_of
from tests.unit.sandbox.rig import Wall

T0 = datetime(2026, 1, 5, tzinfo=UTC)


def seconds_on(clock: SandboxClock) -> float:
    return (clock.now() - T0).total_seconds()


def test_exchange_time_runs_by_the_factor() -> None:
    wall = Wall()
    clock = SandboxClock(T0, 60, wall=wall)
    wall.advance(1.5)
    assert seconds_on(clock) == 90
    assert clock.speed == 60


def test_a_pause_stops_it_and_resuming_goes_on_from_there() -> None:
    wall = Wall()
    clock = SandboxClock(T0, 60, wall=wall)
    wall.advance(1)
    clock.pause()
    wall.advance(5)
    clock.pause()
    assert (seconds_on(clock), clock.speed, clock.paused) == (60, 0, True)
    clock.resume()
    clock.resume()
    wall.advance(1)
    assert (seconds_on(clock), clock.speed) == (120, 60)


def test_it_can_start_stopped() -> None:
    wall = Wall()
    clock = SandboxClock(T0, 60, paused=True, wall=wall)
    wall.advance(9)
    assert clock.now() == T0
    clock.resume()
    wall.advance(1)
    assert seconds_on(clock) == 60


def test_it_jumps_ahead_paused_or_not_but_never_back() -> None:
    wall = Wall()
    clock = SandboxClock(T0, 2, wall=wall)
    clock.jump(T0 + timedelta(hours=1))
    wall.advance(1)
    assert seconds_on(clock) == 3602
    clock.pause()
    clock.jump(T0 + timedelta(hours=2))
    assert seconds_on(clock) == 7200
    for wrong in (T0, END_OF_TIME + timedelta(days=1)):
        with pytest.raises(ValueError, match="it "):
            clock.jump(wrong)
    assert seconds_on(clock) == 7200


def test_wall_seconds_of_a_span_do_not_depend_on_a_pause() -> None:
    clock = SandboxClock(T0, 60, paused=True, wall=Wall())
    assert clock.wall_seconds(timedelta(minutes=5)) == 5


def test_instants_survive_the_way_through_microseconds() -> None:
    at = T0 + timedelta(microseconds=123_456)
    assert instant_of(micros_of(at)) == at
