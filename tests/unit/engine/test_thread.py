"""The engine's thread takes work at any time, and none is lost."""

import gc
import threading
from collections.abc import Callable

from krakked_tui.engine.engine import Engine
from krakked_tui.engine.moment import Summary
from krakked_tui.engine.thread import EngineThread


class _Engine:
    """Stops when told to."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.finish = threading.Event()
        self.on_started: Callable[[], None] = lambda: None

    async def run(self) -> Summary | None:
        self.finish.wait(5)
        return None


def _note(name: str) -> Callable[[Engine], None]:
    def work(engine: Engine) -> None:
        engine.done.append(name)  # type: ignore[attr-defined]

    return work


def test_work_that_comes_before_the_loop_runs_is_done_first() -> None:
    engine = _Engine()
    thread = EngineThread(lambda: engine)  # type: ignore[arg-type,return-value]
    assert thread.call(_note("early"))
    thread.start()
    assert engine.done == ["early"]
    engine.finish.set()
    assert thread.join(5)
    assert not thread.call(_note("late"))


def test_what_is_there_after_the_start_is_not_looked_through_again() -> None:
    engine = _Engine()
    thread = EngineThread(lambda: engine)  # type: ignore[arg-type,return-value]
    thread.start()
    before = gc.get_freeze_count()
    try:
        engine.on_started()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
    engine.finish.set()
    assert thread.join(5)


def test_a_broken_engine_takes_no_work() -> None:
    def broken() -> Engine:
        raise RuntimeError("bug")

    thread = EngineThread(broken)
    thread.start()
    assert thread.join(5)
    assert isinstance(thread.error, RuntimeError)
    assert not thread.call(lambda _engine: None)
