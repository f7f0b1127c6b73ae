"""Limits and strategies that change while the engine runs."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.deciding import fingerprint
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import ControlLogged, DecisionSaved
from krakked_tui.strategies.settings import StrategySettings
from tests.scenarios.stage import OTHER, RISK, STRATEGY, Stage, asked, recorded


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


def reload(
    stage: Stage, *strategies: StrategySettings, restarted: frozenset[str] = frozenset()
) -> e.SettingsReloaded:
    return e.SettingsReloaded(stage.at, "tui", RISK, strategies, restarted=restarted)


def start_cycle(stage: Stage) -> f.ComputeSignals:
    outcome = stage.play(e.BoundaryClosed(stage.at, stage.at, (Timeframe.M1,)))
    (effect,) = asked(outcome, f.ComputeSignals)
    return effect


def test_new_limits_hold_for_the_next_cycle_and_are_on_record(stage: Stage) -> None:
    before = fingerprint(stage.state.settings)
    tight = msgspec.structs.replace(RISK, max_per_asset_pct=Decimal(1))
    changed = (e.Replaced("risk.max_per_asset_pct", "50", "1"), e.Replaced("risk.max_spread_bps", "", "90"))
    event = e.SettingsReloaded(stage.at, "me", tight, (STRATEGY,), changed, ticket=7)
    outcome = stage.play(event)
    assert asked(outcome, f.Answer) == [f.Answer(7, True, "in force from the next cycle on")]
    assert [(x.actor, x.command, x.arguments) for x in recorded(outcome, ControlLogged)] == [
        ("me", "settings", "risk.max_per_asset_pct = 1, was 50"),
        ("me", "settings", "risk.max_spread_bps = 90, was default"),
    ]
    stage.cycle(stage.intent())
    entry = stage.last_order()
    assert entry.request.volume * stage.mark(Decimal(50_000)).quote.price <= Decimal(100)
    assert fingerprint(stage.state.settings) != before


def test_what_a_removed_strategy_wanted_is_not_bought_any_more(stage: Stage) -> None:
    start_cycle(stage)
    stage.play(reload(stage, OTHER))
    outcome = stage.play(stage.computed(stage.intent()))
    (saved,) = recorded(outcome, DecisionSaved)
    assert [action.blocked for action in saved.record.actions] == [True]
    assert stage.submitted() == []
    assert set(start_cycle(stage).held) == {OTHER.id}


def test_a_failed_strategy_runs_again_when_it_is_restarted(stage: Stage) -> None:
    start_cycle(stage)
    stage.play(stage.computed(failures={STRATEGY.id: "ZeroDivisionError"}))
    assert stage.state.strategy_errors == {STRATEGY.id: "ZeroDivisionError"}
    stage.play(reload(stage, STRATEGY))
    assert stage.state.strategy_errors == {STRATEGY.id: "ZeroDivisionError"}, "nothing of it has changed"
    outcome = stage.play(reload(stage, STRATEGY, restarted=frozenset({STRATEGY.id})))
    assert stage.state.strategy_errors == {}
    (logged,) = recorded(outcome, ControlLogged)
    assert (logged.command, logged.arguments) == ("restart", STRATEGY.id)


def test_a_changed_strategy_runs_again_too_and_a_removed_one_is_forgotten(stage: Stage) -> None:
    stage.state.strategy_errors.update({STRATEGY.id: "no", OTHER.id: "no"})
    stage.play(reload(stage, msgspec.structs.replace(STRATEGY, max_positions=2), OTHER))
    assert stage.state.strategy_errors == {}
    stage.state.strategy_errors[OTHER.id] = "no"
    stage.play(reload(stage, msgspec.structs.replace(STRATEGY, max_positions=2)))
    assert stage.state.strategy_errors == {}


def test_the_failure_of_what_ran_before_is_not_that_of_what_runs_now(stage: Stage) -> None:
    start_cycle(stage)
    stage.play(reload(stage, STRATEGY, restarted=frozenset({STRATEGY.id})))
    stage.play(stage.computed(failures={STRATEGY.id: "late", "gone": "late"}))
    assert stage.state.strategy_errors == {}
    start_cycle(stage)
    stage.play(stage.computed(failures={STRATEGY.id: "again"}))
    assert stage.state.strategy_errors == {STRATEGY.id: "again"}


def test_a_failed_strategys_holding_is_watched_and_sold(stage: Stage) -> None:
    stage.bought()
    start_cycle(stage)
    stage.play(stage.computed(failures={STRATEGY.id: "ZeroDivisionError"}))
    stage.crossed(Decimal(48_000))
    assert len(stage.sells()) == 1
