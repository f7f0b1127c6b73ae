"""What strategies wanted lately and what became of it, kept up from the stored decisions; bounded."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import islice

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.domain.plans import ActionType, DecisionRecord, RiskAdjustedAction
from krakked_tui.engine.chains import JournalLook
from krakked_tui.risk.checks import number

DECISIONS_KEPT = 300
INTENTS_KEPT = 50
"""Of each strategy, the newest."""
PAGE = 100
"""Decisions read at a time."""
PAGES_MAX = 10
"""Pages read at a time: of more new decisions than that, the oldest are not looked at."""
_BUYS = frozenset({ActionType.OPEN, ActionType.INCREASE})


class Decided(msgspec.Struct, frozen=True):
    """A decision in short. ``acted`` counts pairs that change, ``blocked`` wishes that were refused."""

    plan_id: str
    at: datetime
    timeframes: tuple[Timeframe, ...]
    intents: int
    acted: int
    blocked: int


class Wanted(msgspec.Struct, frozen=True):
    """An intent, and in words what became of it."""

    intent: StrategyIntent
    outcome: str


class RecentDecisions:
    """Written by one thread at a time; what it hands out is not changed any more."""

    def __init__(self, page: int = PAGE) -> None:
        self._page = page
        self._decided: deque[Decided] = deque(maxlen=DECISIONS_KEPT)
        self._wanted: dict[str, deque[Wanted]] = {}
        self._acted_at: dict[str, datetime] = {}
        self._newest: dict[Timeframe, DecisionRecord] = {}

    def catch_up(self, journal: JournalLook) -> list[DecisionRecord]:
        """Take in what was stored since the last time; returns it, oldest first. Blocks on the disk."""
        known = {each.plan_id for each in islice(reversed(self._decided), self._page)}
        found: list[DecisionRecord] = []
        before: datetime | None = None
        for _ in range(PAGES_MAX if known else 1):
            page = journal.decisions(self._page, before)
            new = [record for record in page if record.plan_id not in known]
            found += new
            if len(new) < len(page) or len(page) < self._page:
                break
            before = page[-1].time
        found.reverse()
        for record in found:
            self.add(record)
        return found

    def add(self, record: DecisionRecord) -> None:
        """Take a decision in, newer than all before."""
        record = msgspec.structs.replace(record, inputs=b"")
        acting = [action for action in record.actions if action.shares]
        self._decided.append(
            Decided(
                record.plan_id, record.time, record.timeframes, len(record.intents), len(acting),
                record.blocked_count,
            )
        )  # fmt: skip
        for timeframe in record.timeframes:
            self._newest[timeframe] = record
        for intent in record.intents:
            kept = self._wanted.setdefault(intent.strategy_id, deque(maxlen=INTENTS_KEPT))
            kept.append(Wanted(intent, outcome_of(intent, record.actions)))
        for action in acting:
            self._acted_at.update((share.strategy_id, record.time) for share in action.shares)

    def decided(self) -> tuple[Decided, ...]:
        """Return the decisions, newest first."""
        return tuple(reversed(self._decided))

    def wanted(self, strategy_id: str) -> tuple[Wanted, ...]:
        """Return what a strategy wanted, newest first."""
        return tuple(reversed(self._wanted.get(strategy_id, ())))

    def acted_at(self, strategy_id: str) -> datetime | None:
        """Return when something was done for a strategy last."""
        return self._acted_at.get(strategy_id)

    def newest(self, timeframe: Timeframe) -> DecisionRecord | None:
        """Return the newest decision on candles of a timeframe."""
        return self._newest.get(timeframe)


def action_on(intent: StrategyIntent, actions: Sequence[RiskAdjustedAction]) -> RiskAdjustedAction | None:
    """Return the action that an intent ended in: one with a share of it, or the one about it alone."""
    alone = None
    for action in actions:
        if action.pair != intent.pair:
            continue
        if any(_is_of(intent, share.strategy_id, share.timeframe) for share in action.shares):
            return action
        if not action.shares and _is_of(intent, action.strategy_id, action.timeframe):
            alone = action
    return alone


def outcome_of(intent: StrategyIntent, actions: Sequence[RiskAdjustedAction]) -> str:
    """Say in words what became of an intent."""
    action = action_on(intent, actions)
    if action is None:
        return ""
    size = next((share.size for share in action.shares if share.strategy_id == intent.strategy_id), None)
    if size is not None:
        cut = f", cut by {', '.join(action.clamped_by)}" if action.clamped_by else ""
        return f"{'buys' if action.action_type in _BUYS else 'sells'} {number(size)}{cut}"
    if action.blocked:
        return f"blocked: {'; '.join(action.blocked_reasons)}"
    return action.reason


def _is_of(intent: StrategyIntent, strategy_id: str, timeframe: Timeframe | None) -> bool:
    return strategy_id == intent.strategy_id and timeframe in {None, intent.timeframe}
