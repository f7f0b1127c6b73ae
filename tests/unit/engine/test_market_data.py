"""Market data as others ask for it: what there is, how old it is, and what cannot be had."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.depth import BookTop
from krakked_tui.domain.errors import ExchangeError, NoDataError, StaleDataError, UnknownPairError
from krakked_tui.domain.pairs import AssetInfo, PairMetadata, SystemStatus
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.ingest import CandleNeeds, Ingest
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.market_data import DataStatus, DeafLately, MarketData, Sources, early_status
from krakked_tui.engine.recorded_feed import RecordedFeed
from krakked_tui.kraken.errors import RateLimitError
from krakked_tui.market.freshness import FeedState, Freshness
from krakked_tui.market.history import SERVED
from krakked_tui.market.settings import IngestSettings, MarketDataSettings
from krakked_tui.market.universe import Universe, near_matches
from krakked_tui.ports import CandleGap, StreamState
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock
from tests.fakes.feed import FakeFeed

M1, H1, MINUTE = Timeframe.M1, Timeframe.H1, timedelta(minutes=1)
NOW = datetime(2026, 1, 5, 12, 0, 30, tzinfo=UTC)
XBT = AssetInfo("XBT", "XXBT", "currency", 10, 5)


class Listing:
    """Knows one pair; reading anew brings an asset."""

    def __init__(self, pair: PairMetadata) -> None:
        self.universe = Universe({pair.canonical: pair}, {pair.canonical: pair})
        self.assets: dict[str, AssetInfo] = {}
        self.read_at_wall: float | None = None
        self.trouble = ""

    def metadata(self, pair: str) -> PairMetadata:
        found = self.universe.known.get(pair)
        if found is None:
            close = near_matches(pair, self.universe.known)
            raise UnknownPairError(f"The exchange lists no pair {pair!r}: did you mean {' or '.join(close)}?")
        return found

    async def refresh(self) -> None:
        self.assets["XBT"] = XBT


class Rig:
    def __init__(self, pair: PairMetadata, stored: Sequence[Candle] = ()) -> None:
        self.clock = FakeClock(NOW)
        self.fake, self.store = FakeFeed(self.clock), MemoryCandleStore(stored)
        self.feed = RecordedFeed(self.fake, self.clock, self.clock.now)
        self.market = LiveMarket(
            timeframes=[M1], keep_bars=60, settings=MarketDataSettings(), inbox=Inbox(), clock=self.clock
        )
        self.market.on_stream_state(StreamState("market", connected=True))
        self.book: BookTop | None = None
        self.deaf = DeafLately()
        self.next_boundary: datetime | None = None
        self.listing = Listing(pair)
        self.ingest = Ingest(
            feed=self.feed, store=self.store, market=self.market, clock=self.clock,
            settings=IngestSettings(timeframes=(), max_retries=1), needs=CandleNeeds({M1: 5}),
            pairs=lambda: [pair], write_log=lambda line: None,
        )  # fmt: skip
        self.data = MarketData(
            Sources(
                listing=self.listing,
                feed=self.feed,
                store=self.store,
                market=self.market,
                ingest=self.ingest,
                clock=self.clock,
                book=lambda name: self.book,
                streams=lambda: (self.market.stream,),
                next_boundary=lambda: self.next_boundary,
                deaf=lambda: self.deaf,
                unstored=lambda: 3,
            )
        )

    def quote(self, bid: str = "99", ask: str = "101", last: str = "100") -> None:
        self.market.on_quote(
            Quote(
                "XBTUSD", Decimal(bid), Decimal(ask), Decimal(last), self.clock.now(), self.clock.monotonic()
            )
        )


def _candles(ages: Sequence[int], timeframe: Timeframe = M1) -> list[Candle]:
    """Candles so many intervals older than the running one, oldest first."""
    running = timeframe.floor(NOW)
    return [
        Candle("XBTUSD", timeframe, running - age * timeframe.length, 1, 1, 1, 1, 1, 1, 1)
        for age in sorted(ages, reverse=True)
    ]


async def test_pairs_and_assets_come_from_the_listing(xbtusd: PairMetadata) -> None:
    data = Rig(xbtusd).data
    assert data.get_pair_metadata("XBTUSD") is xbtusd
    assert list(data.get_universe().pairs) == ["XBTUSD"]
    with pytest.raises(UnknownPairError, match="did you mean XBTUSD"):
        data.get_pair_metadata("XBTUSDT")
    with pytest.raises(NoDataError, match="no asset 'XBT'"):
        data.get_asset("XBT")
    await data.refresh_universe()
    assert data.get_asset("XBT") is XBT


@pytest.mark.parametrize("name", ["BTC/USD", "XBTUSDC", "nothing"])
async def test_every_question_about_an_unknown_pair_says_so(xbtusd: PairMetadata, name: str) -> None:
    data = Rig(xbtusd).data
    for ask in (data.get_latest_price, data.get_best_bid_ask, data.get_book, data.get_pair_metadata):
        with pytest.raises(UnknownPairError):
            ask(name)
    with pytest.raises(UnknownPairError):
        data.get_live_ohlc(name, M1)
    with pytest.raises(UnknownPairError):
        await data.get_ohlc(name, M1, 5)
    with pytest.raises(UnknownPairError):
        await data.get_ohlc_since(name, M1, NOW)
    with pytest.raises(UnknownPairError):
        await data.backfill_ohlc(name, M1)


@pytest.mark.parametrize(
    ("last", "price"), [("100.5", "100.5"), ("99", "99"), ("98.9", "100"), ("101.1", "100")]
)
async def test_the_price_is_the_last_trade_inside_the_spread_else_mid(
    xbtusd: PairMetadata, last: str, price: str
) -> None:
    rig = Rig(xbtusd)
    rig.quote(last=last)
    assert rig.data.get_latest_price("XBTUSD") == Decimal(price) == rig.market.quotes["XBTUSD"].price
    assert rig.data.get_best_bid_ask("XBTUSD") == (Decimal(99), Decimal(101))


async def test_no_price_and_a_stale_price_are_told_apart(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    with pytest.raises(NoDataError, match="No price of XBTUSD"):
        rig.data.get_latest_price("XBTUSD")
    rig.quote()
    rig.market.on_stream_state(StreamState("market", connected=False))
    await rig.clock.advance(60)
    assert rig.data.get_latest_price("XBTUSD") == 100
    await rig.clock.advance(15)
    with pytest.raises(StaleDataError, match="The price of XBTUSD is 75 s old") as stale:
        rig.data.get_latest_price("XBTUSD")
    assert stale.value.age_seconds == 75


async def test_the_running_candle(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.quote()
    with pytest.raises(NoDataError, match="No 1m candle"):
        rig.data.get_live_ohlc("XBTUSD", M1)
    [running] = _candles([0])
    rig.market.on_candle(running, NOW)
    assert rig.data.get_live_ohlc("XBTUSD", M1) is running
    await rig.clock.advance(29.9)
    assert rig.data.get_live_ohlc("XBTUSD", M1) is running
    await rig.clock.advance(0.1)
    for age in (0, 10):
        with pytest.raises(StaleDataError, match=f"has ended and is {age} s old"):
            rig.data.get_live_ohlc("XBTUSD", M1)
        await rig.clock.advance(10)


async def test_a_book_that_is_not_valid_is_not_given(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    with pytest.raises(NoDataError):
        rig.data.get_book("XBTUSD")
    rig.book = BookTop("XBTUSD", valid=False, received=0.0)
    await rig.clock.advance(7)
    with pytest.raises(StaleDataError, match="7 s old"):
        rig.data.get_book("XBTUSD")
    rig.book = BookTop("XBTUSD", valid=True)
    assert rig.data.get_book("XBTUSD") is rig.book


async def test_stored_candles(xbtusd: PairMetadata) -> None:
    data = Rig(xbtusd, _candles([4, 3, 2, 1])).data
    times = [candle.time for candle in _candles([4, 3, 2, 1])]
    assert list((await data.get_ohlc("XBTUSD", M1, 2))["time"]) == times[-2:]
    assert list((await data.get_ohlc("XBTUSD", M1, 99))["time"]) == times, "fewer than asked for"
    assert (await data.get_ohlc("XBTUSD", M1, 0)).is_empty()
    assert list((await data.get_ohlc_since("XBTUSD", M1, times[1]))["time"]) == times[1:]


async def test_a_backfill_stores_what_is_closed(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, _candles([2]))
    rig.fake.bars["XBTUSD", M1] = _candles([3, 2, 1, 0])
    done = await rig.data.backfill_ohlc("XBTUSD", M1)
    assert (done.read, done.rows, done.unreached, done.advice) == (3, 2, (), "")
    assert len(await rig.data.get_ohlc("XBTUSD", M1, 99)) == 3
    assert len(rig.market.frame(M1)) == 3
    rig.fake.bars["XBTUSD", H1] = _candles([1, 0], H1)
    assert (await rig.data.backfill_ohlc("XBTUSD", H1, NOW - timedelta(hours=1))).rows == 1


@pytest.mark.parametrize("beyond", [-1, 0, 1, 500])
async def test_what_a_backfill_cannot_reach_is_named_with_what_helps(
    xbtusd: PairMetadata, beyond: int
) -> None:
    rig = Rig(xbtusd)
    rig.fake.bars["XBTUSD", M1] = _candles(range(SERVED + 1))
    oldest = M1.floor(NOW) - SERVED * MINUTE
    since = oldest - beyond * MINUTE
    done = await rig.data.backfill_ohlc("XBTUSD", M1, since)
    if beyond <= 0:
        assert (done.unreached, done.advice) == ((), "")
        return
    assert (done.read, done.unreached) == (SERVED, (CandleGap(since, oldest),))
    assert "built from trades" in done.advice
    assert "krakked-tui" not in done.advice


async def test_what_is_stored_already_is_not_missed(xbtusd: PairMetadata) -> None:
    ages = [*range(SERVED + 8, SERVED + 11), SERVED + 1, SERVED + 2]
    rig = Rig(xbtusd, _candles(ages))
    rig.fake.bars["XBTUSD", M1] = _candles(range(SERVED + 1))
    running = M1.floor(NOW)
    done = await rig.data.backfill_ohlc("XBTUSD", M1, running - (SERVED + 12) * MINUTE)
    assert done.unreached == (
        CandleGap(running - (SERVED + 12) * MINUTE, running - (SERVED + 10) * MINUTE),
        CandleGap(running - (SERVED + 7) * MINUTE, running - (SERVED + 2) * MINUTE),
    )


@pytest.mark.parametrize("error", [ExchangeError("no route"), RateLimitError("slow down", retry_after=5.0)])
async def test_trouble_with_the_exchange_is_typed(xbtusd: PairMetadata, error: ExchangeError) -> None:
    rig = Rig(xbtusd)
    rig.fake.failure = error
    with pytest.raises(type(error)):
        await rig.data.backfill_ohlc("XBTUSD", M1)


async def test_the_status_tells_all_there_is(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    status = rig.data.get_data_status()
    assert (status.rest_success_age, status.rest_error, status.breaker_seconds) == (None, "", None)
    assert (status.pairs[Freshness.NEVER], status.pairs[Freshness.FRESH]) == (1, 0)
    assert (status.unstored, status.ingest, status.missing) == (3, None, 0)
    assert [stream.name for stream in status.streams] == ["market"]
    rig.quote()
    await rig.ingest.first_round()
    await rig.clock.advance(4)
    rig.ingest.request_all()
    status = rig.data.get_data_status()
    assert (status.rest_success_age, status.missing, status.incomplete) == (4.0, 1, 0)
    assert (status.pairs[Freshness.NEVER], status.pairs[Freshness.FRESH]) == (0, 1)
    assert status.ingest is rig.ingest.last
    for _ in range(IngestSettings().breaker_failures):
        rig.ingest.breaker.failed(rig.clock.monotonic(), "no route")
    status = rig.data.get_data_status()
    assert (status.breaker_seconds, status.breaker_reason) == (300, "no route")


async def test_the_status_tells_of_the_universe_the_feed_and_the_boundaries(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    status = rig.data.get_data_status()
    assert (status.state, status.system_status, status.universe_age) == (FeedState.STARTING, None, None)
    assert (status.tradable, status.known, status.next_boundary, status.deaf) == (1, 1, None, DeafLately())
    rig.listing.read_at_wall, rig.listing.trouble = rig.clock.monotonic(), "EService:Busy"
    rig.deaf, rig.next_boundary = DeafLately(("ticker XBTUSD",), 7), NOW
    rig.market.on_system_status(SystemStatus.MAINTENANCE)
    rig.quote()
    await rig.clock.advance(4)
    status = rig.data.get_data_status()
    assert (status.state, status.system_status) == (FeedState.LIVE, SystemStatus.MAINTENANCE)
    assert (status.universe_age, status.universe_trouble) == (4.0, "EService:Busy")
    assert (status.deaf, status.next_boundary) == (rig.deaf, NOW)


async def test_before_the_pairs_are_known_requests_and_streams_are_told(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    assert early_status(None, 9.0, ()) == DataStatus()
    await rig.feed.server_time()
    rig.fake.failure = ExchangeError("no route")
    await rig.clock.advance(2)
    with pytest.raises(ExchangeError):
        await rig.feed.quotes()
    await rig.clock.advance(1)
    status = early_status(rig.feed, rig.clock.monotonic(), (rig.market.stream,))
    assert (status.rest_success_age, status.rest_error, status.rest_error_age) == (3.0, "no route", 1.0)
    assert (status.streams, status.state, status.pairs) == ((rig.market.stream,), FeedState.STARTING, {})
