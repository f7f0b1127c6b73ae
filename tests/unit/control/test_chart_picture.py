"""Indicators and fills for a chart: computed once per closed bar, the same objects meanwhile."""

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from krakked_tui.control.chart_picture import LINES_MAX, ChartOverlays
from krakked_tui.control.market_view import ChartFill
from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.fills import Trade
from krakked_tui.strategies.base import Curve
from krakked_tui.strategies.settings import StrategySettings
from krakked_tui.strategies.trend_following import TrendFollowing
from tests.unit.domain.builders import START, make_candle

M1, M5 = Timeframe.M1, Timeframe.M5


class Counting(TrendFollowing):
    """Counts how often it is asked, and may fail or answer nonsense."""

    def __init__(self, strategy_id: str = "trend_one", **params: object) -> None:
        lengths: dict[str, object] = {"ma_fast": 2, "ma_slow": 3, "atr_bars": 2}
        super().__init__(
            StrategySettings(
                id=strategy_id, type="trend_following", timeframes=(M1,), params=lengths | params
            )
        )
        self.asked = 0
        self.answer: tuple[Curve, ...] | Exception | None = None

    def curves(self, frame: pl.DataFrame) -> tuple[Curve, ...]:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return super().curves(frame) if self.answer is None else self.answer


def bars(*closes: float) -> tuple[Candle, ...]:
    return tuple(make_candle(number, close) for number, close in enumerate(closes))


def fill(minute: float, side: str = "buy", pair: str = "XBTUSD", name: str = "T") -> Trade:
    at = START + timedelta(minutes=minute)
    return Trade(f"{name}{minute}", "O", pair, side, Decimal("1.5"), Decimal(1), Decimal("1.5"), (), at, True)


def test_both_averages_have_a_value_per_bar() -> None:
    fast, slow = ChartOverlays([Counting()]).lines(bars(1, 2, 3, 4), M1, traded=True)
    assert (fast.name, fast.values) == ("sma 2", (None, 1.5, 2.5, 3.5))
    assert (slow.name, slow.values) == ("sma 3", (None, None, 2.0, 3.0))


def test_they_are_computed_once_per_closed_bar() -> None:
    strategy = Counting()
    overlays, first = ChartOverlays([strategy]), bars(1, 2, 3)
    before = overlays.lines(first, M1, traded=True)
    assert overlays.lines(first, M1, traded=True) is before
    assert strategy.asked == 1
    assert overlays.lines(bars(1, 2, 3, 4), M1, traded=True) is not before
    assert strategy.asked == 2


def test_only_strategies_that_trade_this_pair_and_timeframe_are_asked() -> None:
    strategy = Counting()
    overlays, shown = ChartOverlays([strategy]), bars(1, 2, 3)
    assert overlays.lines(shown, M5, traded=True) == ()
    assert overlays.lines(shown, M1, traded=False) == ()
    assert strategy.asked == 0
    assert len(overlays.lines(shown, M1, traded=True)) == 2
    assert overlays.lines(shown, M1, traded=False) == (), "the pair left the universe"
    assert overlays.lines((), M1, traded=True) == ()


def test_the_same_name_twice_says_whose_it_is_unless_it_is_the_same() -> None:
    shown = bars(1, 2, 3, 4)
    same = ChartOverlays([Counting("one"), Counting("two")]).lines(shown, M1, traded=True)
    assert [line.name for line in same] == ["sma 2", "sma 3"]
    other = Counting("two")
    other.answer = (Curve("sma 2", (1.0, 1.0, 1.0, 1.0)),)
    named = ChartOverlays([Counting("one"), other]).lines(shown, M1, traded=True)
    assert [line.name for line in named] == ["sma 2 one", "sma 2 two", "sma 3"]


def test_a_strategy_that_fails_or_answers_nonsense_costs_only_its_own_lines() -> None:
    failing, short, many = Counting("aaa"), Counting("bbb"), Counting("ccc")
    failing.answer = ValueError("broken")
    short.answer = (Curve("short", (1.0,)),)
    many.answer = tuple(Curve(f"line {number}", (float(number),) * 3) for number in range(9))
    found = ChartOverlays([failing, short, many]).lines(bars(1, 2, 3), M1, traded=True)
    assert [line.name for line in found] == [f"line {number}" for number in range(LINES_MAX)]


def test_fills_are_ours_in_this_pair_since_the_first_bar_oldest_first() -> None:
    overlays, shown = ChartOverlays([]), bars(1, 2, 3)
    trades = [fill(9, "sell"), fill(-1), fill(0.5), fill(1, pair="ETHUSD")]
    found = overlays.fills("XBTUSD", trades, shown)
    assert found == (
        ChartFill(START + timedelta(minutes=0.5), "buy", 1.5),
        ChartFill(START + timedelta(minutes=9), "sell", 1.5),
    )
    assert overlays.fills("XBTUSD", list(trades), shown) is found
    assert overlays.fills("XBTUSD", trades, ()) == ()


@pytest.mark.parametrize("average", ["sma", "ema"])
def test_a_chart_names_the_average_it_shows(average: str) -> None:
    lines = ChartOverlays([Counting(average=average)]).lines(bars(1, 2, 3), M1, traded=True)
    assert [line.name for line in lines] == [f"{average} 2", f"{average} 3"]
