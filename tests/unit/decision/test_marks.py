"""Every set of prices is a whole one: what is not in it stopped coming."""

import msgspec
import pytest

from krakked_tui.decision import events as e
from krakked_tui.decision.marks import take_marks
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.market.freshness import Freshness
from tests.scenarios.stage import PRICE, Stage


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


def test_a_pair_that_has_no_price_any_more_has_none(stage: Stage) -> None:
    take_marks(stage.state, {}, stage.wall + 1)
    assert stage.state.marks == {}


def test_a_pair_that_something_of_ours_is_about_keeps_its_last_as_a_stale_one(stage: Stage) -> None:
    stage.bought()
    before = stage.mark(PRICE)
    for hours in (1, 2):
        take_marks(stage.state, {}, stage.wall + 3600.0 * hours)
        expected = msgspec.structs.replace(before, age=3600.0 * hours, freshness=Freshness.STALE)
        assert stage.state.marks == {"XBTUSD": expected}
    take_marks(stage.state, {"XBTUSD": before}, stage.wall)
    assert stage.state.marks == {"XBTUSD": before}


def test_prices_that_come_with_signals_are_a_whole_set_too(stage: Stage) -> None:
    stage.bought()
    stage.wall += 3600.0
    stage.play(e.BoundaryClosed(stage.at, stage.at, (Timeframe.M1,)))
    stage.play(
        e.SignalsComputed(
            at=stage.at, wall=stage.wall, cycle=stage.state.cycle, boundary=stage.at,
            timeframes=(Timeframe.M1,), intents=(), marks={}, duration_ms=1.0, fingerprint="f",
        )
    )  # fmt: skip
    mark = stage.state.marks["XBTUSD"]
    assert (mark.age, mark.freshness) == (3600.0, Freshness.STALE)


def test_a_held_pair_without_a_price_makes_equity_stale_and_stays_sellable(stage: Stage) -> None:
    stage.bought()
    stage.wall += 3600.0
    stage.play(e.Priced(stage.at, stage.wall, {}))
    assert stage.state.valuation is not None
    assert stage.state.valuation.stale
    assert stage.state.valuation.unvalued == ()
    assert stage.state.mid("XBTUSD") == PRICE
