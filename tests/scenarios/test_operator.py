"""Transcripts: what the operator can do, from every state."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.orders import ExchangeStatus, OrderStatus, OrderType, Purpose, Refused
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import (
    ControlLogged,
    FlattenSaved,
    KillSwitchSaved,
    OrderSaved,
    StoredState,
    TradeSaved,
)
from krakked_tui.domain.safety import FlattenPhase, FlattenProgress, KillCause
from krakked_tui.execution.settings import ExecutionSettings, OnShutdown
from krakked_tui.market.freshness import Freshness
from tests.scenarios.stage import Stage, asked, recorded
from tests.unit.domain.builders import make_pair


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


def _killed(stage: Stage) -> bool:
    return stage.state.kill_switch.active


def _kill(stage: Stage) -> list[f.Answer]:
    return asked(stage.play(e.KillRequested(stage.at, 1, "tui", "test")), f.Answer)


def test_the_kill_switch_is_recorded_answered_and_logged(stage: Stage) -> None:
    outcome = stage.play(e.KillRequested(stage.at, 7, "tui", "3 a.m."))
    (saved,) = recorded(outcome, KillSwitchSaved)
    assert saved.kill_switch.active
    assert (saved.kill_switch.cause, saved.kill_switch.by) == (KillCause.OPERATOR, "tui")
    (answer,) = asked(outcome, f.Answer)
    assert (answer.ticket, answer.accepted) == (7, True)
    (control,) = recorded(outcome, ControlLogged)
    assert (control.command, control.arguments) == ("kill", "3 a.m.")


def test_killed_means_no_entry_but_exits_and_stops_go_on(stage: Stage) -> None:
    entry = stage.bought()
    _kill(stage)
    assert asked(stage.cycle(stage.intent()), f.Submit) == []
    stage.play(e.StopCrossed(stage.at, stage.mark(Decimal("48000.0")), Decimal(49_000)))
    (sell,) = stage.sells()
    assert sell.request.volume == entry.request.volume


def test_the_kill_switch_survives_a_restart(stage: Stage) -> None:
    _kill(stage)
    (saved,) = [r for r in stage.records if isinstance(r, KillSwitchSaved)]
    stored = StoredState(instance_id="abc", account_id="test", kill_switch=saved.kill_switch)
    again = Stage(stage.pair, stored=stored).ready()
    assert asked(again.cycle(again.intent()), f.Submit) == []


def test_clearing_needs_the_word(stage: Stage) -> None:
    _kill(stage)
    (answer,) = asked(stage.play(e.KillClearRequested(stage.at, 2, "tui", "arm")), f.Answer)
    assert not answer.accepted
    assert _killed(stage)
    (answer,) = asked(stage.play(e.KillClearRequested(stage.at, 3, "tui", "ARM")), f.Answer)
    assert answer.accepted
    assert not _killed(stage)
    assert asked(stage.cycle(stage.intent()), f.Submit) != []


def test_a_drawdown_beyond_the_limit_sets_the_kill_switch(stage: Stage) -> None:
    stage.bought()
    stage.priced(Decimal("38000.0"))
    assert not _killed(stage), "9.76 % are within the limit of 10 %"
    stage.priced(Decimal("37000.0"))
    assert stage.state.kill_switch.cause is KillCause.DRAWDOWN


def test_a_drawdown_is_seen_although_one_price_is_old(stage: Stage) -> None:
    stage.bought()
    stage.priced(Decimal(50_000))
    old = msgspec.structs.replace(stage.mark(Decimal(20_000)), age=1000.0, freshness=Freshness.STALE)
    stage.play(e.Priced(stage.at, stage.wall, {stage.pair.canonical: old}))
    assert stage.state.kill_switch.cause is KillCause.DRAWDOWN


def test_whatever_lies_in_the_account_is_priced(stage: Stage) -> None:
    other = make_pair("ETHUSD")
    stage.state.known["ETHUSD"] = other
    assert "ETHUSD" not in stage.state.needed_pairs()
    stage.synced(balances={"USD": Decimal(10_000), other.base: Decimal(1)})
    assert "ETHUSD" in stage.state.needed_pairs()


def test_a_withdrawal_is_not_a_drawdown(stage: Stage) -> None:
    out = LedgerEntry(
        "L2", "R2", stage.at, "withdrawal", "", "USD", Decimal(-5000), Decimal(0), Decimal(5000)
    )
    stage.synced(entries=[out], balances={"USD": Decimal(5000)})
    stage.priced(Decimal("50000.0"))
    assert stage.state.valuation is not None
    assert stage.state.valuation.equity == 5000
    assert not _killed(stage)


def test_cancel_all_asks_for_every_live_order_and_again_until_it_is_gone(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.accept(entry)
    outcome = stage.play(e.CancelRequested(stage.at, 1, "tui", None))
    assert asked(outcome, f.Cancel) == [f.Cancel((entry.cl_ord_id,))]
    assert "1 order" in asked(outcome, f.Answer)[0].message
    stage.effects.clear()
    stage.later(60)
    repeats = [x for x in stage.effects if isinstance(x, f.Cancel)]
    assert 3 <= len(repeats) <= 6, "asked again, with growing pauses"
    stage.effects.clear()
    stage.later(600)
    assert [x for x in stage.effects if isinstance(x, f.Cancel)], "and never given up"
    stage.effects.clear()
    report = stage.report(stage.order(entry), ExchangeStatus.CANCELED)
    stage.play(e.OrderReported(stage.at, report, "stream"))
    stage.later(60)
    assert not [x for x in stage.effects if isinstance(x, f.Cancel)]


def test_cancelling_an_ended_order_is_refused_with_its_state(stage: Stage) -> None:
    entry = stage.bought()
    (answer,) = asked(stage.play(e.CancelRequested(stage.at, 1, "tui", entry.cl_ord_id)), f.Answer)
    assert not answer.accepted
    assert "filled" in answer.message


def test_paused_means_no_cycles_but_stops_are_still_watched(stage: Stage) -> None:
    stage.bought()
    stage.play(e.PauseRequested(stage.at, 1, "tui", paused=True))
    outcome = stage.play(e.BoundaryClosed(stage.at, stage.at, (Timeframe.M1,)))
    assert asked(outcome, f.ComputeSignals) == []
    stage.play(e.StopCrossed(stage.at, stage.mark(Decimal("48000.0")), Decimal(49_000)))
    assert len(stage.sells()) == 1


def _flatten(stage: Stage) -> None:
    stage.play(e.FlattenRequested(stage.at, 1, "tui", "FLATTEN", "test"))


def test_flatten_needs_the_word(stage: Stage) -> None:
    (answer,) = asked(stage.play(e.FlattenRequested(stage.at, 1, "tui", "flatten", "")), f.Answer)
    assert not answer.accepted
    assert stage.state.flatten is None


def test_flatten_sells_what_is_held_at_market_and_verifies(stage: Stage) -> None:
    entry = stage.bought()
    _flatten(stage)
    (sell,) = stage.sells()
    assert (sell.purpose, sell.request.order_type) == (Purpose.FLATTEN, OrderType.MARKET)
    assert sell.request.volume == entry.request.volume
    stage.accept(sell, "OBBBBB-BBBBB-BBBBBB")
    stage.filled(stage.order(sell), "TBBBBB-BBBBB-BBBBBB")
    stage.later(1)
    done = stage.state.flatten
    assert done is not None
    assert (done.phase, done.left) == (FlattenPhase.DONE, {})
    assert stage.state.books.balance("XBT") == 0


def test_flatten_cancels_first_and_waits_for_a_pair_with_a_live_order(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.accept(entry)
    half = entry.request.volume / 2
    stage.play(e.TradeReported(stage.at, stage.fill(stage.order(entry), half), "stream"))
    outcome = stage.play(e.FlattenRequested(stage.at, 1, "tui", "FLATTEN", "test"))
    assert asked(outcome, f.Cancel) == [f.Cancel((entry.cl_ord_id,))]
    assert stage.sells() == []
    report = stage.report(stage.order(entry), ExchangeStatus.CANCELED, half)
    stage.play(e.OrderReported(stage.at, report, "stream"))
    (sell,) = stage.sells()
    assert sell.request.volume == half


def test_flatten_is_bounded_and_says_what_is_left(stage: Stage) -> None:
    stage.bought()
    _flatten(stage)
    for _ in range(20):
        for order in stage.state.orders.live():
            stage.answer(Refused(order.cl_ord_id, "EOrder:X", "no"))
        stage.later(1)
    assert len(stage.sells()) == 3
    done = stage.state.flatten
    assert done is not None
    assert done.phase is FlattenPhase.DONE
    assert "still held after 3" in done.left["XBTUSD"]


def test_flatten_resumes_after_a_restart(stage: Stage) -> None:
    stage.bought()
    _flatten(stage)
    latest = [r.progress for r in stage.records if isinstance(r, FlattenSaved)][-1]
    orders = {r.order.cl_ord_id: r.order for r in stage.records if isinstance(r, OrderSaved)}
    stored = StoredState(
        instance_id="abc",
        account_id="test",
        orders=tuple(orders.values()),
        trades=tuple(r.trade for r in stage.records if isinstance(r, TradeSaved)),
        flatten=latest,
    )
    again = Stage(stage.pair, stored=stored)
    sell = next(o for o in again.state.orders.live() if o.purpose is Purpose.FLATTEN)
    again.ready()
    again.later(5)
    assert again.sells() == [], "the close order's fate is asked for first"
    report = again.report(sell, ExchangeStatus.CLOSED, sell.request.volume, "OBBBBB-BBBBB-BBBBBB")
    again.play(e.TradeReported(again.at, again.fill(sell, trade_id="TBBBBB-BBBBB-BBBBBB"), "sync"))
    again.play(e.OrderReported(again.at, report, "sync"))
    again.later(1)
    assert again.state.flatten is not None
    assert again.state.flatten.phase is FlattenPhase.DONE
    assert again.sells() == []


def test_nothing_is_opened_while_flattening_or_stopping(stage: Stage) -> None:
    stage.bought()
    _flatten(stage)
    during = stage.cycle(stage.intent())
    assert asked(during, f.ComputeSignals) == []
    assert asked(during, f.Submit) == []
    other = Stage(stage.pair).ready()
    other.play(e.StopRequested(other.at, None, "signal", "SIGTERM"))
    assert asked(other.cycle(other.intent()), f.Submit) == []


def test_stopping_leaves_or_cancels_open_orders_as_configured(xbtusd: PairMetadata) -> None:
    for choice, expected in ((OnShutdown.LEAVE, 0), (OnShutdown.CANCEL, 1)):
        stage = Stage(xbtusd, execution=ExecutionSettings(on_shutdown=choice)).ready()
        stage.cycle(stage.intent())
        stage.accept(stage.last_order())
        outcome = stage.play(e.StopRequested(stage.at, None, "signal", "SIGTERM"))
        assert len(asked(outcome, f.Cancel)) == expected


def test_stale_market_data_blocks_entries(stage: Stage) -> None:
    stage.play(e.MarketDataChanged(stage.at, usable=False, detail="no price for 61 s"))
    assert asked(stage.cycle(stage.intent()), f.Submit) == []


def test_drift_blocks_entries_until_it_is_gone(stage: Stage) -> None:
    stage.synced(balances={"USD": Decimal(9_000)})
    assert asked(stage.cycle(stage.intent()), f.Submit) == []
    stage.synced(balances={"USD": Decimal(10_000)})
    assert asked(stage.cycle(stage.intent()), f.Submit) != []


def test_balances_read_around_a_fill_are_not_compared(stage: Stage) -> None:
    before = stage.state.activity
    stage.bought()
    stage.play(e.AccountSynced(stage.at, stage.wall, before, stage.at, (), (), (), {}))
    assert stage.state.account.drift == ()


def test_an_order_withheld_by_the_shell_ends_canceled(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.play(e.SubmitWithheld(stage.at, entry.cl_ord_id, "killed before sending"))
    assert stage.order(entry).status is OrderStatus.CANCELED


def test_a_flatten_resumed_after_a_restart_sells_without_waiting_for_a_price(
    stage: Stage,
) -> None:
    entry = stage.bought()
    _flatten(stage)
    rows = {r.order.cl_ord_id: r.order for r in stage.records if isinstance(r, OrderSaved)}
    bought = {k: o for k, o in rows.items() if o.purpose is not Purpose.FLATTEN}
    stored = StoredState(
        instance_id="abc",
        account_id="test",
        orders=tuple(bought.values()),
        trades=tuple(r.trade for r in stage.records if isinstance(r, TradeSaved)),
        flatten=FlattenProgress(FlattenPhase.CLOSING, "test", "tui", stage.at),
    )
    again = Stage(stage.pair, stored=stored)
    again.play(e.AccountStreamChanged(again.at, again.wall, connected=True, detail=""))
    assert again.sells() == [], "the account has not been read yet"
    again.synced(balances={})
    (sell,) = again.sells()
    assert sell.request.volume == entry.request.volume


def test_a_flatten_behind_a_resting_exit_does_not_flood_the_exchange(stage: Stage) -> None:
    stage.bought()
    stage.cycle(stage.intent(IntentType.EXIT))
    stage.accept(stage.last_order(), "OBBBBB-BBBBB-BBBBBB")
    _flatten(stage)
    stage.effects.clear()
    stage.later(600)
    assert len([x for x in stage.effects if isinstance(x, f.Cancel)]) < 20


def test_a_journal_hiccup_does_not_use_up_the_attempts_of_a_flatten(stage: Stage) -> None:
    stage.bought()
    _flatten(stage)
    for _ in range(10):
        for order in stage.state.orders.live():
            stage.play(e.SubmitWithheld(stage.at, order.cl_ord_id, "not recorded"))
        stage.later(4)
    assert stage.state.flattening
    sell = stage.state.orders.live()[-1]
    stage.accept(sell, "OBBBBB-BBBBB-BBBBBB")
    stage.filled(stage.order(sell), "TBBBBB-BBBBB-BBBBBB")
    stage.later(2)
    assert stage.state.flatten is not None
    assert (stage.state.flatten.phase, stage.state.flatten.left) == (FlattenPhase.DONE, {})


def test_a_stale_valuation_does_not_become_the_opening_of_the_day(stage: Stage) -> None:
    stage.bought()
    stage.state.marks.clear()
    stage.at += timedelta(days=1)
    stage.play(e.Priced(stage.at, stage.wall, {}))
    assert stage.state.day_start is not None
    assert stage.state.day_start.day == "2026-01-05"
    stage.priced(Decimal("50000.0"))
    assert stage.state.day_start.equity == Decimal(9_984)


def test_a_deposit_between_two_reads_is_no_drift(stage: Stage) -> None:
    deposit = LedgerEntry(
        "L2", "R2", stage.at, "deposit", "", "USD", Decimal(500), Decimal(0), Decimal(10_500)
    )
    stage.synced(entries=[deposit], balances={"USD": Decimal(10_000)})
    assert stage.state.account.drift == ()
