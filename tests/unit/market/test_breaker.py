"""The breaker opens after failures in a row, lets one trial through, and closes by itself."""

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.market.breaker import CircuitBreaker

SECONDS = 300.0


def _opened(at: float = 0.0) -> CircuitBreaker:
    breaker = CircuitBreaker(failures=3, seconds=SECONDS)
    for number in range(3):
        breaker.failed(at, f"reason {number}")
    return breaker


def test_failures_in_a_row_open_it_and_a_success_between_does_not() -> None:
    breaker = CircuitBreaker(failures=3, seconds=SECONDS)
    for _ in range(5):
        breaker.failed(0.0, "no")
        breaker.failed(0.0, "no")
        breaker.succeeded(0.0)
    assert (breaker.open_seconds(0.0), breaker.reason) == (None, "")
    for number in range(3):
        assert breaker.admit(1.0)
        breaker.failed(1.0, f"reason {number}")
    assert (breaker.open_seconds(1.0), breaker.reason) == (SECONDS, "reason 2")
    assert not breaker.admit(1.0)
    assert breaker.open_seconds(101.0) == 200.0


def test_after_its_time_one_trial_is_let_through_and_a_success_closes_it() -> None:
    breaker = _opened()
    assert not breaker.admit(299.9)
    assert breaker.open_seconds(300.0) == 0.0
    assert [breaker.admit(300.0), breaker.admit(300.0), breaker.admit(310.0)] == [True, False, False]
    assert breaker.open_seconds(310.0) == 0.0
    breaker.succeeded(311.0)
    assert (breaker.open_seconds(311.0), breaker.reason) == (None, "")
    breaker.failed(312.0, "once")
    assert breaker.admit(312.0), "the row starts over"


def test_a_trial_that_fails_opens_it_again_at_once() -> None:
    breaker = _opened()
    assert breaker.admit(300.0)
    breaker.failed(305.0, "still down")
    assert (breaker.open_seconds(305.0), breaker.reason) == (SECONDS, "still down")
    assert not breaker.admit(604.9)
    assert breaker.admit(605.0)


def test_a_trial_that_nobody_reports_on_is_given_up() -> None:
    breaker = _opened()
    assert breaker.admit(300.0)
    assert not breaker.admit(599.9)
    assert breaker.admit(600.0)


def test_what_was_under_way_when_it_opened_neither_prolongs_nor_closes_it() -> None:
    breaker = _opened()
    breaker.failed(5.0, "late")
    breaker.succeeded(6.0)
    assert (breaker.open_seconds(10.0), breaker.reason) == (290.0, "reason 2")


EVENTS = st.lists(st.tuples(st.sampled_from(["fail", "succeed"]), st.floats(0, 400)), max_size=60)


@given(EVENTS, st.integers(1, 5))
def test_it_never_passes_anything_while_open_and_always_ends(
    events: list[tuple[str, float]], failures: int
) -> None:
    """Callers that ask before they act: nothing passes while it is open, and at most one while half open."""
    breaker, now, row = CircuitBreaker(failures, SECONDS), 0.0, 0
    opened: float | None = None
    for kind, pause in events:
        now += pause
        passes = breaker.admit(now)
        assert passes == (opened is None or now >= opened + SECONDS)
        if not passes:
            assert breaker.open_seconds(now) == opened + SECONDS - now if opened is not None else False
            continue
        assert opened is None or not breaker.admit(now), "one trial"
        if kind == "succeed":
            breaker.succeeded(now)
            row, opened = 0, None
        else:
            breaker.failed(now, "no")
            row += 1
            if opened is not None or row >= failures:
                opened = now
        assert (breaker.open_seconds(now) is None) == (opened is None) == (breaker.reason == "")
    assert breaker.admit(now + 2 * SECONDS), "it lets somebody try in the end"
