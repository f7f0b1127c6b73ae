from decimal import Decimal
from typing import Any

from krakked_tui.sandbox.fault_market import strike_market
from krakked_tui.sandbox.fault_profiles import PROFILES
from krakked_tui.sandbox.fault_rules import Rule
from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import Rig


def requests(rig: Rig) -> Any:
    return rig.context.log.rows()["requests"]


def test_what_is_due_happens_and_is_recorded(rig: Rig) -> None:
    event: dict[str, object] = {"action": "deposit", "asset": "USD", "amount": "5"}
    rig.context.faults.add([Rule(kind="market", events=(event,), seconds=60, count=1)], rig.context.now())
    strike_market(rig.context)
    assert requests(rig) == []
    rig.wall.advance(60)
    strike_market(rig.context)
    rig.wall.advance(60)
    strike_market(rig.context)
    (row,) = requests(rig)
    assert (row["route"], row["params"], row["fault"], row["errors"]) == ("market", event, ("market",), ())
    assert rig.exchange.account.balance("USD") == Decimal(10_005)


def test_what_cannot_happen_is_recorded_too(rig: Rig) -> None:
    rig.context.faults.add(
        [Rule(kind="market", events=({"action": "withdrawal", "asset": "USD", "amount": "99999"},), start=0)],
        rig.context.now(),
    )
    strike_market(rig.context)
    (row,) = requests(rig)
    assert "10000.0000 USD is available" in str(row["errors"])


def test_everything_the_profiles_want_to_happen_can_happen() -> None:
    import msgspec

    rig = Rig(SandboxSettings())
    events = {msgspec.json.encode(e) for rules in PROFILES.values() for r in rules for e in r.events or ()}
    assert len(events) > 10
    for event in sorted(events, key=lambda event: b"delist" in event):
        apply(rig.exchange, event)
    rig.exchange.close()
