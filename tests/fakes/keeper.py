"""Settings that are kept in memory, for doors that change limits and strategies."""

from collections.abc import Mapping

import msgspec

from krakked_tui.config.changes import Changed, Previewed
from krakked_tui.config.schema import AppConfig, StrategiesSettings
from krakked_tui.control.settings_view import SettingsView
from krakked_tui.control.strategy_view import ParameterLine
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.decision.events import Replaced
from krakked_tui.domain.errors import ConfigError, RefusedError
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.strategies.catalogue import BUILT_IN, build_set
from krakked_tui.strategies.loaded import StrategySet
from krakked_tui.strategies.settings import StrategySettings


class MemoryKeeper:
    """Implements ``control.local.SettingsDoor``. Of ``risk`` only numbers can be changed."""

    def __init__(
        self, *strategies: StrategySettings, disabled: tuple[StrategySettings, ...] = (),
        risk: RiskSettings | None = None, read_only: bool = False,
    ) -> None:  # fmt: skip
        self.config = AppConfig(
            risk=risk or RiskSettings(),
            strategies=StrategiesSettings(
                enabled=tuple(each.id for each in strategies),
                configs={each.id: each for each in (*strategies, *disabled)},
            ),
        )
        self.changes: list[tuple[str, str]] = []
        self.asked: list[Mapping[str, str]] = []
        """Changes of several keys, in the order they were asked for."""
        self.built = build_set(self.config.strategies.active, BUILT_IN)
        self.problem = ""
        """Refuses every change."""
        self._ui = UiSettings(read_only=read_only)

    def view(self) -> SettingsView:
        return SettingsView(mode="paper", profile="paper", ui=self._ui)

    def change(self, key: str, value: str) -> str:
        if key == "risk.max_open_positions":
            raise RefusedError(f"{key} cannot be changed now")
        self.changes.append((key, value))
        return f"{key} is now {value}"

    def strategies(self) -> StrategySet:
        return self.built

    def parameters(self) -> dict[str, tuple[ParameterLine, ...]]:
        return {
            name: (ParameterLine(f"strategies.configs.{name}.weight", "weight", "1", "1", "any", "Text."),)
            for name in self.config.strategies.configs
        }

    def preview(self, changes: Mapping[str, str]) -> Previewed:
        try:
            after, replaced = self._after(changes)
        except ConfigError as error:
            return Previewed(problems=error.problems)
        return Previewed(replaced, (), after.risk, after.strategies.active)

    def change_many(self, changes: Mapping[str, str]) -> Changed:
        self.asked.append(dict(changes))
        if self.problem:
            raise RefusedError(self.problem)
        self.config, replaced = self._after(changes)
        return self._changed(replaced)

    def enable(self, strategy_id: str, *, enabled: bool) -> Changed:
        if strategy_id not in self.config.strategies.configs:
            raise RefusedError(f"there is no strategy {strategy_id!r}")
        before = self.config.strategies
        ids = [each for each in before.enabled if each != strategy_id] + ([strategy_id] if enabled else [])
        if set(ids) == set(before.enabled):
            return self._changed(())
        after = msgspec.structs.replace(before, enabled=tuple(ids))
        self.config = msgspec.structs.replace(self.config, strategies=after)
        return self._changed(
            (Replaced("strategies.enabled", _listed(before.enabled), _listed(after.enabled)),)
        )

    def _changed(self, replaced: tuple[Replaced, ...]) -> Changed:
        self.built = build_set(self.config.strategies.active, BUILT_IN)
        told = "; ".join(f"{each.key}: {each.old} -> {each.new}" for each in replaced) or "nothing changed"
        return Changed(told, self.config.risk, self.config.strategies.active, self.built, replaced)

    def _after(self, changes: Mapping[str, str]) -> tuple[AppConfig, tuple[Replaced, ...]]:
        replaced: list[Replaced] = []
        config = self.config
        for key, text in changes.items():
            if key == "strategies.enabled":
                ids = tuple(msgspec.json.decode(text, type=list[str]))
                old = _listed(config.strategies.enabled)
                strategies = msgspec.structs.replace(config.strategies, enabled=ids)
                config = msgspec.structs.replace(config, strategies=strategies)
                replaced.append(Replaced(key, old, text))
                continue
            name = key.removeprefix("risk.")
            try:
                kind = type(getattr(config.risk, name))
                risk = msgspec.structs.replace(config.risk, **{name: kind(text)})
            except (ValueError, ArithmeticError) as error:
                raise ConfigError([f"{key} is {text}: allowed is a number"]) from error
            old = str(getattr(config.risk, name))
            config = msgspec.structs.replace(config, risk=risk)
            if old != text:
                replaced.append(Replaced(key, old, text))
        return config, tuple(replaced)


def _listed(names: tuple[str, ...]) -> str:
    return msgspec.json.encode(names).decode()
