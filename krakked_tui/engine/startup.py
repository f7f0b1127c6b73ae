"""Start-up is crash recovery: read the journal, ask the exchange, reconcile, warm up, go.

Each step is timed, shown and logged; an exchange that cannot be reached is asked again, visibly,
until it answers; anything else that fails, a refused key among it, ends the start with one sentence.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import msgspec

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.errors import AccessError, ExchangeError
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.ports import Clock, MarketFeed

T = TypeVar("T")

RETRY_SECONDS = 2.0
TOLD_SECONDS = 10.0
"""Between two lines of the log about how far a step is."""


class Step(msgspec.Struct, frozen=True):
    """One step of start-up as an operator sees it: waiting, running, done or failed."""

    name: str
    state: str = "waiting"
    seconds: float = 0.0
    detail: str = ""


class Progress:
    """The steps of a start, in order."""

    def __init__(
        self, names: Sequence[str], *, clock: Clock, changed: Callable[[], None],
        write_log: Callable[[Log], None],
    ) -> None:  # fmt: skip
        self._clock = clock
        self._changed = changed
        self._write_log = write_log
        self.steps = [Step(name) for name in names]
        self._told = float("-inf")

    async def run(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Run one step, timed; an ``ExchangeError`` is shown and the step tried again.

        Anything else, and an ``AccessError``, goes on to the caller.
        """
        index = next(i for i, step in enumerate(self.steps) if step.name == name)
        started = self._clock.monotonic()
        self._show(index, state="running")
        while True:
            try:
                result = await work()
            except Exception as error:
                if not isinstance(error, ExchangeError) or isinstance(error, AccessError):
                    self._show(index, state="failed", detail=str(error))
                    raise
                self._wait(index, str(error), self._clock.monotonic() - started)
                await self._clock.sleep(RETRY_SECONDS)
                continue
            seconds = self._clock.monotonic() - started
            self._show(index, state="done", seconds=seconds, detail="")
            self._write_log(Log(Level.INFO, "start_step", {"step": name, "seconds": round(seconds, 3)}))
            return result

    def tell(self, name: str, detail: str) -> None:
        """Say how far a running step is; the log is told now and then."""
        index = next(i for i, step in enumerate(self.steps) if step.name == name)
        if self.steps[index].detail == detail:
            return
        self._show(index, detail=detail)
        now = self._clock.monotonic()
        if now - self._told >= TOLD_SECONDS:
            self._told = now
            self._write_log(Log(Level.INFO, "start_progress", {"step": name, "detail": detail}))

    @property
    def waiting_for(self) -> str:
        """What the start waits for, and why if that is known."""
        step = next((step for step in self.steps if step.state != "done"), self.steps[-1])
        return f"{step.name}: {step.detail}" if step.detail else f"waiting for {step.name}"

    def _wait(self, index: int, reason: str, seconds: float) -> None:
        detail = f"{reason}; trying again"
        if detail != self.steps[index].detail:
            name = self.steps[index].name
            fields: dict[str, str | int | float | bool | None] = {"step": name, "reason": reason}
            self._write_log(Log(Level.WARNING, "start_waiting", fields, f"{name}: {detail}"))
        self._show(index, seconds=seconds, detail=detail)

    def _show(self, index: int, **changes: str | float) -> None:
        self.steps[index] = msgspec.structs.replace(self.steps[index], **changes)
        self._changed()


async def synchronise_clock(clock: ExchangeClock, feed: MarketFeed) -> timedelta:
    """Ask the exchange for its time and set the clock; returns how far it was moved."""
    asked = clock.monotonic()
    server = await feed.server_time()
    return clock.synchronise(server, asked, clock.monotonic())
