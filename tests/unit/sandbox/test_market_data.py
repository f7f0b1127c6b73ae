from datetime import timedelta

from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.market_data import ohlc_rows, ticker_now
from tests.unit.sandbox.rig import Rig

NOON = timedelta(hours=12)


def test_the_best_levels_of_the_ticker_are_its_quote(rig: Rig) -> None:
    listing = rig.exchange.catalog.listings["XBTUSD"]
    at = rig.exchange.clock.now() + NOON
    now = ticker_now(rig.exchange, listing, at)
    grid = rig.exchange.market.grids["XBTUSD"]
    assert (now.bid.price, now.ask.price) == (grid.price(now.quote.bid), grid.price(now.quote.ask))
    assert now.day == rig.exchange.market.rolling("XBTUSD", micros_of(at))


def test_since_is_exclusive_to_the_second(rig: Rig) -> None:
    listing = rig.exchange.catalog.listings["XBTUSD"]
    at = rig.exchange.clock.now() + NOON + timedelta(seconds=1)
    newest = 1767571200 + 12 * 3600 - 300
    for since, expected in ((newest - 1, [newest, newest + 300]), (newest, [newest + 300])):
        rows, last = ohlc_rows(rig.exchange, listing, 5, since, at)
        assert [row[0] for row in rows] == expected
        assert last == newest


def test_a_candle_that_just_ended_is_closed_and_a_new_one_runs(rig: Rig) -> None:
    listing = rig.exchange.catalog.listings["XBTUSD"]
    at = rig.exchange.clock.now() + NOON
    (closed, running), _ = ohlc_rows(rig.exchange, listing, 1, micros_of(at) // 1_000_000 - 61, at)
    assert (closed[0], running[0]) == (1767614340, 1767614400)
    assert running[1:] == [closed[4]] * 4 + ["0.0", "0.00000000", 0]
