"""All rows of a history that is served newest first, 50 at a time, while it grows.

Pages are taken by offset. A row that arrives meanwhile pushes the others back, so that some are
seen twice, which ids tell; none is skipped.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import Protocol, TypeVar

from krakked_tui.kraken.decode import instant
from krakked_tui.kraken.errors import KrakenProtocolError

PAGE_ROWS = 50
PAGES_MAX = 10_000


def chunks(ids: Sequence[str], size: int) -> list[Sequence[str]]:
    """Cut ids into runs of at most ``size``, in order."""
    return [ids[start : start + size] for start in range(0, len(ids), size)]


class Timed(Protocol):
    """A history row."""

    @property
    def time(self) -> Decimal:
        """Unix seconds."""
        ...


RowT = TypeVar("RowT", bound=Timed)
Page = tuple[Mapping[str, RowT], int | None]
"""Rows by id, newest first, and how many there are in all, if the exchange says."""


def start_before(since: datetime) -> str:
    """Return the ``start`` parameter (exclusive) that leaves out nothing at or after ``since``."""
    return str(max(int(since.timestamp()) - 1, 0))


def up_to(until: datetime | None) -> dict[str, str]:
    """Return the ``end`` parameter (inclusive, whole seconds) that leaves out nothing up to ``until``."""
    return {} if until is None else {"end": str(ceil(until.timestamp()))}


def is_last(rows: int, offset: int, count: int | None) -> bool:
    """Say whether a page of ``rows`` that begins at ``offset`` is the last one.

    A full page is followed by another look even when the count says that it was the last: the count may
    be older than the page.
    """
    return rows < PAGE_ROWS and (count is None or offset + rows >= count or not rows)


async def read_all(fetch: Callable[[int], Awaitable[Page[RowT]]], since: datetime) -> list[tuple[str, RowT]]:
    """Return all rows at or after ``since``, oldest first, each once.

    ``fetch(offset)`` reads one page. Rows of the same instant stay in the exchange's order, unless
    they arrived while reading. Raises what ``fetch`` raises, and ``KrakenProtocolError`` for a
    history without end.
    """
    rows: dict[str, RowT] = {}
    offset = 0
    for _ in range(PAGES_MAX):
        page, count = await fetch(offset)
        offset += len(page)
        for row_id, row in page.items():
            rows.setdefault(row_id, row)
        if is_last(len(page), offset - len(page), count):
            found = [(row_id, row) for row_id, row in rows.items() if instant(row.time) >= since]
            # Sorted the way they came and then turned round, so that ties are turned round as well.
            found.sort(key=lambda item: item[1].time, reverse=True)
            return found[::-1]
    raise KrakenProtocolError(f"Kraken's history has no end after {PAGES_MAX} pages")
