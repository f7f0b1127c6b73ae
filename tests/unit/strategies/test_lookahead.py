"""Strategies that know the future are caught; those that come with Krakked do not."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl
import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.market.indicators import ema, rsi, sma
from krakked_tui.strategies.base import Strategy, StrategyContext
from krakked_tui.strategies.lookahead import LEAKS_MAX, Leak, Report, check
from krakked_tui.strategies.practice import practice_candles, practice_pairs
from krakked_tui.strategies.registry import STRATEGIES
from krakked_tui.strategies.settings import StrategySettings
from krakked_tui.strategies.signal import SignalStrategy

H1 = Timeframe.H1
HISTORY = practice_candles(H1, 160)
CLOSE = pl.col("close")


class Nothing(msgspec.Struct, frozen=True):
    """Nothing to tune."""


class Signals(SignalStrategy[Nothing]):
    """Expressions of a test."""

    type_name = "signals"
    parameters_type = Nothing
    bars = 20
    shown: Mapping[str, pl.Expr] = {}
    enters: pl.Expr = CLOSE > 0
    leaves: pl.Expr = CLOSE < 0

    @property
    def warmup_bars(self) -> int:
        return self.bars

    def indicators(self) -> Mapping[str, pl.Expr]:
        return self.shown

    def enter(self) -> pl.Expr:
        return self.enters

    def exit(self) -> pl.Expr:
        return self.leaves


def settings_of(name: str, params: dict[str, object] | None = None) -> StrategySettings:
    return StrategySettings(id="tested", type=name, timeframes=(H1,), params=params or {})


def checked(enter: pl.Expr, *, bars: int = 20, at: int = 40, **shown: pl.Expr) -> Report:
    kind = type("Planted", (Signals,), {"enters": enter, "shown": shown, "bars": bars})
    return check(kind(settings_of("signals")), HISTORY, H1, practice_pairs(), at)


def kinds(report: Report) -> set[tuple[str, str]]:
    return {(leak.what, leak.how) for leak in report.leaks}


def test_a_strategy_that_shifts_from_the_future() -> None:
    report = checked(CLOSE.shift(-1) > CLOSE)
    assert kinds(report) == {("enter", "cut"), ("enter", "spoiled")}
    assert not report.passed


def test_a_centred_window() -> None:
    report = checked(pl.col("average") < CLOSE, at=10, average=CLOSE.rolling_mean(5, center=True))
    assert ("average", "cut") in kinds(report)
    assert {leak.time for leak in report.leaks if leak.what == "average"} == set(times(10)[:-2])


def test_a_series_normalised_by_its_whole_history() -> None:
    report = checked(pl.col("score") > 0, score=(CLOSE - CLOSE.mean()) / CLOSE.std())
    assert ("score", "cut") in kinds(report)
    assert ("enter", "cut") in kinds(report)


def test_a_peek_at_the_last_candle() -> None:
    report = checked(CLOSE.last() > CLOSE)
    assert ("enter", "cut") in kinds(report)


def test_a_leak_of_a_single_candle() -> None:
    # Of all bars, only one looks ahead.
    bar = pl.int_range(pl.len())
    report = checked(pl.when(bar == 100).then(CLOSE.shift(-1) > CLOSE).otherwise(statement=False), at=80)
    found = {(leak.pair, leak.how) for leak in report.leaks}
    assert found
    assert {leak.what for leak in report.leaks} == {"enter"}
    assert len({(leak.pair, leak.time) for leak in report.leaks}) == len(report.leaks) <= 4


def test_a_peek_that_happens_to_change_nothing_shows_in_another_future() -> None:
    # The highest price of all time lies in the past of every bar that is looked at.
    report = checked(CLOSE.max() > 0, highest=CLOSE.filter(pl.int_range(pl.len()) != 0).max())
    assert ("highest", "spoiled") in kinds(report)


@pytest.mark.parametrize(
    ("expression", "enough"),
    [(sma("close", 30), 30), (ema("close", 5), 63), (rsi("close", 3), 73), (CLOSE.shift(7), 8)],
)
def test_a_warm_up_that_is_too_short(expression: pl.Expr, enough: int) -> None:
    short = checked(pl.col("value") < CLOSE, bars=enough // 2, value=expression)
    assert kinds(short) >= {("value", "window")}
    assert {how for _, how in kinds(short)} == {"window"}
    assert checked(pl.col("value") < CLOSE, bars=enough, value=expression).passed


def test_a_value_that_grows_with_the_history_needs_all_of_it() -> None:
    assert kinds(checked(CLOSE > 0, obv=pl.col("volume").cum_sum())) == {("obv", "window")}


def test_what_looks_back_only_passes() -> None:
    report = checked(CLOSE.shift(19) < CLOSE)
    assert report.passed
    assert report.bars == 40
    assert 0 < report.entries <= 4 * 40


def times(bars: int) -> list[datetime]:
    return HISTORY["time"].unique().sort().tail(bars).to_list()


OTHER: dict[str, list[dict[str, object]]] = {
    "trend_following": [{"average": "ema", "ma_fast": 5, "ma_slow": 10}, {"enter_on": "above"}],
    "dca_rebalance": [{"band_pct": 1.0, "every_bars": 1}],
    "momentum_rotation": [{"every_bars": 3, "min_return_pct": -100.0}],
    "mean_reversion": [{"rsi_bars": 3, "enter_below": -1.0}],
}


@pytest.mark.parametrize(
    ("kind", "params"),
    [(kind, params) for kind in STRATEGIES for params in [{}, *OTHER.get(kind.type_name, [])]],
)
def test_every_strategy_that_comes_with_krakked_passes(
    kind: type[Strategy[Any]], params: dict[str, object]
) -> None:
    strategy = kind(settings_of(kind.type_name, params))
    history = practice_candles(H1, strategy.warmup_bars + 70)
    report = check(strategy, history, H1, practice_pairs(), 60)
    assert report.leaks == ()
    assert report.entries or report.exits


@pytest.mark.parametrize("kind", [kind for kind in STRATEGIES if issubclass(kind, SignalStrategy)])
def test_live_and_over_the_whole_history_the_signals_are_the_same(kind: type[SignalStrategy[Any]]) -> None:
    strategy = kind(settings_of(kind.type_name))
    history, pairs = practice_candles(H1, strategy.warmup_bars + 60), practice_pairs()
    signals = strategy.signals(history)
    seen = 0
    for at in sorted(signals["time"].unique())[-60:]:
        rows = {row["pair"]: row for row in signals.filter(pl.col("time") == at).iter_rows(named=True)}
        for held, kind_of in ({}, IntentType.ENTER), (dict.fromkeys(pairs, H1), IntentType.EXIT):
            context = StrategyContext(at + H1.length, H1, at, history, pairs, held)
            intents = {intent.pair: intent for intent in strategy.generate_intents(context)}
            assert sorted(intents) == sorted(pair for pair, row in rows.items() if row[kind_of.value])
            for pair, intent in intents.items():
                seen += 1
                if kind_of is IntentType.ENTER:
                    assert float(intent.confidence) == pytest.approx(rows[pair]["confidence"], rel=1e-9)
                for name, value in intent.metadata.items():
                    assert value == pytest.approx(rows[pair][name], rel=1e-9, abs=1e-9)
    assert seen


class General(Strategy[Nothing]):
    """Enters what a test says."""

    type_name = "general"
    parameters_type = Nothing
    asked = 0

    @property
    def warmup_bars(self) -> int:
        return 3

    def wants(self, frame: pl.DataFrame, ctx: StrategyContext) -> pl.DataFrame:
        """Return rows of pairs to enter."""
        raise NotImplementedError

    def generate_intents(self, ctx: StrategyContext) -> list[StrategyIntent]:
        self.asked += 1
        newest = self.wants(ctx.frame, ctx)
        return [
            StrategyIntent("tested", pair, IntentType.ENTER, H1, ctx.candle_time, ctx.now,
                           confidence=Decimal(1), close=Decimal(1), metadata={"close": close})
            for pair, close in newest.select("pair", "close").rows() if pair not in ctx.held
        ]  # fmt: skip


class Honest(General):
    """Enters on the candle that has just closed."""

    def wants(self, frame: pl.DataFrame, ctx: StrategyContext) -> pl.DataFrame:
        return frame.filter(pl.col("time") == ctx.candle_time)


class Newest(General):
    """Looks at the newest candle there is, whenever it is asked about."""

    def wants(self, frame: pl.DataFrame, ctx: StrategyContext) -> pl.DataFrame:
        return frame.group_by("pair", maintain_order=True).tail(1)


class Long(General):
    """Remembers more than it says it needs."""

    def wants(self, frame: pl.DataFrame, ctx: StrategyContext) -> pl.DataFrame:
        seen = frame.filter(pl.col("time") <= ctx.candle_time)
        return seen.group_by("pair", maintain_order=True).agg(pl.col("close").tail(4).mean())


class Moody(General):
    """Says something else every time."""

    def wants(self, frame: pl.DataFrame, ctx: StrategyContext) -> pl.DataFrame:
        return Honest.wants(self, frame, ctx).head(self.asked % 2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "how"), [(Honest, None), (Newest, "cut"), (Long, "window"), (Moody, "again")]
)
def test_general_strategies_are_checked_by_what_they_want(kind: type[General], how: str | None) -> None:
    report = check(kind(settings_of("general")), HISTORY, H1, practice_pairs(), 5)
    assert {leak.how for leak in report.leaks} >= ({how} if how else set())
    assert report.passed == (how is None)
    assert report.entries


def test_a_user_class_with_its_own_ways_is_checked_by_what_it_wants() -> None:
    class Own(Signals):
        """Wants what a general strategy that looks ahead wants."""

        def generate_intents(self, ctx: StrategyContext) -> list[StrategyIntent]:
            return Newest(settings_of("general")).generate_intents(ctx)

    report = check(Own(settings_of("signals")), HISTORY, H1, practice_pairs(), 5)
    assert {leak.what for leak in report.leaks} == {"the wish"}


def test_a_leak_is_told_in_words_and_not_without_end() -> None:
    report = checked(CLOSE.shift(-1) > CLOSE, at=100)
    assert len(report.leaks) == LEAKS_MAX
    assert report.more > 0
    assert str(Leak("XBTUSD", datetime(2026, 1, 2, 3, tzinfo=UTC), "enter", "true", "false", "cut")) == (
        "XBTUSD 2026-01-02 03:00: enter is true, but false when no candle after it exists yet"
    )
