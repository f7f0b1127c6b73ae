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
            tasks = [group.create_task(work()) for work in (self.keeper.run, self.keeper.follow)]
            await self.clock.advance(0)
            yield
            for task in tasks:
                task.cancel()

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
        assert desk.events() == [], "SOLUSD may be held: one reading does not count"
        await desk.clock.advance(31)
        (event,) = desk.events()
        assert event.known.keys() == {"XBTUSD", "ETHUSD"}, "a second reading agrees"
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


@pytest.mark.parametrize("left", [(), (XBT,)])
async def test_a_start_compares_with_the_last_run(left: tuple[PairMetadata, ...]) -> None:
    assert list((await Desk(XBT).keeper.first()).pairs) == ["XBTUSD"], "there is nothing to compare with"
    desk = Desk(*left, cached=CACHED)
    assert list((await desk.keeper.first()).pairs) == ["ETHUSD", "XBTUSD"]
    assert f"lists {len(left)} pairs where it listed 3 before" in desk.keeper.trouble
    with pytest.raises(ExchangeError, match="lists 0 pairs"):
        await Desk().keeper.first()


async def test_pairs_delisted_while_nobody_looked_are_still_known() -> None:
    desk = Desk(XBT, SOL, cached=CACHED)
    async with desk.running():
        assert desk.keeper.known["ETHUSD"] == ETH, "one reading proves nothing: it may be held"
        assert list(desk.keeper.universe.pairs) == ["SOLUSD", "XBTUSD"], "but it is not entered"
        await desk.clock.advance(31)
    assert desk.keeper.known["ETHUSD"] == replace(ETH, status=PairStatus.DELISTED)
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


async def test_what_the_stream_tells_of_a_status_counts_at_once() -> None:
    desk = Desk(XBT, ETH)
    async with desk.running():
        await desk.clock.advance(100)
        desk.keeper.on_pair_statuses({"XBTUSD": PairStatus.ONLINE, "OLDUSD": PairStatus.DELISTED})
        assert desk.events() == [], "nothing differs"
        desk.keeper.on_pair_statuses({"ETHUSD": PairStatus.MAINTENANCE})
        (event,) = desk.events()
        assert event.known["ETHUSD"].status is PairStatus.MAINTENANCE
        assert event.tradable == {"XBTUSD"}
        await desk.clock.advance(1)
        assert desk.feed.carried == [("XBTUSD",)]
        await desk.clock.advance(2 * HOUR)
        assert desk.events() == [], "no listing shows it, and none takes it back"
        desk.keeper.on_pair_statuses({"ETHUSD": PairStatus.ONLINE})
        (event,) = desk.events()
        assert event.tradable == {"XBTUSD", "ETHUSD"}
    assert desk.cache.listed is not None
    assert set(desk.cache.listed.pairs) == {XBT, ETH}


async def test_the_stream_wins_over_a_listing_that_is_late() -> None:
    desk = Desk(XBT, replace(ETH, status=PairStatus.CANCEL_ONLY))
    async with desk.running():
        desk.keeper.on_pair_statuses({"ETHUSD": PairStatus.ONLINE})
        assert desk.keeper.metadata("ETHUSD").status is PairStatus.ONLINE
        assert desk.keeper.read_at_wall == 0.0, "it is no reason to read"


async def test_statuses_that_change_all_the_time_are_told_once_a_second() -> None:
    desk = Desk(XBT, ETH)
    async with desk.running():
        await desk.clock.advance(100)
        for number in range(50):
            status = PairStatus.POST_ONLY if number % 2 else PairStatus.CANCEL_ONLY
            desk.keeper.on_pair_statuses({"ETHUSD": status})
            await desk.clock.advance(0.1)
        await desk.clock.advance(2)
        events = desk.events()
        assert 5 <= len(events) <= 7
        assert events[-1].known["ETHUSD"].status is PairStatus.POST_ONLY, "the last one is told"


async def test_a_status_is_told_while_a_reading_hangs() -> None:
    desk = Desk(XBT, ETH)
    async with desk.running():
        desk.keeper.on_pair_statuses({"ETHUSD": PairStatus.POST_ONLY})
        desk.feed.gate.clear()
        await desk.clock.advance(HOUR + 10)
        desk.events()
        desk.keeper.on_pair_statuses({"ETHUSD": PairStatus.CANCEL_ONLY})
        desk.keeper.on_pair_statuses({"ETHUSD": PairStatus.ONLINE})
        await desk.clock.advance(2)
        assert desk.events()[-1].tradable == {"XBTUSD", "ETHUSD"}
        desk.feed.gate.set()


