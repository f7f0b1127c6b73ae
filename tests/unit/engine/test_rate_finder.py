"""Prices of the past: from stored candles, else the exchange's, else the latest; else nobody knows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.errors import ExchangeError, RateLimitedError, StorageError, UnknownPairError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import Rate
from krakked_tui.engine.rate_finder import CALL_SECONDS, CALLS_MAX, FAILURES_MAX, RateFinder
from krakked_tui.portfolio.accounts import WantedRate
from krakked_tui.portfolio.settings import PortfolioSettings
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock
from tests.fakes.feed import FakeFeed

D = Decimal
NOW = datetime(2026, 1, 5, tzinfo=UTC)


def candle(pair: str, timeframe: Timeframe, at: datetime, close: float) -> Candle:
    return Candle(pair, timeframe, timeframe.floor(at), close, close, close, close, 1.0, close, 1)


class Rig:
    def __init__(self, xbtusd: PairMetadata) -> None:
        def other(base: str, quote: str = "USD") -> PairMetadata:
            return msgspec.structs.replace(xbtusd, canonical=base + quote, base=base, quote=quote)

        self.clock = FakeClock(NOW, auto=True)
        self.feed, self.store = FakeFeed(self.clock), MemoryCandleStore()
        self.quotes: dict[str, Quote] = {}
        self.settings = PortfolioSettings()
        pairs = (xbtusd, other("ETH"), other("ADA", "XBT"), other("USD", "CAD"), other("OLD"))
        self.pairs = {pair.canonical: pair for pair in pairs}

    async def store_candles(self, *candles: Candle) -> None:
        await self.store.append(candles)

    def finder(self) -> RateFinder:
        return RateFinder(
            feed=self.feed, store=self.store, timeframes=[Timeframe.M1, Timeframe.M5],
            quotes=lambda: self.quotes, pairs=self.pairs, settings=self.settings, clock=self.clock,
        )  # fmt: skip

    async def find(self, *wanted: WantedRate) -> tuple[Sequence[Rate], Sequence[WantedRate]]:
        found = await self.finder().find(wanted)
        return found.rates, found.unfound

    async def source(self, at: datetime, asset: str = "XBT") -> str:
        rates, _ = await self.find(WantedRate("E", at, asset))
        return f"{rates[0].price} {rates[0].source}" if rates else ""


@pytest.fixture
def rig(xbtusd: PairMetadata) -> Rig:
    return Rig(xbtusd)


AT = NOW - timedelta(days=2) + timedelta(seconds=90, microseconds=5)


async def test_the_finest_stored_candle_that_contains_the_moment_counts(rig: Rig) -> None:
    await rig.store_candles(
        candle("XBTUSD", Timeframe.M1, AT - timedelta(minutes=1), 1.0),
        candle("XBTUSD", Timeframe.M1, AT, 50_000.1),
        candle("XBTUSD", Timeframe.M1, AT + timedelta(minutes=1), 3.0),
        candle("XBTUSD", Timeframe.M5, AT, 4.0),
    )
    assert await rig.source(AT) == "50000.1 candle XBTUSD 1m"
    assert await rig.source(Timeframe.M1.floor(AT)) == "50000.1 candle XBTUSD 1m"
    assert rig.feed.asked == []


async def test_else_the_last_one_before_it_that_is_not_older_than_a_day(rig: Rig) -> None:
    await rig.store_candles(
        candle("XBTUSD", Timeframe.M1, AT - timedelta(hours=9), 1.0),
        candle("XBTUSD", Timeframe.M5, AT - timedelta(hours=8), 2.0),
        candle("ETHUSD", Timeframe.M1, AT - timedelta(hours=24, minutes=2), 3.0),
    )
    assert await rig.source(AT) == "2.0 candle XBTUSD 5m"
    assert await rig.source(AT, "ETH") == "", "that one says nothing any more"


async def test_else_the_exchange_is_asked_for_hours_and_for_days_when_they_go_back_further(rig: Rig) -> None:
    long_ago = NOW - timedelta(days=100)
    rig.feed.bars["XBTUSD", Timeframe.H1] = [candle("XBTUSD", Timeframe.H1, AT, 7.0)]
    rig.feed.bars["XBTUSD", Timeframe.D1] = [candle("XBTUSD", Timeframe.D1, long_ago, 8.0)]
    assert await rig.source(AT) == "7.0 candle XBTUSD 1h"
    assert await rig.source(long_ago + timedelta(hours=3)) == "8.0 candle XBTUSD 1d"
    assert await rig.source(NOW - timedelta(days=900)) == ""
    assert [(pair, timeframe) for pair, timeframe, _ in rig.feed.asked] == [
        ("XBTUSD", Timeframe.H1), ("XBTUSD", Timeframe.D1),
    ]  # fmt: skip


async def test_one_request_serves_everything_after_it(rig: Rig) -> None:
    bars = [
        candle("XBTUSD", Timeframe.H1, NOW - timedelta(hours=hours), float(hours))
        for hours in range(50, 0, -1)
    ]
    rig.feed.bars["XBTUSD", Timeframe.H1] = bars
    wanted = [
        WantedRate(f"E{h}", NOW - timedelta(hours=h) + timedelta(minutes=5), "XBT") for h in (3, 40, 17)
    ]
    rates, unfound = await rig.find(*wanted)
    assert sorted((rate.event_id, rate.price) for rate in rates) == [
        ("E17", D(17)),
        ("E3", D(3)),
        ("E40", D(40)),
    ]
    assert (unfound, len(rig.feed.asked)) == ((), 1)


async def test_the_exchange_is_asked_at_a_pace_and_not_too_often(rig: Rig, xbtusd: PairMetadata) -> None:
    for number in range(CALLS_MAX + 3):
        name = f"A{number}"
        rig.pairs[f"{name}USD"] = msgspec.structs.replace(xbtusd, canonical=f"{name}USD", base=name)
        rig.feed.bars[f"{name}USD", Timeframe.H1] = [candle(f"{name}USD", Timeframe.H1, AT, 1.0)]
    wanted = [WantedRate(f"E{number}", AT, f"A{number}") for number in range(CALLS_MAX + 3)]
    rates, unfound = await rig.find(*wanted)
    assert (len(rates), unfound) == (CALLS_MAX, ()), "the rest stays open"
    times = [wall for _, _, wall in rig.feed.asked]
    assert [later - earlier for earlier, later in pairwise(times)] == [CALL_SECONDS] * (CALLS_MAX - 1)


async def test_an_exchange_that_does_not_answer_leaves_open_what_only_it_knows(rig: Rig) -> None:
    await rig.store_candles(candle("XBTUSD", Timeframe.M1, AT, 5.0))
    rig.feed.failure = ExchangeError("no route")
    rates, unfound = await rig.find(
        WantedRate("E1", AT, "XBT"), WantedRate("E2", AT, "ETH"), WantedRate("E3", AT, "OLD"),
        WantedRate("E4", AT, "GHOST"),
    )  # fmt: skip
    assert ([rate.event_id for rate in rates], [w.event_id for w in unfound]) == (["E1"], ["E4"])
    assert len(rig.feed.asked) == 1, "it is not asked again and again"


async def test_what_has_just_happened_is_worth_the_latest_price(rig: Rig) -> None:
    just_now = NOW - timedelta(minutes=14)
    found = await rig.find(WantedRate("E", just_now, "XBT"))
    assert found == ((), ()), "prices may come yet"
    rig.quotes["XBTUSD"] = Quote("XBTUSD", D("49999.9"), D("50000.1"), D(50_000), NOW, 0.0)
    assert await rig.source(just_now) == "50000 latest XBTUSD"
    assert await rig.find(WantedRate("E", NOW - timedelta(minutes=16), "XBT")) == (
        (), (WantedRate("E", NOW - timedelta(minutes=16), "XBT"),),
    )  # fmt: skip


async def test_what_was_paid_with_does_as_well(rig: Rig) -> None:
    await rig.store_candles(candle("XBTUSD", Timeframe.M1, AT, 5.0))
    rates, _ = await rig.find(WantedRate("E", AT, "GHOST", instead="XBT"))
    assert rates == (Rate("E", "XBT", D("5.0"), "candle XBTUSD 1m"),)


async def test_a_configured_pair_goes_first_and_leads_to_the_base_currency(rig: Rig) -> None:
    rig.settings = PortfolioSettings(valuation_pairs={"ADA": "ADAXBT", "CAD": "USDCAD"})
    await rig.store_candles(
        candle("XBTUSD", Timeframe.M1, AT, 50_000.0), candle("ADAXBT", Timeframe.M5, AT, 0.5),
        candle("USDCAD", Timeframe.M1, AT, 1.6),
    )  # fmt: skip
    assert await rig.source(AT, "ADA") == "25000.00 candle ADAXBT 5m, candle XBTUSD 1m"
    rates, _ = await rig.find(WantedRate("E", AT, "CAD"))
    assert rates[0].price == D("0.625")
    rig.settings = PortfolioSettings(valuation_pairs={"ADA": "ADAXBT", "XBT": "ADAXBT"})
    assert await rig.source(AT, "ADA") == "", "a circle leads nowhere"


async def test_a_damaged_store_is_no_reason_to_stop(rig: Rig) -> None:
    class Damaged(MemoryCandleStore):
        async def read(self, *_args: object, **_options: object) -> None:  # type: ignore[override]
            raise StorageError("damaged")

    rig.store = Damaged()
    rig.feed.bars["XBTUSD", Timeframe.H1] = [candle("XBTUSD", Timeframe.H1, AT, 7.0)]
    assert await rig.source(AT) == "7.0 candle XBTUSD 1h"


class Choosy(FakeFeed):
    """Fails for the pairs of one asset."""

    error: ExchangeError = ExchangeError("EGeneral:Internal error")

    async def candles(self, pair: PairMetadata, timeframe: Timeframe, since: datetime) -> Sequence[Candle]:
        served = await super().candles(pair, timeframe, since)
        if pair.base == "OLD":
            raise self.error
        return served


class ChoosyRig(Rig):
    feed: Choosy

    def __init__(self, xbtusd: PairMetadata) -> None:
        super().__init__(xbtusd)
        self.feed = Choosy(self.clock)


EARLIER = AT - timedelta(days=5)


@pytest.fixture
def choosy(xbtusd: PairMetadata) -> ChoosyRig:
    """OLDUSD fails, and is what is asked for first."""
    rig = ChoosyRig(xbtusd)
    rig.feed.bars["XBTUSD", Timeframe.H1] = [candle("XBTUSD", Timeframe.H1, AT, 7.0)]
    return rig


async def test_a_pair_that_always_fails_keeps_no_other_from_being_found(choosy: ChoosyRig) -> None:
    finder, old, new = choosy.finder(), WantedRate("E1", EARLIER, "OLD"), WantedRate("E2", AT, "XBT")
    first = await finder.find([old, new])
    assert (first.rates, first.unfound) == ((), ()), "it could be the exchange as a whole"
    for _ in range(FAILURES_MAX):
        found = await finder.find([old, new])
        assert ([rate.event_id for rate in found.rates], found.unfound) == (["E2"], ())
    found = await finder.find([old, new])
    assert ([rate.event_id for rate in found.rates], found.unfound) == (["E2"], (old,))


async def test_an_exchange_that_is_out_of_reach_or_busy_is_no_fault_of_a_pair(choosy: ChoosyRig) -> None:
    finder, old, new = choosy.finder(), WantedRate("E1", EARLIER, "OLD"), WantedRate("E2", AT, "XBT")
    choosy.feed.failure = ExchangeError("no route")
    for _ in range(FAILURES_MAX * 2):
        assert (await finder.find([old, new])).unfound == ()
    choosy.feed.failure, choosy.feed.error = None, RateLimitedError("EAPI:Rate limit exceeded")
    for _ in range(FAILURES_MAX * 2):
        found = await finder.find([WantedRate("E0", EARLIER, "XBT"), old, new])
        assert found.unfound == (WantedRate("E0", EARLIER, "XBT"),)


async def test_a_pair_that_is_not_listed_ends_no_batch(choosy: ChoosyRig) -> None:
    class NotListedError(ExchangeError, UnknownPairError):
        """As Kraken's."""

    choosy.feed.error = NotListedError("EQuery:Unknown asset pair")
    rates, unfound = await choosy.find(WantedRate("E1", EARLIER, "OLD"), WantedRate("E2", AT, "XBT"))
    assert ([rate.event_id for rate in rates], [want.event_id for want in unfound]) == (["E2"], ["E1"])
