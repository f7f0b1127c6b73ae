from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sandbox import fault_plan
from krakked_tui.sandbox.fault_plan import Faults, Now
from krakked_tui.sandbox.fault_rules import FaultError, Layer, Rule
from krakked_tui.sandbox.places import PLACES

START = datetime(2026, 1, 5, tzinfo=UTC)


def at(wall: float, exchange: float = 0.0) -> Now:
    return Now(wall, START + timedelta(seconds=exchange))


def plan(*rules: Rule, seed: int = 7) -> Faults:
    faults = Faults(PLACES, seed)
    faults.add(rules, at(0.0))
    return faults


def kinds(faults: Faults, *places: str, layer: Layer = Layer.REST, now: Now | None = None) -> list[str]:
    return [strike.kind for strike in faults.draw(layer, places, now or at(0.0))]


RULES = st.builds(
    Rule,
    kind=st.sampled_from(["timeout", "reset", "cut", "truncate"]),
    where=st.sampled_from(["*", "AddOrder", ("AddOrder", "Time")]),
    probability=st.floats(0.05, 1.0),
    count=st.none() | st.integers(1, 5),
    every=st.integers(1, 4),
)


@given(
    rules=st.lists(RULES, min_size=1, max_size=6),
    seed=st.integers(0, 99),
    calls=st.lists(st.sampled_from(["AddOrder", "Time", "OpenOrders"]), max_size=60),
)
def test_the_same_seed_strikes_the_same_and_no_rule_too_often(
    rules: list[Rule], seed: int, calls: list[str]
) -> None:
    first, second = plan(*rules, seed=seed), plan(*rules, seed=seed)
    struck: Counter[int] = Counter()
    for call in calls:
        strikes = first.draw(Layer.REST, (call,), at(1.0))
        assert strikes == second.draw(Layer.REST, (call,), at(99.0))
        assert len(strikes) <= 1, "one ending for a call"
        struck.update(strike.rule for strike in strikes)
        for strike in strikes:
            where = rules[strike.rule - 1].places
            assert where == ("*",) or call in where
    for number, rule in enumerate(rules, 1):
        assert struck[number] <= (rule.count or len(calls))
        row = first.rows()[number - 1]
        assert row["strikes"] == struck[number]
        assert struck[number] <= int(str(row["chances"])) // rule.every


def test_different_seeds_differ() -> None:
    rule = Rule(kind="timeout", probability=0.5)
    patterns = {
        tuple(bool(kinds(faults, "Time")) for _ in range(64))
        for faults in (plan(rule, seed=n) for n in range(5))
    }
    assert len(patterns) == 5


def test_a_rule_of_its_own_stream() -> None:
    """Another rule in front changes nothing about when a rule with the same number would strike."""
    alone = plan(Rule(kind="latency", seconds=(0.0, 1.0)), Rule(kind="timeout", probability=0.3))
    other = plan(
        Rule(kind="latency", seconds=(0.0, 1.0), probability=0.1), Rule(kind="timeout", probability=0.3)
    )
    for _ in range(100):
        assert ("timeout" in kinds(alone, "Time")) == ("timeout" in kinds(other, "Time"))


def test_every_third_at_most_twice() -> None:
    faults = plan(Rule(kind="timeout", every=3, count=2))
    assert [bool(kinds(faults, "Time")) for _ in range(12)] == [False, False, True, False, False, True] + [
        False
    ] * 6


def test_a_window_on_the_wall_and_one_of_the_exchange() -> None:
    faults = plan(Rule(kind="timeout", start=10, end=20))
    assert [bool(kinds(faults, "Time", now=at(wall))) for wall in (9.9, 10.0, 19.9, 20.0)] == [
        False,
        True,
        True,
        False,
    ]
    faults = plan(Rule(kind="timeout", start=START + timedelta(hours=1), end=START + timedelta(hours=2)))
    assert [bool(kinds(faults, "Time", now=at(0.0, hours * 3600))) for hours in (0.9, 1, 1.9, 2)] == [
        False,
        True,
        True,
        False,
    ]


