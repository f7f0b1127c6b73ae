"""Transcripts: the day's drawdown, whatever the books know of flows and of prices."""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import events as e
from krakked_tui.decision.account import drawdown_pct
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import Rate
from krakked_tui.domain.records import DayStartSaved, LedgerEntrySaved, RateSaved, StoredState, TradeSaved
from krakked_tui.domain.safety import DayStart
from tests.scenarios.stage import PRICE, T0, Stage, recorded

D = Decimal


def row(number: int, kind: str, asset: str, amount: str, at: datetime) -> LedgerEntry:
    return LedgerEntry(f"L{number}", f"R{number}", at, kind, "", asset, D(amount), D(0), D(0))


def begun(xbtusd: PairMetadata, *rows: LedgerEntry) -> Stage:
    """An account that has been read, with live prices."""
    stage = Stage(xbtusd)
    stage.play(e.SyncRequested(stage.at, stage.wall))
    balances: dict[str, Decimal] = {}
    for each in rows:
        balances[each.asset] = balances.get(each.asset, D(0)) + each.amount
    stage.synced(entries=rows, balances=balances)
    stage.play(e.MarketDataChanged(stage.at, usable=True, detail="live"))
    return stage


def priced(stage: Stage, price: int) -> Decimal:
    """How far the day has fallen at a price."""
    stage.later(1)
    stage.priced(D(price))
    return drawdown_pct(stage.state)


def marked(stage: Stage, price: int, **others: int) -> Decimal:
    """The same, with prices of other pairs too."""
    stage.later(1)
    marks = {stage.pair.canonical: stage.mark(D(price))}
    for pair, other in others.items():
        mark = stage.mark(D(other))
        marks[pair] = msgspec.structs.replace(mark, quote=msgspec.structs.replace(mark.quote, pair=pair))
    stage.play(e.Priced(stage.at, stage.wall, marks))
    return drawdown_pct(stage.state)


def found(stage: Stage, price: int) -> None:
    """A price of the past for everything that lacks one."""
    rates = (
        Rate(want.event_id, want.asset, D(price), "candle XBTUSD 1d")
        for want in stage.state.books.wanted_rates
    )
    stage.play(e.RatesFound(stage.at, tuple(rates)))


def restarted(stage: Stage, xbtusd: PairMetadata) -> Stage:
    """The same account, opened from what was stored; nothing but that is known."""
    starts = [record.day_start for record in stage.records if isinstance(record, DayStartSaved)]
    stored = StoredState(
        "abc", "test",
        entries=tuple(record.entry for record in stage.records if isinstance(record, LedgerEntrySaved)),
        trades=tuple(record.trade for record in stage.records if isinstance(record, TradeSaved)),
        rates=tuple(record.rate for record in stage.records if isinstance(record, RateSaved)),
        day_start=msgspec.json.decode(msgspec.json.encode(starts[-1]), type=DayStart),
    )  # fmt: skip
    again = Stage(xbtusd, stored=stored)
    again.at, again.wall = stage.at, stage.wall
    again.state.known.update(stage.state.known)
    again.synced()
    return again


LONG_AGO = T0 - timedelta(days=1100)


@pytest.mark.parametrize("rate", [None, 100_000, 10_000])
def test_coins_of_which_the_past_price_is_unknown_or_comes_late_lose_like_any_others(
    xbtusd: PairMetadata, rate: int | None
) -> None:
    stage = begun(xbtusd, row(1, "deposit", "XBT", "10", LONG_AGO))
    assert priced(stage, 50_000) == 0
    if rate is None:
        stage.play(e.RatesFound(stage.at, (), stage.state.books.wanted_rates))
    else:
        found(stage, rate)
    assert priced(stage, 50_000) == 0, "a price of the past moves nothing"
    assert not stage.state.kill_switch.active
    assert priced(stage, 46_000) == 8
    assert not stage.state.kill_switch.active
    assert priced(stage, 45_000) == 10
    assert stage.state.kill_switch.active


