from decimal import Decimal

from krakked_tui.sim.instruments import grid_of
from tests.unit.sim.markets import BITCOIN, QUIET, pair


def test_a_coarse_tick_keeps_prices_on_it_at_the_pairs_decimals() -> None:
    grid = grid_of(QUIET)
    assert grid.ulps_per_tick == 5
    assert str(grid.price(731)) == "0.3655"


def test_volume_units_are_lots_while_a_days_sums_fit_into_64_bits() -> None:
    assert grid_of(BITCOIN).volume_decimals == 8
    assert grid_of(QUIET).volume_decimals == 5


def test_a_huge_volume_gets_coarser_units_and_stays_on_the_lot() -> None:
    doge = BITCOIN.__class__(
        pair=pair("XDGUSD", tick="0.0000001", price_decimals=7),
        level=Decimal("0.0987944"),
        daily_volume=Decimal(154_786_473),
        daily_trades=14777,
        volatility=0.04,
        correlation=0.7,
        spread_ticks=1,
    )
    grid = grid_of(doge)
    assert 0 <= grid.volume_decimals < 8
    assert grid.volume(1) % doge.pair.lot_size == 0
