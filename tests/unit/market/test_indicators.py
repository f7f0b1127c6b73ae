"""Indicators against TA-Lib, and against their textbook loops."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np
import polars as pl
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.market.indicators import (
    adx,
    atr,
    atr_wilder,
    bollinger,
    donchian,
    ema,
    ema_warmup,
    macd,
    realised_volatility,
    rsi,
    sma,
    supertrend,
    true_range,
    wilder_warmup,
    zscore,
)

PRICES = st.lists(st.floats(0.01, 1e5), min_size=1, max_size=60)
LENGTHS = st.integers(1, 20)


def evaluate(expression: pl.Expr, **columns: Sequence[float]) -> list[float | None]:
    return pl.DataFrame(columns).select(value=expression)["value"].to_list()


def assert_same(found: list[float | None], expected: list[float | None]) -> None:
    assert [value is None for value in found] == [value is None for value in expected]
    for value, wanted in zip(found, expected, strict=True):
        if value is not None and wanted is not None:
            assert math.isclose(value, wanted, rel_tol=1e-9, abs_tol=1e-7)


@given(PRICES, LENGTHS)
def test_sma(prices: list[float], bars: int) -> None:
    expected = [
        math.fsum(prices[i + 1 - bars : i + 1]) / bars if i + 1 >= bars else None for i in range(len(prices))
    ]
    assert_same(evaluate(sma("close", bars), close=prices), expected)


@given(PRICES, LENGTHS)
def test_ema(prices: list[float], bars: int) -> None:
    expected: list[float | None] = [None] * min(bars - 1, len(prices))
    if len(prices) >= bars:
        value = math.fsum(prices[:bars]) / bars
        expected.append(value)
        for price in prices[bars:]:
            value += (price - value) * 2 / (bars + 1)
            expected.append(value)
    assert_same(evaluate(ema("close", bars), close=prices), expected)


@given(st.lists(st.tuples(st.floats(1, 1e5), st.floats(0, 10), st.floats(0, 10)), min_size=1), LENGTHS)
def test_atr(bars_given: list[tuple[float, float, float]], bars: int) -> None:
    close = [price for price, _, _ in bars_given]
    high = [price + above for price, above, _ in bars_given]
    low = [price - below for price, _, below in bars_given]
    ranges = [high[0] - low[0]] + [
        max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))
        for i in range(1, len(close))
    ]
    columns = {"high": high, "low": low, "close": close}
    assert_same(evaluate(true_range(), **columns), list(ranges))
    expected = [
        math.fsum(ranges[i + 1 - bars : i + 1]) / bars if i + 1 >= bars else None for i in range(len(close))
    ]
    assert_same(evaluate(atr(bars), **columns), expected)


@pytest.mark.parametrize(
    ("high", "low", "expected"),
    [(12, 9, 3), (15, 13, 5), (7, 5, 5)],
    ids=["no gap", "gap up", "gap down"],
)
def test_true_range_counts_the_gap(high: float, low: float, expected: float) -> None:
    columns = {"high": [11.0, high], "low": [9.0, low], "close": [10.0, low]}
    assert evaluate(true_range(), **columns) == [2.0, expected]


def test_pairs_do_not_leak_into_each_other() -> None:
    frame = pl.DataFrame({"pair": ["a", "a", "b", "b"], "close": [1.0, 3.0, 100.0, 300.0]})
    found = frame.select(value=sma("close", 2).over("pair"))["value"].to_list()
    assert found == [None, 2.0, None, 200.0]


BARS = 400


def walk(seed: int) -> pl.DataFrame:
    """A random path, that stands still for a while, with gaps of 30 % and of six orders of magnitude."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.02, BARS)
    steps[100:106] = 0.0
    steps[150], steps[151] = 0.3, -0.3
    steps[200] = math.log(1e-6) if seed % 2 else math.log(1e6)
    close = 100 * np.exp(np.cumsum(steps))
    reach = np.abs(rng.normal(0, 0.01, BARS))
    reach[100:106] = 0.0
    return pl.DataFrame({"high": close * (1 + reach), "low": close * (1 - reach[::-1]), "close": close})


WALKS = [walk(seed) for seed in range(4)]


def assert_like_talib(
    frame: pl.DataFrame, expression: pl.Expr, wanted: Any, *, since: int, tolerance: float = 1e-9
) -> None:
    """Both have their first value at bar ``since`` and agree from there on."""
    found = frame.select(value=expression)["value"].to_list()
    wanted = [None if math.isnan(value) else value for value in wanted.tolist()]
    assert [value is None for value in found] == [bar < since for bar in range(len(found))]
    for bar in range(since, len(found)):
        assert wanted[bar] is not None
        assert math.isclose(found[bar], wanted[bar], rel_tol=tolerance, abs_tol=1e-12), bar


