"""The whole chain of one decision, by any of its ids."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.fills import Trade
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.orders import LocalOrder, Purpose
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.chains import Chain, NoJournal, find_chain
from tests.scenarios.stage import OTHER, STRATEGY, Stage
from tests.unit.engine.risk_builders import Asked
from tests.unit.portfolio.statements import make_trade

D = Decimal
A, B = OTHER.id, STRATEGY.id


class Told:
    """Two strategies buy together; one is stopped out, the other leaves by its own signal."""

    def __init__(self, pair: PairMetadata) -> None:
        self.stage = stage = Stage(pair, strategies=(OTHER, STRATEGY)).ready()
        self.entry = stage.bought_together((A, D(48_000)), (B, D(49_000)))
        stage.later(60)
        stage.crossed(D(48_990))
        self.stop = stage.sold(D(48_990))
        stage.later(61)
        stage.cycle(stage.intent(IntentType.EXIT, strategy_id=A))
        self.exit = stage.sold(D(51_000))
        self.asked = Asked(stage)

    def chain(self, name: str) -> Chain:
        found = find_chain(name, self.asked.traded(), self.asked.look)
        assert found is not None
        return found


@pytest.fixture
def told(xbtusd: PairMetadata) -> Told:
    return Told(xbtusd)


def ids(chain: Chain) -> list[str]:
    return [each.order.cl_ord_id for each in chain.orders]


def names(orders: Sequence[LocalOrder]) -> list[str]:
    return [order.cl_ord_id for order in orders]


def test_a_plan_is_told_with_its_orders_and_the_sales_of_what_they_bought(told: Told) -> None:
    chain = told.chain(told.entry.plan_id)
    assert (chain.plan_id, chain.focus, chain.notes) == (told.entry.plan_id, "", ())
    assert chain.decision is not None
    assert chain.decision.plan_id == told.entry.plan_id
    assert ids(chain) == names([told.entry, told.stop, told.exit])
    assert [fill.cl_ord_id for fill in chain.fills] == ids(chain)
    bought, stopped, left = [fill.made for fill in chain.fills]
    size, part = told.entry.request.volume, told.stop.request.volume
    assert bought == -size * 50_000 * D("0.004"), "its fee"
    assert stopped is not None
    assert left is not None
    assert stopped == part * D(48_990 - 50_000) - part * D(48_990) * D("0.004")
    assert told.stage.state.books.state.realized_pnl == bought + stopped + left


@pytest.mark.parametrize("which", ["cl_ord_id", "kraken_order_id", "local_id"])
def test_an_order_is_found_by_each_of_its_ids_and_is_in_focus(told: Told, which: str) -> None:
    entry = told.stage.order(told.entry)
    chain = told.chain(getattr(entry, which))
    assert (chain.plan_id, chain.focus) == (entry.plan_id, entry.cl_ord_id)
    assert ids(chain)[0] == entry.cl_ord_id


def test_a_trade_is_found_by_its_id(told: Told) -> None:
    chain = told.chain("TAAAAA-AAAAA-AAAAAA")
    assert (chain.plan_id, chain.focus) == (told.entry.plan_id, told.entry.cl_ord_id)


def test_the_steps_of_every_order_are_those_that_were_recorded(told: Told) -> None:
    chain = told.chain(told.entry.cl_ord_id)
    steps = [each.after.value for each in chain.orders[0].steps]
    assert steps == ["pending", "submitted", "filled"]
    assert all(step.cl_ord_id == each.order.cl_ord_id for each in chain.orders for step in each.steps)


def test_a_stop_was_decided_by_no_cycle_and_tells_whose_purchase_it_sold(told: Told) -> None:
    chain = told.chain(told.stop.cl_ord_id)
    assert (chain.decision, chain.plan_id) == (None, "")
    assert ids(chain) == [told.stop.cl_ord_id]
    first, second = chain.notes
    assert "made between candles (stop)" in first
    assert told.entry.plan_id in second


def test_an_exit_is_a_plan_of_its_own_without_what_was_bought_before(told: Told) -> None:
    chain = told.chain(told.exit.plan_id)
    assert ids(chain) == [told.exit.cl_ord_id]
    assert chain.decision is not None


def test_what_is_bought_and_sold_later_is_of_the_later_plan(told: Told) -> None:
    stage = told.stage
    stage.later(3 * 3600)
    stage.cycle(stage.intent(strategy_id=A, stop=D(48_000)))
    entry = stage.sold()
    stage.crossed(D(47_000))
    sale = stage.sold(D(47_000))
    assert ids(told.chain(entry.plan_id)) == names([entry, sale])
    assert ids(told.chain(told.entry.plan_id)) == names([told.entry, told.stop, told.exit])


def test_the_notes_of_a_cycle_and_a_plan_without_orders(told: Told) -> None:
    stage = told.stage
    stage.later(60)
    stage.cycle(stage.intent(stop=None))
    plan_id = told.asked.look.decisions(1)[0].plan_id
    chain = told.chain(plan_id)
    assert (chain.plan_id, chain.orders, chain.fills) == (plan_id, (), ())
    assert chain.decision is not None
    record = msgspec.structs.replace(chain.decision, notes=("three pairs wait",))
    told.asked.look.records[:] = [
        msgspec.structs.replace(each, record=record)
        if getattr(each, "record", None) == chain.decision
        else each
        for each in stage.records
    ]
    assert told.chain(plan_id).notes == ("three pairs wait",)


def test_a_decision_that_is_not_stored_is_said_to_be_so(told: Told) -> None:
    found = find_chain(told.entry.cl_ord_id, told.asked.traded(), NoJournal())
    assert found is not None
    assert found.notes == (f"The decision of plan {told.entry.plan_id} is not stored.",)
    assert [each.steps for each in found.orders] == [(), (), ()]


def test_a_trade_of_somebody_else_is_nobodys_decision(told: Told) -> None:
    theirs: Trade = make_trade("buy 0.1 XBTUSD @ 50000", "TOTHER", told.stage.at)
    traded = msgspec.structs.replace(told.asked.traded(), trades=(theirs,))
    found = find_chain("TOTHER", traded, told.asked.look)
    assert found is not None
    assert (found.orders, [fill.trade for fill in found.fills]) == ((), [theirs])
    assert "nobody here decided" in found.notes[0]
    assert found.fills[0].made is None


@pytest.mark.parametrize("name", ["", "p99999999999", "x" * 500])
def test_what_nobody_knows_is_none(told: Told, name: str) -> None:
    assert find_chain(name, told.asked.traded(), told.asked.look) is None


def test_an_order_of_no_plan_does_not_bring_all_others_without_one(told: Told) -> None:
    stage = told.stage
    stage.later(3 * 3600)
    stage.cycle(stage.intent())
    again = stage.sold()
    stage.crossed(D(48_990))
    second = stage.sold(D(48_990))
    assert (second.purpose, second.plan_id) == (Purpose.STOP, told.stop.plan_id)
    assert ids(told.chain(second.cl_ord_id)) == [second.cl_ord_id]
    assert told.chain(second.cl_ord_id).notes[1] == f"What it sells was bought by plan {again.plan_id}."
    assert told.chain(told.stop.cl_ord_id).notes[1].endswith(f"by plan {told.entry.plan_id}.")


def test_an_order_brings_the_others_of_its_plan(told: Told) -> None:
    entry = told.stage.order(told.entry)
    other = msgspec.structs.replace(entry, cl_ord_id="kother", kraken_order_id="OOTHER", local_id="other")
    traded = msgspec.structs.replace(told.asked.traded(), orders=(entry, other))
    found = find_chain("OOTHER", traded, told.asked.look)
    assert found is not None
    assert (ids(found), found.focus) == ([entry.cl_ord_id, "kother"], "kother")


def test_what_others_sell_of_the_pair_is_not_of_the_plan(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd, strategies=(OTHER, STRATEGY)).ready()
    stage.cycle(stage.intent(strategy_id=A, stop=D(48_000)))
    own = stage.sold()
    stage.later(60)
    stage.cycle(stage.intent(strategy_id=B, stop=D(49_000)))
    theirs = stage.sold()
    stage.crossed(D(48_990))
    sale = stage.sold(D(48_990))
    asked = Asked(stage)
    first = find_chain(own.plan_id, asked.traded(), asked.look)
    second = find_chain(theirs.plan_id, asked.traded(), asked.look)
    assert first is not None
    assert second is not None
    assert ids(first) == [own.cl_ord_id]
    assert ids(second) == [theirs.cl_ord_id, sale.cl_ord_id]
