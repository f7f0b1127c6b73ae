"""What the Strategies screen shows."""

from datetime import datetime
from decimal import Decimal

import msgspec


class IntentLine(msgspec.Struct, frozen=True):
    """What a strategy wanted. ``values`` are the indicators it was read from."""

    strategy_id: str
    pair: str
    intent: str
    timeframe: str
    at: datetime
    signal_time: datetime
    confidence: Decimal
    close: Decimal
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    values: tuple[tuple[str, float], ...] = ()
    outcome: str = ""
    """What became of it, in words."""


class ParameterLine(msgspec.Struct, frozen=True):
    """A declared parameter, or a setting every strategy has. Texts are TOML.

    ``changeable`` ones take a new value while the engine runs.
    """

    key: str
    name: str
    value: str
    default: str
    allowed: str
    description: str
    changeable: bool = True


class HeldLine(msgspec.Struct, frozen=True):
    """What a strategy holds of a pair, and the prices at which it is sold between candles."""

    pair: str
    size: Decimal
    value: Decimal | None
    pnl: Decimal | None
    opened_at: datetime
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    trailing_pct: Decimal | None = None
    sold_by: datetime | None = None


class StrategyLine(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy. ``state`` is running, disabled, failed or waiting (for candles)."""

    id: str
    type: str
    enabled: bool
    state: str
    tag: str
    userref: int | None = None
    timeframes: tuple[str, ...] = ()
    positions: int = 0
    max_positions: int = 0
    exposure_usd: Decimal | None = None
    exposure_pct: Decimal | None = None
    budget_pct: Decimal | None = None
    pnl: Decimal | None = None
    last_run: datetime | None = None
    next_run: datetime | None = None
    last_intents_at: datetime | None = None
    last_actions_at: datetime | None = None
    error: str = ""
    idea: str = ""
    """The first paragraph of its documentation."""
    parameters: tuple[ParameterLine, ...] = ()
    held: tuple[HeldLine, ...] = ()
    intents: tuple[IntentLine, ...] = ()
    """The latest, newest first."""
    equity: tuple[tuple[datetime, Decimal], ...] = ()
    """What it had made by each of these times: realized profit and loss, oldest first."""


class StrategiesView(msgspec.Struct, frozen=True):
    """All strategies that are configured, by id; ``problems`` are of files that could not be loaded."""

    at: datetime | None = None
    strategies: tuple[StrategyLine, ...] = ()
    problems: tuple[str, ...] = ()
