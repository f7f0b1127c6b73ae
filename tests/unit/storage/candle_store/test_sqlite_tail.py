import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Timeframe
from krakked_tui.storage.candle_store.sqlite_tail import SqliteTail, SqliteTailReader
from krakked_tui.storage.candle_store.tail import BEGINNING, END, LateRows
from krakked_tui.storage.sqlite import Database, load_migrations, load_statements
from tests.unit.storage.candle_store.builders import rows_of
from tests.unit.storage.samples import candle

M1 = Timeframe.M1


async def test_commits_are_on_disk_before_they_are_acknowledged(tmp_path: Path) -> None:
    settings = load_statements("candles")["settings"]
    database = await Database.open(tmp_path / "tail.db", load_migrations("candles"), settings)
    full, wal = 2, "wal"
    assert await database.fetch("PRAGMA synchronous") == [(full,)]
    assert await database.fetch("PRAGMA journal_mode") == [(wal,)]
    await database.close()


@pytest.mark.parametrize(
    "number",
    [0.1, 1 / 3, 1e-10, 1e-11, 123456.789, 1e15, 1e300, 5e-324, 0.1 + 0.2, 99999999.99999999, math.pi],
)
async def test_floats_come_back_to_the_last_bit(tmp_path: Path, number: float) -> None:
    await _round_trip(tmp_path, number)


@given(st.floats(0, 1e12) | st.decimals(0, 10**7, places=8).map(float))
async def test_any_float_comes_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, number: float
) -> None:
    await _round_trip(tmp_path_factory.mktemp("tail"), number)


async def _round_trip(root: Path, number: float) -> None:
    given_rows = [candle(0, volume=number), candle(1, trades=0, volume=number / 7)]
    tail = await SqliteTail.open(root)
    await tail.put(given_rows, LateRows())
    assert (await tail.pair_rows(M1, "XBTUSD", BEGINNING, END)).equals(rows_of(given_rows))
    await tail.close()


async def test_a_reader_finds_nothing_before_there_is_a_file(tmp_path: Path) -> None:
    reader = SqliteTailReader(tmp_path / "a ?#% name")
    assert (await reader.pair_rows(M1, "XBTUSD", BEGINNING, END)).is_empty()
    assert await reader.newest(M1) is None
    tail = await SqliteTail.open(tmp_path / "a ?#% name")
    await tail.put([candle(0)], LateRows())
    assert (await reader.window(M1, BEGINNING, END)).height == 1
    await reader.close()
    await tail.close()
