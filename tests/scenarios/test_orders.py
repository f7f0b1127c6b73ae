"""Transcripts: an order's life, every way it can go."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import closing
from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.outcome import Outcome
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.orders import (
    ExchangeStatus,
    LocalOrder,
    NotSent,
    OrderStatus,
    OrderType,
    Purpose,
    Refused,
    Side,
    Unknown,
)
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.domain.records import OrderSaved, StoredState, TradeSaved
from krakked_tui.execution.settings import ExecutionSettings
from tests.scenarios.stage import PRICE, Stage, asked, recorded


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


def test_an_entry_is_recorded_as_pending_in_the_same_turn_that_asks_for_it_to_be_sent(stage: Stage) -> None:
    outcome = stage.cycle(stage.intent())
    (saved,) = recorded(outcome, OrderSaved)
    (submit,) = asked(outcome, f.Submit)
    assert saved.order == submit.order
    assert saved.order.status is OrderStatus.PENDING
    request = submit.order.request
    assert (request.side, request.order_type) == (Side.BUY, OrderType.LIMIT)
    assert request.price == Decimal("50250.0"), "mid plus 50 basis points, on the tick"
    assert request.deadline is not None
    # 1 % of $10,000 is at risk; bought at the limit, the stop at $49,000 is $1,250 away.
    assert request.volume == Decimal("0.08")


def test_a_fill_reported_twice_is_booked_once(stage: Stage) -> None:
    entry = stage.bought()
    again = stage.play(e.TradeReported(stage.at, stage.fill(entry), "sync"))
    assert recorded(again, TradeSaved) == []
    assert stage.state.books.balance("XBT") == entry.request.volume
    assert stage.order(entry).status is OrderStatus.FILLED


def test_reports_that_come_before_the_answer_are_not_taken_back_by_it(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.filled(entry)
    assert stage.order(entry).status is OrderStatus.FILLED
    stage.accept(entry)
    assert stage.order(entry).status is OrderStatus.FILLED


def test_a_refused_order_ends_rejected_and_is_never_sent_again(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.answer(Refused(entry.cl_ord_id, "EOrder:Insufficient funds", "not enough USD"))
    stage.later(120)
    assert stage.order(entry).status is OrderStatus.REJECTED
    assert len(stage.submitted()) == 1
    assert stage.state.counts.errors == 1


def test_an_order_that_provably_was_not_executed_is_sent_again_with_a_new_deadline(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.later(5)
    outcome = stage.answer(NotSent(entry.cl_ord_id, "EService: Throttled", retry_after=7.0))
    (again,) = asked(outcome, f.Submit)
    assert again.order.cl_ord_id == entry.cl_ord_id
    assert again.delay == 7.0
    assert again.order.request.deadline is not None
    assert entry.request.deadline is not None
    assert again.order.request.deadline > entry.request.deadline
    (saved,) = recorded(outcome, OrderSaved)
    assert saved.order.request == again.order.request, "what is sent is what was recorded"


def test_repeats_are_bounded(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd, execution=ExecutionSettings(max_retries=2)).ready()
    stage.cycle(stage.intent())
    entry = stage.last_order()
    for _ in range(10):
        if stage.order(entry).status is OrderStatus.PENDING:
            stage.answer(NotSent(entry.cl_ord_id, "no connection"))
    assert len(stage.submitted()) == 3
    assert stage.order(entry).status is OrderStatus.ERROR


def test_an_unknown_outcome_is_asked_for_never_sent_again_and_blocks_its_pair(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.answer(Unknown(entry.cl_ord_id, "read timeout"))
    assert stage.order(entry).status is OrderStatus.UNKNOWN
    looked = stage.later(0.5)
    assert [x.cl_ord_id for x in asked(looked, f.LookUp)] == [entry.cl_ord_id]
    blocked = stage.cycle(stage.intent())
    assert asked(blocked, f.Submit) == []
    assert len(stage.submitted()) == 1


def _nothing_found(stage: Stage, cl_ord_id: str) -> None:
    stage.play(e.LookedUp(stage.at, stage.wall, cl_ord_id, asked_at=stage.at, reports=()))


def _find_nothing_for(stage: Stage, seconds: float) -> None:
    for _ in range(int(seconds * 2)):
        for look in asked(stage.later(0.5), f.LookUp):
            _nothing_found(stage, look.cl_ord_id)


def test_absence_is_no_proof_while_the_trades_cannot_be_read(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.account_answers = False
    stage.answer(Unknown(entry.cl_ord_id, "reset"))
    _find_nothing_for(stage, 200)
    assert stage.order(entry).status is OrderStatus.UNKNOWN
    stage.account_answers = True
    _find_nothing_for(stage, 20)
    assert stage.order(entry).status is OrderStatus.NEVER_ACCEPTED


def test_a_confirmed_order_that_is_gone_is_an_alarm_and_does_not_stay_for_ever(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.accept(entry)
    _find_nothing_for(stage, 190)
    assert stage.order(entry).status is OrderStatus.NEVER_ACCEPTED
    assert stage.state.kill_switch.active
    critical = [x for x in stage.effects if isinstance(x, f.Log) and x.event == "order_inconsistent"]
    assert len(critical) == 1
    by_id = [x for x in stage.effects if isinstance(x, f.Identify)]
    assert by_id[0] == f.Identify(("OAAAAA-AAAAA-AAAAAA",)), "it is asked for by the exchange's own id too"


def test_absence_is_proof_only_after_the_deadline_and_two_lookups_half_a_minute_apart(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.answer(Unknown(entry.cl_ord_id, "HTTP 502"))
    waited = 0.0
    while stage.order(entry).status is OrderStatus.UNKNOWN and waited < 300:
        outcome = stage.later(0.5)
        waited += 0.5
        for look in asked(outcome, f.LookUp):
            _nothing_found(stage, look.cl_ord_id)
    assert stage.order(entry).status is OrderStatus.NEVER_ACCEPTED
    # 10 s deadline, a minute of grace for lagging reads, 30 s between the two that count.
    assert 100 <= waited <= 120
    assert len(stage.submitted()) == 1


def test_a_lookup_without_an_answer_proves_nothing(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.answer(Unknown(entry.cl_ord_id, "reset"))
    for _ in range(400):
        for look in asked(stage.later(0.5), f.LookUp):
            stage.play(
                e.LookedUp(stage.at, stage.wall, look.cl_ord_id, stage.at, reports=None, error="timeout")
            )
    assert stage.order(entry).status is OrderStatus.UNKNOWN


def test_an_order_declared_absent_that_appears_after_all_is_ours_again(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.answer(Unknown(entry.cl_ord_id, "reset"))
    _find_nothing_for(stage, 150)
    assert stage.order(entry).status is OrderStatus.NEVER_ACCEPTED
    stage.play(e.OrderReported(stage.at, stage.report(entry, ExchangeStatus.OPEN), "stream"))
    assert stage.order(entry).status is OrderStatus.OPEN


def test_a_found_order_is_followed_instead_of_resent(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.answer(Unknown(entry.cl_ord_id, "reset"))
    report = stage.report(entry, ExchangeStatus.CLOSED, entry.request.volume)
    stage.play(e.LookedUp(stage.at, stage.wall, entry.cl_ord_id, stage.at, reports=(report,)))
    now = stage.order(entry)
    assert (now.status, now.kraken_order_id) == (OrderStatus.FILLED, report.kraken_order_id)
    stage.later(120)
    assert len(stage.submitted()) == 1


def test_a_rejected_order_that_the_exchange_shows_open_sets_the_kill_switch(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.answer(Refused(entry.cl_ord_id, "EOrder:X", "no"))
    stage.play(e.OrderReported(stage.at, stage.report(entry, ExchangeStatus.OPEN), "stream"))
    assert stage.state.kill_switch.active
    assert "taken for rejected" in stage.state.kill_switch.reason
    assert stage.order(entry).status is OrderStatus.OPEN, "what exists can be canceled"
    stage.effects.clear()
    stage.synced(open_orders=[stage.report(entry, ExchangeStatus.OPEN)])
    assert not [x for x in stage.effects if isinstance(x, f.Log) and x.event == "order_inconsistent"]


def test_an_exit_sells_exactly_what_is_held_and_only_once(stage: Stage) -> None:
    entry = stage.bought()
    stage.cycle(stage.intent(IntentType.EXIT))
    (sell,) = stage.sells()
    assert sell.request.volume == entry.request.volume
    assert sell.purpose is Purpose.EXIT
    stage.accept(sell, "OBBBBB-BBBBB-BBBBBB")
    stage.cycle(stage.intent(IntentType.EXIT))
    assert len(stage.sells()) == 1, "a second exit waits for the first"
    stage.filled(stage.order(sell), "TBBBBB-BBBBB-BBBBBB")
    assert stage.state.holdings == {}
    assert stage.state.books.balance("XBT") == 0


def test_a_crossed_stop_sells_at_market(stage: Stage) -> None:
    stage.bought()
    stage.play(e.StopCrossed(stage.at, stage.mark(Decimal("48990.0")), Decimal(49_000)))
    (sell,) = stage.sells()
    assert (sell.purpose, sell.request.order_type) == (Purpose.STOP, OrderType.MARKET)


def _resting_exit(stage: Stage) -> LocalOrder:
    stage.cycle(stage.intent(IntentType.EXIT))
    sell = stage.last_order()
    stage.accept(sell, "OBBBBB-BBBBB-BBBBBB")
    return stage.order(sell)


def test_a_stop_does_not_wait_behind_a_resting_exit(stage: Stage) -> None:
    stage.bought()
    resting = _resting_exit(stage)
    outcome = stage.play(e.StopCrossed(stage.at, stage.mark(Decimal("48000.0")), Decimal(49_000)))
    assert asked(outcome, f.Cancel) == [f.Cancel((resting.cl_ord_id,))]
    assert len(stage.sells()) == 1, "never two sells of the same holding at once"
    stage.play(e.OrderReported(stage.at, stage.report(resting, ExchangeStatus.CANCELED), "stream"))
    market = stage.sells()[-1]
    assert (market.purpose, market.request.order_type) == (Purpose.STOP, OrderType.MARKET)
    stage.later(5)
    assert len(stage.sells()) == 2


def test_an_exit_that_does_not_fill_becomes_a_market_order(stage: Stage) -> None:
    stage.bought()
    resting = _resting_exit(stage)
    stage.later(29)
    assert len(stage.sells()) == 1
    stage.later(2)
    half = resting.request.volume / 2
    stage.play(e.TradeReported(stage.at, stage.fill(resting, half, "TBBBBB-BBBBB-BBBBBB"), "stream"))
    stage.play(e.OrderReported(stage.at, stage.report(resting, ExchangeStatus.CANCELED, half), "stream"))
    market = stage.sells()[-1]
    assert market.request.order_type is OrderType.MARKET
    assert market.request.volume == half


def test_the_stop_of_a_fill_is_watched_and_dropped_with_the_position(stage: Stage) -> None:
    stage.bought()
    watched = [x.stops for x in stage.effects if isinstance(x, f.WatchStops)]
    assert watched[-1] == {"XBTUSD": f.Levels(low=Decimal(49_000))}
    stage.cycle(stage.intent(IntentType.EXIT))
    sell = stage.last_order()
    stage.accept(sell, "OBBBBB-BBBBB-BBBBBB")
    stage.filled(stage.order(sell), "TBBBBB-BBBBB-BBBBBB")
    watched = [x.stops for x in stage.effects if isinstance(x, f.WatchStops)]
    assert watched[-1] == {}


def test_an_unfilled_limit_is_canceled_after_its_time_to_live(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.accept(entry)
    stage.play(e.OrderReported(stage.at, stage.report(entry, ExchangeStatus.OPEN), "stream"))
    stage.effects.clear()
    stage.later(299)
    assert not [x for x in stage.effects if isinstance(x, f.Cancel)]
    stage.later(2)
    assert next(x for x in stage.effects if isinstance(x, f.Cancel)).cl_ord_ids == (entry.cl_ord_id,)


def test_a_fill_of_an_order_not_yet_identified_is_booked_and_attributed_later(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.answer(Unknown(entry.cl_ord_id, "reset"))
    trade = stage.fill(entry)
    anonymous = msgspec.structs.replace(trade, cl_ord_id=None)
    stage.synced(trades=[anonymous])
    assert asked(stage.later(0.5), f.Identify) == [f.Identify((trade.kraken_order_id,))]
    assert stage.state.books.balance("XBT") == entry.request.volume, "holdings are never waited for"
    assert stage.state.holdings == {}
    report = stage.report(entry, ExchangeStatus.CLOSED, entry.request.volume)
    stage.play(e.OrderReported(stage.at, report, "identify"))
    assert stage.state.holdings["XBTUSD"].size == entry.request.volume
    assert stage.state.holdings["XBTUSD"].strategy_id == "trend_following_v1"


def test_an_order_with_our_mark_but_no_row_is_taken_over(stage: Stage) -> None:
    stage.cycle(stage.intent())
    lost = stage.last_order()
    other = Stage(stage.pair).ready()
    report = stage.report(lost, ExchangeStatus.OPEN)
    other.synced(open_orders=[report])
    adopted = other.state.orders.get(lost.cl_ord_id)
    assert adopted is not None
    assert (adopted.status, adopted.strategy_id) == (OrderStatus.OPEN, "trend_following_v1")
    assert other.state.new_client_id("tfv") != lost.cl_ord_id


def test_foreign_orders_are_shown_and_left_alone(stage: Stage) -> None:
    stage.cycle(stage.intent())
    foreign = stage.report(stage.last_order(), ExchangeStatus.OPEN, kraken_id="OFFFFF-FFFFF-FFFFFF")
    for mark in (None, "somebody-elses-1", "kxyztfv00000000001"):
        report = msgspec.structs.replace(foreign, cl_ord_id=mark)
        other = Stage(stage.pair).ready()
        outcome = other.synced(open_orders=[report])
        assert other.state.account.foreign == (report,)
        assert asked(outcome, f.Cancel) == []
        assert len(other.state.orders) == 0


def test_the_price_of_an_order_is_never_worse_than_the_allowance(stage: Stage) -> None:
    stage.cycle(stage.intent(), price=PRICE)
    request = stage.last_order().request
    assert request.price is not None
    assert request.price <= PRICE * Decimal("1.005")


def test_a_stored_trade_on_a_pair_that_is_gone_does_not_stop_the_start(stage: Stage) -> None:
    entry = stage.bought()
    gone = msgspec.structs.replace(stage.fill(entry), pair="GONEUSD")
    stored = StoredState(instance_id="abc", account_id="test", trades=(gone,))
    again = Stage(stage.pair, stored=stored)
    assert again.state.unbooked == {gone.trade_id: gone}


def test_closing_in_part_keeps_what_is_to_be_kept(stage: Stage) -> None:
    entry = stage.bought()
    part = entry.request.volume / 4
    cause = closing.CloseCause(purpose=Purpose.EXIT, parts={entry.strategy_id: part})
    closing.close_holding(stage.state, Outcome(), "XBTUSD", cause, stage.at)
    assert stage.last_order().request.volume == part


def test_stops_are_watched_again_after_a_restart(stage: Stage) -> None:
    stage.bought()
    again = stage.restarted()
    outcome = again.play(e.SyncRequested(again.at, again.wall))
    assert asked(outcome, f.WatchStops) == [f.WatchStops({"XBTUSD": f.Levels(low=Decimal(49_000))})]


@pytest.mark.parametrize("failure", ["refused", "withheld", "no exit"])
def test_a_stop_that_fails_is_tried_again_until_nothing_is_held(stage: Stage, failure: str) -> None:
    entry = stage.bought()
    if failure == "no exit":
        stage.state.known["XBTUSD"] = msgspec.structs.replace(stage.pair, status=PairStatus.CANCEL_ONLY)
    stage.play(e.StopCrossed(stage.at, stage.mark(Decimal("48000.0")), Decimal(49_000)))
    for _ in range(3):
        for sell in stage.state.orders.live():
            if failure == "refused":
                stage.answer(Refused(sell.cl_ord_id, "EService:Unavailable", "no"))
            else:
                stage.play(e.SubmitWithheld(stage.at, sell.cl_ord_id, "not recorded"))
        stage.later(20)
    stage.state.known["XBTUSD"] = stage.pair
    stage.later(70)
    sell = stage.sells()[-1]
    assert sell.request.volume == entry.request.volume
    stage.accept(sell, "OBBBBB-BBBBB-BBBBBB")
    stage.filled(stage.order(sell), "TBBBBB-BBBBB-BBBBBB")
    before = len(stage.sells())
    stage.later(120)
    assert (stage.state.holdings, stage.state.urgent, len(stage.sells())) == ({}, {}, before)


def test_an_order_reported_filled_whose_fills_are_not_booked_blocks_its_pair(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.answer(Unknown(entry.cl_ord_id, "reset"))
    report = stage.report(entry, ExchangeStatus.CLOSED, entry.request.volume)
    stage.play(e.LookedUp(stage.at, stage.wall, entry.cl_ord_id, stage.at, reports=(report,)))
    assert asked(stage.cycle(stage.intent()), f.Submit) == [], "it would be bought twice"
    assert asked(stage.later(4), f.SyncAccount) != [], "the fills are asked for"
    stage.synced(trades=[stage.fill(stage.order(entry))])
    assert stage.state.holdings["XBTUSD"].size == entry.request.volume
    stage.cycle(stage.intent(IntentType.EXIT))
    assert len(stage.sells()) == 1


def test_a_fill_booked_before_a_crash_finds_its_order_after_it(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.answer(Unknown(entry.cl_ord_id, "reset"))
    trade = msgspec.structs.replace(stage.fill(entry), cl_ord_id=None)
    stage.play(e.TradeReported(stage.at, trade, "sync"))
    again = stage.restarted().ready()
    asked_for = asked(again.later(0.5), f.Identify)
    assert asked_for == [f.Identify((trade.kraken_order_id,))]
    report = again.report(entry, ExchangeStatus.CLOSED, entry.request.volume)
    again.play(e.OrderReported(again.at, report, "identify"))
    assert again.state.holdings["XBTUSD"].strategy_id == "trend_following_v1"


def test_foreign_fills_are_asked_about_in_batches_and_not_for_ever(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    for number in range(120):
        trade = msgspec.structs.replace(
            stage.fill(entry, Decimal("0.001")), trade_id=f"T{number}", kraken_order_id=f"O{number}",
            cl_ord_id=None,
        )  # fmt: skip
        stage.play(e.TradeReported(stage.at, trade, "sync"))
    stage.effects.clear()
    stage.later(1)
    (first,) = [x for x in stage.effects if isinstance(x, f.Identify)]
    assert len(first.kraken_order_ids) == 50
    stage.later(600)
    assert stage.state.unattributed == {}


def test_a_withheld_order_leaves_no_cancel_behind(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.play(e.CancelRequested(stage.at, 1, "tui", None))
    stage.play(e.SubmitWithheld(stage.at, entry.cl_ord_id, "canceled before sending"))
    stage.effects.clear()
    stage.later(120)
    assert not [x for x in stage.effects if isinstance(x, f.Cancel)]


def test_an_order_that_appears_after_a_cancel_all_is_canceled_then(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.answer(Unknown(entry.cl_ord_id, "reset"))
    stage.play(e.CancelRequested(stage.at, 1, "tui", None))
    stage.later(25)
    outcome = stage.play(e.OrderReported(stage.at, stage.report(entry, ExchangeStatus.OPEN), "stream"))
    assert asked(outcome, f.Cancel) == [f.Cancel((entry.cl_ord_id,))]