def test_a_flow_counts_once_at_the_price_of_its_moment_and_a_restart_says_the_same(
    xbtusd: PairMetadata,
) -> None:
    stage = begun(xbtusd, row(1, "deposit", "USD", "10000", T0))
    assert priced(stage, 50_000) == 0
    stage.synced(entries=[row(2, "deposit", "XBT", "0.8", stage.at)])
    assert priced(stage, 50_000) == 0
    assert stage.state.day_cash_flows() == 40_000
    assert priced(stage, 48_125) == 3, "1,500 of 50,000"
    found(stage, 30_000)
    assert priced(stage, 48_125) == 3
    again = restarted(stage, xbtusd)
    assert priced(again, 48_125) == 3
    assert again.state.day_cash_flows() == 40_000
    again.synced(entries=[row(3, "withdrawal", "XBT", "-0.8", again.at)])
    assert priced(again, 48_125) == D(1500) / D(11_500) * 100
    assert again.state.day_cash_flows() == D(40_000) - D("0.8") * 48_125


def test_a_row_that_was_stored_and_not_counted_before_a_crash_is_counted_after_it(
    xbtusd: PairMetadata,
) -> None:
    stage = begun(xbtusd, row(1, "deposit", "USD", "10000", T0))
    priced(stage, 50_000)
    stage.synced(entries=[row(2, "withdrawal", "USD", "-4000", stage.at)])
    again = restarted(stage, xbtusd)
    assert priced(again, 50_000) == 0
    assert again.state.day_cash_flows() == -4000


def test_a_price_of_the_past_for_one_of_several_flows_moves_nothing(xbtusd: PairMetadata) -> None:
    rows = row(1, "deposit", "XBT", "1", LONG_AGO), row(2, "deposit", "XBT", "3", LONG_AGO)
    stage = begun(xbtusd, *rows)
    priced(stage, 50_000)
    [one, other] = stage.state.books.wanted_rates
    stage.play(e.RatesFound(stage.at, (Rate(one.event_id, "XBT", D(7), "candle XBTUSD 1d"),), (other,)))
    assert priced(stage, 49_000) == 2
    assert stage.state.day_cash_flows() == 0


def test_the_next_day_opens_with_what_has_been_counted(xbtusd: PairMetadata) -> None:
    stage = begun(xbtusd, row(1, "deposit", "XBT", "1", LONG_AGO))
    priced(stage, 50_000)
    stage.synced(entries=[row(2, "deposit", "USD", "1000", stage.at)])
    priced(stage, 50_000)
    stage.at += timedelta(days=1)
    assert priced(stage, 49_000) == 0
    start = stage.state.day_start
    assert start is not None
    assert (start.day, start.equity, start.cash_flows) == ("2026-01-06", D(50_000), D(51_000))
    assert stage.state.day_cash_flows() == 0
    assert priced(stage, 46_500) == 5


def with_ether(stage: Stage) -> Stage:
    """ETHUSD is listed too."""
    names = {"canonical": "ETHUSD", "base": "ETH", "rest_symbol": "ETHUSD", "ws_symbol": "ETH/USD"}
    stage.state.known["ETHUSD"] = msgspec.structs.replace(stage.pair, **names, raw_name="XETHZUSD")
    stage.state.books.know(stage.state.known.values())
    return stage


def test_a_speck_without_a_price_keeps_nobody_from_judging_the_rest(xbtusd: PairMetadata) -> None:
    stage = with_ether(begun(xbtusd, row(1, "deposit", "XBT", "1", LONG_AGO)))
    priced(stage, 50_000)
    stage.synced(entries=[row(2, "staking", "ETH", "0.000001", stage.at)])
    assert priced(stage, 46_000) == 8
    assert "nothing says what ETH is worth" in stage.state.new_risk_refusal()
    assert not stage.state.kill_switch.active
    assert priced(stage, 45_000) == 10
    assert stage.state.kill_switch.active


def test_what_gets_a_price_later_is_no_gain_that_hides_a_loss(xbtusd: PairMetadata) -> None:
    stage = with_ether(begun(xbtusd, row(1, "deposit", "XBT", "1", LONG_AGO)))
    priced(stage, 50_000)
    stage.synced(entries=[row(2, "deposit", "ETH", "10", stage.at)])
    found(stage, 1_000)
    assert marked(stage, 48_000) == 4
    assert marked(stage, 48_000, ETHUSD=5_000) == 2, "2,000 of 100,000"
    assert stage.state.day_cash_flows() == 50_000
    assert marked(stage, 48_000, ETHUSD=4_500) == 7


