"""Pairs of the local Kraken come, go and change; the exchange takes less for a while."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import httpx

from krakked_tui.decision.effects import Log
from krakked_tui.decision.events import UniverseChanged
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.pairs import PairMetadata, PairStatus, SystemStatus
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.universe_keeper import UniverseKeeper, UniverseRules
from krakked_tui.market.settings import UniverseSettings
from tests.fakes.universe_cache import FakeUniverseCache
from tests.integration.test_kraken_sandbox import Client, connected


class Desk:
    """A client whose stream follows a keeper."""

    def __init__(self, client: Client, http: httpx.AsyncClient) -> None:
        self.client, self.http = client, http
        self.inbox = Inbox()
        self.needed: set[str] = set()
        self.added: list[str] = []
        self.logs: list[Log] = []
        self.keeper = UniverseKeeper(
            feed=client.feed, cache=FakeUniverseCache(), inbox=self.inbox, clock=client.clock,
            rules=UniverseRules(
                universe=UniverseSettings(), quote_asset="USD", refresh_seconds=3600,
            ),
            needed=lambda: self.needed, on_added=self.add, write_log=self.logs.append,
        )  # fmt: skip

    def add(self, pairs: Sequence[PairMetadata]) -> None:
        self.added += [pair.canonical for pair in pairs]

    async def happen(self, action: str, **fields: object) -> None:
        answer = await self.http.post("/_sandbox/market", json={"action": action, **fields})
        assert answer.status_code == 200, answer.text

    async def told(self, statuses: Mapping[str, PairStatus]) -> None:
        await self.client.until(lambda: statuses.items() <= self.client.statuses.items())

    async def read(self) -> UniverseChanged:
        """Have the keeper read, and return what it told the core."""
        await self.keeper.refresh()
        event = self.inbox.pop()
        assert isinstance(event, UniverseChanged)
        assert self.inbox.pop() is None
        return event

    async def all_carried(self) -> None:
        wanted = 2 * len(self.keeper.streamed) + 1
        await self.client.until(lambda: self.client.states["market"].acked == wanted)
        assert self.client.states["market"].failed == ()


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    async with connected() as client, httpx.AsyncClient(base_url=client.rest_url) as http:
        opened = Desk(client, http)
        await opened.keeper.first()
        async with asyncio.TaskGroup() as group:
            pairs = tuple(opened.keeper.streamed.values())
            running = group.create_task(client.feed.stream(pairs, [Timeframe.M1], client))
            await client.until(lambda: bool(client.statuses) and "market" in client.states)
            await opened.all_carried()
            yield opened
            running.cancel()


async def test_all_statuses_are_told_at_once() -> None:
    async with desk() as here:
        assert here.client.system == [SystemStatus.ONLINE]
        listed = {name: pair.status for name, pair in here.keeper.known.items()}
        assert here.client.statuses == listed
        await here.happen("system_status", status="maintenance")
        await here.happen("system_status", status="online")
        await here.client.until(lambda: len(here.client.system) == 3)
        assert here.client.system[1:] == [SystemStatus.MAINTENANCE, SystemStatus.ONLINE]


async def test_a_pair_is_delisted_and_listed_again() -> None:
    async with desk() as here:
        await here.happen("delist", pair="ETHUSD")
        await here.told({"ETHUSD": PairStatus.DELISTED})
        event = await here.read()
        assert "ETHUSD" not in event.known
        assert "ETHUSD" not in event.tradable
        assert "ETHUSD" not in await here.client.feed.quotes()
        assert here.keeper.known["ETHUSD"].status is PairStatus.DELISTED
        await here.all_carried()
        await here.happen("list", pair="ETHUSD")
        await here.told({"ETHUSD": PairStatus.ONLINE})
        here.client.quotes.clear()
        event = await here.read()
        assert event.known["ETHUSD"].status is PairStatus.ONLINE
        assert here.added == ["ETHUSD"]
        assert "ETHUSD" in await here.client.feed.quotes()
        await here.client.until(lambda: "ETHUSD" in here.client.quotes)
        await here.all_carried()


async def test_a_pair_changes_its_status_and_its_precision() -> None:
    async with desk() as here:
        before = here.keeper.known["XBTUSD"]
        here.needed = {"ETHUSD"}
        await here.happen("pair_status", pair="ETHUSD", status="cancel_only")
        await here.happen("pair_status", pair="SOLUSD", status="post_only")
        await here.happen("precision", pair="XBTUSD", price_decimals=3)
        await here.told({"ETHUSD": PairStatus.CANCEL_ONLY, "SOLUSD": PairStatus.POST_ONLY})
        event = await here.read()
        assert event.known["ETHUSD"].status is PairStatus.CANCEL_ONLY
        assert event.known["SOLUSD"].status is PairStatus.POST_ONLY
        assert not {"ETHUSD", "SOLUSD"} & event.tradable
        assert (before.price_decimals, event.known["XBTUSD"].price_decimals) == (1, 3)
        assert str(event.known["XBTUSD"].tick_size) == "0.001"
        # What is held is streamed on, what is only listed is not.
        assert "ETHUSD" in here.keeper.streamed
        assert "SOLUSD" not in here.keeper.streamed
        await here.all_carried()


async def test_renewed_pairs_are_carried_on() -> None:
    async with desk() as here:
        here.client.quotes.clear()
        await here.client.feed.renew(["XBTUSD", "NOBODYUSD"])
        await here.client.until(lambda: "XBTUSD" in here.client.quotes)
        await here.all_carried()
