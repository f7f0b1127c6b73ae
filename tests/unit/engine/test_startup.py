"""Start-up steps."""

import asyncio

import pytest

from krakked_tui.decision.effects import Log
from krakked_tui.domain.errors import ExchangeError, KrakkedError, StorageError
from krakked_tui.engine.startup import Progress
from krakked_tui.kraken.errors import AuthError
from tests.fakes.clock import FakeClock


async def test_an_exchange_that_cannot_be_reached_is_asked_again_visibly() -> None:
    clock, shown, lines = FakeClock(), list[tuple[str, str]](), list[Log]()
    progress = Progress(
        ["exchange"],
        clock=clock,
        changed=lambda: shown.append((progress.steps[0].state, progress.steps[0].detail)),
        write_log=lines.append,
    )
    answers = iter([ExchangeError("no route"), ExchangeError("no route"), None])

    async def work() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "there"

    async with asyncio.TaskGroup() as group:
        task = group.create_task(progress.run("exchange", work))
        await clock.advance(10)
    assert task.result() == "there"
    assert shown == [
        ("running", ""),
        ("running", "no route; trying again"),
        ("running", "no route; trying again"),
        ("done", ""),
    ]
    assert progress.steps[0].seconds == 4.0
    assert [(line.event, line.message) for line in lines] == [
        ("start_waiting", "exchange: no route; trying again"),
        ("start_step", ""),
    ]
    assert lines[1].fields == {"step": "exchange", "seconds": 4.0}


async def test_a_start_that_is_broken_off_says_what_it_waited_for() -> None:
    clock = FakeClock()
    progress = Progress(["one", "two"], clock=clock, changed=lambda: None, write_log=lambda _line: None)

    async def work() -> None:
        raise ExchangeError("no route")

    async with asyncio.TaskGroup() as group:
        task = group.create_task(progress.run("one", work))
        assert progress.waiting_for == "waiting for one"
        await clock.advance(1)
        task.cancel()
    assert progress.waiting_for == "one: no route; trying again"


@pytest.mark.parametrize("error", [StorageError("disk on fire"), AuthError("EAPI:Invalid key: check it")])
async def test_any_other_error_ends_the_start_and_is_shown(error: KrakkedError) -> None:
    progress = Progress(["first"], clock=FakeClock(), changed=lambda: None, write_log=lambda _line: None)

    async def work() -> None:
        raise error

    with pytest.raises(type(error)):
        await progress.run("first", work)
    assert (progress.steps[0].state, progress.steps[0].detail) == ("failed", str(error))


async def test_a_step_says_how_far_it_is() -> None:
    shown = list[str]()
    progress = Progress(
        ["history"], clock=FakeClock(), changed=lambda: shown.append(progress.steps[0].detail),
        write_log=lambda _line: None,
    )  # fmt: skip

    async def work() -> None:
        for detail in ("page 1 of 3", "page 1 of 3", "page 2 of 3"):
            progress.tell("history", detail)
        assert progress.waiting_for == "history: page 2 of 3"

    await progress.run("history", work)
    assert shown == ["", "page 1 of 3", "page 2 of 3", ""]


async def test_a_log_is_told_of_a_long_step_now_and_then() -> None:
    clock, lines = FakeClock(), list[Log]()
    progress = Progress(["history"], clock=clock, changed=lambda: None, write_log=lines.append)
    for page in range(25):
        progress.tell("history", f"page {page} of 25")
        progress.tell("history", f"page {page} of 25")
        await clock.advance(1)
    assert [(line.event, line.fields["detail"]) for line in lines] == [
        ("start_progress", f"page {page} of 25") for page in (0, 10, 20)
    ]
