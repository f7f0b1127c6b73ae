"""Threads that strategies are evaluated in: one each, given up when it takes too long.

A thread cannot be ended. One that hangs is abandoned: it keeps nobody waiting, its result is not looked at,
and until it ends nothing more is started under its name. What is abandoned is bounded.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

ABANDONED_MAX = 8
"""Threads that may hang at a time; beyond that nothing is started before one of them ends."""


class StillHangingError(Exception):
    """Nothing was started, because of threads that hang; the message says which."""


class StrategyThreads:
    """Used from one event loop."""

    def __init__(self) -> None:
        self._abandoned: dict[str, threading.Thread] = {}

    @property
    def abandoned(self) -> tuple[str, ...]:
        """Names of what hangs."""
        self._abandoned = {name: thread for name, thread in self._abandoned.items() if thread.is_alive()}
        return tuple(self._abandoned)

    async def run(self, name: str, work: Callable[[], T], seconds: float) -> T:
        """Return what ``work``, which raises nothing, returns in a thread of its own.

        Raises:
            TimeoutError: It has not returned after so many wall seconds; it is abandoned.
            StillHangingError: It was not started.
        """
        hanging = self.abandoned
        if name in hanging:
            raise StillHangingError(
                "an earlier evaluation of it still hangs: restart Krakked to be rid of it"
            )
        if len(hanging) >= ABANDONED_MAX:
            raise StillHangingError(f"evaluations of {', '.join(hanging)} hang: restart Krakked")
        thread, result = start(f"strategy {name}", work)
        try:
            done, _ = await asyncio.wait({result}, timeout=max(seconds, 0.0))
            if not done:
                raise TimeoutError
            return result.result()
        finally:
            if not result.done():
                result.cancel()
                self._abandoned[name] = thread


def start(name: str, work: Callable[[], T]) -> tuple[threading.Thread, asyncio.Future[T]]:
    """Do ``work`` in a thread that does not keep the program from ending; the future has what came of it."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def deliver(value: T | None, error: Exception | None) -> None:
        if result.cancelled():
            return
        if error is None:
            result.set_result(value)  # type: ignore[arg-type]
        else:
            result.set_exception(error)

    def body() -> None:
        value, error = None, None
        try:
            value = work()
        except Exception as raised:  # noqa: BLE001 - raised where it is awaited
            error = raised
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(deliver, value, error)

    # Not one of the loop's own threads: those are few, and what hangs would take them from everybody.
    thread = threading.Thread(target=body, name=name, daemon=True)
    thread.start()
    return thread, result
