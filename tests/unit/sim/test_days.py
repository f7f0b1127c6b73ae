import statistics
from itertools import pairwise

from krakked_tui.sim import days
from krakked_tui.sim.instruments import Instrument
from tests.unit.sim.markets import BITCOIN, DAY, ETHER


def test_each_day_opens_where_the_one_before_closed() -> None:
    for day in range(DAY, DAY + 50):
        assert days.day_of(7, BITCOIN, day).close == days.day_of(7, BITCOIN, day + 1).open


def test_prices_come_home_over_the_years() -> None:
    opens = [days.day_of(7, BITCOIN, day).open for day in range(DAY - 4000, DAY + 4000, 40)]
    assert min(opens) > 20_000
    assert max(opens) < 250_000


def test_pairs_move_together_but_not_in_step() -> None:
    def returns(instrument: Instrument) -> list[float]:
        found = [days.day_of(7, instrument, day) for day in range(DAY, DAY + 400)]
        return [day.close / day.open - 1 for day in found]

    correlation = statistics.correlation(returns(BITCOIN), returns(ETHER))
    assert 0.25 < correlation < 0.85


def test_some_weeks_are_wilder_than_others() -> None:
    volatilities = [days.day_of(7, BITCOIN, day).volatility for day in range(DAY, DAY + 400)]
    assert max(volatilities) > 3 * min(volatilities)
    jumps = [abs(b - a) for a, b in pairwise(volatilities)]
    assert statistics.median(jumps) < 0.1 * statistics.median(volatilities), "calm and wild days cluster"


def test_every_regime_comes_up_and_lasts_a_block() -> None:
    names = {days.regime_of(7, day).name for day in range(DAY, DAY + 800)}
    assert names == {regime.name for regime in days.REGIMES}
    block = DAY - DAY % days.REGIME_DAYS
    assert len({days.regime_of(7, block + offset) for offset in range(days.REGIME_DAYS)}) == 1


def test_another_seed_is_another_market() -> None:
    assert days.day_of(7, BITCOIN, DAY) != days.day_of(8, BITCOIN, DAY)
