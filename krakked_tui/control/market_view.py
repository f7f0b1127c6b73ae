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

    ``freshness`` is fresh, checked (quiet, and confirmed by a separate request), quiet, stale or never;
    ``status`` the pair's at the exchange (online, maintenance, ...); ``tradable`` whether the universe
    has it now. ``volume_24h`` is in quote.
    """

    pair: str
    last: Decimal | None
    change_pct_24h: Decimal | None
    spread_bps: Decimal | None
    volume_24h: Decimal | None
    freshness: str
    age: float | None
    """Since the price was received: of a fresh one as of the first picture that showed it, of any other
    true to the second; None before the first price."""
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


class ChartLine(msgspec.Struct, frozen=True):
    """An indicator in the scale of prices: one value per closed bar, None where there is none."""

    name: str
    values: tuple[float | None, ...]


class ChartFill(msgspec.Struct, frozen=True):
    """One of our own fills. ``side`` is buy or sell."""

    time: datetime
    side: str
    price: float


class FocusView(msgspec.Struct, frozen=True):
    """The pair that is looked at closely. ``bars`` are closed, oldest first; ``running`` is not closed.

    ``lines`` are the indicators of the strategies that trade this pair on this timeframe: their values go
    with ``bars``; the running bar has none. ``fills`` are ours since the first bar, oldest first.
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
    lines: tuple[ChartLine, ...] = ()
    fills: tuple[ChartFill, ...] = ()


class ConnectionView(msgspec.Struct, frozen=True):
    """One connection: what it wanted, what was acknowledged, what was refused."""

    name: str
    connected: bool
    detail: str = ""
    wanted: int = 0
    acked: int = 0
    failed: tuple[str, ...] = ()


class IngestView(msgspec.Struct, frozen=True):
    """One round of reading candles from the exchange; ``at`` is exchange time of its end.

    ``done`` pairs were read, ``failed`` were given up in this round (the first ones by name), ``rows`` were
    new or corrected in the store.
    """

    at: datetime
    done: int
    failed: int
    rows: int
    seconds: float
    failures: tuple[str, ...] = ()


class DataStatusView(msgspec.Struct, frozen=True):
    """How the market data is doing. Seconds are wall seconds, None where there is nothing to measure.

    Pairs are counted by freshness; ``checked`` ones are quiet, and their price was confirmed by a
    separate request.
    """

    connections: tuple[ConnectionView, ...] = ()
    fresh: int = 0
    checked: int = 0
    quiet: int = 0
    stale: int = 0
    never: int = 0
    rest_success_age: float | None = None
    rest_error: str = ""
    rest_error_age: float | None = None
    messages_per_second: float = 0.0
    """Prices and candles that the stream brought, per wall second over the last ten; what requests
    brought, books and public trades do not count."""
    lag_seconds: float | None = None
    """Between the exchange's timestamp of the newest price and its receipt."""
    clock_offset_seconds: float | None = None
    """How far this machine's clock is from the exchange's; None in a sandbox with its own time."""
    state: str = "starting"
    """starting, live, polling (the stream is down, prices are asked for), stale or down."""
    system_status: str = ""
    """The exchange's own: online, maintenance, cancel_only, post_only; empty before it has said."""
    pairs_tradable: int = 0
    pairs_known: int = 0
    universe_age: float | None = None
    """Since the exchange was asked what it lists."""
    universe_trouble: str = ""
    """Why it could not be asked last; empty while it could."""
    prices_trouble: str = ""
    """Why asking for prices fails while the stream brings none; empty while it does not."""
    deaf: tuple[str, ...] = ()
    """Topics that said nothing of what a separate request showed, lately, the newest: subscribed to anew."""
    deaf_count: int = 0
    """How many there are."""
    breaker_seconds: float | None = None
    """For how long no candles are read from the exchange, after too many failures; None while they are."""
    breaker_reason: str = ""
    ingest: IngestView | None = None
    """The last round; None before the first."""
    missing: int = 0
    """Pairs of which candles are still to be read."""
    incomplete: int = 0
    """Pairs whose history is shorter than the strategies need, for now."""
    next_boundary: datetime | None = None
    """When candles close next, exchange time."""
    unstored: int = 0
    """Closed candles that wait for a store that refuses them."""


class MarketView(msgspec.Struct, frozen=True):
    """The whole market. ``version`` grows with every new picture; ``rows`` by 24 h volume, most first."""

    version: int = 0
    at: datetime | None = None
    rows: tuple[MarketRow, ...] = ()
    focus: FocusView = FocusView()
    data: DataStatusView = DataStatusView()
