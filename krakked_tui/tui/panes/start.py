"""The start pane: what the engine is doing before it runs, or why it does not."""

from collections.abc import Set

from textual.app import ComposeResult
from textual.containers import Vertical

from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.rows.start import start_lines
from krakked_tui.tui.store import Topic
from krakked_tui.tui.widgets.lines import Lines


class StartPane(Vertical):
    """The steps of start-up with their times."""

    def __init__(self) -> None:
        super().__init__(id=PaneName.START)

    def compose(self) -> ComposeResult:
        """One list."""
        yield Lines("start-steps")

    def update(self, view: EngineView, dirty: Set[Topic]) -> None:
        """Show the steps."""
        if dirty & {Topic.STATUS, Topic.START_STEPS, Topic.MESSAGES}:
            lines = self.query_one("#start-steps", Lines)
            lines.show(start_lines(view, lines.size.width))
