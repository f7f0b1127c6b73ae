"""A command's way from pending to verified: never optimistic."""

import msgspec
import pytest

from krakked_tui.control.commands import (
    AcceptBalances,
    Answer,
    CancelAll,
    CancelOrder,
    ChangeSetting,
    ChangeSettings,
    ClearKillSwitch,
    Command,
    EnableStrategy,
    FlattenAll,
    IngestCandles,
    PauseCycles,
    ResumeCycles,
    SetKillSwitch,
    Shutdown,
)
from krakked_tui.control.settings_view import SettingsView
from krakked_tui.control.views import EngineView
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.tui.outcomes import (
    Outcome,
    Stage,
    answered,
    expired,
    failed,
    observed,
    outcome_line,
)
from krakked_tui.tui.rows.line import text_of
from tests.fakes.controller import FakeController, drifting, killed, normal
from tests.fakes.settings import good

YES = Answer(accepted=True, message="started")


def seen(outcome: Outcome, view: EngineView, now: float) -> Outcome:
    return observed(outcome, view, SettingsView(), now)


def sent(command: Command, fake: FakeController) -> Outcome:
    return Outcome(command=command, label="do it", before=fake.view(), sent_at=0.0)


def test_an_accepted_command_is_not_done_before_the_view_shows_it() -> None:
    fake = FakeController()
    outcome = answered(sent(SetKillSwitch("x"), fake), YES, 0.5)
    assert seen(outcome, fake.view(), 1.0).stage is Stage.WORKING
    fake.publish_status(kill_switch=KillSwitch(active=True))
    done = seen(outcome, fake.view(), 2.0)
    assert done.stage is Stage.DONE
    assert done.message == "no new risk; Ctrl+X cancels 3 open orders too"


def test_a_refusal_keeps_its_reason_and_is_not_watched_any_more() -> None:
    refused = answered(
        sent(ClearKillSwitch("ARM"), FakeController(killed())), Answer(False, "drift\x1b"), 1.0
    )
    assert refused.stage is Stage.REFUSED
    assert refused.message == "drift␛"
    assert seen(refused, normal(), 2.0) == refused


def test_no_answer_is_no_success() -> None:
    outcome = failed(sent(CancelAll(), FakeController()), "the engine is gone", 1.0)
    assert text_of(outcome_line(outcome, 1.0)) == " NO ANSWER  do it: the engine is gone"


def test_cancel_all_counts_down_and_reports_how_orders_really_ended() -> None:
    fake = FakeController()
    outcome = answered(sent(CancelAll(), fake), YES, 0.1)
    first, *rest = fake.current.open_orders
    filled = msgspec.structs.replace(first, status=OrderStatus.FILLED)
    fake.publish(open_orders=tuple(rest), recent_orders=(filled,))
    working = seen(outcome, fake.view(), 1.0)
    assert (working.stage, working.message) == (Stage.WORKING, "2 of 3 still open")
    ended = tuple(msgspec.structs.replace(each, status=OrderStatus.CANCELED) for each in rest)
    fake.publish(open_orders=(), recent_orders=(filled, *ended))
    assert seen(working, fake.view(), 2.0).message == "1 filled, 2 canceled"


def test_a_cancel_of_one_order_watches_only_that_one() -> None:
    fake = FakeController()
    target = fake.current.open_orders[0].cl_ord_id
    outcome = answered(sent(CancelOrder(target), fake), YES, 0.1)
    fake.publish(open_orders=fake.current.open_orders[1:])
    done = seen(outcome, fake.view(), 1.0)
    assert (done.stage, done.message) == (Stage.DONE, "none of these orders is open any more")


def test_a_flatten_is_not_satisfied_by_an_earlier_one() -> None:
    fake = FakeController()
    flatten = FlattenAll("FLATTEN", "x")
    fake.take_effect(flatten)
    fake.finish_flatten()
    again = answered(sent(flatten, fake), YES, 0.1)
    assert seen(again, fake.view(), 1.0).stage is Stage.WORKING
    fake.tick()
    fake.take_effect(flatten)
    assert seen(again, fake.view(), 2.0).message == "selling, 0 positions left"
    fake.finish_flatten(ETHUSD="0.0001 is below the minimum")
    done = seen(again, fake.view(), 3.0)
    assert done.stage is Stage.DONE
    assert "ETHUSD: 0.0001 is below the minimum" in done.message


