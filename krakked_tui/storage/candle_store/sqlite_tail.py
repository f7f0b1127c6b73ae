"""The tail in SQLite: ``tail.db``, written ahead, its commits on disk before they are acknowledged."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import aiosqlite
import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import NewerSchemaError, StorageError
from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.storage.candle_store.merging import ROW_SCHEMA, micros_of
from krakked_tui.storage.candle_store.tail import BEGINNING, END, LateRows, Sealing
from krakked_tui.storage.rows import to_json
from krakked_tui.storage.sqlite import Database, Parameters, Row, load_migrations, load_statements

TAIL: Final = "tail.db"
_SQL = load_statements("candles")
_NO_LIMIT: Final = -1
_EVERY_GENERATION: Final = END
_EXACT: Final = 2.0**47  # SQLite writes whole floats below that as integers
_PRICE_SCALES: Final = tuple(10.0**places for places in range(11))
_VOLUME_SCALES: Final = (1.0, 1e8)
_NAMES = msgspec.json.Decoder(tuple[str, ...])


Floats = npt.NDArray[np.float64]


class SqliteTailReader:
    """``TailReader`` for any process, on a connection that cannot write.

    It opens the file when it is first needed, and there may be none yet.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / TAIL
        self._opening = asyncio.Lock()
        self._database: Database | None = None

    async def pair_rows(
        self, timeframe: Timeframe, pair: str, start: int, end: int, limit: int | None = None
    ) -> pl.DataFrame:
        """Rows of one pair, ascending, the newest ``limit`` of them."""
        return await self._pair_rows(timeframe, pair, start, end, limit, _EVERY_GENERATION)

    async def window(self, timeframe: Timeframe, start: int, end: int) -> pl.DataFrame:
        """Rows of all pairs, in any order, as a candle frame."""
        rows = await self._fetch("window", {"timeframe": timeframe, "start": start, "end": end})
        return await asyncio.to_thread(_frame, rows, CANDLE_SCHEMA)

    async def newest(self, timeframe: Timeframe) -> int | None:
        """Time of the newest row of any pair."""
        return await self._time("newest", timeframe)

    async def oldest(self, timeframe: Timeframe) -> int | None:
        """Time of the oldest row of any pair."""
        return await self._time("oldest", timeframe)

    async def newest_by_pair(self, timeframe: Timeframe) -> Mapping[str, int]:
        """Time of the newest row of each pair that has one."""
        return {
            pair: int(time) for pair, time in await self._fetch("newest_by_pair", {"timeframe": timeframe})
        }

    async def close(self) -> None:
        """Close; closing again does nothing."""
        if self._database is not None:
            await self._database.close()

    async def _time(self, statement: str, timeframe: Timeframe) -> int | None:
        rows = await self._fetch(statement, {"timeframe": timeframe})
        return None if not rows or rows[0][0] is None else int(rows[0][0])

    async def _pair_rows(
        self, timeframe: Timeframe, pair: str, start: int, end: int, limit: int | None, generation: int
    ) -> pl.DataFrame:
        wanted: Parameters = {
            "timeframe": timeframe, "pair": pair, "start": start, "end": end,
            "limit": _NO_LIMIT if limit is None else limit, "generation": generation,
        }  # fmt: skip
        return await asyncio.to_thread(_frame, await self._fetch("pair_rows", wanted), ROW_SCHEMA)

    async def _fetch(self, statement: str, parameters: Parameters) -> list[Row]:
        database = await self._open()
        return [] if database is None else await database.fetch(_SQL[statement], parameters)

    async def _open(self) -> Database | None:
        async with self._opening:
            if self._database is None:
                self._database = await _connect_reader(self._path)
            return self._database


async def _connect_reader(path: Path) -> Database | None:
    if not await asyncio.to_thread(path.exists):
        return None
    try:
        connection = await aiosqlite.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0)
    except sqlite3.Error as error:
        raise StorageError(f"{path} cannot be opened for reading ({error})") from error
    database = Database(path, connection)
    try:
        [(version,)] = await database.fetch(_SQL["version"])
        _check_version(path, version, len(load_migrations("candles")))
    except BaseException:
        await database.close()
        raise
    return database


