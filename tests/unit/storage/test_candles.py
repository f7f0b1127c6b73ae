import asyncio
import os
import resource
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import NewerSchemaError, RefusedError, StorageError
from krakked_tui.market.settings import CandleStoreSettings
from krakked_tui.ports import CandleStore
from krakked_tui.storage.candle_store.following import FollowingCandleStore
from krakked_tui.storage.candle_store.store import Counts, PartitionedCandleStore
from krakked_tui.storage.candle_store.tail import LateRows
from krakked_tui.storage.candles import open_candle_store, open_to_read, open_to_write
from krakked_tui.storage.sqlite import load_migrations
from tests.contract.test_candle_store import candles_of
from tests.unit.storage.samples import candle

Open = Callable[[], Awaitable[PartitionedCandleStore]]
M1 = Timeframe.M1
CSV = CandleStoreSettings(backend="csv")
LAST_PAGE = 2_048 + 24
"""The last page of the tail as its log holds it, with its header."""

replace = msgspec.structs.replace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "sandbox-7"


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def open_store(root: Path, stack: AsyncExitStack) -> Open:
    """Opens the store; closes at the end what the test left open."""

    async def opened() -> PartitionedCandleStore:
        store = await open_to_write(root)
        stack.push_async_callback(store.close)
        return store

    return opened


async def test_one_writer_at_a_time(open_store: Open) -> None:
    store = await open_store()
    with pytest.raises(RefusedError, match="sandbox-7 is already written to by another Krakked"):
        await open_store()
    await store.close()
    await open_store()


@pytest.mark.parametrize("settings", [CandleStoreSettings(), CSV])
async def test_a_second_process_follows_and_takes_over(
    root: Path, stack: AsyncExitStack, settings: CandleStoreSettings
) -> None:
    first = await open_candle_store(root, settings)
    stack.push_async_callback(first.close)
    second = await open_candle_store(root, settings)
    stack.push_async_callback(second.close)
    assert isinstance(second, FollowingCandleStore)

    await first.append([candle(0), candle(1)])
    assert await second.append([candle(1), candle(2), candle(0, trades=8)]) == 2
    heard = [candle(0, trades=8), candle(1), candle(2)]
    assert candles_of(await second.read("XBTUSD", M1)) == heard
    assert candles_of(await second.read_many(["XBTUSD"], M1, 2)) == heard[1:]
    assert candles_of(await first.read("XBTUSD", M1)) == [candle(0), candle(1)]
    await first.compact(everything=True)
    await first.append([candle(3)])
    assert candles_of(await second.read("XBTUSD", M1)) == [*heard, candle(3)]
    assert (await second.coverage("XBTUSD", M1)).rows == 4
    await first.close()
    assert await second.append([candle(4)]) == 1
    assert second.writing
    assert candles_of(await second.read("XBTUSD", M1)) == [*heard, candle(3), candle(4)]
    assert (await second.compact(everything=True)).rows
    assert not await second.verify()
    await second.close()
    third = await open_candle_store(root, settings)
    stack.push_async_callback(third.close)
    assert candles_of(await third.read("XBTUSD", M1)) == [*heard, candle(3), candle(4)]


async def test_reading_while_another_process_writes_and_compacts(root: Path, stack: AsyncExitStack) -> None:
    writer = await open_to_write(root)
    stack.push_async_callback(writer.close)
    reader = await open_candle_store(root)
    stack.push_async_callback(reader.close)
    acknowledged = 0

    async def write() -> None:
        nonlocal acknowledged
        for number in range(120):
            await writer.append([candle(number, pair) for pair in ("XBTUSD", "ETHUSD")])
            acknowledged = number + 1
            if number % 7 == 0:
                await writer.compact(everything=True)

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        while not writing.done():
            before = acknowledged
            read = candles_of(await reader.read("XBTUSD", M1))
            assert read == [candle(number) for number in range(len(read))]
            assert before <= len(read) <= acknowledged + 1


