"""Safety state that outlives the process: the kill switch and the flatten in progress."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from krakked_tui.domain.money import ZERO


class KillCause(StrEnum):
    """What set the kill switch."""

    OPERATOR = "operator"
    DRAWDOWN = "drawdown"
    DRIFT = "drift"
    ORDER_ERRORS = "order_errors"
    INCONSISTENCY = "inconsistency"


class KillSwitch(msgspec.Struct, frozen=True):
    """Blocks open and increase; lets reduce and close through. Survives restarts.

    ``forced`` are the causes that went on when it was cleared all the same: they do not set it again until
    they have ended.
    """

    active: bool = False
    cause: KillCause | None = None
    reason: str = ""
    since: datetime | None = None
    by: str = ""
    forced: tuple[KillCause, ...] = ()


class FlowCount(msgspec.Struct, frozen=True):
    """What came in less what went out, each flow at what it was worth when it was counted, for good.

    ``total`` is in base currency. ``known`` is the value, and ``unvalued`` the amount by asset of those
    without one, of the flows in the books that are in it: whatever the books have beyond them is still to be
    counted. A price of the past that is found later moves both, and never the total.
    """

    total: Decimal = ZERO
    known: Decimal = ZERO
    unvalued: dict[str, Decimal] = {}


class DayStart(msgspec.Struct, frozen=True):
    """Opening equity of a UTC day, from which the daily drawdown is measured.

    ``cash_flows`` is what had come in less what had gone out before it was taken, and ``flows`` the same as
    of now (None for a version that did not count). ``basis`` says by which rules both were valued, "" for a
    version that did not tell. ``prices`` are those of what was held, by asset.
    """

    day: str
    equity: Decimal
    cash_flows: Decimal = ZERO
    basis: str = ""
    prices: dict[str, Decimal] = {}
    flows: FlowCount | None = None


class FlattenPhase(StrEnum):
    """How far a flatten has come."""

    CANCELLING = "cancelling"
    CLOSING = "closing"
    VERIFYING = "verifying"
    DONE = "done"


class FlattenProgress(msgspec.Struct, frozen=True):
    """A flatten in progress or finished; stored, so that a restart resumes it.

    ``attempts`` counts close orders per pair; ``left`` says, per pair, what remains and why.
    """

    phase: FlattenPhase
    reason: str
    by: str
    started_at: datetime
    attempts: dict[str, int] = {}
    left: dict[str, str] = {}
    finished_at: datetime | None = None
