"""Compaction: when it begins, how far it goes, and what is left when it dies at any step."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.ports import Compacted
from krakked_tui.storage.candle_store import sealing
from krakked_tui.storage.candle_store.parquet_format import ParquetFormat
from krakked_tui.storage.candle_store.partitions import Partitions
from krakked_tui.storage.candle_store.sealing import KEPT_BARS, SEALED_BARS, Sealer
from krakked_tui.storage.candle_store.sqlite_tail import SqliteTail
from krakked_tui.storage.candle_store.tail import END, LateRows
from krakked_tui.storage.candles import open_to_write
from tests.contract.test_candle_store import candles_of
from tests.unit.storage.samples import candle

M1 = Timeframe.M1
PAIRS = ("ADAUSD", "ETHUSD", "XBTUSD")
TURN = datetime(2026, 4, 1, tzinfo=UTC)


def series(pair: str, count: int, start: datetime = TURN, timeframe: Timeframe = M1) -> list[Candle]:
    return [
        msgspec.structs.replace(candle(0, pair), timeframe=timeframe, time=start + n * timeframe.length)
        for n in range(count)
    ]


class KilledError(Exception):
    """The process ends here."""


class Mortal:
    """Passes calls on until the last one granted; that one is done, and then it dies."""

    def __init__(self, inner: object, lives: list[int], names: frozenset[str]) -> None:
        self._inner, self._lives, self._names = inner, lives, names

    def __getattr__(self, name: str) -> object:
        attribute = getattr(self._inner, name)
        if name not in self._names:
            return attribute

        async def call(*arguments: object) -> object:
            result = await attribute(*arguments)
            self._spend()
            return result

        return call

    def _spend(self) -> None:
        self._lives[0] -= 1
        if self._lives[0] < 0:
            raise KilledError


class MortalFormat(ParquetFormat):
    """Dies before a file is written."""

    def __init__(self, lives: list[int]) -> None:
        self._lives = lives

    def encode(self, rows: pl.DataFrame) -> bytes:
        self._lives[0] -= 1
        if self._lives[0] < 0:
            raise KilledError
        return super().encode(rows)


class SlowFormat(ParquetFormat):
    """Does not write before it is told to."""

    def __init__(self) -> None:
        self.begun, self.told = threading.Event(), threading.Event()

    def encode(self, rows: pl.DataFrame) -> bytes:
        self.begun.set()
        assert self.told.wait(30)
        return super().encode(rows)


STEPS = frozenset({"begin_sealing", "save_sealing", "end_sealing", "rows_to_seal"})


async def test_killed_at_any_step_it_goes_on_and_nothing_is_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "REMOVED_ROWS", 4)
    everything = [c for pair in PAIRS for c in series(pair, 8, TURN - timedelta(minutes=4))]
    deaths = 0
    for lives in range(100):
        root = tmp_path / str(lives)
        store = await open_to_write(root)
        await store.append(everything)
        await store.close()
        tail = await SqliteTail.open(root)
        left = [lives]
        sealer = Sealer(
            Mortal(tail, left, STEPS),  # type: ignore[arg-type]
            Partitions(root, MortalFormat(left)),
        )
        try:
            await sealer.compact(64, everything=True)
        except KilledError:
            deaths += 1
        await tail.close()

        store = await open_to_write(root)
        assert not await store.verify()
        assert candles_of(await store.read_many(PAIRS, M1, 100)) == everything
        correction = msgspec.structs.replace(everything[1], trades=99)
        assert await store.append([correction, everything[2]]) == 1
        done = await store.compact(everything=True)
        assert not done.more
        expected = [correction if c is everything[1] else c for c in everything]
        assert candles_of(await store.read_many(PAIRS, M1, 100)) == expected
        await store.compact(everything=True)
        assert not await store.verify()
        assert candles_of(await store.read_many(PAIRS, M1, 100)) == expected
        assert await store.append(everything) == 0
        await store.close()
        tail = await SqliteTail.open(root)
        assert await tail.oldest(M1) is None
        await tail.close()
        if left[0] >= 0:
            break
    assert deaths > 15


async def test_what_is_sealed_leaves_the_tail_a_few_rows_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "REMOVED_ROWS", 4)
    monkeypatch.setattr(sealing, "REMOVALS", 2)
    tail = await SqliteTail.open(tmp_path)
    await tail.put([c for pair in PAIRS for c in series(pair, 10)], LateRows())
    sealer = Sealer(tail, Partitions(tmp_path, ParquetFormat()))
    left = []
    more = True
    while more:
        done = await sealer.compact(64, everything=True)
        more = done.more
        left.append((done.rows, (await tail.window(M1, 0, END)).height))
    assert left == [(30, 24), (0, 18), (0, 12), (0, 6), (0, 0)]
    await tail.close()


async def test_a_call_writes_no_more_files_than_asked_for_and_the_next_goes_on(tmp_path: Path) -> None:
    store = await open_to_write(tmp_path)
    await store.append([c for pair in PAIRS for c in series(pair, 3)])
    seen = [await store.compact(partitions=1, everything=True) for _ in range(4)]
    assert [(done.partitions, done.rows, done.more) for done in seen] == [
        (1, 3, True), (1, 3, True), (1, 3, False), (0, 0, False),
    ]  # fmt: skip
    await store.close()


async def test_rows_that_come_while_a_compaction_is_under_way_stay(tmp_path: Path) -> None:
    store = await open_to_write(tmp_path)
    rows = [c for pair in PAIRS for c in series(pair, 3)]
    await store.append(rows)
    assert (await store.compact(partitions=2, everything=True)).more
    late = [msgspec.structs.replace(rows[0], trades=50), *series("ADAUSD", 2, TURN - timedelta(days=3))]
    assert await store.append(late) == 3
    assert not (await store.compact(partitions=9)).more
    expected = sorted([*late, *rows[1:]], key=lambda c: (c.pair, c.time))
    assert candles_of(await store.read_many(PAIRS, M1, 10)) == expected
    assert (await store.compact(everything=True)).rows == 3
    assert candles_of(await store.read_many(PAIRS, M1, 10)) == expected
    await store.close()


async def test_a_cancelled_compaction_ends_after_its_last_write(tmp_path: Path) -> None:
    tail, spelling = await SqliteTail.open(tmp_path), SlowFormat()
    await tail.put(series("XBTUSD", 3), LateRows())
    sealer = Sealer(tail, Partitions(tmp_path, spelling))
    compaction = asyncio.ensure_future(sealer.compact(64, everything=True))  # noqa: TID251 - to be cancelled
    await asyncio.to_thread(spelling.begun.wait, 30)
    compaction.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert sealer.lock.locked()
    spelling.told.set()
    with pytest.raises(asyncio.CancelledError):
        await compaction
    assert Partitions(tmp_path, spelling).newest(M1, "XBTUSD") is not None
    await tail.close()


@pytest.mark.parametrize(
    ("bars", "start", "sealed"),
    [
        (KEPT_BARS + SEALED_BARS, TURN, 0),
        (KEPT_BARS + SEALED_BARS + 1, TURN, SEALED_BARS),
        (KEPT_BARS + 30, TURN - timedelta(minutes=20), 20),
        (KEPT_BARS + 20, TURN - timedelta(minutes=20), 0),
    ],
)
async def test_it_begins_when_a_period_is_over_or_enough_has_gathered(
    tmp_path: Path, bars: int, start: datetime, sealed: int
) -> None:
    store = await open_to_write(tmp_path)
    await store.append(series("XBTUSD", bars, start))
    assert (await store.compact()).rows == sealed
    assert await store.compact() == Compacted()
    assert (await store.coverage("XBTUSD", M1)).rows == bars
    await store.close()
