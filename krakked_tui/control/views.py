"""Immutable pictures of the engine, as a screen or a script needs them.

Money is Decimal in USD unless a field says otherwise; times are exchange time, UTC; ages are wall
seconds at the moment the view was made. Text from the exchange or a strategy is untrusted.
"""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.control.portfolio_view import HistoryView
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.domain.portfolio import HeldAs
from krakked_tui.domain.safety import FlattenProgress, KillSwitch


class StartStep(msgspec.Struct, frozen=True):
    """One step of start-up. ``state`` is waiting, running, done or failed."""

    name: str
    state: str
    seconds: float = 0.0
    detail: str = ""


class StatusView(msgspec.Struct, frozen=True):
    """The permanent top bar.

    ``phase`` is starting, running, stopping, stopped or failed. ``data`` is live, polling (prices are
    asked for because the stream brings none), stale, down or starting; ``connection`` is up, partial
    or down. Percentages are positive numbers of percent.
    """

    phase: str
    mode: str
    profile: str
    at: datetime
    speed: float
    equity: Decimal
    day_pnl: Decimal
    drawdown_pct: Decimal
    drawdown_limit_pct: Decimal
    kill_switch: KillSwitch
    paused: bool
    drift: bool
    data: str
    data_detail: str
    connection: str
    connection_detail: str
    other_host: str = ""
    next_cycle_at: datetime | None = None
    no_new_risk: str = ""
    """Why nothing may be opened now, empty when it may."""


class DriftView(msgspec.Struct, frozen=True):
    """One asset of which the books say something else than the exchange, over all its forms.

    ``value`` is the size of the difference, None when nothing says what it is worth.
    """

    asset: str
    books: Decimal
    exchange: Decimal
    value: Decimal | None


class ElsewhereView(msgspec.Struct, frozen=True):
    """What of an asset cannot be spent as it is, and in which form it lies at the exchange."""

    asset: str
    held_as: HeldAs
    amount: Decimal


class PortfolioView(msgspec.Struct, frozen=True):
    """Totals of the account, and how far they can be believed.

    ``stale`` are assets valued at an old price; ``unvalued`` count as zero; what is ``excluded`` is no part
    of equity, ``excluded_value`` is what it is worth as far as there are prices. ``history`` tells how far
    the first reading of the account's histories is.
    """

    equity: Decimal
    cash: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    drift: tuple[DriftView, ...] = ()
    unvalued: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    elsewhere: tuple[ElsewhereView, ...] = ()
    excluded: tuple[str, ...] = ()
    excluded_value: Decimal = ZERO
    history: tuple[HistoryView, ...] = ()
    compared: bool = True
    """Whether books and balances have been compared since the last fill."""
    manual_apart: bool = False
    """Whether ``realized_pnl`` has manual trades in it that reports leave out unless asked."""
    growth_pct: Decimal | None = None
    """What the money of the equity curve made over the time that it shows, net of flows; None: not known."""


class ShareView(msgspec.Struct, frozen=True):
    """Whose part of a position, and the prices at which it is sold between candles (None: not).

    ``stop_price`` is the higher one of the stop and the trailing stop, which follows the highest price at
    ``trailing_pct`` below it. What nobody's strategy holds is ``manual`` and is never sold by itself.
    """

    strategy_id: str
    size: Decimal
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    trailing_pct: Decimal | None = None
    sold_by: datetime | None = None


class PositionView(msgspec.Struct, frozen=True):
    """One position. ``price_age`` is wall seconds, None when the price never arrived.

    ``strategy_id`` is ``net`` when several strategies share it. Stop, take-profit and time are those that
    come first; each one's are in ``shares``, which add up to the position.
    """

    pair: str
    base: str
    size: Decimal
    volume_decimals: int
    price_decimals: int
    avg_entry_price: Decimal
    price: Decimal | None
    price_age: float | None
    stale: bool
    value: Decimal
    unrealized_pnl: Decimal
    unrealized_pct: Decimal
    stop_price: Decimal | None
    strategy_id: str
    opened_at: datetime | None
    take_profit_price: Decimal | None = None
    sold_by: datetime | None = None
    shares: tuple[ShareView, ...] = ()


