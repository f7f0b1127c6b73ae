"""The configuration in force, key by key. No secret can be in it: configuration holds none."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec
import tomli_w

from krakked_tui.config.flat import flatten
from krakked_tui.config.load import Loaded


class EffectiveRow(msgspec.Struct, frozen=True):
    """One setting: its dotted key, its value as TOML, and where the value comes from."""

    key: str
    value_toml: str
    origin: str


def effective(loaded: Loaded) -> tuple[EffectiveRow, ...]:
    """Return every setting that is set, in the order of the schema, strategies' parameters included."""
    keys = ((".".join(path), value) for path, value in flatten(loaded.config, loaded.catalogue))
    return tuple(
        EffectiveRow(key, as_toml(value), loaded.origins[key]) for key, value in keys if value is not None
    )


def as_toml(value: object) -> str:
    """Write a setting's value as TOML on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return tomli_w.dumps({"v": str(value)}).removeprefix("v = ").rstrip("\n")
        case Decimal():
            return f"{value:f}"
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(as_toml(item) for item in value)}]"
        case Mapping():
            return f"{{{', '.join(f'{key} = {as_toml(item)}' for key, item in value.items())}}}"
    raise TypeError(f"a setting holds {type(value).__name__}, which TOML has no word for")
