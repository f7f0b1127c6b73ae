"""The picture of the strategies."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from krakked_tui.control.strategy_picture import (
    CURVE_POINTS,
    NOT_CONFIGURED,
    StrategySources,
    idea_of,
    made_by,
    strategies_view,
)
from krakked_tui.control.strategy_view import StrategiesView, StrategyLine
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.strategy_risk import StrategyRiskEngine
from krakked_tui.portfolio.summary import RealizedRecord
from krakked_tui.strategies.loaded import Failure, StrategySet
from tests.fakes.keeper import MemoryKeeper
from tests.scenarios.stage import OTHER, STRATEGY, T0, Stage
from tests.unit.engine.risk_builders import Asked, built, facts_of

D = Decimal
DAY = timedelta(days=1)


class Rig:
    """One strategy that runs and one that does not."""

    def __init__(self, pair: PairMetadata) -> None:
        trailing = msgspec.structs.replace(STRATEGY, trailing_stop_pct=D(5), max_holding_minutes=90)
        self.settings = trailing
        self.stage = Stage(pair, strategies=(trailing,)).ready()
        self.keeper = MemoryKeeper(trailing, disabled=(OTHER,))
        self.asked = Asked(self.stage)
        self.sources = StrategySources(self.keeper.strategies(), self.keeper.parameters(), {})

    def view(self, **changes: Any) -> StrategiesView:
        self.asked.engine()
        configured = self.keeper.config.strategies.configs
        engine = StrategyRiskEngine(
            facts_of(self.stage, **changes), decisions=self.asked.decisions, configured=configured
        )
        return strategies_view(engine, self.sources, tuple(configured))

    def line(self, name: str = STRATEGY.id, **changes: Any) -> StrategyLine:
        return next(line for line in self.view(**changes).strategies if line.id == name)


@pytest.fixture
def rig(xbtusd: PairMetadata) -> Rig:
    return Rig(xbtusd)


def test_all_that_are_configured_are_shown_by_id(rig: Rig) -> None:
    view = rig.view()
    assert [(line.id, line.enabled, line.state) for line in view.strategies] == [
        (OTHER.id, False, "disabled"), (STRATEGY.id, True, "waiting"),
    ]  # fmt: skip
    assert view.at == rig.stage.at
    assert rig.line().parameters == rig.keeper.parameters()[STRATEGY.id]
    assert rig.line(OTHER.id).parameters != rig.line().parameters


def test_how_each_does(rig: Rig) -> None:
    rig.stage.cycle()
    assert rig.line().state == "running"
    failed = rig.line(errors={STRATEGY.id: "boom"})
    assert (failed.state, failed.error, failed.enabled) == ("failed", "boom", True)


def test_what_it_holds_with_every_price_at_which_it_is_sold(rig: Rig) -> None:
    rig.stage.bought()
    rig.stage.priced(D(52_000))
    line = rig.line()
    (held,) = line.held
    (share,) = rig.stage.state.holdings["XBTUSD"].shares
    assert (held.pair, held.size, held.opened_at) == ("XBTUSD", share.size, T0)
    assert (held.value, held.pnl) == (share.size * 52_000, share.size * 52_000 - share.cost)
    assert (held.stop_price, held.trailing_pct) == (D(49_400), D(5)), "the trailing stop is the higher one"
    assert held.sold_by == T0 + timedelta(minutes=90)
    assert (line.positions, line.max_positions, line.tag) == (1, 6, "tfv")
    assert (line.exposure_usd, line.timeframes) == (held.value, ("1m",))


def test_what_it_wanted_newest_first(rig: Rig) -> None:
    rig.stage.bought()
    rig.stage.later(60)
    rig.stage.cycle(rig.stage.intent())
    first, second = rig.line().intents
    assert (first.at, second.at) == (rig.stage.at, T0)
    assert (first.outcome, second.outcome) == (f"{STRATEGY.id} holds XBTUSD already", "buys 0.08")


def test_what_it_has_made(rig: Rig) -> None:
    assert (rig.line().pnl, rig.line().equity) == (D(0), ())
    made = ((T0, D(3)), (T0 + DAY, D("2.50")))
    rig.sources = msgspec.structs.replace(rig.sources, made={STRATEGY.id: made})
    assert (rig.line().pnl, rig.line().equity) == (D("2.50"), made)


def test_who_still_holds_something_and_is_configured_no_more_is_not_hidden(rig: Rig) -> None:
    rig.stage.bought()
    rig.keeper = MemoryKeeper(OTHER)
    line = rig.line()
    assert (line.type, line.enabled, line.state, line.positions) == (NOT_CONFIGURED, False, "disabled", 1)
    assert line.held[0].size == rig.stage.state.holdings["XBTUSD"].size
    assert [each.id for each in rig.view(holdings={}).strategies] == [OTHER.id]


def test_what_could_not_be_loaded_is_said(rig: Rig) -> None:
    broken = StrategySet(failures=(Failure("mine.py: SyntaxError", "Traceback"),))
    rig.sources = msgspec.structs.replace(rig.sources, built=broken)
    assert rig.view().problems == ("mine.py: SyntaxError",)


def test_an_idea_is_the_first_paragraph_on_one_line() -> None:
    idea = idea_of("breakout", None)
    assert idea.startswith("Breakout: buy a pair that closes above")
    assert "Idea:" not in idea
    assert "\n" not in idea
    assert idea_of("anything", built()) == idea_of("trend_following", None)
    assert idea_of("anything", None) == ""


def _record(number: int, strategy: str, pnl: str) -> RealizedRecord:
    nothing = D(0)
    return RealizedRecord(
        f"T{number}", "O", "XBTUSD", T0 + number * DAY, "sell", nothing, nothing, "USD", nothing, nothing,
        D(pnl), nothing, strategy,
    )  # fmt: skip


def test_what_was_made_is_added_up_sale_by_sale() -> None:
    records = [_record(1, "a", "1.5"), _record(2, "b", "9"), _record(2, "a", "-2"), _record(2, "a", "1"),
               _record(3, "manual", "7")]  # fmt: skip
    assert made_by(records) == {
        "a": ((T0 + DAY, D("1.5")), (T0 + 2 * DAY, D("0.5"))),
        "b": ((T0 + 2 * DAY, D(9)),),
    }
    assert made_by([]) == {}


def test_a_long_history_is_thinned_out_and_ends_where_it_ends() -> None:
    (curve,) = made_by([_record(number, "a", "1") for number in range(CURVE_POINTS * 3 + 7)]).values()
    assert len(curve) <= CURVE_POINTS
    assert len(curve) > CURVE_POINTS / 2
    assert curve[-1][1] == CURVE_POINTS * 3 + 7
    assert list(curve) == sorted(curve)
