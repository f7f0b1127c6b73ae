import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import RefusedError, StorageError
from krakked_tui.storage.candles import LateCandles, SqliteCandleStore
from tests.unit.storage.samples import candle

Open = Callable[[], Awaitable[SqliteCandleStore]]

replace = msgspec.structs.replace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "sandbox-7"


@pytest.fixture
async def open_store(root: Path) -> AsyncIterator[Open]:
    """Opens the store; closes at the end what the test left open."""
    async with AsyncExitStack() as stack:

        async def opened() -> SqliteCandleStore:
            store = await SqliteCandleStore.open(root)
            stack.push_async_callback(store.close)
            return store

        yield opened


async def test_one_writer_at_a_time(open_store: Open) -> None:
    store = await open_store()
    with pytest.raises(RefusedError, match="sandbox-7 is already written to by another Krakked"):
        await open_store()
    await store.close()
    await open_store()


@pytest.fixture
def damaged(root: Path) -> None:
    root.mkdir()
    (root / "tail.db").write_bytes(b"not a database at all" * 100)


@pytest.mark.usefixtures("damaged")
async def test_a_store_that_cannot_be_opened_lets_go_of_the_lock(open_store: Open) -> None:
    for _ in range(2):
        with pytest.raises(StorageError, match="is damaged"):
            await open_store()


async def test_late_rows_are_counted_either_way(open_store: Open, root: Path) -> None:
    store = await open_store()
    await store.append([candle(0), candle(1)])
    assert store.late == LateCandles()
    await store.append([candle(0), candle(1, trades=8), candle(2)])
    assert store.late == LateCandles(corrected=1, refused=0)
    await store.append([candle(0, trades=6), candle(1, trades=9), candle(1, trades=9)])
    assert store.late == LateCandles(corrected=2, refused=1)
    await store.close()

    connection = sqlite3.connect(root / "tail.db")
    counts = connection.execute("SELECT corrections, refusals FROM candles ORDER BY time").fetchall()
    connection.close()
    assert counts == [(0, 1), (2, 0), (0, 0)]


async def test_candles_survive_a_restart(open_store: Open) -> None:
    store = await open_store()
    await store.append([candle(0)])
    await store.close()
    store = await open_store()
    assert await store.last_time("XBTUSD", Timeframe.M1) == candle(0).time


async def test_a_candle_that_is_not_a_number_takes_its_batch_with_it(open_store: Open) -> None:
    store = await open_store()
    with pytest.raises(StorageError, match="refused the operation"):
        await store.append([candle(0), replace(candle(1), vwap=float("nan"))])
    assert await store.append([candle(0)]) == 1
