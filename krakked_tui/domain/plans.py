"""What risk allows: actions, the limit checks behind them, and the plan of a cycle."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import StrategyIntent


class ActionType(StrEnum):
    """What is to happen to a position."""

    OPEN = "open"
    INCREASE = "increase"
    REDUCE = "reduce"
    CLOSE = "close"
    NONE = "none"


class Verdict(StrEnum):
    """What a limit said."""

    OK = "ok"
    CLAMPED = "clamped"
    BLOCKED = "blocked"


class LimitCheck(msgspec.Struct, frozen=True):
    """One limit's answer to one action; the row of the "why" view.

    ``current`` is the value before the action, ``would_be`` after it as asked, ``threshold`` the
    limit; all in ``unit``.
    """

    limit: str
    current: Decimal
    would_be: Decimal
    threshold: Decimal
    unit: str
    verdict: Verdict
    reason: str = ""

    @property
    def headroom(self) -> Decimal:
        """What is left below the threshold before the action."""
        return self.threshold - self.current


class RiskAdjustedAction(msgspec.Struct, frozen=True):
    """What risk lets one intent do. Sizes in base, notional in USD."""

    pair: str
    strategy_id: str
    action_type: ActionType
    target_base_size: Decimal
    current_base_size: Decimal
    target_notional_usd: Decimal
    reason: str
    timeframe: Timeframe | None = None
    signal_time: datetime | None = None
    stop_price: Decimal | None = None
    blocked: bool = False
    blocked_reasons: tuple[str, ...] = ()
    clamped_by: tuple[str, ...] = ()
    checks: tuple[LimitCheck, ...] = ()


class ExecutionPlan(msgspec.Struct, frozen=True):
    """The actions of one cycle."""

    plan_id: str
    generated_at: datetime
    actions: tuple[RiskAdjustedAction, ...]


class DecisionRecord(msgspec.Struct, frozen=True):
    """Everything needed to explain one cycle, stored by plan id.

    ``timeframe`` lists the timeframes that closed, ``candle_time`` the open time of the shortest
    one's closed candle; ``duration_ms`` is wall time.
    """

    plan_id: str
    time: datetime
    timeframes: tuple[Timeframe, ...]
    candle_time: datetime
    intents: tuple[StrategyIntent, ...]
    actions: tuple[RiskAdjustedAction, ...]
    kill_switch: bool
    equity_usd: Decimal
    input_fingerprint: str
    duration_ms: float
    notes: tuple[str, ...] = ()

    @property
    def blocked_count(self) -> int:
        """How many actions were blocked."""
        return sum(action.blocked for action in self.actions)
