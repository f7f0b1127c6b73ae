"""Settings of order handling."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from krakked_tui.execution.paper_settings import PaperSettings

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class TradingMode(StrEnum):
    """What becomes of the orders that are decided on."""

    PAPER = "paper"
    """Filled here, from live prices, with play money."""
    DRY_RUN = "dry_run"
    """Sent to Kraken for validation only."""
    LIVE = "live"
    """Sent to Kraken: real money."""


class OnShutdown(StrEnum):
    """What happens to open orders when the engine stops."""

    LEAVE = "leave"
    CANCEL = "cancel"


class Transport(StrEnum):
    """What orders and cancels travel over."""

    REST = "rest"
    WEBSOCKET = "websocket"


class ExecutionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[execution]``. Times are seconds."""

    mode: TradingMode = TradingMode.PAPER
    """paper (play money), dry_run (Kraken only validates the orders) or live (real money)."""
    allow_live: bool = False
    """One of the locks before live mode: it is refused while this is false."""
    allow_withdraw_key: bool = False
    """Let live mode run with an API key that can withdraw money."""
    transport: Transport = Transport.REST
    """What orders and cancels go over: rest or websocket; urgent ones always go over rest."""
    max_slippage_bps: Decimal = Decimal(50)
    """How far from mid a marketable limit may be priced, in basis points (above 0, at most 1000)."""
    max_plan_age_seconds: Seconds = 60.0
    """A plan older than this (wall seconds) is not executed."""
    on_shutdown: OnShutdown = OnShutdown.LEAVE
    """Open orders at shutdown: leave or cancel."""
    deadline_seconds: Annotated[float, msgspec.Meta(ge=2, le=60)] = 10.0
    """Wall seconds after which the exchange must refuse a late order."""
    max_retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 3
    """Attempts beyond the first for an order that provably was not executed."""
    retry_backoff_seconds: Seconds = 2.0
    """First wait between such attempts (wall seconds)."""
    retry_backoff_factor: Annotated[float, msgspec.Meta(ge=1, le=10)] = 2.0
    """Growth of that wait."""
    max_concurrent_orders: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    """Order requests in flight at once."""
    min_order_notional_usd: Decimal = Decimal(20)
    """Entries worth less are not sent."""
    max_order_notional_usd: Decimal = Decimal(25000)
    """Entries are clamped to this."""
    exit_escalation_seconds: Seconds = 30.0
    """A limit exit that has not filled after this long (exchange seconds) becomes a market order."""
    order_ttl_seconds: Annotated[float, msgspec.Meta(gt=0, le=604_800)] = 300.0
    """An unfilled limit order older than this (exchange seconds) is canceled."""

    paper: PaperSettings = PaperSettings()

    def __post_init__(self) -> None:
        """Refuse amounts out of bounds (msgspec has no bounds for Decimal)."""
        if not 0 < self.max_slippage_bps <= 1000:
            raise ValueError(f"max_slippage_bps is {self.max_slippage_bps}: use more than 0 and at most 1000")
        if not self.max_order_notional_usd >= 0:
            raise ValueError(f"max_order_notional_usd is {self.max_order_notional_usd}: use 0 or more")
        if not 0 <= self.min_order_notional_usd <= self.max_order_notional_usd:
            raise ValueError(
                f"min_order_notional_usd is {self.min_order_notional_usd}:"
                f" use 0 to max_order_notional_usd, {self.max_order_notional_usd}"
            )
