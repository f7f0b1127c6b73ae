"""What the portfolio says: lots, disposals, cash flows, rates, holdings in their columns."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from krakked_tui.domain.money import ZERO

NO_PAIR = "other"
"""Stands for the pair of what was made without one: conversions, margin, credits."""


class CostBasis(StrEnum):
    """How a sale is matched with what was bought."""

    WAC = "wac"
    """Weighted average: all of an asset is one lot."""
    FIFO = "fifo"
    """First bought, first sold."""
    LIFO = "lifo"
    """Last bought, first sold."""
    HIFO = "hifo"
    """Most expensive first."""


class HeldAs(StrEnum):
    """In which form an asset lies at the exchange."""

    SPOT = "spot"
    """Can be traded."""
    STAKED = "staked"
    BONDED = "bonded"
    """Staked, and locked for a time."""
    EARNING = "earning"
    """In a programme that pays for it, or waiting to be."""
    HELD = "held"
    """Held back by the exchange (a fiat deposit that can be called back)."""
    OTHER = "other"
    """In a form that has no name here."""


class FlowKind(StrEnum):
    """Why money came or went without a trade."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    REWARD = "reward"
    TRANSFER = "transfer"
    FEE_CREDIT = "fee_credit"
    DUST = "dust"
    ADJUSTMENT = "adjustment"


class CashFlow(msgspec.Struct, frozen=True):
    """One movement of an asset that no trade made: ``amount`` is positive when it came in, net of fees.

    ``id`` is the ledger row's (or the trade's that sold what was not held), with /2, /3 ... behind it when
    the event made several flows. All is derived from rows and rates: it may change when one comes late.
    ``value`` is its worth in base currency at that moment, None when nothing said what it was. ``cost`` is
    what it did to the cost of what is held: the value of what came in, minus the cost of what went out. The
    difference is gain that left without having been realized.
    """

    id: str
    time: datetime
    asset: str
    amount: Decimal
    kind: FlowKind
    value: Decimal | None
    note: str = ""
    cost: Decimal = ZERO


class Rate(msgspec.Struct, frozen=True):
    """What one unit of an asset was worth in base currency when an event happened.

    ``event_id`` is the trade's id or the ledger row's. ``source`` says where the price is from: candle
    (of the pair named), latest, or trade. Stored once found, so that books rebuilt later say the same.
    """

    event_id: str
    asset: str
    price: Decimal
    source: str


class Lot(msgspec.Struct, frozen=True, gc=False):
    """Some of an asset, bought together: ``cost`` is the total paid, in base currency, fees aside."""

    acquired_at: datetime
    size: Decimal
    cost: Decimal


class Disposal(msgspec.Struct, frozen=True, gc=False):
    """Part of a lot that was sold, spent or paid as a fee; money in base currency.

    gain = proceeds - cost - fee, exactly. ``event_id`` is the trade's or the ledger row's.
    """

    event_id: str
    asset: str
    quantity: Decimal
    acquired_at: datetime
    sold_at: datetime
    proceeds: Decimal
    cost: Decimal
    fee: Decimal

    @property
    def gain(self) -> Decimal:
        """What it made."""
        return self.proceeds - self.cost - self.fee


class Holding(msgspec.Struct, frozen=True):
    """All of one asset at the exchange, in columns that add up to ``total``.

    ``free`` can be spent now, ``reserved`` is held by open orders; ``elsewhere`` is what is staked, bonded,
    earning or held back, by its form.
    """

    asset: str
    free: Decimal
    reserved: Decimal = ZERO
    elsewhere: tuple[tuple[HeldAs, Decimal], ...] = ()

    @property
    def total(self) -> Decimal:
        """Everything together."""
        return self.free + self.reserved + sum((amount for _, amount in self.elsewhere), ZERO)
