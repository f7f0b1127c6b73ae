"""Rows of the WebSocket v2 channels whose every message counts: executions, balances, instruments.

Like the rows of REST, they refuse numbers that are not finite. A field that nobody reads yet is
kept as its text: one that changes its type must not cost us a message about money.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from krakked_tui.domain.orders import Side
from krakked_tui.kraken.wire import Row

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Text = msgspec.Raw
ABSENT = msgspec.Raw(b"null")
"""The text of a field that was not sent."""


class FeeRow(Row, frozen=True):
    """A fee of one fill."""

    asset: str
    qty: Decimal


class TriggersRow(Row, frozen=True):
    """What triggers an order, and how far it is. ``price`` may be a distance (``price_type``)."""

    price: Decimal | None = None
    price_type: str | None = None
    reference: str | None = None
    status: str | None = None
    actual_price: Text = ABSENT
    peak_price: Text = ABSENT
    last_price: Decimal | None = None
    timestamp: Text = ABSENT


class ExecutionRow(Row, frozen=True):
    """One event of one order. Sparse: a missing field has not changed.

    The trading rate counter of the pair comes as ``ratecount`` or ``ratecounter``; no source says
    which.
    """

    order_id: str
    exec_type: str
    timestamp: Instant
    order_status: str | None = None
    symbol: str | None = None
    side: Side | None = None
    order_type: str | None = None
    cl_ord_id: str | None = None
    order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    cum_qty: Decimal | None = None
    cum_cost: Decimal | None = None
    avg_price: Decimal | None = None
    reason: str | None = None
    exec_id: str | None = None
    last_qty: Decimal | None = None
    last_price: Decimal | None = None
    cost: Decimal | None = None
    fees: list[FeeRow] = []
    liquidity_ind: str | None = None
    triggers: TriggersRow | None = None
    contingent: Text = ABSENT
    ratecount: Decimal | None = None
    ratecounter: Decimal | None = None
    order_userref: Text = ABSENT
    trade_id: Text = ABSENT
    amended: Text = ABSENT
    cash_order_qty: Text = ABSENT
    display_qty: Text = ABSENT
    display_qty_remain: Text = ABSENT
    limit_price_type: Text = ABSENT
    time_in_force: Text = ABSENT
    effective_time: Text = ABSENT
    expire_time: Text = ABSENT
    fee_usd_equiv: Text = ABSENT
    fee_ccy_pref: Text = ABSENT
    ord_ref_id: Text = ABSENT
    ext_ord_id: Text = ABSENT
    ext_exec_id: Text = ABSENT
    sender_sub_id: Text = ABSENT
    user: Text = ABSENT
    post_only: Text = ABSENT
    reduce_only: Text = ABSENT
    no_mpp: Text = ABSENT
    margin: Text = ABSENT
    margin_borrow: Text = ABSENT
    liquidated: Text = ABSENT
    position_status: Text = ABSENT
    stop_price: Text = ABSENT
    trigger: Text = ABSENT
    triggered_price: Text = ABSENT
    cancel_reason: Text = ABSENT

    @property
    def userref(self) -> int | None:
        """The number that whoever placed the order gave it; None for none, which is told as 0."""
        text = bytes(self.order_userref).decode(errors="replace")
        return int(text) or None if text.removeprefix("-").isdecimal() else None

    @property
    def on_margin(self) -> bool:
        """Whether it says that the order opens or closes (a part of) a margin position."""
        return bytes(self.margin) == b"true" or bytes(self.position_status) not in (b"null", b'""')

    @property
    def rate(self) -> Decimal | None:
        """The pair's trading rate counter, when the event tells it."""
        return self.ratecount if self.ratecounter is None else self.ratecounter


class BalanceRow(Row, frozen=True):
    """One asset: its new total. ``type`` says what moved it; a snapshot row has none."""

    asset: str
    balance: Decimal
    type: str | None = None
    subtype: Text = ABSENT
    category: Text = ABSENT
    asset_class: Text = ABSENT
    wallets: Text = ABSENT
    wallet_type: Text = ABSENT
    wallet_id: Text = ABSENT
    ledger_id: Text = ABSENT
    ref_id: Text = ABSENT
    timestamp: Text = ABSENT
    amount: Text = ABSENT
    fee: Text = ABSENT


class PairRow(Row, frozen=True):
    """One pair of the instrument channel. Its sizes and prices are AssetPairs' affair.

    ``status`` is one of AssetPairs', or delisted, maintenance or work_in_progress.
    """

    symbol: str
    status: str


class InstrumentRows(msgspec.Struct, frozen=True):
    """What the instrument channel says of pairs, of all in a snapshot, of changed ones in an update.

    A snapshot is half a megabyte: its assets, and most of what it says of pairs, are not decoded.
    """

    pairs: list[PairRow] = []


class Level3Order(Row, frozen=True):
    """One resting order; ``event`` (add, modify, delete) is missing in a snapshot."""

    order_id: str
    limit_price: Decimal
    order_qty: Decimal
    timestamp: Instant
    event: str | None = None


class Level3Row(msgspec.Struct, frozen=True):
    """Changed orders of one pair."""

    symbol: str
    bids: list[Level3Order]
    asks: list[Level3Order]
    checksum: int
    timestamp: Instant | None = None
