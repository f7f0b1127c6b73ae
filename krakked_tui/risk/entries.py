"""Entries and increases: each judged by every limit, those that agree on a pair made one order."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.money import ZERO, percent_of
from krakked_tui.domain.plans import NET, ActionShare, ActionType, RiskAdjustedAction
from krakked_tui.risk.actions import blocked_reasons, clamping, unchanged
from krakked_tui.risk.candidate import Candidate
from krakked_tui.risk.checks import amount, flag, number
from krakked_tui.risk.context import RiskContext
from krakked_tui.risk.limits import PERMISSIONS
from krakked_tui.risk.netting import Part, Wish, blend, joint_checks
from krakked_tui.risk.room import Bought, Room
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.risk.sizing import size_entry, target_of
from krakked_tui.risk.turns import turn


def enter(
    intents: Iterable[StrategyIntent], context: RiskContext, settings: RiskSettings, room: Room
) -> Iterator[RiskAdjustedAction]:
    """Decide on entries in their turn; each one made takes from ``room`` what the next cannot have.

    The surest entry that may be made brings its pair's turn, and those of other strategies with it.
    """
    by_pair: dict[str, list[StrategyIntent]] = {}
    for intent in intents:
        by_pair.setdefault(intent.pair, []).append(intent)
    queue = [(turn(wishes[0]), pair) for pair, wishes in by_pair.items()]
    heapq.heapify(queue)
    while queue:
        _, pair = heapq.heappop(queue)
        asking = by_pair[pair]
        first = judge(asking.pop(0), context, settings, room)
        if isinstance(first, Wish):
            yield from _buy(first, asking, room)
            continue
        yield first
        if asking:
            heapq.heappush(queue, (turn(asking[0]), pair))


def judge(
    intent: StrategyIntent, context: RiskContext, settings: RiskSettings, room: Room
) -> Wish | RiskAdjustedAction:
    """Judge one entry by itself: what it would buy, or the action that says why it buys nothing."""
    state = context.pairs.get(intent.pair)
    strategy = context.strategies.get(intent.strategy_id)
    if state is None or strategy is None:
        stranger = intent.pair if state is None else intent.strategy_id
        return unchanged(intent, context, "", (flag("known", f"{stranger} is not known here"),))
    entry = Candidate(intent, state, strategy, context, settings, room)
    if intent.intent_type is IntentType.ENTER and entry.own_size:
        return unchanged(intent, context, f"{intent.strategy_id} holds {intent.pair} already")
    permissions = tuple(limit(entry) for limit in PERMISSIONS)
    sized = size_entry(entry)
    checks = (*permissions, *sized.checks)
    if sized.pricing is None or blocked_reasons(checks):
        return unchanged(intent, context, "", checks)
    return Wish(entry, sized, sized.pricing, permissions)


def _buy(first: Wish, asking: Iterable[StrategyIntent], room: Room) -> Iterator[RiskAdjustedAction]:
    """Make one order of the first entry of a pair and of those that may be made with it."""
    context, settings = first.entry.context, first.entry.settings
    wishes = {first.strategy_id: first}
    for intent in asking:
        if intent.strategy_id in wishes:
            reason = f"{intent.strategy_id} buys {intent.pair} in this plan already"
            yield unchanged(intent, context, reason)
            continue
        judged = judge(intent, context, settings, room)
        if isinstance(judged, Wish):
            wishes[judged.strategy_id] = judged
        else:
            yield judged
    parts, left_out = blend(tuple(wishes.values()))
    yield _bought(parts)
    for wish in left_out:
        reason = (
            f"{wish.strategy_id}'s part of the {wish.entry.intent.pair} that"
            f" {_names(parts)} buys is too small to be sold again by itself"
        )
        yield unchanged(wish.entry.intent, context, reason, wish.permissions)
    _take(parts, room)


def _take(parts: Sequence[Part], room: Room) -> None:
    metadata = parts[0].wish.entry.state.metadata
    bought = (
        Bought(
            part.wish.strategy_id,
            part.size * part.wish.pricing.price,
            part.size * part.wish.pricing.distance,
        )
        for part in parts
    )
    cost = sum((part.size * part.wish.pricing.cost for part in parts), ZERO)
    room.after_buy(metadata.canonical, metadata.base, cost, bought)


def _bought(parts: Sequence[Part]) -> RiskAdjustedAction:
    first = parts[0].wish
    context, intent = first.entry.context, first.entry.intent
    holding = context.holdings.get(intent.pair)
    held = holding.size if holding else ZERO
    size = sum((part.size for part in parts), ZERO)
    checks, alone = joint_checks(parts), len(parts) == 1
    clamped_by = clamping(checks)
    words = [_who_buys(parts, size), _what_is_lost(parts)]
    if clamped_by:
        words.append(f"cut by {', '.join(clamped_by)}")
    return RiskAdjustedAction(
        pair=intent.pair,
        strategy_id=intent.strategy_id if alone else NET,
        action_type=ActionType.INCREASE if held else ActionType.OPEN,
        target_base_size=held + size,
        current_base_size=held,
        target_notional_usd=(held + size) * first.pricing.price,
        reason="; ".join(words),
        timeframe=intent.timeframe,
        signal_time=intent.signal_time,
        stop_price=first.pricing.stop if alone else None,
        clamped_by=clamped_by,
        checks=checks,
        shares=tuple(_share(part) for part in parts),
    )


def _share(part: Part) -> ActionShare:
    intent, strategy = part.wish.entry.intent, part.wish.entry.strategy
    return ActionShare(
        strategy_id=intent.strategy_id,
        size=part.size,
        timeframe=intent.timeframe,
        signal_time=intent.signal_time,
        stop_price=part.wish.pricing.stop,
        take_profit_price=target_of(part.wish.entry, part.wish.pricing),
        trailing_stop_pct=strategy.trailing_stop_pct,
        max_holding_minutes=strategy.max_holding_minutes,
    )


def _who_buys(parts: Sequence[Part], size: Decimal) -> str:
    first = parts[0].wish
    bought = (
        f"{number(size)} {first.entry.state.metadata.base} for at most"
        f" {amount(size * first.pricing.price, 'USD')}"
    )
    if len(parts) == 1:
        return f"{first.strategy_id} buys {bought}"
    each = ", ".join(
        f"{part.wish.strategy_id} {number(part.size)} (by itself {number(part.wish.sized.size)}, weight"
        f" {number(part.wish.entry.strategy.weight)}, confidence {number(part.wish.entry.intent.confidence)})"
        for part in parts
    )
    return f"{_names(parts)} agree on {bought}, their mean by weight and confidence: {each}"


def _what_is_lost(parts: Sequence[Part]) -> str:
    entry = parts[0].wish.entry
    risk = entry.room.pair_risk.get(entry.intent.pair, ZERO)
    risk += sum((part.size * part.wish.pricing.distance for part in parts), ZERO)
    lost = f"{amount(percent_of(risk, entry.context.equity), '%')} of equity is lost at"
    stops = " and ".join(number(part.wish.pricing.stop) for part in parts)
    return f"{lost} the stop, {stops}" if len(parts) == 1 else f"{lost} their stops, {stops}"


def _names(parts: Sequence[Part]) -> str:
    return " and ".join(part.wish.strategy_id for part in parts)
