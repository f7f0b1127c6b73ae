"""The fields of set-up: text that never shows, and a box to tick."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from krakked_tui.domain.secret import Secret
from krakked_tui.tui.rows.line import Look, Span, clip
from krakked_tui.tui.widgets.looks import paint

LENGTH_MAX = 512
"""Characters of one secret; Kraken's have 56 and 88."""


class SecretField(Input):
    """A masked text field. Its text never reaches the clipboard, and leaves it only as a ``Secret``.

    With ``joined`` all white space is dropped, since the exchange's keys have none and terminals break
    long lines. Without it a paste of several lines is refused: a password is never changed silently.
    """

    class PasteRefused(Message):
        """A paste was not taken; nothing changed."""

    def __init__(self, widget_id: str, *, joined: bool, entered: bool) -> None:
        hint = "entered; leave empty to keep it" if entered else "nothing shows but dots; paste works"
        super().__init__(
            id=widget_id, password=True, placeholder=hint, max_length=LENGTH_MAX, compact=True,
            select_on_focus=False,
        )  # fmt: skip
        self._joined = joined
        self.next_field: SecretField | None = None
        """Where Enter goes; None to go on with the step."""
        self.cursor_blink = False

    @property
    def secret(self) -> Secret:
        """What was typed."""
        return Secret(self._plain(self.value))

    def wipe(self) -> None:
        """Forget what was typed."""
        self.value = ""

    def _plain(self, text: str) -> str:
        return "".join(text.split()) if self._joined else text

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()  # the framework keeps only the first line, which may be empty
        text = self._plain(event.text.strip("\r\n"))
        if not text.isprintable():
            self.post_message(self.PasteRefused())
            return
        start, end = sorted(self.selection)
        room = LENGTH_MAX - len(self.value) + (end - start)
        self.replace(text[:room], start, end)

    def action_copy(self) -> None:
        """Refuse: a secret does not belong on the clipboard."""

    def action_cut(self) -> None:
        """Refuse: a secret does not belong on the clipboard."""


class Toggle(Widget, can_focus=True):
    """A box to tick with the space bar or the mouse; Enter goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "tick or not", show=False),
        Binding("enter", "submit", "go on", show=False),
    ]

    class Submitted(Message):
        """Enter was pressed."""

    def __init__(self, widget_id: str, label: str, *, on: bool) -> None:
        super().__init__(id=widget_id)
        self._label = label
        self.on = on

    def action_tick(self) -> None:
        """Change it."""
        self.on = not self.on
        self.refresh()

    def action_submit(self) -> None:
        """Go on."""
        self.post_message(self.Submitted())

    def on_click(self) -> None:
        """Change it with the mouse."""
        self.action_tick()

    def on_focus(self) -> None:
        """Show where the keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """Show that the keys go elsewhere."""
        self.refresh()

    def get_content_height(self, _container: Size, _viewport: Size, _width: int) -> int:
        """Take one line."""
        return 1

    def render_line(self, _y: int) -> Strip:
        """Paint the box and what it is for."""
        mark = ("▶ " if self.has_focus else "  ") + ("[x] " if self.on else "[ ] ")
        label = clip(self._label, max(0, self.size.width - len(mark)))
        return paint(self, (Span(mark, Look.KEY), Span(label)), self.size.width)
