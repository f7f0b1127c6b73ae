"""Every limit of an entry, in the order they are asked.

Permissions are asked all, so that every reason is known. A size is then cut by one cap after the other; all
of them are asked. What they leave is rounded down to the lot and held against the minimums, of which the
first that fails ends the row: there is no size left to judge.
"""

from collections.abc import Callable
from decimal import Decimal

from krakked_tui.domain.plans import LimitCheck
from krakked_tui.risk.candidate import Candidate, Pricing
from krakked_tui.risk.caps import (
    Cap,
    cash,
    max_order_notional_usd,
    max_per_asset_pct,
    max_per_strategy_pct,
    max_portfolio_risk_pct,
    max_risk_per_trade_pct,
)
from krakked_tui.risk.market_quality import (
    max_price_deviation_pct,
    max_spread_bps,
    min_liquidity_24h_usd,
    pair_status,
    price_freshness,
)
from krakked_tui.risk.minimums import entry_cost_min, entry_order_min, min_order_notional_usd
from krakked_tui.risk.pauses import (
    consecutive_losses,
    cooldown,
    low_profit,
    max_entries_per_day,
    stop_guard,
)
from krakked_tui.risk.places import max_open_positions, max_positions, min_signal_confidence
from krakked_tui.risk.safety import kill_switch, long_only, no_new_risk, one_order, pair_blocked

Permission = Callable[[Candidate], LimitCheck]

SAFETY: tuple[Permission, ...] = (kill_switch, no_new_risk, pair_blocked, one_order, long_only)

MARKET_QUALITY: tuple[Permission, ...] = (
    pair_status,
    price_freshness,
    min_liquidity_24h_usd,
    max_spread_bps,
    max_price_deviation_pct,
)

PAUSES: tuple[Permission, ...] = (
    cooldown,
    stop_guard,
    low_profit,
    consecutive_losses,
    max_entries_per_day,
)

PLACES: tuple[Permission, ...] = (min_signal_confidence, max_positions, max_open_positions)

PERMISSIONS: tuple[Permission, ...] = (*SAFETY, *MARKET_QUALITY, *PAUSES, *PLACES)

CAPS: tuple[Callable[[Candidate, Pricing], Cap | None], ...] = (
    max_risk_per_trade_pct,
    max_portfolio_risk_pct,
    max_per_asset_pct,
    max_per_strategy_pct,
    max_order_notional_usd,
    cash,
)

MINIMUMS: tuple[Callable[[Candidate, Pricing, Decimal], LimitCheck], ...] = (
    entry_order_min,
    entry_cost_min,
    min_order_notional_usd,
)
