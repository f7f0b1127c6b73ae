"""The settings of a running session: what is shown of them, and the few that change while it runs."""

import hashlib
import sqlite3
import sys
import threading
import tomllib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from krakked_tui import __version__
from krakked_tui.bootstrap.configuration import Sources, load_layers, read_files, with_value
from krakked_tui.config.load import Layer, Loaded
from krakked_tui.config.overlay import change_overlay
from krakked_tui.config.schema import AppConfig
from krakked_tui.config.show import effective
from krakked_tui.control.settings_view import CredentialsView, SettingRow, SettingsView
from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.errors import ConfigError, RefusedError
from krakked_tui.storage.sqlite import load_migrations

CHANGEABLE = (
    "ui.theme", "ui.refresh_hz", "ui.on_terminal_loss", "ui.confirm_destructive", "ui.timezone",
)  # fmt: skip
"""What takes effect at once when it is changed; everything else needs a start."""
VALUE_MAX = 200


class SettingsKeeper:
    """Implements ``control.local.SettingsDoor``. Methods may be called from any thread.

    ``announce`` tells the operator and the log of a change.
    """

    def __init__(self, sources: Sources, loaded: Loaded, *, mode: str, exchange: str) -> None:
        """``loaded`` is what was read from the sources for this run."""
        self._sources = sources
        self._loaded = loaded
        # Files may change meanwhile: what they say then is for the next start.
        self._below, self._overlay = read_files(sources)
        self._mode = mode
        self._exchange = exchange
        self._credentials = CredentialsView()
        self._changing = threading.Lock()
        self.announce: Callable[[Log], object] = lambda _line: None
        self._view = self._look()

    @property
    def config(self) -> AppConfig:
        """The configuration in force."""
        return self._loaded.config

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed in the configuration, but unwise."""
        return self._loaded.warnings

    def view(self) -> SettingsView:
        """What the screen shows."""
        return self._view

    def credentials(self, view: CredentialsView) -> None:
        """Take in what became known of the credentials."""
        self._credentials = view
        self._view = self._look()

    def change(self, key: str, value: str) -> str:
        """Change a setting and keep it in the runtime overlay; returns what came of it.

        Raises ``RefusedError`` for a key that cannot be changed now, ``ConfigError`` for a bad value and
        ``StorageError``; then everything is as before. Blocks on the disk.
        """
        if key not in CHANGEABLE:
            raise RefusedError(f"{key[:80]!r} cannot be changed now; these can: {', '.join(CHANGEABLE)}")
        parsed = _parsed(key, value)
        runtime = self._sources.where.runtime
        with self._changing:
            before = self._shown(key)
            overlay = with_value(self._overlay, key, parsed)
            loaded = self._load(overlay)
            change_overlay(runtime, {key: parsed}, self._load)
            self._overlay, self._loaded = overlay, loaded
            self._view = self._look()
            after, origin = self._shown(key), loaded.origins.get(key, "")
        if origin != str(runtime):
            return f"{key} is kept, but {origin} overrides it with {after} in this run"
        fields: dict[str, str | int | float | bool | None] = {"key": key, "before": before, "after": after}
        self.announce(Log(Level.INFO, "setting_changed", fields, f"{key}: {before} -> {after}"))
        return f"{key} is now {after}"

    def about(self) -> dict[str, str]:
        """Return what tells this configuration and the schema of the database from others."""
        told = "\n".join(f"{row.key} = {row.value}" for row in self._view.rows)
        return {
            "schema_version": str(len(load_migrations("journal"))),
            "config_fingerprint": hashlib.sha256(told.encode()).hexdigest()[:12],
        }

    def _load(self, overlay: Layer) -> Loaded:
        return load_layers(self._sources, [*self._below, overlay])

    def _shown(self, key: str) -> str:
        return next(row.value for row in self._view.rows if row.key == key)

    def _look(self) -> SettingsView:
        where, loaded = self._sources.where, self._loaded
        return SettingsView(
            mode=self._mode,
            profile=self._sources.profile,
            config=str(self._sources.config_file or ""),
            exchange=self._exchange,
            ui=loaded.config.ui,
            rows=tuple(
                SettingRow(row.key, row.value_toml, row.origin, row.key in CHANGEABLE)
                for row in effective(loaded)
            ),
            credentials=self._credentials,
            versions=(
                ("krakked-tui", __version__),
                ("database schema", str(len(load_migrations("journal")))),
                ("Python", ".".join(str(part) for part in sys.version_info[:3])),
                ("SQLite", sqlite3.sqlite_version),
            ),
            paths=(
                ("configuration", str(where.config_file)),
                ("changes made here", str(where.runtime)),
                ("secrets", str(where.secrets)),
                ("database", str(where.database)),
                ("candles", str(where.candles)),
                ("log", str(where.log)),
            ),
            warnings=loaded.warnings,
        )


def _parsed(key: str, value: str) -> Any:  # noqa: ANN401 - whatever TOML holds
    if len(value) > VALUE_MAX:
        raise ConfigError([f"{key}: the value is longer than {VALUE_MAX} characters"])
    try:
        document = tomllib.loads(f"value = {value}", parse_float=Decimal)
    except tomllib.TOMLDecodeError:
        document = {}
    if set(document) != {"value"}:
        raise ConfigError([f"{key}: {value!r} is no TOML value: write text in quotes"])
    return document["value"]
