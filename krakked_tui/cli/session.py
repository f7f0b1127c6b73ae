"""Running an engine to its end: signals, the time limit, the screen, the exit code."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

from krakked_tui.bootstrap.session import Session
from krakked_tui.config.ui_settings import TerminalLoss
from krakked_tui.domain.errors import KrakkedError
from krakked_tui.execution.settings import OnShutdown

POLL_SECONDS = 0.2
"""The main thread must come back to the interpreter for Python to run its signal handlers."""
JOIN_SECONDS = 10.0
"""How long an engine may take to stop when this thread cannot go on."""
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable() -> Iterator[None]:
    """Let a signal end what is done before there is a session to stop: at once, undone, with exit code 0."""

    def stop(number: int, _frame: FrameType | None) -> None:
        print(f"krakked-tui: {signal.Signals(number).name} before it started", file=sys.stderr)
        raise SystemExit(0)

    before = {number: signal.signal(number, stop) for number in STOPPING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Stopper:
    """Signals in the main thread: the first asks for an orderly stop, the third ends the process.

    Plain ``signal.signal`` handlers work even while the UI's loop is stuck.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._count = 0
        self.on_first: Callable[[str], None] = lambda _reason: None

    def install(self) -> None:
        """Take the signals over."""
        for number in STOPPING_SIGNALS:
            signal.signal(number, self._received)

    def _received(self, number: int, _frame: FrameType | None) -> None:
        self._count += 1
        name = signal.Signals(number).name
        if self._count >= 3:
            os._exit(1)
        self._session.stop(f"received {name}", by="signal", hurry=self._count == 2)
        self.on_first(name)


def run_session(session: Session, *, with_ui: bool, limit: timedelta | None) -> int:
    """Start the engine and wait for its end; returns the exit code."""
    stopper = Stopper(session)
    stopper.install()
    session.start()
    timer = _limit(session, limit)
    code = 0
    try:
        if with_ui:
            code = _show(session, stopper)
        while not session.join(POLL_SECONDS):
            continue
    finally:
        if timer is not None:
            timer.cancel()
        # When the screen broke the engine still trades: it needs its log, its exchange and its lock.
        session.stop("the program ends", by="cli")
        session.join(JOIN_SECONDS)
        error = session.close()
    if error is None:
        return code
    if not isinstance(error, KrakkedError):
        print(f"krakked-tui: internal error: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    raise error


def _limit(session: Session, limit: timedelta | None) -> threading.Timer | None:
    if limit is None:
        return None
    timer = threading.Timer(limit.total_seconds(), lambda: session.stop("--run-for is over", by="cli"))
    timer.daemon = True
    timer.start()
    return timer


def _show(session: Session, stopper: Stopper) -> int:
    """Run the screen until it ends; the engine stops with it, unless it is to outlive its terminal.

    Returns the exit code that the screen's end calls for.
    """
    from krakked_tui.tui.exits import ExitReason  # headless runs load no Textual
    from krakked_tui.tui.run import UiRunner

    cancels = session.config.execution.on_shutdown is OnShutdown.CANCEL
    runner = UiRunner(
        session.controller, session.config.ui, on_crash_log=session.log_crash, cancels_orders=cancels
    )
    stopper.on_first = runner.request_exit
    ended = runner.run()
    keeps = session.controller.settings().ui.on_terminal_loss is TerminalLoss.KEEP_RUNNING
    if not (ended.reason is ExitReason.TERMINAL_LOST and keeps):
        session.stop(f"the screen ended: {ended.reason}", by="tui")
    return ended.exit_code
