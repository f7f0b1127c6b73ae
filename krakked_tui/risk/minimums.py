"""Sizes below which an order is refused by the exchange, or not worth its fee to us."""

from decimal import Decimal

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.plans import LimitCheck, Verdict
from krakked_tui.risk.candidate import Candidate, Pricing
from krakked_tui.risk.checks import at_least, number
from krakked_tui.risk.context import PairState


def order_min(pair: PairMetadata, size: Decimal) -> LimitCheck:
    """The exchange's least volume, and at least one lot."""
    if size <= ZERO:
        least = max(pair.order_min, pair.lot_size)
        reason = f"the volume is less than one lot, {number(pair.lot_size)} {pair.base}"
        return LimitCheck("order_min", ZERO, size, least, pair.base, Verdict.BLOCKED, reason)
    return at_least("order_min", size, pair.order_min, pair.base, "the volume")


def cost_min(pair: PairMetadata, size: Decimal, price: Decimal) -> LimitCheck:
    """The exchange's least value."""
    return at_least("cost_min", size * price, pair.cost_min, pair.quote, "the value")


def sale_rules(state: PairState, size: Decimal) -> tuple[LimitCheck, ...]:
    """Say whether the exchange takes a sale of this size; the value counts at the bid, where there is one."""
    checks = (order_min(state.metadata, size),)
    return checks if state.quote is None else (*checks, cost_min(state.metadata, size, state.quote.bid))


def sellable(pair: PairMetadata, size: Decimal, price: Decimal) -> bool:
    """Say whether so much could be sold by itself at this price."""
    return size >= max(pair.order_min, pair.lot_size) and size * price >= pair.cost_min


def entry_order_min(entry: Candidate, _pricing: Pricing, size: Decimal) -> LimitCheck:
    """What is bought can be ordered, and sold again later."""
    return order_min(entry.state.metadata, size)


def entry_cost_min(entry: Candidate, pricing: Pricing, size: Decimal) -> LimitCheck:
    """What is bought can still be sold at the stop, where it is worth least."""
    return cost_min(entry.state.metadata, size, pricing.sold_at)


def min_order_notional_usd(entry: Candidate, pricing: Pricing, size: Decimal) -> LimitCheck:
    """Our own least value of an entry; exits are never held to it."""
    minimum = entry.context.min_order_notional_usd
    return at_least("min_order_notional_usd", size * pricing.price, minimum, "USD", "the value")
