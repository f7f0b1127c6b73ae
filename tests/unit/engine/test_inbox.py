"""Urgent first, never dropped; the rest bounded and coalesced."""

from datetime import UTC, datetime

from krakked_tui.decision import events as e
from krakked_tui.engine.inbox import Inbox

T0 = datetime(2026, 1, 5, tzinfo=UTC)


def _time(wall: float) -> e.TimePassed:
    return e.TimePassed(T0, wall, 1.0)


def _kill(ticket: int) -> e.KillRequested:
    return e.KillRequested(T0, ticket, "tui", "")


def test_an_urgent_event_overtakes_everything_else_and_keeps_its_order() -> None:
    inbox = Inbox()
    inbox.put(_time(1))
    inbox.put(_kill(1))
    inbox.put(_time(2))
    inbox.put(_kill(2))
    assert [inbox.pop() for _ in range(4)] == [_kill(1), _kill(2), _time(1), _time(2)]
    assert inbox.pop() is None


def test_a_newer_event_of_the_same_key_replaces_the_waiting_one() -> None:
    inbox = Inbox()
    for wall in range(100):
        inbox.put(_time(wall), key="time")
    assert inbox.pop() == _time(99)
    assert inbox.pop() is None


def test_beyond_the_bound_the_oldest_is_dropped_and_counted_but_never_an_urgent_one() -> None:
    inbox = Inbox(limit=3)
    for wall in range(10):
        inbox.put(_time(wall))
        inbox.put(_kill(wall))
    assert inbox.dropped == 7
    assert [inbox.pop() for _ in range(10)] == [_kill(n) for n in range(10)]
    assert [inbox.pop() for _ in range(3)] == [_time(7), _time(8), _time(9)]
