"""The terminal itself: output that never blocks, loss of the terminal, crashes, the last resort.

Measured facts about Textual 8.2 that this module answers:

- its output queue is bounded and filled with a blocking put from the event loop, so a terminal that
  stops reading stops the loop: here every write goes to a queue of our own that drops instead;
- its writer thread dies on the first write error and its input thread spins at end of file: here
  both mean that the terminal is lost, and the loop is told;
- closing it waits for the writer without limit: here for a bounded time;
- it stops the whole process on SIGTSTP and restarts its threads on SIGCONT: here the first is
  ignored, since an engine runs in this process, and the second only asks for a repaint;
- its crash report prints the values of local variables: here the report has none and goes to the log.

Of Textual's private names only ``App._fatal_error`` is used; a test fails when it disappears.
"""

import io
import os
import queue
import signal
import sys
import termios
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress

from rich.console import Console, RenderableType
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from krakked_tui.tui.thrift import thin

WRITES_QUEUED_MAX = 64
"""Writes waiting for the terminal; further ones are dropped and the screen is painted anew later."""

_STDIN, _STDERR = 0, 2

CLOSE_SECONDS = 1.0
"""How long leaving waits for the last output to reach the terminal."""


class Terminal:
    """The output queue of one terminal and what is known about its health. Thread-safe."""

    def __init__(self) -> None:
        self._queue: queue.Queue[bytes | None] = queue.Queue(WRITES_QUEUED_MAX)
        self._writer = threading.Thread(target=self._drain, name="ui-output", daemon=True)
        self._input = self._output = -1
        self._stale = False
        self.lost = ""
        """Why the terminal is gone, empty while it is there."""

    @property
    def pending(self) -> int:
        """Writes that the terminal has not taken yet."""
        return self._queue.unfinished_tasks

    def open(self, read_from: int, write_to: int) -> None:
        """Take the terminal's file descriptors and start writing."""
        self._input, self._output = read_from, write_to
        self._writer.start()

    def write(self, text: str) -> None:
        """Queue text; never blocks. When the queue is full, what waited longest is dropped."""
        if self.lost:
            return
        if self._queue.full():
            self._stale = True
            self._discard_one()
        # Only the event loop puts, so there is room now.
        self._queue.put_nowait(text.encode("utf-8", "replace"))

    def discard(self) -> None:
        """Drop everything that is still queued."""
        while self._discard_one():
            self._stale = True

    def _discard_one(self) -> bool:
        try:
            self._queue.get_nowait()
        except queue.Empty:
            return False
        self._queue.task_done()
        return True

    def take_stale(self) -> bool:
        """Say whether the screen must be painted anew, now that all output is through; asks once."""
        if self._stale and not self.pending:
            self._stale = False
            return True
        return False

    def mark_stale(self) -> None:
        """Note that what the terminal shows can no longer be trusted."""
        self._stale = True

    def check(self) -> str:
        """Look whether the terminal, once opened, is still there; return why not, else nothing."""
        if self._input >= 0:
            try:
                termios.tcgetattr(self._input)
            except termios.error as error:
                self.lose(str(error))
        return self.lost

    def lose(self, why: str) -> None:
        """Give the terminal up."""
        self.lost = self.lost or why or "closed"

    def close(self) -> None:
        """Write out what is queued, for a bounded time."""
        with suppress(queue.Full):
            self._queue.put_nowait(None)
        if self._writer.ident is not None:
            self._writer.join(CLOSE_SECONDS)

    def _drain(self) -> None:
        while (data := self._queue.get()) is not None:
            if not self.lost:
                self._write_all(data)
            self._queue.task_done()

    def _write_all(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._output, data) :]
        except OSError as error:
            self.lose(f"write: {error}")


def driver_for(terminal: Terminal) -> type[LinuxDriver]:
    """Return a Textual driver class that talks to ``terminal``."""

    class TerminalDriver(LinuxDriver):
        """Textual's driver with output that never blocks and without job control."""

        def __init__(
            self,
            app: App[object],
            *,
            debug: bool = False,
            mouse: bool = True,
            size: tuple[int, int] | None = None,
        ) -> None:
            super().__init__(app, debug=debug, mouse=mouse, size=size)
            signal.signal(signal.SIGTSTP, signal.SIG_IGN)
            signal.signal(signal.SIGCONT, lambda *_: terminal.mark_stale())

        def start_application_mode(self) -> None:
            terminal.open(_STDIN, _STDERR)
            super().start_application_mode()  # type: ignore[no-untyped-call]

        def stop_application_mode(self) -> None:
            terminal.discard()
            super().stop_application_mode()

        def write(self, data: str) -> None:
            terminal.write(thin(data))

        def run_input_thread(self) -> None:
            try:
                super().run_input_thread()
            except OSError as error:
                terminal.lose(f"read: {error}")

        def close(self) -> None:
            super().close()
            terminal.close()

    return TerminalDriver


class CrashHook(App[None]):
    """An app whose crash report has no values in it and goes to ``on_crash_log``, once."""

    def __init__(
        self,
        on_crash_log: Callable[[str], None],
        *,
        driver_class: type[Driver],
        ansi_color: bool | None,
    ) -> None:
        super().__init__(driver_class=driver_class, ansi_color=ansi_color)
        self._on_crash_log = on_crash_log
        self.crash = ""
        """Type of the error that ended the app, empty if none did."""

    def _fatal_error(self) -> None:
        """Log the error being handled and close; replaces a report that shows local variables."""
        self._crashed(traceback.format_exc(), sys.exc_info()[0])

    def panic(self, *renderables: RenderableType) -> None:
        """Log an error of the framework, or of its input thread, and close."""
        error = sys.exc_info()[0]
        self._crashed(_plain(renderables) if error is None else traceback.format_exc(), error)

    def _crashed(self, report: str, error: type[BaseException] | None) -> None:
        if not self.crash:
            self.crash = error.__name__ if error is not None else "unknown error"
            self._on_crash_log(report)
        super().panic()


def _plain(renderables: Sequence[RenderableType]) -> str:
    console = Console(file=io.StringIO(), width=120)
    with console.capture() as capture:
        console.print(*renderables)
    return capture.get()


def exit_hard_after(seconds: float, code: int) -> Callable[[], None]:
    """End the process with ``code`` after so many seconds, whatever it hangs in.

    To be started only after the engine has reported itself stopped: nothing is flushed. Returns a
    function that calls it off.
    """
    called_off = threading.Event()

    def wait() -> None:
        if not called_off.wait(seconds):
            os._exit(code)

    threading.Thread(target=wait, name="hard-exit", daemon=True).start()
    return called_off.set
