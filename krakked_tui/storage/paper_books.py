"""The books of a paper account in one SQLite file."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import msgspec

from krakked_tui.domain.errors import AccountMismatchError, StorageError
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.records import LedgerEntrySaved, Record, TradeSaved
from krakked_tui.storage.rows import from_micros, read_entry, read_trade, statements, to_json, to_micros
from krakked_tui.storage.sqlite import Database, Parameters, Row, load_migrations, load_statements

_SQL = load_statements("paper")
_ACCOUNT = "account_id"
_OPENING = "opening"


class StorableOrder(Protocol):
    """An order as it is stored: ``body`` is all of it, the rest is what it is found by."""

    @property
    def number(self) -> int:
        """Counts the account's orders from 1."""

    @property
    def order_id(self) -> str:
        """The order's id, given once and for ever."""

    @property
    def cl_ord_id(self) -> str:
        """The client id it was sent with."""

    @property
    def is_open(self) -> bool:
        """Whether it can still fill or be canceled."""

    @property
    def body(self) -> str:
        """The order as JSON."""


class SqlitePaperBooks:
    """The paper account's ``PaperBooks`` in one file. Made by ``open``; one process at a time may use it.

    A commit is on the disk, not in a cache, when it returns: neither a kill nor a power cut loses it.
    Every method raises ``StorageError``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, path: Path, busy_timeout_seconds: float = 5.0) -> "SqlitePaperBooks":
        """Open or create the books at ``path``.

        Raises:
            NewerSchemaError: The file was written by a newer Krakked.
            StorageError: The file is damaged, locked, or cannot be created or written.
        """
        database = await Database.open(path, load_migrations("paper"), _SQL["settings"], busy_timeout_seconds)
        return cls(database)

    async def claim(self, account_id: str, opening: str) -> str:
        """Bind new books to an account and the text of its opening balances; return the text they have.

        Raises ``AccountMismatchError`` when they belong to another account.
        """
        stored: dict[str, str] = dict(await self._database.fetch(_SQL["load_meta"]))
        if not stored:
            stored = {_ACCOUNT: account_id, _OPENING: opening}
            async with self._database.transaction() as transaction:
                await transaction.execute_many(
                    _SQL["save_meta"], [{"key": key, "value": value} for key, value in stored.items()]
                )
        if stored.get(_ACCOUNT) != account_id:
            raise AccountMismatchError(
                f"{self._database.path} belongs to the paper account {stored.get(_ACCOUNT)}, not to"
                f" {account_id}: choose another profile with --profile, or move that file away to start over"
            )
        return stored.get(_OPENING, opening)

    async def commit(
        self,
        orders: Sequence[StorableOrder],
        trades: Sequence[tuple[Trade, Decimal]],
        entries: Sequence[LedgerEntry],
    ) -> None:
        """Write everything in one transaction, durable when this returns; orders replace earlier rows.

        When cancelled, all or nothing has been written.
        """
        async with self._database.transaction() as transaction:
            await transaction.execute_many(_SQL["save_order"], [_order_row(order) for order in orders])
            rows = [{**_row(TradeSaved(trade)), "usd": str(usd)} for trade, usd in trades]
            await transaction.execute_many(_SQL["save_trade"], rows)
            written = [_row(LedgerEntrySaved(entry)) for entry in entries]
            await transaction.execute_many(_SQL["save_entry"], written)

    async def counts(self) -> tuple[int, int, int]:
        """How many orders, trades and ledger rows there are."""
        [(orders, trades, entries)] = await self._database.fetch(_SQL["counts"])
        return orders, trades, entries

    async def last_time(self) -> datetime | None:
        """The time of the newest ledger row."""
        [(micros,)] = await self._database.fetch(_SQL["last_time"])
        return None if micros is None else from_micros(micros)

    async def balances(self) -> Mapping[str, Decimal]:
        """The balance after the newest ledger row of each asset."""
        rows = await self._database.fetch(_SQL["balances"])
        with self._sense():
            return {asset: Decimal(balance) for asset, balance in rows}

    async def turnover(self, since: datetime) -> Sequence[tuple[datetime, Decimal]]:
        """Time and worth in USD of every trade at or after ``since``, oldest first."""
        rows = await self._since("turnover", since)
        with self._sense():
            return [(from_micros(time), Decimal(usd)) for time, usd in rows]

    async def open_orders(self) -> Sequence[str]:
        """The open orders, oldest first."""
        return [body for (body,) in await self._database.fetch(_SQL["open_orders"])]

    async def find_orders(self, cl_ord_id: str) -> Sequence[str]:
        """All orders that carry a client id, oldest first."""
        rows = await self._database.fetch(_SQL["find_orders"], {"cl_ord_id": cl_ord_id})
        return [body for (body,) in rows]

    async def query_orders(self, order_ids: Sequence[str]) -> Sequence[str]:
        """The orders of these that exist, oldest first."""
        wanted: Parameters = {"order_ids": to_json(list(order_ids))}
        return [body for (body,) in await self._database.fetch(_SQL["query_orders"], wanted)]

    async def trades(self, since: datetime) -> Sequence[Trade]:
        """The trades at or after ``since``, oldest first."""
        rows = await self._since("trades", since)
        with self._sense():
            return [read_trade(row) for row in rows]

    async def entries(self, since: datetime) -> Sequence[LedgerEntry]:
        """The ledger rows at or after ``since``, oldest first."""
        rows = await self._since("entries", since)
        with self._sense():
            return [read_entry(row) for row in rows]

    async def close(self) -> None:
        """Checkpoint and close; closing again does nothing."""
        await self._database.close()

    async def _since(self, name: str, since: datetime) -> list[Row]:
        return await self._database.fetch(_SQL[name], {"since": to_micros(since)})

    @contextmanager
    def _sense(self) -> Iterator[None]:
        """Say which file it is whose rows cannot be read."""
        try:
            yield
        except (ValueError, ArithmeticError, msgspec.DecodeError) as error:
            raise StorageError(
                f"{self._database.path} holds a row that makes no sense ({error}): put a backup in its "
                "place, or move it away to start over"
            ) from error


def _row(record: Record) -> Parameters:
    """Return a trade or a ledger row as the journal writes it."""
    [(_, parameters)] = statements(record)
    return parameters


def _order_row(order: StorableOrder) -> Parameters:
    return {
        "number": order.number,
        "order_id": order.order_id,
        "cl_ord_id": order.cl_ord_id,
        "is_open": order.is_open,
        "body": order.body,
    }
