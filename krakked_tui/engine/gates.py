"""Why a strategy does not trade a pair: the gates in their order, and the first one that is shut.

The gates are the engine's state, the strategy's, the pair's, its candles and prices, the signal, and then
every limit that the last decision asked. Nothing is decided here: it is read from the facts of now and from
the last decision on each timeframe of the strategy.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

import msgspec
import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.plans import DecisionRecord, LimitCheck, RiskAdjustedAction, Verdict
from krakked_tui.engine.recent_decisions import action_on
from krakked_tui.engine.risk_facts import RiskFacts
from krakked_tui.market.boundaries import closed_candle_time, next_boundary
from krakked_tui.market.freshness import GOOD_FOR_ENTRIES, Freshness
from krakked_tui.risk.checks import amount, minute, number
from krakked_tui.strategies.filters import choose
from krakked_tui.strategies.loaded import LoadedStrategy
from krakked_tui.strategies.settings import StrategySettings
from krakked_tui.strategies.signal import SIGNAL_COLUMNS, SignalStrategy

ENTERS = frozenset({IntentType.ENTER, IntentType.INCREASE})
CONFIDENCE = "min_signal_confidence"
_SHOWN_MAX = 12
"""Indicator values that are named."""


class Gate(StrEnum):
    """What must be open before the limits are asked, in this order."""

    ENGINE = "engine"
    ENABLED = "enabled"
    FAILED = "failed"
    LISTED = "listed"
    FILTER = "universe filter"
    CANDLES = "candles"
    MARKET_DATA = "market data"
    EVALUATED = "evaluated"
    SIGNAL = "signal"


ONE_ORDER = "plan"
"""The gate of a signal that no limit refused and that still came to nothing."""


class Shut(msgspec.Struct, frozen=True):
    """A gate that is shut, and why. Value and threshold are in words, empty where there is none."""

    gate: str
    reason: str
    value: str = ""
    threshold: str = ""


class Question(msgspec.Struct, frozen=True):
    """A strategy and a pair on one timeframe; ``record`` is the last decision on it.

    ``strategy`` is None when it does not run or could not be built.
    """

    facts: RiskFacts
    settings: StrategySettings
    strategy: LoadedStrategy | None
    pair: str
    timeframe: Timeframe
    record: DecisionRecord | None

    @property
    def intent(self) -> StrategyIntent | None:
        """What the strategy wanted of the pair last."""
        wanted = (self.settings.id, self.pair, self.timeframe)
        for intent in self.record.intents if self.record else ():
            if (intent.strategy_id, intent.pair, intent.timeframe) == wanted:
                return intent
        return None

    @property
    def action(self) -> RiskAdjustedAction | None:
        """What became of that."""
        intent, record = self.intent, self.record
        return action_on(intent, record.actions) if intent is not None and record is not None else None


def first_shut(
    facts: RiskFacts,
    settings: StrategySettings,
    strategy: LoadedStrategy | None,
    pair: str,
    newest: Mapping[Timeframe, DecisionRecord],
) -> Shut | None:
    """Return the first gate that is shut, on the timeframe where most are open; None when none is."""
    furthest: tuple[int, Shut] | None = None
    for timeframe in sorted(settings.timeframes, key=lambda each: each.minutes):
        question = Question(facts, settings, strategy, pair, timeframe, newest.get(timeframe))
        found = _first_of(question)
        if found is None:
            return None
        if furthest is None or found[0] > furthest[0]:
            furthest = found
    return furthest[1] if furthest else None


def _first_of(question: Question) -> tuple[int, Shut] | None:
    for place, gate in enumerate(_GATES):
        shut = gate(question)
        if shut is not None:
            return place, shut
    for place, shut in enumerate(_limits(question.action), len(_GATES)):
        if shut is not None:
            return place, shut
    return None


def _engine(question: Question) -> Shut | None:
    halted = question.facts.halted
    return Shut(Gate.ENGINE, f"{halted}: no cycle runs") if halted else None


def _enabled(question: Question) -> Shut | None:
    if question.settings.id in {each.id for each in question.facts.settings.strategies}:
        return None
    return Shut(Gate.ENABLED, f"{question.settings.id} is not enabled")


def _failed(question: Question) -> Shut | None:
    error = question.facts.errors.get(question.settings.id)
    return (
        Shut(Gate.FAILED, f"{question.settings.id} has failed and does not run: {error}") if error else None
    )


def _listed(question: Question) -> Shut | None:
    facts, pair = question.facts, question.pair
    if pair in facts.tradable:
        return None
    known = facts.known.get(pair)
    if known is None:
        return Shut(Gate.LISTED, f"the exchange does not list {pair}")
    reason = f"{pair} is not among the pairs that the rules of the universe let in"
    return Shut(Gate.LISTED, reason, f"its status is {known.status}")


def _filter(question: Question) -> Shut | None:
    facts, pair = question.facts, question.pair
    frame = facts.frames.get(question.timeframe)
    bars: Mapping[str, int] = {}
    if frame is not None and question.settings.universe_filter.min_history_bars:
        bars = bars_by_pair(frame)
    pairs = {name: facts.known[name] for name in sorted(facts.tradable) if name in facts.known}
    left_out = choose(question.settings.universe_filter, pairs, facts.quotes, bars).left_out
    if pair not in left_out:
        return None
    return Shut(Gate.FILTER, f"its universe filter leaves {pair} out: it {left_out[pair]}")


def _candles(question: Question) -> Shut | None:
    facts, timeframe, pair = question.facts, question.timeframe, question.pair
    frame = facts.frames.get(timeframe)
    if frame is None or question.strategy is None:
        return None
    needed = question.strategy.strategy.warmup_bars
    times = frame.lazy().filter(pl.col("pair") == pair).select(pl.len(), pl.col("time").max()).collect()
    count, newest = times.row(0)
    if count < needed:
        reason = f"{pair} has {count} closed {timeframe} candles"
        return Shut(Gate.CANDLES, reason, str(count), f"{needed} candles")
    # The candle of a boundary that has just been reached is still on its way.
    if newest < closed_candle_time(timeframe, facts.at) - timeframe.length:
        reason = f"{pair} has no {timeframe} candle since {minute(newest)}: its strategy waits for one"
        return Shut(Gate.CANDLES, reason, minute(newest))
    return None


def _market_data(question: Question) -> Shut | None:
    facts, pair = question.facts, question.pair
    if facts.market_trouble:
        return Shut(Gate.MARKET_DATA, f"market data is unusable: {facts.market_trouble}")
    mark = facts.marks.get(pair)
    if mark is None:
        return Shut(Gate.MARKET_DATA, f"no price of {pair} has arrived", Freshness.NEVER.value)
    if mark.freshness in GOOD_FOR_ENTRIES:
        return None
    reason = f"the price of {pair} is {mark.freshness.value}, {mark.age:.0f} s old"
    return Shut(Gate.MARKET_DATA, reason, mark.freshness.value, "fresh, or confirmed lately")


def _evaluated(question: Question) -> Shut | None:
    if question.record is not None:
        return None
    at = next_boundary(question.facts.at, (question.timeframe,))
    reason = f"no {question.timeframe} candle has closed since it runs: the next one does at {minute(at)}"
    return Shut(Gate.EVALUATED, reason)


def _signal(question: Question) -> Shut | None:
    intent, pair = question.intent, question.pair
    if intent is not None and intent.intent_type in ENTERS:
        return None
    who = question.settings.id
    if intent is not None and intent.intent_type is not IntentType.HOLD:
        return Shut(Gate.SIGNAL, f"{who} wants to {intent.intent_type} {pair}", _values(intent.metadata))
    holding = question.facts.holdings.get(pair)
    share = holding.of(who) if holding else None
    if share is not None:
        return Shut(Gate.SIGNAL, f"{who} holds {number(share.size)} of {pair} already")
    if intent is not None:
        return Shut(Gate.SIGNAL, f"{who} wants to leave {pair} as it is", _values(intent.metadata))
    record = question.record
    assert record is not None
    reason = (
        f"{who} saw no entry on the {question.timeframe} candles that it was given at {minute(record.time)}"
    )
    return Shut(Gate.SIGNAL, reason, _values(_indicators(question)), "its enter condition true")


_GATES: tuple[Callable[[Question], Shut | None], ...] = (
    _engine, _enabled, _failed, _listed, _filter, _candles, _market_data, _evaluated, _signal,
)  # fmt: skip


def _limits(action: RiskAdjustedAction | None) -> Iterator[Shut | None]:
    """Yield what each limit said, that of the signal's confidence first."""
    if action is None:
        return
    for check in sorted(action.checks, key=lambda each: each.limit != CONFIDENCE):
        yield _limit(check) if check.verdict is Verdict.BLOCKED else None
    if not action.shares:
        yield Shut(ONE_ORDER, action.reason)


