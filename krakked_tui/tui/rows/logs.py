"""The log as a table: which records are shown, their rows, the line above them, one of them in full."""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from enum import StrEnum
from itertools import pairwise

from krakked_tui.control.log_view import LogLine
from krakked_tui.tui.rows.dialogs import count, labelled
from krakked_tui.tui.rows.line import Cell, Column, Line, Look, Row, Span, wrap
from krakked_tui.tui.rows.numbers import NOTHING, clock, date_and_time
from krakked_tui.tui.text import clean

LOG_COLUMNS = (
    Column("TIME", 8),
    Column("LEVEL", 5),
    Column("EVENT", 15, most=26),
    Column("WHAT", 45, most=400),
)
CONTROL_COLUMNS = (
    Column("TIME", 8),
    Column("BY", 6),
    Column("COMMAND", 22, most=40),
    Column("OUTCOME", 36, most=400),
)
NO_RECORDS = "The log has no records yet."
NO_COMMANDS = "No command has been given since the start, or logging.level is above info."

TEXT_MAX = 400
"""Characters shown of one record in the table."""
RECORD_MAX = 20_000
RECORD_LINES = 400
_LABEL_WIDTH = 14
_CONTEXT = frozenset({"profile", "version"})
"""Fields that every record has: only shown with the whole record."""
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_WORDS = {
    "debug": Cell("debug", Look.MUTED),
    "info": Cell("info", Look.MUTED),
    "warning": Cell("WARN", Look.WARN),
    "error": Cell("ERROR", Look.ALARM),
    "critical": Cell("CRIT", Look.ALARM),
}


class LeastLevel(StrEnum):
    """The least level that is shown."""

    ALL = "all levels"
    INFO = "from info up"
    WARNING = "from warning up"
    ERROR = "from error up"


_LEAST = {LeastLevel.ALL: 0, LeastLevel.INFO: 20, LeastLevel.WARNING: 30, LeastLevel.ERROR: 40}


class LogChoice:
    """Which records are shown."""

    def __init__(self) -> None:
        self.least = LeastLevel.ALL
        self.wanted = ""
        """Part of a record; empty for all."""
        self._chosen: tuple[object, tuple[LogLine, ...]] = (None, ())

    def next_level(self) -> None:
        """Show less: from the next level up; after the last one all again."""
        self.least = dict(pairwise(LeastLevel)).get(self.least, LeastLevel.ALL)

    def want(self, text: str) -> None:
        """Show only records with ``text`` in them; all of them when it is empty."""
        self.wanted = text.strip().casefold()

    def choose(self, lines: tuple[LogLine, ...]) -> tuple[LogLine, ...]:
        """Return the records to show: the same object for as long as nothing has changed."""
        if self.least is LeastLevel.ALL and not self.wanted:
            return lines
        before, chosen = self._chosen
        now = (lines, self.least, self.wanted)
        if not (isinstance(before, tuple) and before[0] is lines and before[1:] == now[1:]):
            least = _LEAST[self.least]
            chosen = tuple(line for line in lines if _level(line) >= least and self._matches(line))
            self._chosen = (now, chosen)
        return chosen

    def _matches(self, line: LogLine) -> bool:
        wanted = self.wanted
        return not wanted or any(wanted in text.casefold() for text in _texts(line))


def _level(line: LogLine) -> int:
    return _LEVELS.get(line.level, 100)  # never hide what is not understood


def _texts(line: LogLine) -> Iterable[str]:
    yield line.event
    yield line.message
    for name, value in line.fields:
        if name not in _CONTEXT:
            yield f"{name}={value}"


def log_row(line: LogLine, zone: tzinfo) -> Row:
    """Return the cells of one record, cleaned."""
    return Row(
        str(line.number),
        (
            Cell(_clock(line, zone), Look.MUTED),
            _WORDS.get(line.level) or Cell(clean(line.level, 5), Look.WARN),
            Cell(clean(line.event, TEXT_MAX)),
            Cell(clean(_what(line), TEXT_MAX)),
        ),
    )


