"""From a trade to a position: what moved, what it cost, what was made.

Weighted average cost, held as a total. With ``b`` the base amount that came in, ``q`` the quote
amount paid or received, ``p`` the trade's price, and fees ``fb`` in base and ``fq`` in quote:

    buy    size += b - fb        cost += q - fb * p         realized -= fq + fb * p
    sell   size -= b + fb        cost -= share              realized += q - fq - share

``share`` is the part of the cost that leaves with what is sold. A fee taken in the base asset is
so a disposal of it at the trade's own price. Whatever the history, the change of equity is
realized plus the change of unrealized plus net cash flows, exactly: the division that gives
``share`` is the only inexact step, and its result is cut to ``COST_DECIMALS`` at once so that every
later sum fits the arithmetic context.

Nothing is ever shorted: what a trade sells beyond what is held leaves at the trade's price, makes
neither profit nor loss, and is reported as a finding.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

import msgspec

from krakked_tui.domain.fills import Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import at_scale

COST_DECIMALS = 24
"""Finer than any price times any quantity, coarse enough to leave 26 digits before the point."""


class Movement(msgspec.Struct, frozen=True, gc=False):
    """What a trade did to our balance of one asset: ``amount`` (signed, before the fee) less ``fee``."""

    amount: Decimal = ZERO
    fee: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        """The change of the balance."""
        return self.amount - self.fee

    def __add__(self, other: "Movement") -> "Movement":
        return Movement(self.amount + other.amount, self.fee + other.fee)


NOTHING = Movement()


def expected_movements(trade: Trade, pair: PairMetadata) -> dict[str, Movement]:
    """Return, by asset, what the trade row alone says; its scale is coarser than the ledger's."""
    bought = trade.side == Side.BUY
    moved = {
        pair.base: Movement(trade.volume if bought else -trade.volume),
        pair.quote: Movement(-trade.cost if bought else trade.cost),
    }
    for fee in trade.fees:
        moved[fee.asset] = moved.get(fee.asset, NOTHING) + Movement(fee=fee.amount)
    return moved


class FindingKind(StrEnum):
    """What the books cannot account for."""

    OVERSOLD = "oversold"
    FEE_UNVALUED = "fee_unvalued"
    QUOTE_UNSUPPORTED = "quote_unsupported"


class LedgerFinding(msgspec.Struct, frozen=True):
    """Something about a trade that the books cannot account for; balances are right all the same.

    ``amount`` is in ``asset``; ``value`` is what left at the trade's price, in the quote asset.
    """

    kind: FindingKind
    trade_id: str
    pair: str
    at: datetime
    asset: str
    amount: Decimal
    value: Decimal = ZERO

    @property
    def message(self) -> str:
        """One sentence for the operator."""
        amount = f"{self.amount:f} {self.asset}"
        match self.kind:
            case FindingKind.OVERSOLD:
                return f"trade {self.trade_id} sold {amount} more than the books hold of it in {self.pair}"
            case FindingKind.FEE_UNVALUED:
                return f"the fee of trade {self.trade_id}, {amount}, has no value here and is not in the PnL"
            case FindingKind.QUOTE_UNSUPPORTED:
                return (
                    f"trade {self.trade_id} in {self.pair} is paid in {self.asset}: it has no cost basis here"
                )
        assert_never(self.kind)


class Position(msgspec.Struct, frozen=True, gc=False):
    """What trades of one pair have built: ``size`` in base, everything else in quote.

    ``cost`` is the total paid for ``size``, fees aside; ``fees_paid`` and ``realized_pnl`` (net of
    those fees) are sums over the pair's whole history. ``opened_at`` is None when nothing is held.
    """

    pair: str
    base: str
    size: Decimal = ZERO
    cost: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    fees_paid: Decimal = ZERO
    opened_at: datetime | None = None

    @property
    def avg_entry_price(self) -> Decimal:
        """Cost per unit; zero when nothing is held."""
        return self.cost / self.size if self.size else ZERO


class Booking(msgspec.Struct, frozen=True, gc=False):
    """A booked trade: the position after it, what it made net of its ``fee``, and what is odd about it."""

    position: Position
    pnl: Decimal
    fee: Decimal
    findings: tuple[LedgerFinding, ...] = ()


def book(position: Position, trade: Trade, pair: PairMetadata, moved: Mapping[str, Movement]) -> Booking:
    """Apply a trade that moved these amounts to the position of its pair."""
    base, quote = moved[pair.base], moved[pair.quote]
    fee = quote.fee + base.fee * trade.price
    findings = tuple(
        _finding(FindingKind.FEE_UNVALUED, trade, asset, -movement.net)
        for asset, movement in moved.items()
        if movement.net and asset not in (pair.base, pair.quote)
    )
    if base.net > ZERO:
        size = position.size + base.net
        cost = position.cost - quote.amount - base.fee * trade.price
        pnl = -fee
    else:
        leaving = -base.net
        held = min(leaving, position.size)
        excess = leaving - held
        excess_value = excess * trade.price
        share = _share(position, held)
        size = position.size - held
        cost = position.cost - share
        pnl = quote.net - excess_value - share
        if excess:
            findings += (_finding(FindingKind.OVERSOLD, trade, pair.base, excess, excess_value),)
    after = Position(
        pair=position.pair,
        base=position.base,
        size=size,
        cost=cost,
        realized_pnl=position.realized_pnl + pnl,
        fees_paid=position.fees_paid + fee,
        opened_at=(position.opened_at or trade.time) if size else None,
    )
    return Booking(after, pnl, fee, findings)


def pass_by(position: Position, trade: Trade, pair: PairMetadata) -> Booking:
    """Leave the position alone: the trade's quote is not the currency of the books."""
    finding = _finding(FindingKind.QUOTE_UNSUPPORTED, trade, pair.quote, trade.cost)
    return Booking(position, ZERO, ZERO, (finding,))


def _share(position: Position, leaving: Decimal) -> Decimal:
    """Return the part of the cost that goes with ``leaving``; all of it when nothing stays."""
    if leaving == position.size:
        return position.cost
    return at_scale(position.cost * leaving / position.size, COST_DECIMALS)


def _finding(
    kind: FindingKind, trade: Trade, asset: str, amount: Decimal, value: Decimal = ZERO
) -> LedgerFinding:
    return LedgerFinding(kind, trade.trade_id, trade.pair, trade.time, asset, amount, value)
