"""Settings of the risk limits."""

from decimal import Decimal
from typing import Annotated

import msgspec

from krakked_tui.domain.money import HUNDRED, ZERO

_Minutes = Annotated[int, msgspec.Meta(ge=0, le=525_600)]


class ProtectionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[risk.protections]``: pauses of entries after what has happened. 0 turns a protection off."""

    cooldown_minutes: _Minutes = 60
    """For how long a pair is not entered after an exit at a loss."""

    stop_guard_count: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 3
    """Stops that were hit within the window and pause all entries."""

    stop_guard_window_minutes: _Minutes = 360
    """Within which those stops are counted."""

    stop_guard_pause_minutes: _Minutes = 240
    """For how long entries pause then."""

    low_profit_pct: Decimal = ZERO
    """A pair whose exits of the window made less than this, in percent of their cost, is paused; 0: never."""

    low_profit_window_minutes: _Minutes = 1440
    """Within which those exits are counted, at least two of them."""

    low_profit_pause_minutes: _Minutes = 720
    """For how long that pair is not entered."""

    max_consecutive_losses: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 5
    """Exits at a loss in a row that pause a strategy's entries until the next UTC day."""

    max_entries_per_day: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 20
    """Entries of all strategies together in one UTC day."""

    def __post_init__(self) -> None:
        if not (self.low_profit_pct.is_finite() and ZERO <= self.low_profit_pct <= HUNDRED):
            raise ValueError(f"low_profit_pct is {self.low_profit_pct}: use 0 to 100")


class RiskSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of the whole account. Percentages are above 0 and at most 100, of equity."""

    max_risk_per_trade_pct: Decimal = Decimal("1.0")
    """Most that one position may lose when its stop is hit."""

    max_portfolio_risk_pct: Decimal = Decimal("10.0")
    """Most that all positions together may lose when all their stops are hit."""

    max_open_positions: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    """Most pairs held at a time, all strategies together, open buy orders included."""

    max_per_asset_pct: Decimal = Decimal("5.0")
    """Most that may be held of one asset, open buy orders included."""

    max_per_strategy_pct: dict[str, Decimal] = {}
    """Most that a strategy may have at work, by its id."""

    max_daily_drawdown_pct: Decimal = Decimal("10.0")
    """Loss since the UTC day's opening, net of cash flows, that sets the kill switch."""

    kill_switch_on_drift: bool = True
    """Whether balances that keep differing from the books set the kill switch; entries wait in any case."""

    drift_confirm_syncs: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    """Syncs in a row that must find drift before it sets the kill switch."""

    max_consecutive_order_errors: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    """Orders in a row that ended in an error and set the kill switch."""

    include_manual_positions: bool = True
    """Whether what is held by nobody's strategy uses up ``max_open_positions``."""

    volatility_lookback_bars: Annotated[int, msgspec.Meta(ge=2, le=500)] = 20
    """Bars of the average true range that stops are set by when a strategy gives none."""

    min_liquidity_24h_usd: Decimal | None = None
    """Least value traded in 24 hours of a pair that is entered; without it, the universe's."""

    max_spread_bps: Decimal = Decimal(100)
    """Widest spread at which a pair is entered, in hundredths of a percent."""

    max_price_deviation_pct: Decimal = Decimal("5.0")
    """Most that the live price may differ from the close that gave the signal."""

    protections: ProtectionSettings = ProtectionSettings()

    def __post_init__(self) -> None:
        """Check every bound that a type cannot say."""
        for name in (
            "max_risk_per_trade_pct", "max_portfolio_risk_pct", "max_per_asset_pct",
            "max_daily_drawdown_pct", "max_price_deviation_pct",
        ):  # fmt: skip
            _check_percentage(name, getattr(self, name))
        for strategy_id, percentage in self.max_per_strategy_pct.items():
            _check_percentage(f"max_per_strategy_pct.{strategy_id}", percentage)
        if not (self.max_spread_bps.is_finite() and ZERO < self.max_spread_bps <= 10_000):
            raise ValueError(f"max_spread_bps is {self.max_spread_bps}: use more than 0 and at most 10000")
        liquidity = self.min_liquidity_24h_usd
        if liquidity is not None and not (liquidity.is_finite() and liquidity >= ZERO):
            raise ValueError(f"min_liquidity_24h_usd is {liquidity}: use 0 or more")


def _check_percentage(name: str, value: Decimal) -> None:
    if not (value.is_finite() and ZERO < value <= HUNDRED):
        raise ValueError(f"{name} is {value}: use more than 0 and at most 100")
