"""Histories that grow while they are read lose nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.kraken import paging
from krakked_tui.kraken.errors import KrakenProtocolError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Row(msgspec.Struct, frozen=True):
    time: Decimal


class History:
    """Serves rows newest first; ``arrivals[i]`` rows are added before the i-th page is read."""

    def __init__(self, rows: int, arrivals: list[int], *, counts: bool = True, ties: int = 1) -> None:
        self.newest_first: list[str] = []
        self.arrivals = arrivals
        self.counts = counts
        self.ties = ties
        self.pages = 0
        self.add(rows)

    def add(self, rows: int) -> None:
        for _ in range(rows):
            self.newest_first.insert(0, f"T{len(self.newest_first)}")

    def row(self, row_id: str) -> Row:
        return Row(Decimal(int(row_id[1:]) // self.ties + 100))

    async def page(self, offset: int) -> tuple[Mapping[str, Row], int | None]:
        if self.pages < len(self.arrivals):
            self.add(self.arrivals[self.pages])
        self.pages += 1
        shown = self.newest_first[offset : offset + paging.PAGE_ROWS]
        return {row_id: self.row(row_id) for row_id in shown}, len(self.newest_first) if self.counts else None


@given(
    rows=st.integers(0, 260),
    arrivals=st.lists(st.integers(0, 120), max_size=8),
    counts=st.booleans(),
)
async def test_every_row_that_was_there_is_read_once_oldest_first(
    rows: int, arrivals: list[int], counts: bool
) -> None:
    history = History(rows, arrivals, counts=counts)
    found = [row_id for row_id, _ in await paging.read_all(history.page, EPOCH)]
    numbers = [int(row_id[1:]) for row_id in found]
    assert numbers == sorted(set(numbers))
    assert set(range(rows)) <= set(numbers)


async def test_rows_of_one_instant_stay_in_order() -> None:
    history = History(170, [], ties=60)
    found = [row_id for row_id, _ in await paging.read_all(history.page, EPOCH)]
    assert found == [f"T{number}" for number in range(170)]


async def test_one_short_page_is_one_call() -> None:
    history = History(49, [])
    assert len(await paging.read_all(history.page, EPOCH)) == 49
    assert history.pages == 1


async def test_a_count_older_than_the_page_does_not_end_the_reading() -> None:
    history = History(120, [])

    async def stale(offset: int) -> tuple[Mapping[str, Row], int | None]:
        rows, _ = await history.page(offset)
        return rows, 50

    assert len(await paging.read_all(stale, EPOCH)) == 120


async def test_rows_before_since_are_left_out() -> None:
    history = History(10, [])
    since = datetime.fromtimestamp(105, UTC)
    assert [row_id for row_id, _ in await paging.read_all(history.page, since)] == [
        "T5",
        "T6",
        "T7",
        "T8",
        "T9",
    ]


async def test_a_history_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGES_MAX", 5)

    async def endless(offset: int) -> tuple[Mapping[str, Row], int | None]:
        return {f"T{offset + n}": Row(Decimal(1)) for n in range(50)}, None

    with pytest.raises(KrakenProtocolError, match="no end after 5 pages"):
        await paging.read_all(endless, EPOCH)


@pytest.mark.parametrize("microseconds", [0, 1, 999_999])
def test_start_is_exclusive_at_the_exchange(microseconds: int) -> None:
    since = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(microseconds=microseconds)
    assert int(paging.start_before(since)) < since.timestamp()
    assert paging.start_before(EPOCH) == "0"
