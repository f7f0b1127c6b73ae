"""Changing limits and strategies while the engine runs: which keys, from what text, and what came of it."""

import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from krakked_tui.config.flat import flatten
from krakked_tui.config.load import Loaded
from krakked_tui.config.problems import printable
from krakked_tui.config.schema import AppConfig
from krakked_tui.config.show import as_toml
from krakked_tui.decision.events import Replaced
from krakked_tui.domain.errors import ConfigError, RefusedError
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.strategies.loaded import StrategySet
from krakked_tui.strategies.settings import StrategySettings

CHANGES_MAX = 200
VALUE_MAX = 2000
_SECTIONS = ("risk", "strategies")
_FIXED = ("id", "type", "tag", "userref")


class Changed(msgspec.Struct, frozen=True):
    """What a change of settings made: what the engine takes over, and what is new, for the record.

    ``strategies`` are the settings of those that are to run, ``built`` the strategies made of them.
    """

    message: str
    risk: RiskSettings
    strategies: tuple[StrategySettings, ...]
    built: StrategySet
    changes: tuple[Replaced, ...]


class Previewed(msgspec.Struct, frozen=True):
    """What a change of settings would make. ``problems`` forbid it; then ``risk`` is None."""

    changes: tuple[Replaced, ...] = ()
    problems: tuple[str, ...] = ()
    risk: RiskSettings | None = None
    strategies: tuple[StrategySettings, ...] = ()


def read_changes(changes: Mapping[str, str], config: AppConfig) -> dict[str, Any]:
    """Return the values by dotted key, None where a key is to be as it is without the change.

    Raises ``RefusedError`` for keys that cannot be changed now, ``ConfigError`` for what is no TOML value;
    whether the values are allowed is not looked at.
    """
    if len(changes) > CHANGES_MAX:
        raise RefusedError(f"{len(changes)} changes at once are too many: at most {CHANGES_MAX}")
    if refusals := list(_refusals(changes, config)):
        raise RefusedError(" ".join(refusals))
    return {key: read_text(key, text) for key, text in changes.items()}


def read_text(key: str, text: str) -> Any:  # noqa: ANN401 - whatever TOML holds
    """Read a value as TOML writes it; None for none. Raises ``ConfigError``."""
    if not text.strip():
        return None
    if len(text) > VALUE_MAX:
        raise ConfigError([f"{key}: the value is longer than {VALUE_MAX} characters"])
    try:
        document = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except (ValueError, RecursionError):
        document = {}
    if set(document) != {"value"}:
        raise ConfigError([f"{key}: {printable(text, 80)} is no TOML value: write text in quotes"])
    return document["value"]


def replaced(before: Loaded, after: Loaded) -> tuple[Replaced, ...]:
    """Say what differs below ``risk`` and ``strategies``; texts are TOML, empty where nothing is set."""
    old, new = _values(before), _values(after)
    keys = [*old, *(key for key in new if key not in old)]
    return tuple(
        Replaced(key, old.get(key, ""), new.get(key, "")) for key in keys if old.get(key) != new.get(key)
    )


def shadowed(changes: Mapping[str, Any], after: Loaded, overlay: str) -> Iterator[str]:
    """Say which keys are kept in the overlay, but come from elsewhere in this run."""
    for key, value in changes.items():
        origin = after.origins.get(key, overlay)
        if value is not None and origin != overlay:
            yield f"{key} is kept, but {origin} overrides it in this run"


def _values(loaded: Loaded) -> dict[str, str]:
    return {
        ".".join(path): as_toml(value)
        for path, value in flatten(loaded.config, loaded.catalogue)
        if path[0] in _SECTIONS and value is not None
    }


def _refusals(changes: Mapping[str, str], config: AppConfig) -> Iterator[str]:
    for key in changes:
        section, *names = key.split(".")
        shown = printable(key, 80)
        if section not in _SECTIONS or not names:
            yield f"{shown} cannot be changed while the engine runs: keys below risk and strategies can."
        elif section == "strategies" and names[0] == "configs":
            yield from _strategy_refusals(shown, names[1:], config)


def _strategy_refusals(shown: str, names: list[str], config: AppConfig) -> Iterator[str]:
    if len(names) < 2:
        yield f"{shown} cannot be changed as a whole: change the keys below it."
    elif names[0] not in config.strategies.configs:
        yield f"{shown} is of no strategy that is configured: write it to the configuration and start anew."
    elif names[1] in _FIXED:
        yield f"{shown} is fixed while the engine runs: change it in the configuration and start anew."
