"""When each gate was last open for a strategy and a pair, noted at every cycle; bounded."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.plans import DecisionRecord, Verdict
from krakked_tui.engine.gates import ENTERS, Gate, bars_by_pair
from krakked_tui.engine.recent_decisions import action_on
from krakked_tui.engine.risk_facts import RiskFacts
from krakked_tui.market.boundaries import closed_candle_time
from krakked_tui.market.freshness import GOOD_FOR_ENTRIES
from krakked_tui.strategies.filters import choose
from krakked_tui.strategies.loaded import LoadedStrategy
from krakked_tui.strategies.settings import StrategySettings

PAIRS_MAX = 5_000
"""Pairs remembered of each strategy and gate; of more, those noted last."""
OF_ALL_PAIRS = (Gate.ENGINE, Gate.ENABLED, Gate.FAILED, Gate.EVALUATED)
UNDECIDED = "nothing is decided"
"""How the note of a cycle ends whose signals were not used."""


class PassedGates:
    """Written by one thread at a time. ``since`` is when it began to look."""

    def __init__(self, pairs_max: int = PAIRS_MAX) -> None:
        self._pairs_max = pairs_max
        self.since: datetime | None = None
        self._strategies: dict[tuple[str, str], datetime] = {}
        self._pairs: dict[tuple[str, str], dict[str, datetime]] = {}

    def last(self, strategy_id: str, pair: str, gate: str) -> datetime | None:
        """Return when a gate was last seen open; None when it was not."""
        if gate in OF_ALL_PAIRS:
            return self._strategies.get((strategy_id, gate))
        return self._pairs.get((strategy_id, gate), {}).get(pair)

    def note(
        self, records: Iterable[DecisionRecord], facts: RiskFacts, built: Mapping[str, LoadedStrategy]
    ) -> None:
        """Take in the decisions of cycles, oldest first; ``facts`` are those just after the last of them."""
        self.since = self.since or facts.at
        newest: DecisionRecord | None = None
        for record in records:
            newest = record
            self._note_limits(record)
        if newest is None or any(note.endswith(UNDECIDED) for note in newest.notes):
            return
        ran = [each for each in facts.settings.strategies if each.id not in facts.errors]
        for settings in ran:
            for timeframe in settings.timeframes:
                if timeframe in newest.timeframes:
                    self._note_strategy(settings, timeframe, newest, facts, built.get(settings.id))

    def keep_only(self, strategies: Collection[str]) -> None:
        """Forget the strategies that are not configured any more."""
        for key in [each for each in self._strategies if each[0] not in strategies]:
            del self._strategies[key]
        for key in [each for each in self._pairs if each[0] not in strategies]:
            del self._pairs[key]

    def _note_strategy(
        self, settings: StrategySettings, timeframe: Timeframe, record: DecisionRecord, facts: RiskFacts,
        loaded: LoadedStrategy | None,
    ) -> None:  # fmt: skip
        for gate in OF_ALL_PAIRS:
            self._strategies[settings.id, gate] = record.time
        listed = {pair: facts.known[pair] for pair in sorted(facts.tradable) if pair in facts.known}
        frame = facts.frames.get(timeframe)
        bars = bars_by_pair(frame) if frame is not None else {}
        chosen = choose(settings.universe_filter, listed, facts.quotes, bars).pairs
        self._passed(settings.id, Gate.LISTED, listed, record.time)
        self._passed(settings.id, Gate.FILTER, chosen, record.time)
        if frame is not None and loaded is not None:
            ready = _ready(frame, loaded.strategy.warmup_bars, closed_candle_time(timeframe, record.time))
            self._passed(settings.id, Gate.CANDLES, ready, record.time)
        if not facts.market_trouble:
            good = [pair for pair, mark in facts.marks.items() if mark.freshness in GOOD_FOR_ENTRIES]
            self._passed(settings.id, Gate.MARKET_DATA, good, record.time)

    def _note_limits(self, record: DecisionRecord) -> None:
        for intent in record.intents:
            if intent.intent_type not in ENTERS:
                continue
            self._passed(intent.strategy_id, Gate.SIGNAL, (intent.pair,), record.time)
            action = action_on(intent, record.actions)
            for check in action.checks if action else ():
                if check.verdict is not Verdict.BLOCKED:
                    self._passed(intent.strategy_id, check.limit, (intent.pair,), record.time)

    def _passed(self, strategy_id: str, gate: str, pairs: Iterable[str], at: datetime) -> None:
        known = self._pairs.setdefault((strategy_id, gate), {})
        for pair in pairs:
            known.pop(pair, None)
            known[pair] = at
        while len(known) > self._pairs_max:
            del known[next(iter(known))]


def _ready(frame: pl.DataFrame, warmup_bars: int, candle_time: datetime) -> Iterator[str]:
    """Yield the pairs with enough candles, the newest of which is the one that has just closed."""
    counted = frame.lazy().group_by("pair").agg(pl.len(), pl.col("time").max()).collect()
    for pair, count, newest in counted.iter_rows():
        if count >= warmup_bars and newest >= candle_time:
            yield pair
