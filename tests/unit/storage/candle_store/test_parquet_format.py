from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.storage.candle_store.merging import ROW_SCHEMA
from krakked_tui.storage.candle_store.parquet_format import ParquetFormat
from krakked_tui.storage.candle_store.partitions import DamagedError
from krakked_tui.storage.rows import to_micros
from tests.unit.storage.candle_store.builders import rows, rows_of
from tests.unit.storage.samples import candle

PARQUET = ParquetFormat()
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.decimals(0, 10**9, places=8).map(float)


@given(st.lists(FLOATS, max_size=20))
def test_every_float_comes_back_to_the_last_bit(numbers: list[float]) -> None:
    times = np.arange(len(numbers)) * 60_000_000
    columns = dict.fromkeys(("open", "high", "low", "close", "volume", "vwap"), numbers)
    before = pl.DataFrame({"time": times, **columns, "trades": times}).cast(ROW_SCHEMA)
    after = PARQUET.decode(PARQUET.encode(before))
    assert after.schema == ROW_SCHEMA
    for name in columns:
        assert after[name].to_numpy().tobytes() == (before[name].to_numpy() + 0.0).tobytes()


def test_prices_are_decimals_that_any_tool_reads() -> None:
    seen = pl.read_parquet(PARQUET.encode(rows(0, 1)))  # noqa: TID251
    assert seen["open"].to_list() == [seen["open"][0]] * 2
    assert str(seen["open"][0]) == "100.1"
    assert seen.schema["open"] == pl.Decimal(18, 1)


def test_the_newest_time_is_in_the_footer(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_bytes(PARQUET.encode(rows(0, 5)))
    assert PARQUET.newest(path) == to_micros(candle(5).time)
    path.write_bytes(PARQUET.encode(rows()))
    assert PARQUET.newest(path) is None


def test_no_flipped_bit_and_no_missing_end_goes_unseen() -> None:
    before = rows(0, 1, 2)
    content = PARQUET.encode(before)
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        try:
            # A note that cannot be recognised any more guards nothing; the rows are whole all the same.
            assert PARQUET.decode(bytes(damaged)).equals(before)
        except DamagedError:
            continue
    for end in range(0, len(content), 7):
        with pytest.raises(DamagedError):
            PARQUET.decode(content[:end])


def test_a_file_of_another_program_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p"
    rows(0, 1).write_parquet(path)
    assert PARQUET.decode(path.read_bytes()).equals(rows(0, 1))
    assert PARQUET.newest(path) is None
    with pytest.raises(DamagedError, match="empty cells"):
        PARQUET.decode(_parquet(tmp_path, rows(0).with_columns(close=pl.lit(None, pl.Float64()))))
    with pytest.raises(DamagedError, match="not a Parquet file of candles"):
        PARQUET.decode(_parquet(tmp_path, rows(0).drop("vwap")))


def _parquet(directory: Path, frame: pl.DataFrame) -> bytes:
    frame.write_parquet(directory / "p")
    return (directory / "p").read_bytes()


def test_a_column_that_no_decimals_can_hold_stays_as_it_is() -> None:
    odd = rows_of([candle(0, volume=1e300), candle(1, volume=1 / 3)])
    assert PARQUET.decode(PARQUET.encode(odd)).equals(odd)
