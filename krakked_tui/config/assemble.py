"""Sections built from values that are each fine: what contradicts what inside one section.

A section checks itself where it is built and stops at its first problem. Here what a problem names is
set aside and the section built again, until it stands: so every problem is found, and one section's
problems hide nothing in another.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from krakked_tui.config.problems import Findings, Path, nearest, shown
from krakked_tui.config.reader import Given, settable
from krakked_tui.config.schema import DEFAULT_CONFIGS, AppConfig
from krakked_tui.config.values import BadValueError, Kind, is_section, names_of, read_value
from krakked_tui.domain.candles import Timeframe
from krakked_tui.strategies.catalogue import Catalogue
from krakked_tui.strategies.settings import StrategySettings

S = TypeVar("S", bound=msgspec.Struct)

_STAND_IN = {"type": "", "timeframes": (Timeframe.H1,)}
"""For what a strategy lacks; nothing starts on it, but other checks can go on."""


def assemble(given: Given, findings: Findings, catalogue: Catalogue) -> AppConfig:
    """Build the configuration; what cannot stand is a finding, marked bad, and left at its default."""
    return _Assembler(given, findings, catalogue).section(AppConfig, ())


class _Assembler:
    def __init__(self, given: Given, findings: Findings, catalogue: Catalogue) -> None:
        self._given = given
        self._findings = findings
        self._catalogue = catalogue

    def section(self, kind: type[S], path: Path) -> S:
        values: dict[str, Any] = {}
        for name, field in settable(kind).items():
            here = (*path, name)
            if is_section(field):
                values[name] = self.section(field, here)
            elif names_of(field) is not None:
                values |= self._names(field, here)
            elif here in self._given.values:
                values[name] = self._given.values[here][0]
        return self._build(kind, {}, values, path)

    def _names(self, kind: Kind, path: Path) -> dict[str, Any]:
        """Build a table whose keys are names; empty when nobody gave it."""
        if names_of(kind) is StrategySettings:
            return {path[-1]: self._strategies(path)}
        names = self._below(path)
        # A table that is empty only because all in it is wrong is not wrong once more.
        if path not in self._given.tables or (not names and self._given.is_bad(path)):
            return {}
        return {path[-1]: names}

    def _below(self, path: Path) -> dict[str, Any]:
        size = len(path)
        return {
            key[-1]: value
            for key, (value, _) in self._given.values.items()
            if len(key) == size + 1 and key[:size] == path
        }

    def _strategies(self, path: Path) -> dict[str, StrategySettings]:
        tables = [key[-1] for key in self._given.tables if key[:-1] == path]
        names = dict.fromkeys([*DEFAULT_CONFIGS, *tables])
        return {name: self._strategy(name, (*path, name)) for name in names}

    def _strategy(self, name: str, path: Path) -> StrategySettings:
        base = msgspec.structs.asdict(DEFAULT_CONFIGS[name]) if name in DEFAULT_CONFIGS else {}
        values = self._below(path)
        values |= self._sections(StrategySettings, base, path)
        for needed in _STAND_IN:
            if needed not in base and needed not in values and not self._given.is_bad((*path, needed)):
                self._bad((*path, needed), "is missing: every strategy needs its type and timeframes")
        type_name = values.get("type", base.get("type"))
        if type_name is not None:
            values["params"] = self._parameters(str(type_name), path)
        return self._build(StrategySettings, {**_STAND_IN, **base, "id": name}, values, path)

    def _sections(self, kind: type[S], base: Mapping[str, Any], path: Path) -> dict[str, Any]:
        """Build the tables within a strategy's that are given, on top of what they are by default."""
        found: dict[str, Any] = {}
        for name, field in settable(kind).items():
            here = (*path, name)
            if is_section(field) and (values := self._below(here)):
                default = msgspec.structs.asdict(base[name]) if name in base else {}
                found[name] = self._build(field, default, values, here)
        return found

    def _parameters(self, type_name: str, path: Path) -> dict[str, object]:
        known = self._catalogue.types
        given = self._below((*path, "params"))
        declared = self._catalogue.parameters_of(type_name)
        if declared is None:
            if not self._catalogue.might_know(type_name):
                close = nearest(type_name, known)
                hint = f'did you mean "{close}"?' if close else f"known are {', '.join(sorted(known))}"
                self._bad((*path, "type"), f"is {shown(type_name)}, which is no strategy; {hint}")
            return given
        fields = {field.name: field.type for field in msgspec.structs.fields(declared)}
        read: dict[str, object] = {}
        for name, value in given.items():
            here = (*path, "params", name)
            if name not in fields:
                close = nearest(name, fields)
                hint = f"did you mean {close}?" if close else f"known are {', '.join(sorted(fields))}"
                self._bad(here, f"is no parameter of {type_name}; {hint}")
                continue
            try:
                read[name] = read_value(value, fields[name])
            except BadValueError as error:
                self._bad(here, str(error))
        self._build(declared, {}, dict(read), (*path, "params"))
        return read

    def _build(self, kind: type[S], base: Mapping[str, Any], values: dict[str, Any], path: Path) -> S:
        """Build a section, setting aside what it refuses. ``base`` is known to stand."""
        fields = [field.name for field in msgspec.structs.fields(kind)]
        while True:
            try:
                return kind(**{**base, **values})
            except ValueError as error:
                refused = [
                    self._refused(part, [name for name in fields if name in values], path)
                    for part in _parts(str(error), fields)
                ]
                if not any(refused):
                    # Nothing given is to blame by name: the section falls back to its defaults.
                    if not self._given.is_bad(path):
                        self._bad(path, f"is refused: {error}")
                    return kind(**base)
                for key in {key for keys in refused for key in keys}:
                    _set_aside(values, key)

    def _refused(self, text: str, given: list[str], path: Path) -> list[str]:
        """Take in one problem of a section; returns the keys (``key`` or ``key.name``) to set aside.

        A problem that names a key already known to be wrong may be its consequence, and is not told.
        """
        named = sorted(
            (name for name in given if _position(name, text) >= 0), key=lambda name: _position(name, text)
        )
        bad = {key[-1] for key in self._given.bad if key[:-1] == path and _position(key[-1], text) >= 0}
        if bad:
            return named
        if not named:
            return []
        subject, _, told = text.partition(" ")
        if subject.split(".")[0] != named[0]:
            subject, told = named[0], f"is refused: {text}"
        self._bad((*path, *subject.split(".")), told)
        return [subject]

    def _bad(self, path: Path, text: str) -> None:
        self._given.bad.add(path)
        self._findings.add(path, self._given.blamed(path), text)


def _set_aside(values: dict[str, Any], key: str) -> None:
    """Take a key out, or one name out of its table; a table that this empties goes as a whole."""
    name, _, inner = key.partition(".")
    table = values.get(name)
    if isinstance(table, dict) and inner in table and len(table) > 1:
        values[name] = {other: value for other, value in table.items() if other != inner}
    else:
        values.pop(name, None)


def _position(name: str, text: str) -> int:
    found = re.search(rf"\b{re.escape(name)}\b", text)
    return found.start() if found else -1


def _parts(message: str, fields: list[str]) -> list[str]:
    """Split a section's message into its problems, each of which begins with a key."""
    parts: list[str] = []
    for part in message.split("; "):
        if parts and part.partition(" ")[0] not in fields:
            parts[-1] += f"; {part}"
        else:
            parts.append(part)
    return parts
