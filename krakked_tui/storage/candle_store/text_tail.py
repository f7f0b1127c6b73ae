"""The tail as plain text: ``tail.csv``, a line for each row in the order they came, all in memory too.

Of two lines for one candle the later counts. What a crash leaves of a line that was being written is
dropped; it was never acknowledged.
"""

import asyncio
import csv
import io
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.storage.candle_store.layout import PARTIAL
from krakked_tui.storage.candle_store.memory_rows import MemoryRows
from krakked_tui.storage.candle_store.partitions import make_durable_directory, write_durably
from krakked_tui.storage.candle_store.tail import BEGINNING, LateRows, Sealing
from krakked_tui.storage.files import make_private_file

TAIL: Final = "tail.csv"
_COLUMNS: Final = ("timeframe", "pair", "time", "open", "high", "low", "close", "volume", "vwap", "trades")
_HEADER: Final = f"{','.join(_COLUMNS)}\n".encode()
_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"

T = TypeVar("T")


class TextTailReader:
    """``TailReader`` for any process. Reads the file again when it has changed."""

    def __init__(self, root: Path) -> None:
        self.path = root / TAIL
        self._rows = MemoryRows()
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None

    async def pair_rows(
        self, timeframe: Timeframe, pair: str, start: int, end: int, limit: int | None = None
    ) -> pl.DataFrame:
        """Rows of one pair, ascending, the newest ``limit`` of them."""
        return await self._ask(lambda rows: rows.pair_rows(timeframe, pair, start, end, limit))

    async def window(self, timeframe: Timeframe, start: int, end: int) -> pl.DataFrame:
        """Rows of all pairs, in any order, as a candle frame."""
        return await self._ask(lambda rows: rows.window(timeframe, start, end))

    async def newest(self, timeframe: Timeframe) -> int | None:
        """Time of the newest row of any pair."""
        return await self._ask(lambda rows: rows.newest(timeframe))

    async def oldest(self, timeframe: Timeframe) -> int | None:
        """Time of the oldest row of any pair."""
        return await self._ask(lambda rows: rows.oldest(timeframe))

    async def newest_by_pair(self, timeframe: Timeframe) -> Mapping[str, int]:
        """Time of the newest row of each pair that has one."""
        return await self._ask(lambda rows: rows.newest_by_pair(timeframe))

    async def close(self) -> None:
        """Nothing is open."""

    async def _ask(self, question: Callable[[MemoryRows], T]) -> T:
        def answer() -> T:
            with self._lock:
                self._refresh()
                return question(self._rows)

        return await asyncio.to_thread(answer)

    def _refresh(self) -> None:
        try:
            about = self.path.stat()
            seen = (about.st_ino, about.st_size, about.st_mtime_ns)
            if seen != self._seen:
                rows = MemoryRows()
                rows.put(_read(self.path)[0])
                self._rows, self._seen = rows, seen
        except FileNotFoundError:
            self._rows = MemoryRows()
        except OSError as error:
            raise StorageError(f"{self.path} cannot be read ({error.strerror})") from error


