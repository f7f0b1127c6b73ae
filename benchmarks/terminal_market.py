"""What the screen costs: bytes per second at the pty and processor time, the Market screen above all.

Each screen runs as a real program in a pty of its own and is left alone once it is there. Market with
500 pairs that all move with every frame is made up by the tests' program: making them up is done in
the screen's thread too, so it is measured apart and said beside it. Dashboard, and Market of every
USD pair, are the demo itself on a local Kraken at real time; the local Kraken is not counted.

KRAKKED_BENCH_SECONDS is how long each is looked at (20).
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.process_meter import main_thread_seconds, processor_seconds, resident_megabytes
from krakked_tui.control.ui_settings import UiSettings
from tests.fakes.market import FakeMarket
from tests.integration.processes import running_sandbox_process

SECONDS = float(os.environ.get("KRAKKED_BENCH_SECONDS", "20"))
PATIENCE = 60.0
"""Wall seconds until a screen must show what it is to show."""

SETTLE_SECONDS = 5.0
PAIRS = 500
SIZES = ((120, 40), (80, 24))
ROOT = Path(__file__).parents[1]
MADE_UP = [sys.executable, "-m", "tests.tui.pty_market"]
DEMO = [sys.executable, "-m", "krakked_tui", "--demo"]
EVERY_PAIR = {"KRAKKED__UNIVERSE__MIN_24H_VOLUME_USD": "0"}
LIVE_SHOWS, MARKET_SHOWS = b"data live", b"PAIR "


class Screen:
    """A program in a pty of a size; what it writes is counted and thrown away."""

    def __init__(
        self, command: Sequence[str], size: tuple[int, int], home: Path, environment: Mapping[str, str]
    ) -> None:
        self._written = 0
        self._end = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._process = subprocess.Popen(
            list(command), stdin=slave, stdout=slave, stderr=slave, cwd=home, start_new_session=True,
            env={
                **environment, "PYTHONPATH": str(ROOT), "KRAKKED_HOME": str(home), "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
            },
        )  # fmt: skip
        os.close(slave)

    def wait_for(self, text: bytes) -> None:
        """Read until something has been written since the last keys."""
        give_up = time.monotonic() + PATIENCE
        while text not in self._end:
            assert time.monotonic() < give_up, f"{text.decode()} did not appear in {self._end[-2000:]!r}"
            self._read(0.1)

    def send(self, keys: str) -> None:
        """Type."""
        self._end = b""
        os.write(self._master, keys.encode())

    def measure(self, seconds: float) -> dict[str, float]:
        """Look on for so long."""
        pid = self._process.pid
        self._read_for(SETTLE_SECONDS)
        written, start = self._written, time.monotonic()
        screen, everything = main_thread_seconds(pid), processor_seconds(pid)
        self._read_for(seconds)
        took = time.monotonic() - start
        return {
            "bytes_per_second": round((self._written - written) / took),
            "ui_thread_core_percent": round((main_thread_seconds(pid) - screen) / took * 100, 1),
            "process_core_percent": round((processor_seconds(pid) - everything) / took * 100, 1),
            "resident_mb": round(resident_megabytes(pid)),
        }

    def close(self) -> None:
        """End it in order; kill it when that takes too long."""
        self._process.terminate()
        give_up = time.monotonic() + PATIENCE
        while self._process.poll() is None and time.monotonic() < give_up:
            self._read(0.1)
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _read_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._read(left)
            assert self._process.poll() is None, f"the screen ended: {self._end[-2000:]!r}"

    def _read(self, seconds: float) -> None:
        if select.select([self._master], [], [], seconds)[0]:
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:  # nobody has the other end open any more
                return
            self._written += len(data)
            self._end = (self._end + data)[-1_000_000:]


def _looked_at(
    command: Sequence[str], size: tuple[int, int], environment: Mapping[str, str], keys: str, shows: bytes
) -> dict[str, float]:
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        screen = Screen(command, size, home, environment)
        opened.callback(screen.close)
        screen.wait_for(LIVE_SHOWS)
        if keys:
            screen.send(keys)
            screen.wait_for(shows)
        return screen.measure(SECONDS)


def _made_up(size: tuple[int, int]) -> dict[str, float]:
    command = [*MADE_UP, "result.json", f"pairs={PAIRS}", f"hz={UiSettings().refresh_hz}"]
    return _looked_at(command, size, _plain_environment(), "6", MARKET_SHOWS)


def _making_it_up() -> float:
    """Percent of a core that it takes to move all the pairs as often as the screen asks."""
    market, frames = FakeMarket(PAIRS), 40
    start = time.process_time()
    for _ in range(frames):
        market.move()
    return round((time.process_time() - start) / frames * UiSettings().refresh_hz * 100, 1)


def _dashboard(size: tuple[int, int]) -> dict[str, float]:
    return _looked_at([*DEMO, "--speed", "1"], size, _plain_environment(), "", b"")


def _whole_market(size: tuple[int, int]) -> dict[str, float]:
    with running_sandbox_process("--pairs", "all", "--seed", "7") as sandbox:
        environment = _plain_environment() | EVERY_PAIR
        environment |= {
            "KRAKKED_SANDBOX_KEY": sandbox.address["api_key"],
            "KRAKKED_SANDBOX_SECRET": sandbox.address["api_secret"],
        }
        command = [*DEMO, "--sandbox", sandbox.address["rest"]]
        return _looked_at(command, size, environment, "6", MARKET_SHOWS)


def _plain_environment() -> dict[str, str]:
    hidden = ("KRAKKED", "TEXTUAL", "NO_COLOR", "COLORTERM", "COLUMNS", "LINES")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}


async def measure() -> dict[str, object]:
    """Bytes a second and percent of a core, for each screen and size."""
    screens = {
        f"market, {PAIRS} pairs made up, all moving": _made_up,
        "market, every USD pair of the demo at real time": _whole_market,
        "dashboard, demo at real time": _dashboard,
    }
    found = {
        name: {f"{width}x{height}": look((width, height)) for width, height in SIZES}
        for name, look in screens.items()
    }
    return {
        "seconds_each": SECONDS,
        "frames_per_second": UiSettings().refresh_hz,
        "screens": found,
        "making_up_the_market_core_percent": _making_it_up(),
        "budget_at_120x40": {
            "market_bytes_per_second": 30_000,
            "dashboard_bytes_per_second": 12_000,
            "ui_thread_core_percent": 8,
            "demo_resident_mb": 300,
        },
    }
