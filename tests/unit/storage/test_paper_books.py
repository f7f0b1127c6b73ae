import asyncio
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from itertools import count
from pathlib import Path

import msgspec
import pytest

from krakked_tui.domain.errors import AccountMismatchError, StorageError
from krakked_tui.domain.orders import Accepted, OrderRequest, OrderType, Side
from krakked_tui.paper.broker import PaperBroker
from krakked_tui.storage.journal import SqliteJournal
from krakked_tui.storage.paper_books import SqlitePaperBooks
from tests.fakes.clock import FakeClock
from tests.unit.paper.samples import ASSETS, PAIR, TERMS, go_ahead, quote_of
from tests.unit.storage.samples import at, entry, trade

D = Decimal
Open = Callable[..., Awaitable[SqlitePaperBooks]]
LONG_AGO = at(-(10**8))


class Row(msgspec.Struct, frozen=True):
    number: int
    order_id: str
    cl_ord_id: str
    is_open: bool
    body: str


def row(number: int, *, is_open: bool = True, body: str = "") -> Row:
    return Row(number, f"O{number}", f"c{number % 10}", is_open, body or f"order {number}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profile" / "paper.db"


@pytest.fixture
async def open_books(path: Path) -> AsyncIterator[Open]:
    """Opens the books, with tags that count; closes at the end what the test left open.

    The first opener's session takes 1, so that the first account is ``paper:abc-2``.
    """
    tags = map(str, count(1))
    async with AsyncExitStack() as stack:

        async def opened(*, claimed: bool = True) -> SqlitePaperBooks:
            books = await SqlitePaperBooks.open(path, new_tag=lambda: next(tags))
            stack.push_async_callback(books.close)
            if claimed:
                await books.claim("paper:abc", "opening")
            return books

        yield opened


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_new_books_are_empty_and_private(open_books: Open, path: Path) -> None:
    books = await open_books()
    assert await books.counts() == (0, 0, 0)
    assert await books.last_time() is None
    assert await books.balances() == {}
    assert list(await books.open_orders()) == []
    assert mode(path) == 0o600


async def test_books_belong_to_one_account_and_remember_its_opening(open_books: Open) -> None:
    books = await open_books(claimed=False)
    assert await books.claim("paper:abc", "first") == ("paper:abc-2", "first")
    await books.close()
    books = await open_books(claimed=False)
    assert await books.claim("paper:abc", "second") == ("paper:abc-2", "first")
    for owner in ("paper:xyz", "paper:ab", "paper:abc-"):
        with pytest.raises(
            AccountMismatchError, match=f"paper account paper:abc-2, not to {owner}: "
        ) as told:
            await books.claim(owner, "first")
    assert "--profile" in str(told.value)
    assert "paper.db and krakked.db away, each with its -wal and -shm files" in str(told.value)


def write(path: Path, *changes: str) -> None:
    """Change the file behind the program's back."""
    connection = sqlite3.connect(path)
    for change in changes:
        connection.execute(change)
    connection.commit()
    connection.close()


async def test_an_account_from_before_there_were_tags_keeps_its_id(open_books: Open, path: Path) -> None:
    books = await open_books(claimed=False)
    await books.close()
    write(path, "INSERT INTO meta VALUES ('account_id', 'paper:abc'), ('opening', '{\"USD\": \"7\"}')")
    books = await open_books(claimed=False)
    broker = await PaperBroker.open("paper:abc", books, FakeClock(), TERMS)
    assert broker.account_id == "paper:abc"
    assert (await broker.balances())["USD"].total == 7
    await books.close()
    books = await open_books(claimed=False)
    with pytest.raises(AccountMismatchError):
        await books.claim("paper:ab", "")


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    opened = await SqliteJournal.open(tmp_path / "krakked.db", lambda: "abc")
    yield opened
    await opened.close()


async def test_new_books_beside_an_old_journal_are_refused_and_no_id_comes_twice(
    open_books: Open, path: Path, journal: SqliteJournal
) -> None:
    ids: set[str] = set()
    for begun_anew in (False, True):
        broker = await PaperBroker.open("paper:abc", await open_books(claimed=False), FakeClock(), TERMS)
        told = {entry.entry_id for entry in await broker.ledger(LONG_AGO)}
        told |= {entry.refid for entry in await broker.ledger(LONG_AGO)}
        assert len(told) == 2
        assert not told & ids
        ids |= told
        if begun_anew:
            with pytest.raises(AccountMismatchError, match=f"not to {broker.account_id}"):
                await journal.load(broker.account_id)
        else:
            await journal.load(broker.account_id)
        await broker.close()
        await asyncio.to_thread(path.unlink)


async def test_whoever_opened_the_books_first_can_write_no_more(open_books: Open) -> None:
    first = await open_books()
    await first.commit([row(1)], [], [entry(1)])
    second = await open_books()
    assert await second.claim("paper:abc", "opening") == ("paper:abc-2", "opening")
    await second.commit([row(2)], [], [])
    with pytest.raises(StorageError, match=r"paper\.db was taken over by another Krakked"):
        await first.commit([row(2, body="another")], [(trade(1), D(1))], [])
    assert list(await first.open_orders()) == ["order 1", "order 2"]
    assert await second.counts() == (2, 0, 1)


async def test_of_two_that_open_new_books_at_once_both_see_one_account(path: Path) -> None:
    async with AsyncExitStack() as stack:
        pair = [await SqlitePaperBooks.open(path) for _ in range(2)]
        for each in pair:
            stack.push_async_callback(each.close)
        async with asyncio.TaskGroup() as group:
            claims = [group.create_task(each.claim("paper:abc", "opening")) for each in pair]
    first, second = (claim.result() for claim in claims)
    assert first == second
    assert re.fullmatch(r"paper:abc-[0-9a-f]{8}", first[0])


async def test_books_that_do_not_say_whose_they_are_are_refused(open_books: Open, path: Path) -> None:
    await (await open_books()).close()
    write(path, "DELETE FROM meta WHERE key = 'opening'")
    with pytest.raises(StorageError, match=r"does not say whose account it holds: stop Krakked"):
        await open_books()


async def test_what_is_written_is_read_again_after_a_restart(open_books: Open) -> None:
    books = await open_books()
    await books.commit([row(1), row(2)], [(trade(1), D("600.2")), (trade(2), D("7"))], [entry(1), entry(2)])
    await books.commit([row(1, is_open=False, body="done")], [], [])
    await books.close()
    books = await open_books()
    assert await books.counts() == (2, 2, 2)
    assert list(await books.open_orders()) == ["order 2"]
    assert list(await books.query_orders(["O2", "O1", "O9"])) == ["done", "order 2"]
    assert list(await books.trades(at(0))) == [trade(1), trade(2)]
    assert list(await books.trades(at(2))) == [trade(2)]
    assert list(await books.entries(at(0))) == [entry(1), entry(2)]
    assert list(await books.entries(at(3))) == []
    assert list(await books.turnover(at(2))) == [(at(2), D("7"))]
    assert await books.last_time() == at(2)


async def test_orders_are_found_by_client_id_oldest_first(open_books: Open) -> None:
    books = await open_books()
    await books.commit([row(11), row(1), row(2)], [], [])
    assert list(await books.find_orders("c1")) == ["order 1", "order 11"]
    assert list(await books.find_orders("nobody's")) == []


async def test_the_newest_row_of_each_asset_says_its_balance(open_books: Open) -> None:
    books = await open_books()
    later = msgspec.structs.replace(entry(2), balance=D("1.50"))
    other = msgspec.structs.replace(entry(3), asset="XBT", balance=D("0.0000000001"))
    await books.commit([], [], [entry(1), other, later])
    balances = await books.balances()
    assert {asset: str(amount) for asset, amount in balances.items()} == {"XBT": "1E-10", "USD": "1.50"}


async def test_a_commit_is_whole_or_nothing(open_books: Open) -> None:
    books = await open_books()
    await books.commit([], [(trade(1), D(1))], [])
    with pytest.raises(StorageError):
        await books.commit([row(1)], [(trade(1), D(1))], [entry(1)])
    assert await books.counts() == (0, 1, 0)
    await books.commit([row(1)], [(trade(2), D(1))], [entry(1)])
    assert await books.counts() == (1, 2, 1)


async def test_what_happened_cannot_be_changed(open_books: Open, path: Path) -> None:
    books = await open_books()
    await books.commit([], [(trade(1), D(1))], [entry(1)])
    await books.close()
    connection = sqlite3.connect(path)
    for change in (
        "UPDATE trades SET price = '1'", "DELETE FROM trades",
        "UPDATE entries SET fee = '0'", "DELETE FROM entries",
    ):  # fmt: skip
        with pytest.raises(sqlite3.IntegrityError, match="is never"):
            connection.execute(change)
    connection.close()


@pytest.mark.parametrize("table", ["trades", "entries"])
async def test_a_row_that_makes_no_sense_is_said_to_be_one(open_books: Open, path: Path, table: str) -> None:
    books = await open_books()
    await books.close()
    columns = TRADE_COLUMNS if table == "trades" else ENTRY_COLUMNS
    values = ", ".join("1" if name in ("time", "maker") else "'x'" for name in columns)
    write(path, f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})")
    books = await open_books()
    read = books.trades if table == "trades" else books.entries
    with pytest.raises(
        StorageError, match=r"paper\.db holds a row that makes no sense \(no number\)"
    ) as told:
        await read(LONG_AGO)
    assert "each with its -wal and -shm files" in str(told.value)
    if table == "entries":
        with pytest.raises(StorageError, match="makes no sense"):
            await books.balances()


