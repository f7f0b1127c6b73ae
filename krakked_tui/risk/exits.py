"""Exits and reductions. No limit of ours stops them: only the exchange's own rules can."""

from decimal import Decimal

from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.plans import ActionType, LimitCheck, RiskAdjustedAction
from krakked_tui.domain.precision import volume_down
from krakked_tui.market.freshness import GOOD_FOR_ENTRIES, Freshness
from krakked_tui.risk.actions import blocked_reasons, unchanged
from krakked_tui.risk.checks import flag, number
from krakked_tui.risk.context import Holding, PairState, RiskContext
from krakked_tui.risk.minimums import cost_min, order_min


def leave(intent: StrategyIntent, context: RiskContext) -> RiskAdjustedAction:
    """Close what the strategy holds of the pair, or reduce it to the wanted exposure.

    Never sells what the strategy does not hold. A reduction that would leave less than the
    exchange's minimums closes instead.
    """
    holding = context.holdings.get(intent.pair)
    state = context.pairs.get(intent.pair)
    if holding is None or holding.strategy_id != intent.strategy_id or holding.size <= ZERO:
        return unchanged(intent, context, f"{intent.strategy_id} holds no {intent.pair}: nothing to sell")
    if state is None:
        return unchanged(
            intent, context, "", (flag("pair_status", f"the exchange does not list {intent.pair}"),)
        )
    target = _target_size(intent, holding, state)
    sold = volume_down(holding.size - target, state.metadata)
    if target and not sold:
        return unchanged(intent, context, f"{intent.pair} is not above the wanted exposure: nothing to sell")
    checks = _exchange_rules(state, sold)
    if blocked_reasons(checks):
        return unchanged(intent, context, "", checks)
    return RiskAdjustedAction(
        pair=intent.pair,
        strategy_id=intent.strategy_id,
        action_type=ActionType.REDUCE if target else ActionType.CLOSE,
        target_base_size=target,
        current_base_size=holding.size,
        target_notional_usd=holding.value_usd * target / holding.size,
        reason=f"{intent.strategy_id} sells {number(sold)} {state.metadata.base}{_doubt(state)}",
        timeframe=intent.timeframe,
        signal_time=intent.signal_time,
        checks=checks,
    )


def _doubt(state: PairState) -> str:
    """Say what is wrong with the price, and how old it is: it stops nothing, and belongs on record."""
    if state.freshness in GOOD_FOR_ENTRIES:
        return ""
    if state.freshness is Freshness.NEVER:
        return "; no price of it has arrived"
    return f"; its price is {state.freshness}, {state.price_age:.0f} s old"


def _target_size(intent: StrategyIntent, holding: Holding, state: PairState) -> Decimal:
    """Size to keep. Without a wanted exposure or a price to turn it into a size, nothing is kept."""
    exposure = intent.desired_exposure_usd
    price = state.quote.price if state.quote else ZERO
    if intent.intent_type is IntentType.EXIT or exposure is None or price <= ZERO:
        return ZERO
    kept = min(volume_down(max(ZERO, exposure) / price, state.metadata), holding.size)
    return ZERO if blocked_reasons(_exchange_rules(state, kept)) else kept


def _exchange_rules(state: PairState, size: Decimal) -> tuple[LimitCheck, ...]:
    """Say whether the exchange takes a sale of this size; one that its status forbids now waits later on."""
    pair = state.metadata
    checks = [order_min(pair, size)]
    if state.quote is not None:
        checks.append(cost_min(pair, size, state.quote.bid))
    return tuple(checks)
