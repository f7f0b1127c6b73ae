import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import pytest

from krakked_tui.domain.errors import NewerSchemaError, StorageError
from krakked_tui.storage.sqlite import (
    Database,
    Migration,
    load_migrations,
    load_statements,
    moving_away,
    one_line,
)

SETTINGS = load_statements("journal")["settings"]
FIRST = Migration(1, "CREATE TABLE coins (name TEXT PRIMARY KEY) STRICT;")
SECOND = Migration(2, "ALTER TABLE coins ADD COLUMN year INTEGER; INSERT INTO coins VALUES ('XBT', 2009);")
INSERT = "INSERT INTO coins (name) VALUES (:name)"
NAMES = "SELECT name FROM coins ORDER BY name"

Open = Callable[..., Awaitable[Database]]


def contents(path: Path) -> bytes:
    return path.read_bytes()


def overwrite(path: Path, offset: int, content: bytes) -> None:
    path.touch()
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "krakked.db"


@pytest.fixture
async def open_database(path: Path) -> AsyncIterator[Open]:
    """Opens the file with a schema of these steps; closes at the end what the test left open."""
    async with AsyncExitStack() as stack:

        async def opened(*migrations: Migration) -> Database:
            database = await Database.open(path, migrations, SETTINGS, busy_timeout_seconds=0.0)
            stack.push_async_callback(database.close)
            return database

        yield opened


@pytest.fixture
async def database(open_database: Open) -> Database:
    return await open_database(FIRST)


async def test_a_new_file_has_the_newest_schema_and_the_safe_settings(
    open_database: Open, path: Path
) -> None:
    database = await open_database(FIRST, SECOND)
    values = [
        (await database.fetch(f"PRAGMA {name}"))[0][0]
        for name in ("user_version", "journal_mode", "synchronous", "foreign_keys")
    ]
    await database.close()
    assert values == [2, "wal", 2, 1]
    assert [file.name for file in path.parent.iterdir()] == ["krakked.db"]


async def test_an_older_file_is_brought_up_to_date_and_keeps_its_rows(open_database: Open) -> None:
    database = await open_database(FIRST)
    async with database.transaction() as transaction:
        await transaction.execute_many(INSERT, [{"name": "ETH"}])
    await database.close()

    database = await open_database(FIRST, SECOND)
    rows = await database.fetch("SELECT name, year FROM coins ORDER BY name")
    assert rows == [("ETH", None), ("XBT", 2009)]


async def test_a_failing_migration_leaves_the_file_as_it_was(open_database: Open) -> None:
    await (await open_database(FIRST)).close()
    broken = Migration(2, "CREATE TABLE more (name TEXT) STRICT; INSERT INTO nowhere VALUES (1);")
    with pytest.raises(StorageError, match="cannot be brought to schema version 2 and is as it was"):
        await open_database(FIRST, broken)

    database = await open_database(FIRST)
    tables = await database.fetch("SELECT name FROM sqlite_schema WHERE type = 'table'")
    assert tables == [("coins",)]


async def test_a_newer_file_is_refused_untouched_naming_both_versions(
    open_database: Open, path: Path
) -> None:
    await (await open_database(FIRST, SECOND)).close()
    before = contents(path)
    with pytest.raises(NewerSchemaError, match=r"schema version 2, .* up to 1: update Krakked"):
        await open_database(FIRST)
    assert contents(path) == before


async def test_a_file_that_is_no_database_is_called_damaged(open_database: Open, path: Path) -> None:
    overwrite(path, 0, b"not a database at all" * 100)
    with pytest.raises(StorageError, match="is damaged: stop Krakked, move it away") as caught:
        await open_database(FIRST)
    command = f'for f in {path} {path}-wal {path}-shm; do [ ! -e "$f" ] || mv "$f" "$f.damaged"; done'
    assert f"({command}), then put a backup in its place" in str(caught.value)


async def test_a_damaged_page_is_found_when_opening(open_database: Open, path: Path) -> None:
    database = await open_database(FIRST)
    async with database.transaction() as transaction:
        await transaction.execute_many(INSERT, [{"name": f"coin {n}"} for n in range(2000)])
    await database.close()
    overwrite(path, 4096 * 3, b"\xff" * 4096)
    with pytest.raises(StorageError, match="is damaged") as caught:
        await open_database(FIRST)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600 + 5 * len(str(path))


@pytest.mark.parametrize("reason", ["*** in database main ***\nTree 2 page 3:\n\tbad", "x" * 100_000])
def test_what_sqlite_says_is_told_in_one_bounded_line(reason: str) -> None:
    assert one_line(reason).isprintable()
    assert len(one_line(reason)) <= 203


