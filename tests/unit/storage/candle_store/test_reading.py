from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.market.settings import CandleStoreSettings
from krakked_tui.ports import CandleGap, Coverage
from krakked_tui.storage.candle_store.merging import frame_of
from krakked_tui.storage.candle_store.reading import covered
from krakked_tui.storage.candle_store.store import PartitionedCandleStore
from krakked_tui.storage.candles import open_to_write
from tests.contract.test_candle_store import candles_of
from tests.unit.storage.samples import candle

PAIRS = [f"P{number:02}USD" for number in range(20)]
M1 = Timeframe.M1


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[PartitionedCandleStore]:
    opened = await open_to_write(tmp_path, CandleStoreSettings(recent_bars=1))
    yield opened
    await opened.close()


@pytest.mark.parametrize("lookback", [2, 5, 17, 18, 19, 20, 21, 30])
async def test_many_pairs_at_once_miss_no_sealed_row(store: PartitionedCandleStore, lookback: int) -> None:
    await store.append([candle(15, pair) for pair in PAIRS])
    await store.compact(everything=True)
    others = [number for number in range(21) if number != 15]
    await store.append([candle(number, pair) for pair in PAIRS for number in others])
    expected = [candle(number, pair) for pair in PAIRS for number in range(max(0, 21 - lookback), 21)]
    assert candles_of(await store.read_many(PAIRS, M1, lookback)) == expected


async def test_pairs_that_trade_seldom_come_with_those_that_trade_always(
    store: PartitionedCandleStore,
) -> None:
    series = {pair: list(range(0, 200, 1 + place)) for place, pair in enumerate(PAIRS)}
    for number in range(200):
        await store.append([candle(number, pair) for pair in PAIRS if number in series[pair]])
        if number == 120:
            await store.compact(everything=True)
    expected = [candle(number, pair) for pair in PAIRS for number in series[pair][-30:]]
    assert candles_of(await store.read_many(PAIRS, M1, 30)) == expected


def test_coverage_takes_times_in_any_order_and_twice() -> None:
    minute = timedelta(minutes=1)
    times = frame_of([candle(number) for number in (5, 1, 1, 2)])["time"]
    gap = CandleGap(candle(3).time, candle(4).time + minute)
    assert covered(times, M1) == Coverage(candle(1).time, candle(5).time, 3, (gap,))
    assert covered(times.clear(), M1) == Coverage()
