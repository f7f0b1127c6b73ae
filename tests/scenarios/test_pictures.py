"""What operators see of limits and strategies, from real decision state through a day of it."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.control.explanation_picture import explanation_of
from krakked_tui.control.picture import engine_view
from krakked_tui.control.risk_picture import risk_view
from krakked_tui.control.strategy_picture import StrategySources, made_by, strategies_view
from krakked_tui.control.strategy_view import StrategyLine
from krakked_tui.decision import events as e
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.chains import find_chain
from krakked_tui.engine.moment import Moment
from krakked_tui.engine.portfolio_service import PortfolioService, take_facts
from krakked_tui.engine.strategy_risk import StrategyRiskEngine
from krakked_tui.risk.replay import decide_again
from tests.fakes.keeper import MemoryKeeper
from tests.scenarios.stage import OTHER, RISK, STRATEGY, Stage
from tests.unit.engine.risk_builders import Asked

D = Decimal
A, B = OTHER.id, STRATEGY.id


class Watched:
    """A stage, and everything that is shown of it."""

    def __init__(self, pair: PairMetadata) -> None:
        self.stage = Stage(pair, strategies=(OTHER, STRATEGY)).ready()
        self.keeper = MemoryKeeper(OTHER, STRATEGY, risk=RISK)
        self.asked = Asked(self.stage)

    def engine(self) -> StrategyRiskEngine:
        return self.asked.engine()

    def strategies(self) -> dict[str, StrategyLine]:
        state = self.stage.state
        records = PortfolioService(take_facts(state, self.stage.at)).figures.records
        sources = StrategySources(self.keeper.strategies(), self.keeper.parameters(), made_by(records))
        view = strategies_view(self.engine(), sources, (A, B))
        return {line.id: line for line in view.strategies}


@pytest.fixture
def watched(xbtusd: PairMetadata) -> Watched:
    return Watched(xbtusd)


def test_from_the_purchase_to_the_loss_every_picture_says_the_same(watched: Watched) -> None:
    stage = watched.stage
    entry = stage.bought_together((A, D(48_000)), (B, D(49_000)))
    stage.later(1)
    stage.priced(D(50_000))
    view = risk_view(watched.engine())
    lines = watched.strategies()
    position = engine_view(
        Moment(at=stage.at, phase="running", state=stage.state), version=1, mode="demo", profile="demo",
        other_host="", messages=(),
    ).positions[0]  # fmt: skip
    held = {name: line.held[0].size for name, line in lines.items()}
    assert {share.strategy_id: share.size for share in position.shares} == held
    assert sum(held.values()) == entry.request.volume == position.size
    lost = held[A] * 2_000 + held[B] * 1_000
    assert view.loss_if_all_stops_hit_usd == lost
    assert dict(view.per_strategy_pct) == {name: line.exposure_pct for name, line in lines.items()}
    assert [limit.value for limit in view.limits if limit.name == "max_open_positions"] == [D(1)]

    stage.later(60)
    stage.crossed(D(48_990))
    stop = stage.sold(D(48_990))
    after, lines = risk_view(watched.engine()), watched.strategies()
    assert after.loss_if_all_stops_hit_usd is not None
    assert after.loss_if_all_stops_hit_usd < lost
    (pause,) = after.protections
    assert (pause.kind, pause.scope) == ("cooldown", "XBTUSD")
    assert (lines[B].held, lines[B].positions, lines[A].positions) == ((), 0, 1)
    made = {name: line.pnl for name, line in lines.items()}
    assert sum(pnl for pnl in made.values() if pnl is not None) == stage.state.books.state.realized_pnl
    chain = find_chain(entry.plan_id, watched.asked.traded(), watched.asked.look)
    assert chain is not None
    told = explanation_of(chain)
    assert (
        sum(fill.pnl for fill in told.fills if fill.pnl is not None) == stage.state.books.state.realized_pnl
    )
    assert [order.cl_ord_id for order in told.orders] == [entry.cl_ord_id, stop.cl_ord_id]
    assert chain.decision is not None
    assert decide_again(chain.decision.inputs) == chain.decision.actions


def test_silence_follows_what_happens(watched: Watched) -> None:
    stage = watched.stage

    def gate() -> str:
        return watched.engine().explain_silence(B, "XBTUSD").gate

    stage.cycle(stage.intent())
    assert gate() == ""
    stage.sold()
    stage.later(60)
    stage.cycle()
    assert "already" in watched.engine().explain_silence(B, "XBTUSD").reason
    stage.crossed(D(48_990))
    stage.sold(D(48_990))
    stage.later(60)
    stage.cycle(stage.intent())
    silence = watched.engine().explain_silence(B, "XBTUSD")
    assert (silence.gate, silence.last_passed) == ("cooldown", stage.at - timedelta(seconds=120))
    stage.play(e.PauseRequested(stage.at, 1, "tui", paused=True))
    assert gate() == "engine"
    stage.play(e.PauseRequested(stage.at, 1, "tui", paused=False))
    settings = msgspec.structs.replace(stage.state.settings, strategies=(OTHER,))
    reloaded = e.SettingsReloaded(stage.at, "tui", RISK, settings.strategies)
    engine = watched.engine()
    stage.play(reloaded)
    configured = {A: OTHER, B: STRATEGY}
    now = StrategyRiskEngine(watched.engine().facts, configured=configured)
    assert now.explain_silence(B, "XBTUSD").gate == "enabled"
    assert engine.explain_silence(B, "XBTUSD").gate == "cooldown", "a moment does not change"


def test_other_limits_are_judged_before_and_shown_after_they_are_in_force(watched: Watched) -> None:
    stage = watched.stage
    stage.bought()
    tighter = msgspec.structs.replace(RISK, max_per_asset_pct=D(10))
    (said,) = watched.engine().violations(tighter)
    stage.play(e.SettingsReloaded(stage.at, "tui", tighter, (OTHER, STRATEGY)))
    assert watched.engine().violations() == (said,)
    view = risk_view(watched.engine())
    (line,) = [limit for limit in view.limits if limit.name == "max_per_asset_pct"]
    assert (line.threshold, line.toml) == (D(10), "10")
    assert line.used_share is not None
    assert line.used_share > 1
    stage.later(60)
    stage.cycle(stage.intent(IntentType.INCREASE))
    assert watched.engine().explain_silence(B, "XBTUSD").gate == "max_per_asset_pct"