async def test_a_reader_beside_an_older_or_newer_krakked_says_so(root: Path, open_store: Open) -> None:
    store = await open_store()
    for version, error in ((1, StorageError), (99, NewerSchemaError)):
        with sqlite3.connect(root / "tail.db") as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
        reader = await open_candle_store(root)
        with pytest.raises(error, match=rf"tail\.db .*schema version {version}"):
            await reader.read("XBTUSD", M1)
        await reader.close()
    await store.close()
    with pytest.raises(NewerSchemaError, match="schema version 99"):
        await open_store()


@pytest.fixture
def damaged(root: Path) -> None:
    root.mkdir()
    (root / "tail.db").write_bytes(b"not a database at all" * 100)


@pytest.mark.usefixtures("damaged")
async def test_a_store_that_cannot_be_opened_lets_go_of_the_lock(open_store: Open) -> None:
    for _ in range(2):
        with pytest.raises(StorageError, match="is damaged"):
            await open_store()


async def test_rows_are_counted_and_late_ones_for_good(open_store: Open) -> None:
    store = await open_store()
    await store.append([candle(0), candle(1)])
    assert (store.counts, store.late) == (Counts(appended=2), LateRows())
    await store.append([candle(0), candle(1, trades=8), candle(2)])
    assert store.counts == Counts(appended=3, corrected=1)
    await store.append([candle(0, trades=6), candle(1, trades=9), candle(1, trades=9)])
    assert store.counts == Counts(appended=3, corrected=2, refused=1)
    await store.close()
    store = await open_store()
    assert (store.counts, store.late) == (Counts(), LateRows(corrected=2, refused=1))


async def test_candles_survive_a_restart(open_store: Open) -> None:
    store = await open_store()
    await store.append([candle(0)])
    await store.close()
    store = await open_store()
    assert await store.last_time("XBTUSD", M1) == candle(0).time
    assert await store.append([candle(0)]) == 0


def make_first_schema(root: Path) -> None:
    """A tail of the first schema with two candles, one corrected twice, both refused other values."""
    root.mkdir()
    with sqlite3.connect(root / "tail.db") as connection:
        connection.executescript(load_migrations("candles")[0].sql + ";PRAGMA user_version = 1;")
        for number, counts in ((0, (2, 1)), (1, (0, 3))):
            row = msgspec.structs.astuple(candle(number))
            micros = int(row[2].timestamp()) * 1_000_000
            values = (row[1], row[0], micros, *row[3:], *counts)
            connection.execute(f"INSERT INTO candles VALUES ({','.join('?' * 12)})", values)
    connection.close()


async def test_a_tail_of_the_first_schema_goes_on_as_the_tail(root: Path, open_store: Open) -> None:
    make_first_schema(root)
    store = await open_store()
    assert candles_of(await store.read("XBTUSD", M1)) == [candle(0), candle(1)]
    assert store.late == LateRows(corrected=2, refused=4)
    assert await store.append([candle(1), candle(1, trades=9), candle(2)]) == 2
    assert (await store.compact(everything=True)).rows == 3
    assert candles_of(await store.read("XBTUSD", M1)) == [candle(0), candle(1, trades=9), candle(2)]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("step", [103, pytest.param(1, marks=pytest.mark.long)])
async def test_a_tail_torn_anywhere_on_its_last_page_never_costs_more_than_the_last_commit(
    root: Path, open_store: Open, tmp_path: Path, step: int
) -> None:
    store = await open_store()
    for number in range(3):
        await store.append([candle(number)])
    torn, log = tmp_path / "torn", read_log(root)
    for cut in range(len(log) - LAST_PAGE, len(log) + 1, step):
        tear(root, torn, log[:cut])
        after = await open_to_write(torn)
        kept = candles_of(await after.read("XBTUSD", M1))
        findings = await after.verify()
        await after.close()
        assert kept == [candle(number) for number in range(3 if cut == len(log) else 2)]
        assert not findings


async def test_a_file_of_the_tail_cut_short_is_said_to_be_damaged(
    root: Path, open_store: Open, tmp_path: Path
) -> None:
    store = await open_store()
    await store.append([candle(number) for number in range(60)])
    await store.close()
    whole = read_tail(root)
    # WAL never leaves such a file; a copy may be one. SQLite cannot tell the very last bytes from zeros.
    for cut in range(len(whole) - 2_048, len(whole) - 100, 97):
        shorter = tmp_path / f"{cut}"
        write_tail(shorter, whole[:cut])
        with pytest.raises(StorageError, match=r"tail\.db is damaged"):
            await open_to_write(shorter)


