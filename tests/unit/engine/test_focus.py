"""The pair that is looked at: what shows at once, what comes later, and what must not come any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.depth import BookTop, PublicTrade
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.orders import Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.focus import BARS, RECENT_MAX, REFRESH_SECONDS, SETTLED_SECONDS, TRADES, Focus
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import LiveMarket
from krakked_tui.market.settings import MarketDataSettings
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock, settle
from tests.fakes.feed import FakeFeed

START = datetime(2026, 1, 5, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def bars(pair: str, timeframe: Timeframe, count: int, close: float = 10.0) -> list[Candle]:
    """That many candles, the last of them running at the start."""
    last = timeframe.floor(START)
    return [
        Candle(pair, timeframe, last - n * timeframe.length, 10, 11, 9, close, 1, 10, 1)
        for n in reversed(range(count))
    ]


class Rig:
    def __init__(self, pair: PairMetadata, speed: float = 1.0) -> None:
        self.clock = FakeClock(START, speed=speed)
        self.feed, self.store = FakeFeed(self.clock), MemoryCandleStore()
        self.market = LiveMarket(
            timeframes=[Timeframe.M1], keep_bars=10, settings=MarketDataSettings(), inbox=Inbox(),
            clock=self.clock,
        )  # fmt: skip
        names = ("XBTUSD", "ETHUSD", "OUTUSD")
        listed = {name: replace(pair, canonical=name) for name in names}
        listed["DARKUSD"] = replace(pair, canonical="DARKUSD", ws_symbol="")
        self.focus = Focus(
            feed=self.feed, store=self.store, market=self.market, clock=self.clock, listed=listed,
            carried={"XBTUSD", "ETHUSD"},
        )  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.focus.follow()), group.create_task(self.focus.keep_bars())]
            await settle()
            yield
            for task in tasks:
                task.cancel()

    def closes(self) -> list[float]:
        return [bar.close for bar in self.focus.picture().bars]

    def quote(self, pair: str, last: str) -> None:
        price = Decimal(last)
        self.market.on_quote(Quote(pair, price, price, price, self.clock.now(), self.clock.monotonic()))


def trade(number: int, pair: str = "XBTUSD") -> PublicTrade:
    return PublicTrade(pair, START, Side.BUY, Decimal(number), Decimal(1))


async def test_nobody_looks_and_nothing_is_asked(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    async with rig.running():
        await rig.clock.advance(600)
    assert (rig.feed.asked, rig.feed.focused, rig.focus.picture().pair) == ([], [], "")


async def test_what_is_in_memory_shows_at_once_and_the_store_and_the_exchange_add_to_it(
    xbtusd: PairMetadata,
) -> None:
    rig = Rig(xbtusd)
    known = bars("XBTUSD", Timeframe.M1, 40)
    rig.market.load(known[-4:-1])
    rig.market.on_candle(known[-1], START)
    await rig.store.append(known[-20:-1])
    rig.feed.bars["XBTUSD", Timeframe.M1] = known
    async with rig.running():
        rig.focus.look_at("XBTUSD", Timeframe.M1)
        picture = rig.focus.picture()
        assert (list(picture.bars), picture.running, picture.book) == (known[-4:-1], known[-1], None)
        rig.feed.gate.clear()
        await settle()
        assert list(rig.focus.picture().bars) == known[-20:-1]
        rig.feed.gate.set()
        await settle()
        assert list(rig.focus.picture().bars) == known[:-1]
        await rig.clock.advance(3600)
    assert len(rig.feed.asked) == 1


async def test_a_full_store_needs_no_exchange_and_live_candles_go_on(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    known = bars("XBTUSD", Timeframe.M1, BARS + 20)
    await rig.store.append(known[:-1])
    async with rig.running():
        rig.focus.look_at("XBTUSD", Timeframe.M1)
        await settle()
        assert list(rig.focus.picture().bars) == known[-BARS - 1 : -1]
        rig.market.on_candle(known[-1], START)
        first = rig.focus.picture()
        assert first.running == known[-1]
        assert rig.focus.picture().bars is first.bars
        following = replace(known[-1], time=known[-1].time + MINUTE, close=12.0)
        await rig.clock.advance(60)
        rig.market.on_candle(following, rig.clock.now())
        picture = rig.focus.picture()
        assert (picture.bars[-1], picture.running, len(picture.bars)) == (known[-1], following, BARS)
        rig.market.load([replace(known[-1], close=10.5, trades=2)])
        assert rig.focus.picture().bars[-1].close == 10.5
    assert rig.feed.asked == []


async def test_other_timeframes_are_read_anew_at_each_boundary_and_follow_prices_between(
    xbtusd: PairMetadata,
) -> None:
    rig = Rig(xbtusd)
    rig.feed.bars["XBTUSD", Timeframe.M5] = bars("XBTUSD", Timeframe.M5, 3)
    async with rig.running():
        rig.focus.look_at("XBTUSD", Timeframe.M5)
        await settle()
        assert rig.closes() == [10, 10]
        rig.quote("XBTUSD", "12.5")
        running = rig.focus.picture().running
        assert running is not None
        assert (running.open, running.high, running.close) == (10, 12.5, 12.5)
        await rig.clock.advance(270)
        assert rig.closes() == [10, 10, 12.5]
        rig.feed.bars["XBTUSD", Timeframe.M5][-1] = replace(running, close=12.75)
        await rig.clock.advance(SETTLED_SECONDS)
        assert rig.closes() == [10, 10, 12.75]
        await rig.clock.advance(300)
    assert [at for _, _, at in rig.feed.asked] == [0, 270 + SETTLED_SECONDS, 570 + SETTLED_SECONDS]


async def test_where_time_flies_the_exchange_is_not_asked_all_the_time(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd, speed=600.0)
    async with rig.running():
        rig.focus.look_at("XBTUSD", Timeframe.M5)
        await rig.clock.advance(3 * REFRESH_SECONDS - 0.1)
    assert len(rig.feed.asked) == 3


async def test_half_days_are_put_together_from_quarters_of_it(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.feed.bars["XBTUSD", Timeframe.H4] = bars("XBTUSD", Timeframe.H4, 7)
    async with rig.running():
        rig.focus.look_at("XBTUSD", Timeframe.H12)
        await settle()
        picture = rig.focus.picture()
    assert [bar.volume for bar in picture.bars] == [3, 3]
    assert picture.running is not None
    assert picture.running.volume == 1
    assert picture.trouble == ""


async def test_candles_of_a_pair_that_is_not_streamed_come_from_the_exchange(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.feed.bars["OUTUSD", Timeframe.M1] = bars("OUTUSD", Timeframe.M1, 3)
    async with rig.running():
        rig.focus.look_at("OUTUSD", Timeframe.M1)
        await rig.clock.advance(30 + SETTLED_SECONDS)
        assert len(rig.closes()) == 3
    assert len(rig.feed.asked) == 2


async def test_what_was_asked_for_before_never_replaces_what_was_asked_last(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.feed.bars["XBTUSD", Timeframe.M5] = bars("XBTUSD", Timeframe.M5, 3, close=1)
    rig.feed.bars["ETHUSD", Timeframe.M5] = bars("ETHUSD", Timeframe.M5, 3, close=2)
    rig.feed.gate.clear()
    async with rig.running():
        for name in ("XBTUSD", "OUTUSD", "ETHUSD"):
            rig.focus.look_at(name, Timeframe.M5)
            await settle()
        rig.feed.gate.set()
        await settle()
        assert rig.closes() == [2, 2]
        # The request under way is let through, then only the last counts.
        assert rig.feed.focused == ["XBTUSD", "ETHUSD"]
        rig.focus.look_at(None, Timeframe.M5)
        await settle()
    assert rig.feed.focused[-1] is None
    assert rig.focus.picture().pair == ""


async def test_a_failure_is_told_and_tried_again_less_and_less_often(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.feed.bars["XBTUSD", Timeframe.M5] = bars("XBTUSD", Timeframe.M5, 3)
    async with rig.running():
        rig.focus.look_at("XBTUSD", Timeframe.M5)
        await settle()
        rig.focus.look_at("XBTUSD", Timeframe.M15)
        rig.feed.failure = ExchangeError("EService:Busy")
        await rig.clock.advance(7)
        assert rig.focus.picture().trouble == "candles may be missing: EService:Busy; trying again"
        assert [at for _, _, at in rig.feed.asked] == [0, 0, 1, 3, 7]
        rig.feed.failure = None
        await rig.clock.advance(8)
        assert rig.focus.picture().trouble == ""


async def test_a_store_that_fails_is_told_too(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    await rig.store.close()
    async with rig.running():
        rig.focus.look_at("XBTUSD", Timeframe.M1)
        await settle()
        assert rig.focus.picture().trouble.startswith("candles may be missing: ")


async def test_book_and_trades_are_the_newest_of_this_pair_only(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    async with rig.running():
        rig.focus.on_book(BookTop("XBTUSD"))
        rig.focus.on_trades([trade(1)])
        rig.focus.look_at("XBTUSD", Timeframe.M1)
        assert (rig.focus.picture().book, rig.focus.picture().trades) == (None, ())
        rig.focus.on_book(BookTop("XBTUSD", valid=True))
        rig.focus.on_book(BookTop("ETHUSD"))
        rig.focus.on_trades([trade(1), trade(2), trade(9, "ETHUSD")])
        rig.focus.on_trades([trade(3)])
        rig.focus.look_at("XBTUSD", Timeframe.M5)
        picture = rig.focus.picture()
        assert picture.book == BookTop("XBTUSD", valid=True)
        assert picture.trades == (trade(3), trade(2), trade(1))
        rig.focus.on_trades([trade(n) for n in range(200)])
        assert rig.focus.picture().trades == tuple(trade(n) for n in reversed(range(200 - TRADES, 200)))
        rig.focus.look_at("ETHUSD", Timeframe.M5)
        assert (rig.focus.picture().book, rig.focus.picture().trades) == (None, ())


async def test_pairs_that_are_unknown_or_not_streamed_say_so(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    async with rig.running():
        rig.focus.look_at("NOPE" * 50, Timeframe.M1)
        await settle()
        assert rig.focus.picture().trouble == f"{'NOPE' * 10} is not listed at the exchange"
        assert rig.feed.focused == []
        rig.focus.look_at("DARKUSD", Timeframe.M1)
        await settle()
        assert rig.focus.picture().trouble == "the exchange streams no book and no trades of DARKUSD"


async def test_looking_at_the_same_again_changes_nothing(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    async with rig.running():
        for _ in range(5):
            rig.focus.look_at("XBTUSD", Timeframe.M5)
            await settle()
    assert (len(rig.feed.asked), rig.feed.focused) == (1, ["XBTUSD"])


async def test_going_back_shows_what_was_shown_and_reads_what_came_since(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.feed.bars["XBTUSD", Timeframe.M5] = bars("XBTUSD", Timeframe.M5, 3)
    async with rig.running():
        rig.focus.look_at("XBTUSD", Timeframe.M5)
        await settle()
        rig.focus.look_at("ETHUSD", Timeframe.M15)
        await rig.clock.advance(300)
        final = replace(rig.feed.bars["XBTUSD", Timeframe.M5][-1], close=10.75, trades=2)
        rig.feed.bars["XBTUSD", Timeframe.M5][-1] = final
        rig.feed.gate.clear()
        rig.focus.look_at("XBTUSD", Timeframe.M5)
        assert rig.closes() == [10, 10, 10]
        rig.feed.gate.set()
        await settle()
        assert rig.closes() == [10, 10, 10.75]
        for number in range(RECENT_MAX):
            rig.focus.look_at(f"OTHER{number}", Timeframe.M5)
        rig.focus.look_at("XBTUSD", Timeframe.M5)
        assert rig.closes() == []
