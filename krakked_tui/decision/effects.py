"""Everything the core may ask the shell to do about an event."""

from datetime import datetime
from decimal import Decimal
from enum import IntEnum

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.orders import LocalOrder
from krakked_tui.portfolio.accounts import WantedRate


class Level(IntEnum):
    """Log levels, as in the standard library."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


class ComputeSignals(msgspec.Struct, frozen=True, tag=True):
    """Run the strategies of these timeframes on the candles of ``boundary``.

    ``held`` tells, per strategy id, the pairs it holds and the timeframe that opened each.
    """

    cycle: int
    boundary: datetime
    timeframes: tuple[Timeframe, ...]
    held: dict[str, dict[str, Timeframe]]


class Submit(msgspec.Struct, frozen=True, tag=True):
    """Send this order; its row is already durable. ``delay`` is wall seconds to wait first."""

    order: LocalOrder
    delay: float = 0.0


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """Ask the exchange to cancel these."""

    cl_ord_ids: tuple[str, ...]


class LookUp(msgspec.Struct, frozen=True, tag=True):
    """Ask the exchange what became of an order."""

    cl_ord_id: str


class Identify(msgspec.Struct, frozen=True, tag=True):
    """Ask the exchange about orders known only by its own ids."""

    kraken_order_ids: tuple[str, ...]


class SyncAccount(msgspec.Struct, frozen=True, tag=True):
    """Read the account; ``since`` is where the trade and ledger histories are read from.

    A reading that takes longer than ``deadline`` wall seconds counts as failed.
    """

    trades_since: datetime
    entries_since: datetime
    activity: int
    deadline: float = 120.0


class ReadFees(msgspec.Struct, frozen=True, tag=True):
    """Read what the account pays as a taker of these pairs."""

    pairs: tuple[str, ...]


class FindRates(msgspec.Struct, frozen=True, tag=True):
    """Find out what these were worth; answered by one ``RatesFound``."""

    wanted: tuple[WantedRate, ...]


class Levels(msgspec.Struct, frozen=True):
    """Prices of a pair that are watched for: ``low`` is reached from above, ``high`` from below."""

    low: Decimal | None = None
    high: Decimal | None = None

    def crossed(self, price: Decimal) -> Decimal | None:
        """Return the one that a price reaches or is beyond, None while it is between them."""
        if self.low is not None and price <= self.low:
            return self.low
        return self.high if self.high is not None and price >= self.high else None


class WatchStops(msgspec.Struct, frozen=True, tag=True):
    """Replace the prices that are watched for, by pair. Each pair is reported once."""

    stops: dict[str, Levels]


class Answer(msgspec.Struct, frozen=True, tag=True):
    """Answer an operator's command."""

    ticket: int
    accepted: bool
    message: str


class Log(msgspec.Struct, frozen=True, tag=True):
    """Write a log line; ``message`` also goes to the operator's message list when not empty."""

    level: Level
    event: str
    fields: dict[str, str | int | float | bool | None]
    message: str = ""


Effect = (
    ComputeSignals
    | Submit
    | Cancel
    | LookUp
    | Identify
    | SyncAccount
    | ReadFees
    | FindRates
    | WatchStops
    | Answer
    | Log
)
