from pathlib import Path

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.storage.candle_store.layout import period_of
from krakked_tui.storage.candle_store.parquet_format import ParquetFormat
from krakked_tui.storage.candle_store.partitions import Partitions
from krakked_tui.storage.rows import to_micros
from tests.unit.storage.candle_store.builders import rows
from tests.unit.storage.samples import candle

M1 = Timeframe.M1
MONTH = 31 * 1_440


@pytest.fixture
def partitions(tmp_path: Path) -> Partitions:
    return Partitions(tmp_path, ParquetFormat())


def micros(number: int) -> int:
    return to_micros(candle(number).time)


def test_rows_are_sealed_by_month_and_once(partitions: Partitions) -> None:
    assert partitions.seal(M1, "XBTUSD", rows(0, 1, MONTH)) == 2
    assert [period.name for period in partitions.periods(M1, "XBTUSD")] == ["2026-03", "2026-04"]
    assert partitions.seal(M1, "XBTUSD", rows(1, MONTH)) == 0
    assert partitions.seal(M1, "XBTUSD", rows(2)) == 1
    assert partitions.between(M1, "XBTUSD", micros(1), micros(MONTH) + 1).equals(rows(1, 2, MONTH))
    assert partitions.between(M1, "XBTUSD", micros(0), micros(MONTH) + 1, 2).equals(rows(2, MONTH))
    assert partitions.newest(M1, "XBTUSD") == micros(MONTH)


def test_a_file_that_cannot_matter_is_not_read(partitions: Partitions) -> None:
    partitions.seal(M1, "XBTUSD", rows(0, 1, MONTH))
    path = partitions.path(M1, "XBTUSD", period_of(M1, micros(0)))
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    assert partitions.between(M1, "XBTUSD", micros(2), micros(MONTH) + 1).equals(rows(MONTH))
    with pytest.raises(StorageError, match="is damaged"):
        partitions.between(M1, "XBTUSD", micros(1), micros(MONTH) + 1)


def test_a_directory_in_place_of_a_file_is_named(partitions: Partitions) -> None:
    path = partitions.path(M1, "XBTUSD", period_of(M1, micros(0)))
    path.mkdir(parents=True)
    with pytest.raises(StorageError, match=r"2026-03\.parquet cannot be read \(Is a directory\)"):
        partitions.between(M1, "XBTUSD", micros(0), micros(1))
    with pytest.raises(StorageError, match="cannot be read"):
        partitions.newest(M1, "XBTUSD")


def test_nothing_there_is_nothing(partitions: Partitions) -> None:
    assert partitions.newest(M1, "XBTUSD") is None
    assert partitions.between(M1, "XBTUSD", 0, 1).is_empty()
    assert partitions.partial() == ()
