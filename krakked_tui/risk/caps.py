"""Limits that a smaller size can satisfy. All of them grow in proportion to the size.

Percentages are of equity. What is held, what open orders may still buy and what the plan has bought so far
counts, at what it may be worth at most.
"""

from decimal import Decimal
from typing import assert_never

import msgspec

from krakked_tui.domain.money import HUNDRED, ZERO, percent_of
from krakked_tui.domain.plans import LimitCheck, Verdict
from krakked_tui.domain.precision import at_scale
from krakked_tui.risk.candidate import Candidate, Pricing
from krakked_tui.risk.checks import SHOWN_DECIMALS, amount


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

    def check(self, added: Decimal, equity: Decimal) -> LimitCheck:
        """Judge adding ``added`` USD; a clamped one must be cut to ``size_max``."""
        if self.used >= self.allowed:
            verdict = Verdict.BLOCKED
        elif self.used + added > self.allowed:
            verdict = Verdict.CLAMPED
        else:
            verdict = Verdict.OK
        current, would_be, threshold = (
            at_scale(percent_of(value, equity) if self.unit == "%" else value, SHOWN_DECIMALS)
            for value in (self.used, self.used + added, self.allowed)
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
    """What strategies lose of the whole pair when their stops are hit: agreeing does not multiply it."""
    return Cap(
        "max_risk_per_trade_pct", "%", entry.room.pair_risk.get(entry.intent.pair, ZERO), pricing.distance,
        _share_of_equity(entry, entry.settings.max_risk_per_trade_pct),
    )  # fmt: skip


def max_portfolio_risk_pct(entry: Candidate, pricing: Pricing) -> Cap:
    """What everything loses when all stops are hit, what nobody's strategy holds included."""
    return Cap(
        "max_portfolio_risk_pct", "%", entry.room.risk, pricing.distance,
        _share_of_equity(entry, entry.settings.max_portfolio_risk_pct),
    )  # fmt: skip


def max_per_asset_pct(entry: Candidate, pricing: Pricing) -> Cap:
    """What is held of the asset, in all of its pairs, by whomever."""
    return Cap(
        "max_per_asset_pct", "%", entry.room.asset_usd.get(entry.state.metadata.base, ZERO), pricing.price,
        _share_of_equity(entry, entry.settings.max_per_asset_pct),
    )  # fmt: skip


def max_per_strategy_pct(entry: Candidate, pricing: Pricing) -> Cap | None:
    """What the strategy has at work; None when it has no budget of its own."""
    strategy_id = entry.intent.strategy_id
    budget = entry.settings.max_per_strategy_pct.get(strategy_id)
    if budget is None:
        return None
    return Cap(
        f"max_per_strategy_pct.{strategy_id}", "%", entry.room.strategy_usd.get(strategy_id, ZERO),
        pricing.price, _share_of_equity(entry, budget),
    )  # fmt: skip


def max_order_notional_usd(entry: Candidate, pricing: Pricing) -> Cap:
    """What a single order is worth."""
    return Cap("max_order_notional_usd", "USD", ZERO, pricing.price, entry.context.max_order_notional_usd)


def cash(entry: Candidate, pricing: Pricing) -> Cap:
    """What the order costs at worst, its fee included, out of what earlier entries have left."""
    return Cap("cash", "USD", ZERO, pricing.cost, entry.room.cash)


def _share_of_equity(entry: Candidate, percentage: Decimal) -> Decimal:
    return entry.context.equity * percentage / HUNDRED
