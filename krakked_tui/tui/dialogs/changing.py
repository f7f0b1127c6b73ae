"""Dialogs that change limits and parameters: chosen, shown as old and new, then saved.

Nothing is sent that was not previewed by the engine first.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from krakked_tui.control.commands import ChangeSettings
from krakked_tui.control.risk_view import RiskPreview
from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import Desk
from krakked_tui.tui.dialogs.base import TEXT_WIDTH, Dialog
from krakked_tui.tui.inquiry import Inquiry
from krakked_tui.tui.rows.changes import (
    ASKING,
    Field,
    form_lines,
    parameter_fields,
    preview_lines,
    risk_fields,
)
from krakked_tui.tui.rows.dialogs import count
from krakked_tui.tui.rows.line import EMPTY, Line, Look, wrap
from krakked_tui.tui.rows.risk_words import MANUAL
from krakked_tui.tui.text import clean
from krakked_tui.tui.widgets.choice import Choice
from krakked_tui.tui.widgets.one_of import OneOf, Option

VALUE_MAX = 300
"""Characters that can be typed for one value: a list of pairs."""
_ROWS = {False: 7, True: 13}
_FORM_HELP = "Up and down go to another setting, Enter shows what all changes would do. Empty: the default."


class ChangeDialog(Dialog):
    """Chooses first, previews then. ``y`` saves what the preview shows; Esc goes back one step."""

    HINT = "up and down"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "save", show=False),
        Binding("n", "close", "back", show=False),
        Binding("up", "move(-1)", "previous", show=False),
        Binding("down", "move(1)", "next", show=False),
        Binding("pageup", "move(-8)", "page up", show=False),
        Binding("pagedown", "move(8)", "page down", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._preview: Inquiry[RiskPreview] | None = None

    @abstractmethod
    def ask(self) -> Inquiry[RiskPreview] | None:
        """Ask what would change, None when nothing is chosen yet."""

    @abstractmethod
    def choosing(self) -> Sequence[Line]:
        """Return what the dialog says while it is chosen."""

    def changes(self) -> Mapping[str, str]:
        """Return what is sent: what the preview says, by the engine's own names."""
        raw = self._preview.raw if self._preview is not None else None
        return {change.key: change.new for change in raw.changes} if raw is not None else {}

    def move(self, by: int) -> None:
        """Go to another thing to choose."""

    def choices(self) -> Sequence[Choice]:
        """The way out first."""
        return (Choice("cancel", "Back (n)"), Choice("preview", "Preview"), Choice("confirm", "Save (y)"))

    def on_mount(self) -> None:
        """Show the choices of the first step."""
        self._show_step()

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Show what is chosen, or what it would do."""
        preview = self._preview
        if preview is None:
            return self.choosing()
        if preview.pending:
            return wrap(ASKING, TEXT_WIDTH, Look.WARN)
        if preview.answer is None:
            return wrap(preview.trouble, TEXT_WIDTH, Look.WARN)
        return preview_lines(preview.answer, TEXT_WIDTH)

    def update(self, view: EngineView) -> None:
        """Show the text, and what can be done with it."""
        super().update(view)
        if self.is_mounted:
            self._show_choices()

    def action_move(self, by: int) -> None:
        """Move in what is chosen, or in the preview."""
        if self._preview is None:
            self.move(by)
        else:
            self.action_scroll(by)

    def on_input_submitted(self) -> None:
        """Enter in the field previews."""
        self.action_preview()

    def on_one_of_submitted(self) -> None:
        """Enter on an option previews."""
        self.action_preview()

    def action_preview(self) -> None:
        """Ask what would change."""
        self._preview = self.ask()
        self._show_step()
        self.update(self.desk.view)

    def action_confirm(self) -> None:
        """Save what the preview shows, if it can be saved; before that, preview."""
        if self._preview is None:
            self.action_preview()
        elif self._can_save:
            changes = dict(self.changes())
            self.dismiss()
            self.desk.submit(ChangeSettings(changes), change_label(changes))

    def action_close(self) -> None:
        """Go back to choosing; from there, leave."""
        if self._preview is None or not self.query(".chooser"):
            self.dismiss()
            return
        self._preview = None
        self._show_step()
        self.update(self.desk.view)

    @property
    def _can_save(self) -> bool:
        answer = self._preview.answer if self._preview is not None else None
        return answer is not None and bool(answer.changes) and not answer.problems

    def _show_step(self) -> None:
        """Put the focus where the step begins: on what is chosen, or on the way back."""
        choosing = self._preview is None
        for widget in self.query(".chooser"):
            widget.display = choosing
        self.query_one("#preview").display = choosing and bool(self.query(".chooser"))
        self._show_choices()
        first = next(iter(self.query(".chooser")), None) if choosing else None
        self.set_focus(first or self.query_one("#cancel"))

    def _show_choices(self) -> None:
        self.query_one("#confirm").display = self._can_save


def change_label(changes: Mapping[str, str]) -> str:
    """Return what the answer line calls a change."""
    if len(changes) == 1:
        ((key, value),) = changes.items()
        return f"{clean(key)} = {clean(value) or 'the default'}"
    return f"change {count(len(changes), 'setting')}"


class FormDialog(ChangeDialog):
    """Values typed one by one; the marked one is in the field."""

    AUTO_FOCUS = "#value"

    def __init__(self, desk: Desk, fields: Sequence[Field], first: str, heading: str = "") -> None:
        super().__init__(desk)
        self._heading = heading
        self._fields = tuple(fields)
        keys = [field.key for field in self._fields]
        self._marked = keys.index(first) if first in keys else 0
        self._new: dict[str, str] = {}
        """What was typed, by key as shown."""
        self._value = Input(
            self._marked_value(), id="value", classes="chooser", compact=True, max_length=VALUE_MAX
        )

    def questions(self) -> Sequence[Widget]:
        """The value of the marked setting."""
        return (self._value,)

    def choosing(self) -> Sequence[Line]:
        """Show the settings around the marked one."""
        tall = bool(self.is_mounted and self.size.height >= 30)
        lines = form_lines(self._fields, self._marked, self._new, _ROWS[tall], TEXT_WIDTH)
        heading = wrap(self._heading, TEXT_WIDTH, Look.STRONG)
        return [*heading[:1], *lines, *wrap(_FORM_HELP, TEXT_WIDTH, Look.MUTED)]

    def ask(self) -> Inquiry[RiskPreview] | None:
        """Ask about all changes together."""
        return self.desk.ask.preview(self.changes()) if self._new else None

    def changes(self) -> Mapping[str, str]:
        """Return what was typed, by the engine's own names."""
        return {self.desk.name_at_the_engine(key): value for key, value in self._new.items()}

    def move(self, by: int) -> None:
        """Take another setting into the field."""
        self._marked = min(max(0, self._marked + by), max(0, len(self._fields) - 1))
        with self._value.prevent(Input.Changed):
            self._value.value = self._marked_value()
        self._value.select_all()  # as on focus: what is typed next takes its place
        self.update(self.desk.view)

    def on_input_changed(self) -> None:
        """Keep what is typed, unless it is what there was."""
        if self._fields:
            field, typed = self._fields[self._marked], self._value.value.strip()
            self._new.pop(field.key, None)
            if typed != field.value:
                self._new[field.key] = typed
            self.update(self.desk.view)

    def _marked_value(self) -> str:
        if not self._fields:
            return ""
        field = self._fields[self._marked]
        return self._new.get(field.key, field.value)


