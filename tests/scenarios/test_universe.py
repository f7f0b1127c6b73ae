"""Transcripts: pairs come, go and change; the exchange takes less for a while."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from krakked_tui.decision import cancelling
from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.outcome import Outcome
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.orders import ExchangeStatus, NotSent, OrderStatus, OrderType, Purpose
from krakked_tui.domain.pairs import PairMetadata, PairStatus, SystemStatus
from krakked_tui.domain.safety import FlattenPhase
from krakked_tui.engine.inbox import Inbox
from tests.scenarios.stage import PRICE, Stage, asked
from tests.unit.domain.builders import make_pair

ETH = make_pair("ETHUSD")


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    ready = Stage(xbtusd).ready()
    ready.later(0.5)
    return ready


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
    while_barred = stage.later(59)
    assert logged(while_barred, "close_waits") == [], "said once"
    assert logged(while_barred, "urgent_close_waits") == []
    assert stage.sells() == []
    assert stage.state.barred["XBTUSD"].reason == "the exchange is in maintenance"
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
    stage.later(59)
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


def refused(stage: Stage) -> None:
    """Have the exchange refuse whatever is to be sent now, until that is given up."""
    for _ in range(20):
        waiting = [order for order in stage.state.orders.live() if order.status is OrderStatus.PENDING]
        for order in waiting:
            stage.answer(NotSent(order.cl_ord_id, "EService:Market in cancel_only mode"))
        if not waiting:
            return


@pytest.mark.parametrize("whole", [True, False])
def test_a_status_only_slows_a_stop_down(stage: Stage, *, whole: bool) -> None:
    stage.bought()
    if whole:
        system(stage, SystemStatus.MAINTENANCE)
    else:
        put(stage, PairStatus.CANCEL_ONLY)
    stop_hit(stage)
    moments = []
    for _ in range(20 * 60):
        before = {order.cl_ord_id for order in stage.sells()}
        stage.later(0.5)
        if {order.cl_ord_id for order in stage.sells()} - before:
            moments.append(stage.wall)
        refused(stage)
    assert len(moments) in range(9, 11), "once a minute for ten minutes"
    assert {order.purpose for order in stage.sells()} == {Purpose.STOP}
    stage.later(61)
    sale = stage.last_order()
    stage.accept(sale, "OBBBBB-BBBBB-BBBBBB")
    stage.filled(stage.order(sale), "TBBBBB-BBBBB-BBBBBB")
    assert stage.state.holdings == {}, "the status was out of date"


def test_a_pair_that_is_gone_is_not_tried(stage: Stage) -> None:
    stage.bought()
    listed(stage, ETH)
    stop_hit(stage)
    stage.later(600)
    assert stage.sells() == []


def test_what_the_exchange_takes_can_become_unknown_and_bars_nothing_then(stage: Stage) -> None:
    stage.bought()
    system(stage, SystemStatus.MAINTENANCE)
    outcome = stage.play(e.SystemStatusChanged(stage.at, None))
    (line,) = logged(outcome, "system_status_changed")
    assert (line.level, line.fields["status"]) == (f.Level.WARNING, "unknown")
    assert stage.state.system_refusal() == ""
    stop_hit(stage)
    assert len(stage.sells()) == 1
    (line,) = logged(system(stage, SystemStatus.ONLINE), "system_status_changed")
    assert line.message == "the exchange is online"


def test_a_flatten_that_is_refused_for_the_moment_keeps_its_attempts(stage: Stage) -> None:
    stage.bought()
    stage.play(e.FlattenRequested(stage.at, 1, "me", "FLATTEN", "test"))
    for _ in range(10 * 120):
        stage.later(0.5)
        refused(stage)
    sold = {order.cl_ord_id for order in stage.sells()}
    assert len(sold) in range(9, 12), "once a minute"
    assert stage.state.flatten is not None
    assert (stage.state.flatten.phase, stage.state.flatten.left) == (FlattenPhase.CLOSING, {})


def test_where_only_limits_are_taken_a_stop_is_one_through_the_bid(stage: Stage) -> None:
    stage.bought()
    put(stage, PairStatus.LIMIT_ONLY)
    mark = stage.mark(Decimal(48_000))
    wide = replace(mark, quote=replace(mark.quote, bid=Decimal(40_000)))
    stage.play(e.StopCrossed(stage.at, wide, Decimal(49_000)))
    (sale,) = stage.sells()
    assert (sale.purpose, sale.request.order_type) == (Purpose.STOP, OrderType.LIMIT)
    assert sale.request.price == Decimal(36_000), "ten percent through the bid"


def test_a_stop_that_is_a_limit_stays_for_a_while_and_is_priced_anew(stage: Stage) -> None:
    stage.bought()
    put(stage, PairStatus.LIMIT_ONLY)
    stop_hit(stage)
    (sale,) = stage.sells()
    assert asked(stage.accept(sale, "OBBBBB-BBBBB-BBBBBB"), f.Cancel) == []
    assert asked(stage.later(1), f.Cancel) == [], "it is what is wanted"
    stage.priced(Decimal(40_000))
    assert asked(stage.later(2), f.Cancel) == [f.Cancel((sale.cl_ord_id,))]
    gone = stage.report(stage.order(sale), ExchangeStatus.CANCELED)
    stage.play(e.OrderReported(stage.at, gone, "stream"))
    again = stage.sells()[-1]
    assert again.request.price is not None
    assert again.request.price < Decimal(40_000)


def test_where_only_limits_are_taken_a_flatten_sells_through_the_bid_and_is_priced_anew(stage: Stage) -> None:
    stage.bought()
    put(stage, PairStatus.LIMIT_ONLY)
    stage.play(e.FlattenRequested(stage.at, 1, "me", "FLATTEN", "test"))
    (sale,) = stage.sells()
    assert (sale.purpose, sale.request.order_type) == (Purpose.FLATTEN, OrderType.LIMIT)
    stage.accept(sale, "OBBBBB-BBBBB-BBBBBB")
    assert asked(stage.later(14), f.Cancel) == []
    assert asked(stage.later(2), f.Cancel) == [f.Cancel((sale.cl_ord_id,))]
    gone = stage.report(stage.order(sale), ExchangeStatus.CANCELED)
    stage.play(e.OrderReported(stage.at, gone, "stream"))
    stage.later(1)
    assert len(stage.sells()) == 2


def test_an_exit_that_waits_for_post_only_is_made_where_limits_are_taken(stage: Stage) -> None:
    stage.bought()
    put(stage, PairStatus.POST_ONLY)
    stage.cycle(stage.intent(IntentType.EXIT, stop=None))
    assert stage.sells() == []
    put(stage, PairStatus.LIMIT_ONLY)
    (sale,) = stage.sells()
    assert sale.request.order_type is OrderType.LIMIT


def test_an_exit_from_a_delisted_pair_is_made_when_it_is_back(stage: Stage) -> None:
    stage.bought()
    listed(stage, ETH)
    outcome = stage.cycle(stage.intent(IntentType.EXIT, stop=None))
    (waits,) = logged(outcome, "close_waits")
    assert waits.message.endswith("it is sold if the exchange lists the pair again")
    stage.later(3600)
    listed(stage, stage.pair, ETH)
    assert len(stage.sells()) == 1


def test_a_reduction_that_is_barred_is_decided_again(stage: Stage) -> None:
    stage.bought()
    put(stage, PairStatus.POST_ONLY)
    part = replace(stage.intent(IntentType.REDUCE, stop=None), desired_exposure_usd=Decimal(2000))
    (waits,) = logged(stage.cycle(part), "close_waits")
    assert waits.message.endswith("a reduction is decided again at the next candle")
    put(stage, PairStatus.ONLINE)
    stage.later(60)
    assert (stage.sells(), stage.state.urgent) == ([], {})


def test_a_delisted_holding_is_no_loss(stage: Stage) -> None:
    stage.bought()
    stage.later(1)
    stage.priced(PRICE)
    snapshots = len(stage.state.snapshots)
    listed(stage, ETH)
    stage.at += timedelta(hours=1)
    outcome = stage.play(e.Priced(stage.at, stage.wall, {}))
    (line,) = logged(outcome, "holding_delisted")
    assert (line.level, line.fields["assets"]) == (f.Level.ERROR, "XBT")
    assert stage.state.valuation is not None
    assert stage.state.valuation.stale
    assert stage.state.valuation.unvalued == ("XBT",)
    assert stage.state.new_risk_refusal() == ("equity is not known in full: nothing says what XBT is worth")
    assert not stage.state.kill_switch.active
    assert len(stage.state.snapshots) == snapshots
    assert logged(stage.play(e.Priced(stage.at, stage.wall, {})), "holding_delisted") == []
    listed(stage, stage.pair, ETH)
    assert len(logged(stage.priced(PRICE), "holdings_priced_again")) == 1
    assert not stage.state.valuation.stale


def test_a_pair_that_was_not_streamed_for_hours_is_not_entered_at_its_old_price(stage: Stage) -> None:
    listed(stage, stage.pair, ETH)
    stage.play(e.UniverseChanged(stage.at, dict(stage.state.known), frozenset({"ETHUSD"})))
    stage.play(e.Priced(stage.at, stage.wall, {}))
    assert stage.state.marks == {}
    listed(stage, stage.pair, ETH)
    stage.play(e.BoundaryClosed(stage.at, stage.at, (Timeframe.M1,)))
    stage.play(
        e.SignalsComputed(
            at=stage.at, wall=stage.wall, cycle=stage.state.cycle, boundary=stage.at,
            timeframes=(Timeframe.M1,), intents=(stage.intent(),), marks={}, duration_ms=1.0, fingerprint="f",
        )
    )  # fmt: skip
    assert stage.submitted() == []


def test_an_exit_that_was_decided_holds(stage: Stage) -> None:
    stage.bought()
    system(stage, SystemStatus.POST_ONLY)
    stage.cycle(stage.intent(IntentType.EXIT, stop=None))
    assert stage.sells() == []
    assert "XBTUSD" in stage.state.barred
    stage.later(30)
    assert stage.sells() == []
    system(stage, SystemStatus.ONLINE)
    assert len(stage.sells()) == 1


def test_a_flatten_keeps_its_attempts_for_when_they_count(stage: Stage) -> None:
    stage.bought()
    system(stage, SystemStatus.CANCEL_ONLY)
    stage.play(e.FlattenRequested(stage.at, 1, "me", "FLATTEN", "test"))
    for _ in range(10 * 120):
        stage.later(0.5)
        refused(stage)
    tried = {order.cl_ord_id for order in stage.sells()}
    assert len(tried) in range(9, 11), "once a minute"
    assert stage.state.flatten is not None
    assert (stage.state.flatten.phase, stage.state.flatten.attempts) == (FlattenPhase.CLOSING, {})
    assert stage.state.barred["XBTUSD"].reason == "the exchange is in cancel_only mode"
    stage.effects.clear()
    stage.later(5)
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
    outcome = stage.later(60 * cancelling.ALARM_AFTER)
    again = [f.Cancel((entry,))] * cancelling.ALARM_AFTER
    assert asked(outcome, f.Cancel) == again, "once a minute: the status may be wrong"
    stage.later(5)
    put(stage, PairStatus.ONLINE)
    outcome = stage.later(0.5)
    assert asked(outcome, f.Cancel) == [f.Cancel((entry,))], "at once when it is allowed"
    assert logged(outcome, "cancel_unresolved") == [], "what was forbidden proved nothing by failing"


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
    put(stage, PairStatus.POST_ONLY)
    assert not asked(stop_hit(stage), f.Cancel), "nothing could follow it"
    assert asked(put(stage, PairStatus.LIMIT_ONLY), f.Cancel), "a limit through the bid can"
