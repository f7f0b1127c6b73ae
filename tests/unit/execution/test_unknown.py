"""When absence is proof."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.execution import unknown
from krakked_tui.execution.unknown import DEADLINE_GRACE_SECONDS, LOOKUP_SPACING_SECONDS, Search

T0 = datetime(2026, 1, 5, tzinfo=UTC)
DEADLINE = T0 + timedelta(seconds=10)


@given(st.lists(st.tuples(st.floats(0, 40), st.booleans()), max_size=60), st.sampled_from([1.0, 60.0]))
def test_giving_up_always_rests_on_two_lookups_after_the_deadline_half_a_minute_apart(
    answers: list[tuple[float, bool]], speed: float
) -> None:
    search = Search(deadline=DEADLINE)
    wall, counted = 0.0, []
    for pause, answered in answers:
        wall += pause
        if not unknown.due(search, wall):
            continue
        asked_at = T0 + timedelta(seconds=wall * speed)
        search = unknown.looking(search, wall)
        if not answered:
            search = unknown.failed(search)
            continue
        search = unknown.found_nothing(search, asked_at, wall, speed)
        if asked_at >= DEADLINE + timedelta(seconds=DEADLINE_GRACE_SECONDS * speed):
            counted.append(wall)
    proven = len(counted) >= 2 and counted[-1] - counted[0] >= LOOKUP_SPACING_SECONDS
    assert unknown.proven(search, trades_read=wall) == proven
    assert not unknown.proven(search, trades_read=None)
    if proven:
        assert not unknown.proven(search, trades_read=counted[0] - 1)


def test_only_one_lookup_is_under_way_at_a_time() -> None:
    search = unknown.looking(Search(deadline=DEADLINE), 0.0)
    assert not unknown.due(search, 1000.0)


def test_an_order_without_a_deadline_is_searched_as_if_sent_now() -> None:
    assert unknown.begin(None, T0).deadline == T0
