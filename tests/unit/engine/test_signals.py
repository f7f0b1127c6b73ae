"""Strategies run on frozen candles, and what they raise stays a value."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.signals import CycleInputs, average_true_ranges, compute, conclude, contexts
from krakked_tui.engine.strategy_evaluation import evaluate
from krakked_tui.market.frames import frame_of
from krakked_tui.market.indicators import atr
from krakked_tui.strategies.base import Strategy, StrategyContext
from krakked_tui.strategies.loaded import LoadedStrategy
from krakked_tui.strategies.registry import build_strategies
from krakked_tui.strategies.settings import UniverseFilter
from krakked_tui.strategies.trend_following import TrendFollowing, TrendFollowingParameters
from tests.scenarios.stage import STRATEGY
from tests.unit.engine.strategy_builders import BOUNDARY, FRAME, NEWEST, PAIRS, make_inputs, ours

T0 = datetime(2026, 1, 5, 1, tzinfo=UTC)


class Broken(TrendFollowing):
    """A strategy with a bug."""

    def generate_intents(self, ctx: StrategyContext) -> list[StrategyIntent]:
        raise ZeroDivisionError("of course")


def _frames(bars: int) -> Mapping[Timeframe, pl.DataFrame]:
    start = T0 - timedelta(minutes=bars)
    candles = [
        Candle("XBTUSD", Timeframe.M1, start + timedelta(minutes=n), p, p + 1, p - 1, p, 1, p, 1)
        for n in range(bars)
        for p in [50_000.0 + n * n]
    ]
    return {Timeframe.M1: frame_of(candles)}


def _compute(strategy: Strategy[TrendFollowingParameters], pair: PairMetadata, bars: int = 60) -> object:
    return compute([strategy], _frames(bars), {"XBTUSD": pair}, {}, T0, T0)


def test_what_a_strategy_raises_is_a_failure_under_its_id(xbtusd: PairMetadata) -> None:
    signals = compute([Broken(STRATEGY)], _frames(60), {"XBTUSD": xbtusd}, {}, T0, T0)
    assert signals.failures == {"trend_following_v1": "ZeroDivisionError: of course"}
    assert signals.intents == ()


def test_a_broken_strategy_does_not_silence_the_others(xbtusd: PairMetadata) -> None:
    settings = msgspec.structs.replace(STRATEGY, params={"enter_on": "above"})
    (good,) = build_strategies([settings])
    signals = compute([Broken(STRATEGY), good], _frames(60), {"XBTUSD": xbtusd}, {}, T0, T0)
    assert [intent.pair for intent in signals.intents] == ["XBTUSD"]


def test_pairs_that_cannot_be_evaluated_are_named(xbtusd: PairMetadata) -> None:
    (strategy,) = build_strategies([STRATEGY])
    signals = compute([strategy], _frames(10), {"XBTUSD": xbtusd}, {}, T0, T0)
    assert signals.notes == ("trend_following_v1 1m XBTUSD: 10 of 51 candles",)


def test_the_fingerprint_tells_candles_apart(xbtusd: PairMetadata) -> None:
    (strategy,) = build_strategies([STRATEGY])
    assert _compute(strategy, xbtusd) == _compute(strategy, xbtusd)
    one = compute([strategy], _frames(60), {"XBTUSD": xbtusd}, {}, T0, T0)
    other = compute([strategy], _frames(59), {"XBTUSD": xbtusd}, {}, T0, T0)
    assert one.fingerprint != other.fingerprint


WARMUP = {"aaa": 30, "bbb": 45}
BUY_ALL = "return [self.buy(ctx, pair=pair) for pair in ctx.pairs]"
SELL_ALL = "return [self.buy(ctx, pair=pair, intent_type=IntentType.EXIT) for pair in ctx.pairs]"


def _said(inputs: CycleInputs, *strategies: LoadedStrategy) -> tuple[StrategyIntent, ...]:
    plain = [loaded.strategy for loaded in strategies]
    given = contexts(plain, inputs, WARMUP)
    found = {each.settings.id: evaluate(each, given[each.settings.id].of, lambda: 0.0) for each in plain}
    return conclude(inputs, found).intents


def _by_hand(bars: int, pair: str, upto: datetime = NEWEST) -> Decimal:
    """The newest value of the indicator over the whole history of a pair."""
    history = FRAME.filter(pl.col("pair") == pair, pl.col("time") <= upto)
    return Decimal(repr(history.select(value=atr(bars))["value"][-1]))


def test_entries_know_the_average_true_range_of_their_candle() -> None:
    said = _said(make_inputs(lookback_bars=7), ours("aaa", BUY_ALL))
    assert {intent.pair for intent in said} == set(PAIRS)
    for intent in said:
        assert intent.atr == _by_hand(7, intent.pair)


def test_exits_need_none_and_whoever_has_too_few_candles_has_none() -> None:
    assert {intent.atr for intent in _said(make_inputs(), ours("aaa", SELL_ALL))} == {None}
    assert {intent.atr for intent in _said(make_inputs(lookback_bars=60), ours("aaa", BUY_ALL))} == {None}
    all_but_one = {x.pair for x in _said(make_inputs(lookback_bars=59), ours("aaa", BUY_ALL)) if x.atr}
    assert all_but_one == {"ETHUSD", "SOLUSD", "XBTUSD"}


def test_an_older_candle_than_the_signal_s_gives_no_average_true_range() -> None:
    quiet = FRAME.filter((pl.col("pair") != "ETHUSD") | (pl.col("time") < NEWEST))
    said = _said(make_inputs(frames={Timeframe.H1: quiet}, lookback_bars=7), ours("aaa", BUY_ALL))
    known = {intent.pair: intent.atr for intent in said}
    assert known["ETHUSD"] is None
    assert known["XBTUSD"] == _by_hand(7, "XBTUSD")


def test_candles_that_are_not_over_do_not_count() -> None:
    before = NEWEST - timedelta(hours=3)
    found = average_true_ranges(FRAME, ["XBTUSD"], before, 7)
    assert found == {"XBTUSD": (before, _by_hand(7, "XBTUSD", before))}


def test_watched_pairs_have_the_newest_average_true_range_there_is() -> None:
    quiet = FRAME.filter((pl.col("pair") != "ETHUSD") | (pl.col("time") < NEWEST))
    inputs = make_inputs(
        volatility=(Timeframe.H1, quiet), watched=frozenset({"ETHUSD", "NOSUCH"}), lookback_bars=7
    )
    assert conclude(inputs, {}).atr == {"ETHUSD": _by_hand(7, "ETHUSD", NEWEST - timedelta(hours=1))}
    assert conclude(make_inputs(watched=frozenset({"ETHUSD"})), {}).atr == {}


def test_a_strategy_sees_its_own_universe_and_what_it_holds() -> None:
    one = ours("aaa", "return []")
    one.strategy.settings = msgspec.structs.replace(
        one.strategy.settings, universe_filter=UniverseFilter(pairs=("XBTUSD", "SOLUSD"))
    )
    other = ours("bbb", "return []")
    held = {"aaa": {"ADAUSD": Timeframe.H1}}
    given = contexts(
        [one.strategy, other.strategy], make_inputs(universe={"XBTUSD", "ETHUSD"}, held=held), WARMUP
    )
    (mine,), (others,) = given["aaa"].of, given["bbb"].of
    assert list(mine.pairs) == ["ADAUSD", "XBTUSD"]
    assert mine.held == {"ADAUSD": Timeframe.H1}
    assert given["aaa"].left_out == {Timeframe.H1: {"ETHUSD": "is not among its pairs"}}
    assert (list(others.pairs), others.held) == (["ETHUSD", "XBTUSD"], {})


def test_history_that_a_filter_asks_for_is_counted_in_closed_candles() -> None:
    one = ours("aaa", "return []")
    one.strategy.settings = msgspec.structs.replace(
        one.strategy.settings, universe_filter=UniverseFilter(min_history_bars=58)
    )
    (context,) = contexts([one.strategy], make_inputs(), WARMUP)["aaa"].of
    assert list(context.pairs) == ["ETHUSD", "SOLUSD", "XBTUSD"], "the one seldom traded has fewer"
    earlier = make_inputs(boundary=BOUNDARY - timedelta(hours=3))
    (context,) = contexts([one.strategy], earlier, WARMUP)["aaa"].of
    assert list(context.pairs) == []


def test_the_fingerprint_knows_what_is_held_and_every_other_fact() -> None:
    plain = conclude(make_inputs(), {}).fingerprint
    assert conclude(make_inputs(now=BOUNDARY + timedelta(seconds=1)), {}).fingerprint == plain
    changes: list[dict[str, object]] = [
        {"held": {"aaa": {"XBTUSD": Timeframe.H1}}}, {"facts": b"1"}, {"universe": {"XBTUSD"}},
        {"pairs": {"XBTUSD": PAIRS["XBTUSD"]}}, {"frames": {Timeframe.H4: FRAME}},
        {"frames": {Timeframe.H1: FRAME.with_columns(volume=pl.col("volume") + 1)}},
    ]  # fmt: skip
    found = {conclude(make_inputs(**each), {}).fingerprint for each in changes}
    assert len(found | {plain}) == len(changes) + 1


def test_a_strategy_sees_as_many_closed_candles_as_it_asks_for() -> None:
    both = [ours("aaa", "return []").strategy, ours("bbb", "return []").strategy]
    before = NEWEST - timedelta(hours=3)
    given = contexts(both, make_inputs(boundary=BOUNDARY - timedelta(hours=3)), WARMUP)
    for strategy_id, bars in WARMUP.items():
        (context,) = given[strategy_id].of
        history = FRAME.filter(pl.col("time") <= before)
        assert context.frame.equals(history.group_by("pair", maintain_order=True).tail(bars))
        assert context.candle_time == before
