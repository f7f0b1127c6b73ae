"""The candle store: closed candles in one SQLite file, read as Polars frames."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.storage.files import FileLock
from krakked_tui.storage.rows import from_micros, to_micros
from krakked_tui.storage.sqlite import Database, Parameters, Row, load_migrations, load_statements

_SQL = load_statements("candles")
_BEGINNING = -(2**63)
_END = 2**63 - 1
_NO_LIMIT = -1

# Times travel as whole microseconds and become times once, for the whole column.
_ROW_SCHEMA = {**CANDLE_SCHEMA, "time": pl.Int64()}


class LateCandles(msgspec.Struct, frozen=True):
    """Rows that came for a time already stored, with other values: taken or refused."""

    corrected: int = 0
    refused: int = 0


class SqliteCandleStore:
    """``ports.CandleStore`` in ``tail.db`` of one directory, for one writing process at a time.

    Frames have the columns of ``CANDLE_SCHEMA``. An append survives the death of the process as
    soon as it returns. Every method raises ``StorageError``. Made by ``open``.
    """

    def __init__(self, database: Database, lock: FileLock) -> None:
        self._database = database
        self._lock = lock
        self._late = LateCandles()

    @classmethod
    async def open(cls, root: Path) -> "SqliteCandleStore":
        """Open or create the store in the directory ``root``.

        Raises:
            RefusedError: Another process is writing to this store.
            NewerSchemaError: The store was written by a newer Krakked.
            StorageError: The store is damaged, locked, or cannot be created or written.
        """
        lock = FileLock(root / "tail.lock", "written to")
        try:
            database = await Database.open(root / "tail.db", load_migrations("candles"), _SQL["settings"])
        except BaseException:
            lock.release()
            raise
        return cls(database, lock)

    @property
    def late(self) -> LateCandles:
        """What came late since the store was opened."""
        return self._late

    async def append(self, candles: Sequence[Candle]) -> int:
        """Store closed candles in one transaction; return how many rows are new or corrected.

        A row that exists is replaced only by one at least as complete (trades and volume not lower).
        """
        batch = [_row(candle) for candle in candles]
        corrected = refused = 0
        async with self._database.transaction() as transaction:
            added = await transaction.execute_many(_SQL["insert"], batch)
            if added < len(batch):
                corrected = await transaction.execute_many(_SQL["correct"], batch)
                refused = await transaction.execute_many(_SQL["refuse"], batch)
        self._late = LateCandles(self._late.corrected + corrected, self._late.refused + refused)
        return added + corrected

    async def read(
        self,
        pair: str,
        timeframe: Timeframe,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Candles of one pair, ``start`` inclusive, ``end`` exclusive; with ``limit`` the newest ones."""
        rows = await self._database.fetch(
            _SQL["read"],
            {
                "pair": pair,
                "timeframe": timeframe,
                "start": _BEGINNING if start is None else to_micros(start),
                "end": _END if end is None else to_micros(end),
                "limit": _NO_LIMIT if limit is None else limit,
            },
        )
        return await asyncio.to_thread(_frame, rows)

    async def read_many(self, pairs: Sequence[str], timeframe: Timeframe, lookback: int) -> pl.DataFrame:
        """The newest ``lookback`` candles of each pair in one frame, by pair then time."""
        rows = await self._database.fetch(
            _SQL["read_many"],
            {
                "pairs": msgspec.json.encode(pairs).decode(),
                "timeframe": timeframe,
                "lookback": lookback,
                "beginning": _BEGINNING,
            },
        )
        return await asyncio.to_thread(_frame, rows)

    async def last_time(self, pair: str, timeframe: Timeframe) -> datetime | None:
        """Open time of the newest candle, None without any."""
        [(micros,)] = await self._database.fetch(_SQL["last_time"], {"pair": pair, "timeframe": timeframe})
        return None if micros is None else from_micros(micros)

    async def close(self) -> None:
        """Flush, close and let another process write; closing again does nothing."""
        try:
            await self._database.close()
        finally:
            self._lock.release()


def _row(candle: Candle) -> Parameters:
    return msgspec.structs.asdict(candle) | {"time": to_micros(candle.time)}


def _frame(rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=_ROW_SCHEMA, orient="row").cast(CANDLE_SCHEMA).sort("pair", "time")
