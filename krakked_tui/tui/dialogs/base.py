"""The frame of every dialog: a box between the top bar and the footer, closed by Esc or q."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget

from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import Desk
from krakked_tui.tui.rows.line import Line
from krakked_tui.tui.widgets.choice import Choice
from krakked_tui.tui.widgets.lines import Lines

TEXT_WIDTH = 71
"""Cells for text inside the box, next to its scrollbar."""


class Dialog(ModalScreen[None]):
    """A box with text above and choices below. Dangerous ones carry the colour of alarms."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close", show=False),
        Binding("left", "app.focus_previous", "previous choice", show=False),
        Binding("right", "app.focus_next", "next choice", show=False),
    ]
    TITLE_TEXT: ClassVar[str]
    HINT: ClassVar[str] = ""
    DANGEROUS: ClassVar[bool] = False
    AUTO_FOCUS: ClassVar[str | None] = "#cancel"

    def __init__(self, desk: Desk) -> None:
        super().__init__(classes="-dangerous" if self.DANGEROUS else None)
        self.desk = desk
        self.lines = Lines("lines")

    def compose(self) -> ComposeResult:
        """Text, then whatever the dialog asks, then its choices."""
        with Vertical(id="box") as box:
            box.border_title = self.TITLE_TEXT
            box.border_subtitle = self.HINT
            with VerticalScroll(id="text", can_focus=False):
                yield self.lines
            yield from self.questions()
            choices = self.choices()
            if choices:
                yield Horizontal(*choices, id="choices")
        self.update(self.desk.view)

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Return what the dialog says; asked again at every frame."""
        return ()

    def questions(self) -> Sequence[Widget]:
        """Return what stands between text and choices."""
        return ()

    def choices(self) -> Sequence[Choice]:
        """Return the choices; the one called ``cancel`` has the focus first."""
        return (Choice("cancel", "Close"),)

    def update(self, view: EngineView) -> None:
        """Show the text for a new view."""
        self.lines.show(self.text(view))

    def on_choice_pressed(self, message: Choice.Pressed) -> None:
        """Close, or do what was asked for."""
        if message.choice.id == "cancel":
            self.action_close()
        else:
            self.action_confirm()

    def action_confirm(self) -> None:
        """Do what the dialog asks about."""

    def action_scroll(self, lines: int) -> None:
        """Move the text."""
        self.query_one("#text").scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        """Close without doing anything."""
        self.dismiss()
