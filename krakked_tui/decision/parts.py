"""Parts of the state: what the account said last, and what is under way about orders, closes and fills."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import AssetBalance, LedgerEntry, Trade
from krakked_tui.domain.orders import OrderReport
from krakked_tui.portfolio.reconcile import DriftFinding


@dataclass(slots=True)
class Counts:
    """Counters since start."""

    cycles: int = 0
    plans: int = 0
    missed_boundaries: int = 0
    fills: int = 0
    errors: int = 0


@dataclass(slots=True)
class AccountTruth:
    """How recently the exchange confirmed what we hold. Wall seconds."""

    synced_wall: float | None = None
    read_wall: float | None = None
    """When the reading began that is believed: what it says is as old as that."""
    asked_wall: float | None = None
    in_flight: bool = False
    give_up_wall: float = 0.0
    """When a reading under way counts as lost."""
    doubts: int = 0
    """Readings in a row that differed from the books."""
    widened: int = 0
    """How many wider spans of the histories have been read again because of that."""
    wide_wall: float | None = None
    """When a wide span is to be read again in any case."""
    failure: str = ""
    drift: tuple[DriftFinding, ...] = ()
    drift_syncs: int = 0
    """Comparisons in a row that have found drift."""
    balances: dict[str, AssetBalance] = field(default_factory=dict)
    compared: int | None = None
    """``State.activity`` when balances and books were compared last; None when they were not since they
    were read."""
    foreign: tuple[OrderReport, ...] = ()
    """Open orders of the account that are not ours; shown, never touched."""


class CancelRequest(msgspec.Struct, frozen=True):
    """How often an order has been asked to be canceled, and from when (wall) it is asked again.

    ``barred`` when that waits for a status of the exchange: then it is asked as soon as it is allowed.
    """

    asked: int
    next_wall: float
    barred: bool = False


class Barred(msgspec.Struct, frozen=True):
    """A close that a status of the exchange forbids: why, and what becomes of it.

    From ``next_wall`` (wall) on one that must happen is tried all the same: a status may be out of date.
    """

    reason: str
    prospect: str
    next_wall: float


class UrgentClose(msgspec.Struct, frozen=True):
    """A close that must happen: tries so far, and from when (wall) the next one may be made.

    ``whose`` are the strategies whose shares are sold, each with the stop that was hit, if that is why;
    empty: everyone's. ``told`` is why it waits, as the operator was told last.
    """

    tries: int = 0
    next_wall: float = 0.0
    whose: dict[str, Decimal | None] = {}
    told: str = ""

    def of(self, strategy_id: str) -> bool:
        """Say whether a strategy's share is sold."""
        return not self.whose or strategy_id in self.whose


def joined(close: UrgentClose | None, whose: Mapping[str, Decimal | None]) -> UrgentClose:
    """Return an urgent close of these shares too; of everyone's when ``whose`` is empty."""
    if close is None:
        return UrgentClose(whose=dict(whose))
    if not close.whose or not whose:
        return msgspec.structs.replace(close, whose={})
    stops = {**dict.fromkeys(whose), **close.whose}
    both = {each: whose.get(each) if stop is None else stop for each, stop in stops.items()}
    return msgspec.structs.replace(close, whose=both)


@dataclass(slots=True)
class Awaiting:
    """What has been read of a history whose beginning has not been reached: stored, not booked. By id."""

    trades: dict[str, Trade] = field(default_factory=dict)
    entries: dict[str, LedgerEntry] = field(default_factory=dict)


@dataclass(slots=True)
class Unattributed:
    """A fill whose order is not identified yet, with the times the exchange was asked about it."""

    trades: list[Trade] = field(default_factory=list)
    asked: int = 0
