"""What the exchange did: trades, ledger rows, balances."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.precision import step_down


class Fee(msgspec.Struct, frozen=True, gc=False):
    """A fee paid, in the asset it was taken from."""

    asset: str
    amount: Decimal


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One fill, keyed by the exchange's own trade id (the same over REST and WebSocket).

    ``volume`` in base, ``price`` and ``cost`` in quote. ``time`` is exchange time. One on ``margin`` moves
    no balance by itself: what it makes and costs has ledger rows of its own.
    """

    trade_id: str
    kraken_order_id: str
    pair: str
    side: str
    price: Decimal
    volume: Decimal
    cost: Decimal
    fees: tuple[Fee, ...]
    time: datetime
    maker: bool
    cl_ord_id: str | None = None
    margin: bool = False


class LedgerEntry(msgspec.Struct, frozen=True, gc=False):
    """One row of the exchange's ledger: balance after = balance before + amount - fee.

    A spot trade makes one row per asset, all with the trade's id as ``refid``.
    """

    entry_id: str
    refid: str
    time: datetime
    type: str
    subtype: str
    asset: str
    amount: Decimal
    fee: Decimal
    balance: Decimal


class AssetBalance(msgspec.Struct, frozen=True):
    """What the exchange holds for us of one asset (normalised name). total = free + reserved."""

    asset: str
    total: Decimal
    reserved: Decimal = ZERO

    @property
    def free(self) -> Decimal:
        """What can be spent now."""
        return self.total - self.reserved


def apportion(amount: Decimal, weights: Sequence[Decimal], decimals: int) -> tuple[Decimal, ...]:
    """Split an amount in proportion to weights that are not all zero, into parts that add up to it exactly.

    Parts have no more than ``decimals`` decimals, or as many as the amount when it has more. What is left
    by rounding goes, unit by unit, to the parts that lost most by it, the first of equals. The same amount
    and weights always give the same parts, and those of a negative amount are its mirror image.
    """
    if not amount or sum(map(bool, weights)) == 1:
        return tuple(amount if weight else ZERO for weight in weights)
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int), amount
    unit = Decimal(1).scaleb(min(-decimals, exponent))
    size, total = abs(amount), sum(weights, ZERO)
    exact = [size * weight / total for weight in weights]
    parts = [step_down(part, unit) for part in exact]
    left = int((size - sum(parts, ZERO)) / unit)
    by_loss = sorted(range(len(parts)), key=lambda number: (parts[number] - exact[number], number))
    for number in by_loss[:left]:
        parts[number] += unit
    return tuple(-part for part in parts) if amount < ZERO else tuple(parts)
