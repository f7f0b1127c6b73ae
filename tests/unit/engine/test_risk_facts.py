"""What questions about risk are answered from."""

from decimal import Decimal

import pytest

from krakked_tui.decision import events as e
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import HistoryKind, HistoryMark
from krakked_tui.engine.moment import Moment
from krakked_tui.engine.risk_facts import account_truth, take, work_out
from tests.scenarios.stage import Stage
from tests.unit.engine.risk_builders import facts_of, running

D = Decimal


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


def test_before_there_is_a_state_there_are_no_facts(stage: Stage) -> None:
    assert take(Moment(at=stage.at)) is None


def test_what_is_asked_for_is_in_the_context_besides_what_is_held(stage: Stage) -> None:
    assert list(facts_of(stage).context.pairs) == []
    assert list(facts_of(stage, "XBTUSD", "NOPE").context.pairs) == ["XBTUSD"]
    stage.bought()
    assert list(facts_of(stage).context.pairs) == ["XBTUSD"]


def test_nothing_that_happens_later_changes_them(stage: Stage) -> None:
    facts = facts_of(stage)
    stage.bought()
    stage.state.strategy_errors["x"] = "y"
    stage.priced(D(49_500))
    assert (facts.holdings, facts.errors, facts.context.holdings) == ({}, {}, {})
    assert facts.quotes["XBTUSD"].last == D(50_000)


def test_why_no_cycle_runs(stage: Stage) -> None:
    assert facts_of(stage).halted == ""
    moment = running(stage)
    moment.phase = "starting"
    starting = take(moment)
    assert starting is not None
    assert work_out(starting).halted == "the engine is starting"
    stage.play(e.PauseRequested(stage.at, 1, "tui", paused=True))
    assert facts_of(stage).halted == "cycles are paused"
    stage.play(e.StopRequested(stage.at, 1, "tui", "bye"))
    assert facts_of(stage).halted == "the engine is stopping"


def test_a_flatten_halts_cycles(stage: Stage) -> None:
    stage.bought()
    stage.play(e.FlattenRequested(stage.at, 1, "tui", "FLATTEN", "why"))
    assert facts_of(stage).halted == "a flatten is in progress"


def test_how_sure_the_account_is(stage: Stage) -> None:
    state = stage.state
    assert account_truth(state) == "confirmed"
    stage.synced(balances={"USD": D(1)})
    assert account_truth(state) == "differs from the books"
    stage.play(e.AccountSyncFailed(stage.at, stage.wall, "EService:Busy"))
    assert account_truth(state) == "getting old, cannot be read: EService:Busy"
    state.account.asked_wall = stage.wall + 100_000
    assert account_truth(state) == "too old, cannot be read: EService:Busy"
    state.account.synced_wall = None
    assert account_truth(state) == "cannot be read: EService:Busy"
    state.account.failure = ""
    assert account_truth(state) == "has not been read yet"
    state.history[HistoryKind.TRADES] = HistoryMark(HistoryKind.TRADES, read=100, total=1000)
    assert account_truth(state) == f"its history is being read: {state.history_progress}"


def test_market_kill_switch_and_drift_are_told(stage: Stage) -> None:
    stage.play(e.MarketDataChanged(stage.at, usable=False, detail="no price since noon"))
    stage.synced(balances={"USD": D(1)})
    stage.synced(balances={"USD": D(1)})
    facts = facts_of(stage)
    assert (facts.market_trouble, facts.drift) == ("no price since noon", True)
    assert facts.context.kill_switch.active
    assert "balances differ" in facts.kill_persists
    assert facts.refusal.startswith("the kill switch is set")
