"""A made-up log: what a demo says in its first minutes, and whatever a test adds."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from krakked_tui.control.log_view import LogLine, LogPage
from krakked_tui.engine.log import LogEntry

BEGIN = datetime.fromisoformat("2026-11-20T11:58:00.250+00:00")
_CONTEXT = (("profile", "demo"), ("version", "0.1.0"))
_START: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("info", "start_step", "", {"step": "database", "seconds": "0.031"}),
    ("info", "start_step", "", {"step": "exchange clock", "seconds": "0.212"}),
    ("warning", "start_warning", "exclude_pairs names NOSUCHUSD, which Kraken does not list", {}),
    ("info", "engine_started", "", {"mode": "demo", "pairs": "60", "strategies": "trend_following"}),
    ("info", "cycle", "", {"cycle": "1", "boundary": "11:58:00", "plans": "1", "seconds": "0.041"}),
    ("info", "order_filled", "bought 0.51200000 ETHUSD at 3,391.25", {"cl_ord_id": "kk-7f3a-000012"}),
    ("info", "control", "", {"by": "tui", "command": "pause", "outcome": "paused: no cycle runs"}),
    ("info", "control", "", {"by": "tui", "command": "pause", "outcome": "resumed"}),
    ("error", "order_refused", "kk-7f3a-000013 refused: funds", {"reason": "EOrder:Insufficient funds"}),
    ("warning", "message", "book of SOLUSD: checksum differs, subscribing anew", {"source": "kraken.feed"}),
    ("info", "control", "", {
        "by": "cli", "command": "setting", "key": "ui.theme", "value": '"classic"',
        "outcome": 'ui.theme: "dark" -> "classic"',
    }),
    ("info", "cycle", "", {"cycle": "2", "boundary": "11:59:00", "plans": "0", "seconds": "0.039"}),
)  # fmt: skip


class FakeLog:
    """Keeps every record; answers page by page."""

    def __init__(self, *, empty: bool = False) -> None:
        self.lines: list[LogLine] = []
        self.dropped = 0
        self.asked: list[tuple[int, int]] = []
        for level, event, message, fields in () if empty else _START:
            self.say(level, event, message, **fields)

    def say(self, level: str, event: str, message: str = "", **fields: str) -> None:
        """Add a record, seven seconds after the one before."""
        number = len(self.lines) + 1
        at = BEGIN + timedelta(seconds=7 * number)
        self.lines.append(LogLine(number, level, event, at, at, message, (*_CONTEXT, *fields.items())))

    def page(self, after: int, limit: int) -> LogPage:
        """Return records as the controller does."""
        self.asked.append((after, limit))
        return LogPage(tuple(self.lines[after : after + limit]), self.dropped)


class NoLog:
    """Implements ``LogSource``: a log that has nothing to show."""

    dropped = 0

    def entries(self, after: int) -> Sequence[LogEntry]:
        return ()
