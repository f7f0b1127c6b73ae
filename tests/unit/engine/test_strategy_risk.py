"""Answers about risk and strategies, from the facts of a moment."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import events as e
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.money import percent_of
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.gates import Gate
from krakked_tui.engine.strategy_risk import StrategyRiskEngine
from krakked_tui.risk.status import limit_states
from tests.scenarios.stage import OTHER, RISK, STRATEGY, T0, Stage
from tests.unit.engine.risk_builders import Asked, facts_of

D = Decimal
MINUTE = timedelta(minutes=1)


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd, strategies=(OTHER, STRATEGY)).ready()


def test_the_status_sums_up_what_is_held(stage: Stage) -> None:
    stage.bought()
    stage.later(1)
    stage.priced(D(49_500))
    engine = Asked(stage).engine()
    status = engine.get_risk_status()
    size = stage.state.holdings["XBTUSD"].size
    assert status.loss_if_all_stops_hit_usd == size * 500
    assert status.per_strategy_exposure_pct.keys() == {STRATEGY.id}
    assert status.daily_drawdown_pct > 0
    assert (status.account_truth, status.drift_flag) == ("confirmed", False)
    assert engine.get_risk_config() is stage.state.settings.risk
    assert engine.get_limits() == limit_states(
        engine.facts.context, RISK, daily_drawdown_pct=status.daily_drawdown_pct
    )


def test_violations_of_limits_in_force_and_of_others(stage: Stage) -> None:
    stage.bought()
    engine = Asked(stage).engine()
    assert engine.violations() == ()
    tighter = msgspec.structs.replace(RISK, max_per_asset_pct=D(10))
    (said,) = engine.violations(tighter)
    assert said.startswith("XBT is at ")
    assert "above max_per_asset_pct, 10.00 %" in said
    drawn = StrategyRiskEngine(facts_of(stage, drawdown_pct=D(11)))
    assert any("max_daily_drawdown_pct" in each for each in drawn.violations())


def test_violations_by_strategies_that_are_thought_of(stage: Stage) -> None:
    stage.bought()
    stage.synced()
    engine = Asked(stage).engine()
    facts = engine.facts
    second = msgspec.structs.replace(facts.context.holdings["XBTUSD"])
    both = {"XBTUSD": second, "ETHUSD": second}
    context = msgspec.structs.replace(facts.context, holdings=both)
    engine = StrategyRiskEngine(msgspec.structs.replace(facts, context=context))
    loose = msgspec.structs.replace(RISK, max_per_asset_pct=D(100), max_portfolio_risk_pct=D(100))
    few = msgspec.structs.replace(STRATEGY, max_positions=1)
    assert not any("max_positions" in each for each in engine.violations(loose))
    assert any(
        each.startswith(f"{STRATEGY.id} is at 2 positions") for each in engine.violations(loose, (few,))
    )


def test_what_a_buy_would_meet(stage: Stage) -> None:
    engine = StrategyRiskEngine(facts_of(stage, "XBTUSD"))
    found = engine.what_if("XBTUSD", D(100), D(49_000))
    assert found.problem == ""
    assert D(90) < found.notional_usd <= D(100)
    assert engine.what_if("NOPE", D(100)).problem.startswith("NOPE is not known")


def test_the_state_of_a_strategy_that_holds_something(stage: Stage) -> None:
    stage.bought_together((OTHER.id, D(48_000)), (STRATEGY.id, D(49_000)))
    stage.later(60)
    stage.cycle()
    stage.priced(D(51_000))
    limited = msgspec.structs.replace(RISK, max_per_strategy_pct={STRATEGY.id: D(40)})
    settings = msgspec.structs.replace(stage.state.settings, risk=limited)
    asked = Asked(stage).engine(settings=settings)
    state = asked.get_strategy_state(STRATEGY.id)
    assert (state.type, state.tag, state.enabled, state.last_error) == ("trend_following", "tfv", True, "")
    assert (state.positions, state.max_positions, state.budget_pct) == (1, 6, D(40))
    (held,) = state.held
    share = held.share
    assert (held.pair, held.value) == ("XBTUSD", share.size * 51_000)
    assert held.pnl == share.size * 51_000 - share.cost
    assert state.exposure_usd == share.size * D(51_000)
    assert state.exposure_pct == percent_of(state.exposure_usd, asked.facts.context.equity)
    assert state.last_run_at == T0 + MINUTE
    assert state.last_intents_at == state.last_actions_at == T0
    assert state.next_run_at == T0 + 2 * MINUTE


def test_without_a_price_there_is_no_value(stage: Stage) -> None:
    stage.bought()
    (held,) = Asked(stage).engine(marks={}).get_strategy_state(STRATEGY.id).held
    assert (held.value, held.pnl) == (None, None)


def test_dust_is_nothing_that_is_held(stage: Stage) -> None:
    stage.bought()
    stage.later(60)
    stage.cycle(stage.intent(IntentType.EXIT))
    sale = stage.last_order()
    stage.accept(sale, "OZZZZZ-ZZZZZ-ZZZZZZ")
    trade = stage.fill(stage.order(sale), sale.request.volume - D("0.0000001"), "TZ")
    stage.play(e.TradeReported(stage.at, trade, "stream"))
    assert "XBTUSD" in stage.state.holdings
    assert Asked(stage).engine().get_held(STRATEGY.id) == []


@pytest.mark.parametrize("changes", [{"halted": "cycles are paused"}, {"errors": {STRATEGY.id: "boom"}}])
def test_who_does_not_run_has_no_next_time(stage: Stage, changes: dict[str, object]) -> None:
    state = Asked(stage).engine(**changes).get_strategy_state(STRATEGY.id)
    assert state.next_run_at is None
    assert state.last_run_at is None
    assert (state.last_intents_at, state.last_actions_at) == (None, None)


def test_who_is_configured_and_not_enabled(stage: Stage) -> None:
    stage.cycle()
    asked = Asked(stage)
    asked.engine()
    third = msgspec.structs.replace(STRATEGY, id="third")
    engine = StrategyRiskEngine(
        facts_of(stage), decisions=asked.decisions, configured={"third": third, STRATEGY.id: STRATEGY}
    )
    state = engine.get_strategy_state("third")
    assert (state.enabled, state.last_run_at, state.next_run_at) == (False, None, None)
    assert engine.get_strategy_state(STRATEGY.id).last_run_at == T0
    assert engine.knows("third")
    assert not engine.knows("fourth")
    assert engine.explain_silence("third", "XBTUSD").gate == Gate.ENABLED


def test_silence_tells_since_when(stage: Stage) -> None:
    asked = Asked(stage)
    stage.cycle(stage.intent())
    asked.engine()
    first = stage.at
    stage.later(60)
    stage.cycle()
    silence = asked.engine().explain_silence(STRATEGY.id, "XBTUSD")
    assert (silence.gate, silence.last_passed, silence.since) == (Gate.SIGNAL, first, first)
    quiet = asked.engine().explain_silence(OTHER.id, "XBTUSD")
    assert (quiet.gate, quiet.last_passed) == (Gate.SIGNAL, None)


def test_nothing_in_the_way_is_no_gate(stage: Stage) -> None:
    stage.cycle(stage.intent())
    silence = Asked(stage).engine().explain_silence(STRATEGY.id, "XBTUSD")
    assert (silence.gate, silence.reason, silence.since) == ("", "", T0)


def test_a_chain_is_found_and_decisions_are_listed(stage: Stage) -> None:
    entry = stage.bought()
    asked = Asked(stage)
    engine = asked.engine()
    chain = engine.explain(entry.cl_ord_id, asked.traded(), asked.look)
    assert chain is not None
    assert chain.plan_id == entry.plan_id == engine.decided()[0].plan_id
    assert [each.intent.pair for each in engine.wanted(STRATEGY.id)] == ["XBTUSD"]
