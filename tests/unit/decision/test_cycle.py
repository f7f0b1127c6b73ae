"""What a cycle makes of prices that are not fresh."""

import msgspec
import pytest

from krakked_tui.decision import events as e
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import DecisionSaved
from krakked_tui.market.freshness import Freshness
from tests.scenarios.stage import PRICE, Stage


@pytest.mark.parametrize(
    ("freshness", "reason"),
    [
        (Freshness.FRESH, ""),
        (Freshness.CHECKED, ""),
        (
            Freshness.QUIET,
            "the price of XBTUSD is quiet, 95 s old, and a request for the exchange's ticker has not"
            " confirmed it",
        ),
        (Freshness.STALE, "the price of XBTUSD is stale, 95 s old"),
    ],
)
def test_only_a_fresh_or_a_checked_price_lets_anything_be_bought(
    xbtusd: PairMetadata, freshness: Freshness, reason: str
) -> None:
    stage = Stage(xbtusd).ready()
    mark = msgspec.structs.replace(stage.mark(PRICE), age=95.0, freshness=freshness)
    stage.play(e.BoundaryClosed(stage.at, stage.at, (Timeframe.M1,)))
    stage.play(
        e.SignalsComputed(
            at=stage.at,
            wall=stage.wall,
            cycle=stage.state.cycle,
            boundary=stage.at,
            timeframes=(Timeframe.M1,),
            intents=(stage.intent(),),
            marks={xbtusd.canonical: mark},
            duration_ms=1.0,
            fingerprint="f",
        )
    )
    (saved,) = [record for record in stage.records if isinstance(record, DecisionSaved)]
    (action,) = saved.record.actions
    assert action.blocked_reasons == ((reason,) if reason else ())
    assert len(stage.submitted()) == (0 if reason else 1)


def test_a_pair_whose_candles_are_missing_is_not_bought(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd).ready()
    stage.cycle(stage.intent(), unread=frozenset({xbtusd.canonical}))
    (saved,) = [record for record in stage.records if isinstance(record, DecisionSaved)]
    (action,) = saved.record.actions
    assert action.blocked_reasons == ("its candles are being read",)
    assert stage.submitted() == []


def test_a_pair_whose_candles_are_missing_is_sold_all_the_same(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd).ready()
    stage.bought()
    before = len(stage.submitted())
    stage.cycle(stage.intent(IntentType.EXIT, stop=None), unread=frozenset({xbtusd.canonical}))
    assert len(stage.submitted()) == before + 1
