"""The kill switch: what sets it, that exits go on, and what it takes to clear it."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.kill_switch import persisting
from krakked_tui.decision.outcome import Outcome
from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.orders import NotSent, Refused
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.domain.records import ControlLogged, KillSwitchSaved
from krakked_tui.domain.safety import KillCause
from tests.scenarios.stage import PRICE, RISK, Stage, asked, recorded

D = Decimal
TIGHT = msgspec.structs.replace(RISK, max_daily_drawdown_pct=D(2), max_consecutive_order_errors=3)


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd, risk=TIGHT).ready()


def clear(stage: Stage, confirm: str) -> f.Answer:
    (answer,) = asked(stage.play(e.KillClearRequested(stage.at, 1, "tui", confirm)), f.Answer)
    return answer


def cause(stage: Stage) -> KillCause | None:
    return stage.state.kill_switch.cause


def drifting(stage: Stage) -> Outcome:
    return stage.synced(balances={"USD": D(9_000)})


def refuse_orders(stage: Stage, count: int) -> None:
    for _ in range(count):
        stage.cycle(stage.intent())
        stage.answer(Refused(stage.last_order().cl_ord_id, "EOrder:Insufficient funds", "no"))
        stage.later(60)


def move(stage: Stage, kind: str, amount: Decimal, number: int) -> None:
    """Money that comes or goes, with its ledger row."""
    balance = stage.state.books.balance("USD") + amount
    row = LedgerEntry(f"L{number}", f"R{number}", stage.at, kind, "", "USD", amount, D(0), balance)
    stage.later(5)
    stage.synced(entries=(row,), balances={"USD": balance})
    stage.priced(PRICE)


def test_a_loss_of_the_day_sets_it_and_lets_exits_through(stage: Stage) -> None:
    stage.bought()
    stage.priced(D(40_000))
    assert cause(stage) is KillCause.DRAWDOWN
    assert stage.state.kill_switch.since == stage.at
    (logged,) = [record for record in stage.records if isinstance(record, ControlLogged)]
    assert (logged.actor, logged.command, logged.arguments) == ("engine", "kill", "drawdown")
    stage.cycle(stage.intent(IntentType.EXIT, stop=None), price=D(40_000))
    assert len(stage.sells()) == 1


def test_clearing_is_refused_while_the_loss_goes_on_and_says_so(stage: Stage) -> None:
    stage.bought()
    stage.priced(D(40_000))
    answer = clear(stage, "ARM")
    assert not answer.accepted
    assert "below the day's opening; max_daily_drawdown_pct is 2.00 %; type FORCE" in answer.message
    assert stage.state.kill_switch.active
    stage.priced(PRICE)
    assert persisting(stage.state) == ""
    assert clear(stage, "ARM").accepted


def test_what_is_forced_clear_stays_so_until_its_cause_has_ended(stage: Stage) -> None:
    stage.bought()
    stage.priced(D(40_000))
    assert clear(stage, "FORCE").accepted
    stage.priced(D(40_000))
    again = stage.restarted()
    again.play(e.SyncRequested(again.at, again.wall))
    again.synced()
    again.priced(D(40_000))
    for now in (stage, again):
        assert not now.state.kill_switch.active
    stage.priced(PRICE)
    stage.priced(D(40_000))
    assert cause(stage) is KillCause.DRAWDOWN


def test_anything_but_arm_and_force_is_no_confirmation(stage: Stage) -> None:
    stage.play(e.KillRequested(stage.at, 1, "tui", "lunch"))
    assert clear(stage, "force").message == "not cleared: type ARM to confirm"
    assert clear(stage, "ARM").accepted


@pytest.mark.parametrize(("kind", "amount"), [("deposit", D(5000)), ("withdrawal", D(-5000))])
def test_money_that_comes_or_goes_is_no_loss(stage: Stage, kind: str, amount: Decimal) -> None:
    move(stage, kind, amount, 7)
    assert not stage.state.kill_switch.active
    stage.bought()
    stage.priced(D(40_000))
    assert cause(stage) is KillCause.DRAWDOWN, "a loss after it still is one"


def test_drift_blocks_at_once_and_sets_it_when_it_is_still_there(stage: Stage) -> None:
    drifting(stage)
    assert not stage.state.kill_switch.active
    assert stage.state.new_risk_refusal() == "balances differ from the ledger"
    drifting(stage)
    assert cause(stage) is KillCause.DRIFT
    answer = clear(stage, "ARM")
    assert not answer.accepted
    assert "balances differ from the ledger, 2 times in a row" in answer.message
    stage.synced()
    assert clear(stage, "ARM").accepted
    assert stage.state.account.drift_syncs == 0


def test_balances_that_are_accepted_end_the_drift(stage: Stage) -> None:
    drifting(stage)
    drifting(stage)
    outcome = stage.play(e.AcceptBalancesRequested(stage.at, 1, "tui", "ACCEPT"))
    assert [answer.accepted for answer in asked(outcome, f.Answer)] == [True]
    assert stage.state.account.drift_syncs == 0
    assert clear(stage, "ARM").accepted


def test_a_deposit_seen_before_its_row_does_not_set_it(stage: Stage) -> None:
    drifting(stage)
    stage.synced()
    drifting(stage)
    assert not stage.state.kill_switch.active


def test_without_the_latch_drift_only_blocks(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd, risk=msgspec.structs.replace(TIGHT, kill_switch_on_drift=False)).ready()
    for _ in range(5):
        drifting(stage)
    assert not stage.state.kill_switch.active
    stage.cycle(stage.intent())
    assert stage.submitted() == []


def test_forced_clear_of_drift_holds_until_the_drift_ends(stage: Stage) -> None:
    drifting(stage)
    drifting(stage)
    assert clear(stage, "FORCE").accepted
    drifting(stage)
    assert not stage.state.kill_switch.active
    stage.synced()
    drifting(stage)
    drifting(stage)
    assert cause(stage) is KillCause.DRIFT


def test_errors_in_a_row_set_it(stage: Stage) -> None:
    refuse_orders(stage, 2)
    assert not stage.state.kill_switch.active
    refuse_orders(stage, 1)
    assert cause(stage) is KillCause.ORDER_ERRORS
    assert "3 orders in a row ended in an error" in stage.state.kill_switch.reason
    answer = clear(stage, "ARM")
    assert not answer.accepted
    assert "Insufficient funds" in answer.message


def test_an_order_that_is_taken_ends_the_row(stage: Stage) -> None:
    refuse_orders(stage, 2)
    stage.cycle(stage.intent())
    stage.accept(stage.last_order())
    assert stage.state.order_errors == 0


def test_forced_clear_of_errors_begins_a_new_row(stage: Stage) -> None:
    refuse_orders(stage, 3)
    assert clear(stage, "FORCE").accepted
    refuse_orders(stage, 2)
    assert not stage.state.kill_switch.active
    refuse_orders(stage, 1)
    assert cause(stage) is KillCause.ORDER_ERRORS


def test_tries_that_a_status_forbids_count_for_nothing(stage: Stage) -> None:
    stage.bought()
    closed = msgspec.structs.replace(stage.pair, status=PairStatus.CANCEL_ONLY)
    stage.play(e.UniverseChanged(stage.at, {"XBTUSD": closed}, frozenset()))
    stage.crossed(D(48_000))
    for _ in range(10 * 120):
        stage.later(0.5)
        for order in stage.state.orders.live():
            stage.answer(NotSent(order.cl_ord_id, "EService:Market in cancel_only mode"))
    assert len(stage.sells()) > 3
    assert not stage.state.kill_switch.active


def test_it_survives_a_restart_with_who_when_and_why(stage: Stage) -> None:
    refuse_orders(stage, 3)
    again = stage.restarted()
    assert again.state.kill_switch == stage.state.kill_switch
    assert again.state.order_errors == 3, "the exchange has taken nothing since"
    assert not clear(again, "ARM").accepted


def test_clearing_is_on_record_with_what_went_on(stage: Stage) -> None:
    drifting(stage)
    drifting(stage)
    outcome = stage.play(e.KillClearRequested(stage.at, 1, "me", "FORCE"))
    (logged,) = recorded(outcome, ControlLogged)
    assert (logged.actor, logged.command, logged.arguments) == ("me", "killclear", "FORCE")
    assert "although balances differ" in logged.outcome
    (saved,) = recorded(outcome, KillSwitchSaved)
    assert saved.kill_switch.forced == (KillCause.DRIFT,)


def test_the_next_day_is_measured_from_its_own_opening(stage: Stage) -> None:
    stage.bought()
    stage.priced(D(40_000))
    stage.at += timedelta(days=1)
    stage.priced(D(40_000))
    assert clear(stage, "ARM").accepted


def test_a_loss_that_nobody_can_judge_yet_goes_on(stage: Stage) -> None:
    stage.bought()
    stage.priced(PRICE / 2)
    assert cause(stage) is KillCause.DRAWDOWN
    stage.state.valuation = None
    assert not clear(stage, "ARM").accepted
    assert "equity is not known yet" in persisting(stage.state)
    assert clear(stage, "FORCE").accepted
