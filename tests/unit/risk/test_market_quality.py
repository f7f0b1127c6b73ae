"""The market of a pair: each limit at, just under and just over its threshold."""

import msgspec
import pytest

from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.plans import Verdict
from krakked_tui.market.freshness import Freshness
from krakked_tui.risk import market_quality
from krakked_tui.risk.candidate import Candidate
from krakked_tui.risk.context import PairState
from krakked_tui.risk.settings import RiskSettings
from tests.unit.domain.builders import make_quote
from tests.unit.risk.builders import facts, make_candidate, make_context, make_intent, make_state, money

OK, BLOCKED = Verdict.OK, Verdict.BLOCKED


def entry_in(state: PairState) -> Candidate:
    return make_candidate(context=make_context(state))


@pytest.mark.parametrize("status", PairStatus)
def test_pair_status(status: PairStatus) -> None:
    check = market_quality.pair_status(entry_in(make_state(status=status)))
    assert check.verdict is (OK if status is PairStatus.ONLINE else BLOCKED)
    assert (str(status) in check.reason) is (status is not PairStatus.ONLINE)


@pytest.mark.parametrize(
    ("freshness", "reason"),
    [
        (Freshness.FRESH, ""),
        (Freshness.CHECKED, ""),
        (
            Freshness.QUIET,
            "the price of XBTUSD is quiet, 95 s old, and a request for the exchange's ticker has not"
            " confirmed it",
        ),
        (Freshness.STALE, "the price of XBTUSD is stale, 95 s old"),
        (Freshness.NEVER, "no price of XBTUSD has arrived"),
    ],
)
def test_price_freshness(freshness: Freshness, reason: str) -> None:
    check = market_quality.price_freshness(entry_in(make_state(freshness=freshness, price_age=95.4)))
    assert (check.verdict, check.reason) == (BLOCKED if reason else OK, reason)


def test_one_stale_pair_stops_only_its_own_entries() -> None:
    context = make_context(make_state("XBTUSD", freshness=Freshness.STALE), make_state("ETHUSD"))
    assert market_quality.price_freshness(make_candidate(context=context)).verdict is BLOCKED
    assert market_quality.price_freshness(make_candidate(make_intent("ETHUSD"), context)).verdict is OK


def test_a_missing_price_is_not_fresh() -> None:
    check = market_quality.price_freshness(entry_in(make_state(price=None, freshness=Freshness.FRESH)))
    assert check.reason == "no price of XBTUSD has arrived"


@pytest.mark.parametrize(("traded", "verdict"), [("49999.99", BLOCKED), ("50000", OK), ("50000.01", OK)])
def test_min_liquidity_is_the_universes_unless_it_is_set(traded: str, verdict: Verdict) -> None:
    context = make_context(make_state(liquidity=traded), min_liquidity="50000")
    check = market_quality.min_liquidity_24h_usd(make_candidate(context=context))
    assert facts(check.verdict, check.threshold) == (verdict, 50_000)
    strict = RiskSettings(min_liquidity_24h_usd=money("60000")[0])
    check = market_quality.min_liquidity_24h_usd(make_candidate(context=context, settings=strict))
    assert facts(check.verdict, check.threshold) == (BLOCKED, 60_000)
    assert "below min_liquidity_24h_usd, $60,000.00" in check.reason
    none = RiskSettings(min_liquidity_24h_usd=money(0)[0])
    assert market_quality.min_liquidity_24h_usd(make_candidate(context=context, settings=none)).verdict is OK


@pytest.mark.parametrize(("minimum", "verdict"), [("0", OK), ("0.01", BLOCKED)])
def test_an_unknown_liquidity_is_not_enough(minimum: str, verdict: Verdict) -> None:
    context = make_context(make_state(liquidity=None), min_liquidity=minimum)
    assert market_quality.min_liquidity_24h_usd(make_candidate(context=context)).verdict is verdict


@pytest.mark.parametrize(("spread", "verdict"), [("0.99", OK), ("1", OK), ("1.01", BLOCKED)])
def test_max_spread_bps(spread: str, verdict: Verdict) -> None:
    check = market_quality.max_spread_bps(entry_in(make_state(spread=spread)))
    assert check.verdict is verdict
    assert check.threshold == 100
    assert check.reason == ("" if verdict is OK else "the spread is 101 bps, above max_spread_bps, 100 bps")


@pytest.mark.parametrize(("bid", "ask"), [("0", "1"), ("-1", "1"), ("2", "1")])
def test_a_book_that_is_none_has_no_spread(bid: str, ask: str) -> None:
    low, high = money(bid, ask)
    quote = msgspec.structs.replace(make_quote(), bid=low, ask=high)
    state = msgspec.structs.replace(make_state(), quote=quote)
    check = market_quality.max_spread_bps(entry_in(state))
    assert check.reason == "XBTUSD has no price to measure the spread by"


@pytest.mark.parametrize(
    ("close", "verdict"),
    [("105.3", BLOCKED), ("105.2", OK), ("100", OK), ("95.239", OK), ("95.238", BLOCKED), ("0", BLOCKED)],
)
def test_max_price_deviation_is_of_the_signals_close(close: str, verdict: Verdict) -> None:
    check = market_quality.max_price_deviation_pct(make_candidate(make_intent(close=close)))
    assert check.verdict is verdict


def test_exactly_the_deviation_allowed_is_allowed() -> None:
    context = make_context(make_state(price="105"))
    check = market_quality.max_price_deviation_pct(make_candidate(context=context))
    assert facts(check.verdict, check.would_be, check.threshold) == (OK, 5, 5)
    context = make_context(make_state(price="94.99"))
    check = market_quality.max_price_deviation_pct(make_candidate(context=context))
    assert check.reason == (
        "the distance of the price from the signal's close is 5.01 %, above max_price_deviation_pct, 5.00 %"
    )


def test_without_a_price_nothing_is_measured() -> None:
    entry = entry_in(make_state(price=None))
    assert market_quality.max_spread_bps(entry).verdict is BLOCKED
    assert market_quality.max_price_deviation_pct(entry).verdict is BLOCKED
