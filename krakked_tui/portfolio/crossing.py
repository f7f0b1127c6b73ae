"""What trades moved between the assets looked at and those that are excluded."""

from collections.abc import Callable, Iterable

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.portfolio import CashFlow, FlowKind
from krakked_tui.domain.precision import at_scale
from krakked_tui.portfolio.booked import Booked
from krakked_tui.portfolio.lots import COST_DECIMALS
from krakked_tui.portfolio.summary import RealizedRecord


def crossing(
    booked: Booked, records: Iterable[RealizedRecord], includes: Callable[[str], bool]
) -> list[CashFlow]:
    """Return a flow for each trade (one record of each is given) that paid for, or sold, what is excluded.

    For equity curves whose points did not store their flows; those that did know of conversions too.
    """
    found = []
    for record in records:
        if not record.pair:
            continue
        pair = booked.pairs[record.pair]
        if includes(pair.base) == includes(pair.quote):
            continue
        rate = booked.rate(record.trade_id, pair.quote)
        moved = record.quote_delta if includes(pair.quote) else -record.quote_delta
        value = None
        if rate is not None:
            value = at_scale(moved * rate, COST_DECIMALS) - (record.fee_base or ZERO)
        note = f"{record.side} {record.pair}"
        found.append(
            CashFlow(record.trade_id, record.time, pair.quote, moved, FlowKind.TRANSFER, value, note)
        )
    return found
