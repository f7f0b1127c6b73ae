"""When what was sold had been acquired, for books kept by average cost.

An average has no dates: all that is held is one lot, as old as its oldest crumb. For a report that wants
them, what goes is taken to be what came in first; how much it cost stays what the average says.
"""

from collections.abc import Iterable

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.portfolio import Disposal, Lot
from krakked_tui.portfolio.accounts import Disposed
from krakked_tui.portfolio.lots import part_of


def dated(average: Iterable[Disposed], first_in: Iterable[Disposed]) -> list[Disposal]:
    """Return the disposals of books by average cost, with the dates of the same events by first in first out.

    Their quantities, costs, proceeds and fees add up to what they were.
    """
    dates: dict[tuple[str, str], list[Disposed]] = {}
    for one in first_in:
        dates.setdefault((one.event_id, one.asset), []).append(one)
    found: list[Disposal] = []
    for one in average:
        others = dates.get((one.event_id, one.asset))
        found += _by_date(one, others.pop(0) if others else one).by_lot()
    return found


def _by_date(one: Disposed, other: Disposed) -> Disposed:
    """Share the cost of a disposal out among the lots that another one took of as much."""
    quantity = sum((lot.size for lot in one.lots), ZERO)
    if quantity != sum((lot.size for lot in other.lots), ZERO):
        return one
    cost, lots = sum((lot.cost for lot in one.lots), ZERO), []
    for lot in other.lots:
        share = part_of(cost, lot.size, quantity) if quantity else ZERO
        lots.append(Lot(lot.acquired_at, lot.size, share))
        cost, quantity = cost - share, quantity - lot.size
    return msgspec.structs.replace(one, lots=tuple(lots))
