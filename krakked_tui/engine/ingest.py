"""Brings the candles that the store lacks from the exchange into it: at start, after gaps, on request.

The one place that does. What is in the store is not asked for again, the rest is read in rounds: pair by
pair in the order given, in batches that are stored in one transaction each. Rounds never overlap.

A minute in which nobody traded has no candle and looks like a hole. What the exchange has answered is
remembered, but in memory only: it tells a quiet minute from a hole for as long as the process lives, and
every start asks once more for pairs with holes. That costs one call for each of them, made after all that
is more urgent; a record on disk would save these calls, and would hide for good what it got wrong.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import msgspec
import polars as pl

from krakked_tui.decision.effects import Log
from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import ExchangeError, StorageError, UnknownPairError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.bounded import within
from krakked_tui.engine.candle_reader import CandleReader
from krakked_tui.engine.candle_wants import CandleAnswer, CandleWants, Key
from krakked_tui.engine.closed_candles import read_closed
from krakked_tui.engine.ingest_report import BatchDone, IngestReport, IngestStatistics, Tally
from krakked_tui.market.boundaries import closed_candle_time
from krakked_tui.market.breaker import CircuitBreaker
from krakked_tui.market.history import (
    CLOCK_DOUBT,
    SERVED,
    Answered,
    Lack,
    closed_only,
    lacking,
    reach,
    served,
)
from krakked_tui.market.settings import IngestSettings
from krakked_tui.ports import CandleStore, Clock, MarketFeed

FIRST_ROUND_SECONDS = 15.0
"""How long (wall) a start waits for candles that the store lacks."""
AGAIN_SECONDS = 10.0
LONGEST_AGAIN_SECONDS = 600.0
"""Before what failed is tried again (wall): first, and at most."""
STORE_SECONDS = 30.0
"""A batch that the store has not taken by then (wall) counts as failed."""

SEARCHED_PAIRS = 50
"""Pairs whose stored candles are searched for holes at once: a history is long."""


class CandleNeeds(msgspec.Struct, frozen=True):
    """What the strategies need, and how much history is read where there is none.

    ``warmup`` is the number of bars by timeframe; these are read before all others. ``depth`` is how many
    bars are asked for where the store has too few: all that the exchange serves come at the price of one.
    """

    warmup: dict[Timeframe, int]
    depth: int = SERVED


class RecentCandles(Protocol):
    """Where closed candles go besides the store, and who knows of gaps (``engine.market.LiveMarket``)."""

    def load(self, candles: Iterable[Candle]) -> None:
        """Take in closed candles, known or not."""
        ...

    def load_frame(self, timeframe: Timeframe, frame: pl.DataFrame) -> None:
        """Take in a frame of closed candles, known or not."""
        ...

    async def wait_for_gap(self) -> None:
        """Wait until candles may be missing."""
        ...


class Ingest:
    """Reads and stores missing candles. Used from one event loop."""

    def __init__(
        self, *, feed: MarketFeed, store: CandleStore, market: RecentCandles | None, clock: Clock,
        settings: IngestSettings, needs: CandleNeeds,
        pairs: Callable[[], Sequence[PairMetadata]], write_log: Callable[[Log], None],
    ) -> None:  # fmt: skip
        """``pairs`` returns those to keep now, the most important first.

        Without a ``market`` candles go into the store only, and there are no gaps to wait for.
        """
        self._store = store
        self._market = market
        self._clock = clock
        self._settings = settings
        self._needs = needs
        self._pairs = pairs
        self._reader = CandleReader(feed, clock, settings)
        self._report = IngestReport(write_log, settings.breaker_failures)
        self._busy = asyncio.Lock()
        self._asked = asyncio.Event()
        self._wants = CandleWants()
        self._failed: set[str] = set()
        self._unlisted: set[str] = set()
        """Pairs that the exchange said it does not know."""
        self._again_at = clock.monotonic()
        self._pause = AGAIN_SECONDS
        # Of what was read or found: where the next read begins, and up to which candle all is there.
        self._since: dict[Key, datetime] = {}
        self._upto: dict[Key, datetime] = {}
        self._answered: dict[Key, Answered] = {}
        self.timeframes = tuple(sorted({*needs.warmup, *settings.timeframes}, key=lambda each: each.minutes))
        """The timeframes that are kept, shortest first."""
        self.last: IngestStatistics | None = None
        """The last round that is over."""

    @property
    def breaker(self) -> CircuitBreaker:
        """The breaker of all reading of candles; its instants are wall seconds."""
        return self._reader.breaker

    @property
    def missing(self) -> tuple[str, ...]:
        """Pairs of which candles are still to be read, those that failed included."""
        return self._wants.missing

    @property
    def unread(self) -> frozenset[str]:
        """Pairs of which candles that the strategies look at are still to be read: not to be entered.

        Fewer than ``missing``: holes further back, and timeframes that no strategy uses, do not count.
        """
        return self._wants.unread(self._needs.warmup.keys())

    @property
    def incomplete(self) -> int:
        """How many pairs the strategies see without, or with too short a, history for now."""
        names = {*self._wants.missing, *(name for name, _ in self._since)}
        keys = self._needs.warmup.keys()
        return sum(any((name, timeframe) not in self._upto for timeframe in keys) for name in names)

    def request(self, names: Iterable[str]) -> None:
        """Have ``run`` read these pairs' missing candles soon. Never waits.

        Pairs that are not kept are ignored, and one that waits already is not read twice.
        """
        kept = {pair.canonical for pair in self._pairs()}
        for name in names:
            if name in kept:
                self._wants.want(name, self.timeframes)
                self._failed.discard(name)
                self._unlisted.discard(name)
        self._asked.set()

    def request_all(self) -> None:
        """Have ``run`` read what every pair may be missing: the feed was away."""
        self.request([pair.canonical for pair in self._pairs()])

    async def first_round(self, seconds: float = FIRST_ROUND_SECONDS) -> IngestStatistics:
        """Show what the store has, then read what strategies lack, for so many wall seconds at most.

        What is left then, and the candles that no strategy uses, is for ``run``. Raises ``StorageError`` when
        the store cannot be read; what the exchange does not give only stays missing.
        """
        return await self._refresh(None, seconds, frozenset(self._needs.warmup), search=False)

    async def refresh(
        self, names: Iterable[str] | None = None, *, seconds: float | None = None
    ) -> IngestStatistics:
        """Read what the store lacks of these pairs (None: of all), in one round, and say how it went.

        Looked at are as many candles as the strategies need, or ``depth`` if that is more.
        A round under way is waited for first; this one ends after so many wall ``seconds``, if any. Raises
        ``StorageError`` when the store cannot be read.
        """
        return await self._refresh(names, seconds, frozenset(self.timeframes), search=True)

    async def _refresh(
        self, names: Iterable[str] | None, seconds: float | None, only: frozenset[Timeframe], *, search: bool
    ) -> IngestStatistics:
        deadline = None if seconds is None else self._clock.monotonic() + seconds
        async with self._busy:
            chosen = None if names is None else set(names)
            pairs = [pair for pair in self._pairs() if chosen is None or pair.canonical in chosen]
            chosen = {pair.canonical for pair in pairs}
            tally = self._tally(len(pairs), only)
            await self._look_up(pairs, tally, search=search)
            tally.finish(name for name in chosen if not only & self._wants.of(name))
            return await self._round(lambda: self._lacking(chosen, only), tally, deadline)

    def _lacking(self, names: Collection[str], only: frozenset[Timeframe]) -> list[PairMetadata]:
        """Return those of these pairs of which something is wanted, the most urgent first."""
        pairs = [
            pair
            for pair in self._pairs()
            if pair.canonical in names and only & self._wants.of(pair.canonical)
        ]
        # The sort keeps the order of pairs that are as urgent.
        return sorted(pairs, key=lambda pair: self._wants.is_old(pair.canonical))

    def _tally(self, pairs: int, only: frozenset[Timeframe]) -> Tally:
        return Tally(self._clock.monotonic(), self._reader.calls, pairs, only)

    async def backfill(
        self, pair: PairMetadata, timeframe: Timeframe, since: datetime
    ) -> tuple[list[Candle], int]:
        """Read and store the closed candles of one pair from ``since`` on, as far as the exchange has them.

        Returns them and how many were new or corrected. A round under way is waited for first. Raises
        ``ExchangeError``, ``UnknownPairError`` and ``StorageError``.
        """
        async with self._busy:
            asked, doubt = self._clock.now(), self._doubt
            answer = await self._reader.read(pair, timeframe, since)
            candles = closed_only(answer, asked, doubt)
            rows = await self._store.append(candles)
        if self._market is not None and timeframe in self.timeframes:
            self._market.load(candles)
        return candles, rows

    async def run(self) -> None:
        """Read what is left, then what every gap of the feed and every request asks for, until cancelled.

        To be started when the live feed runs: what closed before, and after it was read, is read anew.
        """
        self._catch_up()
        await self._search_all()
        async with asyncio.TaskGroup() as group:
            if self._market is not None:
                group.create_task(self._watch_gaps(self._market))
            while True:
                await self._until_due()
                async with self._busy:
                    tally = self._tally(len(self._due()), frozenset(self.timeframes))
                    await self._round(self._due, tally, None)

    async def _watch_gaps(self, market: RecentCandles) -> None:
        while True:
            await market.wait_for_gap()
            self.request_all()

    def _catch_up(self) -> None:
        """Want again whatever has closed since it was read: the live feed began only after that."""
        if self.last is None:
            self.request_all()
        now = self._clock.now()
        for (name, timeframe), upto in self._upto.items():
            if upto < closed_candle_time(timeframe, now):
                self._wants.want(name, (timeframe,))

    async def _search_all(self) -> None:
        """Want what lacks further back than the start looked."""
        async with self._busy:
            pairs = [pair for pair in self._pairs() if pair.canonical not in self._unlisted]
            try:
                await self._look_up(pairs, self._tally(len(pairs), frozenset(self.timeframes)), search=True)
            except StorageError as error:
                self._report.not_looked_up(str(error))

    async def _until_due(self) -> None:
        """Wait until there is something to read that may be read now."""
        while True:
            self._asked.clear()
            self._forget_gone()
            now = self._clock.monotonic()
            self._wants.take_doubted(now)
            wait = max(self.breaker.open_seconds(now) or 0.0, self._reader.held_seconds)
            wanted, doubted = self._wants.names, self._wants.doubted_until
            if wanted and not wait:
                wait = 0.0 if wanted - self._failed else max(self._again_at - now, 0.0)
                if not wait:
                    return
            waits = [wait] if wanted else []
            if doubted is not None:
                waits.append(doubted - now)
            await self._nap(min(waits, default=None))

    async def _nap(self, seconds: float | None) -> None:
        """Wait for a request, so many wall seconds at most."""
        if seconds is None:
            await self._asked.wait()
            return
        with suppress(TimeoutError):
            await within(self._clock, seconds, self._asked.wait())

    def _due(self) -> list[PairMetadata]:
        """Return the pairs to read now: new requests, and what failed once its pause is over."""
        now = self._clock.monotonic()
        self._wants.take_doubted(now)
        names = self._wants.names
        if now < self._again_at:
            names = names - self._failed
        return self._lacking(names, frozenset(self.timeframes))

    def _forget_gone(self) -> None:
        """Forget pairs that are not kept any more."""
        kept = {pair.canonical for pair in self._pairs()}
        self._failed &= kept
        self._unlisted &= kept
        self._wants.keep_only(kept)
        for known in (self._since, self._upto, self._answered):
            for key in [key for key in known if key[0] not in kept]:
                known.pop(key)

    async def _look_up(self, pairs: Sequence[PairMetadata], tally: Tally, *, search: bool) -> None:
        """Find out what the store lacks, and show what it has; ``search`` all the history that is kept."""
        rows, names = 0, [pair.canonical for pair in pairs]
        for timeframe in self.timeframes:
            for some in _chunks(names, SEARCHED_PAIRS if search else len(names)):
                rows += await self._look_up_some(some, timeframe, tally, search=search)
        calls = sum(len(self._wants.of(name)) for name in names)
        self._report.looked_up(rows, tally, calls)

    async def _look_up_some(
        self, names: Sequence[str], timeframe: Timeframe, tally: Tally, *, search: bool
    ) -> int:
        now, needed = self._clock.now(), self._needs.warmup.get(timeframe, 1)
        bars = max(needed, self._needs.depth) if search else needed
        closed = closed_candle_time(timeframe, now)
        found = await read_closed(self._store, names, timeframe, bars, closed)
        answers = {
            name: self._answered[name, timeframe] for name in names if (name, timeframe) in self._answered
        }
        ask = partial(
            lacking, pairs=names, timeframe=timeframe, now=now, depth=self._needs.depth, answered=answers
        )
        newest = found.group_by("pair", maintain_order=True).tail(needed) if bars > needed else found
        lacks = await asyncio.to_thread(ask, newest, bars=needed)
        deep = await asyncio.to_thread(ask, served(found, timeframe, now), bars=bars) if search else lacks
        for name in names:
            self._note_lack((name, timeframe), lacks[name], deep[name], closed, tally)
        if self._market is not None and newest.height:
            self._market.load_frame(timeframe, newest)
        return newest.height

    def _note_lack(self, key: Key, lack: Lack, deep: Lack, closed: datetime, tally: Tally) -> None:
        """Want what lacks; ``deep`` is what lacks of all the history, ``lack`` of what strategies look at."""
        name, timeframe = key
        since = min((each.since for each in (lack, deep) if each.since is not None), default=None)
        if lack.since is None:
            self._upto[key] = max(self._upto.get(key, closed), closed)
        if since is None:
            self._since[key] = max(self._since.get(key, closed), closed)
            tally.calls_saved += 1
            return
        self._since[key] = min(self._since.get(key, since), since)
        if lack.since is None:
            self._wants.want_old(key)
        else:
            self._wants.want(name, (timeframe,))
        if lack.beyond or deep.beyond:
            tally.beyond.add(name)

    async def _round(
        self, due: Callable[[], Sequence[PairMetadata]], tally: Tally, deadline: float | None
    ) -> IngestStatistics:
        """Read what is ``due``, batch by batch, until done, too late or hopeless; keep and return the result.

        What becomes due meanwhile is read too, and first if it is more important; the round ends with what
        was due at its start.
        """
        clock = self._clock
        left = {pair.canonical for pair in due()}
        known = set(left)
        while left and (deadline is None or clock.monotonic() < deadline):
            todo = [pair for pair in due() if pair.canonical not in tally.failures]
            pause = self.breaker.open_seconds(clock.monotonic())
            if pause:
                self._give_up(todo, str(self._reader.paused()), tally)
                break
            # The trial after a pause is one request.
            batch = todo[: self._settings.batch_size if pause is None else 1]
            names = tuple(pair.canonical for pair in batch)
            if not batch:
                break
            tally.pairs += len(set(names) - known)
            known.update(names)
            left.difference_update(names)
            try:
                rows = await self._batch(batch, tally, deadline)
            except StorageError as error:
                self._report.not_stored(str(error))
                self._give_up((*batch, *todo), f"not stored: {error}", tally)
                break
            self._report.batch(BatchDone(names, rows, tally.done + len(tally.failures), tally.pairs))
        return self._finish(tally)

    def _finish(self, tally: Tally) -> IngestStatistics:
        clock = self._clock
        self._failed = {name for name in (*self._failed, *tally.failures) if name in self._wants.names}
        if self._failed:
            self._again_at = clock.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_AGAIN_SECONDS)
        else:
            self._pause = AGAIN_SECONDS
        self.last = tally.statistics(clock.now(), clock.monotonic(), self._reader.calls)
        self._report.round(tally, self.last, len(self._pairs()))
        return self.last

    def _give_up(self, pairs: Iterable[PairMetadata], reason: str, tally: Tally) -> None:
        for pair in pairs:
            tally.fail(pair.canonical, reason)

    async def _batch(self, pairs: Sequence[PairMetadata], tally: Tally, deadline: float | None) -> int:
        """Read pairs at the same time and store what came; returns the rows that were new or corrected.

        Raises ``StorageError``; what was read is wanted still then, but shown all the same.
        """
        clock, answers = self._clock, dict[Key, CandleAnswer]()
        with suppress(TimeoutError):
            if deadline is None:
                await self._read_all(pairs, answers, tally)
            else:
                await within(clock, deadline - clock.monotonic(), self._read_all(pairs, answers, tally))
        candles = [candle for answer in answers.values() for candle in answer.closed]
        if self._market is not None and candles:
            # What the strategies do not look at is in the store.
            shown = max(self._needs.warmup.values(), default=1)
            self._market.load([each for answer in answers.values() for each in answer.closed[-shown:]])
        names = {pair.canonical for pair in pairs}
        stored = False
        try:
            rows = await within(clock, STORE_SECONDS, self._store.append(candles))
            stored = True
        except TimeoutError as error:
            raise StorageError(f"the candle store has not answered for {STORE_SECONDS:.0f} s") from error
        finally:
            self._wants.end(names)
            for name, timeframe in () if stored else answers:
                self._wants.put_back(name, (timeframe,))
        self._report.not_stored("")
        for key, answer in answers.items():
            self._note_answer(key, answer)
        tally.rows += rows
        unread = {name for name in names if tally.only & self._wants.of(name)}
        tally.finish(names - unread - tally.failures.keys())
        return rows

    def _note_answer(self, key: Key, answer: CandleAnswer) -> None:
        self._upto[key] = answer.upto
        if answer.closed:
            self._since[key] = answer.closed[-1].time
        told = Answered(answer.since, answer.upto)
        self._answered[key] = self._answered[key].joined(told) if key in self._answered else told
        due = self._clock.monotonic() + CLOCK_DOUBT.total_seconds()
        self._wants.settle(key, answer.upto, closed_candle_time(key[1], answer.asked), due)

    async def _read_all(
        self, pairs: Sequence[PairMetadata], answers: dict[Key, CandleAnswer], tally: Tally
    ) -> None:
        async with asyncio.TaskGroup() as group:
            for pair in pairs:
                group.create_task(self._read_pair(pair, answers, tally))

    async def _read_pair(self, pair: PairMetadata, answers: dict[Key, CandleAnswer], tally: Tally) -> None:
        """Read all timeframes that are wanted of a pair; those that were not read stay wanted."""
        name = pair.canonical
        left = self._wants.begin(name, tally.only)
        try:
            while left:
                answers[name, left[0]] = await self._read(pair, left[0])
                del left[0]
        except UnknownPairError as error:
            left.clear()
            self._unlisted.add(name)
            tally.fail(name, f"skipped, the exchange does not list it ({error})")
        except ExchangeError as error:
            tally.fail(name, str(error))
        finally:
            self._wants.put_back(name, left)

    async def _read(self, pair: PairMetadata, timeframe: Timeframe) -> CandleAnswer:
        key = (pair.canonical, timeframe)
        asked = self._clock.now()
        begin = reach(timeframe, asked, max(self._needs.depth, self._needs.warmup.get(timeframe, 1)))
        since = self._since[key] = max(self._since.get(key, begin), reach(timeframe, asked))
        candles = await self._reader.read(pair, timeframe, since)
        closed = closed_only(candles, asked, self._doubt)
        upto = closed_candle_time(timeframe, asked - self._doubt)
        # A candle that has a later one is over, however close to the boundary it was asked for.
        return CandleAnswer(closed, since, max(upto, closed[-1].time) if closed else upto, asked)

    @property
    def _doubt(self) -> timedelta:
        """How far exchange time may be from what our clock says."""
        return CLOCK_DOUBT * max(self._clock.speed, 1.0)


def _chunks(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), max(size, 1)):
        yield names[start : start + size]
