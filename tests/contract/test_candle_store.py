"""What every candle store does."""

import tempfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.ports import CandleStore
from krakked_tui.storage.candles import SqliteCandleStore
from tests.fakes.candle_store import MemoryCandleStore
from tests.unit.storage.samples import candle

M1 = Timeframe.M1
replace = msgspec.structs.replace


async def open_store(kind: str, directory: Path) -> CandleStore:
    return MemoryCandleStore() if kind == "memory" else await SqliteCandleStore.open(directory)


def candles_of(frame: pl.DataFrame, timeframe: Timeframe = M1) -> list[Candle]:
    assert frame.schema == CANDLE_SCHEMA
    return [Candle(timeframe=timeframe, **row) for row in frame.iter_rows(named=True)]


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CandleStore]:
    opened = await open_store(request.param, tmp_path)
    yield opened
    await opened.close()


async def test_an_empty_store_gives_empty_frames(store: CandleStore) -> None:
    assert candles_of(await store.read("XBTUSD", M1)) == []
    assert candles_of(await store.read_many(["XBTUSD"], M1, 10)) == []
    assert await store.last_time("XBTUSD", M1) is None
    assert await store.append([]) == 0


async def test_what_goes_in_comes_out_in_order(store: CandleStore) -> None:
    assert await store.append([candle(2), candle(0), candle(1)]) == 3
    assert candles_of(await store.read("XBTUSD", M1)) == [candle(0), candle(1), candle(2)]
    assert await store.last_time("XBTUSD", M1) == candle(2).time


async def test_pairs_and_timeframes_are_kept_apart(store: CandleStore) -> None:
    hourly = replace(candle(0), timeframe=Timeframe.H1)
    await store.append([candle(0), candle(0, "ETHUSD"), hourly])
    assert candles_of(await store.read("XBTUSD", Timeframe.H1), Timeframe.H1) == [hourly]
    assert candles_of(await store.read("ETHUSD", M1)) == [candle(0, "ETHUSD")]


async def test_start_is_inclusive_end_exclusive_and_limit_takes_the_newest(store: CandleStore) -> None:
    await store.append([candle(number) for number in range(6)])
    read = candles_of(await store.read("XBTUSD", M1, candle(1).time, candle(5).time))
    assert read == [candle(number) for number in (1, 2, 3, 4)]
    read = candles_of(await store.read("XBTUSD", M1, candle(1).time, candle(5).time, limit=2))
    assert read == [candle(3), candle(4)]
    assert candles_of(await store.read("XBTUSD", M1, limit=0)) == []


async def test_the_newest_candles_of_many_pairs_come_by_pair_then_time(store: CandleStore) -> None:
    await store.append([candle(n, pair) for pair in ("XBTUSD", "ETHUSD", "SOLUSD") for n in range(4)])
    await store.append([candle(9, "ADAUSD")])
    read = candles_of(await store.read_many(["XBTUSD", "ADAUSD", "XBTUSD", "ETHUSD", "NOPEUSD"], M1, 2))
    assert read == [
        candle(9, "ADAUSD"),
        candle(2, "ETHUSD"),
        candle(3, "ETHUSD"),
        candle(2, "XBTUSD"),
        candle(3, "XBTUSD"),
    ]


async def test_the_same_candle_twice_is_one(store: CandleStore) -> None:
    await store.append([candle(0)])
    assert await store.append([candle(0), candle(1), candle(1)]) == 1
    assert candles_of(await store.read("XBTUSD", M1)) == [candle(0), candle(1)]


@pytest.mark.parametrize(
    ("late", "replaces"),
    [
        (candle(0, trades=8, volume=1.6), True),
        (replace(candle(0), close=100.8), True),
        (candle(0, trades=6, volume=1.6), False),
        (candle(0, trades=8, volume=1.4), False),
    ],
)
async def test_a_late_correction_counts_only_when_at_least_as_complete(
    store: CandleStore, late: Candle, replaces: bool
) -> None:
    await store.append([candle(0)])
    assert await store.append([late]) == int(replaces)
    assert candles_of(await store.read("XBTUSD", M1)) == [late if replaces else candle(0)]


async def test_a_closed_store_says_so(store: CandleStore) -> None:
    await store.close()
    await store.close()
    with pytest.raises(StorageError):
        await store.append([candle(0)])


CANDLES = st.builds(
    candle,
    st.integers(0, 4),
    st.sampled_from(["XBTUSD", "ETHUSD"]),
    st.integers(0, 3),
    st.sampled_from([0.5, 1.0, 1.5]),
)


def union(candles: list[Candle]) -> list[Candle]:
    """The sorted unique union, a later row for the same time counting when at least as complete."""
    kept: dict[tuple[str, datetime], Candle] = {}
    for new in candles:
        old = kept.get((new.pair, new.time))
        if old is None or (new.trades >= old.trades and new.volume >= old.volume):
            kept[(new.pair, new.time)] = new
    return [kept[key] for key in sorted(kept)]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@settings(max_examples=25)
@given(batches=st.lists(st.lists(CANDLES, max_size=8), max_size=6))
async def test_any_interleaving_of_appends_is_the_union(kind: str, batches: list[list[Candle]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        store = await open_store(kind, Path(directory))
        for batch in batches:
            await store.append(batch)
        frame = await store.read_many(["XBTUSD", "ETHUSD"], M1, 100)
        await store.close()
    assert candles_of(frame) == union([c for batch in batches for c in batch])