async def test_what_cannot_be_written_names_the_directory_too(database: Database, path: Path) -> None:
    await database.fetch("PRAGMA query_only = 1")
    with pytest.raises(StorageError, match=rf"is read-only: it, its directory {path.parent} \(mode 0700\)"):
        async with database.transaction() as transaction:
            await transaction.execute_many(INSERT, [{"name": "XBT"}])


async def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be created or written"):
        await Database.open(tmp_path / "file" / "krakked.db", [FIRST], SETTINGS)


async def test_a_locked_file_is_called_locked_and_works_afterwards(database: Database, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="is locked by another program"):
        async with database.transaction() as transaction:
            await transaction.execute_many(INSERT, [{"name": "XBT"}])
    other.execute("ROLLBACK")
    other.close()

    async with database.transaction() as transaction:
        await transaction.execute_many(INSERT, [{"name": "ETH"}])
    assert await database.fetch(NAMES) == [("ETH",)]


async def test_a_full_disk_is_called_full_and_undoes_the_transaction(database: Database) -> None:
    await database.fetch("PRAGMA max_page_count = 4")
    with pytest.raises(StorageError, match="the disk is full"):
        async with database.transaction() as transaction:
            await transaction.execute_many(INSERT, [{"name": "x" * 5000}, {"name": "y" * 5000}])
    assert await database.fetch(NAMES) == []


async def test_text_that_is_not_unicode_is_refused_as_a_storage_error(database: Database) -> None:
    with pytest.raises(StorageError, match="refused the operation"):
        async with database.transaction() as transaction:
            await transaction.execute_many(INSERT, [{"name": "fine"}, {"name": "\ud800"}])
    assert await database.fetch(NAMES) == []


async def test_whatever_ends_a_block_early_undoes_it(database: Database) -> None:
    inside = asyncio.Event()

    async def write_and_wait() -> None:
        async with database.transaction() as transaction:
            await transaction.execute_many(INSERT, [{"name": "XBT"}])
            inside.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(write_and_wait())
        await inside.wait()
        task.cancel()
    assert await database.fetch(NAMES) == []


async def test_another_task_never_sees_half_a_transaction(database: Database) -> None:
    inside, leave = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with database.transaction() as transaction:
            await transaction.execute_many(INSERT, [{"name": "XBT"}])
            inside.set()
            await leave.wait()
            await transaction.execute_many(INSERT, [{"name": "ETH"}])

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        await inside.wait()
        seen = group.create_task(database.fetch(NAMES))
        leave.set()
    assert seen.result() == [("ETH",), ("XBT",)]


async def test_readers_of_other_processes_neither_wait_nor_hinder(database: Database, path: Path) -> None:
    readers = [sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None) for _ in range(3)]
    for reader in readers:
        reader.execute("BEGIN")
        assert reader.execute(NAMES).fetchall() == []
    async with database.transaction() as transaction:
        await transaction.execute_many(INSERT, [{"name": "XBT"}])
    for reader in readers:
        assert reader.execute(NAMES).fetchall() == []
        reader.execute("COMMIT")
        assert reader.execute(NAMES).fetchall() == [("XBT",)]
        reader.close()


async def test_a_closed_database_says_so(open_database: Open) -> None:
    database = await open_database(FIRST)
    await database.close()
    with pytest.raises(StorageError, match=r"krakked\.db refused the operation"):
        await database.fetch(NAMES)


@pytest.mark.parametrize("name", ["journal", "candles", "paper"])
def test_shipped_migrations_are_numbered_without_a_gap(name: str) -> None:
    numbers = [step.number for step in load_migrations(name)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


def test_statements_are_found_by_their_name() -> None:
    statements = load_statements("database")
    assert set(statements) == {"schema_version", "check", "begin"}
    assert statements["begin"].strip() == "BEGIN IMMEDIATE;"


def test_a_database_is_moved_away_by_a_quoted_command() -> None:
    assert "'/a b/k.db' '/a b/k.db-wal' '/a b/k.db-shm'" in moving_away(Path("/a b/k.db"))


async def test_a_large_table_is_read_in_chunks(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.execute_many(INSERT, [{"name": name} for name in "ABCDE"])
    async with aclosing(database.chunks(NAMES, 2)) as chunks:
        assert [chunk async for chunk in chunks] == [[("A",), ("B",)], [("C",), ("D",)], [("E",)]]
    async with aclosing(database.chunks(NAMES, 2)) as chunks:
        assert await anext(chunks) == [("A",), ("B",)]
    assert len(await database.fetch(NAMES)) == 5, "whoever stops in the middle leaves the database free"
    with pytest.raises(StorageError, match="no such table"):
        async with aclosing(database.chunks("SELECT * FROM nowhere")) as chunks:
            await anext(chunks)
