"""What a connection tells of its state."""

import pytest

from krakked_tui.kraken.frames import StatusFrame, StatusRow
from krakked_tui.kraken.link import Listener
from krakked_tui.kraken.session import Unanswered
from krakked_tui.kraken.subscriptions import Progress
from krakked_tui.ports import StreamState


class Rig:
    def __init__(self, system: str = "online") -> None:
        self.states: list[StreamState] = []
        self.listener = Listener("market", lambda _news, _at: None, self.states.append)
        self.listener.status(StatusFrame(data=[StatusRow(system=system)]))

    def told(self) -> list[tuple[bool, str]]:
        return [(state.connected, state.detail) for state in self.states]


def test_nothing_is_connected_before_anything_is_acknowledged() -> None:
    rig = Rig()
    rig.listener.progress(Progress(3, 0, ()))
    rig.listener.progress(Progress(3, 0, ("ticker A/USD: no",)))
    assert rig.states == []
    rig.listener.progress(Progress(3, 1, ()))
    assert rig.states == [StreamState("market", connected=True, wanted=3, acked=1)]


def test_once_acknowledged_it_stays_connected_while_all_is_subscribed_to_anew() -> None:
    rig = Rig()
    rig.listener.progress(Progress(1, 1, ()))
    rig.listener.progress(Progress(1, 0, ()))
    assert [state.connected for state in rig.states] == [True, True]


def test_what_wants_nothing_is_connected_at_once() -> None:
    rig = Rig()
    rig.listener.progress(Progress(0, 0, ()))
    assert rig.told() == [(True, "")]


@pytest.mark.parametrize(
    ("system", "more"), [("online", ""), ("maintenance", "; the exchange is in maintenance")]
)
def test_a_connection_that_serves_nothing_says_why(system: str, more: str) -> None:
    rig = Rig(system)
    rig.listener.progress(Progress(1, 0, ("ticker A/USD: no",)))
    rig.listener.unanswered(Unanswered(10.0))
    assert rig.told() == [
        (True, "the exchange refuses all subscriptions" + more),
        (False, "the exchange has acknowledged nothing for 10 s" + more),
    ]
    assert rig.states[0].failed == ("ticker A/USD: no",)
