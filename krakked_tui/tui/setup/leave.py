"""The question before set-up is left: nothing of it is saved then."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen

from krakked_tui.tui.rows.setup import leave_lines
from krakked_tui.tui.widgets.choice import Choice
from krakked_tui.tui.widgets.lines import Lines

_WIDTH = 56


class LeaveDialog(ModalScreen[bool]):
    """Asks once; ``y`` and the second choice leave, everything else stays."""

    AUTO_FOCUS = "#stay"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,n", "answer(False)", "stay", show=False),
        Binding("y", "answer(True)", "leave", show=False),
        Binding("left", "app.focus_previous", "previous choice", show=False),
        Binding("right", "app.focus_next", "next choice", show=False),
    ]

    def compose(self) -> ComposeResult:
        """What is lost, then the choices."""
        with Vertical(id="box") as box:
            box.border_title = "LEAVE SET-UP"
            yield Lines("lines", leave_lines(_WIDTH, typed=True))
            yield Horizontal(Choice("stay", "Stay (n)"), Choice("leave", "Leave (y)"), id="choices")

    def on_choice_pressed(self, message: Choice.Pressed) -> None:
        """Answer with the choice."""
        self.dismiss(message.choice.id == "leave")

    def action_answer(self, leave: bool) -> None:  # noqa: FBT001 - the framework calls it by its binding
        """Answer with a key."""
        self.dismiss(leave)