def _check_version(path: Path, version: int, known: int) -> None:
    """Refuse a file that another Krakked writes in a way this one does not read."""
    if version > known:
        raise NewerSchemaError(
            f"{path} has schema version {version}, but this Krakked knows versions up to {known}:"
            " update Krakked"
        )
    if version < known:
        raise StorageError(
            f"{path} is used by an older Krakked (schema version {version}): stop that one first"
        )


class SqliteTail(SqliteTailReader):
    """``Tail`` for the process that holds the writer's lock. Made by ``open``.

    Reads have a connection of their own and wait for no transaction.
    """

    def __init__(self, root: Path, writer: Database, late: LateRows) -> None:
        super().__init__(root)
        self._writer = writer
        self.late = late

    @classmethod
    async def open(cls, root: Path) -> "SqliteTail":
        """Open or create ``tail.db``. Raises ``StorageError``."""
        writer = await Database.open(root / TAIL, load_migrations("candles"), _SQL["settings"])
        try:
            [(corrected, refused)] = await writer.fetch(_SQL["state"])
        except BaseException:
            await writer.close()
            raise
        return cls(root, writer, LateRows(corrected, refused))

    async def put(self, candles: Sequence[Candle], late: LateRows) -> None:
        """Store rows, replacing those with the same key, and count late ones: all of it or nothing."""
        rows = await asyncio.to_thread(_parameters, candles)
        async with self._writer.transaction() as transaction:
            await transaction.execute_many(_SQL["put"], rows)
            if late != LateRows():
                counts = {"corrected": late.corrected, "refused": late.refused}
                await transaction.execute_many(_SQL["count_late"], [counts])
        self.late = LateRows(self.late.corrected + late.corrected, self.late.refused + late.refused)

    async def sealing(self, timeframe: Timeframe) -> Sealing | None:
        """Return the compaction that was begun and has not ended."""
        rows = await self._writer.fetch(_SQL["sealing"], {"timeframe": timeframe})
        if not rows:
            return None
        cut, generation, pending, kept = rows[0]
        sealing = Sealing(timeframe, cut, generation, (), _NAMES.decode(kept))
        if pending is not None:
            return msgspec.structs.replace(sealing, pending=_NAMES.decode(pending))
        return await self._list_pairs(sealing)

    async def begin_sealing(self, timeframe: Timeframe, cut: int) -> Sealing:
        """Begin a compaction; all pairs with rows before ``cut`` are pending."""
        async with self._writer.transaction() as transaction:
            await transaction.execute_many(_SQL["begin_sealing"], [{"timeframe": timeframe, "cut": cut}])
            await transaction.execute_many(_SQL["next_generation"], [{}])
        begun = await self.sealing(timeframe)
        assert begun is not None
        return begun

    async def _list_pairs(self, sealing: Sealing) -> Sealing:
        wanted: Parameters = {
            "timeframe": sealing.timeframe, "cut": sealing.cut, "generation": sealing.generation,
        }  # fmt: skip
        pairs = tuple(pair for (pair,) in await self._fetch("pairs_to_seal", wanted))
        listed = msgspec.structs.replace(sealing, pending=pairs)
        await self.save_sealing(listed)
        return listed

    async def rows_to_seal(self, sealing: Sealing, pair: str) -> pl.DataFrame:
        """Return a pair's rows that a compaction moves."""
        return await self._pair_rows(
            sealing.timeframe, pair, BEGINNING, sealing.cut, None, sealing.generation
        )

    async def save_sealing(self, sealing: Sealing) -> None:
        """Remember how far a compaction has come."""
        saved: Parameters = {
            "timeframe": sealing.timeframe, "pending": to_json(sealing.pending),
            "kept": to_json(sealing.kept),
        }  # fmt: skip
        async with self._writer.transaction() as transaction:
            await transaction.execute_many(_SQL["save_sealing"], [saved])

    async def end_sealing(self, sealing: Sealing, rows: int) -> bool:
        """Remove about ``rows`` rows that were moved; True when that was the rest."""
        start = await self._first_to_remove(sealing)
        wanted: Parameters = {
            "timeframe": sealing.timeframe, "start": start, "cut": sealing.cut, "rows": rows,
        }  # fmt: skip
        beyond = await self._writer.fetch(_SQL["time_after_rows"], wanted)
        # At least one time goes, however many rows it has.
        end = max(int(beyond[0][0]), start + 1) if beyond else sealing.cut
        removed: Parameters = {
            "timeframe": sealing.timeframe, "start": start, "end": end, "generation": sealing.generation,
            "kept": to_json(sealing.kept),
        }  # fmt: skip
        async with self._writer.transaction() as transaction:
            await transaction.execute_many(_SQL["delete_sealed"], [removed])
            if end >= sealing.cut:
                await transaction.execute_many(_SQL["end_sealing"], [{"timeframe": sealing.timeframe}])
        return end >= sealing.cut

    async def _first_to_remove(self, sealing: Sealing) -> int:
        wanted: Parameters = {
            "timeframe": sealing.timeframe, "cut": sealing.cut, "generation": sealing.generation,
            "kept": to_json(sealing.kept),
        }  # fmt: skip
        [(oldest,)] = await self._writer.fetch(_SQL["oldest_sealed"], wanted)
        return sealing.cut if oldest is None else int(oldest)

    async def close(self) -> None:
        """Write everything into the main file and close; closing again does nothing."""
        try:
            # First, so that the last connection to close is one that can clear the log away.
            await super().close()
        finally:
            await self._writer.close()


