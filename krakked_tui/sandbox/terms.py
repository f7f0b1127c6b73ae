"""Terms turned into prices: relative prices on arrival, trailing limits, conditional closes.

A relative limit of a triggered order is taken from its trigger price, every other one from the last.
"""

from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.domain.orders import OrderType, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.sandbox.faults import INVALID_PRICE_ARGUMENT, ApiError, invalid
from krakked_tui.sandbox.orders import LIMITED, TRAILING, TRIGGERED, AnyType, Close, Draft, Order, RareType
from krakked_tui.sandbox.prices import Price, price_text, resolve
from krakked_tui.sandbox.wire import text
from krakked_tui.sim.triggers import Trail

_SPOKEN: Final[dict[AnyType, str]] = {
    OrderType.STOP_LOSS: "stop loss",
    OrderType.STOP_LOSS_LIMIT: "stop loss",
    OrderType.TAKE_PROFIT: "take profit",
    OrderType.TAKE_PROFIT_LIMIT: "take profit",
    OrderType.TRAILING_STOP: "trailing stop",
    RareType.TRAILING_STOP_LIMIT: "trailing stop",
}
_OPPOSITE: Final = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}


def split_prices(
    order_type: AnyType, price: Price | None, price2: Price | None
) -> tuple[Price | None, Price | None]:
    """Return (trigger, limit) from AddOrder's ``price`` and ``price2``, or raise ``ApiError``."""
    if order_type not in TRIGGERED:
        if order_type is OrderType.LIMIT and price is None:
            raise invalid("price")
        return None, price if order_type is OrderType.LIMIT else None
    if price is None:
        raise invalid("price")
    if order_type in LIMITED and price2 is None:
        raise invalid("price2")
    if order_type in TRAILING and price.sign != "+":
        raise ApiError(INVALID_PRICE_ARGUMENT)
    if order_type is RareType.TRAILING_STOP_LIMIT and price2 is not None and price2.sign not in ("+", "-"):
        raise ApiError(INVALID_PRICE_ARGUMENT)
    return price, price2 if order_type in LIMITED else None


def with_prices(draft: Draft, trigger: Price | None, limit: Price | None) -> Draft:
    """Return a draft with these prices: plain ones as they are, relative ones still to be resolved."""
    return msgspec.structs.replace(
        draft,
        price=limit.amount if limit is not None and not limit.sign else None,
        limit_terms=limit if limit is not None and limit.sign else None,
        trigger=trigger.amount if trigger is not None and not trigger.sign else None,
        trigger_terms=trigger if trigger is not None and trigger.sign else None,
    )


def resolve_draft(draft: Draft, last: Decimal, pair: PairMetadata) -> Draft:
    """Return a draft whose relative prices have become prices, or raise ``ApiError``."""
    if draft.trigger_terms is not None:
        trigger = _trigger(draft, draft.trigger_terms, last, pair)
        draft = msgspec.structs.replace(draft, trigger=trigger)
    if draft.limit_terms is None:
        return draft
    if draft.trigger is not None:
        return trailing_limit(draft, pair)
    price = resolve(draft.limit_terms, last, pair, draft.side, above=draft.side is Side.SELL)
    return msgspec.structs.replace(draft, price=price)


def trailing_limit(draft: Draft, pair: PairMetadata) -> Draft:
    """Return a triggered draft whose relative limit price fits its trigger price."""
    assert draft.limit_terms is not None, "the limit price is not relative"
    assert draft.trigger is not None, "there is no trigger price"
    price = resolve(draft.limit_terms, draft.trigger, pair, draft.side, above=draft.side is Side.BUY)
    return msgspec.structs.replace(draft, price=price)


def trail_of(draft: Draft, pair: PairMetadata) -> Trail:
    """Return how far a trailing order's trigger stays behind."""
    assert draft.trigger_terms is not None, "a trailing stop has a distance"
    return Trail(draft.trigger_terms.amount, draft.trigger_terms.percent, pair)


def closing_draft(parent: Order, last: Decimal, pair: PairMetadata) -> Draft:
    """Return the conditional close of a filled order: as much, the other way round.

    Raises ``ApiError`` when its relative prices lead nowhere.
    """
    close = parent.draft.close
    assert close is not None, f"nothing closes {parent.order_id}"
    draft = Draft(
        pair=parent.draft.pair,
        side=_OPPOSITE[parent.draft.side],
        order_type=close.order_type,
        volume=parent.filled,
        userref=parent.draft.userref,
    )
    trigger, limit = split_prices(close.order_type, close.price, close.price2)
    return resolve_draft(with_prices(draft, trigger, limit), last, pair)


def describe_order(draft: Draft, pair: PairMetadata) -> str:
    """Say an order in Kraken's words: ``buy 1.25000000 XBTUSD @ limit 27500.0``."""
    volume = text(draft.volume, pair.volume_decimals)
    how = _how(draft.order_type, _shown(draft.trigger_terms, draft.trigger), _limit(draft), pair)
    return f"{draft.side} {volume} {pair.canonical} @ {how}"


def describe_close(close: Close, pair: PairMetadata) -> str:
    """Say a conditional close: ``close position @ stop loss 22000.0 -> limit 21000.0``."""
    trigger, limit = split_prices(close.order_type, close.price, close.price2)
    return f"close position @ {_how(close.order_type, trigger, limit, pair)}"


def _how(order_type: AnyType, trigger: Price | None, limit: Price | None, pair: PairMetadata) -> str:
    limited = "" if limit is None else f"limit {price_text(limit, pair.price_decimals)}"
    if trigger is None:
        return limited or "market"
    triggered = f"{_SPOKEN[order_type]} {price_text(trigger, pair.price_decimals)}"
    return f"{triggered} -> {limited}" if limited else triggered


def _limit(draft: Draft) -> Price | None:
    return _shown(draft.limit_terms, draft.price)


def _shown(terms: Price | None, price: Decimal | None) -> Price | None:
    """A price as it was asked for."""
    if terms is not None:
        return terms
    return None if price is None else Price(price)


def asked_prices(draft: Draft) -> tuple[Price | None, Price | None]:
    """Return AddOrder's ``price`` and ``price2`` of an order, as they were asked for."""
    trigger, limit = _shown(draft.trigger_terms, draft.trigger), _limit(draft)
    return (limit, None) if trigger is None else (trigger, limit)


def _trigger(draft: Draft, terms: Price, last: Decimal, pair: PairMetadata) -> Decimal:
    if draft.order_type in TRAILING:
        return Trail(terms.amount, terms.percent, pair).stop(last, rises=draft.fires_on_rise)
    return resolve(terms, last, pair, draft.side, above=draft.fires_on_rise)
