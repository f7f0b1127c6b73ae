"""What an engine stored of the market, held against the local exchange's own record."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from krakked_tui.domain.candles import Timeframe
from krakked_tui.ports import Finding
from krakked_tui.storage.candles import open_candle_store
from tests.integration.processes import SandboxProcess

MINUTE = 60
ROWS_MAX = 720
"""Closed candles that the exchange tells at most."""

CALLERS = 4
COLUMNS = ("pair", "time", "open", "high", "low", "close", "volume", "vwap", "trades")

Values = tuple[float, float, float, float, float, float, int]
"""Open, high, low, close, volume, vwap, trades."""

Minutes = Mapping[int, Values]
"""Candles of one pair by the unix second they open at."""


class Stored(NamedTuple):
    """The one-minute candles of a store by pair, and which of them were there twice."""

    candles: dict[str, dict[int, Values]]
    doubled: list[tuple[str, int]]


class Difference(NamedTuple):
    """How the candles of one span differ from the record; each is a pair and the second it opens at."""

    compared: int
    missing: list[tuple[str, int]]
    wrong: list[tuple[str, int]]
    unknown: list[tuple[str, int]]
    """Stored, but not in the record."""

    @property
    def none(self) -> bool:
        """Whether there is none."""
        return not (self.missing or self.wrong or self.unknown)


def candle_root(home: Path) -> Path:
    """The one store below a home."""
    (root,) = (path for path in (home / "data" / "candles").iterdir() if path.is_dir())
    return root


def stored(root: Path, pairs: Sequence[str]) -> Stored:
    """Read the latest minutes of these pairs; whoever writes the store may be at it."""
    return asyncio.run(_read(root, pairs))


async def _read(root: Path, pairs: Sequence[str]) -> Stored:
    store = await open_candle_store(root)
    try:
        frame = await store.read_many(pairs, Timeframe.M1, ROWS_MAX)
    finally:
        await store.close()
    found = Stored({pair: {} for pair in pairs}, [])
    for pair, time, *values in frame.select(COLUMNS).iter_rows():
        second = int(time.timestamp())
        if second in found.candles[pair]:
            found.doubled.append((pair, second))
        found.candles[pair][second] = (*values,)
    return found


def findings(root: Path) -> Sequence[Finding]:
    """What is wrong with the files of a store; the engine that wrote it must have ended."""
    return asyncio.run(_check(root))


async def _check(root: Path) -> Sequence[Finding]:
    store = await open_candle_store(root)
    try:
        return await store.verify()
    finally:
        await store.close()


def dollar_pairs(sandbox: SandboxProcess) -> list[str]:
    """Every pair against dollars that can be traded, by its canonical name."""
    listed = sandbox.public("AssetPairs")
    return sorted(
        row["altname"]
        for row in listed.values()
        if row["quote"] == "ZUSD"
        and row["aclass_base"] == "currency"
        and row.get("status", "online") == "online"
    )


def recorded(sandbox: SandboxProcess, pairs: Sequence[str]) -> dict[str, dict[int, Values]]:
    """The exchange's record of these pairs, the latest 720 minutes that are over."""
    with ThreadPoolExecutor(CALLERS) as callers:
        return dict(zip(pairs, callers.map(lambda pair: _record(sandbox, pair), pairs), strict=True))


def _record(sandbox: SandboxProcess, pair: str) -> dict[int, Values]:
    answer = sandbox.public("OHLC", pair=pair, interval=1)
    last = answer.pop("last")
    ((_, rows),) = answer.items()
    return {
        row[0]: (*map(float, row[1:5]), float(row[6]), float(row[5]), row[7])
        for row in rows
        if row[0] <= last
    }


def compare(stored_: Mapping[str, Minutes], recorded_: Mapping[str, Minutes], span: range) -> Difference:
    """Compare the minutes that open within a span of unix seconds, of the pairs recorded."""
    compared = 0
    missing: list[tuple[str, int]] = []
    wrong: list[tuple[str, int]] = []
    unknown: list[tuple[str, int]] = []
    for pair, record in recorded_.items():
        ours = stored_.get(pair, {})
        for second in span:
            told, kept = record.get(second), ours.get(second)
            compared += told is not None
            if told is None and kept is not None:
                unknown.append((pair, second))
            elif told is not None and kept is None:
                missing.append((pair, second))
            elif told != kept:
                wrong.append((pair, second))
    return Difference(compared, missing, wrong, unknown)


def minutes_between(start: datetime, end: datetime) -> range:
    """The minutes that open at or after a start and are over at an end, as a span for ``compare``."""
    first, last = (int(at.astimezone(UTC).timestamp()) for at in (start, end))
    return range(-(-first // MINUTE) * MINUTE, last // MINUTE * MINUTE, MINUTE)
