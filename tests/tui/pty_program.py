"""The screen on a fake controller, run as a real program in a real terminal by test_pty.

Usage: pty_program RESULT [option=value ...]; writes what happened to the file RESULT as JSON.
Options: ``hup=ignore`` ignores SIGHUP, ``crash=yes`` makes the controller fail after the start,
``hz`` sets the frames per second.
"""

import fcntl
import json
import signal
import sys
import termios
import threading
import time
from itertools import pairwise
from pathlib import Path
from types import FrameType

from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.control.views import EngineView
from krakked_tui.domain.money import trap_floats
from krakked_tui.tui.run import UiRunner
from tests.fakes.controller import FakeController

BEAT_SECONDS = 0.02
VIEWS_BEFORE_CRASH = 10


class Watched(FakeController):
    """Moves, remembers when it was asked, and fails when told to."""

    def __init__(self, *, crash: bool) -> None:
        super().__init__(moving=True)
        self.asked: list[float] = []
        self.crash = crash

    def view(self) -> EngineView:
        api_secret = "kQH5HW/8p1uGOVjbgWA7"
        self.asked.append(time.monotonic())
        if self.crash and len(self.asked) > VIEWS_BEFORE_CRASH:
            raise RuntimeError(f"view failed ({len(api_secret)} characters)")
        return super().view()


def main(result: Path, options: dict[str, str]) -> int:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that closing the terminal hangs up on this process
    controller = Watched(crash=options.get("crash") == "yes")
    crashes: list[str] = []
    runner = UiRunner(
        controller, UiSettings(refresh_hz=int(options.get("hz", "4"))), on_crash_log=crashes.append
    )

    def received(number: int, _frame: FrameType | None) -> None:
        runner.request_exit(signal.Signals(number).name)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, received)
    if options.get("hup") == "ignore":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    beats: list[float] = []

    def beat() -> None:
        while True:
            beats.append(time.monotonic())
            time.sleep(BEAT_SECONDS)

    threading.Thread(target=beat, daemon=True).start()
    ended = runner.run()
    found = {
        "reason": ended.reason,
        "detail": ended.detail,
        "commands": [type(command).__name__ for command in controller.commands],
        "loop_gap": gap(controller.asked),
        "thread_gap": gap(beats),
        "crashes": crashes,
        "threads": [thread.name for thread in threading.enumerate() if not thread.daemon],
    }
    result.write_text(json.dumps(found), encoding="utf-8")
    return ended.exit_code


def gap(times: list[float]) -> float:
    return max((b - a for a, b in pairwise(times[3:])), default=0.0)


if __name__ == "__main__":
    trap_floats()
    sys.exit(main(Path(sys.argv[1]), dict(option.split("=", 1) for option in sys.argv[2:])))
