"""Waiting for something, but not for ever, on the injected clock."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from krakked_tui.ports import Clock

T = TypeVar("T")


async def within(clock: Clock, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns, or raise what it raises.

    Raises ``TimeoutError`` when it takes longer than so many wall seconds; it is cancelled then.
    """
    failures: list[Exception] = []

    async def watched() -> list[T]:
        try:
            return [await work]
        except Exception as error:  # noqa: BLE001 - raised again below, outside of the group
            failures.append(error)
            return []

    async with asyncio.TaskGroup() as group:
        task = group.create_task(watched())
        timer = group.create_task(clock.sleep(max(seconds, 0.0)))
        await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        late = not task.done()
        task.cancel()
    if failures:
        raise failures[0]
    if late:
        raise TimeoutError
    return task.result()[0]
