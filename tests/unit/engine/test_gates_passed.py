"""When each gate was last open."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine import gates_passed
from krakked_tui.engine.gates import Gate
from krakked_tui.market.freshness import Freshness
from krakked_tui.strategies.settings import UniverseFilter
from tests.scenarios.stage import STRATEGY, T0, Stage
from tests.unit.engine.risk_builders import Asked, built, candles, facts_of, frames

D = Decimal


class Rig:
    """A strategy that is looked at after each of its cycles."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.asked = stage, Asked(stage)
        self.asked.loaded = {STRATEGY.id: built(ma_fast=3, ma_slow=5)}
        self.bars = 60

    def cycle(self, *intents: StrategyIntent, **changes: Any) -> datetime:
        """Decide a minute later; returns when."""
        self.stage.later(60)
        rows = candles("XBTUSD", [100] * self.bars, self.stage.at)
        self.stage.cycle(*intents)
        self.asked.engine(**{"frames": frames(*rows), **changes})
        return self.stage.at

    def last(self, gate: str, pair: str = "XBTUSD", strategy_id: str = STRATEGY.id) -> datetime | None:
        return self.asked.passed.last(strategy_id, pair, gate)


@pytest.fixture
def rig(xbtusd: PairMetadata) -> Rig:
    return Rig(Stage(xbtusd).ready())


def test_every_cycle_passes_what_is_open_then(rig: Rig) -> None:
    assert rig.asked.passed.since is None
    first = rig.cycle(rig.stage.intent())
    assert rig.asked.passed.since == first
    for gate in Gate:
        assert rig.last(gate) == first, gate
    assert rig.last("min_signal_confidence") == rig.last("cash") == first
    second = rig.cycle()
    assert rig.asked.passed.since == first
    assert rig.last(Gate.CANDLES) == rig.last(Gate.ENGINE) == rig.last(Gate.EVALUATED) == second
    assert rig.last(Gate.SIGNAL) == first, "there was none in the second"
    assert rig.last("cash") == first


def test_a_gate_that_is_shut_keeps_the_time_it_was_open(rig: Rig) -> None:
    first = rig.cycle()
    mark = msgspec.structs.replace(rig.stage.state.marks["XBTUSD"], freshness=Freshness.QUIET)
    rig.bars = 3
    second = rig.cycle(marks={"XBTUSD": mark}, tradable=frozenset())
    assert rig.last(Gate.ENGINE) == second
    for gate in (Gate.LISTED, Gate.FILTER, Gate.CANDLES, Gate.MARKET_DATA):
        assert rig.last(gate) == first, gate
    rig.cycle(market_trouble="no price since noon")
    assert rig.last(Gate.MARKET_DATA) == first


def test_candles_that_are_not_the_newest_do_not_pass(rig: Rig) -> None:
    rows = candles("XBTUSD", [100] * 60, T0)
    rig.cycle(frames=frames(*rows))
    assert rig.last(Gate.CANDLES) is None


def test_a_filter_leaves_pairs_out(rig: Rig) -> None:
    settings = rig.stage.state.settings
    only = msgspec.structs.replace(STRATEGY, universe_filter=UniverseFilter(pairs=("ETHUSD",)))
    rig.cycle(settings=msgspec.structs.replace(settings, strategies=(only,)))
    assert (rig.last(Gate.FILTER), rig.last(Gate.LISTED) is not None) == (None, True)


def test_a_limit_that_blocks_is_not_passed_and_those_beside_it_are(rig: Rig) -> None:
    at = rig.cycle(msgspec.structs.replace(rig.stage.intent(), confidence=D("0.3")))
    assert (rig.last("min_signal_confidence"), rig.last("kill_switch")) == (None, at)


def test_a_strategy_that_has_failed_or_is_none_passes_nothing(rig: Rig) -> None:
    rig.cycle(errors={STRATEGY.id: "boom"})
    assert rig.last(Gate.FAILED) is None
    assert rig.last(Gate.ENABLED, strategy_id="other") is None


def test_a_cycle_whose_signals_were_not_used_passes_nothing(rig: Rig) -> None:
    rig.stage.later(60)
    rig.stage.cycle()
    (record,) = rig.asked.decisions.catch_up(rig.asked.look)
    undone = msgspec.structs.replace(
        record, notes=(f"cycles were paused when it was computed: {gates_passed.UNDECIDED}",)
    )
    rig.asked.passed.note([undone], facts_of(rig.stage), rig.asked.loaded)
    assert rig.last(Gate.ENGINE) is None
    rig.asked.passed.note([], facts_of(rig.stage), rig.asked.loaded)
    assert rig.last(Gate.ENGINE) is None


def test_what_the_note_of_an_unused_cycle_says_is_what_is_looked_for(rig: Rig) -> None:
    rig.stage.later(60)
    stage = rig.stage
    stage.cycle()
    stage.state.cycle_running = True
    stage.state.paused = True
    stage.play(stage.computed())
    newest = rig.asked.look.decisions(1)[0]
    assert any(note.endswith(gates_passed.UNDECIDED) for note in newest.notes)


def test_strategies_that_are_gone_are_forgotten(rig: Rig) -> None:
    rig.cycle(rig.stage.intent())
    rig.asked.passed.keep_only({"other"})
    assert rig.last(Gate.ENGINE) is None
    assert rig.last(Gate.SIGNAL) is None


def test_pairs_are_bounded_and_the_newest_stay(rig: Rig) -> None:
    passed = gates_passed.PassedGates(pairs_max=2)
    pairs = {f"P{number}": rig.stage.pair for number in range(4)}
    rig.stage.later(60)
    rig.stage.cycle()
    facts = facts_of(rig.stage, known=pairs, tradable=frozenset(pairs))
    records = rig.asked.decisions.catch_up(rig.asked.look)
    passed.note(records, facts, {})
    assert [pair for pair in pairs if passed.last(STRATEGY.id, pair, Gate.LISTED)] == ["P2", "P3"]
    for only in ("P2", "P1"):
        passed.note(records, msgspec.structs.replace(facts, tradable=frozenset({only})), {})
    assert [pair for pair in pairs if passed.last(STRATEGY.id, pair, Gate.LISTED)] == ["P1", "P2"]


def test_candles_of_another_timeframe_say_nothing(rig: Rig) -> None:
    settings = rig.stage.state.settings
    hourly = msgspec.structs.replace(STRATEGY, timeframes=(Timeframe.H1,))
    rig.cycle(settings=msgspec.structs.replace(settings, strategies=(hourly,)))
    assert [gate for gate in Gate if rig.last(gate)] == []
