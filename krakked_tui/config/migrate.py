"""Files of an earlier version brought up to date: renamed keys get their present names.

Files that people write keep their comments and their order, so lines are edited, and only where a
line says plainly what it is. The result is parsed and compared with what was meant; what cannot be
edited safely is left to the operator.
"""

import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec

from krakked_tui.config.layers import Values, parse_toml, read_file
from krakked_tui.config.problems import Findings, InvalidConfigError, Problem
from krakked_tui.config.renamed import RENAMED, Renamed
from krakked_tui.domain.errors import StorageError

BACKUP_ENDING = ".bak"

_TABLE = re.compile(r"^(\s*\[\s*)([A-Za-z0-9_.-]+)(\s*\]\s*(?:#.*)?)$")
_KEY = re.compile(r"^(\s*)([A-Za-z0-9_-]+)(\s*=.*)$", re.DOTALL)


class Migrated(msgspec.Struct, frozen=True):
    """A file that was rewritten, what was renamed in it, and where its old content is."""

    path: Path
    renamed: tuple[Renamed, ...]
    backup: Path


def migrate_files(
    paths: Sequence[Path], replace: Callable[[Path, bytes], None], renamed: Sequence[Renamed] = RENAMED
) -> tuple[str, ...]:
    """Rename the old keys of some files; returns a sentence for everything that was done.

    Raises as ``migrate_file`` does, at the first file that cannot be migrated; those before it are done.
    """
    told: list[str] = []
    for path in paths:
        done = migrate_file(path, replace, renamed)
        if done is not None:
            told += [f"{path}: {entry.old} is now {entry.new}" for entry in done.renamed]
            told.append(f"{path}: its old content is in {done.backup}")
    return tuple(told)


def migrate_file(
    path: Path, replace: Callable[[Path, bytes], None], renamed: Sequence[Renamed] = RENAMED
) -> Migrated | None:
    """Rename the old keys of a file, keeping its old content beside it; None when there is none.

    ``replace`` writes a file as a whole. Raises ``ConfigError`` when the file cannot be read or not be
    edited safely, and ``StorageError``; the file is as it was then.
    """
    findings = Findings()
    layer = read_file(path, findings)
    findings.refuse_any()
    if layer is None:
        return None
    found = tuple(entry for entry in renamed if _get(layer.values, entry.old) is not None)
    if not found:
        return None
    wanted = deepcopy(layer.values)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})") from error
    lines = content.decode("utf-8-sig").splitlines(keepends=True)
    possible = True
    for entry in found:
        possible = _rename(wanted, entry, str(path)) and possible
        lines = _edit(lines, entry)
    if not (possible and _means("".join(lines), wanted)):
        names = ", ".join(f"{entry.old} to {entry.new}" for entry in found)
        raise InvalidConfigError(
            [Problem("", str(path), f"cannot be edited safely: rename {names} by hand; nothing was changed")]
        )
    backup = path.with_name(path.name + BACKUP_ENDING)
    replace(backup, content)
    replace(path, "".join(lines).encode("utf-8"))
    return Migrated(path, found, backup)


def _get(values: Values, dotted: str) -> Any:  # noqa: ANN401 - whatever TOML holds
    value: Any = values
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _rename(values: Values, entry: Renamed, origin: str) -> bool:
    """Move a value to its present name; False when there is a value where its table should be."""
    *old_sections, old = entry.old.split(".")
    *new_sections, new = entry.new.split(".")
    if _get(values, entry.new) is not None:
        text = f"and its present name {entry.new} are both set: remove one of them by hand"
        raise InvalidConfigError([Problem(entry.old, origin, text)])
    source = values
    for section in old_sections:
        source = source[section]
    target = values
    for section in new_sections:
        target = target.setdefault(section, {})
        if not isinstance(target, dict):
            return False
    target[new] = source.pop(old)
    return True


def _edit(lines: list[str], entry: Renamed) -> list[str]:
    """Rename a key within its table, and a table with those below it; anything else stays as it is."""
    edited: list[str] = []
    table = ""
    *sections, old = entry.old.split(".")
    *new_sections, new = entry.new.split(".")
    for line in lines:
        if header := _TABLE.match(line.rstrip("\r\n")):
            table = header.group(2)
            if f"{table}.".startswith(f"{entry.old}."):
                edited.append(line.replace(table, entry.new + table.removeprefix(entry.old), 1))
                continue
        key = _KEY.match(line)
        if (
            key
            and key.group(2) == old
            and table.split(".") == (sections or [""])
            and sections == new_sections
        ):
            edited.append(f"{key.group(1)}{new}{key.group(3)}")
        else:
            edited.append(line)
    return edited


def _means(text: str, wanted: Values) -> bool:
    try:
        return parse_toml(text) == wanted
    except (ValueError, RecursionError):
        return False