TRADE_COLUMNS = (
    "trade_id", "kraken_order_id", "pair", "side", "price", "volume", "cost", "fees", "time", "maker", "usd",
)  # fmt: skip
ENTRY_COLUMNS = ("entry_id", "refid", "time", "type", "subtype", "asset", "amount", "fee", "balance")
UNCHANGEABLE = tuple(
    f"DROP TRIGGER {table}_are_never_{change}"
    for table in ("trades", "entries")
    for change in ("changed", "deleted")
)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trades SET price = 'NaN'", "UPDATE trades SET volume = '-1'",
        "UPDATE trades SET cost = '1E+99999'", "UPDATE trades SET usd = 'Infinity'",
        "UPDATE trades SET fees = '[{\"asset\": \"USD\", \"amount\": \"NaN\"}]'",
        "UPDATE trades SET fees = '?'", "UPDATE trades SET time = 9000000000000000000",
        "UPDATE entries SET balance = '-1'", "UPDATE entries SET balance = 'NaN'",
        "UPDATE entries SET amount = 'NaN'", "UPDATE entries SET time = 9000000000000000000",
    ],
)  # fmt: skip
async def test_numbers_that_no_account_has_are_said_to_be_none(
    open_books: Open, path: Path, change: str
) -> None:
    books = await open_books()
    await books.commit([row(1)], [(trade(1), D(1))], [entry(1)])
    await books.close()
    write(path, *UNCHANGEABLE, change)
    books = await open_books()

    async def read_all() -> None:
        await books.balances()
        await books.last_time()
        await books.turnover(LONG_AGO)
        await books.trades(LONG_AGO)
        await books.entries(LONG_AGO)

    with pytest.raises(StorageError, match=r"paper\.db holds a row that makes no sense"):
        await read_all()


