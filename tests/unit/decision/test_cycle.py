"""What a cycle makes of prices that are not fresh."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import events as e
from krakked_tui.decision.deciding import fingerprint
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import DecisionSaved
from krakked_tui.market.freshness import Freshness
from tests.scenarios.stage import PRICE, T0, Stage


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


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (e.PauseRequested(T0, 1, "tui", paused=True), "cycles were paused"),
        (e.StopRequested(T0, None, "tui", "bye"), "the engine was stopping"),
        (e.FlattenRequested(T0, 1, "tui", "FLATTEN", "test"), "a flatten was under way"),
    ],
)
def test_a_cycle_that_is_called_off_is_on_record_and_does_nothing(
    xbtusd: PairMetadata, event: e.Event, why: str
) -> None:
    stage = Stage(xbtusd).ready()
    stage.play(e.BoundaryClosed(stage.at, stage.at, (Timeframe.M1,)))
    stage.play(event)
    stage.play(stage.computed(stage.intent()))
    (saved,) = [record for record in stage.records if isinstance(record, DecisionSaved)]
    assert (saved.record.intents, saved.record.actions) == ((), ())
    assert saved.record.notes == (f"{why} when it was computed: nothing is decided",)
    assert stage.submitted() == []


def test_the_record_of_a_decision_tells_how_things_stood(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd).ready()
    stage.synced(balances={"USD": Decimal(9_000)})
    stage.play(e.KillRequested(stage.at, 1, "tui", "lunch"))
    stage.cycle(stage.intent())
    (saved,) = [record for record in stage.records if isinstance(record, DecisionSaved)]
    assert saved.record.metadata == {
        "equity": "10000",
        "drawdown": "0.0000 %",
        "drift": "USD -1000",
        "kill_switch": "set (operator): lunch",
        "market_data": "usable: live",
        "config": fingerprint(stage.state.settings),
    }
