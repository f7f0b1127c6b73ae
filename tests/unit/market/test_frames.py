"""The frame schema and the window of recent bars, against an obvious reference."""

from datetime import UTC, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Candle
from krakked_tui.market.frames import CANDLE_SCHEMA, RecentBars, frame_of, supersedes
from tests.unit.domain.builders import START, make_candle

KEEP = 4

CANDLES = st.builds(
    make_candle,
    st.integers(0, 9),
    st.sampled_from([1.0, 2.0]),
    pair=st.sampled_from(["AAAUSD", "BBBUSD", "CCCUSD"]),
    volume=st.sampled_from([0.0, 1.0, 2.0]),
    trades=st.integers(0, 2),
)
BATCHES = st.lists(st.lists(CANDLES, max_size=12), max_size=6)


class Reference:
    """The contract of ``RecentBars``, row by row."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, Candle]] = {}

    def append(self, batch: list[Candle]) -> None:
        for candle in {(c.pair, c.time): c for c in batch}.values():
            bars = self.rows.setdefault(candle.pair, {})
            minute = (candle.time - START) // timedelta(minutes=1)
            if minute not in bars or supersedes(candle, bars[minute]):
                bars[minute] = candle
        for bars in self.rows.values():
            for minute in sorted(bars)[:-KEEP]:
                del bars[minute]

    def candles(self) -> list[Candle]:
        return [self.rows[pair][minute] for pair in sorted(self.rows) for minute in sorted(self.rows[pair])]


@given(BATCHES)
def test_recent_bars_equal_the_reference(batches: list[list[Candle]]) -> None:
    bars, reference = RecentBars(KEEP), Reference()
    for batch in batches:
        bars.append(frame_of(batch))
        reference.append(batch)
        assert bars.frame.equals(frame_of(reference.candles()))
        assert bars.frame.schema == CANDLE_SCHEMA


def test_a_frame_once_read_does_not_change() -> None:
    bars = RecentBars(KEEP)
    bars.append(frame_of([make_candle(0)]))
    before = bars.frame
    bars.append(frame_of([make_candle(1)]))
    assert (before.height, bars.frame.height) == (1, 2)


def test_a_frame_holds_every_field_of_a_candle() -> None:
    candle = make_candle(3, 2.5, high=3.0, low=2.0, volume=7.0, trades=9)
    frame = frame_of([candle])
    row = frame.row(0, named=True)
    assert row == {name: getattr(candle, name) for name in CANDLE_SCHEMA.names()}
    assert row["time"].astimezone(UTC) == candle.time


def test_no_candles_make_an_empty_frame() -> None:
    assert frame_of([]).schema == CANDLE_SCHEMA
    assert RecentBars(KEEP).frame.equals(pl.DataFrame(schema=CANDLE_SCHEMA))


def test_an_older_state_of_a_candle_never_replaces_a_newer_one() -> None:
    newer = make_candle(volume=2.0, trades=2)
    assert supersedes(newer, make_candle(volume=1.0, trades=1))
    assert supersedes(newer, newer)
    assert not supersedes(make_candle(volume=1.0, trades=2), newer)
    assert not supersedes(make_candle(volume=2.0, trades=1), newer)
