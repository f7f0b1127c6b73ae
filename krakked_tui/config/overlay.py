"""The runtime overlay: what was changed from the screen, kept in a file that programs write."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any

import tomli_w

from krakked_tui.config.layers import Layer, Values, read_file
from krakked_tui.config.problems import Findings
from krakked_tui.domain.errors import ConfigError
from krakked_tui.storage.files import replace_private_file, writing


def change_overlay(
    path: Path,
    changes: Mapping[str, Any],
    check: Callable[[Layer], object],
    *,
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Change keys (dotted) of the overlay at ``path``; None takes a key out again.

    ``check`` gets the overlay as it would be, and raises ``ConfigError`` to refuse it. Whatever is
    raised, the file is as it was. Writers in other threads and processes wait for each other; a crash
    leaves the old file or the new one. Blocks on the disk.

    Raises:
        ConfigError: The change is refused, or the overlay as it is cannot be read.
        RefusedError: Another writer has not come to an end for twenty seconds.
        StorageError: The file cannot be written.
    """
    with writing(path.with_name(f"{path.name}.lock"), pause=pause):
        _remove_remains(path)
        values = _read(path)
        for key, value in changes.items():
            set_key(values, key, value)
        layer = Layer(str(path), values)
        check(layer)
        replace_private_file(path, tomli_w.dumps(values).encode("utf-8"))


def _remove_remains(path: Path) -> None:
    """Remove what a writer that was killed left behind; under the lock there is no other writer."""
    for remains in path.parent.glob(f".{path.name}.*"):
        with suppress(OSError):
            remains.unlink()


def _read(path: Path) -> Values:
    findings = Findings()
    layer = read_file(path, findings)
    findings.refuse_any()
    return {} if layer is None else layer.values


def set_key(values: Values, key: str, value: object) -> None:
    """Set a dotted key in tables; None takes it out. Raises ``ConfigError`` where a part of it is a value."""
    *sections, name = key.split(".")
    table = values
    for section in sections:
        inner = table.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError([f"{key}: {section} is a value, not a table"])
        table = inner
    if value is None:
        table.pop(name, None)
    else:
        table[name] = value.value if isinstance(value, Enum) else value
