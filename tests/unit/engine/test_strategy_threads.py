"""What hangs in a thread keeps nobody waiting, and there is never much of it."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from krakked_tui.engine.strategy_threads import ABANDONED_MAX, StillHangingError, StrategyThreads

PATIENCE = 10.0


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Lets what hangs go on."""
    opened = threading.Event()
    yield opened
    opened.set()


async def _hang(threads: StrategyThreads, name: str, gate: threading.Event) -> None:
    with pytest.raises(TimeoutError):
        await threads.run(name, gate.wait, 0.01)


def _join(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == f"strategy {name}":
            thread.join(PATIENCE)


async def test_work_is_done_in_a_thread_that_ends_with_the_program() -> None:
    def look() -> tuple[str, bool]:
        thread = threading.current_thread()
        return thread.name, thread.daemon

    assert await StrategyThreads().run("mine", look, PATIENCE) == ("strategy mine", True)


async def test_what_it_raises_after_all_is_raised() -> None:
    def fail() -> None:
        raise ValueError("of course")

    threads = StrategyThreads()
    with pytest.raises(ValueError, match="of course"):
        await threads.run("mine", fail, PATIENCE)
    assert threads.abandoned == ()


async def test_what_hangs_is_given_up_and_others_go_on(gate: threading.Event) -> None:
    threads = StrategyThreads()
    await _hang(threads, "mine", gate)
    assert threads.abandoned == ("mine",)
    assert await threads.run("other", lambda: 7, PATIENCE) == 7


async def test_nothing_more_is_started_of_what_hangs_until_it_has_ended(gate: threading.Event) -> None:
    threads = StrategyThreads()
    await _hang(threads, "mine", gate)
    with pytest.raises(StillHangingError, match="an earlier evaluation of it still hangs"):
        await threads.run("mine", lambda: 7, PATIENCE)
    gate.set()
    _join("mine")
    assert await threads.run("mine", lambda: 7, PATIENCE) == 7


async def test_no_more_than_some_hang_at_a_time(gate: threading.Event) -> None:
    threads = StrategyThreads()
    for number in range(ABANDONED_MAX):
        await _hang(threads, f"s{number}", gate)
    with pytest.raises(StillHangingError, match="evaluations of s0, s1"):
        await threads.run("one more", lambda: 7, PATIENCE)


async def test_what_nobody_waits_for_any_more_counts_as_hanging(gate: threading.Event) -> None:
    threads = StrategyThreads()
    task = asyncio.get_running_loop().create_task(threads.run("mine", gate.wait, PATIENCE))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert threads.abandoned == ("mine",)
