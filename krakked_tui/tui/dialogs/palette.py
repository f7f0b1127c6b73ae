"""Find a command by typing part of its name."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import Desk, UiCommand, key_text
from krakked_tui.tui.commands import Palette, offered
from krakked_tui.tui.dialogs.base import Dialog
from krakked_tui.tui.rows.line import Line, Look, Span
from krakked_tui.tui.widgets.choice import Choice

_KEY_WIDTH = 8


class PaletteDialog(Dialog):
    """A list of commands that shrinks while its filter is typed; Enter runs the marked one."""

    TITLE_TEXT = "FIND A COMMAND"
    AUTO_FOCUS = "#filter"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "previous", show=False),
        Binding("down", "move(1)", "next", show=False),
        Binding("ctrl+p", "close", "close", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._marked = 0
        self._filter = ""

    def questions(self) -> Sequence[Widget]:
        """The filter."""
        return (Input(placeholder="part of a name; Esc closes", id="filter", compact=True),)

    def choices(self) -> Sequence[Choice]:
        """Enter is the only one."""
        return ()

    def text(self, _view: EngineView) -> Sequence[Line]:
        """List what matches; unavailable commands are dim and say why when run."""
        found = self._found()
        self._marked = min(self._marked, max(0, len(found) - 1))
        if not found:
            return [(Span("No command has that in its name.", Look.MUTED),)]
        return [self._line(command, marked=index == self._marked) for index, command in enumerate(found)]

    def _found(self) -> list[UiCommand]:
        wanted = self._filter.casefold()
        return [
            command
            for command in offered(self.desk)
            if wanted in command.title.casefold() and not isinstance(command, Palette)
        ]

    def _line(self, command: UiCommand, *, marked: bool) -> Line:
        look = Look.MUTED if command.unavailable(self.desk) else Look.PLAIN
        keys = key_text((command.everywhere + command.keys)[0]).ljust(_KEY_WIDTH)
        mark = Span("▶ " if marked else "  ", Look.KEY)
        return (mark, Span(keys, Look.KEY), Span(command.title, Look.STRONG if marked else look))

    def action_move(self, rows: int) -> None:
        """Mark another command."""
        self._marked = max(0, self._marked + rows)
        self.update(self.desk.view)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Narrow the list."""
        self._filter, self._marked = message.value, 0
        self.update(self.desk.view)

    def on_input_submitted(self) -> None:
        """Close, then run what is marked."""
        found = self._found()
        if found:
            self.dismiss()
            self.app.call_next(self.desk.run_command, found[self._marked])