async def test_an_account_with_a_corrupt_order_is_not_opened(open_books: Open, path: Path) -> None:
    books = await open_books()
    await books.commit([row(1, body="{}")], [], [])
    await books.close()
    books = await open_books(claimed=False)
    with pytest.raises(StorageError, match="opening balances in the paper account make no sense"):
        await PaperBroker.open("paper:abc", books, FakeClock(), TERMS)
    write(path, "UPDATE meta SET value = '{\"USD\": \"7\"}' WHERE key = 'opening'")
    books = await open_books(claimed=False)
    with pytest.raises(StorageError, match=r"order that makes no sense .* -wal and -shm files"):
        await PaperBroker.open("paper:abc", books, FakeClock(), TERMS)


def hurt(path: Path, filling: bytes) -> None:
    """Put something else in the place of the file's second half."""
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + filling * (len(whole) - middle))


@pytest.mark.parametrize("wound", ["cut", "overwritten"])
async def test_books_that_are_damaged_in_the_middle_are_refused(
    open_books: Open, path: Path, wound: str
) -> None:
    books = await open_books()
    await books.commit([row(number, body="x" * 500) for number in range(1, 99)], [], [])
    await books.close()
    hurt(path, b"" if wound == "cut" else b"\xff")
    with pytest.raises(StorageError, match=r"paper\.db .*damaged"):
        await open_books()


@pytest.fixture
def damaged(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database at all" * 100)


@pytest.mark.usefixtures("damaged")
async def test_damaged_books_are_refused(open_books: Open) -> None:
    with pytest.raises(StorageError, match="is damaged"):
        await open_books()


async def test_a_paper_account_survives_a_restart(open_books: Open) -> None:
    clock, long_ago = FakeClock(), LONG_AGO
    told: list[list[Sequence[object]]] = []
    for _ in range(2):
        books = await open_books(claimed=False)
        broker = await PaperBroker.open("paper:abc", books, clock, TERMS)
        assert broker.account_id.startswith("paper:abc-")
        broker.on_pairs([PAIR], ASSETS)
        if not told:
            price = quote_of(
                D(1000), bid=None, ask=None, size=D(1), volume=D(5), received=0.0, time=clock.now()
            )
            broker.on_quote(price)
            for number, limit in enumerate((D(1001), D(900), D(901))):
                request = OrderRequest(f"c{number}", "XBTUSD", Side.BUY, OrderType.LIMIT, D("0.3"), limit)
                assert isinstance(await broker.submit(request, go_ahead), Accepted)
            await broker.cancel(["c1"])
        told.append(
            [
                list((await broker.balances()).values()),
                list(await broker.open_orders()),
                list(await broker.trades(long_ago)),
                list(await broker.ledger(long_ago)),
                list(await broker.find_orders("c1")),
            ]
        )
        await broker.close()
    assert told[0] == told[1]
    assert [len(each) for each in told[0]] == [2, 1, 1, 3, 1]


_VICTIM = """
import asyncio, os, signal, sys
from pathlib import Path
from decimal import Decimal
from krakked_tui.storage.paper_books import SqlitePaperBooks
from tests.unit.storage.samples import entry, trade
from tests.unit.storage.test_paper_books import row

async def main():
    books = await SqlitePaperBooks.open(Path(sys.argv[1]), new_tag=lambda: "2")
    await books.claim("paper:abc", "opening")
    await books.commit([row(1)], [(trade(1), Decimal(1))], [entry(1)])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_what_was_committed_survives_a_kill(open_books: Open, path: Path) -> None:
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", _VICTIM, str(path)], check=False, timeout=50
    )
    assert done.returncode == -signal.SIGKILL
    books = await open_books(claimed=False)
    assert await books.claim("paper:abc", "other") == ("paper:abc-2", "opening")
    assert await books.counts() == (1, 1, 1)
