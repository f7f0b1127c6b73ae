"""A profile's configuration: which files, in which order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from krakked_tui.config.load import Layer, Loaded, load
from krakked_tui.config.places import Places
from krakked_tui.domain.errors import ConfigError

COMMAND_LINE = "command line"


class Sources(msgspec.Struct, frozen=True):
    """Where one run's configuration comes from.

    ``defaults`` is a mode's own layer below everything the operator says; ``command_line`` has dotted
    keys.
    """

    where: Places
    profile: str
    environment: Mapping[str, str]
    defaults: Layer | None = None
    command_line: Mapping[str, Any] = {}

    @property
    def config_file(self) -> Path | None:
        """The file given with ``--config``."""
        return self.where.override


def read_configuration(sources: Sources, runtime: Layer | None = None) -> Loaded:
    """Read it; ``runtime`` replaces the runtime overlay. Raises ``ConfigError`` with every problem."""
    where = sources.where
    if where.override is not None and not where.override.exists():
        raise ConfigError([f"{where.override} does not exist: check the path given with --config"])
    layers: list[Path | Layer] = [] if sources.defaults is None else [sources.defaults]
    layers += [where.config_file, where.profile_file(sources.profile), runtime or where.runtime]
    return load(layers, sources.environment, Layer(COMMAND_LINE, _nested(sources.command_line)))


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for dotted, value in flat.items():
        *sections, key = dotted.split(".")
        table = values
        for section in sections:
            table = table.setdefault(section, {})
        table[key] = value
    return values
