"""Settings of the sandbox."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from krakked_tui.sandbox.fault_profiles import ProfileName
from krakked_tui.sandbox.rate_limits import Tier

DEFAULT_SEED = 7
DEFAULT_START = datetime(2026, 1, 5, tzinfo=UTC)
DEFAULT_BALANCE = {"USD": Decimal(10000)}

PairChoice = Literal["default", "all"]


class SandboxSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a sandbox is set up.

    What is None is taken from the state file, else from the defaults. What is given must agree with
    the state file: an exchange does not change its past.
    """

    host: str = "127.0.0.1"
    """Address to listen on; loopback only."""

    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """TCP port to listen on; 0 takes a free one."""

    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    """The market's seed (default 7). Equal seeds give equal markets."""

    speed: Annotated[float, msgspec.Meta(gt=0, le=100_000)] = 1.0
    """Exchange seconds per wall second."""

    start: datetime | None = None
    """Exchange time of a new exchange (UTC, default 2026-01-05T00:00Z)."""

    pairs: PairChoice | None = None
    """``default`` lists some 50 pairs, ``all`` every one of the table."""

    balance: dict[str, Decimal] | None = None
    """Starting balance by asset (Kraken's alternate names), in that asset; default 10000 USD."""

    api_key: str | None = None
    """API key to accept; made up when not given."""

    api_secret: str | None = None
    """Its secret, base64; made up when not given."""

    state: Path | None = None
    """SQLite file with the exchange's books; without one they end with the process."""

    paused: bool = False
    """Start with the clock stopped at the start instant."""

    replay: Path | None = None
    """Directory of recorded minutes to play instead of a made-up market: Kraken's OHLCVT files, or a
    candle store (``tail.db``). They play at their own times when the exchange starts within them, else
    from its start on."""

    permissions: tuple[str, ...] | None = None
    """What the main key may do (``permissions.PERMISSIONS``); default all but moving money in and out."""

    tier: Tier = "none"
    """Whose rate limits hold: the private counter's, and in the trading engine those of each pair."""

    public_rate: Annotated[float, msgspec.Meta(gt=0, le=1e6)] | None = None
    """Public calls per second and address (OHLC and Trades: and pair), connection attempts limited
    too; None for no limit."""

    public_burst: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 15
    """How many public calls may come at once."""

    chaos: ProfileName | None = None
    """Faults that strike by themselves."""

    full_rate: bool = False
    """Send every subscribed ticker, candle and book on every tick, changed or not: for load tests."""

    messages_per_second: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 200.0
    """Requests that one WebSocket connection may keep up, ten seconds' worth at once."""

    request_log: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 10_000
    """How many requests the control door remembers at most; fewer when they do not fit into 32 MB."""

    decay_step: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0
    """Seconds between two decays of the private counter; Kraken does not publish its step."""

    history_cost: Annotated[int, msgspec.Meta(ge=1, le=20)] = 4
    """What Ledgers, QueryLedgers and TradesHistory add to it; Kraken's pages say 2 and 4."""

    closed_orders_cost: Annotated[int, msgspec.Meta(ge=1, le=20)] = 4
    """What ClosedOrders adds; one of Kraken's pages counts it as history."""

    rate_strikes: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 30
    """Calls in a row over a limit that bring a lockout."""

    nonce_strikes: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 20
    """Nonces in a row, used or too low, of rightly signed calls that bring a lockout."""

    lockout_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 900.0
    """Wall seconds of a lockout; every call during it starts it anew."""

    nonce_window: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    """The main key's nonce window, in the unit of its nonces."""

    late_post_only: bool = False
    """Whether a post-only order that would take is accepted first and canceled then; Kraken does both."""

    window_inclusive: bool = True
    """Whether a nonce exactly one window below the highest passes; Kraken does not tell."""

    tokens_extend: bool = True
    """Whether a WebSocket token stays good once used; Kraken's pages disagree."""

    def __repr__(self) -> str:
        return f"SandboxSettings(host={self.host}, port={self.port}, seed={self.seed}, speed={self.speed})"
