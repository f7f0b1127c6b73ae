"""Exits and reductions. No limit of ours stops them: only the exchange's own rules can."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import msgspec

from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.plans import NET, ActionShare, ActionType, LimitCheck, RiskAdjustedAction
from krakked_tui.domain.precision import volume_down
from krakked_tui.risk.actions import blocked_reasons, unchanged
from krakked_tui.risk.candidate import Candidate
from krakked_tui.risk.checks import at_least, flag, number, tolerated
from krakked_tui.risk.context import Holding, PairState, RiskContext, StrategyLimits
from krakked_tui.risk.limits import MARKET_QUALITY
from krakked_tui.risk.minimums import sale_rules, sellable
from krakked_tui.risk.room import Room
from krakked_tui.risk.settings import RiskSettings

_NOBODY = StrategyLimits(max_positions=0, min_signal_confidence=ZERO)
"""The limits of a strategy that is not configured any more: it still sells."""


class _Sale(msgspec.Struct, frozen=True):
    """What one strategy sells of a pair."""

    intent: StrategyIntent
    size: Decimal


def leave(
    intents: Iterable[StrategyIntent], context: RiskContext, settings: RiskSettings, room: Room
) -> Iterator[RiskAdjustedAction]:
    """Close what strategies hold of their pairs, or reduce it to the wanted exposure, in their turn.

    Never sells what a strategy does not hold. A reduction that would leave less than the exchange's
    minimums closes instead. The pairs that are sold are noted in ``room``.
    """
    by_pair: dict[str, list[StrategyIntent]] = {}
    for intent in intents:
        by_pair.setdefault(intent.pair, []).append(intent)
    for pair, wishes in by_pair.items():
        holding, state = context.holdings.get(pair), context.pairs.get(pair)
        sales: dict[str, _Sale] = {}
        for intent in wishes:
            sale = _sale(intent, holding, state, sold_already=intent.strategy_id in sales)
            if isinstance(sale, _Sale):
                sales[intent.strategy_id] = sale
            else:
                yield unchanged(intent, context, *sale)
        if sales and holding is not None and state is not None:
            seller = Candidate(wishes[0], state, _NOBODY, context, settings, room)
            yield from _sell(tuple(sales.values()), holding, seller)


def _sale(
    intent: StrategyIntent, holding: Holding | None, state: PairState | None, *, sold_already: bool
) -> _Sale | tuple[str, tuple[LimitCheck, ...]]:
    """Return what an intent sells; the reason and the checks when that is nothing."""
    if sold_already:
        return f"{intent.strategy_id} sells {intent.pair} in this plan already", ()
    share = holding.of(intent.strategy_id) if holding else ZERO
    if share <= ZERO:
        return f"{intent.strategy_id} holds no {intent.pair}: nothing to sell", ()
    if state is None:
        return "", (flag("pair_status", f"the exchange does not list {intent.pair}"),)
    kept = _kept(intent, share, state)
    if kept and not volume_down(share - kept, state.metadata):
        return f"{intent.pair} is not above the wanted exposure: nothing to sell", ()
    return _Sale(intent, share - kept)


def _kept(intent: StrategyIntent, share: Decimal, state: PairState) -> Decimal:
    """Size to keep. Without a wanted exposure or a price to turn it into a size, nothing is kept."""
    exposure, quote = intent.desired_exposure_usd, state.quote
    if intent.intent_type is IntentType.EXIT or exposure is None or quote is None or quote.price <= ZERO:
        return ZERO
    kept = min(volume_down(max(ZERO, exposure) / quote.price, state.metadata), share)
    return kept if sellable(state.metadata, kept, quote.bid) else ZERO


def _sell(sales: Sequence[_Sale], holding: Holding, seller: Candidate) -> Iterator[RiskAdjustedAction]:
    context, state = seller.context, seller.state
    total = volume_down(sum((sale.size for sale in sales), ZERO), state.metadata)
    rules = sale_rules(state, total)
    if blocked_reasons(rules):
        yield from (unchanged(sale.intent, context, "", rules) for sale in sales)
        return
    parts = _on_lot(sales, total)
    less_than_lot = [sale for sale, part in zip(sales, parts, strict=True) if not part.size]
    for sale in less_than_lot:
        reason = f"what {sale.intent.strategy_id} holds of {sale.intent.pair} is less than a lot"
        yield unchanged(sale.intent, context, reason)
    seller.room.sold.add(state.metadata.canonical)
    yield _sold([part for part in parts if part.size], total, holding, seller, rules)


def _on_lot(sales: Sequence[_Sale], total: Decimal) -> list[_Sale]:
    """Take what is beyond the lot off the largest parts, so that they add up to the total exactly."""
    excess = sum((sale.size for sale in sales), ZERO) - total
    cut: dict[str, Decimal] = {}
    for sale in sorted(sales, key=lambda sale: (-sale.size, sale.intent.strategy_id)):
        cut[sale.intent.strategy_id] = taken = min(excess, sale.size)
        excess -= taken
    return [_Sale(sale.intent, sale.size - cut[sale.intent.strategy_id]) for sale in sales]


def _sold(
    parts: Sequence[_Sale],
    total: Decimal,
    holding: Holding,
    seller: Candidate,
    rules: tuple[LimitCheck, ...],
) -> RiskAdjustedAction:
    pair, first = seller.state.metadata, parts[0].intent
    target = holding.size - total
    doubts = tuple(tolerated(check) for check in _doubts(seller, total))
    shares = (
        ActionShare(part.intent.strategy_id, part.size, part.intent.timeframe, part.intent.signal_time)
        for part in parts
    )
    return RiskAdjustedAction(
        pair=first.pair,
        strategy_id=first.strategy_id if len(parts) == 1 else NET,
        action_type=ActionType.REDUCE if volume_down(target, pair) else ActionType.CLOSE,
        target_base_size=target,
        current_base_size=holding.size,
        target_notional_usd=target * holding.price,
        reason="; ".join(
            (_who_sells(parts, total, pair), *(doubt.reason for doubt in doubts if doubt.reason))
        ),
        timeframe=first.timeframe,
        signal_time=first.signal_time,
        checks=(*rules, *doubts),
        shares=tuple(sorted(shares, key=lambda share: share.strategy_id)),
    )


def _doubts(seller: Candidate, total: Decimal) -> Iterator[LimitCheck]:
    """Yield what would stop an entry: of a sale it belongs on record."""
    for limit in MARKET_QUALITY:
        yield limit(seller)
    quote, least = seller.state.quote, seller.context.min_order_notional_usd
    if quote is not None:
        yield at_least("min_order_notional_usd", total * quote.bid, least, "USD", "the value")


def _who_sells(parts: Sequence[_Sale], total: Decimal, pair: PairMetadata) -> str:
    if len(parts) == 1:
        return f"{parts[0].intent.strategy_id} sells {number(total)} {pair.base}"
    own = sorted((part.intent.strategy_id, part.size) for part in parts)
    each = ", ".join(f"{strategy_id} {number(size)}" for strategy_id, size in own)
    return f"{len(parts)} strategies sell {number(total)} {pair.base} of their own: {each}"
