"""Transcripts: pairs come, go and change; the exchange takes less for a while."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.outcome import Outcome
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.orders import OrderStatus, OrderType, Purpose
from krakked_tui.domain.pairs import PairMetadata, PairStatus, SystemStatus
from krakked_tui.domain.safety import FlattenPhase
from krakked_tui.engine.inbox import Inbox
from tests.scenarios.stage import PRICE, Stage, asked
from tests.unit.domain.builders import make_pair

ETH = make_pair("ETHUSD")


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


def listed(stage: Stage, *pairs: PairMetadata) -> Outcome:
    known = {pair.canonical: pair for pair in pairs}
    tradable = frozenset(name for name, pair in known.items() if pair.permits.enter)
    return stage.play(e.UniverseChanged(stage.at, known, tradable))


def put(stage: Stage, status: PairStatus) -> Outcome:
    return listed(stage, replace(stage.pair, status=status))


def system(stage: Stage, status: SystemStatus) -> Outcome:
    return stage.play(e.SystemStatusChanged(stage.at, status))


def logged(outcome: Outcome, event: str) -> list[f.Log]:
    return [log for log in asked(outcome, f.Log) if log.event == event]


def stop_hit(stage: Stage) -> Outcome:
    return stage.play(e.StopCrossed(stage.at, stage.mark(Decimal(48_000)), Decimal(49_000)))


def test_what_is_listed_anew_takes_effect_and_is_one_line(stage: Stage) -> None:
    known = stage.state.known
    finer = replace(stage.pair, price_decimals=3, tick_size=Decimal("0.001"))
    (line,) = logged(listed(stage, finer, ETH, replace(ETH, canonical="OFFUSD")), "universe_changed")
    assert line.level is f.Level.INFO
    assert line.fields["added"] == "ETHUSD, OFFUSD"
    assert line.fields["precision_changed"] == "XBTUSD"
    assert (line.fields["removed"], line.fields["status_changed"]) == ("", "")
    assert stage.state.tradable == {"XBTUSD", "ETHUSD", "OFFUSD"}
    assert stage.state.known["XBTUSD"].price_decimals == 3
    assert stage.state.known is known, "whoever holds it sees the change"
    assert logged(listed(stage, finer, ETH, replace(ETH, canonical="OFFUSD")), "universe_changed") == []


def test_pairs_that_are_traded_more_or_less_are_told(stage: Stage) -> None:
    listed(stage, stage.pair, ETH)
    known = {"XBTUSD": stage.pair, "ETHUSD": ETH}
    outcome = stage.play(e.UniverseChanged(stage.at, known, frozenset({"XBTUSD"})))
    (line,) = logged(outcome, "universe_changed")
    assert (line.fields["traded_now"], line.fields["traded_no_more"]) == ("", "ETHUSD")
    assert line.message == "the exchange's pairs: nothing changed; 1 are traded, 2 were before"


def test_names_in_the_line_are_bounded(stage: Stage) -> None:
    many = [replace(ETH, canonical=f"P{n:02}USD") for n in range(40)]
    (line,) = logged(listed(stage, stage.pair, *many), "universe_changed")
    assert str(line.fields["added"]).endswith("P09USD and 30 more")


def test_a_pair_that_nothing_is_about_goes(stage: Stage) -> None:
    (line,) = logged(listed(stage, ETH), "universe_changed")
    assert line.fields["removed"] == "XBTUSD"
    assert stage.state.known == {"ETHUSD": ETH}
    assert stage.state.marks == {}


def test_a_held_pair_that_is_delisted_stays_known_as_it_was_last(stage: Stage) -> None:
    stage.bought()
    (line,) = logged(listed(stage, ETH), "universe_changed")
    assert (line.level, line.fields["held"]) == (f.Level.WARNING, "XBTUSD")
    assert stage.state.known["XBTUSD"] == replace(stage.pair, status=PairStatus.DELISTED)
    assert stage.state.tradable == {"ETHUSD"}
    # Everything else goes on: prices, time, cycles, and a second reading says nothing new.
    stage.priced(PRICE)
    stage.later(2)
    stage.cycle(stage.intent(IntentType.EXIT, stop=None))
    assert logged(listed(stage, ETH), "universe_changed") == []
    assert stage.state.known["XBTUSD"].status is PairStatus.DELISTED
    (line,) = logged(listed(stage, stage.pair, ETH), "universe_changed")
    assert line.fields["added"] == "XBTUSD"
    assert stage.state.known["XBTUSD"] == stage.pair


def test_a_pair_with_stored_trades_stays_known_after_it_was_sold(stage: Stage) -> None:
    stage.bought()
    stage.cycle(stage.intent(IntentType.EXIT, stop=None))
    sale = stage.last_order()
    stage.accept(sale, "OBBBBB-BBBBB-BBBBBB")
    stage.filled(stage.order(sale), "TBBBBB-BBBBB-BBBBBB")
    assert "XBTUSD" not in stage.state.needed_pairs()
    listed(stage, ETH)
    assert stage.state.known["XBTUSD"].status is PairStatus.DELISTED


def test_a_live_order_keeps_its_pair(stage: Stage) -> None:
    stage.cycle(stage.intent())
    assert stage.state.needed_pairs() == {"XBTUSD"}
    listed(stage, ETH)
    entry = stage.last_order()
    stage.accept(entry)
    stage.filled(stage.order(entry))
    assert stage.state.holdings.keys() == {"XBTUSD"}


@pytest.mark.parametrize("status", [s for s in PairStatus if s is not PairStatus.DELISTED])
def test_a_position_in_a_pair_that_is_not_tradable_is_still_valued(stage: Stage, status: PairStatus) -> None:
    stage.bought()
    put(stage, status)
    stage.priced(Decimal(60_000))
    valuation = stage.state.valuation
    assert valuation is not None
    assert valuation.positions["XBTUSD"].value == Decimal("0.08") * 60_000
    assert valuation.unvalued == ()
    assert not valuation.stale


@pytest.mark.parametrize("status", PairStatus)
def test_only_an_online_pair_is_entered(stage: Stage, status: PairStatus) -> None:
    put(stage, status)
    stage.cycle(stage.intent())
    assert bool(stage.submitted()) is (status is PairStatus.ONLINE)


@pytest.mark.parametrize("status", SystemStatus)
def test_nothing_is_entered_unless_the_exchange_is_online(stage: Stage, status: SystemStatus) -> None:
    system(stage, status)
    stage.cycle(stage.intent())
    assert bool(stage.submitted()) is (status is SystemStatus.ONLINE)
    assert (f"the exchange is in {status}" in stage.state.new_risk_refusal()) is (
        status is not SystemStatus.ONLINE
    )


def test_the_status_of_the_exchange_is_logged_when_it_changes(stage: Stage) -> None:
    event = "system_status_changed"
    assert logged(system(stage, SystemStatus.ONLINE), event) == []
    (less,) = logged(system(stage, SystemStatus.CANCEL_ONLY), event)
    assert (less.level, less.message) == (
        f.Level.WARNING,
        "the exchange is in cancel_only mode; it was online",
    )
    (again,) = logged(system(stage, SystemStatus.MAINTENANCE), event)
    assert again.message == "the exchange is in maintenance; it was cancel_only"
    (online,) = logged(system(stage, SystemStatus.ONLINE), event)
    assert (online.level, online.message) == (f.Level.INFO, "the exchange is online again")


def test_a_stop_waits_while_the_exchange_takes_no_sale_and_is_sent_as_soon_as_it_does(stage: Stage) -> None:
    stage.bought()
    system(stage, SystemStatus.MAINTENANCE)
    (waits,) = logged(stop_hit(stage), "close_waits")
    assert (waits.level, waits.fields["reason"]) == (f.Level.WARNING, "the exchange is in maintenance")
    assert logged(stage.later(600), "close_waits") == [], "said once"
    assert stage.sells() == []
    assert stage.state.barred == {"XBTUSD": "the exchange is in maintenance"}
    stage.play(e.SystemStatusChanged(stage.at, SystemStatus.ONLINE))
    (sale,) = stage.sells()
    assert (sale.purpose, sale.request.order_type) == (Purpose.STOP, OrderType.MARKET)
    assert stage.state.barred == {}


@pytest.mark.parametrize("status", [PairStatus.CANCEL_ONLY, PairStatus.POST_ONLY, PairStatus.MAINTENANCE])
def test_a_stop_waits_for_its_pair(stage: Stage, status: PairStatus) -> None:
    stage.bought()
    put(stage, status)
    (waits,) = logged(stop_hit(stage), "close_waits")
    assert waits.fields["reason"] == f"the pair is {status}"
    stage.later(120)
    assert stage.sells() == []
    released = put(stage, PairStatus.ONLINE)
    assert len(logged(released, "close_allowed_again")) == 1
    assert len(stage.sells()) == 1


def test_where_only_limits_are_taken_an_exit_is_one_and_stays_one(stage: Stage) -> None:
    stage.bought()
    put(stage, PairStatus.LIMIT_ONLY)
    stage.cycle(stage.intent(IntentType.EXIT, stop=None))
    (sale,) = stage.sells()
    assert (sale.purpose, sale.request.order_type) == (Purpose.EXIT, OrderType.LIMIT)
    stage.accept(sale, "OBBBBB-BBBBB-BBBBBB")
    stage.at += timedelta(seconds=stage.state.settings.execution.exit_escalation_seconds + 1)
    assert asked(stage.later(1), f.Cancel) == [], "it is all there can be"
    assert stage.state.urgent == {}


def test_where_only_limits_are_taken_a_stop_waits(stage: Stage) -> None:
    stage.bought()
    put(stage, PairStatus.LIMIT_ONLY)
    (waits,) = logged(stop_hit(stage), "close_waits")
    assert waits.fields["reason"] == "the pair is limit_only, and takes no market order"
    stage.later(60)
    assert stage.sells() == []
    put(stage, PairStatus.ONLINE)
    assert len(stage.sells()) == 1


def test_an_exit_that_was_decided_holds(stage: Stage) -> None:
    stage.bought()
    system(stage, SystemStatus.POST_ONLY)
    stage.cycle(stage.intent(IntentType.EXIT, stop=None))
    assert stage.sells() == []
    assert "XBTUSD" in stage.state.barred
    stage.later(30)
    system(stage, SystemStatus.ONLINE)
    assert len(stage.sells()) == 1


def test_a_flatten_keeps_its_attempts_for_when_they_count(stage: Stage) -> None:
    stage.bought()
    system(stage, SystemStatus.CANCEL_ONLY)
    stage.play(e.FlattenRequested(stage.at, 1, "me", "FLATTEN", "test"))
    stage.later(120)
    assert stage.sells() == []
    assert stage.state.flatten is not None
    assert (stage.state.flatten.phase, stage.state.flatten.attempts) == (FlattenPhase.CLOSING, {})
    assert stage.state.barred == {"XBTUSD": "the exchange is in cancel_only mode"}
    system(stage, SystemStatus.ONLINE)
    assert len(stage.sells()) == 1


def test_a_flatten_does_not_wait_for_a_pair_that_is_gone(stage: Stage) -> None:
    stage.bought()
    listed(stage, ETH)
    stage.play(e.FlattenRequested(stage.at, 1, "me", "FLATTEN", "test"))
    stage.later(30)
    assert stage.state.flatten is not None
    assert stage.state.flatten.left == {"XBTUSD": "the pair is delisted"}
    assert stage.state.flatten.phase is FlattenPhase.DONE


def test_a_close_that_is_done_elsewhere_is_not_waited_for(stage: Stage) -> None:
    stage.bought()
    system(stage, SystemStatus.MAINTENANCE)
    stop_hit(stage)
    stage.state.holdings.clear()
    assert logged(stage.later(1), "close_allowed_again") == []
    assert (stage.state.barred, stage.state.urgent) == ({}, {})


def resting_entry(stage: Stage) -> str:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.accept(entry)
    return entry.cl_ord_id


def aged(stage: Stage) -> Outcome:
    """Let an entry rest for longer than it may."""
    stage.at += timedelta(seconds=stage.state.settings.execution.order_ttl_seconds + 1)
    return stage.later(0.5)


@pytest.mark.parametrize("status", [SystemStatus.CANCEL_ONLY, SystemStatus.POST_ONLY])
def test_cancels_go_on_where_they_are_allowed(stage: Stage, status: SystemStatus) -> None:
    entry = resting_entry(stage)
    system(stage, status)
    assert asked(aged(stage), f.Cancel) == [f.Cancel((entry,))]


def test_cancels_wait_where_they_are_not_allowed(stage: Stage) -> None:
    entry = resting_entry(stage)
    put(stage, PairStatus.MAINTENANCE)
    outcome = aged(stage)
    assert asked(outcome, f.Cancel) == []
    assert len(logged(outcome, "cancel_waits")) == 1
    outcome = stage.later(900)
    assert asked(outcome, f.Cancel) == []
    assert logged(outcome, "cancel_unresolved") == [], "what was never asked for cannot have failed"
    put(stage, PairStatus.ONLINE)
    assert asked(stage.later(0.5), f.Cancel) == [f.Cancel((entry,))]


def test_who_insists_is_asked_for_whatever_the_status(stage: Stage) -> None:
    entry = resting_entry(stage)
    system(stage, SystemStatus.MAINTENANCE)
    outcome = stage.play(e.CancelRequested(stage.at, 1, "me", entry))
    assert asked(outcome, f.Cancel) == [f.Cancel((entry,))]


def test_an_order_that_exists_is_not_forgotten_in_a_pair_that_is_delisted(stage: Stage) -> None:
    entry = resting_entry(stage)
    listed(stage, ETH)
    stage.later(60)
    order = stage.state.orders.get(entry)
    assert order is not None
    assert order.status is not OrderStatus.ERROR
    assert stage.state.permits("XBTUSD").cancel


def test_neither_event_is_ever_dropped(stage: Stage) -> None:
    inbox = Inbox(limit=1)
    events: list[e.Event] = [
        e.UniverseChanged(stage.at, {}, frozenset()),
        e.SystemStatusChanged(stage.at, SystemStatus.ONLINE),
    ]
    for event in events:
        inbox.put(event, key="same")
    for second in range(3):
        inbox.put(e.TimePassed(stage.at, float(second), 1.0))
    assert [inbox.pop(), inbox.pop()] == events
    assert inbox.dropped == 2


def test_a_resting_exit_stays_where_nothing_could_take_its_place(stage: Stage) -> None:
    stage.bought()
    stage.cycle(stage.intent(IntentType.EXIT, stop=None))
    stage.accept(stage.last_order(), "OEXITA-AAAAA-AAAAAA")
    put(stage, PairStatus.LIMIT_ONLY)
    assert not asked(stop_hit(stage), f.Cancel), "nothing at market could follow it"
    assert asked(put(stage, PairStatus.ONLINE), f.Cancel)
