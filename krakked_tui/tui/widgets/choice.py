"""The two things a dialog is answered with: a choice, and a word typed letter by letter."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from krakked_tui.tui.rows.line import Look, Span
from krakked_tui.tui.widgets.looks import paint


class Choice(Widget, can_focus=True):
    """One line to press: Enter, space or a click."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "press", "choose", show=False)]

    class Pressed(Message):
        """The choice was made."""

        def __init__(self, choice: "Choice") -> None:
            super().__init__()
            self.choice = choice

        @property
        def control(self) -> "Choice":
            """The choice, for ``@on`` selectors."""
            return self.choice

    def __init__(self, widget_id: str, label: str) -> None:
        super().__init__(id=widget_id)
        self.label = label

    def action_press(self) -> None:
        """Say that it was chosen."""
        self.post_message(self.Pressed(self))

    def on_click(self) -> None:
        """Choose with the mouse."""
        self.action_press()

    def get_content_width(self, _container: Size, _viewport: Size) -> int:
        """Fit the label."""
        return len(self.label) + 4

    def get_content_height(self, _container: Size, _viewport: Size, _width: int) -> int:
        """Take one line."""
        return 1

    def render_line(self, _y: int) -> Strip:
        """Paint the label between brackets, so that it is a button without colours too."""
        return paint(self, (Span(f"[ {self.label} ]"),), self.size.width)


class WordField(Widget, can_focus=True):
    """Takes letters until they make the word. Nothing can be pasted into it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "submit", show=False),
        Binding("backspace", "erase", "erase", show=False),
    ]

    class Submitted(Message):
        """Enter was pressed with ``word`` in the field."""

        def __init__(self, word: str) -> None:
            super().__init__()
            self.word = word

    def __init__(self, widget_id: str, word: str) -> None:
        super().__init__(id=widget_id)
        self._wanted = word
        self.typed = ""

    def want(self, word: str) -> None:
        """Want another word; what is typed stays."""
        if word != self._wanted:
            self._wanted = word
            self.refresh()

    @property
    def complete(self) -> bool:
        """Whether exactly the wanted word is there."""
        return self.typed == self._wanted

    def wants(self, event: events.Key) -> bool:
        """Say whether a key is a letter for this field; q closes dialogs instead."""
        return event.character is not None and event.character.isalpha() and event.character != "q"

    def take(self, event: events.Key) -> None:
        """Add one letter; no more than the word has, and one to see a mistake by."""
        if len(self.typed) <= len(self._wanted):
            self.typed += event.character or ""
            self.refresh()

    def action_erase(self) -> None:
        """Take the last letter back."""
        self.typed = self.typed[:-1]
        self.refresh()

    def action_submit(self) -> None:
        """Hand the word in."""
        self.post_message(self.Submitted(self.typed))

    def on_key(self, event: events.Key) -> None:
        """Take letters; everything else goes its way."""
        if self.wants(event):
            event.stop()
            self.take(event)

    def get_content_height(self, _container: Size, _viewport: Size, _width: int) -> int:
        """Take one line."""
        return 1

    def render_line(self, _y: int) -> Strip:
        """Paint the prompt, the letters, and the place of the next one."""
        look = Look.GOOD if self.complete else Look.STRONG
        caret = Span("█" if self.has_focus else " ", Look.KEY)
        rest = "." * max(0, len(self._wanted) - len(self.typed) - 1)
        line = (Span(f"Type {self._wanted}: "), Span(self.typed, look), caret, Span(rest, Look.MUTED))
        return paint(self, line, self.size.width)
