"""Opens the candle store of a directory, to write when nobody else does, else to follow who does."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from krakked_tui.domain.errors import RefusedError
from krakked_tui.market.settings import CandleStoreSettings
from krakked_tui.ports import CandleStore
from krakked_tui.storage.candle_store.csv_format import CsvFormat
from krakked_tui.storage.candle_store.following import FollowingCandleStore, TakeOver
from krakked_tui.storage.candle_store.layout import WRITER_LOCK
from krakked_tui.storage.candle_store.parquet_format import ParquetFormat
from krakked_tui.storage.candle_store.partitions import Partitions
from krakked_tui.storage.candle_store.sqlite_tail import SqliteTail, SqliteTailReader
from krakked_tui.storage.candle_store.store import PartitionedCandleStore
from krakked_tui.storage.candle_store.tail import Tail
from krakked_tui.storage.candle_store.text_tail import TextTail, TextTailReader
from krakked_tui.storage.files import FileLock

DEFAULTS: Final = CandleStoreSettings()


async def open_candle_store(root: Path, settings: CandleStoreSettings = DEFAULTS) -> CandleStore:
    """Open or create the store in the directory ``root``, which profiles of one exchange share.

    The first process writes; another one that opens the same directory meanwhile follows: it reads the
    same files, keeps what it appends in memory, and takes over when the first has ended. ``root`` is
    used as it is: ``settings.root_dir`` is for the caller to resolve.

    Raises:
        NewerSchemaError: The store was written by a newer Krakked.
        StorageError: The tail is damaged, locked, or cannot be created or written.
    """
    try:
        return await open_to_write(root, settings)
    except RefusedError:
        return _following(root, settings, lambda: open_to_write(root, settings))


def open_to_read(root: Path, settings: CandleStoreSettings = DEFAULTS) -> CandleStore:
    """Open the store in the directory ``root`` to look at it, whoever writes it; nothing there changes.

    What is appended is kept in memory and lost. SQLite may put empty files of its own beside the tail.
    """

    async def never() -> PartitionedCandleStore:
        raise RefusedError("the candle store was opened to be read")

    return _following(root, settings, never)


def _following(root: Path, settings: CandleStoreSettings, take_over: TakeOver) -> FollowingCandleStore:
    reader = TextTailReader(root) if settings.backend == "csv" else SqliteTailReader(root)
    return FollowingCandleStore(reader, _partitions(root, settings), settings.recent_bars, take_over)


async def open_to_write(root: Path, settings: CandleStoreSettings = DEFAULTS) -> PartitionedCandleStore:
    """Open or create the store in the directory ``root`` as the one process that writes.

    Raises:
        RefusedError: Another process writes to this store.
        NewerSchemaError: The store was written by a newer Krakked.
        StorageError: The tail is damaged, locked, or cannot be created or written.
    """
    return PartitionedCandleStore(*await _opened(root, settings))


async def _opened(
    root: Path, settings: CandleStoreSettings
) -> tuple[Tail, Partitions, int, Callable[[], None]]:
    lock = FileLock(root / WRITER_LOCK, "written to")
    try:
        partitions = _partitions(root, settings)
        await asyncio.to_thread(partitions.sweep)
        tail: Tail = await (TextTail.open(root) if settings.backend == "csv" else SqliteTail.open(root))
    except BaseException:
        lock.release()
        raise
    return tail, partitions, settings.recent_bars, lock.release


def _partitions(root: Path, settings: CandleStoreSettings) -> Partitions:
    return Partitions(root, CsvFormat() if settings.backend == "csv" else ParquetFormat())
