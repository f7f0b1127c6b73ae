"""A configuration as a list of keys."""

from collections.abc import Iterator, Mapping

import msgspec

from krakked_tui.config.problems import Path
from krakked_tui.config.schema import AppConfig
from krakked_tui.strategies.registry import STRATEGIES
from krakked_tui.strategies.settings import StrategySettings


def flatten(config: AppConfig) -> Iterator[tuple[Path, object]]:
    """Yield every key with its value, strategies' parameters included, in the order of the schema."""
    yield from _section(config, ())


def _section(section: msgspec.Struct, path: Path) -> Iterator[tuple[Path, object]]:
    for name in section.__struct_fields__:
        here, value = (*path, name), getattr(section, name)
        if isinstance(section, StrategySettings) and name == "id":
            continue  # the name of its table
        if isinstance(section, StrategySettings) and name == "params":
            value = _parameters(section)
        yield from _value(value, here)


def _value(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    if isinstance(value, msgspec.Struct):
        yield from _section(value, path)
    elif isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _value(inner, (*path, name))
    else:
        yield path, value


def _parameters(settings: StrategySettings) -> Mapping[str, object]:
    """Return all parameters of a strategy, those that nobody gave at their defaults."""
    for strategy in STRATEGIES:
        if strategy.type_name == settings.type:
            return msgspec.structs.asdict(msgspec.convert(settings.params, strategy.parameters_type))
    return settings.params
