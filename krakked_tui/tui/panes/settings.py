"""The settings pane: mode, credentials, versions and paths beside the effective configuration."""

from collections.abc import Set
from datetime import tzinfo

from textual.app import ComposeResult
from textual.containers import Container

from krakked_tui.control.settings_view import SettingRow, SettingsView
from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.rows.settings import SETTING_COLUMNS, fact_lines, setting_rows
from krakked_tui.tui.store import EVERYTHING, Topic
from krakked_tui.tui.widgets.facts import Facts
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.table import LiveTable

_SETTINGS = "settings-table"
_FACTS = "facts"
_NO_SETTINGS = "The engine has not said yet what is in force."
_SCROLLBAR = 2


class SettingsPane(Container):
    """Facts above or beside a table of settings; Tab changes between them."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__(id=PaneName.SETTINGS)
        self.zone = zone
        self._settings = SettingsView()
        self._news = True

    def compose(self) -> ComposeResult:
        """The table comes first for the keys, last for the eyes."""
        with Facts(id=_FACTS):
            yield Lines("fact-lines")
        yield LiveTable(_SETTINGS, SETTING_COLUMNS, "SETTING", _NO_SETTINGS)

    def take(self, settings: SettingsView) -> None:
        """Take the newest settings, to be shown with the next update."""
        if settings is not self._settings:
            self._settings, self._news = settings, True

    def update(self, _view: EngineView, dirty: Set[Topic]) -> None:
        """Show what changed."""
        if self._news or dirty == EVERYTHING:
            self._news = False
            width = max(0, self.query_one(f"#{_FACTS}").size.width - _SCROLLBAR)
            self.query_one("#fact-lines", Lines).show(fact_lines(self._settings, width, self.zone))
            self._table.show(setting_rows(self._settings))

    @property
    def selected(self) -> SettingRow | None:
        """The setting under the cursor."""
        key = self._table.selected
        return next((setting for setting in self._settings.rows if setting.key == key), None)

    @property
    def _table(self) -> LiveTable:
        return self.query_one(f"#{_SETTINGS}", LiveTable)
