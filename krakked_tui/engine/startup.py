"""Start-up is crash recovery: read the journal, ask the exchange, reconcile, warm up, go.

Each step is timed, shown and logged; an exchange that cannot be reached is asked again, visibly,
until it answers; anything else that fails, a refused key among it, ends the start with one sentence.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import AccessError, ExchangeError, StorageError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.engine.market import LiveMarket
from krakked_tui.ports import CandleStore, Clock, MarketFeed

T = TypeVar("T")

RETRY_SECONDS = 2.0
REFILL_RETRY_SECONDS = 10.0
CONCURRENT_READS = 8


class Step(msgspec.Struct, frozen=True):
    """One step of start-up as an operator sees it: waiting, running, done or failed."""

    name: str
    state: str = "waiting"
    seconds: float = 0.0
    detail: str = ""


class Progress:
    """The steps of a start, in order."""

    def __init__(
        self, names: Sequence[str], *, clock: Clock, changed: Callable[[], None],
        write_log: Callable[[Log], None],
    ) -> None:  # fmt: skip
        self._clock = clock
        self._changed = changed
        self._write_log = write_log
        self.steps = [Step(name) for name in names]

    async def run(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Run one step, timed; an ``ExchangeError`` is shown and the step tried again.

        Anything else, and an ``AccessError``, goes on to the caller.
        """
        index = next(i for i, step in enumerate(self.steps) if step.name == name)
        started = self._clock.monotonic()
        self._show(index, state="running")
        while True:
            try:
                result = await work()
            except Exception as error:
                if not isinstance(error, ExchangeError) or isinstance(error, AccessError):
                    self._show(index, state="failed", detail=str(error))
                    raise
                self._wait(index, str(error), self._clock.monotonic() - started)
                await self._clock.sleep(RETRY_SECONDS)
                continue
            seconds = self._clock.monotonic() - started
            self._show(index, state="done", seconds=seconds, detail="")
            self._write_log(Log(Level.INFO, "start_step", {"step": name, "seconds": round(seconds, 3)}))
            return result

    @property
    def waiting_for(self) -> str:
        """What the start waits for, and why if that is known."""
        step = next((step for step in self.steps if step.state != "done"), self.steps[-1])
        return f"{step.name}: {step.detail}" if step.detail else f"waiting for {step.name}"

    def _wait(self, index: int, reason: str, seconds: float) -> None:
        detail = f"{reason}; trying again"
        if detail != self.steps[index].detail:
            name = self.steps[index].name
            fields: dict[str, str | int | float | bool | None] = {"step": name, "reason": reason}
            self._write_log(Log(Level.WARNING, "start_waiting", fields, f"{name}: {detail}"))
        self._show(index, seconds=seconds, detail=detail)

    def _show(self, index: int, **changes: str | float) -> None:
        self.steps[index] = msgspec.structs.replace(self.steps[index], **changes)
        self._changed()


async def synchronise_clock(clock: ExchangeClock, feed: MarketFeed) -> timedelta:
    """Ask the exchange for its time and set the clock; returns how far it was moved."""
    asked = clock.monotonic()
    server = await feed.server_time()
    return clock.synchronise(server, asked, clock.monotonic())


class CandleHistory:
    """Fetches what candles the store lacks, at start and after every gap of the live feed."""

    def __init__(
        self, *, feed: MarketFeed, store: CandleStore, market: LiveMarket, clock: Clock,
        write_log: Callable[[Log], None], warmup: dict[Timeframe, int],
    ) -> None:  # fmt: skip
        self._feed = feed
        self._store = store
        self._market = market
        self._clock = clock
        self._write_log = write_log
        self._warmup = warmup
        self._missing: tuple[PairMetadata, ...] = ()
        self._store_trouble = ""

    async def refill(self, pairs: Sequence[PairMetadata]) -> int:
        """Read these pairs' newest candles from the exchange and store the closed ones.

        Returns how many closed candles were read. A pair that fails is logged and left for
        ``keep_full``; when all fail the last error is raised.
        """
        known_missing, self._missing = self._missing, tuple(pairs)
        slots = asyncio.Semaphore(CONCURRENT_READS)
        found: list[Candle] = []
        errors: dict[str, ExchangeError] = {}

        async def read(pair: PairMetadata, timeframe: Timeframe, since: datetime) -> None:
            async with slots:
                try:
                    found.extend(await self._feed.candles(pair, timeframe, since))
                except ExchangeError as error:
                    if pair.canonical not in errors and pair not in known_missing:
                        self._log_skipped(pair, timeframe, error)
                    errors[pair.canonical] = error

        async with asyncio.TaskGroup() as group:
            for timeframe, bars in self._warmup.items():
                since = timeframe.floor(self._clock.now()) - bars * timeframe.length
                for pair in pairs:
                    group.create_task(read(pair, timeframe, since))
        if errors and not found:
            raise list(errors.values())[-1]
        now = self._clock.now()
        closed = [candle for candle in found if candle.end <= now]
        if closed:
            await self._store.append(closed)
            self._market.load(closed)
        self._missing = tuple(pair for pair in pairs if pair.canonical in errors)
        return len(closed)

    async def keep_full(self, pairs: Sequence[PairMetadata]) -> None:
        """Read anew what is missing, now and after every gap of the feed, until cancelled."""
        while True:
            wanted = self._missing
            if not wanted:
                await self._market.wait_for_gap()
                wanted = tuple(pairs)
            try:
                await self.refill(wanted)
                self._store_trouble = ""
            except ExchangeError:
                pass  # logged for each pair; what failed is still missing
            except StorageError as error:
                if str(error) != self._store_trouble:
                    self._store_trouble = str(error)
                    message = f"missed candles cannot be stored: {error}"
                    self._write_log(Log(Level.ERROR, "candles_not_stored", {"reason": str(error)}, message))
            if self._missing:
                await self._clock.sleep(REFILL_RETRY_SECONDS)

    def _log_skipped(self, pair: PairMetadata, timeframe: Timeframe, error: ExchangeError) -> None:
        fields: dict[str, str | int | float | bool | None] = {
            "pair": pair.canonical, "timeframe": timeframe, "reason": str(error),
        }  # fmt: skip
        self._write_log(Log(Level.WARNING, "candles_skipped", fields))
