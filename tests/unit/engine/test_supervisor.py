"""One owner for every task."""

import asyncio

import pytest

from krakked_tui.decision.effects import Log
from krakked_tui.engine.supervisor import Supervisor
from tests.fakes.clock import FakeClock, settle


async def test_a_kept_task_is_started_again_with_growing_pauses() -> None:
    clock, lines, starts = FakeClock(), list[Log](), list[float]()

    async def work() -> None:
        starts.append(clock.monotonic())
        raise ValueError("broken")

    async with Supervisor(clock=clock, write_log=lines.append) as supervisor:
        supervisor.keep("work", work)
        await clock.advance(10)
        assert starts == [0.0, 0.5, 1.5, 3.5, 7.5]
    assert len(lines) == 5
    assert "broken" in lines[0].message


async def test_a_spawned_task_that_breaks_ends_everything() -> None:
    clock = FakeClock()

    async def bug() -> None:
        raise RuntimeError("bug")

    async def other() -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        async with Supervisor(clock=clock, write_log=lambda _line: None) as supervisor:
            supervisor.spawn("other", other())
            supervisor.spawn("bug", bug())
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup):
        await run()


async def test_leaving_ends_every_task() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async with Supervisor(clock=FakeClock(), write_log=lambda _line: None) as supervisor:
        supervisor.spawn("one", work())
        supervisor.keep("two", work)
        await settle()
    assert ended == [True, True]
