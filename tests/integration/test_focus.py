"""Looking closely at one pair of the local Kraken: its book, its trades, and what becomes of them."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise

import httpx

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.kraken.feed import KrakenFeed
from krakked_tui.kraken.listing import Listing
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.settings import ConnectionSettings, Tier
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.ports import StreamState
from krakked_tui.sandbox.server import running_sandbox
from krakked_tui.sandbox.settings import SandboxSettings
from tests.fakes.viewer import Viewer
from tests.unit.kraken.test_market_stream import Screen

DEPTH = 10
MOVING = SandboxSettings(speed=60.0)


class Desk:
    def __init__(self, feed: KrakenFeed, pairs: dict[str, PairMetadata], http: httpx.AsyncClient) -> None:
        self.feed, self.pairs, self.http = feed, pairs, http
        self.viewer, self.screen = Viewer(), Screen()

    async def look_at(self, pair: str) -> None:
        await self.feed.focus(self.pairs[pair], DEPTH, self.viewer)

    async def fault(self, **rule: object) -> None:
        answer = await self.http.post("/_sandbox/faults", json=rule)
        assert answer.status_code == 200, answer.text

    def state(self) -> StreamState:
        return self.screen.states[-1]


@asynccontextmanager
async def desk(settings: SandboxSettings = MOVING) -> AsyncIterator[Desk]:
    async with running_sandbox(settings) as sandbox, httpx.AsyncClient(base_url=sandbox.rest) as http:
        connection = ConnectionSettings(
            rest_url=sandbox.rest, ws_public_url=sandbox.ws_public, ws_private_url=sandbox.ws_private,
            public_calls_per_second=500, tier=Tier.NONE,
        )  # fmt: skip
        clock = ExchangeClock()
        rest = KrakenRest(connection, clock)
        stream = KrakenStream("market", connection.ws_public_url, clock, random.Random(1))
        feed = KrakenFeed(rest, Listing(rest), stream, clock)
        pairs, _ = await feed.pairs()
        opened = Desk(feed, {pair.canonical: pair for pair in pairs}, http)
        carried = [opened.pairs["XBTUSD"], opened.pairs["ETHUSD"]]
        try:
            async with asyncio.TaskGroup() as group:
                running = group.create_task(feed.stream(carried, [Timeframe.M1], opened.screen))
                yield opened
                running.cancel()
        finally:
            await feed.close()


async def test_the_book_is_the_exchanges_and_the_trades_are_its_latest() -> None:
    async with desk(SandboxSettings(paused=True)) as here:
        await here.look_at("XBTUSD")
        viewer = here.viewer
        await viewer.until(lambda: bool(viewer.trades) and bool(viewer.books) and viewer.books[-1].valid)
        url = f"/0/public/Depth?pair=XBTUSD&count={DEPTH}"
        answer = (await here.http.get(url)).json()["result"]
        told, book = next(iter(answer.values())), viewer.books[-1]
        for side, levels in (("bids", book.bids), ("asks", book.asks)):
            assert [level.price for level in levels] == [Decimal(price) for price, _, _ in told[side]]
            # Depth tells three decimals of each volume.
            off = [abs(level.volume - Decimal(row[1])) for level, row in zip(levels, told[side], strict=True)]
            assert max(off) <= Decimal("0.001")
            assert len(levels) == DEPTH
        assert all(not trade.time > after.time for trade, after in pairwise(viewer.trades))
        assert {trade.pair for trade in viewer.trades} == {"XBTUSD"}
        recent = (await here.http.get("/0/public/Trades", params={"pair": "XBTUSD"})).json()["result"]
        newest = next(rows for rows in recent.values() if isinstance(rows, list))[-1]
        assert (viewer.trades[-1].price, viewer.trades[-1].volume) == (Decimal(newest[0]), Decimal(newest[1]))


async def test_a_wrong_checksum_shows_and_is_made_good() -> None:
    async with desk() as here:
        await here.look_at("XBTUSD")
        await here.viewer.valid()
        seen = len(here.viewer.books)
        await here.fault(kind="checksum", where="book", count=1)
        await here.viewer.invalid(seen)
        await here.viewer.valid()


async def test_a_lost_connection_shows_and_comes_back_without_a_trade_twice() -> None:
    async with desk() as here:
        await here.look_at("XBTUSD")
        await here.viewer.valid()
        seen = len(here.viewer.books)
        await here.fault(kind="close", where="book", count=1)
        await here.viewer.invalid(seen)
        await here.viewer.valid()
        before = len(here.viewer.trades)
        await here.viewer.until(lambda: len(here.viewer.trades) > before)
        times = [trade.time for trade in here.viewer.trades]
        assert times == sorted(times)


async def test_of_two_quick_changes_the_last_remains() -> None:
    async with desk() as here:
        await here.look_at("XBTUSD")
        await here.viewer.valid()
        await here.look_at("ETHUSD")
        await here.look_at("SOLUSD")
        await here.viewer.valid("SOLUSD")
        await here.screen.until(lambda: here.state().wanted == here.state().acked == 7)
        seen, traded = len(here.viewer.books), len(here.viewer.trades)
        await here.viewer.until(lambda: len(here.viewer.books) > seen + 3)
        assert {book.pair for book in here.viewer.books[seen:]} == {"SOLUSD"}
        assert {trade.pair for trade in here.viewer.trades[traded:]} <= {"SOLUSD"}
