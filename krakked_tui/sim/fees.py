"""What a trade costs: the fee ladder, the volume that climbs it, and the rounding of cost and fee."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from krakked_tui.domain.fills import Fee
from krakked_tui.domain.money import HUNDRED, ZERO
from krakked_tui.domain.pairs import FeeTier, PairMetadata
from krakked_tui.domain.precision import half_up

TIER_WINDOW: Final = timedelta(days=30)


class TradedVolume:
    """What was traded within the last 30 days, in USD."""

    def __init__(self) -> None:
        self._trades: deque[tuple[datetime, Decimal]] = deque()
        self._total = ZERO

    def add(self, at: datetime, usd: Decimal) -> None:
        """Count a trade, no older than those before it."""
        self._trades.append((at, usd))
        self._total += usd

    def total(self, at: datetime) -> Decimal:
        """Return the volume of the window that ends at ``at``, which never goes back."""
        while self._trades and self._trades[0][0] <= at - TIER_WINDOW:
            self._total -= self._trades.popleft()[1]
        return self._total


def fee_percent(ladder: Sequence[FeeTier], volume_usd: Decimal) -> Decimal:
    """Return the percentage of the highest tier reached by a 30-day volume; 0 without a ladder."""
    reached = [tier.percent for tier in ladder if tier.volume_usd <= volume_usd]
    return reached[-1] if reached else ZERO


def cost_of(pair: PairMetadata, price: Decimal, volume: Decimal) -> Decimal:
    """Return price times volume at the pair's cost scale (quote)."""
    return half_up(price * volume, pair.cost_decimals)


def fee_of(pair: PairMetadata, cost: Decimal, percent: Decimal) -> Decimal:
    """Return the fee on a cost at the pair's cost scale (quote)."""
    return half_up(cost * percent / HUNDRED, pair.cost_decimals)


def fee_in_quote(pair: PairMetadata, fee: Fee, price: Decimal) -> Decimal:
    """Return what a fee is worth in quote, at the pair's cost scale: at the trade's price when in base."""
    if fee.asset == pair.quote:
        return fee.amount
    return half_up(fee.amount * price, pair.cost_decimals)
