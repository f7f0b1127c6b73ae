"""Limits that a smaller size can satisfy. All of them grow in proportion to the size."""

from decimal import Decimal
from typing import assert_never

import msgspec

from krakked_tui.domain.money import HUNDRED, ZERO, percent_of
from krakked_tui.domain.plans import LimitCheck, Verdict
from krakked_tui.domain.precision import at_scale
from krakked_tui.risk.candidate import Candidate, Pricing
from krakked_tui.risk.checks import amount

_SHOWN_DECIMALS = 6


class Cap(msgspec.Struct, frozen=True):
    """A bound on ``used`` + size x ``per_base``, all in USD; ``unit`` says how it is shown."""

    limit: str
    unit: str
    used: Decimal
    per_base: Decimal
    allowed: Decimal

    @property
    def size_max(self) -> Decimal:
        """Largest size that may be added; zero or below when there is no room."""
        return (self.allowed - self.used) / self.per_base

    def check(self, size: Decimal, equity: Decimal) -> LimitCheck:
        """Judge adding ``size``; a clamped one must be cut to ``size_max``."""
        size_max = self.size_max
        if size_max <= ZERO:
            verdict = Verdict.BLOCKED
        elif size > size_max:
            verdict = Verdict.CLAMPED
        else:
            verdict = Verdict.OK
        current, would_be, threshold = (
            at_scale(percent_of(value, equity) if self.unit == "%" else value, _SHOWN_DECIMALS)
            for value in (self.used, self.used + size * self.per_base, self.allowed)
        )
        match verdict:
            case Verdict.OK:
                reason = ""
            case Verdict.CLAMPED:
                reason = f"{amount(would_be, self.unit)} is cut to {self._bound(threshold)}"
            case Verdict.BLOCKED:
                reason = f"{amount(current, self.unit)} leaves no room below {self._bound(threshold)}"
            case _:
                assert_never(verdict)
        return LimitCheck(self.limit, current, would_be, threshold, self.unit, verdict, reason)

    def _bound(self, threshold: Decimal) -> str:
        return f"{self.limit}, {amount(threshold, self.unit)}"


def max_risk_per_trade_pct(entry: Candidate, pricing: Pricing) -> Cap:
    """What the whole position loses when its stop is hit."""
    return Cap(
        "max_risk_per_trade_pct",
        "%",
        used=entry.held_size * pricing.distance,
        per_base=pricing.distance,
        allowed=entry.context.equity * entry.settings.max_risk_per_trade_pct / HUNDRED,
    )


def max_per_asset_pct(entry: Candidate, pricing: Pricing) -> Cap:
    """What is held of the asset afterwards."""
    return Cap(
        "max_per_asset_pct",
        "%",
        used=entry.exposure_usd,
        per_base=pricing.price,
        allowed=entry.context.equity * entry.settings.max_per_asset_pct / HUNDRED,
    )


def max_order_notional_usd(entry: Candidate, pricing: Pricing) -> Cap:
    """What a single order is worth."""
    return Cap(
        "max_order_notional_usd",
        "USD",
        used=ZERO,
        per_base=pricing.price,
        allowed=entry.context.max_order_notional_usd,
    )


def cash(entry: Candidate, pricing: Pricing) -> Cap:
    """What the order costs at worst, its fee included, out of what earlier entries have left."""
    return Cap("cash", "USD", used=ZERO, per_base=pricing.cost, allowed=entry.room.cash)
