"""What risk is told: one frozen picture of the account and the market."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.market.freshness import Freshness

MANUAL = "manual"
"""Whose what is held without a strategy is."""


class HeldShare(msgspec.Struct, frozen=True):
    """What one strategy holds of a pair: ``size`` in base, and the price it is sold at when it fails."""

    strategy_id: str
    size: Decimal
    stop_price: Decimal | None = None


class Holding(msgspec.Struct, frozen=True):
    """What is held of a pair, sorted by strategy id, ``MANUAL`` among them. Dust is not a holding.

    ``price`` is what it is valued at, in USD, zero without one.
    """

    shares: tuple[HeldShare, ...]
    price: Decimal

    @property
    def size(self) -> Decimal:
        """All of it, in base."""
        return sum((share.size for share in self.shares), ZERO)

    @property
    def value_usd(self) -> Decimal:
        """What it is worth."""
        return self.size * self.price

    def of(self, strategy_id: str) -> Decimal:
        """What a strategy holds of it, in base."""
        return sum((share.size for share in self.shares if share.strategy_id == strategy_id), ZERO)


class PendingBuy(msgspec.Struct, frozen=True):
    """What open buy orders on a pair may still buy, by strategy; ``price`` is the most they pay."""

    shares: tuple[HeldShare, ...]
    price: Decimal

    @property
    def notional_usd(self) -> Decimal:
        """What they may still cost, without fees."""
        return sum((share.size for share in self.shares), ZERO) * self.price


class PairState(msgspec.Struct, frozen=True):
    """A pair with its latest prices. ``taker_fee_pct`` is what we pay now, in percent.

    ``price_age`` is wall seconds since the price was received, 0 without one; ``liquidity_24h_usd`` the value
    traded in 24 hours, None when nothing tells it. ``atr`` is the average true range of the longest timeframe
    in use, over ``volatility_lookback_bars``, in quote units: what is held without a stop is taken to risk
    ``stop_atr_multiple`` (2) of them, and all of its value while there is none.
    """

    metadata: PairMetadata
    quote: Quote | None
    freshness: Freshness
    taker_fee_pct: Decimal
    price_age: float = 0.0
    liquidity_24h_usd: Decimal | None = None
    atr: Decimal | None = None


class StrategyLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a strategy's settings that risk reads; see ``StrategySettings``."""

    max_positions: int
    min_signal_confidence: Decimal
    weight: Decimal = Decimal(1)
    stop_atr_multiple: Decimal = Decimal(2)
    per_trade_target_r_multiple: Decimal | None = None
    trailing_stop_pct: Decimal | None = None
    max_holding_minutes: int | None = None


class ProtectionKind(StrEnum):
    """Which protection."""

    COOLDOWN = "cooldown"
    STOP_GUARD = "stop_guard"
    LOW_PROFIT = "low_profit"
    CONSECUTIVE_LOSSES = "consecutive_losses"
    ENTRIES_PER_DAY = "entries_per_day"


class Protection(msgspec.Struct, frozen=True):
    """A pause of entries in force: of a pair, of a strategy, or of everything where both are empty."""

    kind: ProtectionKind
    until: datetime
    reason: str
    pair: str = ""
    strategy_id: str = ""


class RiskContext(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision depends on besides the intents and the settings.

    ``cash_available`` is what is free after open orders and their fees. ``pairs`` holds every pair
    an intent may name, held ones included; ``strategies`` every strategy that may enter.
    ``max_slippage_bps`` is how far above the middle of the spread an entry may buy: sizes are such
    that even this can be paid. ``blocked_reason`` says why nothing may be opened now, empty when it
    may; ``blocked_pairs`` the same for single pairs. ``protections`` are those in force at ``now``.
    ``entries_today`` counts the buys made for strategies since the UTC day began.
    ``min_liquidity_24h_usd`` is the universe's, which holds where the settings have none.
    """

    now: datetime
    equity: Decimal
    cash_available: Decimal
    pairs: Mapping[str, PairState]
    strategies: Mapping[str, StrategyLimits]
    holdings: Mapping[str, Holding] = {}
    pending_buys: Mapping[str, PendingBuy] = {}
    kill_switch: KillSwitch = KillSwitch()
    blocked_reason: str = ""
    blocked_pairs: Mapping[str, str] = {}
    protections: tuple[Protection, ...] = ()
    entries_today: int = 0
    min_liquidity_24h_usd: Decimal = ZERO
    min_order_notional_usd: Decimal
    max_order_notional_usd: Decimal
    max_slippage_bps: Decimal = ZERO
