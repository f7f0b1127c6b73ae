"""What every step of set-up is: text, then questions, then choices; and who guides through the steps."""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget

from krakked_tui.control.setup import SetupService
from krakked_tui.tui.rows.line import Line, Look, wrap
from krakked_tui.tui.setup.entries import Entries
from krakked_tui.tui.text import clean
from krakked_tui.tui.widgets.choice import Choice
from krakked_tui.tui.widgets.lines import Lines

TEXT_WIDTH_MAX = 96
"""Longer lines are hard to read."""

_SIDES = 6
_CHROME_ROWS = 3
_CHOICE_ROWS = 4
_TEXT_ROWS_MIN = 3
_MISTAKE_ROWS_MAX = 6


class StepName(StrEnum):
    """The steps, in their order."""

    WELCOME = "welcome"
    KEY = "key"
    CHECK = "check"
    PASSWORD = "password"  # noqa: S105 - the name of a step
    REGION = "region"
    REVIEW = "review"
    DONE = "done"


class Guide(Protocol):
    """What a step may use of the screen around it."""

    entries: Entries
    busy: bool
    """Whether saving is under way, which nothing interrupts."""

    @property
    def service(self) -> SetupService:
        """What set-up can do."""
        ...

    def go(self, name: StepName) -> None:
        """Bring another step to the front."""
        ...

    def load_preview(self) -> None:
        """Load what would be traded in the background, unless it is there or on its way."""
        ...

    def note_error(self, error: Exception) -> None:
        """Report an error nobody foresaw."""
        ...

    def finish(self) -> None:
        """End set-up with what was saved."""
        ...


class Step(Vertical):
    """One step. ``start`` gives it the focus, ``leave`` empties its fields."""

    TITLE_TEXT: ClassVar[str]
    NUMBER: ClassVar[int] = 0
    QUESTION_ROWS: ClassVar[int] = 0
    FIRST: ClassVar[str] = "#next"

    def __init__(self, guide: Guide) -> None:
        super().__init__(id="step")
        self.guide = guide
        self.lines = Lines("lines")
        self.mistake = Lines("mistake")

    def compose(self) -> ComposeResult:
        """Everything from top to bottom."""
        with VerticalScroll(id="text", can_focus=False):
            yield self.lines
        yield from self.questions()
        yield self.mistake
        yield Horizontal(*self.choices(), id="choices")

    @property
    def question_rows(self) -> int:
        """Rows that the questions take."""
        return self.QUESTION_ROWS

    @property
    def text_width(self) -> int:
        """Cells for text."""
        return max(0, min(self.app.size.width - _SIDES, TEXT_WIDTH_MAX))

    def text(self, _width: int) -> Sequence[Line]:
        """Return what the step says."""
        return ()

    def questions(self) -> Sequence[Widget]:
        """Return what stands between text and choices."""
        return ()

    def choices(self) -> Sequence[Choice]:
        """Return the choices; the one called ``next`` goes on."""
        return (Choice("next", "Next"), Choice("back", "Back"))

    def start(self) -> None:
        """Show the step and give it the focus."""
        self.fit()
        self.screen.set_focus(self.query_one(self.FIRST))

    def fit(self) -> None:
        """Make the text fit the terminal."""
        more_mistake = max(0, len(self.mistake.lines) - 1)
        rows = self.app.size.height - _CHROME_ROWS - _CHOICE_ROWS - self.question_rows - more_mistake
        self.query_one("#text").styles.max_height = max(_TEXT_ROWS_MIN, rows)
        self.update()

    def update(self) -> None:
        """Show the text anew."""
        self.lines.show(self.text(self.text_width))

    def complain(self, sentence: str) -> None:
        """Say what is wrong with what was entered; empty takes it back."""
        lines = wrap(clean(sentence), self.text_width, Look.WARN)
        self.mistake.show(lines[:_MISTAKE_ROWS_MAX])
        self.fit()

    def on_choice_pressed(self, message: Choice.Pressed) -> None:
        """Do what was chosen."""
        self.chosen(message.choice.id or "")

    def chosen(self, choice: str) -> None:
        """Go on or back."""
        if choice == "next":
            self.submit()
        elif choice == "back":
            self.back()

    def submit(self) -> None:
        """Take what was entered and go on, or say what is wrong with it."""

    def back(self) -> None:
        """Go to the step before."""

    def leave(self) -> None:
        """Empty the fields before the step goes away."""

    @property
    def typed(self) -> bool:
        """Whether the fields hold something that would be lost."""
        return False
