import subprocess
import sys
from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sim.bars import merge
from krakked_tui.sim.tape import MINUTE_MICROS
from tests.unit.sim.markets import DAY, QUIET, market

MINUTE = DAY * 1440

_FINGERPRINT = """
from hashlib import blake2b
from tests.unit.sim.markets import DAY, market
m = market()
rows = [m.minute(name, DAY * 1440 + i) for name in m.grids for i in range(0, 1440, 7)]
rows += [m.span(name, DAY * 1440 - 10080, DAY * 1440) for name in m.grids]
print(blake2b(repr([tuple(row) for row in rows]).encode(), digest_size=8).hexdigest())
"""


def test_the_same_minute_gives_the_same_candle_whatever_was_asked_before() -> None:
    fresh, used = market(), market()
    used.span("XBTUSD", MINUTE - 100_000, MINUTE + 77)
    used.tape("ETHUSD", MINUTE + 5)
    for offset in (0, 1, 719, 1439, 1440, 100_000):
        for name in fresh.grids:
            assert fresh.minute(name, MINUTE + offset) == used.minute(name, MINUTE + offset)
            assert fresh.tape(name, MINUTE + offset).prints == used.tape(name, MINUTE + offset).prints


def test_the_same_market_in_every_process() -> None:
    here = market()
    rows = [here.minute(name, MINUTE + i) for name in here.grids for i in range(0, 1440, 7)]
    rows += [here.span(name, MINUTE - 10080, MINUTE) for name in here.grids]
    expected = blake2b(repr([tuple(row) for row in rows]).encode(), digest_size=8).hexdigest()
    there = subprocess.run([sys.executable, "-c", _FINGERPRINT], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == expected


def test_the_market_of_seed_7_never_changes() -> None:
    bar = market().minute("XBTUSD", MINUTE + 600)
    assert tuple(bar) == (29460120, 799892, 800133, 799764, 800012, 31851579, 25478581037345, 16)


def test_seeds_differ() -> None:
    assert market(7).minute("XBTUSD", MINUTE) != market(8).minute("XBTUSD", MINUTE)


@given(st.integers(0, 3 * 1440), st.integers(1, 3 * 1440))
def test_any_span_is_the_sum_of_its_minutes(start: int, length: int) -> None:
    here = market()
    first = MINUTE - 1440 + start
    minutes = [here.minute("SNXUSD", minute) for minute in range(first, first + length)]
    assert here.span("SNXUSD", first, first + length) == merge(minutes)


def test_all_timeframes_agree() -> None:
    here = market()
    for interval in (5, 15, 30, 60, 240, 1440, 10080, 21600):
        first = MINUTE // interval * interval
        coarse = here.bars("ETHUSD", interval, first, first + interval)
        fine = here.bars("ETHUSD", 1, first, first + interval)
        assert coarse == [merge(fine)]


def test_a_running_candle_holds_the_trades_so_far() -> None:
    here = market()
    at = (MINUTE + 7) * MINUTE_MICROS + 31_000_000
    running = here.running("XBTUSD", 5, at)
    seen = [trade for trade in here.tape("XBTUSD", MINUTE + 7).prints if trade.offset <= 31_000_000]
    complete = [here.minute("XBTUSD", MINUTE + 5), here.minute("XBTUSD", MINUTE + 6)]
    assert running.minute == MINUTE + 5
    assert running.trades == sum(bar.trades for bar in complete) + len(seen)
    assert running.volume == sum(bar.volume for bar in complete) + sum(trade.volume for trade in seen)
    assert running.close == seen[-1].price


def test_a_finished_running_candle_is_the_candle() -> None:
    here = market()
    at = (MINUTE + 10) * MINUTE_MICROS - 1
    assert here.running("XBTUSD", 5, at) == here.span("XBTUSD", MINUTE + 5, MINUTE + 10)


def test_the_last_price_is_one_side_of_the_spread() -> None:
    here = market()
    for step in range(0, 3_600_000_000, 7_777_777):
        quote = here.quote("SNXUSD", MINUTE * MINUTE_MICROS + step)
        assert quote.ask - quote.bid == QUIET.spread_ticks
        assert quote.last in (quote.bid, quote.ask)


def test_the_last_trade_is_found_across_empty_minutes() -> None:
    here = market()
    empty = next(m for m in range(MINUTE + 5, MINUTE + 1440) if not here.minute("SNXUSD", m).trades)
    at = empty * MINUTE_MICROS + 30_000_000
    assert here.last_print("SNXUSD", at).price == here.minute("SNXUSD", empty).close


def test_prints_beyond_limits_are_all_those_and_only_those() -> None:
    here = market()
    after, until = MINUTE * MINUTE_MICROS + 20_000_000, (MINUTE + 300) * MINUTE_MICROS + 5
    bar = here.span("ETHUSD", MINUTE, MINUTE + 300)
    low, high = bar.low + (bar.high - bar.low) // 4, bar.high - (bar.high - bar.low) // 4
    naive = [
        (minute * MINUTE_MICROS + trade.offset, trade)
        for minute in range(MINUTE, MINUTE + 301)
        for trade in here.tape("ETHUSD", minute).prints
        if after < minute * MINUTE_MICROS + trade.offset <= until and not low <= trade.price <= high
    ]
    assert list(here.prints("ETHUSD", after, until, low, high)) == naive
    assert naive


def test_the_rolling_day_spans_24_hours_to_the_minute() -> None:
    here = market()
    at = (MINUTE + 90) * MINUTE_MICROS + 1
    rolling = here.rolling("XBTUSD", at)
    assert rolling.minute == MINUTE + 90 - 1439
    assert rolling.close == here.running("XBTUSD", 1, at).close
