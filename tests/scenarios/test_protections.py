"""Pauses of entries after what has happened, and the market's part in it."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.risk_context import protections_in_force, risk_context
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import DecisionSaved
from krakked_tui.risk.context import ProtectionKind
from krakked_tui.risk.settings import ProtectionSettings
from tests.scenarios.stage import PRICE, RISK, Stage, recorded

D = Decimal
PROTECTIONS = ProtectionSettings(stop_guard_count=1, max_entries_per_day=2, max_consecutive_losses=1)


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd, risk=msgspec.structs.replace(RISK, protections=PROTECTIONS)).ready()


def kinds(stage: Stage) -> list[ProtectionKind]:
    return [protection.kind for protection in protections_in_force(stage.state, stage.at)]


def reasons(outcome: Outcome) -> str:
    return " ".join(recorded(outcome, DecisionSaved)[0].record.actions[0].blocked_reasons)


def round_trip(stage: Stage, price: Decimal) -> None:
    """Buy, and sell by an exit at a price."""
    stage.cycle(stage.intent())
    stage.sold()
    stage.cycle(stage.intent(IntentType.EXIT, stop=None), price=price)
    stage.sold(price)


def test_an_exit_at_a_loss_pauses_its_pair_and_strategy(stage: Stage) -> None:
    round_trip(stage, D(49_900))
    assert kinds(stage) == [ProtectionKind.COOLDOWN, ProtectionKind.CONSECUTIVE_LOSSES]
    assert "cooldown" in reasons(stage.cycle(stage.intent()))
    (closing,) = stage.state.held.closings()
    bought, sold = (D(50_000) * D("1.004"), D(49_900) * D("0.996"))
    volume = stage.last_order().request.volume
    assert (closing.cost, closing.pnl, closing.stopped) == (volume * bought, volume * (sold - bought), False)


def test_an_exit_at_a_gain_after_fees_pauses_nothing(stage: Stage) -> None:
    round_trip(stage, D(50_200))
    assert ProtectionKind.COOLDOWN in kinds(stage), "the fees took more than the price gave"
    other = Stage(stage.pair, risk=stage.state.settings.risk).ready()
    round_trip(other, D(52_000))
    assert kinds(other) == []


def test_a_stop_that_is_hit_counts_for_the_guard(stage: Stage) -> None:
    stage.bought()
    stage.crossed(D(48_900))
    stage.sold(D(48_900))
    assert ProtectionKind.STOP_GUARD in kinds(stage)


def test_entries_of_the_day_are_counted_until_midnight(stage: Stage) -> None:
    for _ in range(2):
        round_trip(stage, D(52_000))
        stage.later(1)
    assert kinds(stage) == [ProtectionKind.ENTRIES_PER_DAY]
    assert risk_context(stage.state, stage.at, ()).entries_today == 2
    stage.at += timedelta(days=1)
    assert kinds(stage) == []
    assert risk_context(stage.state, stage.at, ()).entries_today == 0


def test_they_are_the_same_after_a_restart(stage: Stage) -> None:
    round_trip(stage, D(49_900))
    stage.cycle(stage.intent(IntentType.EXIT, stop=None))
    again = stage.restarted()
    assert again.state.held.closings() == stage.state.held.closings()
    assert protections_in_force(again.state, stage.at) == protections_in_force(stage.state, stage.at)


def test_while_market_data_is_unusable_nothing_is_bought_and_exits_go_on(stage: Stage) -> None:
    stage.bought()
    for _ in range(3):
        stage.play(e.MarketDataChanged(stage.at, usable=False, detail="the market stream is down"))
    told = [x for x in stage.effects if isinstance(x, f.Log) and x.event == "market_data_unavailable"]
    assert len(told) == 1
    outcome = stage.cycle(stage.intent(IntentType.INCREASE))
    assert "market data unusable: the market stream is down" in reasons(outcome)
    record = recorded(outcome, DecisionSaved)[0].record
    assert record.metadata["market_data"] == "unusable: the market stream is down"
    stage.cycle(stage.intent(IntentType.EXIT, stop=None))
    assert len(stage.sells()) == 1


def test_the_volatility_of_what_is_held_is_kept_and_of_nothing_else(stage: Stage) -> None:
    stage.bought()
    stage.play(e.BoundaryClosed(stage.at, stage.at, stage.state.settings.strategies[0].timeframes))
    stage.play(stage.computed(atr={"XBTUSD": D(700), "ETHUSD": D(9)}))
    stage.cycle()
    assert stage.state.atr == {"XBTUSD": D(700)}
    assert risk_context(stage.state, stage.at, ()).pairs["XBTUSD"].atr == D(700)
    assert risk_context(stage.state, stage.at, ()).pairs["XBTUSD"].quote == stage.mark(PRICE).quote
