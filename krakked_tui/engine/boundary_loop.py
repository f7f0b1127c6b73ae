"""Closing candles at their boundaries, on exchange time."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from krakked_tui.decision.effects import Level, Log
from krakked_tui.decision.events import BoundaryClosed
from krakked_tui.domain.candles import Timeframe
from krakked_tui.engine.candle_writer import CandleWriter
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import LiveMarket, grace
from krakked_tui.market.boundaries import (
    closed_between,
    missed_between,
    newest_boundary,
    next_boundary,
)
from krakked_tui.market.settings import MarketDataSettings
from krakked_tui.ports import CandleStore, Clock

POLL_SECONDS = 0.02
LONGEST_WAIT_SECONDS = 0.5
"""Exchange time may jump or change its pace, so no wait is longer than this (wall)."""
STORE_SECONDS = 1.0
"""How long (wall) the strategies wait for candles to be stored."""


class BoundaryLoop:
    """Waits for each boundary, stores the candles that closed, and tells the core.

    When several boundaries have passed (the process was asleep, the network down), all their
    candles are stored but only the newest boundary is reported, with the number missed. Candles
    that the store refuses, or does not take in time, are shown to the strategies all the same, and
    stored later. Exchange time that goes back by an interval or more is followed: boundaries that come
    again are reported again, since what closed at them before was not final.
    """

    def __init__(
        self, *, timeframes: Sequence[Timeframe], market: LiveMarket, store: CandleStore, inbox: Inbox,
        clock: Clock, settings: MarketDataSettings, write_log: Callable[[Log], None],
        lost: Callable[[], None],
    ) -> None:  # fmt: skip
        """``timeframes`` are those of the strategies: only their boundaries are reported.

        All timeframes of ``market`` are closed and stored. ``lost`` is called when candles that closed
        may lack what the feed did not bring, so that they are read from the exchange.
        """
        self._timeframes = tuple(timeframes)
        self._kept = tuple({*timeframes, *market.timeframes})
        self._shortest = min(self._kept, key=lambda timeframe: timeframe.minutes, default=Timeframe.M1)
        self._market = market
        self._inbox = inbox
        self._clock = clock
        self._settings = settings
        self._write_log = write_log
        self._lost = lost
        self._writer = CandleWriter(store, clock, write_log)
        self._done: datetime | None = None
        self.next_at: datetime | None = None
        """The boundary waited for, of any timeframe that is kept."""

    @property
    def next_cycle_at(self) -> datetime | None:
        """The next boundary that will be reported; None without strategies, or before the start."""
        if self.next_at is None or not self._timeframes:
            return None
        return next_boundary(self.next_at - self._shortest.length, self._timeframes)

    @property
    def unstored(self) -> int:
        """Closed candles that wait for a store that refuses them or does not answer."""
        return self._writer.unstored

    def use(self, timeframes: Collection[Timeframe]) -> None:
        """Report the boundaries of these, all of which must be kept, from the next one on."""
        assert set(timeframes) <= set(self._kept), timeframes
        self._timeframes = tuple(timeframes)

    async def run(self) -> None:
        """Close boundaries until cancelled. Started again, it goes on where it was."""
        if not self._kept:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._writer.run())
            if self._done is None:
                self._done = newest_boundary(self._clock.now(), self._kept)
            while True:
                self._done = await self._next(self._done)

    async def _next(self, done: datetime) -> datetime:
        """Close what comes after ``done``; returns the boundary that is done then."""
        clock = self._clock
        self.next_at = next_boundary(done, self._kept)
        if not await self._final(self.next_at):
            return self._go_back(done)
        newest = max(self.next_at, newest_boundary(clock.now() - self._grace(), self._kept))
        if not await self._final(newest):
            return self._go_back(done)
        await self._close(done, newest)
        return newest

    async def _final(self, boundary: datetime) -> bool:
        """Wait until a boundary is settled; False when exchange time went back, away from it."""
        clock = self._clock
        while (now := clock.now()) < boundary:
            if boundary - now > 2 * self._shortest.length:
                return False
            wall = (boundary - now).total_seconds() / clock.speed if clock.speed else LONGEST_WAIT_SECONDS
            await clock.sleep(min(wall, LONGEST_WAIT_SECONDS))
        while not self._market.final(boundary, self._grace()):
            await clock.sleep(POLL_SECONDS)
            if clock.now() < boundary - self._shortest.length:
                return False
        return True

    def _go_back(self, done: datetime) -> datetime:
        again = newest_boundary(self._clock.now(), self._kept)
        message = (
            f"exchange time went back to before {done:%Y-%m-%d %H:%M} UTC: candle boundaries from"
            f" {again + self._shortest.length:%Y-%m-%d %H:%M} on are closed again"
        )
        fields: dict[str, str | int | float | bool | None] = {
            "done": done.isoformat(), "again": again.isoformat(),
        }  # fmt: skip
        self._write_log(Log(Level.ERROR, "exchange_time_went_back", fields, message))
        self._lost()
        return again

    async def _close(self, done: datetime, newest: datetime) -> None:
        candles = self._market.close(newest)
        self._market.load(candles)
        skipped = missed_between(done, newest, self._kept)
        if skipped or not self._market.stream.connected:
            self._lost()
        speed = max(self._clock.speed, 1.0)
        patience = min(STORE_SECONDS, self._shortest.length.total_seconds() / 2 / speed)
        await self._writer.store(candles, patience)
        closing = closed_between(done, newest, self._timeframes)
        if closing:
            missed = missed_between(done, newest, self._timeframes)
            boundary = newest_boundary(newest, self._timeframes)
            self._inbox.put(BoundaryClosed(self._clock.now(), boundary, closing, missed))

    def _grace(self) -> timedelta:
        return grace(self._clock, self._shortest, self._settings)
