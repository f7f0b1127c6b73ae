"""Looking at a journal beside whoever writes it."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from krakked_tui.domain.errors import NewerSchemaError, StorageError
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.domain.records import (
    DecisionSaved,
    ForeignOrderSaved,
    HistoryMarked,
    LedgerEntrySaved,
    OrderSaved,
    RateSaved,
    Record,
    TradeSaved,
)
from krakked_tui.storage.journal import SqliteJournal
from krakked_tui.storage.journal_reader import (
    read_decision,
    read_decisions,
    read_entries_of,
    read_journal,
    read_transitions,
)
from tests.unit.storage.samples import (
    at,
    decision,
    entry,
    mark,
    order,
    rate,
    share_mark,
    shared_order,
    snapshot,
    trade,
    transition,
)

RECORDS: tuple[Record, ...] = (
    OrderSaved(order(1)), TradeSaved(trade(1)), TradeSaved(trade(2)), LedgerEntrySaved(entry(1)),
    RateSaved(rate(1)), HistoryMarked(mark(1)), ForeignOrderSaved("OX", 7), snapshot(1),
    OrderSaved(shared_order(4)), share_mark(1),
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
    (99, NewerSchemaError, "update Krakked"), (2, StorageError, "start Krakked on the profile once"),
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


async def test_decisions_are_read_newest_first_and_by_their_plan(path: Path) -> None:
    assert (read_decisions(path), read_decision(path, "plan-1"), read_transitions(path, "k")) == (
        (),
        None,
        (),
    )
    journal = await opened(path)
    await journal.load("account")
    told = msgspec.structs.replace(decision(2), metadata={"equity": "1"}, inputs=b"\x00\xff")
    await journal.commit([DecisionSaved(decision(1)), DecisionSaved(told), DecisionSaved(decision(3))])
    assert read_decisions(path) == (decision(3), told, decision(1))
    assert read_decisions(path, 1, at(3)) == (told,)
    assert (read_decision(path, "plan-2"), read_decision(path, "plan-9")) == (told, None)
    await journal.close()


async def test_the_steps_of_an_order_are_read_in_their_order(path: Path) -> None:
    journal = await opened(path)
    await journal.load("account")
    first = transition(1)
    second = msgspec.structs.replace(first, before=OrderStatus.PENDING, after=OrderStatus.FILLED, detail="")
    await journal.commit([OrderSaved(order(1), first), OrderSaved(order(2), transition(2))])
    await journal.commit([OrderSaved(order(1, OrderStatus.FILLED), second)])
    await journal.close()
    assert read_transitions(path, first.cl_ord_id) == (first, second)


async def test_a_decision_of_a_version_that_told_less_is_read(path: Path) -> None:
    journal = await opened(path)
    await journal.commit([DecisionSaved(decision(1))])
    await journal.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE decisions SET record = json_remove(record, '$.metadata', '$.inputs')")
    connection.commit()
    connection.close()
    assert read_decision(path, "plan-1") == decision(1)
