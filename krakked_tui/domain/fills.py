"""What the exchange did: trades, ledger rows, balances."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.money import ZERO


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
