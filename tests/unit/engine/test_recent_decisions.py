"""The last decisions, kept up from the journal."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.plans import ActionType
from krakked_tui.domain.records import DecisionSaved
from krakked_tui.engine import recent_decisions
from krakked_tui.engine.recent_decisions import RecentDecisions, action_on, outcome_of
from tests.fakes.journal_look import RecordedLook
from tests.scenarios.stage import OTHER, STRATEGY, Stage

D = Decimal


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd, strategies=(OTHER, STRATEGY)).ready()


def test_what_was_wanted_and_what_became_of_it_newest_first(stage: Stage) -> None:
    stage.bought_together((OTHER.id, D(48_000)), (STRATEGY.id, D(49_000)))
    stage.later(60)
    stage.cycle(stage.intent(IntentType.EXIT), stage.intent(stop=D(48_000), strategy_id=OTHER.id))
    recent, look = RecentDecisions(), RecordedLook(stage.records)
    assert [record.plan_id for record in recent.catch_up(look)] == ["p00000000001", "p00000000003"]
    newest, oldest = recent.decided()
    assert (newest.plan_id, newest.intents, newest.acted, newest.blocked) == ("p00000000003", 2, 1, 0)
    assert (oldest.intents, oldest.acted) == (2, 1)
    sold, bought = recent.wanted(STRATEGY.id)
    assert (sold.outcome, bought.outcome) == ("sells 0.04", "buys 0.04")
    kept, _ = recent.wanted(OTHER.id)
    assert kept.outcome == f"{OTHER.id} holds XBTUSD already"
    assert recent.acted_at(STRATEGY.id) == stage.at
    assert recent.acted_at(OTHER.id) == stage.at - timedelta(seconds=60)
    assert recent.acted_at("nobody") is None
    assert recent.wanted("nobody") == ()


def test_only_what_is_new_is_taken_in_and_read(stage: Stage) -> None:
    recent, look = RecentDecisions(), RecordedLook(stage.records)
    stage.cycle()
    assert len(recent.catch_up(look)) == 1
    assert recent.catch_up(look) == []
    for _ in range(3):
        stage.later(60)
        stage.cycle()
    assert len(recent.catch_up(look)) == 3
    assert len(recent.decided()) == 4


def test_after_a_long_time_nothing_is_left_out_and_nothing_is_doubled(stage: Stage) -> None:
    recent, look = RecentDecisions(page=2), RecordedLook(stage.records)
    stage.cycle()
    recent.catch_up(look)
    for _ in range(7):
        stage.later(60)
        stage.cycle()
    new = recent.catch_up(look)
    assert [record.time for record in new] == sorted(record.time for record in new)
    assert len(new) == 7
    assert len({each.plan_id for each in recent.decided()}) == 8


def test_a_cold_start_reads_one_page(stage: Stage) -> None:
    for _ in range(5):
        stage.cycle()
        stage.later(60)
    recent, look = RecentDecisions(page=2), RecordedLook(stage.records)
    assert len(recent.catch_up(look)) == 2
    assert look.read == 2


def test_everything_that_is_kept_is_bounded(stage: Stage) -> None:
    stage.cycle(stage.intent())
    (saved,) = (each for each in stage.records if isinstance(each, DecisionSaved))
    recent = RecentDecisions()
    for number in range(recent_decisions.DECISIONS_KEPT + 10):
        recent.add(msgspec.structs.replace(saved.record, plan_id=f"p{number}"))
    assert len(recent.decided()) == recent_decisions.DECISIONS_KEPT
    assert recent.decided()[0].plan_id == f"p{recent_decisions.DECISIONS_KEPT + 9}"
    assert len(recent.wanted(STRATEGY.id)) == recent_decisions.INTENTS_KEPT
    newest = recent.newest(Timeframe.M1)
    assert newest is not None
    assert (newest.inputs, saved.record.inputs != b"") == (b"", True), "stored inputs are large"
    assert recent.newest(Timeframe.H1) is None


def test_an_intent_ends_in_the_action_of_its_own_timeframe(stage: Stage) -> None:
    stage.cycle(stage.intent(stop=None))
    (saved,) = (each for each in stage.records if isinstance(each, DecisionSaved))
    (intent,), (action,) = saved.record.intents, saved.record.actions
    hourly = msgspec.structs.replace(intent, timeframe=Timeframe.H1)
    other = msgspec.structs.replace(action, timeframe=Timeframe.H1, reason="hourly", blocked=False)
    assert action_on(intent, (other, action)) is action
    assert outcome_of(hourly, (other, action)) == "hourly"
    assert outcome_of(hourly, (action,)) == ""
    elsewhere = msgspec.structs.replace(action, pair="ETHUSD")
    assert action_on(intent, (elsewhere,)) is None
    assert outcome_of(intent, (action,)).startswith("blocked: ")


def test_a_cut_is_told(stage: Stage) -> None:
    stage.cycle(stage.intent(stop=D(49_900)))
    (saved,) = (each for each in stage.records if isinstance(each, DecisionSaved))
    (intent,), (action,) = saved.record.intents, saved.record.actions
    assert action.action_type is ActionType.OPEN
    assert (
        outcome_of(intent, (action,))
        == f"buys {action.shares[0].size.normalize():f}, cut by max_per_asset_pct"
    )
