"""One SQLite database: opened with care, migrated forward, used by one task at a time.

Every statement lives in a .sql file under ``sql``; the schema is what the numbered files of one
``migrations`` folder make of an empty file, and ``user_version`` says how many have run.
"""

import asyncio
import shlex
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import aiosqlite
import msgspec

from krakked_tui.domain.errors import NewerSchemaError, StorageError
from krakked_tui.storage.files import make_private_file

Row = tuple[Any, ...]
Parameters = Mapping[str, str | int | float | None]

_FILES = resources.files("krakked_tui.storage")
_STATEMENT = "-- name: "

_DAMAGED = (
    "is damaged: stop Krakked, move it away with its -wal and -shm files ({moving_away}),"
    " then put a backup in its place; without one, the next start makes a new one"
)
_ADVICE = {
    sqlite3.SQLITE_BUSY: "is locked by another program: close that one and try again",
    sqlite3.SQLITE_LOCKED: "is locked by another program: close that one and try again",
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full: free some space",
    sqlite3.SQLITE_READONLY: "is read-only: it, its directory {directory} (mode 0700) and the file system"
    " must be writable for you",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: its directory {directory} must exist, belong to you and have"
    " mode 0700, and its disk have free space",
    sqlite3.SQLITE_IOERR: "cannot be read or written, the disk reports an error: check the disk",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
CHUNK_ROWS = 2_000
"""Rows that are read at once of a table that may be large."""
_REASON_MAX = 200
"""Characters of what SQLite itself says."""


class Migration(msgspec.Struct, frozen=True):
    """One step of a schema; ``number`` is the schema version it leads to."""

    number: int
    sql: str


def load_statements(name: str) -> Mapping[str, str]:
    """Read the named statements of ``sql/<name>.sql``; each begins with a ``-- name:`` line."""
    text = (_FILES / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in text.split(_STATEMENT)[1:])
    return {title.strip(): body for title, _, body in parts}


def load_migrations(name: str) -> tuple[Migration, ...]:
    """Read ``migrations/<name>``: files named by their number, from 1 on without a gap."""
    files = sorted((_FILES / "migrations" / name).iterdir(), key=lambda file: file.name)
    steps = tuple(
        Migration(int(file.name.partition("_")[0]), file.read_text(encoding="utf-8")) for file in files
    )
    assert [step.number for step in steps] == list(range(1, len(steps) + 1)), "migrations have a gap"
    return steps


@contextmanager
def _translated(path: Path, failure: type[StorageError] = StorageError) -> Iterator[None]:
    """Turn whatever SQLite raises into ``failure`` with one sentence about ``path``."""
    try:
        yield
    # aiosqlite says ValueError on a closed connection, sqlite3 on text that is not valid Unicode.
    except (sqlite3.Error, ValueError, OverflowError) as error:
        code = getattr(error, "sqlite_errorcode", None)
        told = _advice(path, code) or f"refused the operation: {one_line(error)}"
        raise failure(f"{path} {told}") from error


def _advice(path: Path, code: int | None) -> str:
    advice = "" if code is None else _ADVICE.get(code & 0xFF, "")
    return advice.format(directory=path.parent, moving_away=moving_away(path))


def moving_away(path: Path) -> str:
    """Return the shell command that moves a database away as a whole.

    What is left of its log would be written into whatever is put in its place.
    """
    files = " ".join(shlex.quote(f"{path}{ending}") for ending in ("", "-wal", "-shm"))
    return f'for f in {files}; do [ ! -e "$f" ] || mv "$f" "$f.damaged"; done'


def one_line(reason: object) -> str:
    """Return what SQLite says in one line of bounded length."""
    text = " ".join(str(reason).split())
    return text if len(text) <= _REASON_MAX else f"{text[:_REASON_MAX]}..."


class Database:
    """A database file with one connection. Made by ``open``; every method raises ``StorageError``."""

    def __init__(self, path: Path, connection: aiosqlite.Connection) -> None:
        self.path = path
        self._connection = connection
        # Keeps a reader from seeing half of a transaction on the same connection.
        self._lock = asyncio.Lock()

    @classmethod
    async def open(
        cls,
        path: Path,
        migrations: Sequence[Migration],
        settings: str,
        busy_timeout_seconds: float = 5.0,
    ) -> "Database":
        """Open or create ``path``, check it, and bring its schema up to date.

        ``settings`` is the SQL that sets the connection up. A lock held by another process is
        waited for, for ``busy_timeout_seconds`` at most.

        Raises:
            NewerSchemaError: The file was written by a newer Krakked; it is left untouched.
            StorageError: The file is damaged, locked, or cannot be created or written.
        """
        make_private_file(path)
        with _translated(path):
            connection = await aiosqlite.connect(path, timeout=busy_timeout_seconds, isolation_level=None)
            database = cls(path, connection)
            try:
                version = await database._check(len(migrations))
                await connection.executescript(settings)
                for migration in migrations[version:]:
                    await database._migrate(migration)
            except BaseException:
                await connection.close()
                raise
        return database

    async def fetch(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Return all rows of a query."""
        with _translated(self.path):
            async with self._lock:
                return [tuple(row) for row in await self._connection.execute_fetchall(sql, parameters)]

    async def chunks(self, sql: str, size: int = CHUNK_ROWS) -> AsyncGenerator[list[Row], None]:
        """Yield the rows of a query, so many at a time. To be closed by ``aclosing``."""
        with _translated(self.path):
            async with self._lock, self._connection.execute(sql) as cursor:
                while rows := await cursor.fetchmany(size):
                    yield [tuple(row) for row in rows]

    @asynccontextmanager
    async def transaction(self, failure: type[StorageError] = StorageError) -> AsyncIterator["Transaction"]:
        """Commit what is done in the block when it ends, or undo all of it when it raises.

        When the block is cancelled, all or nothing has happened, and which is not known. ``failure``
        is the error that a refusal of SQLite becomes.
        """
        with _translated(self.path, failure):
            async with self._lock:
                try:
                    await self._connection.execute(_SQL["begin"])
                    yield Transaction(self._connection)
                    await self._connection.commit()
                except BaseException:
                    # The connection runs calls in order, so this undoes even what was cancelled midway.
                    await self._connection.rollback()
                    raise

    async def close(self) -> None:
        """Write everything into the main file and close; closing again does nothing."""
        with _translated(self.path):
            await self._connection.close()

    async def _check(self, known: int) -> int:
        """Return the schema version, at most ``known``, of a file that is in order."""
        [(version,)] = await self.fetch(_SQL["schema_version"])
        if version > known:
            raise NewerSchemaError(
                f"{self.path} has schema version {version}, but this Krakked knows versions up to {known}: "
                "update Krakked, or choose another profile with --profile"
            )
        [(finding,)] = await self.fetch(_SQL["check"])
        if finding != "ok":
            raise StorageError(
                f"{self.path} {_advice(self.path, sqlite3.SQLITE_CORRUPT)} ({one_line(finding)})"
            )
        return int(version)

    async def _migrate(self, migration: Migration) -> None:
        script = f"BEGIN IMMEDIATE;\n{migration.sql}\nPRAGMA user_version = {migration.number};\nCOMMIT;"
        try:
            await self._connection.executescript(script)
        except sqlite3.Error as error:
            await self._connection.rollback()
            raise StorageError(
                f"{self.path} cannot be brought to schema version {migration.number} and is as it was: "
                f"{one_line(error)}"
            ) from error


class Transaction:
    """What may be done inside ``Database.transaction``."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def execute_many(self, sql: str, rows: Sequence[Parameters]) -> int:
        """Run a statement once per row, in order; return how many rows of the table it changed."""
        cursor = await self._connection.executemany(sql, rows)
        return cursor.rowcount


_SQL = load_statements("database")
