"""Looking at a journal beside whoever writes it."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from krakked_tui.domain.errors import NewerSchemaError, StorageError
from krakked_tui.domain.records import (
    ForeignOrderSaved,
    HistoryMarked,
    LedgerEntrySaved,
    OrderSaved,
    RateSaved,
    Record,
    TradeSaved,
)
from krakked_tui.storage.journal import SqliteJournal
from krakked_tui.storage.journal_reader import read_entries_of, read_journal
from tests.unit.storage.samples import entry, mark, order, rate, snapshot, trade

RECORDS: tuple[Record, ...] = (
    OrderSaved(order(1)), TradeSaved(trade(1)), TradeSaved(trade(2)), LedgerEntrySaved(entry(1)),
    RateSaved(rate(1)), HistoryMarked(mark(1)), ForeignOrderSaved("OX", 7), snapshot(1),
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a b%20?" / "krakked.db"


async def opened(path: Path) -> SqliteJournal:
    return await SqliteJournal.open(path, lambda: "k7x")


async def test_what_is_read_is_what_the_engine_reads_beside_it_and_after_it(path: Path) -> None:
    journal = await opened(path)
    await journal.load("account")
    await journal.commit(RECORDS)
    stored = await journal.load("account")
    beside = read_journal(path)
    assert beside == stored
    await journal.commit([TradeSaved(trade(3))])
    grown = read_journal(path)
    assert grown is not None
    assert len(grown.trades) == 3
    await journal.close()
    assert read_journal(path) == grown
    again = await opened(path)
    await again.commit([TradeSaved(trade(4))])
    await again.close()


async def test_a_journal_without_an_account_or_without_a_file_is_none(path: Path) -> None:
    assert read_journal(path) is None
    assert read_entries_of(path, "R1") == ()
    journal = await opened(path)
    assert read_journal(path) is None
    await journal.close()


async def test_the_rows_of_one_event(path: Path) -> None:
    journal = await opened(path)
    await journal.load("account")
    await journal.commit([LedgerEntrySaved(entry(1)), LedgerEntrySaved(entry(2))])
    assert read_entries_of(path, entry(2).refid) == (entry(2),)
    assert read_entries_of(path, "nothing") == ()
    await journal.close()


async def test_a_row_leads_to_all_rows_of_its_event(path: Path) -> None:
    journal = await opened(path)
    await journal.load("account")
    one, other = entry(1), msgspec.structs.replace(entry(2), refid=entry(1).refid)
    alone, lone = (msgspec.structs.replace(entry(number), refid="") for number in (3, 4))
    await journal.commit([LedgerEntrySaved(each) for each in (one, other, alone, lone)])
    assert read_entries_of(path, other.entry_id) == (one, other)
    assert read_entries_of(path, alone.entry_id) == (alone,), "rows without a reference are no event"
    await journal.close()


async def test_nothing_is_written_and_no_lock_is_held(path: Path) -> None:
    journal = await opened(path)
    await journal.load("account")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    assert read_journal(path) is not None
    connection.execute("ROLLBACK")
    connection.close()
    await journal.close()


@pytest.mark.parametrize(("version", "error", "words"), [
    (99, NewerSchemaError, "update Krakked"), (1, StorageError, "start Krakked on the profile once"),
])  # fmt: skip
async def test_another_schema_is_refused(
    path: Path, version: int, error: type[Exception], words: str
) -> None:
    await (await opened(path)).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(error, match=words):
        read_journal(path)


def test_what_is_no_database_is_one_sentence(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match="krakked-tui doctor"):
        read_journal(path)


async def test_a_row_that_makes_no_sense_is_one_sentence(path: Path) -> None:
    journal = await opened(path)
    await journal.load("account")
    await journal.commit(RECORDS)
    await journal.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE trades SET price = 'none'")
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match="makes no sense"):
        read_journal(path)