class OrderView(msgspec.Struct, frozen=True):
    """One order of ours, open or ended. ``shares`` are pairs of strategy and base size, by id."""

    cl_ord_id: str
    kraken_order_id: str
    plan_id: str
    pair: str
    side: str
    order_type: str
    purpose: str
    strategy_id: str
    status: OrderStatus
    volume: Decimal
    filled: Decimal
    price: Decimal | None
    avg_fill_price: Decimal
    volume_decimals: int
    price_decimals: int
    created_at: datetime
    updated_at: datetime
    last_error: str = ""
    cancelling: bool = False
    shares: tuple[tuple[str, Decimal], ...] = ()


class TradeView(msgspec.Struct, frozen=True):
    """One fill. ``cost`` and ``realized_pnl`` are None while nothing says what they are in dollars.

    ``fee`` is in dollars when that is known, else one of its fees as it was paid.
    """

    trade_id: str
    pair: str
    side: str
    price: Decimal
    volume: Decimal
    price_decimals: int
    volume_decimals: int
    cost: Decimal | None
    fee: Decimal
    fee_asset: str
    time: datetime
    strategy_id: str
    realized_pnl: Decimal | None = ZERO


class EquityPoint(msgspec.Struct, frozen=True):
    """One point of the equity curve."""

    at: datetime
    equity: Decimal


class AllocationView(msgspec.Struct, frozen=True):
    """Share of one asset (or cash) in equity."""

    asset: str
    value: Decimal
    percent: Decimal


class CountsView(msgspec.Struct, frozen=True):
    """Counters since the engine started; the ``engine_stopped`` line reports the same."""

    cycles: int = 0
    plans: int = 0
    missed_boundaries: int = 0
    fills: int = 0
    errors: int = 0
    orders: dict[str, int] = {}
    uptime_seconds: float = 0.0


class RateLimitView(msgspec.Struct, frozen=True):
    """One of the exchange's rate limits: units used of so many, and who spent them in the last minute.

    ``blocked_seconds`` (wall) is how long nothing may be sent because the exchange refused.
    """

    name: str
    used: float
    limit: float
    spenders: tuple[tuple[str, float], ...] = ()
    blocked_seconds: float = 0.0


class HealthView(msgspec.Struct, frozen=True):
    """What is not well inside, in one sentence each; empty where nothing is wrong."""

    journal_trouble: str = ""
    """Why the journal cannot be written. Meanwhile no order is sent."""
    account_age: float | None = None
    """Wall seconds since the exchange last confirmed what we hold; None before it has."""
    account_trouble: str = ""
    """Why it could not be asked last."""
    strategy_errors: tuple[tuple[str, str], ...] = ()
    """Strategies that failed and do not run any more, each with the reason."""


class EngineView(msgspec.Struct, frozen=True):
    """Everything a screen shows, as of one instant. ``version`` grows with every new picture."""

    version: int
    status: StatusView
    start_steps: tuple[StartStep, ...] = ()
    portfolio: PortfolioView | None = None
    positions: tuple[PositionView, ...] = ()
    open_orders: tuple[OrderView, ...] = ()
    recent_orders: tuple[OrderView, ...] = ()
    recent_trades: tuple[TradeView, ...] = ()
    equity_curve: tuple[EquityPoint, ...] = ()
    allocation: tuple[AllocationView, ...] = ()
    flatten: FlattenProgress | None = None
    counts: CountsView = CountsView()
    rate_limits: tuple[RateLimitView, ...] = ()
    health: HealthView = HealthView()
    messages: tuple[str, ...] = ()
    """Newest last: what happened that an operator should know."""
