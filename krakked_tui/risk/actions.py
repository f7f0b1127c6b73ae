"""Actions that change nothing, and why."""

from collections.abc import Iterable

from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.plans import ActionType, LimitCheck, RiskAdjustedAction, Verdict
from krakked_tui.risk.context import RiskContext


def blocked_reasons(checks: Iterable[LimitCheck]) -> tuple[str, ...]:
    """Return the sentences of the checks that blocked."""
    return tuple(check.reason for check in checks if check.verdict is Verdict.BLOCKED)


def clamping(checks: Iterable[LimitCheck]) -> tuple[str, ...]:
    """Return the limits that cut the size."""
    return tuple(check.limit for check in checks if check.verdict is Verdict.CLAMPED)


def unchanged(
    intent: StrategyIntent, context: RiskContext, reason: str, checks: tuple[LimitCheck, ...] = ()
) -> RiskAdjustedAction:
    """Leave the pair as it is: for ``reason``, or because a check blocked."""
    holding = context.holdings.get(intent.pair)
    size = holding.size if holding else ZERO
    blocks = blocked_reasons(checks)
    return RiskAdjustedAction(
        pair=intent.pair,
        strategy_id=intent.strategy_id,
        action_type=ActionType.NONE,
        target_base_size=size,
        current_base_size=size,
        target_notional_usd=holding.value_usd if holding else ZERO,
        reason=f"no {intent.intent_type}: {'; '.join(blocks)}" if blocks else reason,
        timeframe=intent.timeframe,
        signal_time=intent.signal_time,
        stop_price=intent.stop_price,
        blocked=bool(blocks),
        blocked_reasons=blocks,
        checks=checks,
    )
