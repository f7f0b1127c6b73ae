"""What every candle store does."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.market.settings import CandleStoreSettings
from krakked_tui.ports import CandleGap, CandleStore, Compacted, Coverage
from krakked_tui.storage.candles import open_candle_store
from tests.fakes.candle_store import MemoryCandleStore
from tests.unit.storage.samples import candle

M1 = Timeframe.M1
KINDS = ["memory", "parquet", "csv", "following"]
replace = msgspec.structs.replace


async def open_store(kind: str, directory: Path, stack: AsyncExitStack) -> CandleStore:
    """Open a store that is closed with the stack; few recent bars, so that files are read too."""
    store: CandleStore
    if kind == "memory":
        store = MemoryCandleStore()
    else:
        chosen = CandleStoreSettings(backend="csv" if kind == "csv" else "parquet", recent_bars=3)
        store = await open_candle_store(directory, chosen)
        stack.push_async_callback(store.close)
    if kind == "following":  # the first one writes
        store = await open_candle_store(directory, CandleStoreSettings(recent_bars=1_000))
    stack.push_async_callback(store.close)
    return store


def candles_of(frame: pl.DataFrame, timeframe: Timeframe = M1) -> list[Candle]:
    assert frame.schema == CANDLE_SCHEMA
    return [Candle(timeframe=timeframe, **row) for row in frame.iter_rows(named=True)]


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CandleStore]:
    async with AsyncExitStack() as stack:
        yield await open_store(request.param, tmp_path, stack)


async def test_an_empty_store_gives_empty_frames(store: CandleStore) -> None:
    assert candles_of(await store.read("XBTUSD", M1)) == []
    assert candles_of(await store.read_many(["XBTUSD"], M1, 10)) == []
    assert await store.last_time("XBTUSD", M1) is None
    assert await store.append([]) == 0
    assert await store.coverage("XBTUSD", M1) == Coverage()
    assert await store.compact(everything=True) == Compacted()
    assert list(await store.verify()) == []


async def test_what_goes_in_comes_out_in_order(store: CandleStore) -> None:
    assert await store.append([candle(2), candle(0), candle(1)]) == 3
    assert candles_of(await store.read("XBTUSD", M1)) == [candle(0), candle(1), candle(2)]
    assert await store.last_time("XBTUSD", M1) == candle(2).time


async def test_pairs_and_timeframes_are_kept_apart(store: CandleStore) -> None:
    hourly = replace(candle(0), timeframe=Timeframe.H1)
    await store.append([candle(0), candle(0, "ETHUSD"), hourly])
    assert candles_of(await store.read("XBTUSD", Timeframe.H1), Timeframe.H1) == [hourly]
    assert candles_of(await store.read("ETHUSD", M1)) == [candle(0, "ETHUSD")]


@pytest.mark.parametrize(
    "pair", ["../../etc", "a/b", "xbtusd", "XBTUSD", ".", "XBT.M", "CON", "%41", "Ü,\"'", ""]
)
async def test_a_pair_may_be_called_anything_printable(store: CandleStore, pair: str) -> None:
    if not pair:
        with pytest.raises(StorageError):
            await store.append([candle(0, "")])
        return
    await store.append([candle(0, pair), candle(1, "XBTusd")])
    await store.compact(everything=True)
    assert candles_of(await store.read(pair, M1)) == [candle(0, pair)]
    assert list(await store.verify()) == []


async def test_start_is_inclusive_end_exclusive_and_limit_takes_the_newest(store: CandleStore) -> None:
    await store.append([candle(number) for number in range(6)])
    for _ in range(2):  # from the tail and from memory, then from a partition
        read = candles_of(await store.read("XBTUSD", M1, candle(1).time, candle(5).time))
        assert read == [candle(number) for number in (1, 2, 3, 4)]
        read = candles_of(await store.read("XBTUSD", M1, candle(1).time, candle(5).time, limit=2))
        assert read == [candle(3), candle(4)]
        assert candles_of(await store.read("XBTUSD", M1, limit=0)) == []
        for limit in range(1, 8):
            expected = [candle(number) for number in range(max(0, 6 - limit), 6)]
            assert candles_of(await store.read("XBTUSD", M1, limit=limit)) == expected
            assert candles_of(await store.read_many(["XBTUSD"], M1, limit)) == expected
        await store.compact(everything=True)


async def test_the_newest_candles_of_many_pairs_come_by_pair_then_time(store: CandleStore) -> None:
    await store.append([candle(n, pair) for pair in ("XBTUSD", "ETHUSD", "SOLUSD") for n in range(4)])
    await store.append([candle(9, "ADAUSD")])
    for _ in range(2):
        read = candles_of(await store.read_many(["XBTUSD", "ADAUSD", "XBTUSD", "ETHUSD", "NOPEUSD"], M1, 2))
        assert read == [
            candle(9, "ADAUSD"),
            candle(2, "ETHUSD"),
            candle(3, "ETHUSD"),
            candle(2, "XBTUSD"),
            candle(3, "XBTUSD"),
        ]
    assert candles_of(await store.read_many(["XBTUSD", "ETHUSD"], M1, 0)) == []


async def test_what_was_read_before_is_read_with_what_came_since(store: CandleStore) -> None:
    pairs = [f"P{number:02}USD" for number in range(12)]
    for number in range(9):
        await store.append([candle(number, pair) for pair in pairs])
        if number == 5:
            await store.append([candle(2, pairs[0], trades=9), candle(5, pairs[1], trades=9)])
        read = candles_of(await store.read_many(pairs, M1, 3))
        expected = [
            candle(n, pair, trades=9 if (n, pair) == (5, pairs[1]) and number >= 5 else 7)
            for pair in pairs
            for n in range(max(0, number - 2), number + 1)
        ]
        assert read == expected
        assert (
            candles_of(await store.read(pairs[1], M1, limit=1))
            == expected[-1:][:0] + [found for found in expected if found.pair == pairs[1]][-1:]
        )


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
@pytest.mark.parametrize("sealed", [False, True])
async def test_a_late_correction_counts_only_when_at_least_as_complete(
    store: CandleStore, late: Candle, *, replaces: bool, sealed: bool
) -> None:
    others = [candle(number) for number in range(1, 5)]  # more than memory holds
    await store.append([candle(0), *others])
    if sealed:
        await store.compact(everything=True)
    assert candles_of(await store.read("XBTUSD", M1, limit=5)) == [candle(0), *others]
    assert await store.append([late]) == int(replaces)
    for _ in range(2):
        expected = [late if replaces else candle(0), *others]
        assert candles_of(await store.read("XBTUSD", M1)) == expected
        assert candles_of(await store.read_many(["XBTUSD"], M1, 5)) == expected
        await store.compact(everything=True)
    assert list(await store.verify()) == []


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume", "vwap"])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
async def test_a_candle_that_is_not_a_number_takes_its_batch_with_it(
    store: CandleStore, field: str, number: float
) -> None:
    with pytest.raises(StorageError, match="finite"):
        await store.append([candle(0), replace(candle(1), **{field: number})])
    assert candles_of(await store.read("XBTUSD", M1)) == []
    assert await store.append([candle(0)]) == 1


async def test_coverage_says_what_there_is_and_what_is_not(store: CandleStore) -> None:
    await store.append([candle(number) for number in (0, 1, 4, 5, 9)])
    await store.compact(everything=True)
    await store.append([candle(number) for number in (2, 10)])
    minute = timedelta(minutes=1)
    assert await store.coverage("XBTUSD", M1) == Coverage(
        first=candle(0).time,
        last=candle(10).time,
        rows=7,
        gaps=(
            CandleGap(candle(3).time, candle(3).time + minute),
            CandleGap(candle(6).time, candle(8).time + minute),
        ),
    )


async def test_every_timeframe_over_the_turn_of_a_year(store: CandleStore) -> None:
    for timeframe in Timeframe:
        near = timeframe.floor(datetime.fromisoformat("2026-12-31T23:59:00Z"))
        series = [
            replace(candle(0), timeframe=timeframe, time=near + n * timeframe.length) for n in range(-70, 70)
        ]
        assert await store.append(series) == 140
        await store.compact(everything=True)
        assert await store.append(series) == 0
        assert candles_of(await store.read("XBTUSD", timeframe), timeframe) == series
        coverage = await store.coverage("XBTUSD", timeframe)
        assert (coverage.rows, coverage.gaps) == (140, ())
    assert list(await store.verify()) == []


async def test_a_closed_store_says_so(store: CandleStore) -> None:
    await store.close()
    await store.close()
    for call in (
        store.append([candle(0)]), store.read("XBTUSD", M1), store.read_many([], M1, 1), store.verify(),
        store.last_time("XBTUSD", M1), store.coverage("XBTUSD", M1), store.compact(),
    ):  # fmt: skip
        with pytest.raises(StorageError):
            await call


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


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(batches=st.lists(st.lists(CANDLES, max_size=8), max_size=6))
async def test_any_interleaving_of_appends_is_the_union(kind: str, batches: list[list[Candle]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with AsyncExitStack() as stack:
            store = await open_store(kind, Path(directory), stack)
            for batch in batches:
                await store.append(batch)
            frame = await store.read_many(["XBTUSD", "ETHUSD"], M1, 100)
    assert candles_of(frame) == union([c for batch in batches for c in batch])
