"""kill -9 of a process that appends and compacts: nothing acknowledged is lost, nothing is doubled."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.market.settings import CandleStoreSettings
from krakked_tui.storage.candles import open_to_write
from tests.contract.test_candle_store import candles_of, union
from tests.integration.candle_writer import PAIRS, minute

SHORT, LONG = 10, 200
"""Kills of each backend."""


def _killed(root: Path, backend: str, first: int, rng: random.Random) -> int:
    """Let a writer run up to a random instant; return the number of minutes acknowledged so far."""
    arguments = [str(root), backend, str(first), str(rng.randrange(2**31))]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.candle_writer", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        # Into the middle of whatever comes after an append, be it a compaction or the next append.
        for _ in range(rng.randint(1, 12)):
            line = writer.stdout.readline()
            assert line, "the writer ended by itself"
            first = int(line) + 1
        try:
            writer.wait(rng.random() / 30)
        except subprocess.TimeoutExpired:
            writer.kill()
        said = writer.stdout.read().split()
    return int(said[-1]) + 1 if said else first


def _expected(minutes: int) -> list[Candle]:
    return union([candle for number in range(minutes) for candle in minute(number)])


async def _check(root: Path, backend: str, acknowledged: int) -> None:
    """Everything acknowledged is there once; of what was under way, all or nothing more."""
    store = await open_to_write(root, msgspec.convert({"backend": backend}, CandleStoreSettings))
    try:
        assert not await store.verify()
        frame = await store.read_many(PAIRS, Timeframe.M1, 1_000_000)
        spans = [await store.read(pair, Timeframe.M1) for pair in sorted(PAIRS)]
    finally:
        await store.close()
    found = candles_of(frame)
    assert [candle for span in spans for candle in candles_of(span)] == found
    if found != _expected(acknowledged):
        # One append may have been on disk and not acknowledged yet. Text has no transactions: a batch
        # that was cut short may be there in part.
        after = _expected(acknowledged + 1)
        if backend == "csv":
            assert _expected_subset(_expected(acknowledged), found, after)
        else:
            assert found == after


def _expected_subset(before: list[Candle], found: list[Candle], after: list[Candle]) -> bool:
    keys = [(candle.pair, candle.time) for candle in found]
    before_keys = {(candle.pair, candle.time) for candle in before}
    return (
        len(set(keys)) == len(keys)
        and before_keys <= set(keys)
        and all(candle in before or candle in after for candle in found)
    )


def _run(root: Path, backend: str, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    acknowledged = 0
    for _ in range(kills):
        acknowledged = _killed(root, backend, acknowledged, rng)
        asyncio.run(_check(root, backend, acknowledged))
    suffix = "csv" if backend == "csv" else "parquet"
    assert list(root.glob(f"1m/*/*.{suffix}")), "the kills hit no compaction"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("backend", ["parquet", "csv"])
def test_killed_at_random_moments_nothing_is_lost_or_doubled(tmp_path: Path, backend: str) -> None:
    _run(tmp_path, backend, SHORT, seed=1)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("backend", ["parquet", "csv"])
def test_killed_at_random_moments_nothing_is_lost_or_doubled_long(tmp_path: Path, backend: str) -> None:
    _run(tmp_path, backend, LONG, seed=2)
