"""The age of the price an order was made at goes on record."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Log
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import OrderSaved
from krakked_tui.market.freshness import Freshness
from tests.scenarios.stage import PRICE, Stage


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


def aged(stage: Stage, age: float, freshness: Freshness) -> e.Mark:
    return msgspec.structs.replace(stage.mark(PRICE), age=age, freshness=freshness)


def notes(stage: Stage) -> list[str]:
    """What is on record about the making of each order."""
    saved = (record.transition for record in stage.records if isinstance(record, OrderSaved))
    return [x.detail for x in saved if x is not None and x.after is OrderStatus.PENDING]


@pytest.mark.parametrize("freshness", [Freshness.QUIET, Freshness.STALE])
def test_a_stop_sells_on_the_best_price_there_is_and_records_its_age(
    stage: Stage, freshness: Freshness
) -> None:
    stage.bought()
    low = stage.mark(Decimal(48_000))
    mark = msgspec.structs.replace(low, age=95.0, freshness=freshness)
    stage.play(e.StopCrossed(stage.at, mark, Decimal(49_000)))
    assert len(stage.sells()) == 1
    assert notes(stage) == ["price 0.0 s old, fresh", f"price 95.0 s old, {freshness}"]
    ages = [
        x.fields["price_age"] for x in stage.effects if isinstance(x, Log) and x.event == "order_submitted"
    ]
    assert ages == [0.0, 95.0]


def test_an_operators_close_runs_on_a_stale_price_while_the_feed_is_down(stage: Stage) -> None:
    stage.bought()
    stage.play(e.MarketDataChanged(stage.at, usable=False, detail="down"))
    stage.play(e.Priced(stage.at, stage.wall, {stage.pair.canonical: aged(stage, 1000.0, Freshness.STALE)}))
    stage.play(e.FlattenRequested(stage.at, 1, "tui", "FLATTEN", "test"))
    assert len(stage.sells()) == 1
    assert notes(stage)[-1] == "price 1000.0 s old, stale"


def test_an_order_without_any_price_says_so(stage: Stage) -> None:
    stage.bought()
    stage.state.marks.clear()
    stage.play(e.FlattenRequested(stage.at, 1, "tui", "FLATTEN", "test"))
    assert notes(stage)[-1] == "no price had arrived"


def test_nothing_is_bought_while_prices_are_polled(stage: Stage) -> None:
    stage.play(e.MarketDataChanged(stage.at, usable=False, detail="prices are asked for every 5 s"))
    stage.cycle(stage.intent(IntentType.ENTER))
    assert stage.submitted() == []
