"""Several strategies in one pair: bought together, watched and sold each for itself."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.closing import CloseCause, close_holding
from krakked_tui.decision.outcome import Outcome
from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.orders import ExchangeStatus, LocalOrder, OrderType, Purpose
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.domain.plans import NET
from krakked_tui.domain.records import DecisionSaved, ShareMarked
from krakked_tui.execution.holdings import Holding
from krakked_tui.market.freshness import Freshness
from krakked_tui.risk.replay import decide_again
from krakked_tui.strategies.settings import StrategySettings
from tests.scenarios.stage import OTHER, PRICE, STRATEGY, Stage, asked, recorded

D = Decimal
LOW, HIGH = D(48_000), D(49_000)
A, B = OTHER.id, STRATEGY.id


def staged(pair: PairMetadata, **settings: object) -> Stage:
    """A stage with two strategies; ``settings`` are those of the first, by id."""
    first = msgspec.structs.replace(OTHER, **settings)
    return Stage(pair, strategies=(first, STRATEGY)).ready()


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return staged(xbtusd)


def holding(stage: Stage) -> Holding:
    return stage.state.holdings["XBTUSD"]


def size(stage: Stage, strategy_id: str) -> Decimal:
    held = stage.state.holdings.get("XBTUSD")
    share = held.of(strategy_id) if held else None
    return share.size if share else D(0)


def logs(stage: Stage, event: str) -> list[f.Log]:
    return [x for x in stage.effects if isinstance(x, f.Log) and x.event == event]


def shares(order: LocalOrder) -> dict[str, Decimal]:
    return {share.strategy_id: share.size for share in order.shares}


def test_two_strategies_that_agree_buy_by_one_order_which_is_split_among_them(stage: Stage) -> None:
    entry = stage.bought_together((A, LOW), (B, HIGH))
    assert (entry.strategy_id, entry.cl_ord_id[4:7]) == (NET, "net")
    assert sum(shares(entry).values()) == entry.request.volume
    assert {s.strategy_id: s.size for s in holding(stage).shares} == shares(entry)
    assert {s.strategy_id: s.stop_price for s in holding(stage).shares} == {A: LOW, B: HIGH}
    cost = entry.request.volume * PRICE
    assert holding(stage).cost == cost + cost * D("0.004")


def test_partial_fills_are_split_exactly_and_the_books_agree(stage: Stage) -> None:
    stage.cycle(*(stage.intent(stop=s, strategy_id=i) for i, s in ((A, LOW), (B, HIGH))))
    entry = stage.last_order()
    stage.accept(entry)
    parts = [D("0.00000001"), D("0.0300000"), D("0.00001237")]
    for number, volume in enumerate([*parts, entry.request.volume - sum(parts)]):
        trade = stage.fill(stage.order(entry), volume, f"T{number}")
        stage.play(e.TradeReported(stage.at, trade, "stream"))
        assert holding(stage).size == stage.state.books.balance("XBT")
    assert abs(size(stage, A) - shares(entry)[A]) < D("0.00000005")


def test_the_higher_stop_sells_only_its_own_share_and_the_other_is_watched_on(stage: Stage) -> None:
    entry = stage.bought_together((A, LOW), (B, HIGH))
    outcome = stage.crossed(D(48_990))
    sale = stage.last_order()
    assert (sale.purpose, sale.request.order_type) == (Purpose.STOP, OrderType.MARKET)
    assert (sale.strategy_id, shares(sale)) == (B, {B: shares(entry)[B]})
    assert sale.shares[0].stop_price == HIGH
    assert asked(outcome, f.WatchStops) == [f.WatchStops({"XBTUSD": f.Levels(low=LOW)})]
    stage.sold(D(48_990))
    assert (size(stage, A), size(stage, B)) == (shares(entry)[A], D(0))
    assert stage.state.urgent == {}
    stage.crossed(D(47_000))
    assert shares(stage.last_order()) == {A: shares(entry)[A]}
    stage.sold(D(47_000))
    assert stage.state.holdings == {}


def test_a_price_through_both_stops_sells_both_by_one_order(stage: Stage) -> None:
    entry = stage.bought_together((A, LOW), (B, HIGH))
    stage.crossed(D(40_000))
    (sale,) = stage.sells()
    assert (sale.strategy_id, shares(sale)) == (NET, shares(entry))
    assert len(logs(stage, "stop_hit")) == 2
    stage.sold(D(40_000))
    assert (stage.state.holdings, stage.state.urgent) == ({}, {})


def test_a_level_that_was_reported_for_nothing_is_watched_again(stage: Stage) -> None:
    stage.bought_together((A, LOW), (B, HIGH))
    outcome = stage.play(e.StopCrossed(stage.at, stage.mark(PRICE), HIGH))
    assert stage.sells() == []
    assert asked(outcome, f.WatchStops) == [f.WatchStops({"XBTUSD": f.Levels(low=HIGH)})]


def test_a_second_stop_that_is_hit_meanwhile_is_sold_next(stage: Stage) -> None:
    entry = stage.bought_together((A, LOW), (B, HIGH))
    stage.crossed(D(48_990))
    stage.crossed(D(47_990))
    assert len(stage.sells()) == 1, "one sale of a pair at a time"
    stage.sold(D(47_990))
    stage.later(3)
    assert shares(stage.last_order()) == {A: shares(entry)[A]}
    assert stage.last_order().shares[0].stop_price == LOW


def test_an_exit_of_one_strategy_leaves_the_other_its_share(stage: Stage) -> None:
    entry = stage.bought_together((A, LOW), (B, HIGH))
    stage.cycle(stage.intent(IntentType.EXIT, stop=None))
    sale = stage.last_order()
    assert (sale.purpose, shares(sale)) == (Purpose.EXIT, {B: shares(entry)[B]})
    stage.sold()
    assert (size(stage, A), size(stage, B)) == (shares(entry)[A], D(0))


def test_an_exit_that_meets_a_sale_of_another_strategy_is_made_after_it(stage: Stage) -> None:
    stage.bought_together((A, LOW), (B, HIGH))
    stage.cycle(stage.intent(IntentType.EXIT, stop=None))
    stage.accept(stage.last_order(), "OBBBBB-BBBBB-BBBBBB")
    stage.cycle(stage.intent(IntentType.EXIT, stop=None, strategy_id=A))
    stage.later(5)
    resting = stage.sells()[0]
    report = stage.report(stage.order(resting), ExchangeStatus.CANCELED)
    stage.play(e.OrderReported(stage.at, report, "stream"))
    stage.later(5)
    assert set(shares(stage.last_order())) == {A, B}, "both wanted to get out"
    stage.sold()
    assert stage.state.holdings == {}


def test_what_would_be_left_below_the_minimum_is_sold_with_it(stage: Stage) -> None:
    entry = stage.bought_together((A, LOW), (B, HIGH))
    stage.state.known["XBTUSD"] = msgspec.structs.replace(
        stage.pair, order_min=shares(entry)[A] + D("0.0001")
    )
    stage.crossed(D(48_990))
    (sale,) = stage.sells()
    assert shares(sale) == shares(entry)
    (told,) = logs(stage, "sold_with_others")
    assert told.fields["others"] == f"{shares(entry)[A]} of {A}"


def test_a_share_below_the_minimum_takes_what_is_missing_from_the_others(xbtusd: PairMetadata) -> None:
    stage = staged(xbtusd, weight=D(10))
    entry = stage.bought_together((A, LOW), (B, HIGH))
    small, large = shares(entry)[B], shares(entry)[A]
    assert small < large / 2
    least = small + D("0.0001")
    stage.state.known["XBTUSD"] = msgspec.structs.replace(stage.pair, order_min=least)
    stage.crossed(D(48_990))
    (sale,) = stage.sells()
    assert shares(sale) == {A: D("0.0001"), B: small}
    stage.sold(D(48_990))
    assert (size(stage, A), size(stage, B)) == (large - D("0.0001"), D(0))
    assert stage.state.urgent == {}


def test_a_share_worth_less_than_the_minimum_takes_some_room_with_it(xbtusd: PairMetadata) -> None:
    stage = staged(xbtusd, weight=D(10))
    entry = stage.bought_together((A, LOW), (B, HIGH))
    worth = shares(entry)[B] * 48_990 * D("1.01")
    stage.state.known["XBTUSD"] = msgspec.structs.replace(stage.pair, cost_min=worth)
    stage.crossed(D(48_990))
    (sale,) = stage.sells()
    assert worth * D("1.05") <= sale.request.volume * 48_990 < worth * D("1.06")


def test_no_more_is_sold_than_the_account_has(stage: Stage) -> None:
    entry = stage.bought_together((A, LOW), (B, HIGH))
    gone = entry.request.volume - D("0.00003")
    taken = LedgerEntry("L9", "R9", stage.at, "withdrawal", "", "XBT", -gone, D(0), D("0.00003"))
    stage.later(5)
    left = {"USD": stage.state.books.balance("USD"), "XBT": D("0.00003")}
    stage.synced(entries=(taken,), balances=left)
    stage.crossed(D(48_990))
    assert stage.sells() == []
    (told,) = logs(stage, "urgent_close_waits")
    assert "0.00003000 XBT is below the pair's minimum order" in told.message


def test_what_cannot_be_sold_at_all_is_told_once_and_in_nobodys_way(stage: Stage) -> None:
    entry = stage.bought_together((A, LOW), (B, HIGH))
    stage.state.known["XBTUSD"] = msgspec.structs.replace(stage.pair, cost_min=D(10**7))
    stage.crossed(D(48_990))
    stage.later(300)
    assert len(logs(stage, "urgent_close_waits")) == 1
    stage.state.known["XBTUSD"] = msgspec.structs.replace(stage.pair, order_min=entry.request.volume * 2)
    stage.later(70)
    assert (stage.state.urgent, stage.state.watched_stops) == ({}, {})
    stage.state.known["XBTUSD"] = stage.pair
    stage.later(1)
    assert stage.state.watched_stops == {"XBTUSD": f.Levels(low=HIGH)}


def test_a_trailing_stop_follows_the_highest_price(xbtusd: PairMetadata) -> None:
    stage = staged(xbtusd, trailing_stop_pct=D(2))
    stage.bought_together((A, LOW), (B, HIGH))
    stage.priced(D(52_000))
    stage.priced(D(51_500))
    watched = stage.state.watched_stops
    assert watched is not None
    assert watched["XBTUSD"].low == D(52_000) * D("0.98")
    stage.crossed(D(50_960))
    (told,) = logs(stage, "trailing_stop_hit")
    assert told.fields["strategy_id"] == A
    assert set(shares(stage.last_order())) == {A}
    assert stage.last_order().shares[0].stop_price == D(50_960)


def test_a_price_that_is_not_live_raises_no_trailing_stop(xbtusd: PairMetadata) -> None:
    stage = staged(xbtusd, trailing_stop_pct=D(2))
    stage.bought_together((A, LOW), (B, HIGH))
    old = msgspec.structs.replace(stage.mark(D(60_000)), freshness=Freshness.STALE)
    stage.play(e.Priced(stage.at, stage.wall, {"XBTUSD": old}))
    share = holding(stage).of(A)
    assert share is not None
    assert share.highest == PRICE


def test_a_spike_between_two_samples_is_taken_in_and_the_mark_survives_a_restart(
    xbtusd: PairMetadata,
) -> None:
    stage = staged(xbtusd, trailing_stop_pct=D(2))
    stage.bought_together((A, LOW), (B, HIGH))
    assert stage.state.watched_stops == {"XBTUSD": f.Levels(D(49_000), PRICE * D("1.002"))}
    (mark,) = recorded(stage.crossed(D(53_000)), ShareMarked)
    assert (mark.strategy_id, mark.highest) == (A, D(53_000))
    stage.priced(D(53_010))
    assert len([x for x in stage.records if isinstance(x, ShareMarked)]) == 1, "stored coarsely"
    again = stage.restarted()
    share = holding(again).of(A)
    assert share is not None
    assert share.highest == D(53_000)


def test_a_mark_says_nothing_of_what_is_bought_later(xbtusd: PairMetadata) -> None:
    stage = staged(xbtusd, trailing_stop_pct=D(2))
    stage.bought_together((A, LOW))
    stage.priced(D(53_000))
    stage.crossed(D(51_900))
    stage.sold(D(51_900))
    stage.at += timedelta(days=1)
    stage.priced(PRICE)
    stage.cycle(stage.intent(stop=LOW, strategy_id=A))
    stage.sold()
    for now in (stage, stage.restarted()):
        share = holding(now).of(A)
        assert share is not None
        assert share.highest == PRICE


def test_a_take_profit_sells_its_share(xbtusd: PairMetadata) -> None:
    stage = staged(xbtusd, per_trade_target_r_multiple=D(2))
    entry = stage.bought_together((A, LOW), (B, HIGH))
    (share,) = [share for share in entry.shares if share.strategy_id == A]
    assert share.take_profit_price is not None
    stage.priced(share.take_profit_price - 1)
    assert stage.sells() == []
    stage.crossed(share.take_profit_price)
    assert shares(stage.last_order()) == {A: share.size}
    assert stage.last_order().shares[0].stop_price is None, "no stop was hit"
    assert len(logs(stage, "take_profit_hit")) == 1


def test_a_share_is_sold_when_it_has_been_held_for_long_enough(xbtusd: PairMetadata) -> None:
    stage = staged(xbtusd, max_holding_minutes=30)
    entry = stage.bought_together((A, LOW), (B, HIGH))
    stage.later(29 * 60)
    assert stage.sells() == []
    again = stage.restarted()
    again.ready()
    again.priced(PRICE)
    again.later(61)
    assert shares(again.last_order()) == {A: shares(entry)[A]}
    assert len(logs(again, "holding_time_over")) == 1


def test_a_stop_waits_for_its_pair_with_its_own_share_only(stage: Stage) -> None:
    entry = stage.bought_together((A, LOW), (B, HIGH))
    barred = msgspec.structs.replace(stage.pair, status=PairStatus.CANCEL_ONLY)
    stage.play(e.UniverseChanged(stage.at, {"XBTUSD": barred}, frozenset()))
    stage.crossed(D(48_990))
    assert stage.sells() == []
    stage.play(e.UniverseChanged(stage.at, {"XBTUSD": stage.pair}, frozenset({"XBTUSD"})))
    assert shares(stage.last_order()) == {B: shares(entry)[B]}


def test_a_flatten_sells_everyones_share(stage: Stage) -> None:
    entry = stage.bought_together((A, LOW), (B, HIGH))
    stage.play(e.FlattenRequested(stage.at, 1, "tui", "FLATTEN", "test"))
    (sale,) = stage.sells()
    assert (sale.cl_ord_id[4:7], shares(sale)) == ("flt", shares(entry))


def test_an_urgent_sale_takes_over_for_whom_it_cancels(stage: Stage) -> None:
    stage.bought_together((A, LOW), (B, HIGH))
    stage.cycle(stage.intent(IntentType.EXIT, stop=None, strategy_id=A))
    resting = stage.last_order()
    stage.accept(resting, "OBBBBB-BBBBB-BBBBBB")
    outcome = stage.crossed(D(48_990))
    assert asked(outcome, f.Cancel) == [f.Cancel((resting.cl_ord_id,))]
    report = stage.report(stage.order(resting), ExchangeStatus.CANCELED)
    stage.play(e.OrderReported(stage.at, report, "stream"))
    assert set(shares(stage.last_order())) == {A, B}


def reduced(stage: Stage, part: Decimal) -> LocalOrder:
    """A sale of a part of the second strategy's share that rests."""
    cause = CloseCause(purpose=Purpose.EXIT, parts={B: part})
    sale = close_holding(stage.state, Outcome(), "XBTUSD", cause, stage.at)
    assert isinstance(sale, LocalOrder)
    stage.accept(sale, "OBBBBB-BBBBB-BBBBBB")
    return stage.order(sale)


