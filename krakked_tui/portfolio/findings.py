"""What the books cannot account for, in words."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

import msgspec

from krakked_tui.domain.money import ZERO


class FindingKind(StrEnum):
    """What is odd."""

    OVERSOLD = "oversold"
    """More left than the books hold."""
    FEE_UNVALUED = "fee_unvalued"
    """A fee in an asset that had no price counts with what it had cost."""
    RATE_MISSING = "rate_missing"
    """One asset became another without a price: its cost went over, nothing was made."""
    FLOW_UNVALUED = "flow_unvalued"
    """Something came in without a price: it cost nothing until there is one."""
    UNKNOWN_TYPE = "unknown_type"
    """A ledger row of a type that is not known is booked as an adjustment."""
    MARGIN = "margin"
    """A trade on margin: the books know what it made and cost, not the position."""
    IN_TRANSIT = "in_transit"
    """One side of a transfer, conversion or trade is known, the other is not."""


class LedgerFinding(msgspec.Struct, frozen=True):
    """Something that the books cannot account for; balances are right all the same.

    ``event_id`` is the trade's or the ledger row's, "" for what no single event is to blame. ``subject`` is
    the trade's pair or the row's type. ``amount`` is in ``asset``; ``value`` is in base currency.
    """

    kind: FindingKind
    event_id: str
    subject: str
    at: datetime | None
    asset: str
    amount: Decimal
    value: Decimal = ZERO

    @property
    def message(self) -> str:  # noqa: PLR0911 - one sentence per kind
        """One sentence for the operator."""
        amount, event = f"{self.amount:f} {self.asset}", f"{self.subject} {self.event_id}"
        match self.kind:
            case FindingKind.OVERSOLD:
                return f"{amount} more left in {event} than the books hold"
            case FindingKind.FEE_UNVALUED:
                return f"the fee of {event}, {amount}, has no price and counts with what it had cost"
            case FindingKind.RATE_MISSING:
                return f"{amount} in {event} has no price: its cost went over and nothing was made"
            case FindingKind.FLOW_UNVALUED:
                return f"{amount} of {event} has no price and so no cost"
            case FindingKind.UNKNOWN_TYPE:
                return f"{event} of {amount} is of an unknown type: booked as an adjustment"
            case FindingKind.MARGIN:
                return f"{event} of {amount} is on margin: only its gain, loss and fees are booked"
            case FindingKind.IN_TRANSIT:
                return f"{amount} is on its way: the other side of its transfer or trade is not known"
        assert_never(self.kind)
