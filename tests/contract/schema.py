"""The shape of JSON text: which keys, which types, and how each number is written.

Text is read with its number literals as they stand, because a client that keeps every digit sees
the difference between ``1``, ``1.0`` and ``"1.0"``.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Shape = dict[str, dict[str, set[int]]]
"""By path: the kinds of values found there, and how many decimals they had.

A path names keys and positions: ``result.*.c[0]``. Maps by id, pair or asset have ``*`` for a key,
lists of many equal things ``[]``, rows with a meaning for each position ``[0]``, ``[1]``, …
"""

Listed = Mapping[str, str]
"""Paths that may differ, each with the reason."""

_ID = re.compile(r"[A-Z0-9.:]+(/[A-Z0-9.]+)?|[A-Za-z0-9]{5,7}-[A-Za-z0-9]{5}-[A-Za-z0-9]{5,6}")
_DECIMAL = re.compile(r"[+-]?[0-9]+(?:\.([0-9]+))?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?Z")
_MANY = ("txid", "trades", "leverage_buy", "leverage_sell", "warnings", "permissions", "ledgers", "error")


class Literal(str):
    """A JSON number as it was written."""

    __slots__ = ()


def read(text: str | bytes) -> Any:
    """Read JSON and keep the text of numbers."""
    return json.loads(text, parse_float=Literal, parse_int=Literal)


def shape(value: Any) -> Shape:
    """Return what a value is made of."""
    found: Shape = {}
    for path, kind, decimals in _leaves(value, ""):
        found.setdefault(path, {}).setdefault(kind, set()).add(decimals)
    return found


def merged(shapes: list[Shape]) -> Shape:
    """Return everything that was found in any of several shapes."""
    whole: Shape = {}
    for one in shapes:
        for path, kinds in one.items():
            for kind, decimals in kinds.items():
                whole.setdefault(path, {}).setdefault(kind, set()).update(decimals)
    return whole


def differences(recorded: Shape, ours: Shape, listed: Listed) -> list[str]:
    """Return how ours differs from what was recorded, beyond what is listed; empty when it does not."""
    found = [f"{path} is missing" for path in sorted(recorded.keys() - ours.keys()) if not _in(path, listed)]
    found += [
        f"{path} is not Kraken's" for path in sorted(ours.keys() - recorded.keys()) if not _in(path, listed)
    ]
    for path in sorted(recorded.keys() & ours.keys()):
        if (ours[path].keys() - recorded[path].keys()) and not _in(path, listed):
            found.append(f"{path} is {_names(ours[path])}, Kraken's is {_names(recorded[path])}")
    return found


def wrong_decimals(found: Shape, wanted: Callable[[str], int | None]) -> list[str]:
    """Return the numbers whose decimals are not as many as ``wanted`` says for their path."""
    return [
        f"{path} has {sorted(decimals)} decimals, not {count}"
        for path, kinds in found.items()
        for kind, decimals in kinds.items()
        if kind in ("decimal", "float") and (count := wanted(path)) is not None and decimals != {count}
    ]


def _in(path: str, listed: Listed) -> bool:
    return any(path == name or path.startswith((f"{name}.", f"{name}[")) for name in listed)


def _names(kinds: Iterable[str]) -> str:
    return "/".join(sorted(kinds))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str, int]]:
    match value:
        case dict():
            yield path, "object", 0
            for key, item in value.items():
                name = "*" if _ID.fullmatch(key) else key
                yield from _leaves(item, f"{path}.{name}" if path else name)
        case list():
            yield path, "list", 0
            row = bool(value) and not path.endswith(_MANY) and not isinstance(value[0], dict | list)
            for position, item in enumerate(value):
                yield from _leaves(item, f"{path}[{position}]" if row else f"{path}[]")
        case _:
            kind, decimals = _kind(value)
            yield path, kind, decimals


def _kind(value: Any) -> tuple[str, int]:
    if value is None:
        return "null", 0
    if isinstance(value, bool):
        return "bool", 0
    if isinstance(value, Literal):
        _, point, fraction = value.partition(".")
        return ("float", len(fraction)) if point or "e" in value.lower() else ("int", 0)
    if match := _DECIMAL.fullmatch(value):
        return "decimal", len(match[1] or "")
    if match := _TIME.fullmatch(value):
        return f"time with {len(match[1] or '')} digits", 0
    return "text", 0
