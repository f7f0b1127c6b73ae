"""The explanation of a decision."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.control.explanation_picture import explanation_of, intent_line, unknown
from krakked_tui.control.risk_picture import check_lines
from krakked_tui.control.risk_view import Explanation
from krakked_tui.domain.fills import Fee
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.chains import Chain, find_chain
from tests.scenarios.stage import OTHER, STRATEGY, T0, Stage
from tests.unit.engine.risk_builders import Asked

D = Decimal


class Told:
    """A purchase of two strategies, of which one was stopped out."""

    def __init__(self, pair: PairMetadata) -> None:
        self.stage = Stage(pair, strategies=(OTHER, STRATEGY)).ready()
        self.entry = self.stage.bought_together((OTHER.id, D(48_000)), (STRATEGY.id, D(49_000)))
        self.stage.later(60)
        self.stage.crossed(D(48_990))
        self.stop = self.stage.sold(D(48_990))
        self.asked = Asked(self.stage)

    def chain(self, name: str) -> Chain:
        found = find_chain(name, self.asked.traded(), self.asked.look)
        assert found is not None
        return found

    def explained(self, name: str) -> Explanation:
        return explanation_of(self.chain(name))


@pytest.fixture
def told(xbtusd: PairMetadata) -> Told:
    return Told(xbtusd)


def test_every_number_is_as_it_was_recorded(told: Told) -> None:
    chain, found = told.chain(told.entry.plan_id), told.explained(told.entry.plan_id)
    record = chain.decision
    assert record is not None
    assert (found.plan_id, found.at, found.candle_time) == (record.plan_id, record.time, record.candle_time)
    assert found.timeframes == ("1m",)
    assert dict(found.metadata).items() >= record.metadata.items()
    assert dict(found.metadata)["inputs"] == record.input_fingerprint
    for line, intent in zip(found.intents, record.intents, strict=True):
        assert (line.confidence, line.close, line.stop_price) == (
            intent.confidence,
            intent.close,
            intent.stop_price,
        )
        assert (line.signal_time, line.at) == (intent.signal_time, intent.generated_at)
    (action,), (decided,) = found.actions, record.actions
    assert (action.current, action.target) == (decided.current_base_size, decided.target_base_size)
    assert action.shares == tuple((share.strategy_id, share.size) for share in decided.shares)
    assert action.checks == check_lines(decided.checks)
    assert (action.action, action.strategy_id, action.blocked) == ("open", "net", False)
    order, entry = found.orders[0], told.stage.order(told.entry)
    assert (order.volume, order.filled, order.avg_fill_price) == (
        entry.request.volume, entry.filled, entry.avg_fill_price,
    )  # fmt: skip
    assert (order.side, order.order_type, order.purpose, order.status) == ("buy", "limit", "entry", "filled")
    assert [fill.price for fill in found.fills] == [D(50_000), D(48_990)]
    assert [fill.pnl for fill in found.fills] == [fill.made for fill in chain.fills]


def test_what_became_of_each_wish(told: Told) -> None:
    found = told.explained(told.entry.plan_id)
    sizes = dict(found.actions[0].shares)
    assert {line.strategy_id: line.outcome for line in found.intents} == {
        name: f"buys {size.normalize():f}" for name, size in sizes.items()
    }


def test_the_steps_of_an_order_tell_who_said_so(told: Told) -> None:
    steps = told.explained(told.entry.plan_id).orders[0].transitions
    assert [at for at, _ in steps] == [T0] * 3
    assert [words for _, words in steps][1:] == ["submitted (by submit)", "filled (by stream)"]
    assert steps[0][1].startswith("pending (by plan")


def test_a_stop_has_no_intents_and_says_why(told: Told) -> None:
    found = told.explained(told.stop.cl_ord_id)
    assert (found.plan_id, found.focus, found.at) == ("", told.stop.cl_ord_id, told.stop.created_at)
    assert (found.intents, found.actions, found.candle_time) == ((), (), None)
    assert "between candles" in found.notes[0]
    assert [order.purpose for order in found.orders] == ["stop"]


def test_fees_in_two_assets_and_in_none(told: Told) -> None:
    chain = told.chain(told.stop.cl_ord_id)
    (fill,) = chain.fills
    for fees, words in (
        ((Fee("USD", D("1.50")), Fee("KFEE", D("1E-8"))), "1.50 USD + 0.00000001 KFEE"),
        ((), ""),
    ):
        trade = msgspec.structs.replace(fill.trade, fees=fees)
        changed = msgspec.structs.replace(chain, fills=(msgspec.structs.replace(fill, trade=trade),))
        assert explanation_of(changed).fills[0].fee == words


def test_a_range_is_shown_where_it_set_the_stop(told: Told) -> None:
    intent = msgspec.structs.replace(told.stage.intent(), atr=D("12.5"), metadata={"sma": 1.5})
    assert intent_line(intent, "").values == (("sma", 1.5),)
    line = intent_line(msgspec.structs.replace(intent, stop_price=None), "bought")
    assert line.values == (("sma", 1.5), ("average true range", 12.5))
    assert line.outcome == "bought"


def test_a_name_that_nobody_knows_is_shown_harmlessly() -> None:
    problem = unknown("\x1b[31m" + "x" * 500).problem
    assert "\x1b" not in problem
    assert len(problem) < 250
    assert "'?[31mxxx" in problem


def test_nothing_but_a_focus_is_still_an_explanation() -> None:
    assert explanation_of(Chain(focus="k")).at is None
