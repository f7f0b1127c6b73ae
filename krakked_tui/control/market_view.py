"""The market as the Market screen shows it: all pairs in a table, one pair closely.

Prices are in quote, volumes in base unless said otherwise; times are exchange time, UTC; ages are wall
seconds when the view was made. Names from the exchange are untrusted text.
"""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.depth import BookTop, PublicTrade


class MarketRow(msgspec.Struct, frozen=True):
    """One pair. Prices are None until the first one arrives.

    ``freshness`` is fresh, quiet, stale or never; ``status`` the pair's at the exchange (online,
    maintenance, ...); ``tradable`` whether the universe has it now. ``volume_24h`` is in quote.
    """

    pair: str
    last: Decimal | None
    change_pct_24h: Decimal | None
    spread_bps: Decimal | None
    volume_24h: Decimal | None
    freshness: str
    age: float | None
    price_decimals: int
    volume_decimals: int
    status: str
    tradable: bool
    held: bool = False
    """Whether there is a position in it."""


class MarketBar(msgspec.Struct, frozen=True):
    """One candle. Prices are floats: for drawing, never for money."""

    time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


class FocusView(msgspec.Struct, frozen=True):
    """The pair that is looked at closely. ``bars`` are closed, oldest first; ``running`` is not closed.

    ``trouble`` says why something is missing, empty while all is well or still on its way.
    """

    pair: str = ""
    timeframe: Timeframe = Timeframe.M1
    bars: tuple[MarketBar, ...] = ()
    running: MarketBar | None = None
    book: BookTop | None = None
    trades: tuple[PublicTrade, ...] = ()
    """Newest first."""
    trouble: str = ""


class ConnectionView(msgspec.Struct, frozen=True):
    """One connection: what it wanted, what was acknowledged, what was refused."""

    name: str
    connected: bool
    detail: str = ""
    wanted: int = 0
    acked: int = 0
    failed: tuple[str, ...] = ()


class DataStatusView(msgspec.Struct, frozen=True):
    """How the market data is doing. Seconds are wall seconds, None where there is nothing to measure."""

    connections: tuple[ConnectionView, ...] = ()
    fresh: int = 0
    quiet: int = 0
    stale: int = 0
    never: int = 0
    rest_success_age: float | None = None
    rest_error: str = ""
    rest_error_age: float | None = None
    messages_per_second: float = 0.0
    lag_seconds: float | None = None
    """Between the exchange's timestamp of the newest price and its receipt."""
    clock_offset_seconds: float | None = None
    """How far this machine's clock is from the exchange's; None in a sandbox with its own time."""


class MarketView(msgspec.Struct, frozen=True):
    """The whole market. ``version`` grows with every new picture; ``rows`` by 24 h volume, most first."""

    version: int = 0
    at: datetime | None = None
    rows: tuple[MarketRow, ...] = ()
    focus: FocusView = FocusView()
    data: DataStatusView = DataStatusView()
