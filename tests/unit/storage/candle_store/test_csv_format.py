import pytest

from krakked_tui.storage.candle_store.csv_format import CsvFormat
from krakked_tui.storage.candle_store.partitions import DamagedError
from tests.unit.storage.candle_store.builders import rows, rows_of
from tests.unit.storage.samples import candle

CSV = CsvFormat()
TEXT = b"""time,open,high,low,close,volume,vwap,trades
2026-03-01T12:00:00.000000Z,100.1,101.2,99.3,100.7,1.5,100.4,7
"""


def test_a_partition_is_plain_text() -> None:
    assert CSV.encode(rows(0)) == TEXT
    assert CSV.decode(TEXT).equals(rows(0))
    assert CSV.decode(CSV.encode(rows())).equals(rows())


@pytest.mark.parametrize("volume", [1e-9, 0.1 + 0.2, 1 / 3, 1e22, 123456789.12345678, 5e-324])
def test_floats_come_back_exactly(volume: float) -> None:
    before = rows_of([candle(0, volume=volume)])
    assert CSV.decode(CSV.encode(before)).equals(before)


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"time,", b"Time,"), (b",7\n", b",7"), (b"100.1", b"a lot"), (b",7\n", b",\n"), (b"03-01T", b"13-01T")],
)
def test_what_is_no_candle_is_damage(before: bytes, after: bytes) -> None:
    with pytest.raises(DamagedError):
        CSV.decode(TEXT.replace(before, after))