async def test_statuses_count_only_while_the_stream_would_tell_of_a_change() -> None:
    desk = Desk(XBT, ETH)
    async with desk.running():
        await desk.clock.advance(10)
        desk.keeper.on_pair_statuses({"ETHUSD": PairStatus.MAINTENANCE})
        await desk.clock.advance(2)
        desk.keeper.trust_stream(trusted=False)
        assert desk.events()[-1].known["ETHUSD"].status is PairStatus.ONLINE
        await desk.clock.advance(2)
        desk.keeper.trust_stream(trusted=True)
        assert desk.events()[-1].known["ETHUSD"].status is PairStatus.MAINTENANCE


async def test_a_pair_that_is_not_listed_yet_is_looked_at_a_few_times() -> None:
    desk = Desk(XBT, ETH)
    async with desk.running():
        await desk.clock.advance(100)
        desk.keeper.on_pair_statuses({"NEWUSD": PairStatus.ONLINE})
        await desk.clock.advance(35)
        assert desk.cache.saves == 3
        await desk.clock.advance(900)
        assert desk.cache.saves == 2 + universe_keeper.REPEATS_MAX
        assert desk.events() == []
        desk.keeper.on_pair_statuses({"NEWUSD": PairStatus.ONLINE})
        desk.lists(XBT, ETH, make_pair("NEWUSD"))
        await desk.clock.advance(1)
        (event,) = desk.events()
        assert "NEWUSD" in event.tradable
        await desk.clock.advance(900)
        assert desk.cache.saves == 3 + universe_keeper.REPEATS_MAX, "it is there now"


async def test_one_reading_does_not_delist_what_is_needed() -> None:
    desk = Desk(XBT, ETH, SOL, ADA)
    async with desk.running():
        desk.needed = {"ETHUSD"}
        await desk.clock.advance(100)
        desk.lists(XBT, ADA)
        desk.feed.prices["ETHUSD"] = make_quote("ETHUSD", volume_24h="1000000", vwap_24h="1")
        await desk.keeper.refresh()
        (event,) = desk.events()
        assert event.known == {"XBTUSD": XBT, "ADAUSD": ADA, "ETHUSD": ETH}
        assert event.tradable == {"XBTUSD", "ADAUSD"}, "nothing is entered on a doubt"
        assert "ETHUSD" in desk.keeper.streamed
        assert [line.fields["pair"] for line in desk.said("pair_doubted")] == ["ETHUSD"]
        desk.lists(XBT, ADA, ETH)
        await desk.clock.advance(31)
        (event,) = desk.events()
        assert "ETHUSD" in event.tradable
        assert desk.keeper.doubted == {}


async def test_two_readings_delist_what_is_needed() -> None:
    desk = Desk(XBT, ETH, SOL, ADA)
    async with desk.running():
        desk.needed = {"ETHUSD"}
        await desk.clock.advance(100)
        desk.lists(XBT, SOL, ADA)
        await desk.keeper.refresh()
        await desk.clock.advance(31)
        assert "ETHUSD" not in desk.events()[-1].known
        assert desk.keeper.known["ETHUSD"].status is PairStatus.DELISTED
        assert "ETHUSD" not in desk.keeper.streamed


async def test_the_stream_delists_at_once() -> None:
    desk = Desk(XBT, ETH, SOL)
    async with desk.running():
        desk.needed = {"ETHUSD"}
        desk.keeper.on_pair_statuses({"ETHUSD": PairStatus.DELISTED})
        await desk.clock.advance(1)
        assert "ETHUSD" not in desk.events()[-1].known
        assert "ETHUSD" not in desk.keeper.streamed
        assert desk.keeper.known["ETHUSD"].status is PairStatus.DELISTED
        desk.keeper.on_pair_statuses({"ETHUSD": PairStatus.ONLINE})
        await desk.clock.advance(1)
        assert "ETHUSD" in desk.events()[-1].tradable
        assert "ETHUSD" in desk.keeper.streamed


