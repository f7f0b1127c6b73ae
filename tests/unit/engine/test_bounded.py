"""Waiting ends with the work, with its error, or with the time."""

import asyncio
from collections.abc import Coroutine

import pytest

from krakked_tui.domain.errors import StorageError
from krakked_tui.engine.bounded import within
from tests.fakes.clock import FakeClock


async def _answer(after: float, clock: FakeClock, error: Exception | None = None) -> str:
    await clock.sleep(after)
    if error is not None:
        raise error
    return "done"


async def test_the_result_comes_as_soon_as_it_is_there() -> None:
    clock = FakeClock()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(within(clock, 10, _answer(3, clock)))
        await clock.advance(3)
        assert task.done()
    assert task.result() == "done"


async def test_an_error_is_the_callers_as_it_was() -> None:
    with pytest.raises(StorageError, match="disk"):
        await within(FakeClock(auto=True), 10, _answer(0, FakeClock(auto=True), StorageError("disk full")))


async def test_what_takes_too_long_is_cancelled() -> None:
    clock, ended = FakeClock(), list[str]()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async with asyncio.TaskGroup() as group:
        task = group.create_task(_late(clock, work()))
        await clock.advance(9.9)
        assert not task.done()
        await clock.advance(0.1)
        assert task.done()
    assert (task.result(), ended) == ("late", ["cancelled"])


async def _late(clock: FakeClock, work: Coroutine[object, object, None]) -> str:
    try:
        await within(clock, 10, work)
    except TimeoutError:
        return "late"
    return "in time"
