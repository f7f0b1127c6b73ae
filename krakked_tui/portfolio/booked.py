"""What the books have booked at one moment, to be worked on beside their owner.

Made of references alone, and nothing in it ever changes: it is taken in no time and read in any thread.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import CashFlow, Disposal, Rate
from krakked_tui.portfolio.accounts import Booking
from krakked_tui.portfolio.movements import Settled

EventKey = tuple[datetime, int, str]
"""Order of events: time, rank at the same time, identity."""


class Booked(msgspec.Struct, frozen=True, gc=False):
    """Every event in the order of booking: its key in ``keys``, what it made in ``bookings``.

    ``trades`` by id; ``pairs`` of those trades by name; ``rates`` by event id and asset; ``settled`` is what
    their ledger rows say, by trade id.
    """

    base_currency: str
    keys: tuple[EventKey, ...] = ()
    bookings: tuple[Booking, ...] = ()
    trades: dict[str, Trade] = {}
    pairs: dict[str, PairMetadata] = {}
    rates: dict[str, dict[str, Rate]] = {}
    settled: dict[str, tuple[Settled, ...]] = {}

    def rate(self, event_id: str, asset: str) -> Decimal | None:
        """Return what one unit of an asset was worth when an event happened, None when nothing says it."""
        if asset == self.base_currency:
            return Decimal(1)
        known = self.rates.get(event_id)
        return known[asset].price if known and asset in known else None


def same_from_the_start(before: Sequence[Booking], after: Sequence[Booking]) -> int:
    """Return how many bookings at the beginning are the same objects.

    Books replay everything from the first change on, so that all that follows the first new one is new.
    """
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high) // 2
        if before[middle] is after[middle]:
            low = middle + 1
        else:
            high = middle
    return low


def flows_of(bookings: Sequence[Booking]) -> list[CashFlow]:
    """Return all cash flows, by time."""
    return [flow for booking in bookings if booking.flows for flow in booking.flows]


def disposals_of(bookings: Sequence[Booking]) -> list[Disposal]:
    """Return every part of a lot that was sold, spent or paid as a fee, by time of sale."""
    return [each for booking in bookings for whole in booking.disposed for each in whole.by_lot()]


def made_something(booking: Booking) -> bool:
    """Say whether an event that is no trade belongs among the realized records."""
    return booking.pnl != ZERO or booking.fee != ZERO
