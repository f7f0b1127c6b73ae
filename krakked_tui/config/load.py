"""Reading configuration: layers merged key by key, every problem reported together.

Precedence, lowest first: defaults, ``config.toml``, ``config.<profile>.toml``, environment
variables ``KRAKKED__SECTION__KEY``. Each problem names the key, where it came from, what is
allowed, and the nearest valid key.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from krakked_tui.config.schema import DEFAULT_CONFIGS, AppConfig
from krakked_tui.domain.errors import ConfigError
from krakked_tui.strategies.settings import StrategySettings

ENVIRONMENT_PREFIX = "KRAKKED__"

Values = dict[str, Any]


class Layer(msgspec.Struct, frozen=True):
    """Values of one origin (a file's path, or "environment")."""

    origin: str
    values: Values


def load(sources: Sequence[Path | Layer], environment: Mapping[str, str]) -> AppConfig:
    """Read the sources, later ones winning, then the environment.

    A file that does not exist counts as empty. Raises ``ConfigError`` with every problem found.
    """
    problems: list[str] = []
    layers = [s if isinstance(s, Layer) else _from_file(s, problems) for s in sources]
    return build([*layers, Layer("environment", _from_environment(environment, problems))], problems)


def _from_file(path: Path, problems: list[str]) -> Layer:
    values: Values = {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}: not valid TOML: {error}")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path}: cannot be read: {error}")
    return Layer(str(path), values)


def build(layers: Sequence[Layer], problems: Sequence[str] = ()) -> AppConfig:
    """Merge layers, later ones winning, into a checked configuration."""
    merged: Values = {}
    origins: dict[tuple[str, ...], str] = {}
    for layer in layers:
        _merge(merged, layer.values, (), layer.origin, origins)
    reader = _Reader(origins, list(problems))
    config = reader.read(AppConfig, merged, ())
    if reader.problems:
        raise ConfigError(reader.problems)
    assert isinstance(config, AppConfig)
    missing = [name for name in config.strategies.enabled if name not in config.strategies.configs]
    if missing:
        known = ", ".join(sorted(config.strategies.configs))
        raise ConfigError([f"strategies.enabled names {name!r}; configured are: {known}" for name in missing])
    return config


def _merge(
    into: Values, values: Values, path: tuple[str, ...], origin: str, origins: dict[tuple[str, ...], str]
) -> None:
    for key, value in values.items():
        here = (*path, key)
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value, here, origin, origins)
        else:
            into[key] = {} if isinstance(value, dict) else value
            origins[here] = origin
            if isinstance(value, dict):
                _merge(into[key], value, here, origin, origins)


def _from_environment(environment: Mapping[str, str], problems: list[str]) -> Values:
    values: Values = {}
    for name, text in sorted(environment.items()):
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        *sections, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        table: Any = values
        for section in sections:
            table = table.setdefault(section, {}) if isinstance(table, dict) else None
        if not isinstance(table, dict) or isinstance(table.get(key), dict):
            problems.append(
                f"environment: {name} is a key inside another variable's value: unset one of them"
            )
            continue
        table[key] = _as_toml(text)
    return values


def _as_toml(text: str) -> Any:  # noqa: ANN401 - whatever TOML holds
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        return text


class _Reader:
    """Converts tables into settings key by key, so that one mistake does not hide the next."""

    def __init__(self, origins: Mapping[tuple[str, ...], str], problems: list[str]) -> None:
        self._origins = origins
        self.problems = problems

    def read(self, kind: type[msgspec.Struct], table: Values, path: tuple[str, ...]) -> msgspec.Struct | None:
        """Return the settings of a table, None when it has problems (which are kept)."""
        before = len(self.problems)
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        values: Values = {}
        for key, value in table.items():
            if key not in fields:
                self._problem((*path, key), f"unknown key{_nearest(key, fields)}")
                continue
            values[key] = self._value(fields[key].type, value, (*path, key))
        if len(self.problems) > before:
            return None
        try:
            return kind(**values)
        except (ValueError, TypeError) as error:
            self._problem(path, str(error))
            return None

    def _value(self, kind: Any, value: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - any TOML value
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if not isinstance(value, dict):
                return self._problem(path, f"is {value!r}, must be a table: [{'.'.join(path)}]")
            return self.read(kind, value, path)
        if path == ("strategies", "configs"):
            return dict(self._strategies(value, path))
        whole = isinstance(value, int) and not isinstance(value, bool)
        try:
            return msgspec.convert(Decimal(value) if whole and kind is Decimal else value, kind)
        except msgspec.ValidationError as error:
            text = str(error)
            return self._problem(path, f"is {_shown(value)}: {text[0].lower()}{text[1:]}")

    def _strategies(self, value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, StrategySettings]]:  # noqa: ANN401
        if not isinstance(value, dict):
            self._problem(path, f"is {value!r}, must hold one table per strategy")
            return
        yield from ((name, settings) for name, settings in DEFAULT_CONFIGS.items() if name not in value)
        for strategy_id, table in value.items():
            if not isinstance(table, dict):
                self._problem((*path, strategy_id), f"is {table!r}, must be a table")
                continue
            default = DEFAULT_CONFIGS.get(strategy_id)
            base = {"type": default.type, "timeframes": list(default.timeframes)} if default else {}
            settings = self.read(StrategySettings, {"id": strategy_id, **base, **table}, (*path, strategy_id))
            if isinstance(settings, StrategySettings):
                yield strategy_id, settings

    def _problem(self, path: tuple[str, ...], what: str) -> None:
        origin = next(
            (self._origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._origins), ""
        )
        self.problems.append(f"{origin}: {'.'.join(path)} {what}" if origin else f"{'.'.join(path)} {what}")


def _shown(value: object) -> str:
    return str(value) if isinstance(value, Decimal) else repr(value)


def _nearest(key: str, fields: Mapping[str, object]) -> str:
    close = get_close_matches(key, fields, n=1)
    return f"; did you mean {close[0]}?" if close else f"; allowed are: {', '.join(sorted(fields))}"
