"""The state at one moment: it tells risk exactly what the state does, and nothing changes it."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from krakked_tui.decision import events as e
from krakked_tui.decision.account import drawdown_pct
from krakked_tui.decision.kill_switch import persisting
from krakked_tui.decision.parts import UrgentClose
from krakked_tui.decision.risk_context import risk_context
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.orders import ExchangeStatus, Unknown
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import HistoryKind, HistoryMark
from krakked_tui.engine.risk_facts import account_truth
from krakked_tui.engine.state_copy import copy_of
from tests.scenarios.stage import OTHER, STRATEGY, Stage
from tests.unit.portfolio.statements import make_trade

D = Decimal


def bought(stage: Stage) -> None:
    stage.bought_together((OTHER.id, D(48_000)), (STRATEGY.id, D(49_000)))
    stage.priced(D(49_500))
    stage.state.atr["XBTUSD"] = D(12)


def buying(stage: Stage) -> None:
    stage.cycle(stage.intent())
    stage.answer(Unknown(stage.last_order().cl_ord_id, "HTTP 502"))


def buying_since_yesterday(stage: Stage) -> None:
    stage.cycle(stage.intent())
    stage.accept(stage.last_order())
    stage.at += timedelta(days=1)


def fills_missing(stage: Stage) -> None:
    stage.cycle(stage.intent())
    stage.accept(stage.last_order())
    order = stage.order(stage.last_order())
    stage.play(e.TradeReported(stage.at, stage.fill(order, order.request.volume / 2), "stream"))
    report = stage.report(order, ExchangeStatus.CLOSED, order.request.volume)
    stage.play(e.OrderReported(stage.at, report, "stream"))
    assert stage.state.awaiting_fills
    stage.at += timedelta(days=1)


def closing_urgently(stage: Stage) -> None:
    bought(stage)
    stage.state.urgent["XBTUSD"] = UrgentClose()


def reading_history(stage: Stage) -> None:
    stage.state.history[HistoryKind.TRADES] = HistoryMark(HistoryKind.TRADES, read=100, total=1000)


def stopped_out(stage: Stage) -> None:
    bought(stage)
    stage.later(60)
    stage.crossed(D(48_990))
    stage.sold(D(48_990))


def selling(stage: Stage) -> None:
    bought(stage)
    stage.later(60)
    stage.cycle(stage.intent(IntentType.EXIT))


def drifting(stage: Stage) -> None:
    stage.synced(balances={"USD": D(1)})
    stage.synced(balances={"USD": D(1)})


def manual(stage: Stage) -> None:
    bought(stage)
    mine = make_trade("buy 0.1 XBTUSD @ 50000", "TMINE", stage.at)
    stage.state.foreign[mine.kraken_order_id] = None
    stage.play(e.TradeReported(stage.at, mine, "stream"))


@pytest.mark.parametrize(
    "happen",
    [
        bought, buying, buying_since_yesterday, fills_missing, stopped_out, selling, drifting, manual,
        closing_urgently, reading_history,
    ],
)  # fmt: skip
def test_risk_is_told_the_same_now_and_later(xbtusd: PairMetadata, happen: Callable[[Stage], None]) -> None:
    stage = Stage(xbtusd, strategies=(OTHER, STRATEGY)).ready()
    happen(stage)
    state, at = stage.state, stage.at

    def told(of: object) -> tuple[object, ...]:
        return (
            risk_context(of, at, ["XBTUSD"]), drawdown_pct(of), of.new_risk_refusal(), persisting(of),  # type: ignore[arg-type,attr-defined]
            account_truth(of),  # type: ignore[arg-type]
        )  # fmt: skip

    then = copy_of(state, at)
    expected = told(state)
    assert told(then) == expected
    stage.later(1)
    stage.play(e.KillRequested(stage.at, 1, "tui", "fear"))
    stage.play(e.AccountSyncFailed(stage.at, stage.wall, "EService:Busy"))
    stage.priced(D(47_000))
    if "XBTUSD" in state.holdings and not state.orders.live():
        stage.crossed(D(47_000))
        stage.sold(D(47_000))
    assert told(state) != expected
    for each in (state.atr, state.known, state.strategy_errors, state.urgent, state.history):
        each.clear()
    state.awaiting_fills.clear()
    assert told(then) == expected


def test_orders_and_sales_that_matter_no_more_are_left_out(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd).ready()
    stage.bought()
    stage.crossed(D(48_000))
    stage.sold(D(48_000))
    assert len(list(copy_of(stage.state, stage.at).orders)) == 2
    then = copy_of(stage.state, stage.at + timedelta(days=400))
    assert (list(then.orders), then.held.closings()) == ([], ())
    since = stage.at + timedelta(seconds=1)
    assert len(copy_of(stage.state, stage.at).held.closings()) == 1
    assert copy_of(stage.state, stage.at).held.closings(since) == ()