class TextTail(TextTailReader):
    """``Tail`` for the process that holds the writer's lock. Made by ``open``.

    What came late is counted from the opening on.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.late = LateRows()
        self._generation = 0
        self._sealings: dict[Timeframe, Sealing] = {}
        self._file: int | None = None

    @classmethod
    async def open(cls, root: Path) -> "TextTail":
        """Open or create ``tail.csv``. Raises ``StorageError``."""
        tail = cls(root)
        await asyncio.to_thread(tail._load)
        return tail

    def _load(self) -> None:
        make_private_file(self.path)
        try:
            candles, good = _read(self.path)
            self._open_file()
            assert self._file is not None
            os.truncate(self._file, good)
            if not good:
                self._write(_HEADER)
        except OSError as error:
            self._close_file()
            raise StorageError(
                f"{self.path} cannot be read or written ({error.strerror}):"
                " check its permissions and the disk"
            ) from error
        self._rows.put(candles, self._generation)

    def _refresh(self) -> None:
        """Nobody else writes."""

    async def put(self, candles: Sequence[Candle], late: LateRows) -> None:
        """Store rows, replacing those with the same key, and count late ones: all of it or nothing."""
        await asyncio.to_thread(self._put, candles, late)

    def _put(self, candles: Sequence[Candle], late: LateRows) -> None:
        with self._lock:
            if self._file is None:
                raise StorageError(f"{self.path} is closed")
            before = os.fstat(self._file).st_size
            try:
                self._write(_lines(candles))
            except OSError as error:
                with suppress(OSError):
                    os.truncate(self._file, before)
                raise StorageError(
                    f"{self.path} cannot be written ({error.strerror}):"
                    " check its permissions and the free space"
                ) from error
            self._rows.put(candles, self._generation)
            self.late = LateRows(self.late.corrected + late.corrected, self.late.refused + late.refused)

    async def sealing(self, timeframe: Timeframe) -> Sealing | None:
        """Return the compaction that was begun and has not ended; a restart forgets it."""
        return self._sealings.get(timeframe)

    async def begin_sealing(self, timeframe: Timeframe, cut: int) -> Sealing:
        """Begin a compaction; all pairs with rows before ``cut`` are pending."""
        with self._lock:
            generation, self._generation = self._generation, self._generation + 1
            pairs = self._rows.pairs_with_rows(timeframe, cut, generation)
        self._sealings[timeframe] = Sealing(timeframe, cut, generation, pairs)
        return self._sealings[timeframe]

    async def rows_to_seal(self, sealing: Sealing, pair: str) -> pl.DataFrame:
        """Return a pair's rows that a compaction moves."""
        return await self._ask(
            lambda rows: rows.pair_rows(
                sealing.timeframe, pair, BEGINNING, sealing.cut, None, sealing.generation
            )
        )

    async def save_sealing(self, sealing: Sealing) -> None:
        """Remember how far a compaction has come."""
        self._sealings[sealing.timeframe] = sealing

    async def end_sealing(self, sealing: Sealing, rows: int) -> bool:  # noqa: ARG002 - all at once
        """Remove the rows that were moved."""
        await asyncio.to_thread(self._remove, sealing)
        del self._sealings[sealing.timeframe]
        return True

    def _remove(self, sealing: Sealing) -> None:
        partial = self.path.parent / PARTIAL / TAIL
        with self._lock:
            if self._file is None:
                raise StorageError(f"{self.path} is closed")
            self._rows.remove(sealing.timeframe, sealing.cut, sealing.generation, sealing.kept)
            try:
                make_durable_directory(partial.parent)
                write_durably(self.path, partial, _HEADER + _lines(self._rows.candles()))
                self._close_file()
                self._open_file()
            except OSError as error:
                raise StorageError(
                    f"{self.path} cannot be written ({error.strerror}): check the free space; nothing is lost"
                ) from error

    async def close(self) -> None:
        """Close; closing again does nothing."""
        with self._lock:
            self._close_file()

    def _open_file(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND)

    def _close_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, content: bytes) -> None:
        assert self._file is not None
        left = memoryview(content)
        while left:
            left = left[os.write(self._file, left) :]
        os.fsync(self._file)


def _lines(candles: Iterable[Candle]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for candle in candles:
        row = msgspec.structs.asdict(candle) | {
            "timeframe": candle.timeframe.value, "time": candle.time.strftime(_TIME),
        }  # fmt: skip
        writer.writerow([row[name] for name in _COLUMNS])
    return text.getvalue().encode()


def _read(path: Path) -> tuple[list[Candle], int]:
    """Return the rows of a file and where the last whole one ends; 0 when not even the header is whole."""
    content = path.read_bytes()
    if not content.startswith(_HEADER):
        if _HEADER.startswith(content):
            return [], 0
        raise _damaged(path, 1)
    candles: list[Candle] = []
    good, torn = len(_HEADER), None
    for number, line in enumerate(content[good:].splitlines(keepends=True), 2):
        candle = _candle(line)
        if candle is None:
            torn = torn or number
            continue
        if torn is not None:
            raise _damaged(path, torn)
        candles.append(candle)
        good += len(line)
    return candles, good


def _candle(line: bytes) -> Candle | None:
    if not line.endswith(b"\n"):
        return None
    try:
        [cells] = csv.reader([line.decode()])
        timeframe, pair, time, *numbers, trades = cells
        open_, high, low, close, volume, vwap = map(float, numbers)
        at = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
        return Candle(pair, Timeframe(timeframe), at, open_, high, low, close, volume, vwap, int(trades))
    except (ValueError, csv.Error):
        return None


def _damaged(path: Path, line: int) -> StorageError:
    return StorageError(
        f"{path} is damaged (line {line} is not a candle): correct that line or put a backup in its place"
    )