def _limit(check: LimitCheck) -> Shut:
    if check.unit == "flag":
        return Shut(check.limit, check.reason)
    value = amount(check.would_be, check.unit)
    return Shut(check.limit, check.reason, value, amount(check.threshold, check.unit))


def bars_by_pair(frame: pl.DataFrame) -> dict[str, int]:
    """Count the candles of each pair."""
    return dict(frame.lazy().group_by("pair").len().collect().iter_rows())


def _indicators(question: Question) -> Mapping[str, float]:
    """Return the indicators of the pair's newest candle, where no code of the user's has to be run."""
    loaded, frame = question.strategy, question.facts.frames.get(question.timeframe)
    if loaded is None or frame is None or loaded.in_worker:
        return {}
    strategy = loaded.strategy
    if not isinstance(strategy, SignalStrategy):
        return {}
    candles = frame.filter(pl.col("pair") == question.pair).tail(strategy.warmup_bars)
    try:
        rows = strategy.signals(candles).tail(1).to_dicts()
    except Exception:  # noqa: BLE001 - a picture only: its failures in a cycle are reported
        return {}
    hidden = {"pair", "time", *SIGNAL_COLUMNS}
    return {
        name: value
        for row in rows
        for name, value in row.items()
        if name not in hidden and isinstance(value, int | float)
    }


def _values(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.8g}" for name, value in list(values.items())[:_SHOWN_MAX])
