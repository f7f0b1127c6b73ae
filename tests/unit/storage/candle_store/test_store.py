from collections.abc import Sequence
from pathlib import Path

import pytest

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.storage.candle_store import store as store_module
from krakked_tui.storage.candle_store.parquet_format import ParquetFormat
from krakked_tui.storage.candle_store.partitions import Partitions
from krakked_tui.storage.candle_store.sqlite_tail import SqliteTail
from krakked_tui.storage.candle_store.store import PartitionedCandleStore
from krakked_tui.storage.candle_store.tail import LateRows
from tests.contract.test_candle_store import candles_of
from tests.unit.storage.samples import candle

M1 = Timeframe.M1


class Doubtful(SqliteTail):
    """Stores what it is given and then, once, says that it failed."""

    failing = True

    async def put(self, candles: Sequence[Candle], late: LateRows) -> None:
        await super().put(candles, late)
        if self.failing:
            self.failing = False
            raise StorageError("the answer was lost")


async def test_after_an_append_of_unknown_end_the_store_looks_what_it_has(tmp_path: Path) -> None:
    tail = await Doubtful.open(tmp_path)
    assert isinstance(tail, Doubtful)
    tail.failing = False
    released = list[bool]()
    store = PartitionedCandleStore(
        tail, Partitions(tmp_path, ParquetFormat()), 10, lambda: released.append(True)
    )
    await store.append([candle(0)])
    assert (await store.read("XBTUSD", M1, limit=1)).height == 1
    tail.failing = True
    with pytest.raises(StorageError, match="the answer was lost"):
        await store.append([candle(1)])
    assert candles_of(await store.read("XBTUSD", M1, limit=5)) == [candle(0), candle(1)]
    assert await store.append([candle(1, trades=6)]) == 0
    assert await store.append([candle(1), candle(1, trades=6), candle(2)]) == 1
    assert candles_of(await store.read("XBTUSD", M1, limit=5)) == [candle(0), candle(1), candle(2)]
    await store.close()
    await store.close()
    assert released == [True]


async def test_memory_holds_so_many_pairs_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "RECENT_PAIRS_MAX", 6)
    tail = await SqliteTail.open(tmp_path)
    store = PartitionedCandleStore(tail, Partitions(tmp_path, ParquetFormat()), 1, lambda: None)
    seen = []
    for timeframe, names in (
        (Timeframe.M1, "AB"), (Timeframe.M5, "ABC"), (Timeframe.M1, "ABC"), (Timeframe.H1, "A"),
        (Timeframe.H1, "BCDEF"), (Timeframe.H1, "G"), (Timeframe.M1, "ABCDEFG"),
    ):  # fmt: skip
        await store.read_many(list(names), timeframe, 1)
        seen.append(store.pairs_in_memory)
    assert seen == [2, 5, 6, 4, 6, 1, 0]
    await store.close()
