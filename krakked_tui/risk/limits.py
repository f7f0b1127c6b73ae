"""All limits on entries, in the order they are asked.

Permissions are asked all, so that every reason is known. A size is then cut by one cap after the
other, rounded down to the lot and held against the minimums; the first of these that leaves
nothing ends the row, since there is no size left to judge.
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
    max_risk_per_trade_pct,
)
from krakked_tui.risk.minimums import entry_cost_min, entry_order_min, min_order_notional_usd
from krakked_tui.risk.permissions import (
    kill_switch,
    max_open_positions,
    max_positions,
    min_signal_confidence,
    no_new_risk,
    one_holder,
    pair_blocked,
    pair_status,
    price_freshness,
)

PERMISSIONS: tuple[Callable[[Candidate], LimitCheck], ...] = (
    kill_switch,
    no_new_risk,
    pair_blocked,
    pair_status,
    price_freshness,
    min_signal_confidence,
    one_holder,
    max_positions,
    max_open_positions,
)

CAPS: tuple[Callable[[Candidate, Pricing], Cap], ...] = (
    max_risk_per_trade_pct,
    max_per_asset_pct,
    max_order_notional_usd,
    cash,
)

MINIMUMS: tuple[Callable[[Candidate, Pricing, Decimal], LimitCheck], ...] = (
    entry_order_min,
    entry_cost_min,
    min_order_notional_usd,
)
