import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from krakked_tui.domain.errors import AccountMismatchError, JournalError, NewerSchemaError, StorageError
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.domain.plans import DecisionRecord
from krakked_tui.domain.records import (
    ControlLogged,
    DecisionSaved,
    HistoryMarked,
    LedgerEntrySaved,
    OrderSaved,
    RateSaved,
    Record,
    StoredState,
    TradeSaved,
)
from krakked_tui.storage import rows
from krakked_tui.storage.journal import SqliteJournal
from krakked_tui.storage.sqlite import Database, load_migrations, load_statements
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

Open = Callable[..., Awaitable[SqliteJournal]]

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo" / "krakked.db"


@pytest.fixture
async def open_journal(path: Path) -> AsyncIterator[Open]:
    """Opens the journal; closes at the end what the test left open."""
    async with AsyncExitStack() as stack:

        async def opened(instance_id: str = "k7x") -> SqliteJournal:
            journal = await SqliteJournal.open(path, lambda: instance_id, busy_timeout_seconds=0.0)
            stack.push_async_callback(journal.close)
            return journal

        yield opened


@pytest.fixture
async def journal(open_journal: Open) -> SqliteJournal:
    return await open_journal()


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Ask the file as an operator would, from outside."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


async def test_the_instance_id_is_made_once(open_journal: Open) -> None:
    for made in ("k7x", "zzz"):
        journal = await open_journal(made)
        assert [(await journal.load("a")).instance_id for _ in range(2)] == ["k7x", "k7x"]
        await journal.close()


async def test_a_mismatch_names_the_file_both_accounts_and_the_way_out(
    journal: SqliteJournal, path: Path
) -> None:
    await journal.load("sandbox-7")
    with pytest.raises(AccountMismatchError) as caught:
        await journal.load("live-1")
    for part in (str(path), "sandbox-7", "live-1", "--profile", "--fresh"):
        assert part in str(caught.value)


async def test_the_history_of_an_order_can_only_grow(journal: SqliteJournal, path: Path) -> None:
    opened = msgspec.structs.replace(
        transition(1), before=OrderStatus.PENDING, after=OrderStatus.OPEN, at=at(2)
    )
    await journal.commit([OrderSaved(order(1), transition(1))])
    await journal.commit([OrderSaved(order(1, OrderStatus.OPEN), opened)])
    history = query(path, "SELECT status_before, status_after FROM execution_order_events ORDER BY seq")
    assert history == [(None, "pending"), ("pending", "open")]
    for statement in ("UPDATE execution_order_events SET detail = ''", "DELETE FROM execution_order_events"):
        with pytest.raises(sqlite3.IntegrityError, match="the history of an order"):
            query(path, statement)


async def test_a_transition_of_an_order_that_does_not_exist_is_refused(journal: SqliteJournal) -> None:
    with pytest.raises(JournalError, match="FOREIGN KEY"):
        await journal.commit([OrderSaved(order(1), transition(2))])
    assert (await journal.load("a")).orders == ()


async def test_decisions_and_commands_can_be_read_by_anyone(journal: SqliteJournal, path: Path) -> None:
    await journal.commit(
        [DecisionSaved(decision(1)), ControlLogged(at(1), "tui", "CancelAll", "{}", "accepted")]
    )
    [(record,)] = query(path, "SELECT record FROM decisions WHERE plan_id = 'plan-1'")
    assert msgspec.json.decode(str(record), type=DecisionRecord) == decision(1)
    assert query(path, "SELECT actor, command, outcome FROM control_log") == [
        ("tui", "CancelAll", "accepted")
    ]


async def test_a_locked_journal_refuses_the_commit_and_recovers(journal: SqliteJournal, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="is locked by another program"):
        await journal.commit([TradeSaved(trade(1))])
    other.execute("ROLLBACK")
    other.close()
    await journal.commit([TradeSaved(trade(2))])
    assert (await journal.load("a")).trades == (trade(2),)


async def test_a_newer_schema_is_refused(open_journal: Open, path: Path) -> None:
    await (await open_journal()).close()
    query(path, "PRAGMA user_version = 99")
    with pytest.raises(NewerSchemaError, match=r"krakked\.db has schema version 99.*up to 4"):
        await open_journal()


_TABLES = {"save_order": "execution_orders", "save_snapshot": "equity_snapshots"}
"""Tables that have got columns since, by the statement that fills them."""
_NEW_COLUMNS = {"shares", "flows"}


