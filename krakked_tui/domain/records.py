"""What the journal stores: one frozen value per durable fact, committed together per runner turn."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.orders import LocalOrder, OrderTransition
from krakked_tui.domain.plans import DecisionRecord
from krakked_tui.domain.portfolio import Rate
from krakked_tui.domain.safety import DayStart, FlattenProgress, KillSwitch


class OrderSaved(msgspec.Struct, frozen=True, tag=True):
    """Insert or replace an order row, and append the transition that led here, if any."""

    order: LocalOrder
    transition: OrderTransition | None = None


class TradeSaved(msgspec.Struct, frozen=True, tag=True):
    """Store a trade once; a second one with the same id is ignored."""

    trade: Trade


class LedgerEntrySaved(msgspec.Struct, frozen=True, tag=True):
    """Store a ledger row once; a second one with the same id is ignored."""

    entry: LedgerEntry


class RateSaved(msgspec.Struct, frozen=True, tag=True):
    """Store what an asset was worth when an event happened; the first one found for both is kept."""

    rate: Rate


HISTORY_PAGE_ROWS = 50
"""Rows of a page of a history, as the exchange serves it."""


class HistoryKind(StrEnum):
    """Which of the account's histories."""

    TRADES = "trades"
    LEDGER = "ledger"


class HistoryMark(msgspec.Struct, frozen=True):
    """How much of a history is stored: everything from ``oldest`` to ``newest``.

    ``oldest`` is the time of the oldest row read, None before the first page; ``read`` of ``total`` rows
    (as the exchange counts) have been read the first time, newest first. ``done`` once its beginning was
    reached. ``newest`` is the time of the newest row that a reading found: what came after it may be known
    in part only, from the stream.
    """

    kind: HistoryKind
    oldest: datetime | None = None
    read: int = 0
    total: int | None = None
    done: bool = False
    newest: datetime | None = None

    @property
    def progress(self) -> str:
        """How far the first reading is, for the operator."""
        if self.done:
            return f"{self.kind}: all read"
        pages = -(-self.read // HISTORY_PAGE_ROWS)
        if self.total is None:
            return f"{self.kind}: {pages} pages read" if self.read else f"{self.kind}: not begun"
        return f"{self.kind}: {pages} of {-(-self.total // HISTORY_PAGE_ROWS)} pages read"


class HistoryMarked(msgspec.Struct, frozen=True, tag=True):
    """Replace the stored mark of a history; in one transaction with the rows it is about."""

    mark: HistoryMark


class ForeignOrderSaved(msgspec.Struct, frozen=True, tag=True):
    """Remember an order of the account that is not ours, and the number its maker gave it, if any."""

    kraken_order_id: str
    userref: int | None = None


class ShareMarked(msgspec.Struct, frozen=True, tag=True):
    """Replace the stored highest price of what a strategy has held of a pair since ``opened_at``.

    Coarse: the price may have been a little higher. It says nothing of a share opened at another time.
    """

    pair: str
    strategy_id: str
    opened_at: datetime
    highest: Decimal


class DecisionSaved(msgspec.Struct, frozen=True, tag=True):
    """Store a decision record."""

    record: DecisionRecord


class KillSwitchSaved(msgspec.Struct, frozen=True, tag=True):
    """Replace the stored kill switch."""

    kill_switch: KillSwitch


class PausedSaved(msgspec.Struct, frozen=True, tag=True):
    """Replace the stored pause flag."""

    paused: bool


class DayStartSaved(msgspec.Struct, frozen=True, tag=True):
    """Replace the stored opening equity of the day."""

    day_start: DayStart


class FlattenSaved(msgspec.Struct, frozen=True, tag=True):
    """Replace the stored flatten progress; None clears it."""

    progress: FlattenProgress | None


class ExternalJudged(msgspec.Struct, frozen=True, tag=True):
    """Replace the stored mark up to which (exchange time) it has been judged what others did.

    Rows that are stored from after it on have not been.
    """

    until: datetime


class ControlLogged(msgspec.Struct, frozen=True, tag=True):
    """One operator command with its outcome, kept for ever."""

    at: datetime
    actor: str
    command: str
    arguments: str
    outcome: str


class SnapshotSaved(msgspec.Struct, frozen=True, tag=True):
    """One point of the equity curve, in base currency.

    ``flows`` is what had come in less what had gone out by then, each at its worth when it was booked, never
    changed afterwards; None for a point of a version that did not store it.
    """

    at: datetime
    equity: Decimal
    cash: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    flows: Decimal | None = None


class SnapshotsPruned(msgspec.Struct, frozen=True, tag=True):
    """Delete the points of the equity curve at these times."""

    times: tuple[datetime, ...]


Record = (
    OrderSaved
    | TradeSaved
    | LedgerEntrySaved
    | RateSaved
    | HistoryMarked
    | ForeignOrderSaved
    | ShareMarked
    | DecisionSaved
    | KillSwitchSaved
    | PausedSaved
    | DayStartSaved
    | FlattenSaved
    | ExternalJudged
    | ControlLogged
    | SnapshotSaved
    | SnapshotsPruned
)


class StoredState(msgspec.Struct, frozen=True):
    """Everything the journal knows when a profile is opened.

    ``trades`` and ``entries`` are in the order of their exchange time; ``orders`` in the order
    they were made.
    """

    instance_id: str
    account_id: str
    orders: tuple[LocalOrder, ...] = ()
    trades: tuple[Trade, ...] = ()
    entries: tuple[LedgerEntry, ...] = ()
    rates: tuple[Rate, ...] = ()
    history: tuple[HistoryMark, ...] = ()
    foreign_orders: tuple[ForeignOrderSaved, ...] = ()
    share_marks: tuple[ShareMarked, ...] = ()
    snapshots: tuple[SnapshotSaved, ...] = ()
    kill_switch: KillSwitch = KillSwitch()
    paused: bool = False
    day_start: DayStart | None = None
    flatten: FlattenProgress | None = None
    judged_until: datetime | None = None
