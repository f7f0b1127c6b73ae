"""What risk is told: one frozen picture of the account and the market."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.market.freshness import Freshness


class Holding(msgspec.Struct, frozen=True):
    """What is held of a pair, and for which strategy: ``size`` in base. Dust is not a holding."""

    strategy_id: str
    size: Decimal
    value_usd: Decimal


class PendingBuy(msgspec.Struct, frozen=True):
    """What open buy orders on a pair may still cost, and for which strategy."""

    strategy_id: str
    notional_usd: Decimal


class PairState(msgspec.Struct, frozen=True):
    """A pair with its latest prices. ``taker_fee_pct`` is what we pay now, in percent.

    ``price_age`` is wall seconds since the price was received, 0 without one.
    """

    metadata: PairMetadata
    quote: Quote | None
    freshness: Freshness
    taker_fee_pct: Decimal
    price_age: float = 0.0


class StrategyLimits(msgspec.Struct, frozen=True):
    """The part of a strategy's settings that risk enforces."""

    max_positions: int
    min_signal_confidence: Decimal


class RiskContext(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision depends on besides the intents and the settings.

    ``cash_available`` is what is free after open orders and their fees. ``pairs`` holds every pair
    an intent may name, held ones included; ``strategies`` every strategy that may enter.
    ``max_slippage_bps`` is how far above the middle of the spread an entry may buy: sizes are such
    that even this can be paid. ``blocked_reason`` says why nothing may be opened now, empty when it
    may; ``blocked_pairs`` the same for single pairs.
    """

    equity: Decimal
    cash_available: Decimal
    pairs: Mapping[str, PairState]
    strategies: Mapping[str, StrategyLimits]
    holdings: Mapping[str, Holding] = {}
    pending_buys: Mapping[str, PendingBuy] = {}
    kill_switch: KillSwitch = KillSwitch()
    blocked_reason: str = ""
    blocked_pairs: Mapping[str, str] = {}
    min_order_notional_usd: Decimal
    max_order_notional_usd: Decimal
    max_slippage_bps: Decimal = ZERO