def test_a_reduction_that_does_not_fill_sells_no_more_than_it_was_to(stage: Stage) -> None:
    stage.bought_together((A, LOW), (B, HIGH))
    held = size(stage, B)
    sale = reduced(stage, held * D("0.6"))
    half = stage.fill(sale, held * D("0.5"), "TBBBBB-BBBBB-BBBBBB")
    stage.play(e.TradeReported(stage.at, half, "stream"))
    report = stage.report(sale, ExchangeStatus.OPEN, held * D("0.5"))
    stage.play(e.OrderReported(stage.at, report, "stream"))
    stage.later(60)
    assert stage.state.urgent == {}
    stage.crossed(LOW)
    stage.play(e.OrderReported(stage.at, stage.report(sale, ExchangeStatus.CANCELED, held / 2), "stream"))
    assert stage.last_order().purpose is Purpose.STOP


def test_an_urgent_sale_of_one_takes_no_more_of_another_than_it_was_to_sell(stage: Stage) -> None:
    stage.bought_together((A, HIGH), (B, LOW))
    sale = reduced(stage, size(stage, B) / 2)
    stage.crossed(D(48_500))
    stage.play(e.OrderReported(stage.at, stage.report(sale, ExchangeStatus.CANCELED), "stream"))
    assert set(shares(stage.last_order())) == {A}


