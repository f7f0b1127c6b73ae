"""Where a candle lies on disk: ``<root>/<timeframe>/<pair>/<YYYY>[-MM]<suffix>``.

One-minute and five-minute candles have a file per month, all longer ones a file per year.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.storage.rows import from_micros, to_micros

MONTHLY: Final = frozenset({Timeframe.M1, Timeframe.M5})
WRITER_LOCK: Final = "writer.lock"
PARTIAL: Final = ".partial"
"""Directory of files that are being written; what a crash leaves there means nothing."""

_PERIOD = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?")
_NAME_MAX = 200
_LOWER = re.compile("[a-z]")


class Period(msgspec.Struct, frozen=True, order=True):
    """The span of one partition, in microseconds since 1970; ``end`` is exclusive."""

    start: int
    end: int
    name: str


def period_of(timeframe: Timeframe, micros: int) -> Period:
    """Return the period whose partition holds the candle that opens at ``micros``."""
    at = from_micros(micros)
    return _period(at.year, at.month if timeframe in MONTHLY else None)


def period_named(timeframe: Timeframe, name: str) -> Period | None:
    """Undo ``Period.name``; None when no partition of this timeframe is called that."""
    found = _PERIOD.fullmatch(name)
    if found is None or (found[2] is not None) != (timeframe in MONTHLY) or found[1] == "0000":
        return None
    return _period(int(found[1]), int(found[2]) if found[2] else None)


def _period(year: int, month: int | None) -> Period:
    first, name = datetime(year, month or 1, 1, tzinfo=UTC), f"{year:04}"
    # The last year there is has no end that a datetime can hold; microseconds can.
    if month is None:
        after = first.replace(year=min(year + 1, 9999))
    else:
        name = f"{name}-{month:02}"
        after = first.replace(year=min(year + month // 12, 9999), month=month % 12 + 1)
    return Period(to_micros(first), max(to_micros(after), to_micros(first) + 1), name)


@lru_cache(maxsize=8_192)
def directory_name(pair: str) -> str:
    """Spell a pair as a file name that is safe, unique also where case is ignored, and can be undone.

    Capitals, digits, ``-`` and ``_`` stand for themselves, and so does a dot inside. Raises
    ``StorageError`` for a name too long for a file.
    """
    text = _LOWER.sub(lambda found: f"%{ord(found[0]):02X}", _quoted(pair))
    if not 0 < len(text) <= _NAME_MAX:
        raise StorageError(f"candles of a pair with a name of {len(pair)} characters cannot be stored")
    return text


def _quoted(pair: str) -> str:
    # quote() writes capital hex digits only, so no lower-case letter below comes from an escape.
    text = quote(pair, safe="", errors="surrogatepass").replace("~", "%7E")
    return f"%2E{text[1:]}" if text.startswith(".") else text


def pair_named(name: str) -> str | None:
    """Undo ``directory_name``; None for a name it never gives."""
    pair = unquote(name, errors="replace")
    try:
        return pair if directory_name(pair) == name else None
    except StorageError:
        return None


def pair_directory(root: Path, timeframe: Timeframe, pair: str) -> Path:
    """Return the directory of a pair's partitions."""
    return root / timeframe.value / directory_name(pair)