async def test_a_listing_that_stays_as_it_is_for_an_hour_is_believed() -> None:
    desk = Desk(XBT, ETH, SOL)
    async with desk.running():
        desk.lists(XBT)
        await desk.clock.advance(2 * HOUR - 10)
        assert desk.events() == []
        await desk.clock.advance(200)
        assert desk.events()[-1].known.keys() == {"XBTUSD"}
        assert desk.keeper.trouble == ""


async def test_pairs_are_taken_over_although_their_volumes_cannot_be_read() -> None:
    desk = Desk(XBT, ETH)
    async with desk.running():
        desk.lists(XBT, replace(ETH, status=PairStatus.CANCEL_ONLY), SOL)
        desk.feed.quotes_failure = ExchangeError("EService:Busy")
        await desk.clock.advance(HOUR + 1)
        (event,) = desk.events()
        assert event.known["ETHUSD"].status is PairStatus.CANCEL_ONLY
        assert event.tradable == {"XBTUSD"}, "by what was traded before"
        (line,) = desk.said("universe_not_read")
        assert "what was known of it stays: EService:Busy" in line.message
        desk.feed.quotes_failure = None
        await desk.clock.advance(61)
        assert desk.events()[-1].tradable == {"XBTUSD", "SOLUSD"}
        assert desk.keeper.trouble == ""


async def test_a_start_without_volumes_trades_what_was_traded_in_the_last_run() -> None:
    desk = Desk(XBT, ETH, SOL, cached=CACHED)
    desk.feed.quotes_failure = ExchangeError("EService:Busy")
    assert list((await desk.keeper.first()).pairs) == ["ETHUSD", "XBTUSD"]
    assert (desk.keeper.cached_at, desk.keeper.trouble) == (None, "EService:Busy")


async def test_most_volumes_do_not_vanish_at_once() -> None:
    desk = Desk(XBT, ETH, SOL)
    async with desk.running():
        desk.feed.prices |= {name: make_quote(name) for name in ("XBTUSD", "ETHUSD")}
        await desk.clock.advance(HOUR + 1)
        assert desk.events() == []
        (line,) = desk.said("universe_not_read")
        assert line.level is Level.ERROR
        assert "volume of 0 for 2 of 3 pairs" in line.message
        assert len(desk.keeper.universe.pairs) == 3


async def test_nothing_to_trade_is_a_state_and_told_with_its_cause() -> None:
    desk = Desk(XBT, ETH)
    desk.feed.prices = {name: make_quote(name) for name in ("XBTUSD", "ETHUSD")}
    assert (await desk.keeper.first()).pairs == {}
    (line,) = desk.said("universe_empty")
    assert line.level is Level.ERROR
    assert "the exchange tells a volume of 0 for every pair" in line.message
    barred = Desk(replace(XBT, status=PairStatus.CANCEL_ONLY))
    await barred.keeper.first()
    assert barred.keeper.empty == "the exchange lets no pair be traded now"
    floor = Desk(XBT, exclude_pairs=("XBTUSD",))
    await floor.keeper.first()
    assert floor.keeper.empty.startswith("[universe] leaves none")
    other = Desk(make_pair("XBTEUR", quote="EUR"))
    await other.keeper.first()
    assert other.keeper.empty == "the exchange lists no pair quoted in USD"


async def test_pairs_that_may_be_traded_again_are_told() -> None:
    desk = Desk(replace(XBT, status=PairStatus.CANCEL_ONLY))
    async with desk.running():
        assert desk.keeper.empty
        await desk.clock.advance(10)
        assert len(desk.said("universe_empty")) == 1
        desk.keeper.on_pair_statuses({"XBTUSD": PairStatus.ONLINE})
        assert desk.keeper.empty == ""
        assert len(desk.said("universe_filled")) == 1


async def test_a_start_from_the_disk_does_not_blame_the_settings() -> None:
    euro = make_pair("XBTEUR", quote="EUR")
    pairs = (replace(XBT, status=PairStatus.CANCEL_ONLY), ETH, euro)
    desk = Desk(cached=ListedPairs(CACHED.at, pairs, ("ETHUSD", "XBTEUR", "XBTUSD")))
    desk.feed.failure = DOWN
    assert list((await desk.keeper.first()).pairs) == ["ETHUSD"]
    assert desk.said("universe_warning") == []


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
