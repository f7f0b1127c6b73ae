"""What the store lacks, and which candles of an answer are closed for certain."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Candle, KnownFigures, Quote, Timeframe
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.market.frames import frame_of
from krakked_tui.market.history import CLOCK_DOUBT, SERVED, Lack, by_turnover, closed_only, lacking, reach

M1, MINUTE = Timeframe.M1, timedelta(minutes=1)
NOW = datetime(2026, 1, 5, 12, 0, 30, tzinfo=UTC)
CLOSED = datetime(2026, 1, 5, 11, 59, tzinfo=UTC)


def _candle(time: datetime, pair: str = "XBTUSD", timeframe: Timeframe = M1) -> Candle:
    return Candle(pair, timeframe, time, 1, 1, 1, 1, 1, 1, 1)


def _lack(ages: Sequence[int], bars: int) -> Lack:
    """What a pair lacks whose stored candles opened so many minutes before the newest closed one."""
    frame = frame_of([_candle(CLOSED - age * MINUTE) for age in ages])
    return lacking(frame, ["XBTUSD"], M1, bars, NOW)["XBTUSD"]


@pytest.mark.parametrize(
    ("ages", "bars", "lack"),
    [
        ([3, 2, 1, 0], 4, Lack(None)),
        ([0], 1, Lack(None)),
        ([5, 4, 3, 2], 4, Lack(CLOSED - 2 * MINUTE)),
        ([5, 4, 1, 0], 4, Lack(CLOSED - 4 * MINUTE)),
        ([9, 5, 1, 0], 4, Lack(CLOSED - 9 * MINUTE)),
        ([1, 0], 4, Lack(reach(M1, NOW))),
        ([], 4, Lack(reach(M1, NOW))),
        ([], SERVED + 1, Lack(reach(M1, NOW), beyond=True)),
        ([SERVED], 1, Lack(reach(M1, NOW), beyond=True)),
        ([SERVED - 1], 1, Lack(reach(M1, NOW))),
        ([SERVED + 5, 1, 0], 3, Lack(reach(M1, NOW), beyond=True)),
    ],
)
def test_what_is_lacking(ages: Sequence[int], bars: int, lack: Lack) -> None:
    assert _lack(ages, bars) == lack


@pytest.mark.parametrize(
    ("ages", "depth", "since"),
    [([], 0, 3), ([], 10, 9), ([1, 0], 0, 3), ([8, 7], 0, 7), ([2, 1, 0], 10, 9), ([], 9999, SERVED - 1)],
)
def test_how_much_is_asked_for_where_there_is_too_little(ages: Sequence[int], depth: int, since: int) -> None:
    frame = frame_of([_candle(CLOSED - age * MINUTE) for age in ages])
    [lack] = lacking(frame, ["XBTUSD"], M1, 4, NOW, depth=depth).values()
    assert lack == Lack(CLOSED - since * MINUTE)


@given(st.sets(st.integers(0, 900), max_size=40), st.integers(1, 40))
def test_what_is_asked_for_covers_every_hole_within_reach(ages: set[int], bars: int) -> None:
    latest = sorted(ages, reverse=True)[-bars:]
    lack = _lack(latest, bars)
    have = {CLOSED - age * MINUTE for age in latest}
    wanted = {CLOSED - n * MINUTE for n in range(min(bars, SERVED))}
    served = {time for time in wanted if lack.since is not None and time >= lack.since}
    assert wanted <= have | served
    assert lack.since is None or lack.since >= reach(M1, NOW)


def test_each_pair_is_judged_by_itself() -> None:
    rows = [_candle(CLOSED - n * MINUTE, pair) for pair, n in (("A", 1), ("A", 0), ("B", 1))]
    found = lacking(frame_of(rows), ["A", "B", "C"], M1, 1, NOW)
    assert found == {"A": Lack(None), "B": Lack(CLOSED - MINUTE), "C": Lack(reach(M1, NOW))}


BOUNDARY = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("timeframe", [M1, Timeframe.M15, Timeframe.D1, Timeframe.W1])
@pytest.mark.parametrize(
    ("asked", "closed"),
    [
        (-0.001, 1),  # the last row still runs
        (0.0, 1),  # it has ended by our clock, but nothing proves that the exchange's has come so far
        (1.999, 1),
        (2.0, 2),
        (60.0, 2),
    ],
)
def test_the_last_row_at_boundary_instants(timeframe: Timeframe, asked: float, closed: int) -> None:
    boundary = timeframe.floor(BOUNDARY)
    rows = [_candle(boundary - n * timeframe.length, timeframe=timeframe) for n in (2, 1)]
    assert closed_only(rows, boundary + timedelta(seconds=asked)) == rows[:closed]


def test_a_row_that_has_a_later_one_is_closed_as_soon_as_our_clock_says_so() -> None:
    rows = [_candle(BOUNDARY - MINUTE), _candle(BOUNDARY)]
    assert closed_only(rows, BOUNDARY) == rows[:1]
    assert closed_only(rows, BOUNDARY - timedelta(milliseconds=1)) == []
    assert closed_only(rows, BOUNDARY + MINUTE + CLOCK_DOUBT) == rows
    assert closed_only([], BOUNDARY) == []


def test_the_most_traded_pairs_come_first(xbtusd: PairMetadata) -> None:
    names = ["A", "B", "C", "D"]
    pairs = [msgspec.structs.replace(xbtusd, canonical=name) for name in names]

    def quote(name: str, volume: int) -> Quote:
        figures = KnownFigures(volume_24h=Decimal(volume), vwap_24h=Decimal(2))
        return Quote(name, Decimal(1), Decimal(1), Decimal(1), NOW, 0.0, figures)

    quotes = {"B": quote("B", 5), "C": quote("C", 9), "D": quote("D", 5)}
    assert [pair.canonical for pair in by_turnover(pairs, quotes)] == ["C", "B", "D", "A"]
