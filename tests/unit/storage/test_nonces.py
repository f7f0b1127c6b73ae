"""The shared high-water mark: only ever up, whatever breaks."""

import errno
import multiprocessing
import os
import threading
from itertools import chain, pairwise
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakked_tui.domain.errors import StorageError
from krakked_tui.storage.nonces import BLOCK_NS, NONCE_MAX, NonceFile

NOON = 1_767_614_400_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "nonces-1a2b3c4d"


def test_it_follows_the_clock_and_never_repeats(path: Path) -> None:
    nonces = NonceFile(path)
    assert nonces.next(NOON) == NOON
    assert nonces.next(NOON) == NOON + 1
    assert nonces.next(NOON - 5) == NOON + 2
    assert nonces.next(NOON + 100) == NOON + 100
    nonces.close()
    nonces.close()


def test_a_restart_goes_on_above_everything_although_the_clock_was_set_back(path: Path) -> None:
    first = NonceFile(path)
    given_out = [first.next(NOON + n * 10**9) for n in range(50)]
    first.close()
    assert NonceFile(path).next(NOON - 10**12) > given_out[-1]


def test_only_the_owner_may_read_it(path: Path) -> None:
    NonceFile(path).next(NOON)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    NonceFile(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_the_disk_is_flushed_once_for_a_block(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nonces = NonceFile(path)
    flushed: list[int] = []
    real = os.fsync

    def fsync(file: int) -> None:
        flushed.append(file)
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    for n in range(1000):
        nonces.next(NOON + n * 10**6)
    assert len(flushed) == 2
    nonces.next(NOON + 2 * BLOCK_NS)
    assert len(flushed) == 4


def test_what_was_reserved_is_given_out_without_waiting_for_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nonces = NonceFile(path)
    assert nonces.left(NOON) < 0
    nonces.reserve(NOON)
    assert nonces.left(NOON) == BLOCK_NS

    def fsync(_: int) -> None:
        raise AssertionError("waited for the disk")

    monkeypatch.setattr(os, "fsync", fsync)
    nonces.reserve(NOON)  # there is enough
    for n in range(0, BLOCK_NS, BLOCK_NS // 100):
        assert nonces.next(NOON + n) == NOON + n
        assert nonces.left(NOON + n) >= 0 or n > BLOCK_NS - BLOCK_NS // 100
    with pytest.raises(AssertionError, match="waited"):
        nonces.next(NOON + BLOCK_NS + 1)


def test_nonces_are_given_out_while_the_disk_is_slow(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nonces, other = NonceFile(path), NonceFile(path)
    for user in (nonces, other):
        user.next(NOON)
    for user in (nonces, other):
        user.reserve(NOON + 3 * BLOCK_NS)
    waiting, go_on = threading.Event(), threading.Event()
    real = os.fsync

    def fsync(file: int) -> None:
        waiting.set()
        assert go_on.wait(10)
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    raising = threading.Thread(target=nonces.reserve, args=(NOON + 5 * BLOCK_NS,))
    raising.start()
    assert waiting.wait(10)
    assert nonces.next(NOON) < other.next(NOON) < nonces.next(NOON)
    go_on.set()
    raising.join()
    assert nonces.left(NOON + 5 * BLOCK_NS) == BLOCK_NS


def test_a_mark_that_somebody_else_has_not_flushed_yet_is_not_relied_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = NonceFile(path), NonceFile(path)
    ours.next(NOON)
    real = os.fsync

    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StorageError):
        theirs.reserve(NOON + 5 * BLOCK_NS)
    with pytest.raises(StorageError):
        ours.next(NOON + 3 * BLOCK_NS)
    monkeypatch.setattr(os, "fsync", real)
    assert ours.next(NOON + 3 * BLOCK_NS) == NOON + 3 * BLOCK_NS


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 2), st.integers(-(10**12), 10**12), st.booleans()), min_size=2, max_size=40
    )
)
def test_strictly_increasing_over_users_clocks_and_restarts(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, bool]]
) -> None:
    path = tmp_path_factory.mktemp("nonces") / "nonces"
    users = [NonceFile(path) for _ in range(3)]
    given_out: list[int] = []
    for who, drift, restart in steps:
        if restart:
            users[who].close()
            users[who] = NonceFile(path)
        given_out.append(users[who].next(NOON + drift))
    for user in users:
        user.close()
    assert all(before < after for before, after in pairwise(given_out))