class ChangeLimitsDialog(FormDialog):
    """Change limits."""

    TITLE_TEXT = "CHANGE THE LIMITS"

    def __init__(self, desk: Desk) -> None:
        limit = desk.risk_pane.selected_limit
        fields = risk_fields(desk.effective, desk.risk.limits)
        super().__init__(desk, fields, limit.key if limit is not None else "")


class ChangeStrategyDialog(FormDialog):
    """Change the parameters of one strategy."""

    TITLE_TEXT = "CHANGE PARAMETERS"

    def __init__(self, desk: Desk) -> None:
        line, parameter = desk.strategy_pane.selected, desk.strategy_pane.selected_parameter
        assert line is not None, "the command is available only with a row under the cursor"
        first = parameter.key if parameter is not None else ""
        super().__init__(desk, parameter_fields(line.parameters), first, line.id)


class PresetDialog(ChangeDialog):
    """Fill all limits at once."""

    TITLE_TEXT = "FILL THE LIMITS FROM A PRESET"
    AUTO_FOCUS = "#presets"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._presets = desk.risk.presets

    def questions(self) -> Sequence[Widget]:
        """The presets there are."""
        if not self._presets:
            return ()
        options = [Option(name, name) for name in self._presets]
        presets = OneOf("presets", options, options[0].value)
        presets.add_class("chooser")
        return (presets,)

    def choosing(self) -> Sequence[Line]:
        """Say what a preset is."""
        if not self._presets:
            return wrap("There is no preset.", TEXT_WIDTH, Look.MUTED)
        text = "A preset fills every limit. Enter shows what it would change; nothing is saved before that."
        return wrap(text, TEXT_WIDTH)

    def ask(self) -> Inquiry[RiskPreview] | None:
        """Ask what the chosen one would change."""
        return self.desk.ask.preset(self.query_one("#presets", OneOf).value) if self._presets else None

    def move(self, by: int) -> None:
        """Choose another one, wherever the focus is."""
        if self._presets:
            self.query_one("#presets", OneOf).action_move(by)


class ManualDialog(ChangeDialog):
    """Count manual positions, or not: there is nothing to choose."""

    TITLE_TEXT = "MANUAL POSITIONS"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._new = "false" if desk.risk.include_manual_positions else "true"
        self._preview = self.ask()

    def ask(self) -> Inquiry[RiskPreview] | None:
        """Ask what the other way would do."""
        return self.desk.ask.preview(self.changes())

    def changes(self) -> Mapping[str, str]:
        """Return the other way."""
        return {MANUAL: self._new}

    def choosing(self) -> Sequence[Line]:
        """There is nothing to choose."""
        return ()

    def text(self, view: EngineView) -> Sequence[Line]:
        """Say what it means, above what it would do."""
        way = "count" if self._new == "true" else "not count"
        sentence = (
            f"Positions that no strategy opened would {way} towards the open positions. "
            "The caps of an asset and of the open risk see them in any case."
        )
        return [*wrap(sentence, TEXT_WIDTH), EMPTY, *super().text(view)]
