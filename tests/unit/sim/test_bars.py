from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sim.bars import Bar, merge
from krakked_tui.sim.instruments import grid_of
from krakked_tui.sim.minutes import day_bars
from tests.unit.sim.markets import BITCOIN, DAY, QUIET


def bar(minute: int, *prices: int) -> Bar:
    """A minute with one trade of volume 10 at each price; without prices an empty one at 100."""
    if not prices:
        return Bar(minute, 100, 100, 100, 100, 0, 0, 0)
    total = 10 * sum(prices)
    return Bar(minute, prices[0], max(prices), min(prices), prices[-1], 10 * len(prices), total, len(prices))


def test_empty_minutes_do_not_stretch_the_range() -> None:
    assert merge([bar(0), bar(1, 98, 99), bar(2)]) == Bar(0, 98, 99, 98, 99, 20, 1970, 2)


def test_nothing_but_empty_minutes_stays_empty() -> None:
    assert merge([bar(0), bar(1)]) == bar(0)


def test_vwap_is_cut_never_rounded_up() -> None:
    grid = grid_of(BITCOIN)
    assert Bar(0, 1, 1, 1, 1, 3, 1_059_005, 2).vwap(grid) == Decimal("35300.1")
    assert str(bar(0).vwap(grid)) == "0.0"


def test_vwap_of_a_coarse_tick_uses_all_decimals() -> None:
    # Ticks of 0.0005: three units at 731 and one at 732 average 0.365625.
    assert Bar(0, 731, 732, 731, 732, 4, 3 * 731 + 732, 2).vwap(grid_of(QUIET)) == Decimal("0.3656")


@given(st.lists(st.lists(st.integers(90, 110), max_size=4), min_size=3, max_size=12), st.integers(1, 11))
def test_adding_up_does_not_depend_on_the_grouping(minutes: list[list[int]], cut: int) -> None:
    bars = [bar(index, *prices) for index, prices in enumerate(minutes)]
    cut = min(cut, len(bars) - 1)
    whole, parts = merge(bars), merge([merge(bars[:cut]), merge(bars[cut:])])
    if whole.trades:
        assert whole == parts


def test_folding_a_day_equals_adding_up_its_minutes() -> None:
    for instrument in (BITCOIN, QUIET):
        day = day_bars(7, instrument, grid_of(instrument), DAY)
        minutes = [day.minute(index) for index in range(1440)]
        for length in (1, 5, 15, 30, 60):
            naive = [merge(minutes[start : start + length]) for start in range(0, 1440, length)]
            assert day.fold(length) == naive


def test_folding_part_of_a_day() -> None:
    day = day_bars(7, QUIET, grid_of(QUIET), DAY)
    assert day.fold(7, 61, 68) == [merge([day.minute(index) for index in range(61, 68)])]
