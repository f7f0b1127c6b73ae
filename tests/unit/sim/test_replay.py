from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sim.bars import Bar, merge
from krakked_tui.sim.replay import Recording, ReplayMarket, lot_grid, possible
from krakked_tui.sim.tape import MINUTE_MICROS
from tests.unit.sim.markets import BITCOIN, DAY, ETHER, QUIET

MINUTE = DAY * 1440


def recording(*bars: Bar) -> Recording:
    columns = zip(
        *((b.minute, b.open, b.high, b.low, b.close, b.volume, b.trades) for b in bars), strict=True
    )
    return Recording(*(np.array(column, dtype=np.int64) for column in columns))


def candle(minute: int, opened: int, high: int, low: int, close: int, volume: int, trades: int) -> Bar:
    return Bar(minute, opened, high, low, close, volume, 0, trades)


def replay(*bars: Bar) -> ReplayMarket:
    return ReplayMarket(7, (BITCOIN, QUIET), {"XBTUSD": recording(*bars)})


@st.composite
def candles(draw: st.DrawFn, minute: int = MINUTE) -> Bar:
    low = draw(st.integers(1, 10**6))
    high = low + draw(st.integers(0, 1000))
    opened, close = draw(st.integers(low, high)), draw(st.integers(low, high))
    least = (
        1 if opened == close == low == high else 2 + (high > max(opened, close)) + (low < min(opened, close))
    )
    trades = draw(st.integers(least, least + 60))
    return candle(minute, opened, high, low, close, draw(st.integers(1, 10**15)), trades)


@given(candles())
def test_trades_rebuild_the_recorded_candle_exactly(bar: Bar) -> None:
    assert possible(bar)
    here = replay(bar)
    served = here.minute("XBTUSD", MINUTE)
    assert served._replace(notional=0) == bar
    tape = here.tape("XBTUSD", MINUTE)
    assert tape.bar(MINUTE_MICROS, 0) == served
    assert all(trade.volume >= 0 for trade in tape.prints)
    assert here.trade_count("XBTUSD", (MINUTE + 1) * MINUTE_MICROS, DAY) == bar.trades


def test_a_candle_is_played_as_it_was_recorded() -> None:
    here = replay(candle(MINUTE + 3, 683650, 683660, 683600, 683655, 12345, 9))
    assert [trade.price for trade in here.tape("XBTUSD", MINUTE + 3).prints][::8] == [683650, 683655]
    assert sum(trade.volume for trade in here.tape("XBTUSD", MINUTE + 3).prints) == 12345


def test_gaps_are_empty_minutes_and_the_price_stands_before_and_after() -> None:
    here = replay(
        candle(MINUTE + 2, 100, 110, 90, 105, 500, 8),
        candle(MINUTE + 1441, 120, 120, 120, 120, 30, 1),
    )
    for minute, price in (
        (0, 100),
        (1, 100),
        (3, 105),
        (1440, 105),
        (1442, 120),
        (90_000, 120),
        (-5000, 100),
    ):
        assert here.minute("XBTUSD", MINUTE + minute) == Bar(
            MINUTE + minute, price, price, price, price, 0, 0, 0
        ), minute
    assert here.last_print("XBTUSD", (MINUTE + 1000) * MINUTE_MICROS).price == 105
    assert here.last_print("XBTUSD", (MINUTE + 90_000) * MINUTE_MICROS).volume == 30
    assert here.last_print("XBTUSD", MINUTE * MINUTE_MICROS).volume == 0
    assert here.quote("XBTUSD", (MINUTE + 90_000) * MINUTE_MICROS).last == 120
    assert here.trade_count("XBTUSD", (MINUTE + 90_000) * MINUTE_MICROS, DAY) == 9


def test_a_pair_without_a_recording_stands_still_at_its_level() -> None:
    here = replay(candle(MINUTE, 100, 110, 90, 105, 500, 8))
    at = (MINUTE + 77) * MINUTE_MICROS
    assert here.grids["SNXUSD"].price(here.quote("SNXUSD", at).last) == Decimal("0.3655")
    assert here.span("SNXUSD", MINUTE, MINUTE + 5000).trades == 0
    assert here.last_print("SNXUSD", at).volume == 0


@pytest.mark.parametrize(
    ("prices", "trades", "expected"),
    [
        ((100, 100, 100, 100), 1, True),
        ((100, 101, 100, 101), 1, False),
        ((100, 101, 100, 101), 2, True),
        ((100, 102, 100, 101), 2, False),
        ((100, 102, 100, 101), 3, True),
        ((100, 102, 99, 101), 3, False),
        ((100, 102, 99, 101), 4, True),
        ((100, 99, 98, 99), 9, False),
        ((100, 101, 101, 101), 9, False),
        ((0, 0, 0, 0), 1, False),
    ],
)
def test_what_a_number_of_trades_can_make(
    prices: tuple[int, int, int, int], trades: int, expected: bool
) -> None:
    assert possible(candle(MINUTE, *prices, 100, trades)) is expected


def test_sums_too_large_for_64_bits_stay_exact() -> None:
    bar = candle(MINUTE, 10**9, 10**9 + 5, 10**9 - 5, 10**9, 10**16, 40)
    here = replay(bar, bar._replace(minute=MINUTE + 1))
    for minute in (MINUTE, MINUTE + 1):
        assert here.tape("XBTUSD", minute).bar(MINUTE_MICROS, 0) == here.minute("XBTUSD", minute)
    hour = here.bars("XBTUSD", 60, MINUTE, MINUTE + 60)[0]
    assert hour == merge([here.minute("XBTUSD", MINUTE + index) for index in range(60)])
    assert hour.notional > 2**64


def test_volumes_are_whole_lots() -> None:
    assert lot_grid(ETHER).volume_decimals == 8
    assert lot_grid(QUIET).volume_decimals == 5
    assert lot_grid(QUIET).ulps_per_tick == 5
