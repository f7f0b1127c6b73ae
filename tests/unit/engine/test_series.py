"""The candles of one chart."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.engine.series import Series, aggregate, candles_of
from krakked_tui.market.frames import frame_of

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def bar(
    minute: int, close: float = 10.0, trades: int = 5, volume: float = 2.0, pair: str = "XBTUSD"
) -> Candle:
    time = NOON + minute * MINUTE
    return Candle(
        pair, Timeframe.M1, time, 10.0, max(11.0, close), min(9.0, close), close, volume, 10.0, trades
    )


def quote(at: datetime, last: str) -> Quote:
    price = Decimal(last)
    return Quote("XBTUSD", price, price, price, at, 0.0)


def series(keep: int = 3) -> Series:
    return Series("XBTUSD", Timeframe.M1, keep)


def test_closed_ones_are_kept_in_order_and_the_running_one_apart() -> None:
    chart = series()
    chart.add([bar(3), bar(0), bar(2), bar(1), bar(4)], NOON + 4.5 * MINUTE)
    assert [each.time for each in chart.closed] == [NOON + n * MINUTE for n in (1, 2, 3)]
    assert chart.running == bar(4)
    assert chart.closed is chart.closed


def test_a_candle_is_replaced_by_one_at_least_as_complete_only() -> None:
    chart = series()
    chart.add([bar(0, trades=5)], NOON + MINUTE)
    first = chart.closed
    chart.add([bar(0, trades=5), bar(0, close=9.5, trades=4)], NOON + MINUTE)
    assert chart.closed is first
    chart.add([bar(0, close=9.5, trades=6)], NOON + MINUTE)
    assert [each.close for each in chart.closed] == [9.5]


def test_the_running_candle_stays_when_the_next_begins_until_the_final_one_comes() -> None:
    chart = series()
    chart.run(bar(0, close=10.1))
    chart.run(bar(1))
    chart.run(bar(0, close=10.2))
    assert chart.running == bar(1)
    assert chart.closed == (bar(0, close=10.1),)
    chart.add([bar(0, close=10.3)], NOON + 1.5 * MINUTE)
    assert chart.closed == (bar(0, close=10.3),)
    shown: list[Candle | None] = []
    for minutes in (1.5, 2):
        chart.end(NOON + minutes * MINUTE)
        shown.append(chart.running)
    assert shown == [bar(1), None]
    assert chart.closed[-1] == bar(1)


def test_the_running_candle_follows_prices() -> None:
    chart = series()
    chart.add([bar(0, volume=7.0)], NOON + timedelta(seconds=5))
    for last in ("12", "8", "9"):
        chart.trade_at(quote(NOON + timedelta(seconds=30), last))
    running = chart.running
    assert running is not None
    assert (running.open, running.high, running.low, running.close, running.volume) == (10, 12, 8, 9, 7)
    chart.trade_at(quote(NOON + MINUTE, "9.5"))
    assert chart.closed == (running,)
    assert chart.running is not None
    assert (chart.running.time, chart.running.open, chart.running.close) == (NOON + MINUTE, 9.5, 9.5)
    chart.trade_at(quote(NOON, "1"))
    assert chart.running.low == 9.5


def test_the_candles_of_one_pair_in_a_frame() -> None:
    mine = [bar(0), bar(1)]
    frame = frame_of([bar(0, pair="ETHUSD"), *mine])
    assert candles_of(frame, "XBTUSD", Timeframe.M1) == mine


def test_longer_candles_are_put_together_from_shorter_ones() -> None:
    parts = [bar(4), *(bar(n, close=10.0 + n, volume=float(n), trades=n) for n in range(5, 12))]
    five, ten = aggregate(parts, Timeframe.M5)
    assert (five.time, ten.time) == (NOON + 5 * MINUTE, NOON + 10 * MINUTE)
    assert (five.open, five.high, five.low, five.close) == (10.0, 19.0, 9.0, 19.0)
    assert (five.volume, five.trades, five.vwap, five.timeframe) == (35.0, 35, 10.0, Timeframe.M5)
    assert ten.close == 21.0
    assert aggregate([bar(0, volume=0.0, close=10.5)], Timeframe.M5)[0].vwap == 10.5
    assert aggregate([], Timeframe.M5) == []


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3), st.booleans())))
def test_whatever_comes_it_is_ascending_unique_and_bounded(news: list[tuple[int, int, bool]]) -> None:
    chart = series(keep=5)
    now = NOON + 10 * MINUTE
    for minute, trades, live in news:
        if live:
            chart.run(bar(minute, trades=trades))
        else:
            chart.add([bar(minute, trades=trades)], now)
        times = [each.time for each in chart.closed]
        assert times == sorted(set(times))
        assert len(times) <= 5
        if live:
            assert chart.running is not None
            assert chart.running.time >= NOON + minute * MINUTE
