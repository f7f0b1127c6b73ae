"""The terminal's queue and health, and the framework's names this relies on."""

import inspect
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from krakked_tui.tui.terminal import WRITES_QUEUED_MAX, CrashHook, Terminal, driver_for, exit_hard_after


@pytest.fixture
def tty() -> Iterator[tuple[int, int]]:
    master, slave = pty.openpty()
    yield master, slave
    for fd in (master, slave):
        try:
            os.close(fd)
        except OSError:
            continue


def test_the_framework_still_has_the_names_that_are_replaced() -> None:
    assert "show_locals=True" in inspect.getsource(App._fatal_error), (
        "is the crash report still ours to replace?"
    )
    assert "self._fatal_error()" in inspect.getsource(App._handle_exception)
    assert "_print_error_renderables" in vars(App)
    assert CrashHook._fatal_error is not App._fatal_error
    for name in ("write", "close", "run_input_thread", "start_application_mode", "stop_application_mode"):
        assert name in vars(LinuxDriver), name
        assert vars(driver_for(Terminal()))[name] is not vars(LinuxDriver)[name]
    source = inspect.getsource(LinuxDriver)
    assert "self.write(" in source, "does all output still go through the method that is replaced?"
    assert "exit_event" in inspect.getsource(LinuxDriver.run_input_thread)


def test_what_is_written_arrives_in_order(tty: tuple[int, int]) -> None:
    master, slave = tty
    terminal = Terminal()
    terminal.open(slave, slave)
    terminal.write("one ")
    terminal.write("two € ")
    terminal.close()
    assert os.read(master, 100).decode() == "one two € "
    assert terminal.check() == ""
    assert terminal.pending == 1, "only the closing mark is left"


def test_a_full_queue_drops_the_oldest_and_asks_for_a_repaint() -> None:
    terminal = Terminal()
    for number in range(WRITES_QUEUED_MAX + 5):
        terminal.write(str(number))
    assert terminal.pending == WRITES_QUEUED_MAX
    assert not terminal.take_stale(), "not while output is still waiting"
    terminal.discard()
    assert terminal.pending == 0
    assert terminal.take_stale()
    assert not terminal.take_stale(), "asked for once"


def test_writing_never_waits_for_a_terminal_that_does_not_read(tty: tuple[int, int]) -> None:
    master, slave = tty
    terminal = Terminal()
    terminal.open(slave, slave)
    done = threading.Event()

    def write_a_lot() -> None:
        for _ in range(3 * WRITES_QUEUED_MAX):
            terminal.write("x" * 8192)
        done.set()

    threading.Thread(target=write_a_lot, daemon=True).start()
    assert done.wait(5)
    assert terminal.pending > 0
    terminal.lose("end of the test")
    terminal.discard()
    while terminal.pending:
        os.read(master, 65536)
    terminal.close()


def test_a_closed_terminal_is_noticed_by_reading_and_by_writing(tty: tuple[int, int]) -> None:
    master, slave = tty
    terminal = Terminal()
    terminal.open(slave, slave)
    os.close(master)
    assert terminal.check()
    other = Terminal()
    other.open(slave, slave)
    other.write("anybody there?")
    other.close()
    assert other.lost.startswith("write:")
    other.write("more")
    assert other.pending <= 1, "nothing is queued for a lost terminal"


def test_a_terminal_that_was_never_opened_is_not_lost() -> None:
    assert Terminal().check() == ""


def test_the_watchdog_can_be_called_off() -> None:
    before = threading.active_count()
    call_off = exit_hard_after(60.0, 3)
    assert threading.active_count() == before + 1
    watchdog = next(thread for thread in threading.enumerate() if thread.name == "hard-exit")
    call_off()
    watchdog.join(5)
    assert not watchdog.is_alive()


def test_the_watchdog_ends_a_process_that_hangs() -> None:
    program = (
        "import threading; from krakked_tui.tui.terminal import exit_hard_after; "
        "exit_hard_after(0.01, 7); threading.Event().wait()"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=30, check=False).returncode == 7


async def test_an_error_of_the_framework_goes_to_the_log_not_to_the_terminal() -> None:
    reports: list[str] = []

    class Small(CrashHook):
        pass

    app = Small(reports.append, driver_class=driver_for(Terminal()), ansi_color=None)
    async with app.run_test():
        app.panic("the input thread failed")
        app.panic("and again")
    assert [report.strip() for report in reports] == ["the input thread failed"]
    assert app.crash == "unknown error"
