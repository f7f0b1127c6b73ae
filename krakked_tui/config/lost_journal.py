"""A profile that has traded, and whose journal is gone: a new one would know nothing of its orders."""

import os
import struct
from pathlib import Path
from typing import Final

from krakked_tui.config.places import Places

_HEADER_BYTES: Final = 100
_VERSION_AT: Final = 60
"""Where SQLite keeps ``user_version`` in a database file, four bytes, the highest first."""


def lost_journal(where: Places) -> str:
    """Return a sentence when the journal of a profile that was used is missing or empty; else nothing.

    To be asked before the journal is opened, which would make a new one. Opens no database and changes
    nothing. What cannot be looked at is not judged.
    """
    lies = [str(path) for path in (where.instance, where.paper_books) if os.path.lexists(path)]
    try:
        state = _state(where.database)
    except OSError:
        return ""
    if not lies or not state:
        return ""
    return (
        f"{where.database} {state}, but {' and '.join(lies)} {'says' if len(lies) == 1 else 'say'} that this"
        f" profile was used: its journal is lost; {restore_hint(where)}"
    )


def restore_hint(where: Places) -> str:
    """Say what to do when the journal is not where it was."""
    return (
        f"restore {where.database.name} from a backup before the next start, which makes a new journal that"
        " knows nothing of earlier orders and positions"
    )


def _state(path: Path) -> str:
    """Say what keeps a file from being a journal; nothing when it may be one."""
    if path.is_symlink() and not path.exists():
        return f"leads to {os.path.realpath(path)}, where nothing is (is its disk mounted?)"
    if not path.exists():
        return "is missing"
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if not header:
        return "is empty"
    log = path.with_name(f"{path.name}-wal")
    if len(header) < _HEADER_BYTES or (log.exists() and log.stat().st_size):
        return ""  # no database, or the newest of it is in its log: whoever opens it will tell
    (version,) = struct.unpack_from(">I", header, _VERSION_AT)
    return "" if version else "holds nothing of ours (schema version 0)"
