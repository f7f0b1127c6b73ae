"""Every layer by itself against the schema: each value that is fine, and every one that is not.

Layers are checked before they are merged, so that no layer hides the mistakes of another.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from krakked_tui.config.layers import Layer, Values
from krakked_tui.config.plaintext_secrets import REFUSAL, is_secret_amount, secrets_within
from krakked_tui.config.problems import Findings, Path, dotted, nearest, shown
from krakked_tui.config.renamed import Renamed
from krakked_tui.config.schema import DEFAULT_CONFIGS, DEFAULT_STRATEGY, AppConfig
from krakked_tui.config.values import (
    BadValueError,
    Kind,
    is_section,
    is_table,
    limits_of,
    names_of,
    read_value,
    takes_decimal,
)
from krakked_tui.strategies.settings import StrategySettings


class Given(msgspec.Struct):
    """What all layers together say: of every key the value that counts, with its origin.

    ``tables`` are the named tables that are given, with their origin; ``bad`` are the keys that some
    layer got wrong.
    """

    values: dict[Path, tuple[Any, str]] = {}
    tables: dict[Path, str] = {}
    bad: set[Path] = set()

    def origin(self, path: Path) -> str:
        """Say where a key's value comes from, or the first one below it; empty when nobody gave it."""
        if path in self.values:
            return self.values[path][1]
        below = (at for key, (_, at) in self.values.items() if key[: len(path)] == path)
        return next(below, self.tables.get(path, ""))

    def blamed(self, path: Path) -> str:
        """Say who is to blame for a problem of a key: its origin, or that of the table it is missing in."""
        tables = (self.tables.get(path[:end], "") for end in range(len(path) - 1, 0, -1))
        return self.origin(path) or next(filter(None, tables), "")

    def is_bad(self, path: Path) -> bool:
        """Say whether a key, or one below or above it, was got wrong."""
        return any(bad[: len(path)] == path or path[: len(bad)] == bad for bad in self.bad)


def settable(kind: type[msgspec.Struct]) -> dict[str, Kind]:
    """Return the keys of a section with their types. A strategy's id is the name of its table."""
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    if kind is StrategySettings:
        del fields["id"]
    return fields


def read_layers(layers: Iterable[Layer], findings: Findings, renamed: Sequence[Renamed]) -> Given:
    """Check the layers and merge what is fine in them, later ones winning key by key."""
    given = Given()
    for layer in layers:
        _LayerReader(layer, given, findings, renamed).section(AppConfig, layer.values, ())
    return given


class _LayerReader:
    def __init__(self, layer: Layer, given: Given, findings: Findings, renamed: Sequence[Renamed]) -> None:
        self._origin = layer.origin
        self._meant = layer.meant
        self._given = given
        self._findings = findings
        self._new_names: Mapping[str, str] = {entry.old: entry.new for entry in renamed}

    def section(self, kind: type[msgspec.Struct], table: Values, path: Path) -> None:
        """Read a table with declared keys."""
        fields = settable(kind)
        for key, value in table.items():
            here = (*path, key)
            if key in fields and is_table(fields[key]) and isinstance(value, dict):
                self._table(kind, fields[key], value, here)
            elif self._is_harmless(here, value):
                if key in fields:
                    self._value(kind, fields[key], value, here)
                else:
                    self._unknown(here, fields)

    def _is_harmless(self, path: Path, value: object) -> bool:
        harmless = True
        for place in secrets_within(path, value):
            self._bad(place, REFUSAL)
            harmless = False
        return harmless

    def _table(self, owner: type[msgspec.Struct], kind: Kind, table: Values, path: Path) -> None:
        inner = names_of(kind)
        if inner is None:
            self.section(kind, table, path)
            return
        self._given.tables.setdefault(path, self._origin)
        for name, value in table.items():
            here = (*path, name)
            if is_section(inner):
                self._named(inner, value, here)
            elif (takes_decimal(inner) and not is_secret_amount(here, value)) or self._is_harmless(
                here, value
            ):
                self._leaf(inner, value, here, owner, len(path) - 1)

    def _named(self, kind: type[msgspec.Struct], value: object, path: Path) -> None:
        """Read the table of one strategy."""
        id_type = next(field.type for field in msgspec.structs.fields(kind) if field.name == "id")
        if not isinstance(value, dict):
            if self._is_harmless(path, value):
                self._bad(path, f"is {shown(value)}: must be a table, [{dotted(path)}]")
            return
        try:
            msgspec.convert(path[-1], id_type)
        except msgspec.ValidationError:
            self._bad(
                path, "is no name of a strategy: use 3 to 40 lowercase letters, digits and _, a letter first"
            )
            return
        self._given.tables.setdefault(path, self._origin)
        self.section(kind, value, path)

    def _value(self, owner: type[msgspec.Struct], kind: Kind, value: object, path: Path) -> None:
        if is_table(kind):
            self._bad(path, f"is {shown(value)}: must be a table, [{dotted(path)}]")
        else:
            self._leaf(kind, value, path, owner, len(path) - 1)

    def _leaf(self, kind: Kind, value: object, path: Path, owner: type[msgspec.Struct], depth: int) -> None:
        """Read one value; ``owner`` declares the part of its key at ``depth``."""
        try:
            # What a strategy's parameters may be is known when its type is.
            limits = _limits(owner, path[depth:]) if takes_decimal(kind) else ""
            read = value if kind is object else read_value(value, kind, limits=limits)
        except BadValueError as error:
            self._bad(path, str(error))
        else:
            self._given.values[path] = (read, self._origin)

    def _unknown(self, path: Path, fields: Mapping[str, object]) -> None:
        if self._findings.full:
            return self._bad(path, "")
        what = "key" if path[:-1] else "section"
        new = self._new_names.get(".".join(path))
        if new is not None:
            return self._bad(path, f"was renamed to {new}: run krakked-tui config migrate")
        if self._meant:
            return self._bad(path, f"is no known {what}; did you mean {self._meant}?")
        close = nearest(path[-1], fields)
        if close is not None:
            return self._bad(path, f"is no known {what}; did you mean {dotted((*path[:-1], close))}?")
        return self._bad(path, f"is no known {what}; known are {', '.join(sorted(fields))}")

    def _bad(self, path: Path, text: str) -> None:
        self._given.bad.add(path)
        self._findings.add(path, self._origin, text)


def _limits(owner: type[msgspec.Struct], names: Path) -> str:
    """Say what a section allows for one of its amounts beyond its type."""
    others = msgspec.structs.asdict(DEFAULT_CONFIGS[DEFAULT_STRATEGY]) if owner is StrategySettings else {}
    return limits_of(owner, names, others)
