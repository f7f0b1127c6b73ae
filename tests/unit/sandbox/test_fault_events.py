from typing import Any

import pytest

from krakked_tui.sandbox.fault_events import check_event
from krakked_tui.sandbox.fault_profiles import PROFILES
from krakked_tui.sandbox.fault_rules import FaultError, Rule
from tests.unit.sandbox.rig import Rig


def test_what_the_profiles_let_happen_can_happen() -> None:
    events = [event for rules in PROFILES.values() for rule in rules for event in rule.events or ()]
    assert events
    for event in events:
        check_event(event)


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ({}, "cannot let None happen; the actions of its events are shock, pair_status, system_status"),
        ({"action": "nonsense"}, "cannot let 'nonsense' happen"),
        ({"action": ["shock"]}, "the actions of its events are"),
        ({"action": "shock", "pair": "XBTUSD"}, "percent`. It takes pair, percent"),
        ({"action": "shock", "pair": "XBTUSD", "percent": "5", "x": 1}, "unknown field `x`"),
        ({"action": "precision", "pair": "XBTUSD", "price_decimals": 99}, "It takes pair, price_decimals"),
    ],
)
def test_what_can_never_happen_is_refused_when_the_rule_is_added(
    rig: Rig, event: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(FaultError, match=complaint):
        rig.context.faults.add([Rule(kind="market", events=(event,), seconds=5)], rig.context.now())
    assert rig.context.faults.rows() == []
