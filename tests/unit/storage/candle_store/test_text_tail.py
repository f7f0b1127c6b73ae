from pathlib import Path

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.market.settings import CandleStoreSettings
from krakked_tui.storage.candles import open_to_write
from tests.contract.test_candle_store import candles_of
from tests.unit.storage.samples import candle

M1 = Timeframe.M1
CSV = CandleStoreSettings(backend="csv")
HEADER = "timeframe,pair,time,open,high,low,close,volume,vwap,trades\n"
LINE = "1m,XBTUSD,2026-03-01T12:00:00.000000Z,100.1,101.2,99.3,100.7,1.5,100.4,7\n"


async def test_the_tail_is_plain_text_in_the_order_of_arrival(tmp_path: Path) -> None:
    store = await open_to_write(tmp_path, CSV)
    await store.append([candle(1, trades=9), candle(0)])
    await store.append([candle(0, trades=8)])
    lines = (tmp_path / "tail.csv").read_text().splitlines(keepends=True)
    assert lines[0] == HEADER
    assert lines[2:] == [LINE, LINE.replace(",7\n", ",8\n")]
    await store.compact(everything=True)
    assert (tmp_path / "tail.csv").read_text() == HEADER
    assert sorted(path.name for path in (tmp_path / "1m" / "XBTUSD").iterdir()) == ["2026-03.csv"]
    await store.close()


async def test_torn_anywhere_in_its_last_line_it_has_the_others(tmp_path: Path) -> None:
    whole = (HEADER + LINE + LINE.replace("12:00", "12:01")).encode()
    for cut in range(len(whole) + 1):
        (tmp_path / "tail.csv").write_bytes(whole[:cut])
        store = await open_to_write(tmp_path, CSV)
        kept = candles_of(await store.read("XBTUSD", M1))
        rows = whole[:cut].count(b"\n") - 1
        assert kept == [candle(number) for number in range(rows)]
        assert await store.append([candle(9)]) == 1
        await store.close()
        store = await open_to_write(tmp_path, CSV)
        assert candles_of(await store.read("XBTUSD", M1)) == [*kept, candle(9)]
        await store.close()


@pytest.mark.parametrize(
    "text", [HEADER + "1m,XBT\n" + LINE, "other,columns\n" + LINE, HEADER + "\x00\n" + LINE]
)
async def test_damage_before_the_end_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "tail.csv").write_text(text)
    for _ in range(2):
        with pytest.raises(StorageError, match=r"tail\.csv is damaged \(line [12] is not a candle\)"):
            await open_to_write(tmp_path, CSV)
    assert (tmp_path / "tail.csv").read_text() == text
