"""From the records that the log keeps to the view that a screen sees. Runs in the reader's thread."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Protocol

from krakked_tui.control.log_view import LogLine, LogPage
from krakked_tui.engine.log import LogEntry

_TIME = re.compile(r'\{"time": "([0-9T:.+\-]{19,40})"')
_SENTENCES = ("message", "text")
"""Where records keep their sentence: ours, and those of adopted loggers."""


class LogSource(Protocol):
    """Keeps the latest records. Safe to use from any thread."""

    @property
    def dropped(self) -> int:
        """Records that did not get into the file."""
        ...

    def entries(self, after: int) -> Sequence[LogEntry]:
        """Return the kept records with a number above ``after``, oldest first."""
        ...


def log_page(source: LogSource, after: int, limit: int) -> LogPage:
    """Return at most ``limit`` records after the one numbered ``after``. Never waits."""
    return LogPage(tuple(map(log_line, islice(source.entries(after), limit))), source.dropped)


def log_line(entry: LogEntry) -> LogLine:
    """Take a rendered record apart; one that was cut, or is no JSON, becomes its own message."""
    try:
        record = json.loads(entry.text)
        at = datetime.fromisoformat(record.pop("time"))
        exchange = record.pop("exchange_time", None)
        exchange_at = None if exchange is None else datetime.fromisoformat(exchange)
    except (ValueError, KeyError, TypeError, AttributeError):
        return LogLine(entry.number, entry.level, entry.event, at=_time(entry.text), message=entry.text)
    record.pop("level", None)
    record.pop("event", None)
    message = next((str(record.pop(name)) for name in _SENTENCES if name in record), "")
    fields = tuple((name, _text(value)) for name, value in record.items())
    return LogLine(entry.number, entry.level, entry.event, at, exchange_at, message, fields)


def _time(text: str) -> datetime | None:
    found = _TIME.match(text)
    try:
        return datetime.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
