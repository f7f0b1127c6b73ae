from datetime import UTC, datetime

import pytest

from krakked_tui.sandbox.fault_plan import Faults, Now
from krakked_tui.sandbox.fault_profiles import PROFILES, ProfileName
from krakked_tui.sandbox.fault_rules import KINDS, Layer
from krakked_tui.sandbox.places import PLACES

NOW = Now(0.0, datetime(2026, 1, 5, tzinfo=UTC))


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_made_of_rules_that_make_sense(name: ProfileName) -> None:
    faults = Faults(PLACES)
    assert len(faults.add(PROFILES[name], NOW)) == len(PROFILES[name])
    assert faults.watches(Layer.REST)
    assert faults.watches(Layer.MESSAGE)


def test_hell_is_everything_and_mild_loses_no_message() -> None:
    used = {rule.kind for rule in PROFILES["hell"]}
    assert {kind.name for kind in KINDS} - used == set()
    mild = {rule.kind for rule in PROFILES["mild"]}
    assert mild.isdisjoint({"drop", "stall", "sequence", "timeout", "market", "checksum"})


def test_each_profile_is_worse_than_the_one_before() -> None:
    def failing(name: ProfileName) -> float:
        return sum(rule.probability for rule in PROFILES[name] if rule.kind in {"http", "error", "reset"})

    assert failing("mild") < failing("rough") < failing("hell")
