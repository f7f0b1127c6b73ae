"""A configuration as a list of keys."""

from collections.abc import Iterator, Mapping

import msgspec

from krakked_tui.config.problems import Path
from krakked_tui.config.schema import AppConfig
from krakked_tui.strategies.catalogue import BUILT_IN, Catalogue
from krakked_tui.strategies.settings import StrategySettings


def flatten(config: AppConfig, catalogue: Catalogue = BUILT_IN) -> Iterator[tuple[Path, object]]:
    """Yield every key with its value, in the order of the schema: None where what may be left out is.

    Strategies have all parameters that their types in the catalogue declare.
    """
    yield from _section(config, (), catalogue)


def _section(section: msgspec.Struct, path: Path, catalogue: Catalogue) -> Iterator[tuple[Path, object]]:
    for name in section.__struct_fields__:
        here, value = (*path, name), getattr(section, name)
        if isinstance(section, StrategySettings) and name == "id":
            continue  # the name of its table
        if isinstance(section, StrategySettings) and name == "params":
            value = _parameters(section, catalogue)
        yield from _value(value, here, catalogue)


def _value(value: object, path: Path, catalogue: Catalogue) -> Iterator[tuple[Path, object]]:
    if isinstance(value, msgspec.Struct):
        yield from _section(value, path, catalogue)
    elif isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _value(inner, (*path, name), catalogue)
    else:
        yield path, value


def _parameters(settings: StrategySettings, catalogue: Catalogue) -> Mapping[str, object]:
    """Return all parameters of a strategy, those that nobody gave at their defaults."""
    declared = catalogue.parameters_of(settings.type)
    if declared is None:
        return settings.params
    return msgspec.structs.asdict(msgspec.convert(settings.params, declared))
