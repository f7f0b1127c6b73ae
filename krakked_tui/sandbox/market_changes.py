"""What can be done to the market by command, in a form that is stored and carried out again at a restart."""

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.domain.pairs import PairStatus
from krakked_tui.sandbox.catalog import Catalog, Listing
from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sim.market import Market

SHIFT: Final = "shift"
STATUS: Final = "status"
PRECISION: Final = "precision"


class MarketChange(msgspec.Struct, frozen=True):
    """One change of one pair. ``value`` is ticks for a shift, a status, or a number of price decimals."""

    at: datetime
    kind: str
    pair: str
    value: str


def carry_out(change: MarketChange, catalog: Catalog, market: Market) -> None:
    """Make a change; it must be one of the known kinds and name a listed pair."""
    listing = catalog.listings[change.pair]
    match change.kind:
        case "shift":
            market.shift(change.pair, micros_of(change.at), int(change.value))
        case "status":
            catalog.replace(_with_status(listing, PairStatus(change.value)))
        case "precision":
            catalog.replace(_with_decimals(listing, int(change.value)))
        case _:
            raise AssertionError(f"unknown market change {change.kind}")


def _with_status(listing: Listing, status: PairStatus) -> Listing:
    pair = msgspec.structs.replace(listing.pair, status=status)
    return msgspec.structs.replace(listing, pair=pair, status=status.value)


def _with_decimals(listing: Listing, decimals: int) -> Listing:
    pair = msgspec.structs.replace(
        listing.pair, price_decimals=decimals, tick_size=Decimal(1).scaleb(-decimals)
    )
    return msgspec.structs.replace(listing, pair=pair)
