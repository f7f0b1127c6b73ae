"""What a picture of the engine is made from, and the summary it ends with."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.decision.state import State
from krakked_tui.domain.records import HistoryMark
from krakked_tui.engine.focus import Focus
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.market_data import MarketData
from krakked_tui.engine.market_side import MarketSide
from krakked_tui.engine.recorded_feed import RecordedFeed
from krakked_tui.engine.startup import Step
from krakked_tui.engine.strategy_runner import StrategyRunner
from krakked_tui.ports import Headroom, StreamState


@dataclass(slots=True)
class Moment:
    """The engine as of now. Changed and read on the engine's loop only.

    ``phase`` is starting, running, stopping, stopped or failed; ``failure`` says why it failed.
    """

    at: datetime
    phase: str = "starting"
    speed: float = 1.0
    steps: tuple[Step, ...] = ()
    state: State | None = None
    market: LiveMarket | None = None
    focus: Focus | None = None
    side: MarketSide | None = None
    data: MarketData | None = None
    feed: RecordedFeed | None = None
    strategies: StrategyRunner | None = None
    """How the strategies do: their times, the pairs they do not look at, those that could not be made."""
    wall: float = 0.0
    """The monotonic second of ``at``."""
    account_stream: StreamState = StreamState("account", connected=False, detail="not connected yet")  # noqa: RUF009 - frozen
    history: tuple[HistoryMark, ...] = ()
    """How far the first reading of each of the account's histories is; empty when there is none."""
    headroom: tuple[Headroom, ...] = ()
    next_cycle_at: datetime | None = None
    uptime: float = 0.0
    failure: str = ""


class Summary(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the engine did. ``orders`` counts, by status, the orders made since start; money in USD.

    ``tasks`` is how many ran when it was asked to stop. ``unstarted`` says what it waited for when it
    was stopped before it could start, else nothing.
    """

    cycles: int
    plans: int
    missed_boundaries: int
    fills: int
    errors: int
    orders: dict[str, int]
    equity: Decimal
    uptime_seconds: float
    events_dropped: int = 0
    task_failures: int = 0
    tasks: int = 0
    unstarted: str = ""
