import numpy as np
import pytest

from krakked_tui.sim.days import day_of
from krakked_tui.sim.instruments import Instrument, grid_of
from krakked_tui.sim.minutes import day_bars, draws, extremes, split
from tests.unit.sim.markets import BITCOIN, DAY, QUIET


@pytest.mark.parametrize("instrument", [BITCOIN, QUIET])
def test_candles_make_sense(instrument: Instrument) -> None:
    bars = day_bars(7, instrument, grid_of(instrument), DAY)
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.low >= 1).all()
    traded = bars.trades > 0
    assert (bars.volume[traded] > 0).all()
    assert (bars.notional[traded] >= bars.low[traded] * bars.volume[traded]).all()
    assert (bars.notional[traded] <= bars.high[traded] * bars.volume[traded]).all()


def test_an_empty_minute_carries_the_last_price_and_nothing_else() -> None:
    bars = day_bars(7, QUIET, grid_of(QUIET), DAY)
    empty = np.flatnonzero(bars.trades == 0)
    assert len(empty) > 100
    for column in (bars.open, bars.high, bars.low, bars.close):
        assert (column[empty] == bars.close[empty - 1]).all()
    assert not bars.volume[empty].any()
    assert not bars.notional[empty].any()


def test_a_days_first_minute_always_trades_so_that_days_need_no_yesterday() -> None:
    for day in range(DAY, DAY + 20):
        assert day_bars(7, QUIET, grid_of(QUIET), day).trades[0] > 0


def test_the_day_runs_from_its_coarse_open_to_its_coarse_close() -> None:
    grid = grid_of(BITCOIN)
    bars, coarse = day_bars(7, BITCOIN, grid, DAY), day_of(7, BITCOIN, DAY)
    assert bars.open[0] == round(coarse.open / float(grid.tick))
    assert bars.close[-1] == round(coarse.close / float(grid.tick))


def test_activity_and_range_are_those_of_the_pair() -> None:
    grid = grid_of(BITCOIN)
    days = [day_bars(7, BITCOIN, grid, day) for day in range(DAY, DAY + 10)]
    trades = sum(int(bars.trades.sum()) for bars in days) / 10
    volume = sum(int(bars.volume.sum()) for bars in days) / 10 / 10**grid.volume_decimals
    assert 0.5 < trades / BITCOIN.daily_trades < 2
    assert 0.5 < volume / float(BITCOIN.daily_volume) < 2


def test_a_minutes_volume_is_shared_out_completely() -> None:
    count = np.array([0, 1, 2, 3, 4, 5, 6, 7, 60, 399])
    volume = np.where(count > 0, 128 + 4 * count, 0)
    draw = draws(7, "XBTUSD", 0, len(count))
    shares = split(volume, count, draw)
    total = (
        shares.first + shares.high + shares.low + shares.last + shares.odd + 2 * shares.pairs * shares.each
    )
    assert (total == volume).all()
    has_high, has_low = extremes(count, draw)
    trades = (
        (shares.first > 0).astype(int)
        + has_high * (shares.high > 0)
        + has_low * (shares.low > 0)
        + (shares.last > 0)
        + (shares.odd > 0)
        + 2 * shares.pairs * (shares.each > 0)
    )
    assert (trades == count).all()
