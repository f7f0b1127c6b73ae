"""What is newer than the partitions: the tail, as a port of its own with two implementations."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec
import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe

BEGINNING: Final = -(2**63)
END: Final = 2**63 - 1


class Sealing(msgspec.Struct, frozen=True):
    """A compaction under way: rows before ``cut`` go into partitions, for the ``pending`` pairs yet.

    Rows of pairs ``kept`` stay, because their partition cannot be written. A row that comes after
    the compaction began is of a later ``generation`` and stays too.
    """

    timeframe: Timeframe
    cut: int
    generation: int
    pending: tuple[str, ...]
    kept: tuple[str, ...] = ()


class LateRows(msgspec.Struct, frozen=True):
    """Rows that came for a time already stored, with other values: taken or refused."""

    corrected: int = 0
    refused: int = 0


class TailReader(Protocol):
    """Reads a tail. Times are microseconds, ``start`` inclusive, ``end`` exclusive.

    Errors: ``StorageError``.
    """

    async def pair_rows(
        self, timeframe: Timeframe, pair: str, start: int, end: int, limit: int | None = None
    ) -> pl.DataFrame:
        """Rows of one pair, ascending, the newest ``limit`` of them."""
        ...

    async def window(self, timeframe: Timeframe, start: int, end: int) -> pl.DataFrame:
        """Rows of all pairs, in any order, as a candle frame."""
        ...

    async def newest(self, timeframe: Timeframe) -> int | None:
        """Time of the newest row of any pair."""
        ...

    async def oldest(self, timeframe: Timeframe) -> int | None:
        """Time of the oldest row of any pair."""
        ...

    async def newest_by_pair(self, timeframe: Timeframe) -> Mapping[str, int]:
        """Time of the newest row of each pair that has one."""
        ...

    async def close(self) -> None:
        """Close; closing again does nothing."""
        ...


class Tail(TailReader, Protocol):
    """Reads and writes a tail; there is one at a time. Errors: ``StorageError``."""

    late: LateRows
    """What came late, as far as the tail remembers."""

    async def put(self, candles: Sequence[Candle], late: LateRows) -> None:
        """Store rows, replacing those with the same key, and count late ones: all of it or nothing.

        On disk for good when it returns.
        """
        ...

    async def sealing(self, timeframe: Timeframe) -> Sealing | None:
        """Return the compaction that was begun and has not ended."""
        ...

    async def begin_sealing(self, timeframe: Timeframe, cut: int) -> Sealing:
        """Begin a compaction; all pairs with rows before ``cut`` are pending."""
        ...

    async def rows_to_seal(self, sealing: Sealing, pair: str) -> pl.DataFrame:
        """Return a pair's rows that a compaction moves."""
        ...

    async def save_sealing(self, sealing: Sealing) -> None:
        """Remember how far a compaction has come."""
        ...

    async def end_sealing(self, sealing: Sealing, rows: int) -> bool:
        """Remove about ``rows`` rows that were moved; True when that was the rest."""
        ...