def test_what_adds_up_and_what_decides() -> None:
    faults = plan(
        Rule(kind="latency", seconds=(1.0, 2.0)),
        Rule(kind="latency", seconds=5),
        Rule(kind="read_lag", seconds=3, where="*"),
        Rule(kind="timeout", where="OpenOrders"),
        Rule(kind="reset", count=1),
    )
    (latency, lag, ending) = faults.draw(Layer.REST, ("OpenOrders",), at(0.0))
    assert (latency.kind, lag.kind, ending.kind) == ("latency", "read_lag", "timeout")
    assert latency.seconds is not None
    assert 1 <= latency.seconds <= 2
    assert kinds(faults, "AddOrder") == ["latency", "reset"], "the reset kept its one chance; no read, no lag"


def test_a_kind_strikes_only_where_it_makes_sense() -> None:
    faults = plan(
        Rule(kind="nonce"),
        Rule(kind="checksum"),
        Rule(kind="reject"),
        Rule(kind="token", where="subscribe"),
        Rule(kind="skew", seconds=5),
    )
    assert kinds(faults, "Time", "clock") == ["skew"]
    assert kinds(faults, "AddOrder", "private") == ["nonce"]
    assert kinds(faults, "ticker", layer=Layer.MESSAGE) == []
    assert kinds(faults, "book", layer=Layer.MESSAGE) == ["checksum"]
    assert kinds(faults, "ping", layer=Layer.REQUEST) == []
    assert kinds(faults, "subscribe", "book", layer=Layer.REQUEST) == ["reject"]
    token_only = plan(Rule(kind="token"))
    assert kinds(token_only, "subscribe", "executions", "token", layer=Layer.REQUEST) == ["token"]
    assert kinds(token_only, "subscribe", "book", layer=Layer.REQUEST) == []


def test_the_market_strikes_on_the_clock() -> None:
    faults = plan(Rule(kind="market", events=({"n": 1}, {"n": 2}), seconds=60, count=3))
    due = [[strike.event for strike in faults.due(at(0.0, second))] for second in range(0, 600, 30)]
    struck = [number for number, events in enumerate(due) if events]
    assert struck == [2, 4, 6]
    assert all(event in ({"n": 1}, {"n": 2}) for events in due for event in events)
    once = plan(Rule(kind="market", events=({"n": 1},), start=START + timedelta(seconds=100)))
    assert [len(once.due(at(0.0, second))) for second in (0, 99, 100, 101, 1000)] == [0, 0, 1, 0, 0]


def test_a_jump_over_many_strikes_brings_one() -> None:
    faults = plan(Rule(kind="market", events=({"n": 1},), seconds=60))
    assert len(faults.due(at(0.0, 86_400))) == 1
    assert faults.due(at(0.0, 86_459)) == []
    assert len(faults.due(at(0.0, 86_460))) == 1


def test_all_rules_or_none_are_added_and_they_go_together() -> None:
    faults = Faults(PLACES)
    with pytest.raises(FaultError):
        faults.add([Rule(kind="timeout"), Rule(kind="nonsense")], at(0.0))
    assert faults.rows() == []
    assert not faults.watches(Layer.REST)
    assert faults.add([Rule(kind="timeout"), Rule(kind="drop")], at(0.0)) == [1, 2]
    assert faults.watches(Layer.MESSAGE)
    faults.clear()
    assert faults.rows() == []
    assert kinds(faults, "Time") == []
    assert faults.add([Rule(kind="timeout")], at(0.0)) == [3], "numbers are not used twice"
    assert faults.rows() == [{"number": 3, "kind": "timeout", "chances": 0, "strikes": 0}]


def test_there_is_an_end_to_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_plan, "RULES_MAX", 2)
    faults = plan(Rule(kind="timeout"), Rule(kind="timeout"))
    with pytest.raises(FaultError, match="2 faults at most"):
        faults.add([Rule(kind="timeout")], at(0.0))


def test_what_a_strike_carries() -> None:
    fields: dict[str, Any] = {"kind": "http", "status": 520, "after": True}
    (strike,) = plan(Rule(**fields)).draw(Layer.REST, ("Time",), at(0.0))
    assert (strike.status, strike.after, strike.rule) == (520, True, 1)
