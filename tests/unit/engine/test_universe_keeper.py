"""Reading the universe anew: when, what is told to whom, and what is not believed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from msgspec.structs import replace

from krakked_tui.decision.effects import Level, Log
from krakked_tui.decision.events import UniverseChanged
from krakked_tui.domain.errors import AccessError, ExchangeError, StorageError, UnknownPairError
from krakked_tui.domain.pairs import AssetInfo, PairMetadata, PairStatus
from krakked_tui.engine import universe_keeper
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.universe_keeper import UniverseKeeper, UniverseRules
from krakked_tui.market.settings import UniverseSettings
from krakked_tui.ports import ListedPairs
from tests.fakes.clock import FakeClock
from tests.fakes.feed import FakeFeed
from tests.fakes.universe_cache import FakeUniverseCache
from tests.unit.domain.builders import make_pair, make_quote

XBT, ETH, SOL, ADA = (make_pair(name) for name in ("XBTUSD", "ETHUSD", "SOLUSD", "ADAUSD"))
DOWN = ExchangeError("AssetPairs failed: the network is down")
HOUR = 3600.0


class Desk:
    """A keeper, and everything it says."""

    def __init__(self, *pairs: PairMetadata, cached: ListedPairs | None = None, **rules: object) -> None:
        self.clock = FakeClock()
        self.feed = FakeFeed(self.clock)
        self.cache = FakeUniverseCache(cached)
        self.inbox = Inbox()
        self.logs: list[Log] = []
        self.added: list[str] = []
        self.needed: set[str] = set()
        self.keeper = UniverseKeeper(
            feed=self.feed, cache=self.cache, inbox=self.inbox, clock=self.clock,
            rules=UniverseRules(
                universe=UniverseSettings(**rules),  # type: ignore[arg-type]
                quote_asset="USD", refresh_seconds=HOUR,
            ),
            needed=lambda: self.needed, on_added=self.add, write_log=self.logs.append,
        )  # fmt: skip
        self.lists(*pairs)

    def lists(self, *pairs: PairMetadata) -> None:
        """Have the exchange list these, all of them much traded."""
        self.feed.listed = pairs
        self.feed.prices = {
            pair.canonical: make_quote(pair.canonical, volume_24h="1000000", vwap_24h="1") for pair in pairs
        }

    def add(self, pairs: Sequence[PairMetadata]) -> None:
        self.added += [pair.canonical for pair in pairs]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.keeper.first()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self.keeper.run())
            await self.clock.advance(0)
            yield
            running.cancel()

    def events(self) -> list[UniverseChanged]:
        found = []
        while (event := self.inbox.pop()) is not None:
            assert isinstance(event, UniverseChanged)
            found.append(event)
        return found

    def said(self, event: str) -> list[Log]:
        return [log for log in self.logs if log.event == event]


async def test_the_start_reads_the_exchange_and_keeps_it_for_the_next() -> None:
    desk = Desk(XBT, make_pair("XBTEUR", quote="EUR"))
    universe = await desk.keeper.first()
    assert (list(universe.pairs), list(universe.known)) == (["XBTUSD"], ["XBTUSD"])
    assert desk.keeper.known.keys() == {"XBTUSD", "XBTEUR"}
    assert desk.keeper.streamed == {"XBTUSD": XBT}
    assert (desk.keeper.read_at_wall, desk.keeper.trouble, desk.keeper.cached_at) == (0.0, "", None)
    assert desk.cache.listed == ListedPairs(desk.clock.now(), tuple(desk.keeper.known.values()), ("XBTUSD",))
    assert desk.events() == []


CACHED = ListedPairs(FakeClock().now() - timedelta(hours=5), (XBT, ETH, SOL), ("ETHUSD", "XBTUSD"))


async def test_a_start_without_the_exchange_uses_the_last_universe_and_says_how_old_it_is() -> None:
    desk = Desk(cached=CACHED, exclude_pairs=("ETHUSD",))
    desk.feed.failure = DOWN
    universe = await desk.keeper.first()
    assert list(universe.pairs) == ["XBTUSD"], "what is excluded today is not traded"
    assert list(universe.known) == ["ETHUSD", "SOLUSD", "XBTUSD"]
    assert desk.keeper.cached_at == CACHED.at
    assert desk.keeper.read_at_wall is None
    assert desk.keeper.trouble == str(DOWN)
    (line,) = desk.said("universe_cached")
    assert (line.level, line.fields["age_seconds"]) == (Level.WARNING, 5 * 3600)
    assert "5.0 hours ago" in line.message
    assert (desk.cache.saves, desk.cache.listed) == (0, CACHED), "it does not become younger"
    assert desk.said("universe_warning") == []


async def test_a_start_from_the_disk_goes_over_to_the_exchange_when_it_answers() -> None:
    desk = Desk(XBT, ETH, cached=CACHED)
    desk.feed.failure = DOWN
    async with desk.running():
        await desk.clock.advance(59)
        desk.feed.failure = None
        await desk.clock.advance(2)
        assert (desk.keeper.cached_at, desk.keeper.trouble) == (None, "")
        (event,) = desk.events()
        assert event.known.keys() == {"XBTUSD", "ETHUSD"}
    assert len(desk.said("universe_read_again")) == 1


async def test_a_start_without_exchange_and_without_cache_fails() -> None:
    desk = Desk()
    desk.feed.failure = DOWN
    with pytest.raises(ExchangeError, match="network is down"):
        await desk.keeper.first()


async def test_a_refused_key_is_not_papered_over_by_the_cache() -> None:
    desk = Desk(cached=CACHED)
    desk.feed.failure = AccessError("EAPI:Invalid key")
    with pytest.raises(AccessError):
        await desk.keeper.first()


async def test_a_start_believes_few_pairs_but_not_none() -> None:
    desk = Desk(XBT, cached=CACHED)
    assert list((await desk.keeper.first()).pairs) == ["XBTUSD"]
    desk = Desk(cached=CACHED)
    assert list((await desk.keeper.first()).pairs) == ["ETHUSD", "XBTUSD"]
    assert "lists 0 pairs" in desk.keeper.trouble
    with pytest.raises(ExchangeError, match="lists 0 pairs"):
        await Desk().keeper.first()


async def test_pairs_delisted_while_nobody_looked_are_still_known() -> None:
    desk = Desk(XBT, cached=CACHED)
    await desk.keeper.first()
    assert desk.keeper.known["SOLUSD"] == replace(SOL, status=PairStatus.DELISTED)
    assert desk.cache.listed is not None
    assert {pair.canonical for pair in desk.cache.listed.pairs} == {"XBTUSD", "ETHUSD", "SOLUSD"}
    again = Desk(XBT, SOL, cached=desk.cache.listed)
    await again.keeper.first()
    assert again.keeper.known["SOLUSD"] == SOL
    assert again.keeper.known["ETHUSD"].status is PairStatus.DELISTED


async def test_the_pairs_that_are_remembered_are_bounded() -> None:
    gone = tuple(make_pair(f"P{n}USD", status=PairStatus.DELISTED) for n in range(600))
    desk = Desk(XBT, cached=ListedPairs(CACHED.at, gone, ()))
    await desk.keeper.first()
    assert len(desk.keeper.known) == 1 + universe_keeper.DELISTED_MAX
    assert "P599USD" in desk.keeper.known


async def test_every_hour_what_differs_is_told_and_streamed() -> None:
    desk = Desk(XBT, ETH, SOL)
    async with desk.running():
        await desk.clock.advance(HOUR + 1)
        assert desk.events() == [], "nothing differs"
        assert desk.feed.carried == []
        desk.lists(XBT, ETH, ADA)
        await desk.clock.advance(HOUR - 10)
        assert desk.events() == []
        await desk.clock.advance(20)
        (event,) = desk.events()
        assert event.known == {pair.canonical: pair for pair in (XBT, ETH, ADA)}
        assert event.tradable == {"XBTUSD", "ETHUSD", "ADAUSD"}
        assert [sorted(names) for names in desk.feed.carried] == [["ADAUSD", "ETHUSD", "XBTUSD"]]
        assert desk.added == ["ADAUSD"]
        assert desk.keeper.streamed.keys() == {"XBTUSD", "ETHUSD", "ADAUSD"}
        assert desk.keeper.known["SOLUSD"].status is PairStatus.DELISTED


async def test_another_precision_and_another_volume_are_told_too() -> None:
    desk = Desk(XBT, ETH)
    async with desk.running():
        desk.lists(replace(XBT, price_decimals=5), ETH)
        await desk.clock.advance(HOUR + 1)
        (event,) = desk.events()
        assert event.known["XBTUSD"].price_decimals == 5
        assert len(desk.feed.carried) == 1, "books are checked at the new decimals"
        assert desk.added == []
        desk.feed.prices["ETHUSD"] = make_quote("ETHUSD")
        await desk.clock.advance(HOUR + 1)
        (event,) = desk.events()
        assert event.tradable == {"XBTUSD"}
        assert desk.feed.carried[-1] == ("XBTUSD",)


async def test_what_is_needed_is_streamed_whatever_its_status() -> None:
    desk = Desk(XBT, replace(ETH, status=PairStatus.CANCEL_ONLY))
    async with desk.running():
        assert desk.keeper.streamed.keys() == {"XBTUSD"}
        desk.needed = {"ETHUSD", "GONEUSD"}
        await desk.clock.advance(1)
        assert desk.feed.carried == [("XBTUSD", "ETHUSD")]
        assert desk.added == ["ETHUSD"]
        await desk.clock.advance(10)
        assert len(desk.feed.carried) == 1
        desk.needed = set()
        await desk.clock.advance(1)
        assert desk.feed.carried[-1] == ("XBTUSD",)
        assert desk.events() == []


async def test_a_failing_reading_is_said_once_and_made_again_after_a_minute() -> None:
    desk = Desk(XBT)
    async with desk.running():
        desk.feed.failure = DOWN
        await desk.clock.advance(HOUR + 301)
        (line,) = desk.said("universe_not_read")
        assert (line.level, line.fields["reason"]) == (Level.WARNING, str(DOWN))
        assert desk.keeper.trouble == str(DOWN)
        desk.feed.failure = ExchangeError("something else")
        await desk.clock.advance(60)
        assert len(desk.said("universe_not_read")) == 2
        desk.feed.failure = None
        await desk.clock.advance(50)
        assert desk.keeper.trouble == "something else", "a minute is not over"
        await desk.clock.advance(11)
        assert desk.keeper.trouble == ""
        assert desk.keeper.read_at_wall is not None
        assert desk.keeper.read_at_wall > HOUR + 360
        assert desk.events() == []


@pytest.mark.parametrize("left", [(), (XBT,)])
async def test_most_pairs_do_not_vanish_at_once(left: tuple[PairMetadata, ...]) -> None:
    desk = Desk(XBT, ETH, SOL)
    async with desk.running():
        desk.lists(*left)
        await desk.clock.advance(HOUR + 120)
        (line,) = desk.said("universe_not_read")
        assert line.level is Level.ERROR
        assert f"lists {len(left)} pairs where it listed 3 before" in line.message
        assert desk.events() == []
        assert len(desk.keeper.universe.pairs) == 3
        assert desk.feed.carried == []
        desk.lists(XBT, ETH)
        await desk.clock.advance(60)
        assert len(desk.events()) == 1


async def test_most_prices_do_not_vanish_at_once() -> None:
    desk = Desk(XBT, ETH, SOL)
    async with desk.running():
        desk.feed.prices = {}
        await desk.clock.advance(HOUR + 1)
        (line,) = desk.said("universe_not_read")
        assert (line.level, desk.events()) == (Level.ERROR, [])
        assert "prices of 0 of 3 pairs" in line.message


async def test_a_status_that_differs_is_looked_at_soon_but_not_all_the_time() -> None:
    desk = Desk(XBT, ETH)
    async with desk.running():
        await desk.clock.advance(100)
        desk.keeper.on_pair_statuses({"XBTUSD": PairStatus.ONLINE, "OLDUSD": PairStatus.DELISTED})
        await desk.clock.advance(100)
        assert desk.keeper.read_at_wall == 0.0, "nothing differs"
        halted = replace(ETH, status=PairStatus.CANCEL_ONLY)
        desk.lists(XBT, halted)
        desk.keeper.on_pair_statuses({"ETHUSD": PairStatus.CANCEL_ONLY})
        await desk.clock.advance(1)
        first_read = desk.keeper.read_at_wall
        assert first_read is not None
        assert 200 <= first_read <= 201
        (event,) = desk.events()
        assert event.known["ETHUSD"].status is PairStatus.CANCEL_ONLY
        assert event.tradable == {"XBTUSD"}
        desk.lists(XBT, ETH)
        desk.keeper.on_pair_statuses({"ETHUSD": PairStatus.ONLINE})
        await desk.clock.advance(25)
        assert desk.keeper.read_at_wall == first_read
        await desk.clock.advance(6)
        assert desk.keeper.read_at_wall == first_read + 30


async def test_a_status_the_listing_does_not_show_yet_is_looked_at_a_few_times() -> None:
    desk = Desk(XBT, ETH)
    async with desk.running():
        await desk.clock.advance(100)
        desk.keeper.on_pair_statuses({"NEWUSD": PairStatus.ONLINE, "ETHUSD": PairStatus.POST_ONLY})
        await desk.clock.advance(35)
        assert desk.cache.saves == 3
        await desk.clock.advance(900)
        assert desk.cache.saves == 2 + universe_keeper.REPEATS_MAX
        assert desk.events() == []


async def test_an_override_that_cannot_be_followed_is_said_once() -> None:
    desk = Desk(XBT, ETH, include_pairs=("XBTUDS",))
    async with desk.running():
        await desk.clock.advance(3 * HOUR)
        (line,) = desk.said("universe_warning")
        assert "did you mean XBTUSD?" in line.message
        desk.lists(XBT, ETH, make_pair("XBTUDS"))
        await desk.clock.advance(HOUR)
        desk.lists(XBT, ETH)
        await desk.clock.advance(HOUR)
        assert len(desk.said("universe_warning")) == 2


async def test_a_disk_that_takes_nothing_stops_nothing() -> None:
    desk = Desk(XBT)
    desk.cache.failure = StorageError("universe.json cannot be written: the disk is full")
    async with desk.running():
        await desk.clock.advance(2 * HOUR)
        (line,) = desk.said("universe_not_kept")
        assert line.level is Level.ERROR
        desk.cache.failure = None
        await desk.clock.advance(HOUR)
        assert desk.cache.saves == 1


async def test_a_pair_by_name() -> None:
    desk = Desk(XBT, ETH)
    await desk.keeper.first()
    assert desk.keeper.metadata("XBTUSD") == XBT
    with pytest.raises(UnknownPairError, match="'BTC/USD': did you mean XBTUSD"):
        desk.keeper.metadata("BTC/USD")


async def test_assets_by_name() -> None:
    desk = Desk(XBT)
    euro = AssetInfo("EUR", "ZEUR", "currency", 4, 2)
    desk.feed.assets = [euro]
    await desk.keeper.first()
    assert desk.keeper.assets == {"EUR": euro}
