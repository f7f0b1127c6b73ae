"""The logs pane: how every part is doing; below, the log as it grows, or who commanded what."""

from collections.abc import Set
from datetime import tzinfo

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from krakked_tui.control.log_view import LogLine
from krakked_tui.control.market_view import DataStatusView
from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.log_store import LogStore
from krakked_tui.tui.rows.health import health, health_head, health_lines
from krakked_tui.tui.rows.line import crop
from krakked_tui.tui.rows.logs import (
    CONTROL_COLUMNS,
    LOG_COLUMNS,
    NO_COMMANDS,
    NO_RECORDS,
    LogChoice,
    control_head,
    control_row,
    empty_log,
    log_head,
    log_row,
)
from krakked_tui.tui.store import EVERYTHING, Topic
from krakked_tui.tui.text import clean
from krakked_tui.tui.widgets.facts import Facts
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.table import LiveTable

FILTER_MAX = 40
_FILTER, _LOG, _CONTROL, _HEALTH = "log-filter", "log-lines", "control-lines", "health"
_SCROLLBAR = 1


class LogsPane(Vertical):
    """Health above, records below. The cursor at the last record follows the log; elsewhere it rests."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__(id=PaneName.LOGS)
        self.zone = zone
        self._data = DataStatusView()
        self._log = LogStore()
        self._choice = LogChoice()
        self._shown: tuple[LogLine, ...] = ()
        self._commands: tuple[LogLine, ...] = ()

    def compose(self) -> ComposeResult:
        """Parts, then records."""
        yield Lines("health-head")
        with Facts(id=_HEALTH):
            yield Lines("health-lines")
        yield Lines("log-head")
        yield Input(
            placeholder="part of a record; Enter keeps, Esc shows all",
            id=_FILTER, compact=True, max_length=FILTER_MAX,
        )  # fmt: skip
        yield LiveTable(_LOG, LOG_COLUMNS, "LOG", NO_RECORDS)
        yield LiveTable(_CONTROL, CONTROL_COLUMNS, "CONTROL", NO_COMMANDS)

    @property
    def selected(self) -> LogLine | None:
        """The record under the cursor."""
        lines, table = (self._commands, self._control) if self._in_control else (self._shown, self._table)
        key = table.selected
        return next((line for line in lines if str(line.number) == key), None)

    def take(self, data: DataStatusView, log: LogStore) -> None:
        """Take the newest state and log, to be shown with the next update; ``data`` is clean."""
        self._data, self._log = data, log

    def update(self, view: EngineView, dirty: Set[Topic]) -> None:
        """Show everything; the widgets repaint what differs."""
        parts = health(view, self._data, self._log.dropped, self.zone)
        head, facts = self.query_one("#health-head", Lines), self.query_one(f"#{_HEALTH}", Facts)
        lines = health_lines(parts, max(0, facts.size.width - _SCROLLBAR))
        self.query_one("#health-lines", Lines).show(lines)
        head.show([crop(health_head(parts, hidden=len(lines) > facts.size.height), head.size.width)])
        self._show_records(anew=dirty == EVERYTHING)

    def _show_records(self, *, anew: bool = False) -> None:
        shown = self._choice.choose(self._log.lines)
        self._table.empty = empty_log(len(self._log.lines))
        if anew or shown is not self._shown:
            self._shown = shown
            zone = self.zone
            self._table.follow([str(each.number) for each in shown], lambda at: log_row(shown[at], zone))
        commands = self._log.control
        if anew or commands is not self._commands:
            self._commands = commands
            zone = self.zone
            keys = [str(each.number) for each in commands]
            self._control.follow(keys, lambda at: control_row(commands[at], zone))
        self._show_head()

    @on(LiveTable.Moved)
    def _show_head(self) -> None:
        """Say what is shown, and whether it follows."""
        head = self.query_one("#log-head", Lines)
        if self._in_control:
            line = control_head(len(self._commands))
        else:
            line = log_head(
                self._choice, len(self._shown), len(self._log.lines),
                below=self._table.below, dropped=self._log.dropped,
            )  # fmt: skip
        head.show([crop(line, head.size.width)])

    def next_level(self) -> None:
        """Show less of the log; after the last step all of it."""
        self._leave_control()
        self._choice.next_level()

    def edit_filter(self) -> None:
        """Let the operator type."""
        self._leave_control()
        self.add_class("-filtering")
        self._field.focus()

    def show_all(self) -> None:
        """Show every record again."""
        with self._field.prevent(Input.Changed):
            self._field.value = ""
        self._choice.least = type(self._choice.least).ALL
        self._choice.want("")
        self._focus_table()

    def toggle_control(self) -> None:
        """Show who commanded what, or the log again."""
        self.toggle_class("-control")
        self._focus_table()

    def _leave_control(self) -> None:
        if self._in_control:
            self.toggle_control()

    def _focus_table(self) -> None:
        (self._control if self._in_control else self._table).focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Give the place of the field back as soon as it is left for the table."""
        self.set_class(event.widget.id == _FILTER, "-filtering")

    @on(Input.Changed, f"#{_FILTER}")
    def _narrow(self, message: Input.Changed) -> None:
        self._choice.want(clean(message.value))
        self._show_records()

    @on(Input.Submitted, f"#{_FILTER}")
    def _keep(self) -> None:
        self._focus_table()

    @property
    def _in_control(self) -> bool:
        return self.has_class("-control")

    @property
    def _field(self) -> Input:
        return self.query_one(f"#{_FILTER}", Input)

    @property
    def _table(self) -> LiveTable:
        return self.query_one(f"#{_LOG}", LiveTable)

    @property
    def _control(self) -> LiveTable:
        return self.query_one(f"#{_CONTROL}", LiveTable)