def test_threads_share_one_object(path: Path) -> None:
    nonces = NonceFile(path)
    taken: list[list[int]] = [[] for _ in range(4)]
    threads = [
        threading.Thread(target=lambda mine=mine: mine.extend(nonces.next(NOON) for _ in range(250)))
        for mine in taken
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(chain.from_iterable(taken)) == list(range(NOON, NOON + 1000))
    assert all(mine == sorted(mine) for mine in taken)


def _take(path: Path, queue: "multiprocessing.Queue[list[int]]", start: Barrier) -> None:
    nonces = NonceFile(path)
    start.wait(50)
    queue.put([nonces.next(NOON) for _ in range(3000)])


def test_processes_share_one_file(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    start = context.Barrier(3)
    processes = [context.Process(target=_take, args=(path, queue, start)) for _ in range(3)]
    for process in processes:
        process.start()
    taken = [queue.get(timeout=50) for _ in processes]
    for process in processes:
        process.join()
    everything = list(chain.from_iterable(taken))
    assert len(set(everything)) == len(everything) == 9000
    assert all(mine == sorted(mine) for mine in taken)
    assert NonceFile(path).next(NOON) > max(everything)


def test_a_file_cut_off_anywhere_is_an_error(path: Path) -> None:
    nonces = NonceFile(path)
    for n in range(3):
        nonces.next(NOON + n * 2 * BLOCK_NS)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        for user in (nonces, NonceFile(path)):
            with pytest.raises(StorageError, match="damaged"):
                user.next(NOON)


@pytest.mark.parametrize("offset", range(0, 144, 4))
def test_a_spoilt_record_never_leads_back(path: Path, offset: int) -> None:
    nonces = NonceFile(path)
    highest = [nonces.next(NOON + n * 2 * BLOCK_NS) for n in range(3)][-1]
    content = bytearray(path.read_bytes())
    content[offset : offset + 4] = bytes(255 - byte for byte in content[offset : offset + 4])
    path.write_bytes(content)
    assert NonceFile(path).next(NOON) > highest
    assert nonces.next(NOON) > highest


def test_a_write_that_was_cut_short_leaves_the_mark_before_it(path: Path) -> None:
    nonces = NonceFile(path)
    last = nonces.next(NOON)
    before = path.read_bytes()
    nonces.next(NOON + 5 * BLOCK_NS)
    after = path.read_bytes()
    for cut in range(192):
        path.write_bytes(after[:cut] + before[cut:])
        assert NonceFile(path).next(NOON) > last


def test_nonces_that_never_reached_the_disk_are_not_given_out_again(path: Path) -> None:
    nonces = NonceFile(path)
    nonces.next(NOON)
    flushed = path.read_bytes()
    highest = [nonces.next(NOON + n) for n in range(1, 500)][-1]
    # The power failed: of the block only its mark is on the disk.
    path.write_bytes(flushed)
    assert NonceFile(path).next(NOON - 10**12) > highest


def test_both_marks_spoilt_is_one_clear_error(path: Path) -> None:
    NonceFile(path).next(NOON)
    path.write_bytes(b"\0" * 192)
    nonces = NonceFile(path)
    with pytest.raises(StorageError, match=r"damaged.*make a new API key"):
        nonces.next(NOON)


@pytest.mark.parametrize("call", ["pwrite", "fsync"])
def test_a_full_disk_gives_an_error_and_no_nonce(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    nonces = NonceFile(path)
    last = nonces.next(NOON)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(StorageError, match=r"No space left.*disk is not full"):
            nonces.next(NOON + 2 * BLOCK_NS)
    assert nonces.next(NOON) > last


def test_a_mark_whose_flush_failed_is_written_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nonces = NonceFile(path)
    nonces.next(NOON)
    written: list[bytes] = []
    real_fsync, real_pwrite = os.fsync, os.pwrite

    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def pwrite(file: int, data: bytes, offset: int) -> int:
        written.append(data[:4])
        return real_pwrite(file, data, offset)

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StorageError):
        nonces.next(NOON + 2 * BLOCK_NS)
    monkeypatch.setattr(os, "fsync", real_fsync)
    monkeypatch.setattr(os, "pwrite", pwrite)
    nonces.next(NOON + 2 * BLOCK_NS)
    assert written == [b"KNM1", b"KNM1", b"KNL1"]


def test_a_short_write_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nonces = NonceFile(path)
    monkeypatch.setattr(os, "pwrite", lambda *_: 3)
    with pytest.raises(StorageError):
        nonces.next(NOON)


def test_an_unusable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(StorageError, match="nonces"):
        NonceFile(tmp_path / "file" / "nonces")
    (tmp_path / "nonces").mkdir()
    with pytest.raises(StorageError):
        NonceFile(tmp_path / "nonces")


def test_the_end_of_the_scale(path: Path) -> None:
    nonces = NonceFile(path)
    with pytest.raises(StorageError, match="no nonces left"):
        nonces.next(NONCE_MAX)
    assert nonces.next(NOON) == NOON


def test_who_loses_the_race_to_create_it_uses_the_winners(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    winner = NonceFile(path)
    highest = winner.next(NOON)
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert NonceFile(path).next(NOON) > highest
