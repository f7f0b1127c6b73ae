"""What the portfolio answers when it is asked what we hold, what it is worth, and whether to believe it.

Money is in base currency; times are exchange time, UTC.
"""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import Fee, Trade
from krakked_tui.portfolio.reconcile import DriftFinding
from krakked_tui.portfolio.summary import RealizedRecord, StrategyHolding
from krakked_tui.portfolio.valuation import AssetValuation


class EquityView(msgspec.Struct, frozen=True):
    """What everything is worth. ``drift_flag`` and ``unvalued_assets`` say how far not to trust it.

    ``stale``: it rests on a price that is too old, or has not arrived yet.
    """

    equity_base: Decimal
    cash_base: Decimal
    realized_pnl_base_total: Decimal
    unrealized_pnl_base_total: Decimal
    drift_flag: bool
    drift: tuple[DriftFinding, ...]
    unvalued_assets: tuple[str, ...]
    stale: bool
    as_of: datetime


class SpotPosition(msgspec.Struct, frozen=True):
    """What is held of an asset, under its pair with the base currency.

    ``current_price`` and what follows from it are None without a usable price. ``strategies`` are the parts
    that strategies answer for, and under ``MANUAL`` what nobody does; they add up to ``base_size``.
    """

    pair: str
    base_asset: str
    quote_asset: str
    base_size: Decimal
    avg_entry_price: Decimal
    realized_pnl_base: Decimal
    fees_paid_base: Decimal
    current_price: Decimal | None
    current_value_base: Decimal | None
    unrealized_pnl_base: Decimal | None
    strategies: tuple[StrategyHolding, ...]


class PairResult(msgspec.Struct, frozen=True):
    """What one position has made; ``unrealized`` is None without a usable price."""

    pair: str
    realized: Decimal
    unrealized: Decimal | None


class PortfolioSnapshot(msgspec.Struct, frozen=True):
    """The account at one moment."""

    timestamp: datetime
    equity_base: Decimal
    cash_base: Decimal
    asset_valuations: tuple[AssetValuation, ...]
    realized_pnl_base_total: Decimal
    unrealized_pnl_base_total: Decimal
    per_pair: tuple[PairResult, ...]


class TradeMade(msgspec.Struct, frozen=True):
    """A trade and what it made."""

    trade: Trade
    made: RealizedRecord


def part_of(trade: Trade, made: RealizedRecord) -> Trade:
    """Return the part of a trade that a record is about; the trade itself where that is all of it."""
    volume = abs(made.base_delta)
    if volume == trade.volume:
        return trade
    fees = (Fee(made.fee_asset, made.fee_amount),)
    return msgspec.structs.replace(trade, volume=volume, cost=abs(made.quote_delta), fees=fees)