async def write_as_of(path: Path, version: int, records: list[Record]) -> None:
    """Make a journal as a version with fewer migrations did."""
    statements = load_statements("journal")
    old = await Database.open(path, load_migrations("journal")[:version], statements["settings"])
    await SqliteJournal(old, lambda: "k7x")._bind("a")
    async with old.transaction() as transaction:
        for record in records:
            for name, parameters in rows.statements(record):
                sql, known = statements[name], parameters
                if name in _TABLES:
                    known = {key: value for key, value in parameters.items() if key not in _NEW_COLUMNS}
                    names = ", ".join(known), ", ".join(f":{key}" for key in known)
                    sql = f"INSERT INTO {_TABLES[name]} ({names[0]}) VALUES ({names[1]})"
                await transaction.execute_many(sql, [known])
    await old.close()


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_a_journal_of_an_earlier_schema_is_brought_up_to_date_with_all_it_holds(
    open_journal: Open, path: Path, version: int
) -> None:
    kept: list[Record] = [
        OrderSaved(order(1), transition(1)),
        TradeSaved(trade(1)),
        LedgerEntrySaved(entry(1)),
        DecisionSaved(decision(1)),
        snapshot(1),
    ]
    later: list[Record] = [HistoryMarked(mark(1)), RateSaved(rate(1))]
    await write_as_of(path, version, kept + (later if version > 1 else []))
    point = msgspec.structs.replace(snapshot(1), flows=None)
    journal = await open_journal("new")
    await journal.commit([*later, OrderSaved(shared_order(2)), share_mark(1)])
    stored = await journal.load("a")
    assert stored == StoredState(
        instance_id="k7x", account_id="a", orders=(order(1), shared_order(2)), trades=(trade(1),),
        entries=(entry(1),), rates=(rate(1),), history=(mark(1),), share_marks=(share_mark(1),),
        snapshots=(point,),
    )  # fmt: skip
    assert stored.orders[0].shares == ()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE trades SET price = 'much'",
        "UPDATE trades SET fees = '['",
        "UPDATE execution_orders SET status = 'lost'",
        "UPDATE execution_orders SET shares = '{}'",
        "UPDATE share_marks SET highest = 'sky'",
        "INSERT INTO safety VALUES ('paused', '\"maybe\"')",
        "UPDATE rates SET price = 'dear'",
        "UPDATE history_marks SET kind = 'gossip'",
    ],
)
async def test_a_row_that_makes_no_sense_is_a_storage_error(
    journal: SqliteJournal, path: Path, damage: str
) -> None:
    await journal.commit(
        [
            OrderSaved(order(1)),
            TradeSaved(trade(1)),
            RateSaved(rate(1)),
            HistoryMarked(mark(1)),
            share_mark(1),
        ]
    )
    query(path, damage)
    with pytest.raises(StorageError, match="holds a row that makes no sense"):
        await journal.load("a")


WRITER = """
import asyncio, itertools, sys
from pathlib import Path
from krakked_tui.domain.records import LedgerEntrySaved, OrderSaved, TradeSaved
from krakked_tui.storage import rows
from krakked_tui.storage.journal import SqliteJournal
from tests.unit.storage.samples import entry, order, trade, transition

async def main():
    journal = await SqliteJournal.open(Path(sys.argv[1]), lambda: "k7x")
    for n in itertools.count(len((await journal.load("a")).orders)):
        await journal.commit(
            [OrderSaved(order(n), transition(n)), TradeSaved(trade(n)), LedgerEntrySaved(entry(n))]
        )
        print(n, flush=True)

asyncio.run(main())
"""


def write_until_killed(path: Path, commits_seen: int) -> int:
    """Kill a writer once it has acknowledged so many commits; return how many it had in the end."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(commits_seen):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        return commits_seen + len(writer.stdout.readlines())


@pytest.mark.parametrize("commits_seen", [1, 17, 60])
async def test_kill_9_loses_nothing_that_was_acknowledged(
    open_journal: Open, path: Path, commits_seen: int
) -> None:
    acknowledged = write_until_killed(path, commits_seen)
    stored = await (await open_journal("new")).load("a")
    assert len(stored.orders) in (acknowledged, acknowledged + 1)
    assert len(stored.trades) == len(stored.entries) == len(stored.orders)
    assert stored.instance_id == "k7x"