@pytest.mark.parametrize(
    ("command", "changes"),
    [
        (PauseCycles(), {"paused": True}),
        (ResumeCycles(), {"paused": False}),
        (Shutdown("x"), {"phase": "stopped"}),
    ],
)
def test_state_commands_are_done_when_the_state_says_so(command: Command, changes: dict[str, object]) -> None:
    fake = FakeController()
    fake.publish_status(paused=isinstance(command, ResumeCycles))
    outcome = answered(sent(command, fake), YES, 0.1)
    assert seen(outcome, fake.view(), 1.0).stage is Stage.WORKING
    fake.publish_status(**changes)
    assert seen(outcome, fake.view(), 1.0).stage is Stage.DONE


def test_candles_are_read_when_the_answer_is_there() -> None:
    fake = FakeController()
    outcome = answered(sent(IngestCandles(), fake), Answer(accepted=True, message="60 of 60 pairs"), 0.1)
    done = seen(outcome, fake.view(), 1.0)
    assert (done.stage, done.message) == (Stage.DONE, "60 of 60 pairs")


def test_the_line_shows_how_long_it_takes() -> None:
    assert text_of(outcome_line(sent(CancelAll(), FakeController()), 12.0)) == " pending  do it 12s"


def test_good_news_goes_sooner_than_bad() -> None:
    fake = FakeController()
    good = seen(answered(sent(ResumeCycles(), fake), YES, 0.0), fake.view(), 0.0)
    bad = failed(sent(ResumeCycles(), fake), "x", 0.0)
    assert expired(good, 21.0)
    assert not expired(bad, 21.0)
    assert expired(bad, 121.0)
    assert not expired(sent(ResumeCycles(), fake), 1000.0)


def test_a_setting_is_confirmed_when_it_is_in_force_and_not_before() -> None:
    fake = FakeController(settings=good())
    command = ChangeSetting("ui.theme", '"classic"')
    outcome = answered(sent(command, fake), YES, 0.5)
    assert observed(outcome, fake.view(), fake.settings(), 1.0).stage is Stage.WORKING
    fake.take_effect(command)
    done = observed(outcome, fake.view(), fake.settings(), 2.0)
    assert done.stage is Stage.DONE
    assert done.message == "in force now"


def test_balances_are_accepted_when_the_drift_is_gone() -> None:
    fake = FakeController(drifting())
    outcome = answered(sent(AcceptBalances("ACCEPT"), fake), YES, 0.5)
    assert seen(outcome, fake.view(), 1.0).stage is Stage.WORKING
    fake.take_effect(outcome.command)
    done = seen(outcome, fake.view(), 2.0)
    assert (done.stage, done.message) == (Stage.DONE, "books and exchange agree")


def test_changed_settings_are_done_when_all_of_them_show() -> None:
    fake = FakeController(settings=good())
    changes = {"risk.max_daily_drawdown_pct": "5", "risk.max_open_positions": "3", "risk.unlisted": "1"}
    outcome = answered(sent(ChangeSettings(changes), fake), YES, 0.5)
    before = fake.settings()
    assert observed(outcome, fake.view(), before, 1.0).stage is Stage.WORKING
    fake.take_effect(ChangeSettings({"risk.max_open_positions": "3"}))
    assert observed(outcome, fake.view(), fake.settings(), 1.0).stage is Stage.WORKING
    fake.take_effect(ChangeSettings({"risk.max_daily_drawdown_pct": "5.0"}))
    done = observed(outcome, fake.view(), fake.settings(), 1.0)
    assert (done.stage, done.message) == (Stage.DONE, "started")
    assert observed(outcome, fake.view(), before, 2.6).stage is Stage.OVERRULED


def test_a_strategy_is_switched_when_its_picture_says_so() -> None:
    fake = FakeController()
    on, off = EnableStrategy("mean_reversion", enabled=True), EnableStrategy("mean_reversion", enabled=False)
    for command in (on, off):
        outcome = answered(sent(command, fake), YES, 0.5)
        assert seen(outcome, fake.view(), 1.0).stage is Stage.WORKING, "nobody looked"
        before = observed(outcome, fake.view(), SettingsView(), 1.0, fake.strategies())
        assert before.stage is Stage.WORKING, "it failed, and is not disabled"
    for command in (on, off):
        outcome = answered(sent(command, fake), YES, 0.5)
        fake.take_effect(command)
        after = observed(outcome, fake.view(), SettingsView(), 1.0, fake.strategies())
        assert after.stage is Stage.DONE
    unknown = answered(sent(EnableStrategy("nobody", enabled=False), fake), YES, 0.5)
    assert observed(unknown, fake.view(), SettingsView(), 10.0, fake.strategies()).stage is Stage.WORKING
    assert observed(unknown, fake.view(), SettingsView(), 10.1, fake.strategies()).stage is Stage.OVERRULED
