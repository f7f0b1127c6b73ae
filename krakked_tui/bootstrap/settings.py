"""The settings of a running session: what is shown of them, and the few that change while it runs."""

import hashlib
import sqlite3
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from krakked_tui import __version__
from krakked_tui.bootstrap.configuration import Sources, load_layers, read_files, with_values
from krakked_tui.bootstrap.strategies import load_set
from krakked_tui.config.changes import Changed, Previewed, read_changes, read_text, replaced, shadowed
from krakked_tui.config.describe import describe_strategy
from krakked_tui.config.load import Layer, Loaded
from krakked_tui.config.overlay import change_overlay
from krakked_tui.config.schema import AppConfig
from krakked_tui.config.show import effective
from krakked_tui.control.settings_view import CredentialsView, SettingRow, SettingsView
from krakked_tui.control.strategy_view import ParameterLine
from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.errors import ConfigError, RefusedError
from krakked_tui.storage.sqlite import load_migrations
from krakked_tui.strategies.loaded import StrategySet

CHANGEABLE = (
    "ui.theme", "ui.refresh_hz", "ui.on_terminal_loss", "ui.confirm_destructive", "ui.timezone",
)  # fmt: skip
"""What takes effect at once when it is changed; everything else needs a start."""


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
        self._built: StrategySet | None = None
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
        parsed = read_text(key, value)
        if parsed is None:
            raise ConfigError([f"{key}: a value is missing"])
        runtime = self._sources.where.runtime
        with self._changing:
            before = self._shown(key)
            overlay = with_values(self._overlay, {key: parsed})
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

    def strategies(self) -> StrategySet:
        """The strategies that are to run. Runs the user's code the first time; never raises for it."""
        with self._changing:
            return self._strategies()

    def parameters(self) -> dict[str, tuple[ParameterLine, ...]]:
        """What can be set of every strategy that is configured, by id. Never waits."""
        loaded = self._loaded
        return {
            name: tuple(
                ParameterLine(
                    each.key, each.name, each.value, each.default, each.allowed, each.description,
                    each.changeable,
                )
                for each in describe_strategy(settings, loaded.catalogue)
            )
            for name, settings in loaded.config.strategies.configs.items()
        }  # fmt: skip

    def preview(self, changes: Mapping[str, str]) -> Previewed:
        """Say what ``change_many`` would do. Changes nothing, raises nothing, does not block on the disk."""
        try:
            with self._changing:
                _, after = self._changed(read_changes(changes, self.config))
        except ConfigError as error:
            return Previewed(problems=error.problems)
        except RefusedError as error:
            return Previewed(problems=(str(error),))
        config = after.config
        return Previewed(replaced(self._loaded, after), (), config.risk, config.strategies.active)

    def change_many(self, changes: Mapping[str, str]) -> Changed:
        """Change keys below ``risk`` and ``strategies`` together, all or none, and keep them.

        ``changes`` are TOML by dotted key, empty for what it is without a change. The caller hands the
        result to the engine. Blocks on the disk, and runs the user's code where it builds strategies.

        Raises:
            RefusedError: A key cannot be changed now.
            ConfigError: The configuration would not stand, or a strategy could not be built.
            StorageError: The change cannot be kept.
        """
        with self._changing:
            return self._change_many(read_changes(changes, self.config))

    def enable(self, strategy_id: str, *, enabled: bool) -> Changed:
        """Let a strategy run or not; also one that does, or does not, already. Raises as ``change_many``."""
        with self._changing:
            strategies = self.config.strategies
            if strategy_id not in strategies.configs:
                known = ", ".join(sorted(strategies.configs))
                raise RefusedError(f"there is no strategy {strategy_id[:80]!r}: configured are {known}")
            others = [name for name in strategies.enabled if name != strategy_id]
            wanted = [*others, strategy_id] if enabled else others
            if enabled is (strategy_id in strategies.enabled):
                wanted = list(strategies.enabled)
            return self._change_many({"strategies.enabled": wanted})

    def about(self) -> dict[str, str]:
        """Return what tells this configuration and the schema of the database from others."""
        told = "\n".join(f"{row.key} = {row.value}" for row in self._view.rows)
        return {
            "schema_version": str(len(load_migrations("journal"))),
            "config_fingerprint": hashlib.sha256(told.encode()).hexdigest()[:12],
        }

    def _change_many(self, values: Mapping[str, Any]) -> Changed:
        overlay, after = self._changed(values)
        built = load_set(after.config, after.catalogue)
        failed = {name: why for name, why in built.failed.items() if name not in self._strategies().failed}
        if failed:
            raise ConfigError([f"strategies.configs.{name}: {why}" for name, why in failed.items()])
        runtime = self._sources.where.runtime
        change_overlay(runtime, values, self._load)
        changes = replaced(self._loaded, after)
        self._overlay, self._loaded, self._built = overlay, after, built
        self._view = self._look()
        told = [f"{change.key}: {change.old or 'unset'} -> {change.new or 'unset'}" for change in changes]
        message = "; ".join([*told, *shadowed(values, after, str(runtime))]) or "nothing changed"
        for change, line in zip(changes, told, strict=True):
            fields: dict[str, str | int | float | bool | None] = {
                "key": change.key, "before": change.old, "after": change.new,
            }  # fmt: skip
            self.announce(Log(Level.INFO, "setting_changed", fields, line))
        config = after.config
        return Changed(message, config.risk, config.strategies.active, built, changes)

    def _changed(self, values: Mapping[str, Any]) -> tuple[Layer, Loaded]:
        overlay = with_values(self._overlay, values)
        return overlay, self._load(overlay)

    def _strategies(self) -> StrategySet:
        if self._built is None:
            self._built = load_set(self.config, self._loaded.catalogue)
        return self._built

    def _load(self, overlay: Layer) -> Loaded:
        return load_layers(self._sources, [*self._below, overlay], self._loaded.catalogue)

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
