"""Closing candles at their boundaries, on exchange time."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from krakked_tui.decision.effects import Level, Log
from krakked_tui.decision.events import BoundaryClosed
from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import StorageError
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
UNSTORED_MAX = 50_000
"""Closed candles that wait for a store that refuses them; beyond it the oldest are dropped.

The next start reads those from the exchange again."""


class BoundaryLoop:
    """Waits for each boundary, stores the candles that closed, and tells the core.

    When several boundaries have passed (the process was asleep, the network down), all their
    candles are stored but only the newest boundary is reported, with the number missed. Candles
    that the store refuses are shown to the strategies all the same, and stored at a later boundary.
    """

    def __init__(
        self, *, timeframes: Sequence[Timeframe], market: LiveMarket, store: CandleStore, inbox: Inbox,
        clock: Clock, settings: MarketDataSettings, write_log: Callable[[Log], None],
    ) -> None:  # fmt: skip
        self._timeframes = tuple(timeframes)
        self._shortest = min(timeframes, key=lambda timeframe: timeframe.minutes)
        self._market = market
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._settings = settings
        self._write_log = write_log
        self._unstored: list[Candle] = []
        self._trouble = ""
        self.next_at: datetime | None = None
        """The boundary waited for."""

    async def run(self) -> None:
        """Close boundaries until cancelled."""
        done = newest_boundary(self._clock.now(), self._timeframes)
        while True:
            self.next_at = next_boundary(done, self._timeframes)
            await self._wait_until_final(self.next_at)
            newest = newest_boundary(self._clock.now() - self._grace(), self._timeframes)
            newest = max(self.next_at, newest)
            await self._wait_until_final(newest)
            await self._close(done, newest)
            done = newest

    async def _wait_until_final(self, boundary: datetime) -> None:
        clock = self._clock
        while (now := clock.now()) < boundary:
            wall = (boundary - now).total_seconds() / clock.speed if clock.speed else LONGEST_WAIT_SECONDS
            await clock.sleep(min(wall, LONGEST_WAIT_SECONDS))
        while not self._market.final(boundary, self._grace()):
            await clock.sleep(POLL_SECONDS)

    async def _close(self, done: datetime, newest: datetime) -> None:
        candles = self._market.close(newest)
        self._market.load(candles)
        await self._store_all(candles)
        closing = closed_between(done, newest, self._timeframes)
        missed = missed_between(done, newest, self._timeframes)
        self._inbox.put(BoundaryClosed(self._clock.now(), newest, closing, missed))

    async def _store_all(self, candles: Sequence[Candle]) -> None:
        self._unstored += candles
        if not self._unstored:
            return
        try:
            await self._store.append(self._unstored)
        except StorageError as error:
            del self._unstored[:-UNSTORED_MAX]
            if str(error) != self._trouble:
                self._trouble = str(error)
                message = f"candles cannot be stored: {error}"
                self._write_log(Log(Level.ERROR, "candles_not_stored", {"reason": str(error)}, message))
            return
        self._unstored.clear()
        self._trouble = ""

    def _grace(self) -> timedelta:
        return grace(self._clock, self._shortest, self._settings)
