"""Text that is read, not chosen from: it scrolls with the keys of tables, and without animation."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from krakked_tui.tui.widgets.hideable import Hideable


class Facts(VerticalScroll, Hideable, can_focus=True):
    """Holds lines that may be more than fit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "lines(-1)", "up", show=False),
        Binding("down,j", "lines(1)", "down", show=False),
        Binding("pageup", "lines(-8)", "page up", show=False),
        Binding("pagedown", "lines(8)", "page down", show=False),
        Binding("home,g", "lines(-10000)", "first line", show=False),
        Binding("end,G", "lines(10000)", "last line", show=False),
    ]

    def action_lines(self, lines: int) -> None:
        """Move the text."""
        self.scroll_relative(y=lines, animate=False)
