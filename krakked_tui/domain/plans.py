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


NET = "net"
"""Stands for the strategy of an action, and of its order, that several strategies share."""


class ActionShare(msgspec.Struct, frozen=True):
    """The part of an action that is one strategy's: ``size`` of base bought or sold for it, above zero.

    Of a buy: the prices at which its part of the position is sold again between candles (None: not), how far
    a trailing stop follows the highest price, and how long it may be held.
    """

    strategy_id: str
    size: Decimal
    timeframe: Timeframe | None = None
    signal_time: datetime | None = None
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    trailing_stop_pct: Decimal | None = None
    max_holding_minutes: int | None = None


class RiskAdjustedAction(msgspec.Struct, frozen=True):
    """What risk lets be done with one pair, or why nothing is done for an intent. Base sizes, USD notional.

    An action that changes something has the ``shares`` of the strategies it is for, sorted by id, which add
    up to the change; ``strategy_id`` is ``NET`` when there are several. One that changes nothing has none
    and is about one intent. ``current_base_size`` and ``target_base_size`` are of the whole pair.
    """

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
    shares: tuple[ActionShare, ...] = ()


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
    metadata: dict[str, str] = {}
    """Equity, drawdown, drift, kill switch, data status and the configuration's fingerprint, in words."""
    inputs: bytes = b""
    """What risk was told, enough to decide again to the same actions: see ``risk.replay``. Empty without
    intents, and in records of versions that did not keep it."""

    @property
    def blocked_count(self) -> int:
        """How many actions were blocked."""
        return sum(action.blocked for action in self.actions)