@pytest.mark.parametrize("frame", WALKS)
@pytest.mark.parametrize("bars", [2, 5, 14])
def test_talib_agrees(frame: pl.DataFrame, bars: int) -> None:
    high, low, close = (frame[name].to_numpy() for name in ("high", "low", "close"))
    like = assert_like_talib
    like(frame, sma("close", bars), talib.SMA(close, bars), since=bars - 1)
    like(frame, ema("close", bars), talib.EMA(close, bars), since=bars - 1)
    like(frame, rsi("close", bars), talib.RSI(close, bars), since=bars)
    like(frame, atr_wilder(bars), talib.ATR(high, low, close, bars), since=bars)
    like(frame, adx(bars), talib.ADX(high, low, close, bars), since=2 * bars - 1)
    channel = donchian(bars)
    like(frame, channel.lower, talib.MIN(low, bars), since=bars - 1)
    like(frame, channel.upper, talib.MAX(high, bars), since=bars - 1)
    like(frame, channel.middle, talib.MIDPRICE(high, low, bars), since=bars - 1)


@pytest.mark.parametrize("frame", WALKS)
def test_the_mean_true_range_is_talibs_true_range_averaged(frame: pl.DataFrame) -> None:
    high, low, close = (frame[name].to_numpy() for name in ("high", "low", "close"))
    found = frame.select(value=atr(14))["value"].to_list()
    ranges = talib.TRANGE(high, low, close).tolist()
    assert found[:13] == [None] * 13
    for bar in range(14, BARS):  # the one before has the first bar's range, which TA-Lib leaves out
        assert math.isclose(found[bar], fmean(ranges[bar - 13 : bar + 1]), rel_tol=1e-9)


@pytest.mark.parametrize("frame", WALKS)
def test_talib_agrees_on_bollinger_bands(frame: pl.DataFrame) -> None:
    # TA-Lib takes the variance as the difference of two large sums: before the jump only it is exact.
    part = frame.head(200)
    for deviations in (1.0, 2.5):
        upper, middle, lower = talib.BBANDS(part["close"].to_numpy(), 20, deviations, deviations)
        band = bollinger("close", 20, deviations)
        for expression, wanted in zip(band, (lower, middle, upper), strict=True):
            assert_like_talib(part, expression, wanted, since=19)


@pytest.mark.parametrize("frame", WALKS)
def test_talib_agrees_on_macd_once_where_it_began_is_forgotten(frame: pl.DataFrame) -> None:
    wanted = talib.MACD(frame["close"].to_numpy(), 3, 8, 4)
    warm = ema_warmup(8) + ema_warmup(4)
    found = frame.select(*(part.alias(str(number)) for number, part in enumerate(macd("close", 3, 8, 4))))
    assert found["0"].null_count() == 7
    assert found["1"].null_count() == found["2"].null_count() == 10
    # The jump of six orders of magnitude takes a while, too.
    for number, values in enumerate(wanted):
        assert np.allclose(found[str(number)].to_numpy()[warm:200], values[warm:200], rtol=1e-9, atol=1e-9)
        assert np.allclose(found[str(number)].to_numpy()[-20:], values[-20:], rtol=1e-9, atol=1e-4)


def textbook_supertrend(frame: pl.DataFrame, bars: int, multiple: float) -> list[tuple[float, float] | None]:
    """The line and its direction from TA-Lib's average true range, as trading books print the rules."""
    high, low, close = (frame[name].to_list() for name in ("high", "low", "close"))
    atrs = talib.ATR(np.array(high), np.array(low), np.array(close), bars).tolist()
    result: list[tuple[float, float] | None] = [None] * bars
    upper = lower = 0.0
    up = True
    for i in range(bars, len(close)):
        middle = (high[i] + low[i]) / 2
        basic_upper, basic_lower = middle + multiple * atrs[i], middle - multiple * atrs[i]
        if i == bars:
            upper, lower = basic_upper, basic_lower
        else:
            upper = basic_upper if basic_upper < upper or close[i - 1] > upper else upper
            lower = basic_lower if basic_lower > lower or close[i - 1] < lower else lower
        if up and close[i] < lower:
            up = False
        elif not up and close[i] > upper:
            up = True
        result.append((lower, 1.0) if up else (upper, -1.0))
    return result


