"""Candles that the store lacks come into it: at start, in the background, after gaps, on request."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import polars as pl
import pytest

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.errors import ExchangeError, StorageError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.ingest import AGAIN_SECONDS, STORE_SECONDS, CandleNeeds, Ingest
from krakked_tui.engine.market import LiveMarket
from krakked_tui.kraken.errors import PairNotListedError, RateLimitError
from krakked_tui.market.history import SERVED
from krakked_tui.market.settings import IngestSettings, MarketDataSettings
from krakked_tui.ports import StreamState
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock, settle

T = TypeVar("T")
M1, M15, MINUTE = Timeframe.M1, Timeframe.M15, timedelta(minutes=1)
NOW = datetime(2026, 1, 5, 0, 10, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 6, tzinfo=UTC)
NAMES = ("XBTUSD", "ETHUSD", "SOLUSD", "ADAUSD", "DOTUSD", "LTCUSD")


class Inline(ThreadPoolExecutor):
    """Does at once what would be done in another thread: virtual time waits for no thread."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        done = Future[T]()
        done.set_result(fn(*args, **kwargs))
        return done


@pytest.fixture(autouse=True)
async def _no_threads() -> None:
    asyncio.get_running_loop().set_default_executor(Inline())


class Feed:
    """Serves the latest 720 candles up to now and the running one, each call after ``seconds``.

    Nobody traded in minutes that are ``quiet``, nor after the one ``last``.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.seconds = clock, 0.0
        self.last = datetime.max.replace(tzinfo=UTC)
        self.quiet: set[datetime] = set()
        self.broken: dict[str, Exception] = {}
        self.asked: list[tuple[str, Timeframe]] = []
        self.since: list[datetime] = []
        self.under_way = self.most = 0

    async def candles(self, pair: PairMetadata, timeframe: Timeframe, since: datetime) -> Sequence[Candle]:
        self.asked.append((pair.canonical, timeframe))
        self.since.append(since)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self.seconds:
                await self.clock.sleep(self.seconds)
        finally:
            self.under_way -= 1
        if error := self.broken.get(pair.canonical):
            raise error
        found = candles(pair.canonical, timeframe, since, self.clock.now())
        return [candle for candle in found if candle.time <= self.last and candle.time not in self.quiet]

    @property
    def pairs(self) -> list[str]:
        return [pair for pair, _ in self.asked]


class Store(MemoryCandleStore):
    """Counts the pairs of each append; does not answer one while it ``hangs``."""

    def __init__(self, stored: Iterable[Candle]) -> None:
        super().__init__(stored)
        self.hangs = self.unreadable = False
        self.appended: list[int] = []

    async def read_many(self, pairs: Sequence[str], timeframe: Timeframe, lookback: int) -> pl.DataFrame:
        if self.unreadable:
            raise StorageError("the disk is gone")
        return await super().read_many(pairs, timeframe, lookback)

    async def append(self, candles: Sequence[Candle]) -> int:
        self.appended.append(len({candle.pair for candle in candles}))
        if self.hangs:
            await asyncio.Event().wait()
        return await super().append(candles)


def candles(pair: str, timeframe: Timeframe, since: datetime, now: datetime) -> list[Candle]:
    found, time = [], max(timeframe.floor(since), timeframe.floor(now) - SERVED * timeframe.length)
    while time <= now:
        found.append(Candle(pair, timeframe, time, 1, 1, 1, 1, 1, 1, 1))
        time += timeframe.length
    return found


class Rig:
    def __init__(
        self, xbtusd: PairMetadata, *, names: Sequence[str] = NAMES, stored: Iterable[Candle] = (),
        timeframes: tuple[Timeframe, ...] = (), at: datetime = NOW, depth: int = SERVED,
    ) -> None:  # fmt: skip
        self.clock = FakeClock(at)
        self.feed, self.store, self.lines = Feed(self.clock), Store(stored), list[Log]()
        self.pairs = [msgspec.structs.replace(xbtusd, canonical=name) for name in names]
        self.market = LiveMarket(
            timeframes=[M1, M15], keep_bars=60, settings=MarketDataSettings(), inbox=Inbox(), clock=self.clock
        )
        self.ingest = Ingest(
            feed=self.feed, store=self.store, market=self.market, clock=self.clock,  # type: ignore[arg-type]
            settings=IngestSettings(timeframes=timeframes), needs=CandleNeeds({M1: 5}, depth),
            pairs=lambda: self.pairs, write_log=self.lines.append,
        )  # fmt: skip

    def events(self, level: Level) -> list[str]:
        return [line.event for line in self.lines if line.level is level]

    async def stored(self, pair: str, timeframe: Timeframe = M1) -> list[datetime]:
        return list((await self.store.read(pair, timeframe))["time"])

    def come_back(self) -> None:
        """The stream was there, went away, and is back."""
        price = Decimal(1)
        self.market.on_stream_state(StreamState("market", connected=True))
        self.market.on_quote(Quote("XBTUSD", price, price, price, NOW, 0.0))
        self.market.on_stream_state(StreamState("market", connected=False))
        self.market.on_stream_state(StreamState("market", connected=True))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.ingest.run())
            await settle()
            yield
            task.cancel()


async def test_closed_candles_are_stored_and_the_running_one_is_not(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    done = await rig.ingest.first_round()
    times = await rig.stored("ETHUSD")
    assert (len(times), times[-1]) == (SERVED, NOW - timedelta(seconds=90))
    assert list(rig.market.frame(M1)["time"])[-1] == times[-1]
    assert set(rig.market.frame(M1)["pair"]) == set(NAMES)
    assert (done.pairs, done.done, done.failed, done.left, done.calls) == (6, 6, 0, 0, 6)
    assert (done.rows, rig.ingest.last) == (6 * SERVED, done)
    assert (rig.ingest.incomplete, rig.ingest.missing) == (0, ())


async def test_pairs_are_read_in_their_order_and_batch_by_batch(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.feed.seconds = 1.0
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.ingest.first_round())
        await settle()
        assert rig.feed.pairs == list(NAMES[:5])
        await rig.clock.advance(2)
    assert rig.feed.pairs == list(NAMES)
    assert rig.store.appended == [5, 1]
    assert rig.events(Level.DEBUG) == ["candles_batch"] * 2
    assert rig.events(Level.INFO) == ["candles_at_hand", "candles_read"]


async def test_what_the_store_has_is_shown_and_not_asked_for(xbtusd: PairMetadata) -> None:
    stored = [
        *candles("XBTUSD", M1, NOW - 20 * MINUTE, NOW)[:-1],
        *candles("ETHUSD", M1, NOW - 20 * MINUTE, NOW - 3 * MINUTE)[:-1],
    ]
    rig = Rig(xbtusd, stored=stored, names=NAMES[:3])
    done = await rig.ingest.first_round()
    assert rig.feed.pairs == ["ETHUSD", "SOLUSD"]
    assert rig.feed.since == [stored[-1].time, M1.floor(NOW) - SERVED * MINUTE]
    assert (done.done, done.calls, done.calls_saved) == (3, 2, 1)
    assert (done.rows, set(rig.market.frame(M1)["pair"])) == (3 + SERVED, set(NAMES[:3]))
    at_hand = next(line for line in rig.lines if line.event == "candles_at_hand")
    assert at_hand.fields == {"pairs": 3, "rows": 10, "calls_saved": 1, "calls": 2}


async def test_what_the_exchange_serves_no_more_is_reported(xbtusd: PairMetadata) -> None:
    old = candles("XBTUSD", M1, NOW - 2000 * MINUTE, NOW - 1990 * MINUTE)
    rig = Rig(xbtusd, stored=old, names=NAMES[:2])
    assert (await rig.ingest.first_round()).beyond == 1
    told = next(line for line in rig.lines if line.event == "candles_out_of_reach")
    assert told.level is Level.WARNING
    assert "XBTUSD" in told.message
    assert "trades" in told.message


async def test_a_start_waits_for_a_bounded_time_and_the_rest_comes_later(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.feed.seconds = 10.0
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.ingest.first_round())
        await rig.clock.advance(14.9)
        assert not task.done()
        await rig.clock.advance(0.1)
        assert task.done()
    assert (task.result().done, task.result().left) == (5, 1)
    assert (rig.ingest.incomplete, rig.ingest.missing) == (1, ("LTCUSD",))
    assert rig.feed.under_way == 0
    async with rig.running():
        await rig.clock.advance(10)
        assert (rig.ingest.incomplete, rig.ingest.missing) == (0, ())
    assert len(await rig.stored("LTCUSD")) == SERVED


async def test_what_was_read_in_time_is_kept(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:1], timeframes=(M15,))
    rig.feed.seconds = 10.0
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.ingest.refresh(seconds=15))
        await rig.clock.advance(15)
    assert (task.result().done, task.result().left) == (0, 1)
    assert (len(await rig.stored("XBTUSD")), await rig.stored("XBTUSD", M15)) == (SERVED, [])
    async with rig.running():
        await rig.clock.advance(10)
    assert rig.feed.asked == [("XBTUSD", M1), ("XBTUSD", M15), ("XBTUSD", M15)]
    assert len(await rig.stored("XBTUSD", M15)) == SERVED


async def test_a_start_waits_only_for_what_strategies_need(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:2], timeframes=(M15,))
    done = await rig.ingest.first_round()
    assert (done.done, done.left, rig.ingest.incomplete) == (2, 0, 0)
    assert rig.feed.asked == [("XBTUSD", M1), ("ETHUSD", M1)]
    assert list(rig.ingest.missing) == list(NAMES[:2])
    async with rig.running():
        await rig.clock.advance(1)
        assert not rig.ingest.missing
    assert rig.feed.asked[2:] == [("XBTUSD", M15), ("ETHUSD", M15)]


async def test_without_depth_only_what_is_needed_is_asked_for(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:1], depth=0)
    assert (await rig.ingest.first_round()).rows == 5
    rig.pairs.append(msgspec.structs.replace(xbtusd, canonical="ETHUSD"))
    async with rig.running():
        rig.ingest.request(["ETHUSD"])
        await rig.clock.advance(1)
    assert len(await rig.stored("ETHUSD")) == 5


async def test_a_pair_that_fails_is_left_out_told_once_and_read_later(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:2])
    rig.feed.broken["ETHUSD"] = ExchangeError("EService:Busy")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.ingest.first_round())
        await rig.clock.advance(15)
    done = task.result()
    assert (done.done, done.failed, done.failures) == (1, 1, ("ETHUSD: EService:Busy",))
    async with rig.running():
        await rig.clock.advance(AGAIN_SECONDS + 15)
        assert rig.feed.pairs.count("ETHUSD") == 6
        rig.feed.broken.clear()
        await rig.clock.advance(2 * AGAIN_SECONDS)
        assert not rig.ingest.missing
        asked = len(rig.feed.asked)
        await rig.clock.advance(1000)
        assert len(rig.feed.asked) == asked
    assert rig.feed.pairs.count("XBTUSD") == 1
    assert rig.events(Level.WARNING) == ["candles_skipped"]
    assert rig.events(Level.CRITICAL) == [], "one pair of two is no disaster"


async def test_what_goes_on_failing_is_tried_more_and_more_seldom(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:2])
    rig.feed.broken["ETHUSD"] = ExchangeError("EService:Busy")
    async with rig.running():
        await rig.clock.advance(3600)
    tries_of_a_round = 3
    assert 5 * tries_of_a_round < rig.feed.pairs.count("ETHUSD") < 15 * tries_of_a_round


async def test_an_unknown_pair_is_skipped_reported_and_not_asked_for_again(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:2])
    rig.feed.broken["XBTUSD"] = PairNotListedError("EQuery:Unknown asset pair")
    done = await rig.ingest.first_round()
    assert (done.done, done.failed) == (1, 1)
    assert "does not list it" in done.failures[0]
    async with rig.running():
        await rig.clock.advance(5000)
    assert rig.feed.pairs == ["XBTUSD", "ETHUSD"]
    assert not rig.ingest.missing


async def test_a_round_in_which_every_pair_failed_is_critical_and_the_breaker_paces_what_follows(
    xbtusd: PairMetadata,
) -> None:
    rig = Rig(xbtusd)
    rig.feed.broken = {name: ExchangeError("no route") for name in NAMES}
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.ingest.refresh())
        await rig.clock.advance(10)
    done = task.result()
    assert (done.done, done.failed, rig.events(Level.CRITICAL)) == (0, 6, ["candles_all_failed"])
    assert rig.feed.pairs == list(NAMES[:5])
    assert "pauses for another 298 s" in done.failures[-1]
    async with rig.running():
        await rig.clock.advance(289)
        assert len(rig.feed.asked) == 5
        await rig.clock.advance(2)
        assert rig.feed.pairs[5:] == ["XBTUSD"], "one trial"
        rig.feed.broken.clear()
        rig.feed.seconds = 0.5
        await rig.clock.advance(300)
        assert (rig.ingest.missing, rig.ingest.incomplete) == ((), 0)
        assert rig.ingest.breaker.open_seconds(rig.clock.monotonic()) is None
    assert rig.ingest.last is not None
    assert (rig.ingest.last.done, rig.ingest.last.failed) == (6, 0), "all in the round of the trial"
    assert rig.events(Level.CRITICAL) == ["candles_all_failed"] * 2


async def test_rate_limited_everything_waits_and_nobody_is_lost(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.feed.broken["XBTUSD"] = RateLimitError("EAPI:Rate limit exceeded", retry_after=20.0)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.ingest.refresh())
        await rig.clock.advance(19)
        assert rig.feed.pairs == ["XBTUSD"]
        rig.feed.broken.clear()
        await rig.clock.advance(3)
    assert task.result().done == 6


async def test_every_gap_of_the_feed_is_read(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:2])
    await rig.ingest.first_round()
    async with rig.running():
        assert len(rig.feed.asked) == 2
        await rig.clock.advance(300)
        rig.come_back()
        await rig.clock.advance(1)
    assert rig.feed.pairs[2:] == list(NAMES[:2])
    assert rig.feed.since[2] == NOW - timedelta(seconds=90), "from the last candle that was read"
    assert (await rig.stored("ETHUSD"))[-1] == NOW + timedelta(seconds=210)


async def test_what_closed_between_the_first_round_and_the_live_feed_is_read_again(
    xbtusd: PairMetadata,
) -> None:
    rig = Rig(xbtusd, names=NAMES[:1])
    await rig.ingest.first_round()
    await rig.clock.advance(60)
    async with rig.running():
        await rig.clock.advance(1)
        assert (await rig.stored("XBTUSD"))[-1] == NOW - timedelta(seconds=30)
    assert len(rig.feed.asked) == 2


async def test_requests_are_bounded_by_the_pairs_there_are_and_join(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:2])
    await rig.ingest.first_round()
    async with rig.running():
        for _ in range(50):
            rig.ingest.request(["ETHUSD", "NOSUCH"])
        await rig.clock.advance(1)
        assert rig.feed.pairs[2:] == ["ETHUSD"]
        rig.pairs = rig.pairs[:1]
        rig.ingest.request(["ETHUSD"])
        assert not rig.ingest.missing
        await rig.clock.advance(1)
    assert len(rig.feed.asked) == 3


async def test_a_request_for_what_is_being_read_is_read_once_more(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:1])
    await rig.ingest.first_round()
    rig.feed.seconds = 5.0
    async with rig.running():
        rig.ingest.request_all()
        await rig.clock.advance(1)
        rig.ingest.request_all()
        assert rig.ingest.missing == ("XBTUSD",)
        await rig.clock.advance(20)
    assert len(rig.feed.asked) == 3


async def test_rounds_never_overlap(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:2])
    rig.feed.seconds = 1.0
    async with rig.running(), asyncio.TaskGroup() as group:
        first = group.create_task(rig.ingest.refresh(["XBTUSD"]))
        second = group.create_task(rig.ingest.refresh(["ETHUSD"]))
        await rig.clock.advance(10)
        assert (first.done(), second.done()) == (True, True)
    assert rig.feed.most <= 2, "one batch of two pairs"


@pytest.mark.parametrize("hangs", [False, True])
async def test_candles_that_cannot_be_stored_are_shown_and_read_again(
    xbtusd: PairMetadata, *, hangs: bool
) -> None:
    rig = Rig(xbtusd, names=NAMES[:2])
    rig.store.hangs = hangs
    if not hangs:
        rig.store.failure = "disk full"
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.ingest.first_round())
        await rig.clock.advance(STORE_SECONDS)
    assert (task.result().failed, task.result().done) == (2, 0)
    assert set(rig.market.frame(M1)["pair"]) == set(NAMES[:2])
    assert list(rig.ingest.missing) == list(NAMES[:2])
    async with rig.running():
        await rig.clock.advance(10 * AGAIN_SECONDS)
        assert rig.events(Level.ERROR) == ["candles_not_stored"]
        rig.store.failure, rig.store.hangs = "", False
        await rig.clock.advance(50 * AGAIN_SECONDS)
        assert not rig.ingest.missing
    assert len(await rig.stored("ETHUSD")) >= SERVED


async def test_a_store_that_cannot_be_read_ends_the_start(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    await rig.store.close()
    with pytest.raises(StorageError):
        await rig.ingest.first_round()


async def test_a_pair_that_is_not_kept_any_more_is_forgotten(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:2])
    rig.feed.broken["ETHUSD"] = ExchangeError("EService:Busy")
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.ingest.first_round())
        await rig.clock.advance(15)
    assert list(rig.ingest.missing) == ["ETHUSD"]
    rig.pairs = rig.pairs[:1]
    async with rig.running():
        await rig.clock.advance(100)
        assert not rig.ingest.missing


@pytest.mark.parametrize("seconds", [-0.5, 0.0, 0.5, 1.9])
async def test_at_a_boundary_what_just_ended_is_certain_when_a_later_candle_is_there(
    xbtusd: PairMetadata, seconds: float
) -> None:
    rig = Rig(xbtusd, names=NAMES[:1], at=MIDNIGHT + timedelta(seconds=seconds))
    await rig.ingest.first_round()
    assert (await rig.stored("XBTUSD"))[-1] == MIDNIGHT - (MINUTE if seconds >= 0 else 2 * MINUTE)
    async with rig.running():
        await rig.clock.advance(2.5)
    assert len(rig.feed.asked) == 1


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.9])
async def test_the_candle_that_is_doubted_at_a_boundary_is_asked_for_again_once_it_is_certain(
    xbtusd: PairMetadata, seconds: float
) -> None:
    rig = Rig(xbtusd, names=NAMES[:1], at=MIDNIGHT + timedelta(seconds=seconds))
    rig.feed.last = MIDNIGHT - MINUTE  # nobody trades after it
    async with rig.running():
        await rig.clock.advance(1)
        assert (await rig.stored("XBTUSD"))[-1] == MIDNIGHT - 2 * MINUTE
        assert (rig.ingest.missing, list(rig.ingest.unread)) == (("XBTUSD",), ["XBTUSD"])
        await rig.clock.advance(1.5)
        assert (await rig.stored("XBTUSD"))[-1] == MIDNIGHT - MINUTE
        assert (rig.ingest.missing, len(rig.ingest.unread)) == ((), 0)
        await rig.clock.advance(30)
    assert len(rig.feed.asked) == 2


def bars(ages: Iterable[int], timeframe: Timeframe = M15) -> list[Candle]:
    """Candles so many intervals older than the running one."""
    running = timeframe.floor(NOW)
    return [
        Candle("XBTUSD", timeframe, running - age * timeframe.length, 1, 1, 1, 1, 1, 1, 1) for age in ages
    ]


async def test_a_hole_from_before_the_start_is_filled_in_any_timeframe(xbtusd: PairMetadata) -> None:
    stored = [*bars([300, 1]), *bars([*range(600, 100, -1), *range(50, 0, -1)], M1)]
    rig = Rig(xbtusd, names=NAMES[:1], timeframes=(M15,), stored=stored)
    assert (await rig.ingest.first_round()).calls == 0, "the newest are there"
    async with rig.running():
        await rig.clock.advance(1)
        assert (len(await rig.stored("XBTUSD")), len(await rig.stored("XBTUSD", M15))) == (SERVED, SERVED)
        assert rig.feed.asked == [("XBTUSD", M1), ("XBTUSD", M15)]
        await rig.clock.advance(100)
    assert len(rig.feed.asked) == 2


async def test_one_round_reads_the_whole_history(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:1], timeframes=(M15,), stored=bars([300, 1]))
    done = await rig.ingest.refresh()
    assert (done.done, done.calls, len(await rig.stored("XBTUSD", M15))) == (1, 2, SERVED)
    assert (await rig.ingest.refresh()).calls == 0


async def test_minutes_in_which_nobody_traded_are_asked_for_once_in_a_run(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:1], stored=bars([*range(600, 100, -1), *range(50, 0, -1)], M1))
    rig.feed.quiet = {candle.time for candle in bars(range(100, 50, -1), M1)}
    assert (await rig.ingest.refresh()).calls == 1
    assert (await rig.ingest.refresh()).calls == 0
    await rig.clock.advance(120)
    assert ((await rig.ingest.refresh()).calls, rig.feed.since[-1]) == (1, M1.floor(NOW) - MINUTE)
    async with rig.running():
        await rig.clock.advance(60)
    assert (await rig.ingest.refresh()).calls == 1


async def test_holes_further_back_are_read_last_and_hinder_nobody(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:2], stored=bars([300, *range(6, 0, -1)], M1))
    rig.feed.seconds = 5.0
    await rig.clock.advance(1)
    async with rig.running():
        await rig.clock.advance(1)
        rig.ingest.request(["ETHUSD"])
        assert rig.ingest.unread == set(NAMES[:2]), "before the first round everything is"
        await rig.clock.advance(30)
        assert not rig.ingest.missing
    later = Rig(xbtusd, names=NAMES[:2], stored=bars([300, *range(6, 0, -1)], M1))
    later.feed.seconds = 5.0
    async with asyncio.TaskGroup() as group:
        group.create_task(later.ingest.first_round())
        await later.clock.advance(5)
    async with later.running():
        await later.clock.advance(1)
        assert (later.ingest.missing, len(later.ingest.unread)) == (("XBTUSD",), 0)
        later.ingest.request(["XBTUSD"])
        assert later.ingest.unread == {"XBTUSD"}
        await later.clock.advance(30)
        assert (later.ingest.missing, len(later.ingest.unread)) == ((), 0)


async def test_a_hole_that_no_strategy_sees_is_read_after_all_others(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=NAMES[:2], stored=bars([300, *range(6, 0, -1)], M1))
    rig.ingest._settings = msgspec.structs.replace(rig.ingest._settings, batch_size=1)
    await rig.ingest.first_round()
    rig.ingest.request(["ETHUSD"])
    async with rig.running():
        await rig.clock.advance(1)
    assert rig.feed.pairs == ["ETHUSD", "ETHUSD", "XBTUSD"]


async def test_what_becomes_urgent_goes_before_the_rest_of_a_round(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, names=tuple(f"P{number}USD" for number in range(30)))
    rig.feed.seconds = 5.0
    async with rig.running():
        await rig.clock.advance(11)
        held = rig.pairs.pop()
        rig.pairs.insert(0, held)  # it has just been bought
        rig.ingest.request(["P0USD"])
        await rig.clock.advance(60)
        assert not rig.ingest.missing
    assert rig.feed.pairs[15:17] == ["P29USD", "P0USD"]
    assert len(rig.feed.pairs) == 31
    assert rig.ingest.last is not None
    assert (rig.ingest.last.pairs, rig.ingest.last.done, rig.ingest.last.left) == (30, 30, 0)


async def test_a_store_that_cannot_be_searched_is_told_and_gaps_are_read_all_the_same(
    xbtusd: PairMetadata,
) -> None:
    rig = Rig(xbtusd, names=NAMES[:1])
    await rig.ingest.first_round()
    rig.store.unreadable = True
    async with rig.running():
        assert rig.events(Level.ERROR) == ["candles_not_searched"]
        rig.ingest.request_all()
        await rig.clock.advance(1)
    assert len(rig.feed.asked) == 2
