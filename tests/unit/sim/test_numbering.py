from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sim.numbering import DayCounts
from krakked_tui.sim.tape import MINUTE_MICROS
from tests.unit.sim.markets import DAY, market

MARKET = market()
MINUTE = DAY * 1440


def test_days_are_counted_both_ways_and_each_only_once() -> None:
    asked: list[int] = []

    def trades(_name: str, day: int) -> int:
        asked.append(day)
        return day % 10 + 1

    counts = DayCounts(trades)
    assert [counts.before("XBTUSD", day, 100) for day in (100, 101, 103, 99, 97)] == [0, 1, 6, -10, -27]
    assert sorted(asked) == [97, 98, 99, 100, 101, 102]
    counts.clear()
    assert counts.before("XBTUSD", 101, 100) == 1
    assert len(asked) == 7


def test_the_cheap_count_is_the_sum_of_the_candles() -> None:
    for name in MARKET.grids:
        for day in (DAY - 3, DAY, DAY + 1):
            total = MARKET.span(name, day * 1440, (day + 1) * 1440).trades
            after, before = (MARKET.trades_before(name, edge * 1440, DAY) for edge in (day + 1, day))
            assert after - before == total


@given(st.integers(-3 * 1440, 3 * 1440), st.integers(0, MINUTE_MICROS - 1), st.integers(1, 200))
def test_counts_grow_by_one_with_every_trade(minute: int, offset: int, span: int) -> None:
    at = (MINUTE + minute) * MINUTE_MICROS + offset
    until = at + span * MINUTE_MICROS
    between = [
        where * MINUTE_MICROS + trade.offset
        for where in range(at // MINUTE_MICROS, until // MINUTE_MICROS + 1)
        for trade in MARKET.tape("SNXUSD", where).prints
        if at < where * MINUTE_MICROS + trade.offset <= until
    ]
    counted = MARKET.trade_count("SNXUSD", until, DAY) - MARKET.trade_count("SNXUSD", at, DAY)
    assert counted == len(between)


def test_traded_minutes_are_the_same_both_ways() -> None:
    first, last = MINUTE - 2000, MINUTE + 2000
    naive = [minute for minute in range(first, last) if MARKET.minute("SNXUSD", minute).trades]
    assert list(MARKET.traded_minutes("SNXUSD", first, last)) == naive
    assert list(MARKET.traded_minutes_back("SNXUSD", last - 1, first)) == naive[::-1]