@pytest.mark.parametrize("frame", WALKS)
@pytest.mark.parametrize(("bars", "multiple"), [(10, 3.0), (3, 1.0)])
def test_supertrend(frame: pl.DataFrame, bars: int, multiple: float) -> None:
    trend = supertrend(bars, multiple)
    found = frame.select(line=trend.line, direction=trend.direction).rows()
    wanted = textbook_supertrend(frame, bars, multiple)
    assert found[:bars] == [(None, None)] * bars
    for row, expected in zip(found[bars:], wanted[bars:], strict=True):
        assert expected is not None
        assert math.isclose(row[0], expected[0], rel_tol=1e-9)
        assert row[1] == expected[1]
    assert {direction for _, direction in found[bars:]} == {1.0, -1.0}


@pytest.mark.parametrize("frame", WALKS)
def test_zscore_and_realised_volatility(frame: pl.DataFrame) -> None:
    part = frame.head(200)
    close = part["close"].to_list()
    scores = part.select(value=zscore("close", 12))["value"].to_list()
    volatility = part.select(value=realised_volatility("close", 12, 365))["value"].to_list()
    assert scores[:11] == [None] * 11
    assert volatility[:12] == [None] * 12
    for bar in range(12, len(close)):
        window = close[bar - 11 : bar + 1]
        assert math.isclose(scores[bar], (close[bar] - fmean(window)) / stdev(window), rel_tol=1e-7)
        returns = [math.log(close[i] / close[i - 1]) for i in range(bar - 11, bar + 1)]
        assert math.isclose(volatility[bar], stdev(returns) * math.sqrt(365), rel_tol=1e-7)


def test_a_market_that_stands_still() -> None:
    frame = pl.DataFrame(dict.fromkeys(("high", "low", "close"), [0.3] * 60))
    trend, lines = supertrend(5), macd("close", 3, 6, 2)
    last = frame.select(
        sma=sma("close", 5), ema=ema("close", 5), atr=atr(5), wilder=atr_wilder(5), rsi=rsi("close", 5),
        zscore=zscore("close", 5), adx=adx(5), volatility=realised_volatility("close", 5),
        trend=trend.line, direction=trend.direction, macd=lines.histogram,
        upper=bollinger("close", 5).upper, highest=donchian(5).upper,
    ).row(-1, named=True)  # fmt: skip
    flat = {"sma": 0.3, "ema": 0.3, "atr": 0.0, "wilder": 0.0, "volatility": 0.0, "trend": 0.3}
    flat |= {"direction": 1.0, "macd": 0.0, "upper": 0.3, "highest": 0.3}
    assert {name: last.pop(name) for name in flat} == pytest.approx(flat)
    assert last == {"rsi": None, "zscore": None, "adx": None}


def test_a_market_that_only_rises_or_falls() -> None:
    rising = pl.DataFrame({"close": [100 * 1.01**bar for bar in range(40)]})
    assert rising.select(value=rsi("close", 14))["value"][-1] == pytest.approx(100)
    assert rising.reverse().select(value=rsi("close", 14))["value"][-1] == 0.0


@pytest.mark.parametrize("bars", [1, 2, 7, 14, 30])
def test_a_warm_up_makes_recursive_values_forget_where_the_history_began(bars: int) -> None:
    rng = np.random.default_rng(bars)
    length = 2 * wilder_warmup(bars) + 100
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, length)))
    whole = pl.DataFrame({"high": close * 1.01, "low": close * 0.99, "close": close})
    for expression, warmup in (
        (ema("close", bars), ema_warmup(bars)),
        (rsi("close", bars), wilder_warmup(bars)),
        (atr_wilder(bars), wilder_warmup(bars)),
        (adx(bars), 2 * wilder_warmup(bars)),
    ):
        far, near = (f.select(value=expression)["value"][-1] for f in (whole, whole.tail(warmup)))
        assert math.isclose(far, near, rel_tol=1e-9, abs_tol=1e-9)
    if bars > 2:
        short = whole.tail(wilder_warmup(bars) // 2).select(value=rsi("close", bars))["value"][-1]
        assert not math.isclose(short, whole.select(value=rsi("close", bars))["value"][-1], rel_tol=1e-9)


def test_recursive_indicators_do_not_leak_between_pairs() -> None:
    one, two = WALKS[0].with_columns(pair=pl.lit("a")), WALKS[1].with_columns(pair=pl.lit("b"))
    for expression in (ema("close", 5), rsi("close", 5), adx(5), supertrend(5).line, macd("close").signal):
        together = pl.concat([one, two]).select(value=expression.over("pair"))["value"].to_list()
        apart = [value for frame in (one, two) for value in frame.select(value=expression)["value"].to_list()]
        assert together == apart
