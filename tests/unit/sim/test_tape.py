from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sim.bars import Bar
from krakked_tui.sim.minutes import extremes, split
from krakked_tui.sim.tape import MINUTE_MICROS, Print, Tape, made_up_parts
from tests.unit.sim.markets import DAY, market

MARKET = market()


def rebuilt(minute: int, prints: list[tuple[int, int]]) -> Bar:
    """A candle built naively from (price, volume) of its trades, oldest first."""
    prices = [price for price, _ in prints]
    volume = sum(volume for _, volume in prints)
    notional = sum(price * volume for price, volume in prints)
    return Bar(minute, prices[0], max(prices), min(prices), prices[-1], volume, notional, len(prints))


@given(st.sampled_from(["XBTUSD", "SNXUSD", "ETHUSD"]), st.integers(DAY * 1440, (DAY + 3) * 1440 - 1))
def test_trades_rebuild_their_candle_exactly(name: str, minute: int) -> None:
    bar, tape = MARKET.minute(name, minute), MARKET.tape(name, minute)
    assert len(tape.prints) == bar.trades
    if bar.trades:
        assert rebuilt(minute, [(trade.price, trade.volume) for trade in tape.prints]) == bar
    assert all(trade.volume > 0 for trade in tape.prints)
    offsets = [trade.offset for trade in tape.prints]
    assert offsets == sorted(offsets)
    assert all(0 <= offset < MINUTE_MICROS for offset in offsets)


def test_every_number_of_trades_occurs_among_the_tested() -> None:
    counts = {MARKET.minute(name, DAY * 1440 + i).trades for name in MARKET.grids for i in range(1440)}
    assert {0, 1, 2, 3, 4, 5, 6, 7} <= counts


def test_the_candle_grows_trade_by_trade() -> None:
    minute = next(m for m in range(DAY * 1440, DAY * 1440 + 1440) if MARKET.minute("SNXUSD", m).trades == 2)
    tape = MARKET.tape("SNXUSD", minute)
    first, second = tape.prints
    before = MARKET.minute("SNXUSD", minute - 1).close
    assert tape.bar(first.offset - 1, before) == Bar(minute, before, before, before, before, 0, 0, 0)
    assert tape.bar(first.offset, before) == rebuilt(minute, [(first.price, first.volume)])
    assert tape.bar(second.offset, before) == MARKET.minute("SNXUSD", minute)


def test_a_rising_trade_was_bought_and_a_falling_one_sold() -> None:
    minute = DAY * 1440 + 600
    prints = MARKET.tape("XBTUSD", minute).prints
    for before, after in pairwise(prints):
        if after.price != before.price:
            assert after.buy is (after.price > before.price)


def test_no_two_trades_share_a_nanosecond() -> None:
    together = [Print(5, 100, 1, True, True), Print(5, 101, 1, True, False), Print(6, 101, 1, True, False)]
    assert Tape(0, tuple(together)).nanos == [5000, 5001, 6000]


@given(st.integers(0, 450), st.integers(0, 2**64 - 1), st.integers(128, 10**12))
def test_one_minute_is_shared_out_as_a_whole_day_is(trades: int, draw: int, volume: int) -> None:
    bar = Bar(0, 100, 120, 90, 110, volume + 4 * trades, 0, trades or 1)
    words = np.array([draw], dtype=np.uint64)
    count = np.array([bar.trades])
    whole, (has_high, has_low) = split(np.array([bar.volume]), count, words), extremes(count, words)
    parts = made_up_parts(bar, draw)
    shares = (whole.first[0], whole.high[0], whole.low[0], whole.last[0], whole.odd[0], whole.pairs[0])
    assert shares == (
        *(parts.first, parts.high or 0, parts.low or 0, parts.last or 0, parts.odd or 0, parts.pairs),
    )
    assert (bool(has_high[0]), bool(has_low[0])) == (parts.high is not None, parts.low is not None)
