"""The one validator of orders: what a pair's precision and minimums allow.

Live, paper, backtest and sandbox all ask it, so an order that passes here is refused by the
exchange only for reasons this rule book cannot know (funds, mode, limits).
"""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum

import msgspec

from krakked_tui.domain.orders import OrderRequest, OrderType
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import step_down


class OrderRule(StrEnum):
    """Names of the rules."""

    VOLUME = "volume"
    LOT = "lot"
    ORDER_MIN = "order_min"
    PRICE = "price"
    TICK = "tick"
    COST_MIN = "cost_min"


class Violation(msgspec.Struct, frozen=True):
    """A broken rule, with a sentence that names the value and what is allowed."""

    rule: OrderRule
    message: str


Check = Callable[[OrderRequest, PairMetadata, Decimal], str | None]


def _volume_positive(request: OrderRequest, _pair: PairMetadata, _price: Decimal) -> str | None:
    return None if request.volume > 0 else f"volume {request.volume} must be above zero"


def _on_lot(request: OrderRequest, pair: PairMetadata, _price: Decimal) -> str | None:
    if step_down(request.volume, pair.lot_size) == request.volume:
        return None
    return f"volume {request.volume} is not a multiple of the lot {pair.lot_size} of {pair.canonical}"


def _above_order_min(request: OrderRequest, pair: PairMetadata, _price: Decimal) -> str | None:
    if request.volume >= pair.order_min:
        return None
    return f"volume {request.volume} is below the minimum {pair.order_min} of {pair.canonical}"


def _price_where_needed(request: OrderRequest, _pair: PairMetadata, _price: Decimal) -> str | None:
    if request.order_type is OrderType.MARKET:
        return None
    if request.price is None or request.price <= 0:
        return f"a {request.order_type} order needs a price above zero"
    return None


def _on_tick(request: OrderRequest, pair: PairMetadata, _price: Decimal) -> str | None:
    if request.price is None or step_down(request.price, pair.tick_size) == request.price:
        return None
    return f"price {request.price} is not a multiple of the tick {pair.tick_size} of {pair.canonical}"


def _above_cost_min(request: OrderRequest, pair: PairMetadata, price: Decimal) -> str | None:
    cost = request.volume * (request.price or price)
    if cost >= pair.cost_min:
        return None
    return f"cost {cost} {pair.quote} is below the minimum {pair.cost_min} of {pair.canonical}"


RULES: tuple[tuple[OrderRule, Check], ...] = (
    (OrderRule.VOLUME, _volume_positive),
    (OrderRule.LOT, _on_lot),
    (OrderRule.ORDER_MIN, _above_order_min),
    (OrderRule.PRICE, _price_where_needed),
    (OrderRule.TICK, _on_tick),
    (OrderRule.COST_MIN, _above_cost_min),
)


def violations(request: OrderRequest, pair: PairMetadata, reference_price: Decimal) -> tuple[Violation, ...]:
    """Return every rule the order breaks; ``reference_price`` values a market order."""
    return tuple(
        Violation(rule, message)
        for rule, check in RULES
        if (message := check(request, pair, reference_price)) is not None
    )