def read_tail(root: Path) -> bytes:
    return (root / "tail.db").read_bytes()


def write_tail(root: Path, content: bytes) -> None:
    root.mkdir()
    (root / "tail.db").write_bytes(content)


def read_log(root: Path) -> bytes:
    return (root / "tail.db-wal").read_bytes()


def tear(root: Path, torn: Path, log: bytes) -> None:
    """Make a copy of a store whose log ends early."""
    torn.mkdir(exist_ok=True)
    shutil.copy(root / "tail.db", torn / "tail.db")
    (torn / "tail.db-wal").write_bytes(log)
    (torn / "tail.db-shm").unlink(missing_ok=True)


@pytest.mark.parametrize("backend", ["parquet", "csv"])
async def test_a_full_disk_refuses_the_append_and_nothing_else(
    root: Path, stack: AsyncExitStack, backend: str
) -> None:
    store = await open_to_write(root, msgspec.convert({"backend": backend}, CandleStoreSettings))
    stack.push_async_callback(store.close)
    await store.append([candle(0)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Text is cut off in the middle of a line.
    resource.setrlimit(resource.RLIMIT_FSIZE, (200 if backend == "csv" else 1, hard))
    try:
        with pytest.raises(StorageError, match=r"tail\.(db|csv) .*(disk|space)"):
            await store.append([candle(number) for number in range(1, 500)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert candles_of(await store.read("XBTUSD", M1)) == [candle(0)]
    assert await store.append([candle(0), candle(1)]) == 1
    await store.close()
    store = await open_to_write(root, msgspec.convert({"backend": backend}, CandleStoreSettings))
    stack.push_async_callback(store.close)
    assert candles_of(await store.read("XBTUSD", M1)) == [candle(0), candle(1)]


def fill_disk(root: Path, backend: str) -> None:
    """What a compaction writes first goes to a disk without space."""
    full = root / ".partial" / f"1m.ETHUSD.2026-03.{backend}"
    full.parent.mkdir()
    full.symlink_to("/dev/full")


@pytest.mark.parametrize("backend", ["parquet", "csv"])
async def test_a_full_disk_stops_a_compaction_that_goes_on_later(
    root: Path, stack: AsyncExitStack, backend: str
) -> None:
    store = await open_to_write(root, msgspec.convert({"backend": backend}, CandleStoreSettings))
    stack.push_async_callback(store.close)
    await store.append([candle(0), candle(0, "ETHUSD")])
    fill_disk(root, backend)
    with pytest.raises(StorageError, match=r"ETHUSD.* cannot be written \(No space left on device\)"):
        await store.compact(everything=True)
    assert candles_of(await store.read_many(["ETHUSD", "XBTUSD"], M1, 5)) == [candle(0, "ETHUSD"), candle(0)]
    assert await store.append([candle(1)]) == 1
    done = await store.compact(everything=True)
    assert (done.rows, done.more) == (2, False)
    assert not await store.verify()
    assert candles_of(await store.read("XBTUSD", M1)) == [candle(0), candle(1)]


async def test_closing_does_not_wait_for_a_whole_compaction(open_store: Open) -> None:
    store = await open_store()
    await store.append([candle(0, f"P{number:03}USD") for number in range(300)])
    compaction = asyncio.ensure_future(store.compact(partitions=300, everything=True))  # noqa: TID251
    await store.coverage("P000USD", M1)  # lets it begin
    await store.close()
    done = await compaction
    assert done.more
    assert done.rows < 300
    store = await open_store()
    assert (await store.read_many([f"P{number:03}USD" for number in range(300)], M1, 9)).height == 300
    assert (await store.compact(partitions=300)).rows == 300 - done.rows
    assert not await store.verify()


async def test_a_directory_that_is_none_is_named(root: Path) -> None:
    await asyncio.to_thread(root.write_text, "a file where the store shall be")
    with pytest.raises(StorageError, match="sandbox-7"):
        await open_candle_store(root)


def leave_half(root: Path) -> None:
    (root / ".partial").mkdir()
    (root / ".partial" / "1m.XBTUSD.2026-03.parquet").write_text("half")


async def test_what_a_crash_left_half_written_is_swept_away(root: Path, open_store: Open) -> None:
    store = await open_store()
    leave_half(root)
    assert [finding.problem for finding in await store.verify()] == ["it was left half written"]
    await store.close()
    store = await open_store()
    assert not await store.verify()


async def test_a_damaged_partition_is_named_and_other_pairs_go_on(root: Path, open_store: Open) -> None:
    store = await open_store()
    await store.append([candle(n, pair) for pair in ("XBTUSD", "ETHUSD") for n in range(3)])
    await store.compact(everything=True)
    path = root / "1m" / "XBTUSD" / "2026-03.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    await store.close()
    store = await open_store()

    for call in (store.read("XBTUSD", M1), store.read("XBTUSD", M1, limit=2), store.coverage("XBTUSD", M1)):
        with pytest.raises(StorageError, match=r"XBTUSD/2026-03\.parquet is damaged \(its checksum"):
            await call
    assert candles_of(await store.read_many(["XBTUSD", "ETHUSD"], M1, 1)) == [candle(2, "ETHUSD")]
    [finding] = await store.verify()
    assert finding.place == str(path)

    assert await store.append([candle(3), candle(3, "ETHUSD")]) == 2
    done = await store.compact(everything=True)
    assert [problem.place for problem in done.problems] == ["1m XBTUSD"]
    assert (done.rows, done.more) == (1, False)
    path.rename(path.with_suffix(".damaged"))
    assert candles_of(await store.read("XBTUSD", M1)) == [candle(3)]
    await store.compact(everything=True)
    assert candles_of(await store.read("XBTUSD", M1)) == [candle(3)]


async def test_a_cancelled_append_leaves_a_store_that_knows_what_it_has(open_store: Open) -> None:
    store = await open_store()
    for number in range(30):
        append = asyncio.ensure_future(store.append([candle(number)]))  # noqa: TID251 - to be cancelled
        for _ in range(number):
            await asyncio.sleep(0)
        append.cancel()
        await asyncio.wait([append])
    before = candles_of(await store.read("XBTUSD", M1))
    assert await store.append([candle(number) for number in range(30)]) == 30 - len(before)
    assert candles_of(await store.read("XBTUSD", M1)) == [candle(number) for number in range(30)]


def test_only_the_owner_can_read_what_is_written(root: Path) -> None:
    async def write(store: Awaitable[CandleStore]) -> None:
        opened = await store
        await opened.append([candle(0)])
        await opened.compact(everything=True)
        await opened.close()

    asyncio.run(write(open_candle_store(root)))
    asyncio.run(write(open_candle_store(root.with_name("csv"), CSV)))
    for path in root.parent.rglob("*"):
        assert os.stat(path).st_mode & 0o077 == 0, path


@pytest.mark.parametrize("settings", [CandleStoreSettings(), CSV])
async def test_who_looks_changes_nothing_and_hinders_nobody(
    root: Path, settings: CandleStoreSettings
) -> None:
    writer = await open_to_write(root, settings)
    await writer.append([candle(minute) for minute in range(3)])
    await writer.compact(everything=True)
    await writer.append([candle(minute) for minute in range(3, 5)])
    await writer.close()
    (root / "1m" / "XBTUSD" / "left.tmp").write_bytes(b"half written")
    before = _files(root)
    reader = open_to_read(root, settings)
    try:
        assert len(await reader.read("XBTUSD", M1)) == 5
        assert (await reader.coverage("XBTUSD", M1)).rows == 5
        await reader.verify()
        assert await reader.append([candle(9)]) == 1
        assert _files(root) == before
        await (await open_to_write(root, settings)).close()
    finally:
        await reader.close()


def _files(root: Path) -> dict[str, tuple[int, bytes]]:
    """All files, without those that SQLite needs to read."""
    paths = [path for path in root.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal"))]
    return {str(path.relative_to(root)): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}
