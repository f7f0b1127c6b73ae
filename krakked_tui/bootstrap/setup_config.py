"""Setting one key of a configuration file that a person wrote, with every other character kept."""

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

from krakked_tui.domain.errors import RefusedError, StorageError

_MAX_BYTES = 1_000_000


def file_content(path: Path) -> bytes | None:
    """Return a file's bytes, None when there is no such file. Raises ``StorageError``."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read ({error.strerror}): check that it belongs to you"
        ) from error
    if len(content) > _MAX_BYTES:
        raise StorageError(f"{path} has more than {_MAX_BYTES} bytes: that is no file of Krakked's")
    return content


def with_setting(path: Path, content: bytes | None, section: str, key: str, value: str) -> bytes | None:
    """Return the content of a file with ``key = "value"`` in ``[section]``; None when it says so already.

    Comments, order and everything else stay. Raises ``RefusedError``, telling what to write by hand, for
    a file where that cannot be done safely.
    """
    line = f'{key} = "{value}"'
    if content is None:
        return f"[{section}]\n{line}\n".encode()
    try:
        text = content.decode()
        before = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _by_hand(path, section, line) from error
    table = before.get(section, {})
    if isinstance(table, dict) and table.get(key) == value:
        return None
    wanted = copy.deepcopy(before)
    wanted.setdefault(section, {})
    if not isinstance(wanted[section], dict):
        raise _by_hand(path, section, line)
    wanted[section][key] = value
    for changed in _candidates(text, section, key, line):
        if _parsed(changed) == wanted:
            return changed.encode()
    raise _by_hand(path, section, line)


def _candidates(text: str, section: str, key: str, line: str) -> tuple[str, ...]:
    """Return texts that may be the wanted one; a parser decides."""
    end = "" if text.endswith("\n") or not text else "\n"
    header = rf"(^[ \t]*\[[ \t]*{re.escape(section)}[ \t]*\][ \t]*(?:#[^\n]*)?\r?\n)"
    assignment = (
        rf"({header}(?:(?![ \t]*\[)[^\n]*\n)*?[ \t]*){re.escape(key)}[ \t]*=[ \t]*(?:\"[^\"\n]*\"|'[^'\n]*')"
    )
    return (
        re.sub(assignment, lambda found: found[1] + line, text, count=1, flags=re.MULTILINE),
        re.sub(header, lambda found: f"{found[1]}{line}\n", text, count=1, flags=re.MULTILINE),
        f"{text}{end}\n[{section}]\n{line}\n",
    )


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _by_hand(path: Path, section: str, line: str) -> RefusedError:
    return RefusedError(
        f"{path} is there already and is not changed: write {line} below [{section}] in it, then run set-up"
        " again"
    )
