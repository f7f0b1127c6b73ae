"""The journal: what was decided, sent and seen, on disk before anyone acts on it."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import aclosing, closing
from pathlib import Path
from typing import TypeVar

import msgspec

from krakked_tui.domain.errors import AccountMismatchError, JournalError, StorageError
from krakked_tui.domain.records import Record, StoredState
from krakked_tui.storage import rows
from krakked_tui.storage.sqlite import Database, Parameters, Row, load_migrations, load_statements

Read = TypeVar("Read")

_SQL = load_statements("journal")
_ACCOUNT = "account_id"
_INSTANCE = "instance_id"


def stored_account(path: Path) -> str | None:
    """Return whose books a journal holds; None for none, or a new one. Nobody else may use it now.

    Raises ``StorageError`` when the file cannot be read. Blocks on the disk.
    """
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            if not connection.execute("PRAGMA user_version").fetchone()[0]:
                return None
            meta = dict(connection.execute(_SQL["load_meta"]).fetchall())
    except sqlite3.Error as error:
        raise StorageError(f"{path} cannot be read ({error}): see krakked-tui doctor") from error
    return meta.get(_ACCOUNT)


class SqliteJournal:
    """``ports.Journal`` in one SQLite file. Made by ``open``; one process at a time may write to it.

    A commit is on the disk, not in a cache, when it returns: neither a kill nor a power cut loses it.
    """

    def __init__(self, database: Database, new_instance_id: Callable[[], str]) -> None:
        self._database = database
        self._new_instance_id = new_instance_id

    @classmethod
    async def open(
        cls, path: Path, new_instance_id: Callable[[], str], busy_timeout_seconds: float = 5.0
    ) -> "SqliteJournal":
        """Open or create the journal at ``path``.

        ``new_instance_id`` is called once in the life of the file, when it is first bound to an
        account; it gives three lowercase letters or digits.

        Raises:
            NewerSchemaError: The file was written by a newer Krakked.
            StorageError: The file is damaged, locked, or cannot be created or written.
        """
        database = await Database.open(
            path, load_migrations("journal"), _SQL["settings"], busy_timeout_seconds
        )
        return cls(database, new_instance_id)

    async def load(self, account_id: str) -> StoredState:
        """Everything stored. Binds a new database to ``account_id``.

        Raises:
            AccountMismatchError: The database belongs to another account.
            StorageError: The file cannot be read.
        """
        fetch = self._database.fetch
        instance_id = await self._bind(account_id)
        reader = rows.EventReader()
        try:
            safety = rows.read_safety(await fetch(_SQL["load_safety"]))
            return StoredState(
                instance_id=instance_id,
                account_id=account_id,
                orders=tuple(map(rows.read_order, await fetch(_SQL["load_orders"]))),
                trades=await self._read_all("load_trades", reader.trade),
                entries=await self._read_all("load_entries", reader.entry),
                rates=tuple(map(rows.read_rate, await fetch(_SQL["load_rates"]))),
                history=tuple(map(rows.read_mark, await fetch(_SQL["load_history_marks"]))),
                foreign_orders=tuple(map(rows.read_foreign_order, await fetch(_SQL["load_foreign_orders"]))),
                share_marks=tuple(map(rows.read_share_mark, await fetch(_SQL["load_share_marks"]))),
                snapshots=tuple(map(rows.read_snapshot, await fetch(_SQL["load_snapshots"]))),
                kill_switch=safety.kill_switch,
                paused=safety.paused,
                day_start=safety.day_start,
                flatten=safety.flatten,
                judged_until=safety.judged_until,
            )
        except (ValueError, ArithmeticError, msgspec.DecodeError) as error:
            raise StorageError(
                f"{self._database.path} holds a row that makes no sense ({error}): move it away with its "
                "-wal and -shm files, and put a backup in its place or start over"
            ) from error

    async def commit(self, records: Sequence[Record]) -> None:
        """Store all records in one durable transaction, or raise ``JournalError`` and store none.

        When cancelled, all or none are stored. The journal can be used on in either case.
        """
        # Grouped by statement; orders come before their transitions, and within a group the last wins.
        batches: dict[str, list[Parameters]] = {}
        for record in records:
            for name, parameters in rows.statements(record):
                batches.setdefault(name, []).append(parameters)
        async with self._database.transaction(JournalError) as transaction:
            for name, batch in batches.items():
                await transaction.execute_many(_SQL[name], batch)

    async def close(self) -> None:
        """Checkpoint and close; closing again does nothing."""
        await self._database.close()

    async def _read_all(self, name: str, read: Callable[[Row], Read]) -> tuple[Read, ...]:
        """Read a table that may be large without having all its rows at once."""
        found: list[Read] = []
        async with aclosing(self._database.chunks(_SQL[name])) as chunks:
            async for chunk in chunks:
                found += map(read, chunk)
        return tuple(found)

    async def _bind(self, account_id: str) -> str:
        """Return the instance id of the database, which is or becomes the account's."""
        stored: dict[str, str] = dict(await self._database.fetch(_SQL["load_meta"]))
        if not stored:
            stored = {_ACCOUNT: account_id, _INSTANCE: self._new_instance_id()}
            async with self._database.transaction() as transaction:
                await transaction.execute_many(
                    _SQL["save_meta"], [{"key": key, "value": value} for key, value in stored.items()]
                )
        if stored[_ACCOUNT] != account_id:
            raise AccountMismatchError(
                f"{self._database.path} belongs to account {stored[_ACCOUNT]}, not to {account_id}: choose "
                "another profile with --profile, or stop Krakked and move that file (on paper, paper.db too) "
                "away, each with its -wal and -shm files, to start over (the demo: --fresh)"
            )
        return stored[_INSTANCE]
