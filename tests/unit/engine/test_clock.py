"""Exchange time from wall time and what the exchange says."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.ports import ServerTime

T0 = datetime(2026, 1, 5, tzinfo=UTC)


def _second(true: float) -> datetime:
    """What the exchange says at its true time: whole seconds."""
    return T0 + timedelta(seconds=int(true))


@given(
    st.floats(0.0, 5000.0),
    st.sampled_from([1.0, 60.0, 600.0]),
    st.lists(st.tuples(st.floats(0.01, 20.0), st.floats(0.0, 0.2), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_the_clock_stays_within_a_second_of_the_truth_and_gets_better(
    start: float, speed: float, asks: list[tuple[float, float, float]]
) -> None:
    clock = ExchangeClock()
    base = clock.monotonic()
    wall, spreads = base, []
    for pause, trip, share in asks:
        asked = wall + pause
        answered = asked + trip
        true_when_read = start + (asked + trip * share - base) * speed
        clock.synchronise(ServerTime(_second(true_when_read), speed), asked, answered)
        wall = answered
        truth = start + (answered - base) * speed
        spreads.append(clock.uncertainty)
        error = abs((clock.at(answered) - T0).total_seconds() - truth)
        assert error <= clock.uncertainty + 1e-6
        assert clock.uncertainty <= (1.0 + trip * speed) / 2 + 1e-6
    assert spreads == sorted(spreads, reverse=True)


def test_a_jump_of_the_exchange_is_followed_at_once() -> None:
    clock = ExchangeClock()
    wall = clock.monotonic()
    clock.synchronise(ServerTime(T0, 60.0), wall, wall)
    jumped = T0 + timedelta(days=1)
    moved = clock.synchronise(ServerTime(jumped, 60.0), wall, wall)
    assert moved == timedelta(days=1)
    assert abs(clock.at(wall) - jumped) <= timedelta(seconds=1)


def test_a_paused_exchange_stands_still() -> None:
    clock = ExchangeClock()
    wall = clock.monotonic()
    clock.synchronise(ServerTime(T0, 0.0), wall, wall)
    assert clock.speed == 0.0
    assert clock.at(wall + 100) == clock.at(wall)


def test_without_a_factor_exchange_time_runs_like_ours() -> None:
    clock = ExchangeClock()
    wall = clock.monotonic()
    clock.synchronise(ServerTime(T0, None), wall, wall)
    assert clock.at(wall + 10) - clock.at(wall) == timedelta(seconds=10)
