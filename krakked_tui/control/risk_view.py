"""What the Risk screen and the "why" view show. Percentages are of equity unless a name says otherwise."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.control.strategy_view import IntentLine


class LimitLine(msgspec.Struct, frozen=True):
    """One limit: where the account stands and what it allows.

    ``value`` is None where the limit is about single orders and has no present value. ``used_share`` is how
    much of it is used, 0 to 1 and above when it is exceeded. ``key`` is the setting's, empty for what cannot
    be set; ``toml`` its value as a setting.
    """

    key: str
    name: str
    value: Decimal | None
    threshold: Decimal
    unit: str
    used_share: float | None = None
    headroom: Decimal | None = None
    detail: str = ""
    toml: str = ""


class ProtectionLine(msgspec.Struct, frozen=True):
    """A pause of entries in force; ``scope`` is the pair or strategy, "everything" else."""

    kind: str
    scope: str
    until: datetime
    reason: str


class RiskView(msgspec.Struct, frozen=True, kw_only=True):
    """The limits and how much of them is used. Refusals say why nothing is opened; empty while it is."""

    at: datetime | None = None
    equity: Decimal | None = None
    kill_active: bool = False
    kill_reason: str = ""
    kill_cause: str = ""
    kill_since: datetime | None = None
    kill_by: str = ""
    kill_persists: str = ""
    """What set the kill switch and still goes on; empty when clearing it needs no force."""
    refusal: str = ""
    daily_drawdown_pct: Decimal | None = None
    drift: bool = False
    account_truth: str = ""
    total_exposure_pct: Decimal | None = None
    per_asset_pct: tuple[tuple[str, Decimal], ...] = ()
    per_strategy_pct: tuple[tuple[str, Decimal], ...] = ()
    open_risk_pct: Decimal | None = None
    loss_if_all_stops_hit_usd: Decimal | None = None
    without_stop: tuple[str, ...] = ()
    """Pairs held, wholly or in part, without a stop: their loss is estimated by volatility."""
    include_manual_positions: bool = True
    limits: tuple[LimitLine, ...] = ()
    protections: tuple[ProtectionLine, ...] = ()
    presets: tuple[str, ...] = ()


class SettingChange(msgspec.Struct, frozen=True):
    """One setting that a form or a preset would change; texts are TOML."""

    key: str
    old: str
    new: str


class RiskPreview(msgspec.Struct, frozen=True):
    """What a change of settings would do, before it is made.

    ``problems`` are sentences that forbid it; ``violated`` say which limits the account as it is would break:
    nothing is sold for it, but nothing more is bought.
    """

    changes: tuple[SettingChange, ...] = ()
    problems: tuple[str, ...] = ()
    violated: tuple[str, ...] = ()


class CheckLine(msgspec.Struct, frozen=True):
    """One limit's answer; ``verdict`` is ok, clamped or blocked."""

    limit: str
    current: Decimal
    would_be: Decimal
    threshold: Decimal
    headroom: Decimal
    unit: str
    verdict: str
    reason: str = ""


class WhatIf(msgspec.Struct, frozen=True):
    """What would become of a buy of a pair now. ``size`` of base is what every limit allows, 0 for none."""

    pair: str
    usd: Decimal
    size: Decimal
    notional_usd: Decimal
    checks: tuple[CheckLine, ...]
    problem: str = ""
    """Why it cannot be asked: no such pair, no price."""


class ActionLine(msgspec.Struct, frozen=True):
    """What risk decided on a pair. ``shares`` are pairs of strategy and base size."""

    pair: str
    strategy_id: str
    action: str
    current: Decimal
    target: Decimal
    reason: str
    blocked: bool
    shares: tuple[tuple[str, Decimal], ...] = ()
    checks: tuple[CheckLine, ...] = ()


class OrderLine(msgspec.Struct, frozen=True):
    """An order of a plan, with its history as pairs of time and words."""

    cl_ord_id: str
    pair: str
    side: str
    order_type: str
    volume: Decimal
    filled: Decimal
    avg_fill_price: Decimal
    status: str
    purpose: str
    transitions: tuple[tuple[datetime, str], ...] = ()


class FillLine(msgspec.Struct, frozen=True):
    """A fill of such an order. ``pnl`` is what it made in base currency, a purchase minus its fee.

    None when that is not known.
    """

    trade_id: str
    cl_ord_id: str
    at: datetime
    volume: Decimal
    price: Decimal
    fee: str
    pnl: Decimal | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole chain of one decision, from the candle to what it made.

    ``focus`` names the order that was asked about, empty for a plan. ``problem`` says why there is nothing.
    """

    plan_id: str = ""
    focus: str = ""
    at: datetime | None = None
    candle_time: datetime | None = None
    timeframes: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    intents: tuple[IntentLine, ...] = ()
    actions: tuple[ActionLine, ...] = ()
    orders: tuple[OrderLine, ...] = ()
    fills: tuple[FillLine, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""


class DecisionLine(msgspec.Struct, frozen=True):
    """A stored decision in a list."""

    plan_id: str
    at: datetime
    timeframes: tuple[str, ...]
    intents: int
    acted: int
    blocked: int


class Silence(msgspec.Struct, frozen=True):
    """Why a strategy does not trade a pair: the first gate that failed, and how long since it last passed.

    ``gate`` is empty when none failed. Value and threshold are in words; None where there is none.
    ``last_passed`` is None when it has not since the program began, and ``since`` says when that was.
    """

    strategy_id: str
    pair: str
    gate: str
    reason: str
    value: str = ""
    threshold: str = ""
    last_passed: datetime | None = None
    since: datetime | None = None