def control_row(line: LogLine, zone: tzinfo) -> Row:
    """Return the cells of one command, cleaned."""
    fields = dict(line.fields)
    by, outcome = fields.pop("by", ""), fields.pop("outcome", "")
    command = fields.pop("command", "")
    rest = [value for name, value in fields.items() if name not in _CONTEXT and value]
    return Row(
        str(line.number),
        (
            Cell(_clock(line, zone), Look.MUTED),
            Cell(clean(by or NOTHING, TEXT_MAX)),
            Cell(clean(" ".join((command or NOTHING, *rest)), TEXT_MAX), Look.STRONG),
            Cell(clean(outcome or line.message or NOTHING, TEXT_MAX)),
        ),
    )


def _clock(line: LogLine, zone: tzinfo) -> str:
    """Return the exchange's time, as on all other screens, or this machine's before that is known."""
    at = line.exchange_at or line.at
    return NOTHING if at is None else clock(at, zone)


def _what(line: LogLine) -> str:
    said = line.message
    fields = (f"{name}={value}" for name, value in line.fields if name not in _CONTEXT and value != said)
    return "  ".join(filter(None, (said[:TEXT_MAX], *fields)))


def log_head(choice: LogChoice, shown: int, every: int, *, below: int, dropped: int) -> Line:
    """Return what the table shows; ``below`` is how many records are newer than the one at the cursor."""
    spans = [Span("LOG  ", Look.TITLE)]
    if dropped:
        spans += [Span(f"! {count(dropped, 'record')} not in the file: disk full or slow", Look.WARN)]
        spans += [Span("  ")]
    if below:
        spans += [Span("PAUSED", Look.WARN), Span(f" {below:,} newer below, "), Span("G", Look.KEY)]
        spans += [Span(" follows again  ")]
    else:
        spans += [Span("following  ", Look.MUTED)]
    spans.append(Span(str(choice.least), Look.MUTED if choice.least is LeastLevel.ALL else Look.STRONG))
    if choice.wanted:
        spans += [Span(f" with “{choice.wanted}”", Look.STRONG)]
    if choice.wanted or choice.least is not LeastLevel.ALL:
        spans += [Span(f": {shown:,} of {every:,}  ")]
        spans += [Span("esc", Look.KEY), Span(" shows all", Look.MUTED)]
    return tuple(spans)


def control_head(commands: int) -> Line:
    """Return what the table of commands shows."""
    text = f"{count(commands, 'command')} of this run; the journal keeps all  "
    return (
        Span("CONTROL LOG  ", Look.TITLE), Span(text, Look.MUTED), Span("c", Look.KEY),
        Span(" shows the log", Look.MUTED),
    )  # fmt: skip


def empty_log(every: int) -> str:
    """Return why the table has no rows."""
    if every:
        return f"None of {every:,} records is shown. Esc shows all again."
    return NO_RECORDS


def record_lines(line: LogLine, zone: tzinfo, width: int) -> list[Line]:
    """Return everything a record says, cleaned, its own line breaks kept."""
    level = _WORDS.get(line.level, Cell(line.level, Look.WARN))
    facts = [
        ("Record", f"{line.number}", Look.PLAIN),
        ("Time", _moment(line.exchange_at or line.at, zone), Look.PLAIN),
        ("Machine time", _moment(line.at, zone), Look.PLAIN),
        ("Level", line.level, level.look),
        ("Event", line.event, Look.STRONG),
        ("Message", line.message or NOTHING, Look.PLAIN),
        *((name, value, Look.PLAIN) for name, value in line.fields),
    ]
    lines = [each for fact in facts for each in _fact(*fact, width)]
    if len(lines) > RECORD_LINES:
        return [*lines[:RECORD_LINES], (Span("… the rest is in the log file.", Look.MUTED),)]
    return lines


def _moment(at: datetime | None, zone: tzinfo) -> str:
    return NOTHING if at is None else date_and_time(at, zone)


def _fact(name: str, value: str, look: Look, width: int) -> Sequence[Line]:
    label = Span(clean(name, _LABEL_WIDTH - 1).ljust(_LABEL_WIDTH), Look.MUTED)
    parts = value[:RECORD_MAX].expandtabs(4).splitlines() or [NOTHING]
    room = width - _LABEL_WIDTH
    lines = [each for part in parts for each in wrap(clean(part, RECORD_MAX), room, look) or [()]]
    return labelled(label, lines)
