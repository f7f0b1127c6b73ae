from pathlib import Path

import msgspec
import polars as pl
import pytest

from krakked_tui.storage.candle_store.parquet_format import ParquetFormat
from krakked_tui.storage.candles import open_to_write
from tests.unit.storage.candle_store.builders import rows, rows_of
from tests.unit.storage.samples import candle

DIRECTORY = Path("1m/XBTUSD")


async def findings(root: Path) -> list[str]:
    store = await open_to_write(root)
    found = [
        f"{finding.place.removeprefix(str(root))}: {finding.problem}" for finding in await store.verify()
    ]
    await store.close()
    return found


def written(root: Path, frame: pl.DataFrame, name: str = "2026-03.parquet") -> Path:
    path = root / DIRECTORY / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ParquetFormat().encode(frame))
    return root


@pytest.mark.parametrize(
    ("frame", "name", "problem"),
    [
        (rows(0, 1), "2026-03.parquet", None),
        (rows(1, 0), "2026-03.parquet", "not ascending and unique"),
        (rows(1, 1), "2026-03.parquet", "not ascending and unique"),
        (rows(0), "2026-02.parquet", "rows outside 2026-02"),
        (rows(0), "2026.parquet", "no partition of this timeframe"),
        (rows(0), "2026-03.csv", "no partition of this timeframe"),
        (rows_of([msgspec.structs.replace(candle(0), high=1.0)]), "2026-03.parquet", "1 rows make no sense"),
        (rows_of([msgspec.structs.replace(candle(0), low=-1.0)]), "2026-03.parquet", "1 rows make no sense"),
        (rows_of([candle(0, volume=-1.0)]), "2026-03.parquet", "1 rows make no sense"),
        (rows_of([candle(0, trades=-1)]), "2026-03.parquet", "1 rows make no sense"),
        (rows_of([candle(0, volume=float("nan"))]), "2026-03.parquet", "1 rows make no sense"),
    ],
)
async def test_a_partition(tmp_path: Path, frame: pl.DataFrame, name: str, problem: str | None) -> None:
    found = await findings(written(tmp_path, frame, name))
    if problem is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith(f"/{DIRECTORY}/{name}: ")
        assert problem in found[0]


async def test_what_does_not_belong_there(tmp_path: Path) -> None:
    (tmp_path / "1m" / "xbtusd").mkdir(parents=True)
    (tmp_path / "1h").mkdir()
    (tmp_path / "1h" / "ETHUSD").write_text("")
    assert [line.partition(": ")[0] for line in await findings(tmp_path)] == ["/1m/xbtusd", "/1h/ETHUSD"]


async def test_the_tail(tmp_path: Path) -> None:
    store = await open_to_write(tmp_path)
    await store.append([candle(0), candle(700), msgspec.structs.replace(candle(800), high=1.0)])
    await store.close()
    assert await findings(tmp_path) == [
        "tail, 1m: 1 rows make no sense, the first at 2026-03-02T01:20:00+00:00"
    ]


async def test_a_row_of_the_tail_that_is_out_of_date(tmp_path: Path) -> None:
    store = await open_to_write(tmp_path)
    await store.append([candle(0), candle(1)])
    await store.close()
    assert await findings(written(tmp_path, rows(0, 1))) == []
    assert await findings(written(tmp_path, rows(0, 1, trades=9))) == [
        f"/{DIRECTORY}: 2 rows in the tail are out of date, the first at 2026-03-01T12:00:00+00:00"
    ]
