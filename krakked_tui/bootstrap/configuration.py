"""A profile's configuration: which files, in which order."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from krakked_tui.bootstrap.strategies import load_catalogue
from krakked_tui.config.layers import read_file
from krakked_tui.config.load import Layer, Loaded, load
from krakked_tui.config.overlay import set_key
from krakked_tui.config.places import Places
from krakked_tui.config.problems import Findings
from krakked_tui.domain.errors import ConfigError
from krakked_tui.strategies.catalogue import BUILT_IN, Catalogue

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
    """Read it, with the user's own strategies. Raises ``ConfigError`` with every problem.

    Runs the code of the user's strategies. One that cannot be loaded is a warning.
    """
    where = sources.where
    if where.override is not None and not where.override.exists():
        raise ConfigError([f"{where.override} does not exist: check the path given with --config"])
    layers = [where.config_file, where.profile_file(sources.profile), where.runtime]
    return load_layers(sources, layers, load_catalogue(where.strategies))


def load_layers(sources: Sources, layers: Sequence[Path | Layer], catalogue: Catalogue = BUILT_IN) -> Loaded:
    """Read files, or what they said before, between the mode's defaults and the environment.

    ``catalogue`` has the types of strategies there are. Raises ``ConfigError`` with every problem.
    """
    defaults = [] if sources.defaults is None else [sources.defaults]
    command_line = Layer(COMMAND_LINE, _nested(sources.command_line))
    return load([*defaults, *layers], sources.environment, command_line, catalogue=catalogue)


def read_files(sources: Sources) -> tuple[tuple[Layer, ...], Layer]:
    """Return what the files say now: those of the operator, and the runtime overlay.

    Raises ``ConfigError`` when one cannot be read.
    """
    where, findings = sources.where, Findings()
    below = [read_file(path, findings) for path in (where.config_file, where.profile_file(sources.profile))]
    overlay = read_file(where.runtime, findings)
    findings.refuse_any()
    return tuple(layer for layer in below if layer is not None), overlay or Layer(str(where.runtime), {})


def with_values(layer: Layer, changes: Mapping[str, object]) -> Layer:
    """Return a layer in which some dotted keys have other values; None takes a key out.

    Raises ``ConfigError`` where a key lies below what is a value.
    """
    values = copy.deepcopy(layer.values)
    for dotted, value in changes.items():
        set_key(values, dotted, value)
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
