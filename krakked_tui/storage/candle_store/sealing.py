"""Compaction: old rows of the tail go into partitions, a few at a time, beside everything else.

For each timeframe a compaction is begun with a cut. Every pair's rows before the cut are united with its
partitions; only when all are on disk are they removed from the tail, in whole pages. Killed in between,
it goes on with the pairs that are left; what was sealed twice is sealed to the same result.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.ports import Compacted, Finding
from krakked_tui.storage.candle_store.layout import period_of
from krakked_tui.storage.candle_store.partitions import DamagedPartitionError, Partitions
from krakked_tui.storage.candle_store.tail import Sealing, Tail

KEPT_BARS: Final = 1_000
"""Bars of each timeframe that stay in the tail: more than the exchange still serves and could correct."""

SEALED_BARS: Final = 7_200
"""Bars that the tail gathers beyond those: five days of minutes. A partition is rewritten only so often."""

REMOVED_ROWS: Final = 20_000
"""Rows removed in one transaction, which an append may have to wait for."""

REMOVALS: Final = 32
"""Transactions of that kind in one call."""

SAVED_PAIRS: Final = 32
"""Pairs after which it is remembered how far a compaction has come."""


class Sealer:
    """Compacts one store. One call at a time does something; others wait for it."""

    def __init__(self, tail: Tail, partitions: Partitions) -> None:
        self._tail = tail
        self._partitions = partitions
        self.lock = asyncio.Lock()
        self.stopping = False
        """Set to end a call soon: the rest is left to the next one."""
        # Where a timeframe's newest row was when rows had to be kept, so as not to try again at once.
        self._blocked: dict[Timeframe, int] = {}

    async def compact(self, partitions: int, *, everything: bool) -> Compacted:
        """Do what ``CandleStore.compact`` says."""
        async with self.lock:
            done = Compacted()
            for timeframe in Timeframe:
                if done.more or self.stopping:
                    break
                sealing = await self._tail.sealing(timeframe)
                sealing = sealing or await self._begin(timeframe, everything=everything)
                if sealing is not None:
                    done = _added(done, await self._advance(sealing, partitions - done.partitions))
            return done

    async def _begin(self, timeframe: Timeframe, *, everything: bool) -> Sealing | None:
        oldest, newest = await self._tail.oldest(timeframe), await self._tail.newest(timeframe)
        if oldest is None or newest is None:
            return None
        cut = newest + 1 if everything else self._cut(timeframe, oldest, newest)
        return None if cut is None else await self._tail.begin_sealing(timeframe, cut)

    def _cut(self, timeframe: Timeframe, oldest: int, newest: int) -> int | None:
        """Return the time before which rows shall move, None as long as too few would."""
        length = timeframe.minutes * 60_000_000
        frontier = newest - KEPT_BARS * length
        blocked = self._blocked.get(timeframe)
        if blocked is not None and newest < blocked + KEPT_BARS * length:
            return None
        if frontier - oldest >= SEALED_BARS * length:
            return frontier
        period = period_of(timeframe, frontier)
        return period.start if oldest < period.start else None

    async def _advance(self, sealing: Sealing, partitions: int) -> Compacted:
        done = Compacted()
        pending = list(sealing.pending)
        while pending and done.partitions < partitions and not self.stopping:
            # Each write is durable before it is remembered.
            for _ in range(min(SAVED_PAIRS, len(pending))):
                if done.partitions >= partitions or self.stopping:
                    break
                sealed, sealing = await self._seal(sealing, pending.pop(0))
                done = _added(done, sealed)
            sealing = msgspec.structs.replace(sealing, pending=tuple(pending))
            await self._tail.save_sealing(sealing)
        if pending:
            return msgspec.structs.replace(done, more=True)
        return msgspec.structs.replace(done, more=not await self._end(sealing))

    async def _seal(self, sealing: Sealing, pair: str) -> tuple[Compacted, Sealing]:
        rows = await self._tail.rows_to_seal(sealing, pair)
        try:
            written = await _to_the_end(self._partitions.seal, sealing.timeframe, pair, rows)
        except DamagedPartitionError as error:
            problem = Finding(f"{sealing.timeframe.value} {pair}", str(error))
            kept = msgspec.structs.replace(sealing, kept=(*sealing.kept, pair))
            return Compacted(problems=(problem,)), kept
        return Compacted(rows=rows.height, partitions=written), sealing

    async def _end(self, sealing: Sealing) -> bool:
        if sealing.kept:
            self._blocked[sealing.timeframe] = await self._tail.newest(sealing.timeframe) or sealing.cut
        else:
            self._blocked.pop(sealing.timeframe, None)
        for _ in range(REMOVALS):
            if await self._tail.end_sealing(sealing, REMOVED_ROWS):
                return True
        return False


async def _to_the_end(
    seal: Callable[[Timeframe, str, pl.DataFrame], int], timeframe: Timeframe, pair: str, rows: pl.DataFrame
) -> int:
    """Seal in a thread; when cancelled, wait for the thread all the same.

    A file written after the lock was given back could undo what the next process has sealed.
    """
    writing = asyncio.get_running_loop().run_in_executor(None, seal, timeframe, pair, rows)
    try:
        return await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.wait([writing])
        raise


def _added(one: Compacted, other: Compacted) -> Compacted:
    return Compacted(
        rows=one.rows + other.rows,
        partitions=one.partitions + other.partitions,
        more=one.more or other.more,
        problems=one.problems + other.problems,
    )
