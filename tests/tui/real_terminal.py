"""A real terminal in miniature: a pty, a screen that interprets it, a child process behind it."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pyte

ROOT = Path(__file__).parents[2]
UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=?][0-9;]*[a-zA-Z]|\x1b\[\?[0-9]+\$p")


class RealTerminal:
    """Runs a program of the tests, ``pty_program`` unless told otherwise, in a pty of a given size."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        size: tuple[int, int] = (80, 24),
        program: str = "pty_program",
        **environment: str,
    ) -> None:
        self._result = folder / "result.json"
        self.master, self.slave = pty.openpty()
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self.resize(*size)
        self.modes = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"tests.tui.{program}", str(self._result), *options],
            cwd=folder, stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            env={**_plain_environment(), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **environment},
        )  # fmt: skip

    def __enter__(self) -> "RealTerminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, as a window manager would."""
        self._screen.resize(rows, columns)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self.master, keys.encode())

    def read(self, seconds: float) -> None:
        """Take what the program writes, for at most so long or until it pauses."""
        if select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.raw += data
            self._stream.feed(UNKNOWN_TO_PYTE.sub(b"", data))

    def wait_for(self, text: str, seconds: float = 15.0) -> None:
        """Read until the screen shows a text."""
        give_up = time.monotonic() + seconds
        while text not in self.text:
            assert time.monotonic() < give_up, f"{text!r} did not appear on\n{self.text}"
            self.read(0.05)

    def background(self, text: str) -> str:
        """Return the colour behind the first character of a text that is on the screen."""
        row, line = next((y, line) for y, line in enumerate(self._screen.display) if text in line)
        return str(self._screen.buffer[row][line.index(text)].bg)

    def wait_for_focus(self, text: str, before: str, seconds: float = 15.0) -> None:
        """Read until a text stands on another background than ``before``: that of what has the focus."""
        give_up = time.monotonic() + seconds
        while self.background(text) == before:
            assert time.monotonic() < give_up, f"{text!r} did not get the focus on\n{self.text}"
            self.read(0.05)

    def wait_for_end(self, seconds: float = 15.0, *, reading: bool = True) -> int:
        """Wait until the program has ended; return its exit code."""
        give_up = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < give_up, f"still running with\n{self.text}"
            if reading:
                self.read(0.05)
            else:
                time.sleep(0.05)
        while reading and select.select([self.master], [], [], 0.05)[0]:
            before = len(self.raw)
            self.read(0.0)
            if len(self.raw) == before:
                break
        return self.process.returncode

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """Close the terminal."""
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)
        self.master = self.slave = -1

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    @property
    def result(self) -> dict[str, Any]:
        """What the program says happened."""
        found: dict[str, Any] = json.loads(self._result.read_text(encoding="utf-8"))
        return found


def _plain_environment() -> dict[str, str]:
    hidden = {"NO_COLOR", "COLORTERM", "COLUMNS", "LINES"}
    return {
        name: value
        for name, value in os.environ.items()
        if name not in hidden and not name.startswith("TEXTUAL")
    }
