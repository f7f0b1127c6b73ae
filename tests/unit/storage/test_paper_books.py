import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from krakked_tui.domain.errors import AccountMismatchError, StorageError
from krakked_tui.domain.orders import Accepted, OrderRequest, OrderType, Side
from krakked_tui.paper.broker import PaperBroker
from krakked_tui.storage.paper_books import SqlitePaperBooks
from tests.fakes.clock import FakeClock
from tests.unit.paper.samples import ASSETS, PAIR, TERMS, go_ahead, quote_of
from tests.unit.storage.samples import at, entry, trade

D = Decimal
Open = Callable[[], Awaitable[SqlitePaperBooks]]


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
    """Opens the books; closes at the end what the test left open."""
    async with AsyncExitStack() as stack:

        async def opened() -> SqlitePaperBooks:
            books = await SqlitePaperBooks.open(path)
            stack.push_async_callback(books.close)
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
    books = await open_books()
    assert await books.claim("paper:abc", "first") == "first"
    await books.close()
    books = await open_books()
    assert await books.claim("paper:abc", "second") == "first"
    with pytest.raises(
        AccountMismatchError, match="belongs to the paper account paper:abc, not to paper:xyz"
    ):
        await books.claim("paper:xyz", "first")


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
    connection = sqlite3.connect(path)
    columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})") if name != "seq"]
    values = ", ".join("1" if name in ("time", "maker") else "'x'" for name in columns)
    connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})")
    connection.commit()
    connection.close()
    books = await open_books()
    read = books.trades if table == "trades" else books.entries
    with pytest.raises(StorageError, match=r"paper\.db holds a row that makes no sense"):
        await read(at(-(10**8)))
    if table == "entries":
        with pytest.raises(StorageError, match="makes no sense"):
            await books.balances()


@pytest.fixture
def damaged(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database at all" * 100)


@pytest.mark.usefixtures("damaged")
async def test_damaged_books_are_refused(open_books: Open) -> None:
    with pytest.raises(StorageError, match="is damaged"):
        await open_books()


async def test_a_paper_account_survives_a_restart(open_books: Open) -> None:
    clock, long_ago = FakeClock(), at(-(10**8))
    told: list[list[Sequence[object]]] = []
    for _ in range(2):
        books = await open_books()
        broker = await PaperBroker.open("paper:abc", books, clock, TERMS)
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
    books = await SqlitePaperBooks.open(Path(sys.argv[1]))
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
    books = await open_books()
    assert await books.claim("paper:abc", "other") == "opening"
    assert await books.counts() == (1, 1, 1)
