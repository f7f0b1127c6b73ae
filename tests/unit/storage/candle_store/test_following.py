from collections.abc import Sequence
from pathlib import Path

import pytest

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import RefusedError, StorageError
from krakked_tui.storage.candle_store.following import FollowingCandleStore
from krakked_tui.storage.candle_store.parquet_format import ParquetFormat
from krakked_tui.storage.candle_store.partitions import Partitions
from krakked_tui.storage.candle_store.sqlite_tail import SqliteTail, SqliteTailReader
from krakked_tui.storage.candle_store.store import PartitionedCandleStore
from tests.contract.test_candle_store import candles_of
from tests.unit.storage.samples import candle

M1 = Timeframe.M1


class FullAtFirst(PartitionedCandleStore):
    """Refuses the first append."""

    full = True

    async def append(self, candles: Sequence[Candle]) -> int:
        if self.full:
            self.full = False
            raise StorageError("the disk is full")
        return await super().append(candles)


class OtherProcess:
    """Writes until it is told to end."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.writing = True

    async def take_over(self) -> PartitionedCandleStore:
        if self.writing:
            raise RefusedError("another process writes")
        tail = await SqliteTail.open(self.root)
        return FullAtFirst(tail, Partitions(self.root, ParquetFormat()), 10, lambda: None)


async def test_what_was_heard_waits_until_it_can_be_stored(tmp_path: Path) -> None:
    other = OtherProcess(tmp_path)
    store = FollowingCandleStore(
        SqliteTailReader(tmp_path), Partitions(tmp_path, ParquetFormat()), 3, other.take_over
    )
    assert await store.append([candle(number) for number in range(5)]) == 5
    assert await store.append([candle(4), candle(3, trades=6), candle(2, trades=9)]) == 1
    kept = [candle(2, trades=9), candle(3), candle(4)]
    assert candles_of(await store.read("XBTUSD", M1)) == kept
    assert not store.writing
    other.writing = False
    with pytest.raises(StorageError, match="the disk is full"):
        await store.append([candle(5)])
    assert await store.append([candle(5), candle(6)]) == 2
    assert candles_of(await store.read("XBTUSD", M1)) == [*kept, candle(5), candle(6)]
    await store.close()
    tail = await SqliteTail.open(tmp_path)
    assert (await tail.newest_by_pair(M1)).keys() == {"XBTUSD"}
    await tail.close()
