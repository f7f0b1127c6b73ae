"""The screen's own copy of the log: bounded, fed page by page.

Its texts are as the engine wrote them: whoever shows one cleans it.
"""

from collections import deque
from collections.abc import Callable

from krakked_tui.control.log_view import LogLine, LogPage

LINES_MAX = 2000
CONTROL_MAX = 200
PAGE_LINES = 500
PAGES_MAX = 5
"""Asked for at once: all that is kept, when somebody looks for the first time."""
CONTROL = "control"
"""Event of the records that say who commanded what."""


class LogStore:
    """The latest records, newest last; those of commands stay longer."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=LINES_MAX)
        self._control: deque[LogLine] = deque(maxlen=CONTROL_MAX)
        self._after = 0
        self.lines: tuple[LogLine, ...] = ()
        """The same object for as long as nothing came."""
        self.control: tuple[LogLine, ...] = ()
        self.dropped = 0
        """Records that did not get into the file."""

    def follow(self, ask: Callable[[int, int], LogPage]) -> None:
        """Take in what is new; ``ask`` returns so many records after a number."""
        came: list[LogLine] = []
        for _ in range(PAGES_MAX):
            page = ask(self._after, PAGE_LINES)
            self.dropped = page.dropped
            came += page.lines
            if page.lines:
                self._after = page.lines[-1].number
            if len(page.lines) < PAGE_LINES:
                break
        if came:
            self._keep(came)

    def _keep(self, came: list[LogLine]) -> None:
        self._lines.extend(came)
        self.lines = tuple(self._lines)
        commands = [line for line in came if line.event == CONTROL]
        if commands:
            self._control.extend(commands)
            self.control = tuple(self._control)
