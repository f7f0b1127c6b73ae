"""What the terminal shows is what the widgets hold: after switches, under dialogs, at every size."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.tui.pty_switching import UNKNOWN
from tests.tui.real_terminal import RealTerminal

PANES = {"1": "dashboard", "4": "orders", "6": "market", "8": "logs", "9": "settings"}
MOVES_SECONDS = 0.15
"""A few frames."""
LATE_SECONDS = 0.3
KNOWN_MIN = 0.6
"""Share of the cells that must be compared, lest nothing is."""


class Watched:
    """A screen in a real terminal whose widgets say what they hold."""

    def __init__(self, terminal: RealTerminal, folder: Path) -> None:
        self._terminal = terminal
        self._result = folder / "result.json"
        self.differing: list[str] = []

    def change(self) -> None:
        """Have everything change and move, for some frames."""
        self._terminal.signal(signal.SIGUSR2)
        self._read(MOVES_SECONDS)

    def press(self, keys: str) -> None:
        self._terminal.send(keys)

    def resize(self, columns: int, rows: int) -> None:
        self._terminal.resize(columns, rows)
        self._terminal.signal(signal.SIGWINCH)
        self._read(MOVES_SECONDS)

    def compare(self, where: str, pane: str, *, dialog: bool = False) -> None:
        """Note every row of the terminal that is not what the widgets hold."""
        wanted = self._held()
        for _ in range(40):  # keys take a moment to arrive
            if (wanted["pane"], wanted["dialog"]) == (pane, dialog):
                break
            wanted = self._held()
        assert (wanted["pane"], wanted["dialog"], wanted["crashes"]) == (pane, dialog, [])
        cells = "".join(wanted["rows"])
        assert dialog or cells.count(UNKNOWN) < (1 - KNOWN_MIN) * len(cells), where
        # What is wrong stays wrong while everything is held still; what is only late does not.
        if self._differing(wanted["rows"]):
            self._read(LATE_SECONDS)
            self.differing += [f"{where}, {row}" for row in self._differing(self._held()["rows"])]

    def _differing(self, rows: list[str]) -> list[str]:
        differing = []
        for number, (row, found) in enumerate(zip(rows, self._terminal.text.splitlines(), strict=True)):
            held = "".join(b if a == UNKNOWN else a for a, b in zip(row, found, strict=True))
            if held != found:
                differing.append(f"row {number}:\n  holds {held!r}\n  shows {found!r}")
        return differing

    def visit(self, key: str, where: str) -> None:
        """Look at a pane, have everything change while another one is in front, and come back."""
        self.press(key)
        self.change()
        self.press("1" if key == "4" else "4")
        self.change()
        self.press(key)
        self.compare(f"{where}, pane {key}", PANES[key])

    def _held(self) -> dict[str, Any]:
        self._result.unlink(missing_ok=True)
        self._terminal.signal(signal.SIGUSR1)
        give_up = time.monotonic() + 15.0
        while not self._result.exists():
            assert time.monotonic() < give_up, f"no answer with\n{self._terminal.text}"
            self._read(0.02)
        self._read(0.02)
        return self._terminal.result

    def _read(self, seconds: float) -> None:
        """Read for so long, and whatever is there then."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._terminal.read(left)


@pytest.mark.long
def test_every_row_of_the_terminal_is_what_the_widgets_hold(tmp_path: Path) -> None:
    with RealTerminal(tmp_path, program="pty_switching") as terminal:
        terminal.wait_for("POSITIONS")
        screen = Watched(terminal, tmp_path)
        for size, wording in (((80, 24), "long to short"), ((80, 24), "short to long"), ((120, 40), "wide")):
            screen.resize(*size)
            for key in PANES:
                screen.visit(key, wording)
            screen.change()
        screen.resize(60, 20)
        screen.change()
        screen.resize(80, 24)
        screen.compare("small and back", PANES["9"])
        for key in "168":
            screen.visit(key, "before the dialog")
            screen.press("?")
            screen.compare(f"dialog above {key}", PANES[key], dialog=True)
            screen.change()
            screen.compare(f"changed under the dialog above {key}", PANES[key], dialog=True)
            screen.press("\x1b")
            screen.compare(f"dialog closed above {key}", PANES[key])
        assert not screen.differing, f"{len(screen.differing)} rows\n" + "\n".join(screen.differing[:12])
