"""One TaskGroup owns every task of the engine; long-lived ones are restarted with a growing pause."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self

from krakked_tui.decision.effects import Level, Log
from krakked_tui.ports import Clock

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STABLE_SECONDS = 60.0
"""A task that ran this long before it failed starts over with the first pause."""


class Supervisor:
    """Starts tasks, names them, and ends them all together.

    An exception in a spawned task is a bug: it ends the engine, visibly. An exception in a kept
    task is logged and the task is started again, since the rest of the engine must go on.
    """

    def __init__(self, *, clock: Clock, write_log: Callable[[Log], None]) -> None:
        self._clock = clock
        self._write_log = write_log
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self.failures = 0
        """Failures of kept tasks since start."""

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cancel()
        await self._group.__aexit__(kind, error, trace)

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Start a task that ends by itself."""
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Start a task that must go on; when it fails it is started again."""
        self.spawn(name, self._kept(name, work))

    def cancel(self) -> None:
        """End every task."""
        for task in tuple(self._tasks):
            task.cancel()

    async def _kept(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            started = self._clock.monotonic()
            try:
                return await work()
            except Exception as error:  # noqa: BLE001 - whatever it was: report it, and go on
                self.failures += 1
                kind = type(error).__name__
                message = f"{name} failed and is started again: {kind}: {error}"
                self._write_log(Log(Level.ERROR, "task_failed", {"task": name, "error": message}, message))
            if self._clock.monotonic() - started > STABLE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
