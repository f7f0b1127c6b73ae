"""The commands of the logs pane. But for the reading of candles they only change what is looked at."""

from krakked_tui.control.commands import IngestCandles
from krakked_tui.tui.command import Desk, DialogName, OpenDialog, PaneName, ShowPane, UiCommand


class ShowLogs(ShowPane):
    """The pane with the health of every part, and the log."""

    id = "logs"
    keys = ("8",)
    footer = "Logs"
    footer_rank = 7
    title = "Logs and health"
    help = "How every part is doing and what to do about it; the log, and who commanded what."
    target = PaneName.LOGS


class LeastLogLevel(UiCommand):
    """Show less of the log."""

    id = "log-level"
    keys = ("m",)
    footer = "Level"
    title = "Minimum level of the log"
    help = "Show all records, or only those from info, warning or error up, one after the other."
    pane = PaneName.LOGS

    def run(self, desk: Desk) -> None:
        """Change it."""
        desk.logs.next_level()


class FilterLog(UiCommand):
    """Show only some records."""

    id = "log-filter"
    keys = ("slash",)
    footer = "Filter"
    title = "Filter the log"
    help = "Show only records with the typed text in them; Enter keeps them, Esc shows all."
    pane = PaneName.LOGS

    def run(self, desk: Desk) -> None:
        """Open the field."""
        desk.logs.edit_filter()


class ShowAllRecords(UiCommand):
    """Show the whole log."""

    id = "log-all"
    keys = ("escape",)
    title = "Show all records"
    help = "Show records of all levels, whatever is in them."
    pane = PaneName.LOGS

    def run(self, desk: Desk) -> None:
        """Take the filters away."""
        desk.logs.show_all()


class ToggleControlLog(UiCommand):
    """Who commanded what, or the log."""

    id = "control-log"
    keys = ("c",)
    footer = "Control log"
    footer_rank = 3
    title = "Control log or log"
    help = "Show who commanded what and what came of it, or the log again."
    pane = PaneName.LOGS

    def run(self, desk: Desk) -> None:
        """Show the other one."""
        desk.logs.toggle_control()


class ReadCandles(UiCommand):
    """Have missing candles read."""

    id = "read-candles"
    keys = ("i",)
    footer = "Read candles"
    footer_rank = 4
    title = "Read missing candles now"
    help = "Ask the exchange, in one round, for all candles that the store lacks; trades nothing."
    acts = True
    pane = PaneName.LOGS

    def unavailable(self, desk: Desk) -> str:
        """Candles are read while the engine runs."""
        phase = desk.view.status.phase
        return "" if phase == "running" else f"The engine is {phase}; this needs it running."

    def run(self, desk: Desk) -> None:
        """Send it: it does no harm."""
        desk.submit(IngestCandles(), "read candles")


class ShowRecord(OpenDialog):
    """One record in full."""

    id = "record"
    keys = ("enter",)
    footer = "Details"
    footer_rank = 4
    title = "Record in full"
    help = "Everything that the record under the cursor says."
    pane = PaneName.LOGS
    dialog = DialogName.RECORD

    def unavailable(self, desk: Desk) -> str:
        """There must be a row under the cursor."""
        return "" if desk.selected_record else "No record is selected."


LOG_COMMANDS: tuple[UiCommand, ...] = (
    ShowRecord(),
    LeastLogLevel(),
    FilterLog(),
    ShowAllRecords(),
    ToggleControlLog(),
    ReadCandles(),
)
