"""From intents to actions: what each strategy may do, in a fixed order.

1. Exits, then reductions: by confidence (high first), strategy id, pair, timeframe (short first).
2. Entries and increases in the same order. Each one accepted leaves less cash and fewer places to
   the next; of several that want one pair the first wins.
3. Wishes to hold, which change nothing.

Exits free neither cash nor places for the entries of the same plan: they have not happened yet.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import assert_never

from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.money import ZERO, percent_of
from krakked_tui.domain.plans import ActionType, LimitCheck, RiskAdjustedAction, Verdict
from krakked_tui.risk.actions import blocked_reasons, unchanged
from krakked_tui.risk.candidate import Candidate, Pricing, Room
from krakked_tui.risk.checks import amount, flag, number
from krakked_tui.risk.context import RiskContext
from krakked_tui.risk.exits import leave
from krakked_tui.risk.limits import PERMISSIONS
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.risk.sizing import size_entry

_TURNS = {
    IntentType.EXIT: 0,
    IntentType.REDUCE: 1,
    IntentType.ENTER: 2,
    IntentType.INCREASE: 2,
    IntentType.HOLD: 3,
}


def evaluate(
    intents: Iterable[StrategyIntent], context: RiskContext, settings: RiskSettings
) -> tuple[RiskAdjustedAction, ...]:
    """Decide on every intent; one action each, in the order they were decided in.

    The result does not depend on the order of ``intents``. Each action carries every check made.
    """
    room = Room.at_start(context)
    actions: list[RiskAdjustedAction] = []
    for intent in sorted(intents, key=_turn):
        match intent.intent_type:
            case IntentType.EXIT | IntentType.REDUCE:
                action, room = _leave(intent, context, room)
            case IntentType.ENTER | IntentType.INCREASE:
                action, room = _enter(intent, context, settings, room)
            case IntentType.HOLD:
                action = unchanged(intent, context, f"{intent.strategy_id} keeps {intent.pair} as it is")
            case _:
                assert_never(intent.intent_type)
        actions.append(action)
    return tuple(actions)


def _turn(intent: StrategyIntent) -> tuple[object, ...]:
    """Order intents by all that an action depends on, so that equal keys mean equal actions."""
    return (
        _TURNS[intent.intent_type],
        -intent.confidence,
        intent.strategy_id,
        intent.pair,
        intent.timeframe.minutes,
        intent.intent_type,
        intent.signal_time,
        intent.stop_price is None,
        intent.stop_price or ZERO,
        intent.desired_exposure_usd is None,
        intent.desired_exposure_usd or ZERO,
    )


def _leave(intent: StrategyIntent, context: RiskContext, room: Room) -> tuple[RiskAdjustedAction, Room]:
    if intent.pair in room.leaving:
        return unchanged(intent, context, f"{intent.pair} is being sold by this plan already"), room
    action = leave(intent, context)
    return action, room if action.action_type is ActionType.NONE else room.after_exit(intent.pair)


def _enter(
    intent: StrategyIntent, context: RiskContext, settings: RiskSettings, room: Room
) -> tuple[RiskAdjustedAction, Room]:
    state = context.pairs.get(intent.pair)
    strategy = context.strategies.get(intent.strategy_id)
    if state is None or strategy is None:
        stranger = intent.pair if state is None else intent.strategy_id
        return unchanged(intent, context, "", (flag("known", f"{stranger} is not known here"),)), room
    entry = Candidate(intent, state, strategy, context, settings, room)
    sized = size_entry(entry)
    checks = (*(limit(entry) for limit in PERMISSIONS), *sized.checks)
    if sized.pricing is None or blocked_reasons(checks):
        return unchanged(intent, context, "", checks), room
    left = room.after_buy(intent.pair, intent.strategy_id, sized.size * sized.pricing.cost)
    return _opened(entry, sized.size, sized.pricing, checks), left


def _opened(
    entry: Candidate, size: Decimal, pricing: Pricing, checks: tuple[LimitCheck, ...]
) -> RiskAdjustedAction:
    intent, base = entry.intent, entry.state.metadata.base
    target = entry.held_size + size
    at_risk = percent_of(target * pricing.distance, entry.context.equity)
    clamped_by = tuple(check.limit for check in checks if check.verdict is Verdict.CLAMPED)
    cut = f"; cut by {', '.join(clamped_by)}" if clamped_by else ""
    return RiskAdjustedAction(
        pair=intent.pair,
        strategy_id=intent.strategy_id,
        action_type=ActionType.INCREASE if entry.held_size else ActionType.OPEN,
        target_base_size=target,
        current_base_size=entry.held_size,
        target_notional_usd=target * pricing.price,
        reason=(
            f"{intent.strategy_id} buys {number(size)} {base}"
            f" for at most {amount(size * pricing.price, 'USD')};"
            f" {amount(at_risk, '%')} of equity is lost at the stop, {number(pricing.stop)}{cut}"
        ),
        timeframe=intent.timeframe,
        signal_time=intent.signal_time,
        stop_price=intent.stop_price,
        clamped_by=clamped_by,
        checks=checks,
    )
