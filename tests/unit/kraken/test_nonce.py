"""Nonces only grow."""

import threading
from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.kraken.nonce import NonceSource


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
