"""Dialogs that ask yes or no: cancel one, cancel all, quit."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import Desk
from krakked_tui.tui.commands import cancel_all, cancel_order
from krakked_tui.tui.dialogs.base import TEXT_WIDTH, Dialog
from krakked_tui.tui.rows.dialogs import cancel_all_sentence, cancel_one_sentence, quit_sentences
from krakked_tui.tui.rows.line import Line, wrap
from krakked_tui.tui.widgets.choice import Choice


class Confirm(Dialog):
    """Asks once; ``y`` and the second choice do it, everything else does not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "yes", show=False),
        Binding("n", "close", "no", show=False),
    ]
    DANGEROUS = True
    YES: ClassVar[str]
    NO: ClassVar[str] = "Keep (n)"

    def choices(self) -> Sequence[Choice]:
        """No first, then yes."""
        return (Choice("cancel", self.NO), Choice("confirm", self.YES))


class CancelAllDialog(Confirm):
    """Cancel every open order of ours."""

    TITLE_TEXT = "CANCEL ALL ORDERS"
    YES = "Cancel all (y)"

    def text(self, view: EngineView) -> Sequence[Line]:
        """Say how many."""
        return wrap(cancel_all_sentence(view), TEXT_WIDTH)

    def action_confirm(self) -> None:
        """Send it."""
        self.dismiss()
        cancel_all(self.desk)


class CancelOrderDialog(Confirm):
    """Cancel one order."""

    TITLE_TEXT = "CANCEL ORDER"
    YES = "Cancel it (y)"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        order = desk.selected_order
        assert order is not None, "the command is available only with a row under the cursor"
        self._order = order

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Say which."""
        return wrap(cancel_one_sentence(self._order), TEXT_WIDTH)

    def action_confirm(self) -> None:
        """Send it."""
        self.dismiss()
        cancel_order(self.desk, self._order)


class QuitDialog(Confirm):
    """Stop the engine and leave."""

    TITLE_TEXT = "QUIT"
    YES = "Stop and leave (y)"
    NO = "Stay (n)"

    def text(self, view: EngineView) -> Sequence[Line]:
        """Say what happens to orders and positions."""
        sentences = quit_sentences(view, cancels_orders=self.desk.cancels_orders)
        return [line for sentence in sentences for line in wrap(sentence, TEXT_WIDTH)]

    def action_confirm(self) -> None:
        """Stop the engine; the screen leaves when it has."""
        self.dismiss()
        self.desk.stop_and_leave()
