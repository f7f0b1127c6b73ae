from collections.abc import Sequence

import polars as pl
import pytest

from krakked_tui.domain.candles import Candle
from krakked_tui.storage.candle_store.merging import frame_of
from krakked_tui.storage.candle_store.recent import Loaded, RecentRows
from krakked_tui.storage.rows import to_micros
from tests.unit.storage.candle_store.builders import rows
from tests.unit.storage.samples import candle

PAIR = "XBTUSD"


@pytest.fixture
def recent() -> RecentRows:
    """Keeps four rows, and knows numbers 2, 3 and 5 of a longer series."""
    recent = RecentRows(4)
    recent.load_all([Loaded(PAIR, rows(2, 3, 5), whole=False)], recent.version)
    return recent


def put(recent: RecentRows, *candles: Candle) -> None:
    recent.put(frame_of(candles))


def numbers(frame: pl.DataFrame | None) -> Sequence[int] | None:
    if frame is None:
        return None
    return [round((time - candle(0).time).total_seconds() / 60) for time in frame["time"]]


def read(recent: RecentRows, start: int | None, end: int | None, limit: int | None) -> Sequence[int] | None:
    first, after = (None if n is None else to_micros(candle(n).time) for n in (start, end))
    return numbers(recent.rows(PAIR, first, after, limit))


def test_it_answers_only_what_it_knows_to_the_end(recent: RecentRows) -> None:
    assert read(recent, None, None, 3) == [2, 3, 5]
    assert read(recent, None, None, 4) is None
    assert read(recent, None, None, None) is None
    assert read(recent, 2, None, None) == [2, 3, 5]
    assert read(recent, 1, None, None) is None
    assert read(recent, 3, 5, None) == [3]
    assert read(recent, None, 5, 1) == [3]
    assert read(recent, None, 5, 3) is None
    assert read(recent, None, None, 0) == []
    assert recent.rows("ETHUSD", None, None, 1) is None


def test_a_whole_series_is_whole_until_it_grows_too_long(recent: RecentRows) -> None:
    recent.load_all([Loaded(PAIR, rows(2, 3, 5), whole=True)], recent.version)
    assert read(recent, None, None, None) == [2, 3, 5]
    put(recent, candle(6))
    assert read(recent, None, None, 9) == [2, 3, 5, 6]
    put(recent, candle(7))
    assert read(recent, None, None, 9) is None
    assert read(recent, None, None, 4) == [3, 5, 6, 7]


def test_new_rows_go_round_and_round(recent: RecentRows) -> None:
    known = [2, 3, 5]
    for number in range(6, 20):
        put(recent, candle(number))
        known.append(number)
        assert read(recent, None, None, 3) == known[-3:]


def test_a_correction_is_made_in_place(recent: RecentRows) -> None:
    put(recent, candle(3, trades=9))
    found = recent.rows(PAIR, None, None, 3)
    assert found is not None
    assert found["trades"].to_list() == [7, 9, 7]


@pytest.mark.parametrize("late", [[candle(4)], [candle(6), candle(7)]])
def test_a_pair_that_gets_anything_else_is_read_anew(recent: RecentRows, late: list[Candle]) -> None:
    put(recent, *late)
    assert read(recent, None, None, 1) is None
    assert recent.pairs == 0
    recent.load_all([Loaded("ETHUSD", rows(1), whole=True)], recent.version)
    assert numbers(recent.rows("ETHUSD", None, None, 1)) == [1]


def test_a_row_older_than_all_changes_nothing_but_for_a_whole_series(recent: RecentRows) -> None:
    put(recent, candle(0))
    assert read(recent, None, None, 3) == [2, 3, 5]
    recent.load_all([Loaded(PAIR, rows(2, 3, 5), whole=True)], recent.version)
    put(recent, candle(0))
    assert read(recent, None, None, 3) is None


def test_rows_read_before_others_were_put_are_not_taken(recent: RecentRows) -> None:
    before = recent.version
    put(recent, candle(6))
    recent.load_all([Loaded(PAIR, rows(2, 3, 5), whole=False), Loaded("ETHUSD", rows(1), whole=True)], before)
    assert read(recent, None, None, 1) == [6]
    assert recent.pairs == 1


def test_many_pairs_come_in_the_order_asked_for(recent: RecentRows) -> None:
    others = [Loaded(f"P{number}", rows(*range(number)), whole=True) for number in range(1, 40)]
    recent.load_all(others, recent.version)
    frame, lacking = recent.newest(["P3", PAIR, "NONE", "P1", "P9"], 3)
    assert lacking == ["NONE"]
    assert frame["pair"].to_list() == ["P3"] * 3 + [PAIR] * 3 + ["P1"] + ["P9"] * 3
    assert numbers(frame) == [0, 1, 2, 2, 3, 5, 0, 6, 7, 8]
    assert recent.newest([PAIR, "P9"], 4)[1] == [PAIR]
