"""Nonces only grow."""

import asyncio
import threading
from itertools import chain, pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.kraken.nonce import JUMP_NS, NonceSource
from krakked_tui.storage.nonces import NonceFile


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
