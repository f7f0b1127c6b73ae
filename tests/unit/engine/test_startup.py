"""Start-up steps, and the candles that are read before trading."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision.effects import Log
from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.errors import ExchangeError, KrakkedError, StorageError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.startup import REFILL_RETRY_SECONDS, CandleHistory, Progress
from krakked_tui.kraken.errors import AuthError
from krakked_tui.market.settings import MarketDataSettings
from krakked_tui.ports import StreamState
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock


async def test_an_exchange_that_cannot_be_reached_is_asked_again_visibly() -> None:
    clock, shown, lines = FakeClock(), list[tuple[str, str]](), list[Log]()
    progress = Progress(
        ["exchange"],
        clock=clock,
        changed=lambda: shown.append((progress.steps[0].state, progress.steps[0].detail)),
        write_log=lines.append,
    )
    answers = iter([ExchangeError("no route"), ExchangeError("no route"), None])

    async def work() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "there"

    async with asyncio.TaskGroup() as group:
        task = group.create_task(progress.run("exchange", work))
        await clock.advance(10)
    assert task.result() == "there"
    assert shown == [
        ("running", ""),
        ("running", "no route; trying again"),
        ("running", "no route; trying again"),
        ("done", ""),
    ]
    assert progress.steps[0].seconds == 4.0
    assert [(line.event, line.message) for line in lines] == [
        ("start_waiting", "exchange: no route; trying again"),
        ("start_step", ""),
    ]
    assert lines[1].fields == {"step": "exchange", "seconds": 4.0}


async def test_a_start_that_is_broken_off_says_what_it_waited_for() -> None:
    clock = FakeClock()
    progress = Progress(["one", "two"], clock=clock, changed=lambda: None, write_log=lambda _line: None)

    async def work() -> None:
        raise ExchangeError("no route")

    async with asyncio.TaskGroup() as group:
        task = group.create_task(progress.run("one", work))
        assert progress.waiting_for == "waiting for one"
        await clock.advance(1)
        task.cancel()
    assert progress.waiting_for == "one: no route; trying again"


@pytest.mark.parametrize("error", [StorageError("disk on fire"), AuthError("EAPI:Invalid key: check it")])
async def test_any_other_error_ends_the_start_and_is_shown(error: KrakkedError) -> None:
    progress = Progress(["first"], clock=FakeClock(), changed=lambda: None, write_log=lambda _line: None)

    async def work() -> None:
        raise error

    with pytest.raises(type(error)):
        await progress.run("first", work)
    assert (progress.steps[0].state, progress.steps[0].detail) == ("failed", str(error))


class Feed:
    """A minute's candles up to now, the running one included; some pairs fail."""

    def __init__(self, clock: FakeClock, broken: Sequence[str] = ()) -> None:
        self.clock, self.broken = clock, list(broken)
        self.asked: list[str] = []

    async def candles(self, pair: PairMetadata, timeframe: Timeframe, since: datetime) -> Sequence[Candle]:
        self.asked.append(pair.canonical)
        if pair.canonical in self.broken:
            raise ExchangeError("EService:Busy")
        found, time = [], since
        while time <= self.clock.now():
            found.append(Candle(pair.canonical, timeframe, time, 1, 1, 1, 1, 1, 1, 1))
            time += timeframe.length
        return found


NOW = datetime.fromisoformat("2026-01-05T00:10:30+00:00")


def _history(
    broken: Sequence[str] = (), feed: Feed | None = None
) -> tuple[CandleHistory, LiveMarket, MemoryCandleStore, list[str]]:
    feed = feed or Feed(FakeClock(NOW), broken)
    clock = feed.clock
    store, lines = MemoryCandleStore(), list[str]()
    market = LiveMarket(
        timeframes=[Timeframe.M1], keep_bars=60, settings=MarketDataSettings(), inbox=Inbox(), clock=clock
    )
    history = CandleHistory(
        feed=feed, store=store, market=market, clock=clock,  # type: ignore[arg-type]
        write_log=lambda line: lines.append(line.event), warmup={Timeframe.M1: 5},
    )  # fmt: skip
    return history, market, store, lines


async def test_closed_candles_are_stored_and_the_running_one_is_not(xbtusd: PairMetadata) -> None:
    history, market, store, _ = _history()
    assert await history.refill([xbtusd]) == 5
    times = list((await store.read("XBTUSD", Timeframe.M1))["time"])
    last = datetime.fromisoformat("2026-01-05T00:09:00+00:00")
    assert times == [last - timedelta(minutes=n) for n in (4, 3, 2, 1, 0)]
    assert list(market.frame(Timeframe.M1)["time"]) == times


async def test_a_pair_that_fails_is_left_out_and_logged(xbtusd: PairMetadata) -> None:
    other = msgspec.structs.replace(xbtusd, canonical="ETHUSD")
    history, market, _, lines = _history(broken=["ETHUSD"])
    assert await history.refill([xbtusd, other]) == 5
    assert lines == ["candles_skipped"]
    assert set(market.frame(Timeframe.M1)["pair"]) == {"XBTUSD"}


async def test_when_every_pair_fails_the_start_waits(xbtusd: PairMetadata) -> None:
    history, _, _, _ = _history(broken=["XBTUSD"])
    with pytest.raises(ExchangeError):
        await history.refill([xbtusd])


def _come_back(market: LiveMarket) -> None:
    price = Decimal(1)
    market.on_stream_state(StreamState("market", connected=True))
    market.on_quote(Quote("XBTUSD", price, price, price, NOW, 0.0))
    market.on_stream_state(StreamState("market", connected=False))
    market.on_stream_state(StreamState("market", connected=True))


async def test_a_gap_is_filled_again_and_again_until_nothing_is_missing(xbtusd: PairMetadata) -> None:
    feed = Feed(FakeClock(NOW), broken=["XBTUSD", "ETHUSD"])
    other = msgspec.structs.replace(xbtusd, canonical="ETHUSD")
    history, market, store, lines = _history(feed=feed)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(history.keep_full([xbtusd, other]))
        _come_back(market)
        await feed.clock.advance(5)
        assert feed.asked == ["XBTUSD", "ETHUSD"]
        feed.broken.remove("XBTUSD")
        await feed.clock.advance(REFILL_RETRY_SECONDS)
        assert len(market.frame(Timeframe.M1)) == 5
        feed.broken.remove("ETHUSD")
        store.failure = "disk full"
        await feed.clock.advance(REFILL_RETRY_SECONDS * 3)
        store.failure = ""
        await feed.clock.advance(REFILL_RETRY_SECONDS)
        assert set(market.frame(Timeframe.M1)["pair"]) == {"XBTUSD", "ETHUSD"}
        asked = len(feed.asked)
        await feed.clock.advance(1000)
        assert len(feed.asked) == asked
        task.cancel()
    assert "XBTUSD" not in feed.asked[4:], "what is there is not read again"
    assert lines == ["candles_skipped", "candles_skipped", "candles_not_stored"]


async def test_a_pair_that_the_start_left_out_is_read_later(xbtusd: PairMetadata) -> None:
    other = msgspec.structs.replace(xbtusd, canonical="ETHUSD")
    feed = Feed(FakeClock(NOW), broken=["ETHUSD"])
    history, market, _, _ = _history(feed=feed)
    await history.refill([xbtusd, other])
    feed.broken.clear()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(history.keep_full([xbtusd, other]))
        await feed.clock.advance(1)
        task.cancel()
    assert set(market.frame(Timeframe.M1)["pair"]) == {"XBTUSD", "ETHUSD"}
