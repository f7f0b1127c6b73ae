"""Prices that the books lack are looked for, kept, and asked for once; then what is odd is told, once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision import rates
from krakked_tui.decision.rates import FINDINGS_AT_ONCE, RATES_PER_REQUEST
from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import Rate
from krakked_tui.domain.records import LedgerEntrySaved, RateSaved, StoredState
from tests.scenarios.stage import T0, Stage, asked, recorded

D = Decimal


def staked(number: int, asset: str = "XBT") -> LedgerEntry:
    at = T0 - timedelta(hours=1, seconds=number)
    return LedgerEntry(f"L{number:04}", f"R{number}", at, "staking", "", asset, D("0.01"), D(0), D(0))


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


def lines(stage: Stage, event: str) -> list[f.Log]:
    return [effect for effect in stage.effects if isinstance(effect, f.Log) and effect.event == event]


def rate(number: int, price: int = 50_000) -> Rate:
    return Rate(f"L{number:04}", "XBT", D(price), "candle XBTUSD 1h")


def test_after_a_sync_the_prices_that_are_missing_are_looked_for(stage: Stage) -> None:
    outcome = stage.synced(entries=[staked(1), staked(2)])
    (find,) = asked(outcome, f.FindRates)
    assert [want.event_id for want in find.wanted] == ["L0002", "L0001"]
    assert asked(stage.synced(), f.FindRates) == [], "they are being looked for"
    outcome = stage.play(e.RatesFound(stage.at, (rate(1), rate(2))))
    assert recorded(outcome, RateSaved) == [RateSaved(rate(2)), RateSaved(rate(1))]
    assert stage.state.books.wanted_rates == ()
    assert stage.state.books.state.flow_value == D(10_000) + 2 * D("0.01") * D(50_000)
    assert asked(outcome, f.FindRates) == []


def test_of_two_rates_for_one_event_the_first_is_kept(stage: Stage) -> None:
    stage.synced(entries=[staked(1)])
    outcome = stage.play(e.RatesFound(stage.at, (rate(1), rate(1, 40_000))))
    assert recorded(outcome, RateSaved) == [RateSaved(rate(1))]
    assert stage.state.books.state.flow_value == D(10_500)


def test_what_nothing_says_is_told_and_not_asked_again_but_what_was_left_open_is(stage: Stage) -> None:
    (find,) = asked(stage.synced(entries=[staked(1), staked(2), staked(3)]), f.FindRates)
    unfound = tuple(want for want in find.wanted if want.event_id == "L0001")
    outcome = stage.play(e.RatesFound(stage.at, (rate(2),), unfound))
    (again,) = asked(outcome, f.FindRates)
    assert [want.event_id for want in again.wanted] == ["L0003"]
    assert [line.fields["events"] for line in lines(stage, "rates_unfound")] == [1]
    assert asked(stage.play(e.RatesFound(stage.at, ())), f.FindRates) == [], "no answer: not at once"
    (again,) = asked(stage.synced(), f.FindRates)
    assert [want.event_id for want in again.wanted] == ["L0003"]


def test_many_are_looked_for_some_at_a_time(stage: Stage) -> None:
    rows = [staked(number) for number in range(RATES_PER_REQUEST + 1)]
    (find,) = asked(stage.synced(entries=rows), f.FindRates)
    assert len(find.wanted) == RATES_PER_REQUEST
    found = tuple(Rate(want.event_id, "XBT", D(1), "candle XBTUSD 1h") for want in find.wanted)
    (rest,) = asked(stage.play(e.RatesFound(stage.at, found)), f.FindRates)
    assert len(rest.wanted) == 1


def test_rates_that_are_stored_count_from_the_start(xbtusd: PairMetadata) -> None:
    stored = StoredState("abc", "test", entries=(staked(1),), rates=(rate(1),))
    again = Stage(xbtusd, stored=stored)
    assert again.state.books.wanted_rates == ()
    assert asked(again.synced(), f.FindRates) == []


def test_what_the_books_cannot_account_for_is_told_once_and_only_when_no_price_is_missing(
    stage: Stage,
) -> None:
    stage.synced(entries=[staked(1, "GHOST")])
    assert lines(stage, "books_finding") == []
    (find,) = [effect for effect in stage.effects if isinstance(effect, f.FindRates)]
    stage.play(e.RatesFound(stage.at, (), find.wanted))
    (line,) = lines(stage, "books_finding")
    assert line.fields["kind"] == "flow_unvalued"
    assert "GHOST" in line.message
    stage.synced()
    assert len(lines(stage, "books_finding")) == 1


def test_a_flood_of_findings_is_summed_up(stage: Stage) -> None:
    stage.synced(entries=[staked(number, "GHOST") for number in range(FINDINGS_AT_ONCE + 5)])
    (find,) = [effect for effect in stage.effects if isinstance(effect, f.FindRates)]
    stage.play(e.RatesFound(stage.at, (), find.wanted))
    assert len(lines(stage, "books_finding")) == FINDINGS_AT_ONCE
    assert [line.fields["findings"] for line in lines(stage, "books_findings")] == [5]
    assert len([r for r in stage.records if isinstance(r, LedgerEntrySaved)]) == FINDINGS_AT_ONCE + 6


def test_the_newest_are_looked_for_first_and_booked_together_with_those_after_them(stage: Stage) -> None:
    rows = [staked(number) for number in range(RATES_PER_REQUEST + 2)]
    (find,) = asked(stage.synced(entries=rows), f.FindRates)
    assert {want.event_id for want in find.wanted} == {f"L{number:04}" for number in range(RATES_PER_REQUEST)}
    found = tuple(Rate(want.event_id, "XBT", D(1), "candle XBTUSD 1h") for want in find.wanted)
    first = stage.play(e.RatesFound(stage.at, found))
    assert recorded(first, RateSaved) == [], "what is stored is booked"
    assert len(stage.state.books.wanted_rates) == len(rows)
    (rest,) = asked(first, f.FindRates)
    assert len(rest.wanted) == 2
    assert len(recorded(stage.play(e.RatesFound(stage.at, ())), RateSaved)) == RATES_PER_REQUEST
    assert stage.state.books.wanted_rates == rest.wanted


def test_very_many_are_booked_before_the_search_is_over(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "BOOKED_AT_ONCE", RATES_PER_REQUEST)
    (find,) = asked(
        stage.synced(entries=[staked(number) for number in range(RATES_PER_REQUEST + 1)]), f.FindRates
    )
    found = tuple(Rate(want.event_id, "XBT", D(1), "candle XBTUSD 1h") for want in find.wanted)
    assert len(recorded(stage.play(e.RatesFound(stage.at, found)), RateSaved)) == RATES_PER_REQUEST
