"""The one screen of set-up: a title, the step in front, the keys."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from krakked_tui.control.setup import SetupService, UniversePreview
from krakked_tui.tui.chrome import COLUMNS_MIN, ROWS_MIN
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, spread, wrap
from krakked_tui.tui.rows.setup import header
from krakked_tui.tui.setup.end_steps import DoneStep, RegionStep, ReviewStep
from krakked_tui.tui.setup.entries import Entries
from krakked_tui.tui.setup.fields import SecretField
from krakked_tui.tui.setup.password_step import PasswordStep
from krakked_tui.tui.setup.start_steps import CheckStep, KeyStep, WelcomeStep
from krakked_tui.tui.setup.step import Step, StepName
from krakked_tui.tui.store import cleaned
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.looks import Looks

STEPS: dict[StepName, type[Step]] = {
    StepName.WELCOME: WelcomeStep,
    StepName.KEY: KeyStep,
    StepName.CHECK: CheckStep,
    StepName.PASSWORD: PasswordStep,
    StepName.REGION: RegionStep,
    StepName.REVIEW: ReviewStep,
    StepName.DONE: DoneStep,
}
_KEYS = (("⏎", "go on"), ("tab", "next field"), ("esc b", "back"), ("pgup pgdn", "scroll"), ("^Q", "leave"))


class SetupScreen(Screen[None]):
    """Guides through the steps; ``step.Guide`` says what each part is for.

    ``on_error`` takes errors nobody foresaw, ``on_finish`` ends the app with what was saved.
    """

    AUTO_FOCUS = ""
    # The framework hands a key to the field that has the focus when the key arrives, which handles it
    # later: what moves the focus must not wait in that line, or keys typed ahead land in the wrong field.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next field", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "previous field", show=False, priority=True),
        Binding("enter", "accept_field", "go on", show=False, priority=True),
        Binding("escape,b", "back", "back", show=False),
        Binding("left", "app.focus_previous", "previous choice", show=False),
        Binding("right", "app.focus_next", "next choice", show=False),
        Binding("pageup", "scroll_text(-8)", "page up", show=False),
        Binding("pagedown", "scroll_text(8)", "page down", show=False),
    ]

    def __init__(
        self, service: SetupService, on_error: Callable[[Exception], None], on_finish: Callable[[], None]
    ) -> None:
        super().__init__()
        self.service = service
        self.entries = Entries(service.facts)
        self.busy = False
        self._on_error = on_error
        self._on_finish = on_finish
        self._wanted = StepName.WELCOME
        self._loading = False
        self.switching = False
        """Whether the next step is on its way: keys mean nothing until it is there."""
        self._interrupted: Widget | None = None
        self._title = Lines("title")
        self._keys = Lines("keys")
        self._too_small = Lines("too-small")
        self._holder = Container(id="holder")
        self.step: Step = WelcomeStep(self)

    def compose(self) -> ComposeResult:
        """Everything from top to bottom."""
        yield Looks()
        yield self._title
        yield self._holder
        yield self._keys
        yield self._too_small

    async def on_mount(self) -> None:
        """Begin with the first step."""
        await self._holder.mount(self.step)
        self._show_step()

    def go(self, name: StepName) -> None:
        """Bring another step to the front, once whatever asked for it has returned."""
        if name is not self._wanted:
            self._wanted = name
            self.switching = True
            self.step.leave()
            self.set_focus(None)
            if name is StepName.KEY:
                self.load_preview()
            self.call_later(self._switch, name)

    async def _switch(self, name: StepName) -> None:
        if name is self._wanted:
            await self.step.remove()
            self.step = STEPS[name](self)
            await self._holder.mount(self.step)
            self.switching = False
            self._show_step()

    def _show_step(self) -> None:
        self.step.start()
        self.fit(self.app.size)

    def fit(self, size: Size) -> None:
        """Make everything fit the terminal, or say that there is no room."""
        too_small = size.width < COLUMNS_MIN or size.height < ROWS_MIN
        if too_small and not self.has_class("-too-small"):
            self._interrupted = self.focused  # what is hidden loses the focus
        elif not too_small and self.has_class("-too-small"):
            self.call_after_refresh(self.set_focus, self._interrupted)
        self.set_class(too_small, "-too-small")
        facts = cleaned(self.entries.facts)
        self._title.show((header(facts, self.step.NUMBER, self.step.TITLE_TEXT, size.width),))
        self._keys.show((spread(_keys_line(), EMPTY, size.width),))
        self._too_small.show(_no_room(size))
        if self.step.is_mounted:
            self.step.fit()

    def load_preview(self) -> None:
        """Load what would be traded in the background, unless it is there or on its way."""
        known = self.entries.preview
        if not self._loading and (known is None or known.trouble):
            self._loading = True
            self.entries.preview = None
            self.run_worker(self._load_preview())

    async def _load_preview(self) -> None:
        try:
            self.entries.preview = await self.service.preview_universe()
        except Exception as error:  # noqa: BLE001 - a missing preview is shown; it must not end set-up
            self.note_error(error)
            why = f"internal error ({type(error).__name__}); the log has the details."
            self.entries.preview = UniversePreview(trouble=why)
        self._loading = False
        if self.step.is_mounted:
            self.step.update()

    def note_error(self, error: Exception) -> None:
        """Report an error nobody foresaw."""
        self._on_error(error)

    def finish(self) -> None:
        """End set-up with what was saved."""
        self._on_finish()

    @property
    def touched(self) -> bool:
        """Whether leaving now loses something that was typed."""
        return self.step.typed or self.entries.has_secrets

    def action_back(self) -> None:
        """Go to the step before, unless saving is under way."""
        if not self.busy and not self.switching:
            self.step.back()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave Enter to everything but text fields."""
        if action == "accept_field":
            return isinstance(self.focused, SecretField)
        return super().check_action(action, parameters)

    def action_accept_field(self) -> None:
        """Go from a field to the next one, or on with the step once the last field has all its keys."""
        field = self.focused
        assert isinstance(field, SecretField), "asked before"
        if field.next_field is not None:
            self.set_focus(field.next_field)  # at once, unlike its own method
        else:
            field.call_later(self.step.submit)

    def action_scroll_text(self, lines: int) -> None:
        """Move the text of the step."""
        self.step.query_one("#text").scroll_relative(y=lines, animate=False)


def _keys_line() -> Line:
    spans = [Span(" ")]
    for key, meaning in _KEYS:
        spans += [Span(key, Look.KEY), Span(f" {meaning}   ")]
    return tuple(spans)


def _no_room(size: Size) -> list[Line]:
    text = f"Set-up needs a terminal of {COLUMNS_MIN}x{ROWS_MIN} or more; this is {size.width}x{size.height}."
    hint = "Enlarge the window to go on, or press Ctrl+Q to leave."
    return [*wrap(text, size.width), *wrap(hint, size.width)]