def test_a_day_opens_without_what_has_no_price_and_takes_it_in_when_it_gets_one(xbtusd: PairMetadata) -> None:
    rows = row(1, "deposit", "XBT", "1", LONG_AGO), row(2, "deposit", "ETH", "10", LONG_AGO)
    stage = with_ether(begun(xbtusd, *rows))
    priced(stage, 50_000)
    assert not recorded(stage.priced(PRICE), DayStartSaved), "a price may still come"
    stage.later(60)
    [opened] = recorded(stage.priced(PRICE), DayStartSaved)
    assert opened.day_start.equity == 50_000
    assert marked(stage, 47_500) == 5
    assert marked(restarted(stage, xbtusd), 47_500) == 5
    assert marked(stage, 47_500, ETHUSD=5_000) == D("2.5")
    assert stage.state.day_cash_flows() == 50_000


def test_after_a_restart_prices_that_have_not_come_yet_are_those_of_the_opening(xbtusd: PairMetadata) -> None:
    rows = row(1, "deposit", "XBT", "1", LONG_AGO), row(2, "deposit", "ETH", "10", LONG_AGO)
    stage = with_ether(begun(xbtusd, *rows))
    assert marked(stage, 50_000, ETHUSD=5_000) == 0
    again = restarted(stage, xbtusd)
    assert marked(again, 48_000) == 2
    assert marked(again, 40_000) == 10
    assert again.state.kill_switch.active


def test_a_loss_that_only_something_without_any_price_may_explain_is_not_judged(xbtusd: PairMetadata) -> None:
    stage = with_ether(begun(xbtusd, row(1, "deposit", "XBT", "1", LONG_AGO)))
    priced(stage, 50_000)
    migrated = (
        msgspec.structs.replace(row(2, "transfer", "XBT", "-1", stage.at), refid="M"),
        msgspec.structs.replace(row(3, "transfer", "ETH", "10", stage.at), refid="M"),
    )
    stage.synced(entries=migrated)
    assert priced(stage, 50_000) == 100
    assert not stage.state.kill_switch.active
    assert "nothing says what ETH is worth" in stage.state.new_risk_refusal()
    assert marked(stage, 50_000, ETHUSD=4_000) == 20
    assert stage.state.kill_switch.active


def test_coins_bought_since_the_opening_count_at_their_cost_until_they_have_a_price(
    xbtusd: PairMetadata,
) -> None:
    stage = with_ether(begun(xbtusd, row(1, "deposit", "USD", "10000", T0)))
    priced(stage, 50_000)
    trade = Trade("T1", "O1", "ETHUSD", "buy", D(500), D(10), D(5000), (), stage.at, maker=False)
    stage.synced(trades=[trade])
    assert priced(stage, 50_000) == 0
    outcome = stage.priced(PRICE)
    assert recorded(outcome, DayStartSaved) == [], "what has not changed is not stored again"
    assert marked(stage, 50_000, ETHUSD=400) == 10


def test_what_was_sold_since_it_was_valued_without_a_price_breaks_nothing(xbtusd: PairMetadata) -> None:
    before = Stage(xbtusd).ready()
    before.priced(PRICE)
    before.bought()
    held = before.state.books.balance("XBT")
    stage = restarted(before, xbtusd)
    stage.synced()
    stage.play(e.Priced(stage.at, stage.wall, {}))
    assert stage.state.valuation is not None
    assert stage.state.valuation.unpriced == ("XBT",)
    sale = Trade("T77", "OSALE", "XBTUSD", "sell", PRICE, held, held * PRICE, (), stage.at, maker=False)
    stage.play(e.TradeReported(stage.at, sale, "stream"))
    assert stage.state.books.balance("XBT") == 0
    assert drawdown_pct(stage.state) >= 0
    assert not stage.state.kill_switch.active
