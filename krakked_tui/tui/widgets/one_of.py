"""A list of which exactly one is chosen: up and down choose, Enter goes on."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, clip
from krakked_tui.tui.widgets.looks import paint


class Option(NamedTuple):
    """One thing to choose: what it stands for, and its clean text."""

    value: str
    label: str
    detail: str = ""


class OneOf(Widget, can_focus=True):
    """Shows at most ``rows`` options at a time, the chosen one among them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "previous", show=False),
        Binding("down,j", "move(1)", "next", show=False),
        Binding("home,g", "move(-1000)", "first", show=False),
        Binding("end,G", "move(1000)", "last", show=False),
        Binding("enter", "submit", "go on", show=False),
    ]

    class Changed(Message):
        """Another option was chosen."""

    class Submitted(Message):
        """Enter was pressed."""

    def __init__(self, widget_id: str, options: Sequence[Option], chosen: str, rows: int = 6) -> None:
        super().__init__(id=widget_id)
        self._options = tuple(options)
        self._rows = min(rows, len(self._options))
        self._label_width = max((len(option.label) for option in self._options), default=0)
        values = [option.value for option in self._options]
        self._index = values.index(chosen) if chosen in values else 0

    @property
    def value(self) -> str:
        """What the chosen option stands for."""
        return self._options[self._index].value

    def action_move(self, by: int) -> None:
        """Choose another one."""
        self._choose(self._index + by)

    def action_submit(self) -> None:
        """Go on with the chosen one."""
        self.post_message(self.Submitted())

    def _choose(self, index: int) -> None:
        index = min(max(0, index), len(self._options) - 1)
        if index != self._index:
            self._index = index
            self.refresh()
            self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        """Choose the option under the mouse."""
        index = self._top + event.y
        if event.y < self._rows and index < len(self._options):
            self._choose(index)

    def on_focus(self) -> None:
        """Show where the keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """Show that the keys go elsewhere."""
        self.refresh()

    @property
    def _top(self) -> int:
        return min(max(0, self._index - self._rows // 2), max(0, len(self._options) - self._rows))

    def get_content_height(self, _container: Size, _viewport: Size, _width: int) -> int:
        """Take a line per option in sight."""
        return self._rows

    def render_line(self, y: int) -> Strip:
        """Paint one option, with signs that need no colour."""
        index = self._top + y
        line = self._line(index) if y < self._rows and index < len(self._options) else EMPTY
        return paint(self, line, self.size.width)

    def _line(self, index: int) -> Line:
        option, chosen = self._options[index], index == self._index
        focused = chosen and self.has_focus
        mark = Span("▶ (•) " if focused else "  (•) " if chosen else "  ( ) ", Look.KEY)
        label = Span(option.label.ljust(self._label_width), Look.STRONG if chosen else Look.PLAIN)
        room = max(0, self.size.width - len(mark.text) - len(label.text) - 2)
        detail = clip(option.detail or self._more(index), room)
        return (mark, label, Span("  "), Span(detail, Look.MUTED))

    def _more(self, index: int) -> str:
        """Say at the edges how many options are out of sight."""
        above, below = self._top, len(self._options) - self._top - self._rows
        if above and index == self._top:
            return f"▲ {above} more"
        return f"▼ {below} more" if below > 0 and index == self._top + self._rows - 1 else ""
