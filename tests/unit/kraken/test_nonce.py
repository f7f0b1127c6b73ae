"""Nonces only grow."""

import asyncio
import threading
from itertools import chain, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.errors import StorageError
from krakked_tui.kraken.nonce import JUMP_NS, NonceReserve, NonceSource
from krakked_tui.storage.nonces import NonceFile
from tests.fakes.clock import settle


@given(st.lists(st.integers(min_value=0, max_value=2**63), min_size=1))
def test_strictly_increasing_whatever_the_clock_does(readings: list[int]) -> None:
    clock = iter(readings)
    source = NonceSource(lambda: next(clock))
    nonces = [source.next() for _ in readings]
    assert all(before < after for before, after in pairwise(nonces))
    assert nonces[0] == max(1, readings[0])
    assert all(nonce >= reading for nonce, reading in zip(nonces, readings, strict=True))


def test_threads_never_get_the_same_one() -> None:
    source = NonceSource(lambda: 5)
    taken: list[list[int]] = [[] for _ in range(8)]

    def take(mine: list[int]) -> None:
        mine.extend(source.next() for _ in range(500))

    threads = [threading.Thread(target=take, args=(mine,)) for mine in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(mine == sorted(mine) for mine in taken)
    assert sorted(chain.from_iterable(taken)) == list(range(5, 4005))


class Shelf:
    """A store in memory that outlives its sources."""

    def __init__(self) -> None:
        self.last = 0

    def next(self, at_least: int) -> int:
        self.last = max(self.last + 1, at_least)
        return self.last

    def left(self, at_least: int) -> int:
        return 2**63

    def reserve(self, at_least: int) -> None:
        pass


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2**62), st.sampled_from(["take", "restart", "jump"])),
        min_size=1,
    )
)
def test_strictly_increasing_over_sources_restarts_and_jumps(steps: list[tuple[int, int, str]]) -> None:
    shelf = Shelf()
    wall = [0]
    sources = [NonceSource(lambda: wall[0], shelf) for _ in range(4)]
    taken = []
    for who, wall[0], what in steps:
        if what == "restart":
            sources[who] = NonceSource(lambda: wall[0], shelf)
        elif what == "jump":
            sources[who].jump()
        taken.append(sources[who].next())
    assert all(before < after for before, after in pairwise(taken))


def test_a_jump_leads_a_day_ahead_and_only_once() -> None:
    now = [10**18]
    source = NonceSource(lambda: now[0])
    before = source.next()
    assert source.jump()
    assert source.next() == before + JUMP_NS + 1
    assert not source.jump()
    now[0] += JUMP_NS // 2
    assert source.jump()
    assert source.next() == 10**18 + JUMP_NS // 2 + JUMP_NS + 1


async def test_a_thousand_tasks_get_a_thousand_nonces_in_their_order(tmp_path: Path) -> None:
    source = NonceSource(iter(range(10**18, 0, -(10**9))).__next__, NonceFile(tmp_path / "nonces"))
    taken: list[int] = []

    async def take() -> None:
        await asyncio.sleep(0)
        taken.append(source.next())

    async with asyncio.TaskGroup() as group:
        for _ in range(1000):
            group.create_task(take())
    assert len(taken) == 1000
    assert all(before < after for before, after in pairwise(taken))


def test_two_users_of_one_file_go_on_together_after_a_jump(tmp_path: Path) -> None:
    now = [10**18]
    ours, theirs = (NonceSource(lambda: now[0], NonceFile(tmp_path / "nonces")) for _ in range(2))
    accepted = ours.next()
    assert ours.jump()
    for _ in range(1000):
        now[0] += 10**9
        for source in (ours, theirs):
            nonce = source.next()
            assert nonce > accepted
            accepted = nonce


async def test_nonces_are_raised_by_one_worker_at_a_time_and_only_waited_for_in_need() -> None:
    class Disk(Shelf):
        def __init__(self) -> None:
            super().__init__()
            self.reserved, self.raised = 0, 0
            self.go_on = threading.Event()

        def left(self, at_least: int) -> int:
            return self.reserved - at_least

        def reserve(self, at_least: int) -> None:
            self.raised += 1
            assert self.go_on.wait(10)
            self.reserved = at_least + 10 * 10**9

    disk, now = Disk(), [10**18]
    source = NonceSource(lambda: now[0], disk)
    reserve = NonceReserve(source)
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(reserve.ready()) for _ in range(5)]
        await settle()
        assert not any(task.done() for task in waiting)
        disk.go_on.set()
    assert disk.raised == 1
    now[0] += 8 * 10**9
    disk.go_on.clear()
    await reserve.ready()  # enough for now: the next ones are raised meanwhile
    await reserve.ready()
    disk.go_on.set()
    await reserve.close()
    assert disk.raised == 2
    assert disk.left(now[0]) == 10 * 10**9


async def test_a_disk_that_fails_ahead_of_need_is_no_error_yet() -> None:
    class Full(Shelf):
        def __init__(self, left: int) -> None:
            super().__init__()
            self.rest = left

        def left(self, at_least: int) -> int:
            return self.rest

        def reserve(self, at_least: int) -> None:
            raise StorageError("no space left")

    enough = NonceReserve(NonceSource(lambda: 1, Full(10**9)))
    await enough.ready()
    await enough.close()
    with pytest.raises(StorageError):
        await NonceReserve(NonceSource(lambda: 1, Full(-1))).ready()
