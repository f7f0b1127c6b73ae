"""Sending commands: bounded, never twice for a kill, and no error ends the screen."""

import asyncio

from krakked_tui.control.commands import Actor, Answer, CancelAll, PauseCycles, SetKillSwitch
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.tui.dispatch import IN_FLIGHT_MAX, KEPT_MAX, Dispatcher, Work
from krakked_tui.tui.outcomes import Stage
from tests.fakes.controller import FakeController


class Bench:
    """A dispatcher on a fake controller with a clock that stands still."""

    def __init__(self) -> None:
        self.fake = FakeController()
        self.errors: list[Exception] = []
        self.dispatcher = Dispatcher(self.fake, lambda: 0.0, self.errors.append)

    def submit(self, command: SetKillSwitch | CancelAll | PauseCycles) -> Work | None:
        return self.dispatcher.submit(command, "do it", self.fake.current)

    def stage(self) -> Stage | None:
        latest = self.dispatcher.latest
        return latest.stage if latest else None


async def test_a_command_is_sent_once_as_the_operators() -> None:
    bench = Bench()
    work = bench.submit(CancelAll())
    assert bench.stage() is Stage.SENDING
    assert work is not None
    await work
    assert bench.fake.sent == [(CancelAll(), Actor.TUI)]
    assert bench.stage() is Stage.WORKING
    bench.dispatcher.observe(bench.fake.view(), bench.fake.settings())
    assert bench.stage() is Stage.DONE
    assert bench.dispatcher.pending == 0


async def test_a_held_key_sends_one_kill() -> None:
    bench = Bench()
    bench.fake.hold = asyncio.Event()
    work = bench.submit(SetKillSwitch("x"))
    assert work is not None
    assert bench.submit(SetKillSwitch("x")) is None
    bench.fake.hold.set()
    await work
    again = bench.submit(SetKillSwitch("x"))
    assert again is not None, "once answered, a kill may be sent again"
    await again
    assert len(bench.fake.sent) == 2


async def test_too_many_waiting_commands_are_refused_but_never_a_kill() -> None:
    bench = Bench()
    waiting = [bench.submit(PauseCycles()) for _ in range(IN_FLIGHT_MAX)]
    assert None not in waiting
    assert bench.submit(PauseCycles()) is None
    assert bench.stage() is Stage.FAILED
    kill = bench.submit(SetKillSwitch("x"))
    assert kill is not None
    for work in (*waiting, kill):
        if work is not None:
            await work


async def test_an_error_of_ours_is_shown_with_its_sentence() -> None:
    bench = Bench()
    bench.fake.answers.append(ExchangeError("the exchange did not answer"))
    work = bench.submit(CancelAll())
    assert work is not None
    await work
    latest = bench.dispatcher.latest
    assert latest is not None
    assert (latest.stage, latest.message) == (Stage.FAILED, "the exchange did not answer")
    assert bench.errors == []


async def test_an_error_nobody_foresaw_is_logged_and_the_screen_lives() -> None:
    bench = Bench()
    bench.fake.answers.append(ValueError("secret value"))
    work = bench.submit(CancelAll())
    assert work is not None
    await work
    latest = bench.dispatcher.latest
    assert latest is not None
    assert latest.message == "internal error (ValueError); the log has the details"
    assert [str(error) for error in bench.errors] == ["secret value"]


async def test_settled_outcomes_are_forgotten_in_time() -> None:
    bench = Bench()
    for _ in range(3 * KEPT_MAX):
        bench.fake.answers.append(Answer(accepted=False, message="no"))
        work = bench.submit(CancelAll())
        assert work is not None
        await work
    assert bench.dispatcher.outcome(1) is None
    assert bench.dispatcher.outcome(bench.dispatcher.sent - KEPT_MAX + 1) is not None
