"""Terms turned into prices: relative prices on arrival, trailing limits, conditional closes.

A relative limit of a triggered order is taken from its trigger price, every other one from the last.
"""

from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.domain.orders import OrderType, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import price_down, price_up
from krakked_tui.sandbox.faults import INVALID_PRICE_ARGUMENT, ApiError, invalid
from krakked_tui.sandbox.orders import LIMITED, TRAILING, TRIGGERED, AnyType, Close, Draft, RareType
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
    order_type: AnyType,
    price: Price | None,
    price2: Price | None,
    fields: tuple[str, str] = ("price", "price2"),
) -> tuple[Price | None, Price | None]:
    """Return (trigger, limit) from AddOrder's ``price`` and ``price2``, or raise ``ApiError``.

    ``fields`` are the two's names, for the complaint.
    """
    if order_type not in TRIGGERED:
        if order_type is OrderType.LIMIT and price is None:
            raise invalid(fields[0])
        return None, price if order_type is OrderType.LIMIT else None
    if price is None:
        raise invalid(fields[0])
    if order_type in LIMITED and price2 is None:
        raise invalid(fields[1])
    if order_type in TRAILING:
        check_distance(price, fields[0])
    if order_type is RareType.TRAILING_STOP_LIMIT and price2 is not None and price2.sign not in ("+", "-"):
        raise ApiError(INVALID_PRICE_ARGUMENT)
    return price, price2 if order_type in LIMITED else None


def check_distance(price: Price, field: str) -> None:
    """Refuse a trailing stop's price that is no distance, or none at all."""
    if price.sign != "+":
        raise ApiError(INVALID_PRICE_ARGUMENT)
    if not price.amount:
        raise invalid(field)


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


def moved_limit(draft: Draft, pair: PairMetadata) -> Draft:
    """Return a triggered draft whose limit price follows its trigger, as far down as there are prices."""
    try:
        return trailing_limit(draft, pair)
    except ApiError:
        return msgspec.structs.replace(draft, price=pair.tick_size)


def closing_draft(parent: Draft, volume: Decimal) -> Draft:
    """Return the conditional close of so much of an order, the other way round; prices as asked for."""
    close = parent.close
    assert close is not None, "there is no conditional close"
    draft = Draft(
        pair=parent.pair,
        side=_OPPOSITE[parent.side],
        order_type=close.order_type,
        volume=volume,
        userref=parent.userref,
    )
    return with_prices(draft, *split_prices(close.order_type, close.price, close.price2))


def on_grid(draft: Draft, pair: PairMetadata) -> Draft:
    """Return a draft with its prices on the pair's grid: a seller's up, a buyer's down."""
    snap = price_up if draft.side is Side.SELL else price_down
    price = None if draft.price is None else max(snap(draft.price, pair), pair.tick_size)
    trigger = None if draft.trigger is None else max(snap(draft.trigger, pair), pair.tick_size)
    if (price, trigger) == (draft.price, draft.trigger):
        return draft
    return msgspec.structs.replace(draft, price=price, trigger=trigger)


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
