"""Dialogs about one setting: read it in full, or change it."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from krakked_tui.control.commands import ChangeSetting
from krakked_tui.control.settings_view import SettingRow
from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import Desk
from krakked_tui.tui.dialogs.base import TEXT_WIDTH, Dialog
from krakked_tui.tui.rows.line import Line
from krakked_tui.tui.rows.settings import CHOICES, change_lines, setting_lines
from krakked_tui.tui.text import clean
from krakked_tui.tui.widgets.choice import Choice
from krakked_tui.tui.widgets.one_of import OneOf, Option

VALUE_MAX = 60
"""Characters that can be typed for one value."""


class SettingDialog(Dialog):
    """One setting in full."""

    TITLE_TEXT = "SETTING"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._setting = _selected(desk)

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Show key, value, origin."""
        return setting_lines(self._setting, TEXT_WIDTH)


class ChangeSettingDialog(Dialog):
    """One of the allowed values; nothing is sent before it is confirmed."""

    TITLE_TEXT = "CHANGE A SETTING"
    AUTO_FOCUS = "#values"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "yes", show=False),
        Binding("n", "close", "no", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._setting = _selected(desk)
        self.values = _values(self._setting)

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Show old and new."""
        return change_lines(self._setting, self._new, TEXT_WIDTH)

    @property
    def _new(self) -> str:
        """The value as TOML."""
        value = self.values.value
        if isinstance(self.values, Input):
            typed = clean(value).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{typed}"'
        return value

    def questions(self) -> Sequence[Widget]:
        """The allowed values."""
        return (self.values,)

    def choices(self) -> Sequence[Choice]:
        """No first, then yes."""
        return (Choice("cancel", "Keep (n)"), Choice("confirm", "Change (y)"))

    def on_one_of_changed(self) -> None:
        """Show the other value."""
        self.update(self.desk.view)

    def on_input_changed(self) -> None:
        """Show the other value."""
        self.update(self.desk.view)

    def on_input_submitted(self) -> None:
        """Enter in the field takes what was typed."""
        self.action_confirm()

    def on_one_of_submitted(self) -> None:
        """Enter on a value takes it."""
        self.action_confirm()

    def action_confirm(self) -> None:
        """Send it, if it is another value."""
        self.dismiss()
        key, new = self._setting.key, self._new
        if new != self._setting.value:
            self.desk.submit(ChangeSetting(key, new), f"{key} = {new}")


def _values(setting: SettingRow) -> OneOf | Input:
    """Return what a value is chosen with, or typed into."""
    if setting.key in CHOICES:
        options = [Option(value, value) for value in CHOICES[setting.key]]
        return OneOf("values", options, setting.value, rows=6)
    return Input(setting.value.strip("\"'"), id="values", compact=True, max_length=VALUE_MAX)


def _selected(desk: Desk) -> SettingRow:
    setting = desk.selected_setting
    assert setting is not None, "the command is available only with a row under the cursor"
    return setting
