from datetime import UTC, datetime

import pytest

from krakked_tui.sandbox.fault_control import add_faults
from krakked_tui.sandbox.fault_plan import Faults, Now
from krakked_tui.sandbox.fault_profiles import PROFILES
from krakked_tui.sandbox.fault_rules import FaultError
from krakked_tui.sandbox.places import PLACES

NOW = Now(0.0, datetime(2026, 1, 5, tzinfo=UTC))


def test_one_rule_a_list_or_a_profile() -> None:
    faults = Faults(PLACES)
    assert add_faults(faults, b'{"kind":"timeout","where":"AddOrder","after":true,"count":1}', NOW) == [1]
    body = b'[{"kind":"drop","where":["ticker"]},{"kind":"latency","seconds":[0.1,0.2]}]'
    assert add_faults(faults, body, NOW) == [2, 3]
    assert len(add_faults(faults, b'{"profile":"mild"}', NOW)) == len(PROFILES["mild"])
    assert faults.rows()[0] == {
        "number": 1,
        "kind": "timeout",
        "where": "AddOrder",
        "after": True,
        "count": 1,
        "chances": 0,
        "strikes": 0,
    }


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "A rule looks like"),
        (b"7", "A rule looks like"),
        (b'{"kind":"timeout","colour":"red"}', "colour"),
        (b'{"profile":"heaven"}', "mild, rough, hell"),
        (b'[{"kind":"timeout"},{"kind":"nonsense"}]', "no fault 'nonsense'"),
    ],
)
def test_what_cannot_be_read_changes_nothing(body: bytes, complaint: str) -> None:
    faults = Faults(PLACES)
    with pytest.raises(FaultError, match=complaint):
        add_faults(faults, body, NOW)
    assert faults.rows() == []
