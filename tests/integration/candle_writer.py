"""A process that appends and compacts until it is killed, and says what has been acknowledged.

Arguments: directory, backend, first minute, seed. Every line of its output is the number of a minute whose
candles are on disk; the candles follow from the number alone.
"""

import asyncio
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.market.settings import CandleStoreSettings
from krakked_tui.storage.candles import open_to_write

# Two days before the turn of a month, at eighty minutes a step: several partitions for each pair.
START = datetime(2026, 3, 30, tzinfo=UTC)
PAIRS = ("XBTUSD", "ETHUSD", "SOLUSD", "ADAUSD")
STEP_MINUTES = 80


def candle(pair: str, number: int, *, corrected: bool) -> Candle:
    """What closes for a pair at a minute; a correction has one trade more."""
    price = 100 + number % 17 / 10
    return Candle(
        pair=pair,
        timeframe=Timeframe.M1,
        time=START + timedelta(minutes=number * STEP_MINUTES),
        open=price,
        high=price + 1,
        low=price - 1,
        close=price + 0.5,
        volume=1 + number / 8,
        vwap=price,
        trades=number + corrected,
    )


def minute(number: int) -> list[Candle]:
    """All pairs' candles of a minute, with a correction of an earlier one now and then."""
    rows = [candle(pair, number, corrected=False) for pair in PAIRS]
    if number % 3 == 2:
        rows += [candle(PAIRS[number % len(PAIRS)], number - 2, corrected=True)]
    return rows


async def write(root: Path, backend: str, first: int, seed: int) -> None:
    """Append minute after minute, with compactions beside."""
    rng = random.Random(seed)
    store = await open_to_write(root, msgspec.convert({"backend": backend}, CandleStoreSettings))

    async def compact() -> None:
        while True:
            await store.compact(partitions=rng.randint(1, 4), everything=True)
            await asyncio.sleep(rng.random() / 50)

    async with asyncio.TaskGroup() as group:
        group.create_task(compact())
        for number in range(first, 1_000_000):
            await store.append(minute(number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
