"""An operator takes the exchange's balances for the truth."""

from decimal import Decimal

import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.outcome import Outcome
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import (
    ControlLogged,
    HistoryKind,
    HistoryMark,
    LedgerEntrySaved,
    StoredState,
)
from tests.scenarios.stage import Stage, asked, recorded

D = Decimal
BALANCES = {"USD": D(9_900), "XBT": D("0.01")}


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    """Balances differ from the books, although nothing is under way."""
    stage = Stage(xbtusd).ready()
    stage.synced(balances=BALANCES)
    assert len(stage.state.account.drift) == 2
    return stage


def accept(stage: Stage, confirm: str = "ACCEPT") -> tuple[Outcome, f.Answer]:
    outcome = stage.play(e.AcceptBalancesRequested(stage.at, 7, "tui", confirm))
    (answer,) = asked(outcome, f.Answer)
    assert answer.ticket == 7
    return outcome, answer


def test_adjustments_are_stored_and_applied_and_the_drift_is_gone(stage: Stage, xbtusd: PairMetadata) -> None:
    outcome, answer = accept(stage)
    assert answer.accepted
    for part in ("USD 10000 -> 9900", "XBT 0 -> 0.01"):
        assert part in answer.message
    saved = [record.entry for record in recorded(outcome, LedgerEntrySaved)]
    assert {(row.type, row.asset, row.amount) for row in saved} == {
        ("adjustment", "USD", D(-100)), ("adjustment", "XBT", D("0.01")),
    }  # fmt: skip
    assert stage.state.account.drift == ()
    assert stage.state.books.state.balances == BALANCES
    (logged,) = recorded(outcome, ControlLogged)
    assert (logged.actor, logged.command) == ("tui", "acceptbalances")
    assert logged.outcome == answer.message
    assert [want.asset for find in asked(outcome, f.FindRates) for want in find.wanted] == ["XBT"]
    stage.synced(balances=BALANCES)
    assert stage.state.account.drift == ()
    stage.priced(D(50_000))
    assert "external_activity" not in [x.event for x in stage.effects if isinstance(x, f.Log)]
    rows = tuple(r.entry for r in stage.records if isinstance(r, LedgerEntrySaved))
    again = Stage(xbtusd, stored=StoredState("abc", "test", entries=rows))
    assert again.state.books.state.balances == BALANCES


def test_the_word_must_be_typed(stage: Stage) -> None:
    outcome, answer = accept(stage, "accept")
    assert (answer.accepted, recorded(outcome, LedgerEntrySaved)) == (False, [])
    assert "type ACCEPT" in answer.message
    assert len(recorded(outcome, ControlLogged)) == 1


def refuse(stage: Stage, why: str) -> None:
    before = stage.state.books.state
    outcome, answer = accept(stage)
    assert not answer.accepted
    assert why in answer.message
    assert recorded(outcome, LedgerEntrySaved) == []
    assert stage.state.books.state == before


def test_not_without_drift(xbtusd: PairMetadata) -> None:
    refuse(Stage(xbtusd).ready(), "there is nothing to accept")


def test_not_before_the_account_was_read(xbtusd: PairMetadata) -> None:
    refuse(Stage(xbtusd), "has not been read yet")


def test_not_while_the_history_is_being_read(stage: Stage) -> None:
    stage.state.history[HistoryKind.TRADES] = HistoryMark(HistoryKind.TRADES)
    refuse(stage, "trades: not begun")


def test_not_while_orders_are_at_work(stage: Stage) -> None:
    stage.synced()
    stage.cycle(stage.intent())
    stage.synced(balances=BALANCES)
    refuse(stage, "1 orders are at work")


def test_not_on_balances_that_cannot_be_read_or_are_old(stage: Stage) -> None:
    stage.account_answers = False
    stage.later(301)
    refuse(stage, "too old")
    stage.play(e.AccountSyncFailed(stage.at, stage.wall, "no route"))
    refuse(stage, "cannot be read: no route")


def test_not_when_something_moved_since_they_were_compared(stage: Stage) -> None:
    stage.state.activity += 1
    refuse(stage, "something has moved")
    stage.synced(balances=BALANCES)
    assert accept(stage)[1].accepted
