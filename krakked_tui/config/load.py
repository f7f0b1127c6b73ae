"""Configuration from all its sources: one typed value, or every problem at once.

Precedence, lowest first: defaults, the sources in their order (``config.toml``,
``config.<profile>.toml``, ``runtime.toml``), ``KRAKKED__SECTION__KEY`` variables, the command line.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from krakked_tui.config.assemble import assemble
from krakked_tui.config.flat import flatten
from krakked_tui.config.layers import Layer, read_environment, read_file
from krakked_tui.config.problems import Findings, Problem
from krakked_tui.config.reader import Given, read_layers
from krakked_tui.config.renamed import RENAMED, Renamed
from krakked_tui.config.rules import ERRORS, find, warnings_with
from krakked_tui.config.schema import AppConfig
from krakked_tui.config.variables import ENVIRONMENT_PREFIX, overlooked
from krakked_tui.strategies.catalogue import BUILT_IN, Catalogue

__all__ = ["ENVIRONMENT_PREFIX", "Layer", "Loaded", "build", "load"]

DEFAULT = "default"


class Loaded(msgspec.Struct, frozen=True):
    """A configuration that stands.

    ``origins`` says of every dotted key where its value comes from: "default", a file's path,
    "environment KRAKKED__UI__THEME", "command line". ``warnings`` are sentences about what is allowed
    but unwise. ``files`` are those that were read, in the order of precedence. ``catalogue`` has the types
    of strategies that there were.
    """

    config: AppConfig
    origins: Mapping[str, str]
    warnings: tuple[str, ...]
    files: tuple[Path, ...]
    catalogue: Catalogue = BUILT_IN


def load(
    sources: Sequence[Path | Layer],
    environment: Mapping[str, str],
    command_line: Layer | None = None,
    *,
    renamed: Sequence[Renamed] = RENAMED,
    catalogue: Catalogue = BUILT_IN,
) -> Loaded:
    """Read and check all sources. A file that does not exist counts as empty.

    A strategy whose type the catalogue does not know is an error, unless something of the user's could not
    be loaded: then the type may be in there, and that strategy alone does not run.

    Raises ``InvalidConfigError``, a ``ConfigError``, with every problem found.
    """
    findings = Findings()
    files: list[Path] = []
    layers: list[Layer] = []
    for source in sources:
        layer = source if isinstance(source, Layer) else read_file(source, findings)
        if layer is None:
            continue
        layers.append(layer)
        if isinstance(source, Path):
            files.append(source)
    layers += read_environment(environment)
    if command_line is not None:
        layers.append(command_line)
    given = read_layers(layers, findings, renamed)
    config = assemble(given, findings, catalogue)
    for path, origin, text in find(ERRORS, config, given):
        findings.add(path, origin, text)
    findings.refuse_any()
    return Loaded(
        config=config,
        origins={".".join(path): given.origin(path) or DEFAULT for path, _ in flatten(config, catalogue)},
        warnings=(*_warnings(config, given, catalogue), *_not_read(environment)),
        files=tuple(files),
        catalogue=catalogue,
    )


def _warnings(config: AppConfig, given: Given, catalogue: Catalogue) -> Iterator[str]:
    for path, origin, text in find(warnings_with(catalogue), config, given):
        yield str(Problem.safe(path, origin, text))
    for failure in catalogue.failures:
        yield str(Problem.safe((), "", failure.sentence))


def _not_read(environment: Mapping[str, str]) -> Iterator[str]:
    for name, advice in overlooked(environment):
        yield str(Problem.safe((), f"environment {name}", f"is not read; {advice}"))


def build(layers: Sequence[Layer]) -> AppConfig:
    """Return the configuration that some layers make on top of the defaults."""
    return load(layers, {}).config
