"""How sales turned out, one by one and together."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.precision import at_scale
from krakked_tui.portfolio.accounts import Disposed

_MICROSECOND = timedelta(microseconds=1)


class Sale(msgspec.Struct, frozen=True, gc=False):
    """The disposals of one event together. ``weight`` is their cost times the microseconds each was held.

    ``order_id`` is that of the order it filled, "" for what no order did.
    """

    event_id: str
    at: datetime
    gain: Decimal
    cost: Decimal
    weight: Decimal
    order_id: str = ""


class SaleFigures(msgspec.Struct, frozen=True):
    """How sales turned out; None without any, ``profit_factor`` also when none lost."""

    sales: int
    win_rate: Decimal | None
    profit_factor: Decimal | None
    average_holding: timedelta | None


def sale_of(parts: Sequence[Disposed], order_id: str = "") -> Sale:
    """Return the sale that the disposals of one event (at least one) are.

    A fee paid out of a third asset is a sale of that, and belongs to the sale it was paid for; paid for a
    purchase, it is a sale of its own.
    """
    gain = cost = weight = ZERO
    for part in parts:
        gain += part.proceeds - part.fee
        for lot in part.lots:
            cost += lot.cost
            weight += ((part.at - lot.acquired_at) // _MICROSECOND) * lot.cost
    return Sale(parts[0].event_id, parts[0].at, gain - cost, cost, weight, order_id)


class SaleSum(msgspec.Struct, frozen=True, gc=False):
    """Sales added up: how many, how many of them ``won``, what those ``earned``, the gains of all."""

    sales: int
    won: int
    earned: Decimal
    gains: Decimal
    cost: Decimal
    weight: Decimal


def sums_of(sales: Iterable[Sale]) -> tuple[SaleSum, ...]:
    """Add sales up, each given once; to a single sum, in which the fills of an order are one sale."""
    made: dict[str, Decimal] = {}
    cost = weight = ZERO
    for sale in sales:
        whole = sale.order_id or sale.event_id
        made[whole] = made.get(whole, ZERO) + sale.gain
        cost += sale.cost
        weight += sale.weight
    won = [gain for gain in made.values() if gain > ZERO]
    gains = sum(made.values(), ZERO)
    return (SaleSum(len(made), len(won), sum(won, ZERO), gains, cost, weight),)


def sale_figures(sums: Iterable[SaleSum]) -> SaleFigures:
    """Work out how sales turned out.

    win rate = sales with a gain / all sales; profit factor = sum of gains / sum of losses; the average
    holding time is weighted by cost, so that neither partial fills nor dust shift it. The fills of an order
    are one sale, but for those on another UTC day, which are another. Fees of purchases are in none of these
    figures, but for those that were sales themselves.
    """
    count = won = 0
    earned = gains = cost = weight = ZERO
    for one in sums:
        count, won = count + one.sales, won + one.won
        earned, gains = earned + one.earned, gains + one.gains
        cost, weight = cost + one.cost, weight + one.weight
    lost = earned - gains
    return SaleFigures(
        sales=count,
        win_rate=Decimal(won) / count if count else None,
        profit_factor=earned / lost if lost else None,
        average_holding=int(at_scale(weight / cost, 0)) * _MICROSECOND if cost > ZERO else None,
    )