def test_a_strategy_that_is_not_run_any_more_is_watched_and_sold(stage: Stage) -> None:
    entry = stage.bought_together((A, LOW), (B, HIGH))
    stage.play(e.SettingsReloaded(stage.at, "tui", stage.state.settings.risk, (OTHER,)))
    stage.crossed(D(48_990))
    assert shares(stage.last_order()) == {B: shares(entry)[B]}
    again = stage.restarted()
    assert holding(again).of(B) is not None
    assert again.state.strategy(B) is None


def test_fills_that_come_out_of_order_make_the_same_holding(stage: Stage) -> None:
    stage.cycle(*(stage.intent(stop=s, strategy_id=i) for i, s in ((A, LOW), (B, HIGH))))
    entry = stage.last_order()
    stage.accept(entry)
    half = entry.request.volume / 2
    trades = []
    for number in range(2):
        trade = stage.fill(stage.order(entry), half, f"T{number}")
        trades.append(msgspec.structs.replace(trade, time=stage.at + timedelta(seconds=number)))
    for trade in reversed(trades):
        stage.play(e.TradeReported(stage.at, trade, "stream"))
    assert holding(stage).opened_at == stage.at
    assert stage.restarted().state.holdings == stage.state.holdings


@pytest.mark.parametrize("found", [StrategySettings(id=A, type="x", timeframes=OTHER.timeframes), None])
def test_a_decision_is_stored_with_all_it_was_made_from(stage: Stage, found: StrategySettings | None) -> None:
    stage.bought_together((A, LOW), (B, HIGH))
    if found is not None:
        outcome = stage.cycle(stage.intent(IntentType.EXIT, stop=None), stage.intent(strategy_id=A))
    else:
        outcome = stage.cycle()
    (saved,) = recorded(outcome, DecisionSaved)
    record = saved.record
    assert set(record.metadata) == {"equity", "drawdown", "drift", "kill_switch", "market_data", "config"}
    if found is None:
        assert (record.intents, record.actions, record.inputs) == ((), (), b"")
    else:
        assert decide_again(record.inputs) == record.actions