def _parameters(unsorted: Sequence[Candle]) -> list[Parameters]:
    """Return the rows to put, in the order of the key, so that they are written side by side."""
    candles = sorted(unsorted, key=lambda candle: (candle.timeframe, candle.time, candle.pair))
    prices = np.array([[c.open, c.high, c.low, c.close, c.vwap] for c in candles]).reshape(-1, 5)
    volumes = np.array([[c.volume] for c in candles]).reshape(-1, 1)
    price_scales, prices = _scaled(prices, _PRICE_SCALES)
    volume_scales, volumes = _scaled(volumes, _VOLUME_SCALES)
    columns = zip(
        candles,
        micros_of(candles),
        price_scales,
        prices.tolist(),
        volume_scales,
        volumes[:, 0].tolist(),
        strict=True,
    )
    return [
        {
            "timeframe": candle.timeframe, "time": time, "pair": candle.pair,
            "price_scale": price_scale, "open": open_, "high": high, "low": low, "close": close, "vwap": vwap,
            "volume_scale": volume_scale, "volume": volume, "trades": candle.trades,
        }
        for candle, time, price_scale, (open_, high, low, close, vwap), volume_scale, volume in columns
    ]  # fmt: skip


def _scaled(rows: Floats, scales: Sequence[float]) -> tuple[list[float], Floats]:
    """Multiply each row by the first scale that makes it whole and gives it back exactly, else by 1."""
    used, scaled = np.ones(len(rows)), rows.copy()
    left = np.arange(len(rows))
    for scale in scales:
        if not left.size:
            break
        whole = np.rint(rows[left] * scale)
        fits = ((whole / scale == rows[left]) & (np.abs(whole) < _EXACT)).all(axis=1)
        used[left[fits]], scaled[left[fits]] = scale, whole[fits]
        left = left[~fits]
    return used.tolist(), scaled


def _frame(rows: Sequence[Row], schema: pl.Schema) -> pl.DataFrame:
    # Times travel as whole microseconds and become times once, for the whole column.
    columns = {name: pl.Int64() if name == "time" else kind for name, kind in schema.items()}
    return pl.DataFrame(rows, schema=columns, orient="row").cast(schema).sort("time")
