"""Where configuration comes from: TOML files and environment variables, each a layer of values."""

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from krakked_tui.config.problems import Findings
from krakked_tui.config.schema import AppConfig
from krakked_tui.config.values import Kind, is_section, names_of
from krakked_tui.config.variables import ENVIRONMENT_PREFIX, meant

FILE_MAX = 256 * 1024
"""Bytes of a configuration file; the example with every key has less than a tenth."""

Values = dict[str, Any]


class Layer(msgspec.Struct, frozen=True):
    """Values of one origin: a file's path, "environment <variable>", "command line".

    ``meant`` is the variable that a misspelled one probably means, or empty.
    """

    origin: str
    values: Values
    meant: str = ""


def read_file(path: Path, findings: Findings) -> Layer | None:
    """Read a TOML file; None when there is none. What cannot be read is a finding and an empty layer."""
    layer = Layer(str(path), {})
    try:
        content = _content(path)
        return Layer(layer.origin, parse_toml(content.decode("utf-8-sig")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        text = f"cannot be read ({error.strerror}): check its owner and permissions"
    except _NoConfigurationFileError as error:
        text = str(error)
    except UnicodeDecodeError as error:
        text = f"is not UTF-8 text (byte {error.start}): save it as UTF-8"
    except (ValueError, RecursionError) as error:
        text = f"is not valid TOML: {_reason(error)}"
    findings.add((), layer.origin, text)
    return layer


class _NoConfigurationFileError(Exception):
    """What lies at a path cannot be a configuration file; the message completes a sentence about it."""


def _content(path: Path) -> bytes:
    with open(path, "rb", opener=_open_at_once) as file:
        content = file.read(FILE_MAX + 1)
    if len(content) > FILE_MAX:
        raise _NoConfigurationFileError(
            f"is larger than {FILE_MAX // 1024} KiB: this is no configuration file"
        )
    return content


def _open_at_once(path: str, flags: int) -> int:
    # A pipe that nobody writes to would hold up whoever opens it.
    handle = os.open(path, flags | os.O_NONBLOCK)
    kind = os.fstat(handle).st_mode
    if stat.S_ISREG(kind):
        return handle
    os.close(handle)
    what = "a directory" if stat.S_ISDIR(kind) else "a pipe or device"
    raise _NoConfigurationFileError(f"is {what}: name a file, or put one in its place")


def parse_toml(text: str) -> Values:
    """Parse TOML, numbers with a point exactly. Raises ``ValueError`` or ``RecursionError``."""
    return tomllib.loads(text, parse_float=Decimal)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return (
        str(error) if isinstance(error, tomllib.TOMLDecodeError) else "a number or date in it is impossible"
    )


def read_environment(environment: Mapping[str, str]) -> Iterator[Layer]:
    """Yield a layer for every ``KRAKKED__SECTION__KEY`` variable, in the order of their names."""
    for name, text in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            path, kind = _place(name.removeprefix(ENVIRONMENT_PREFIX).split("__"))
            values: Any = _as_value(text, kind)
            for key in reversed(path):
                values = {key: values}
            yield Layer(f"environment {name}", values, meant(name) if kind is None else "")


def _place(parts: list[str]) -> tuple[list[str], Kind]:
    """Return the key that a variable's name means, and its type (None when there is no such key)."""
    path: list[str] = []
    kind: Kind = AppConfig
    for part in parts:
        if (inner := names_of(kind)) is not None:
            kind = inner
            # Names of assets are upper case, those of strategies and parameters lower case.
            path.append(part.lower() if is_section(kind) or kind is object else part)
        else:
            path.append(part.lower())
            kind = _types(kind).get(path[-1])
    return path, kind


def _types(kind: Kind) -> dict[str, Kind]:
    return {field.name: field.type for field in msgspec.structs.fields(kind)} if is_section(kind) else {}


def _as_value(text: str, kind: Kind) -> Any:  # noqa: ANN401 - whatever TOML holds
    try:
        value = parse_toml(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
    # 03:00 is a time to TOML and 12 a number, but where text is wanted they are text.
    return text if _is_text(kind) and not isinstance(value, str | dict | list) else value


def _is_text(kind: Kind) -> bool:
    if kind is None or kind is object:
        return False
    info = inspect.type_info(kind)
    while isinstance(info, inspect.Metadata):
        info = info.type
    return isinstance(info, inspect.StrType | inspect.EnumType | inspect.LiteralType)
