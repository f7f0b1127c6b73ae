"""Sizes below which an order is refused by the exchange, or not worth its fee to us."""

from decimal import Decimal

from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.plans import LimitCheck
from krakked_tui.risk.candidate import Candidate, Pricing
from krakked_tui.risk.checks import at_least


def order_min(pair: PairMetadata, size: Decimal) -> LimitCheck:
    """The exchange's least volume."""
    return at_least("order_min", size, pair.order_min, pair.base, "the volume")


def cost_min(pair: PairMetadata, size: Decimal, price: Decimal) -> LimitCheck:
    """The exchange's least value."""
    return at_least("cost_min", size * price, pair.cost_min, pair.quote, "the value")


def entry_order_min(entry: Candidate, _pricing: Pricing, size: Decimal) -> LimitCheck:
    """What is bought can be ordered, and sold again later."""
    return order_min(entry.state.metadata, size)


def entry_cost_min(entry: Candidate, pricing: Pricing, size: Decimal) -> LimitCheck:
    """What is bought can still be sold at the stop, where it is worth least."""
    return cost_min(entry.state.metadata, size, pricing.stop)


def min_order_notional_usd(entry: Candidate, pricing: Pricing, size: Decimal) -> LimitCheck:
    """Our own least value of an entry; exits are never held to it."""
    minimum = entry.context.min_order_notional_usd
    return at_least("min_order_notional_usd", size * pricing.price, minimum, "USD", "the value")
