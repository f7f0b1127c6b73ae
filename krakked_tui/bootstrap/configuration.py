"""A profile's configuration: which files, in which order."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from krakked_tui.config.layers import read_file
from krakked_tui.config.load import Layer, Loaded, load
from krakked_tui.config.places import Places
from krakked_tui.config.problems import Findings
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


def read_configuration(sources: Sources) -> Loaded:
    """Read it. Raises ``ConfigError`` with every problem."""
    where = sources.where
    if where.override is not None and not where.override.exists():
        raise ConfigError([f"{where.override} does not exist: check the path given with --config"])
    return load_layers(sources, [where.config_file, where.profile_file(sources.profile), where.runtime])


def load_layers(sources: Sources, layers: Sequence[Path | Layer]) -> Loaded:
    """Read files, or what they said before, between the mode's defaults and the environment.

    Raises ``ConfigError`` with every problem.
    """
    defaults = [] if sources.defaults is None else [sources.defaults]
    command_line = Layer(COMMAND_LINE, _nested(sources.command_line))
    return load([*defaults, *layers], sources.environment, command_line)


def read_files(sources: Sources) -> tuple[tuple[Layer, ...], Layer]:
    """Return what the files say now: those of the operator, and the runtime overlay.

    Raises ``ConfigError`` when one cannot be read.
    """
    where, findings = sources.where, Findings()
    below = [read_file(path, findings) for path in (where.config_file, where.profile_file(sources.profile))]
    overlay = read_file(where.runtime, findings)
    findings.refuse_any()
    return tuple(layer for layer in below if layer is not None), overlay or Layer(str(where.runtime), {})


def with_value(layer: Layer, dotted: str, value: object) -> Layer:
    """Return a layer in which one key has another value."""
    *sections, key = dotted.split(".")
    values = copy.deepcopy(layer.values)
    table = values
    for section in sections:
        table = table.setdefault(section, {})
    table[key] = value
    return Layer(layer.origin, values)


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for dotted, value in flat.items():
        *sections, key = dotted.split(".")
        table = values
        for section in sections:
            table = table.setdefault(section, {})
        table[key] = value
    return values
