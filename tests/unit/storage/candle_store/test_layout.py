from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.storage.candle_store.layout import (
    directory_name,
    pair_directory,
    pair_named,
    period_named,
    period_of,
)
from krakked_tui.storage.rows import from_micros, to_micros

NAMES = {
    "XBTUSD": "XBTUSD",
    "xbtUSD": "%78%62%74USD",
    "XBT.M": "XBT.M",
    ".": "%2E",
    "..": "%2E.",
    "A/B": "A%2FB",
}


@pytest.mark.parametrize(("pair", "name"), NAMES.items())
def test_a_pair_is_spelled_safely(pair: str, name: str) -> None:
    assert directory_name(pair) == name
    assert pair_named(name) == pair
    assert pair_directory(Path("/c"), Timeframe.M1, pair) == Path("/c/1m") / name


@given(st.text(min_size=1, max_size=16).filter(str.isprintable))
def test_any_pair_comes_back_and_stays_inside(pair: str) -> None:
    name = directory_name(pair)
    assert pair_named(name) == pair
    assert "/" not in name
    assert not name.startswith(".")
    assert name == name.upper()


@pytest.mark.parametrize("name", ["xbtusd", "A%2fB", ".partial", "A B", "", "%GG", "X" * 201])
def test_a_name_that_is_no_pair(name: str) -> None:
    assert pair_named(name) is None


@pytest.mark.parametrize("pair", ["", "X" * 201, "é" * 40])
def test_a_pair_that_is_no_name(pair: str) -> None:
    with pytest.raises(StorageError, match="cannot be stored"):
        directory_name(pair)


@pytest.mark.parametrize(
    ("timeframe", "at", "name"),
    [
        (Timeframe.M1, datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "2026-12"),
        (Timeframe.M5, datetime(2027, 1, 1, tzinfo=UTC), "2027-01"),
        (Timeframe.M15, datetime(2026, 12, 31, 23, 45, tzinfo=UTC), "2026"),
        (Timeframe.W1, datetime(2027, 1, 1, tzinfo=UTC), "2027"),
    ],
)
def test_short_candles_have_a_file_per_month_long_ones_per_year(
    timeframe: Timeframe, at: datetime, name: str
) -> None:
    period = period_of(timeframe, to_micros(at))
    assert period.name == name
    assert period.start <= to_micros(at) < period.end
    assert period_named(timeframe, name) == period


@given(st.sampled_from(Timeframe), st.integers(0, to_micros(datetime(2200, 1, 1, tzinfo=UTC))))
def test_periods_follow_each_other_without_a_gap(timeframe: Timeframe, micros: int) -> None:
    period = period_of(timeframe, micros)
    assert period.start <= micros < period.end
    assert period_of(timeframe, period.end).start == period.end
    assert from_micros(period.start).day == 1


@pytest.mark.parametrize("name", ["2026", "2026-13", "2026-00", "0000-01", "x", "2026-01-01", ""])
def test_a_name_that_is_no_month(name: str) -> None:
    assert period_named(Timeframe.M1, name) is None
    assert period_named(Timeframe.H1, "2026-01") is None
