"""The candle closer: every candle once, with its final values, never a running one."""

from datetime import datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.market.closing import PENDING_MAX, RETURNED_MAX, CandleCloser
from tests.unit.domain.builders import START, make_candle

MINUTES = 7
GRACE = timedelta(seconds=5)
SECOND = timedelta(seconds=1)


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


class Update(msgspec.Struct, frozen=True):
    """One streamed message."""

    candle: Candle
    seen: datetime


@st.composite
def streams(draw: st.DrawFn) -> list[Update]:
    """All messages of two pairs and two timeframes, each lane in the order of its trades.

    Every trade updates a 1m and a 5m candle; some pairs are silent in some minutes.
    """
    updates: list[Update] = []
    for pair in ("AAAUSD", "BBBUSD"):
        for timeframe in (Timeframe.M1, Timeframe.M5):
            seconds = sorted(draw(st.sets(st.integers(0, MINUTES * 60 - 1), max_size=12)))
            count: dict[datetime, int] = {}
            for second in seconds:
                seen = START + timedelta(seconds=second)
                opens = timeframe.floor(seen)
                count[opens] = count.get(opens, 0) + 1
                candle = make_candle(
                    (opens - START) // timedelta(minutes=1),
                    float(second + 1),
                    pair=pair,
                    timeframe=timeframe,
                    volume=float(count[opens]),
                    trades=count[opens],
                )
                updates.append(Update(candle, seen))
    return sorted(updates, key=lambda update: update.seen)


def final_values(updates: list[Update]) -> dict[tuple[str, Timeframe, datetime], Candle]:
    return {(u.candle.pair, u.candle.timeframe, u.candle.time): u.candle for u in updates}


def identity(candle: Candle) -> tuple[str, Timeframe, datetime]:
    return candle.pair, candle.timeframe, candle.time


def assert_in_order(closed: list[Candle], boundary: datetime) -> None:
    assert [c.time for c in closed] == sorted(c.time for c in closed)
    assert all(candle.end <= boundary for candle in closed)


@given(streams())
def test_closing_when_ready_gives_every_candle_once_and_final(updates: list[Update]) -> None:
    closer = CandleCloser(START)
    given_out: list[Candle] = []
    boundary = minute(1)
    for update in updates:
        while closer.ready(boundary, now=START, grace=GRACE):
            closed = closer.close(boundary)
            assert_in_order(closed, boundary)
            given_out += closed
            boundary += Timeframe.M1.length
        closer.update(update.candle, update.seen)
    given_out += closer.close(minute(10))
    final = final_values(updates)
    assert len(given_out) == len(final)
    assert {identity(c): c for c in given_out} == final
    assert closer.corrections() == []


@given(streams(), st.data())
def test_any_delay_and_any_closing_time_lose_and_double_nothing(
    updates: list[Update], data: st.DataObject
) -> None:
    delayed = data.draw(st.permutations(updates))
    closer = CandleCloser(START)
    known: dict[tuple[str, Timeframe, datetime], Candle] = {}
    for update in delayed:
        closer.update(update.candle, update.seen)
        if data.draw(st.booleans()):
            boundary = minute(data.draw(st.integers(0, 10)))
            closed = closer.close(boundary)
            assert_in_order(closed, boundary)
            assert known.keys().isdisjoint(identity(c) for c in closed)
            known |= {identity(c): c for c in closed}
        if data.draw(st.booleans()):
            corrected = {identity(c): c for c in closer.corrections()}
            assert corrected.keys() <= known.keys()
            known |= corrected
    last = closer.close(minute(10))
    assert known.keys().isdisjoint(identity(c) for c in last)
    known |= {identity(c): c for c in (*last, *closer.corrections())}
    assert known == final_values(updates)
    assert closer.dropped == 0


def test_a_boundary_is_settled_by_a_later_message_or_by_the_grace() -> None:
    closer = CandleCloser(START)
    boundary = minute(1)
    assert not closer.ready(boundary, boundary, GRACE)
    assert not closer.ready(boundary, boundary + GRACE - SECOND, GRACE)
    assert closer.ready(boundary, boundary + GRACE, GRACE)
    closer.update(make_candle(1), boundary + SECOND / 2)
    assert not closer.ready(boundary, boundary, GRACE)
    closer.update(make_candle(1), boundary + SECOND)
    assert closer.ready(boundary, boundary, GRACE)


def test_the_running_candle_stays() -> None:
    closer = CandleCloser(START)
    closer.update(make_candle(0), minute(0.5))
    closer.update(make_candle(1), minute(1.5))
    assert closer.close(minute(2) - SECOND) == [make_candle(0)]
    assert closer.close(minute(2)) == [make_candle(1)]


def test_a_late_update_is_a_correction_and_not_a_second_candle() -> None:
    closer = CandleCloser(START)
    closer.update(make_candle(0, volume=1.0, trades=1), minute(0.5))
    closer.close(minute(1))
    late = make_candle(0, volume=2.0, trades=2)
    closer.update(late, minute(0.9))
    closer.update(late, minute(0.9))
    assert closer.close(minute(2)) == []
    assert closer.corrections() == [late]
    assert closer.corrections() == []


def test_a_repeated_or_older_state_corrects_nothing() -> None:
    closer = CandleCloser(START)
    final = make_candle(0, volume=2.0, trades=2)
    closer.update(final, minute(0.5))
    closer.close(minute(1))
    closer.update(final, minute(1.1))
    closer.update(make_candle(0, volume=1.0, trades=1), minute(1.2))
    assert closer.corrections() == []


def test_candles_loaded_before_the_start_are_ignored() -> None:
    closer = CandleCloser(minute(5))
    closer.update(make_candle(4), minute(5.5))
    closer.update(make_candle(5), minute(5.5))
    assert closer.close(minute(6)) == [make_candle(5)]


def test_too_many_waiting_candles_drop_the_oldest_and_count_it() -> None:
    closer = CandleCloser(START)
    for number in range(PENDING_MAX + 2):
        closer.update(make_candle(number), minute(number))
    closed = closer.close(minute(PENDING_MAX + 3))
    assert [c.time for c in closed] == [minute(n) for n in range(2, PENDING_MAX + 2)]
    assert closer.dropped == 2


def test_a_candle_too_old_to_be_corrected_is_not_given_out_again() -> None:
    closer = CandleCloser(START)
    for number in range(RETURNED_MAX + 1):
        closer.update(make_candle(number), minute(number))
    closer.close(minute(RETURNED_MAX + 1))
    closer.update(make_candle(0, volume=9.0, trades=9), minute(RETURNED_MAX + 1))
    assert closer.corrections() == []
    assert closer.close(minute(RETURNED_MAX + 2)) == []


def test_candles_of_forgotten_pairs_are_neither_closed_nor_corrected() -> None:
    closer = CandleCloser(START)
    for pair in ("AAAUSD", "BBBUSD"):
        closer.update(make_candle(0, 1.0, pair=pair, trades=1), minute(0.5))
    assert len(closer.close(minute(1))) == 2
    for pair in ("AAAUSD", "BBBUSD"):
        closer.update(make_candle(0, 2.0, pair=pair, trades=2), minute(1.5))
        closer.update(make_candle(1, 2.0, pair=pair, trades=2), minute(1.5))
    closer.forget({"AAAUSD"})
    assert [candle.pair for candle in closer.corrections()] == ["BBBUSD"]
    assert [candle.pair for candle in closer.close(minute(2))] == ["BBBUSD"]
