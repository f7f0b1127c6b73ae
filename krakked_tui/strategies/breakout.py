"""Breakout: buy a pair that closes above its highest price of some time, sell it below its lowest.

Idea: Richard Donchian's channel rule, as examined by Lukac, Brorsen and Irwin, "A Test of Futures Market
Disequilibrium Using Twelve Different Technical Trading Systems", Applied Economics 20 (1988), and by Brock,
Lakonishok and LeBaron, "Simple Technical Trading Rules and the Stochastic Properties of Stock Returns",
Journal of Finance 47 (1992), as the trading range break. Most breakouts fail: it lives on the few that do
not. Nothing here says that the rule earns money.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
import polars as pl

from krakked_tui.market.indicators import atr, donchian
from krakked_tui.strategies.signal import SignalStrategy


class BreakoutParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be tuned."""

    entry_bars: Annotated[
        int, msgspec.Meta(ge=2, le=500, description="Enter above the highest price of so many bars before.")
    ] = 20
    exit_bars: Annotated[
        int, msgspec.Meta(ge=1, le=500, description="Leave below the lowest price of so many bars before.")
    ] = 10
    atr_bars: Annotated[
        int, msgspec.Meta(ge=1, le=500, description="Bars of the average true range of stop and confidence.")
    ] = 14

    def __post_init__(self) -> None:
        if self.exit_bars > self.entry_bars:
            raise ValueError(f"exit_bars is {self.exit_bars}: use at most entry_bars, {self.entry_bars}")


class Breakout(SignalStrategy[BreakoutParameters]):
    """Enter above the channel of the bars before, leave below the shorter one."""

    type_name = "breakout"
    parameters_type = BreakoutParameters

    @property
    def warmup_bars(self) -> int:
        """The channel before this bar, and a true range that knows the close before."""
        return max(self.parameters.entry_bars, self.parameters.atr_bars) + 1

    def indicators(self) -> Mapping[str, pl.Expr]:
        """The channels of the bars before this one and the average true range, in quote units."""
        p = self.parameters
        return {
            "highest": donchian(p.entry_bars).upper.shift(1),
            "lowest": donchian(p.exit_bars).lower.shift(1),
            "atr": atr(p.atr_bars),
        }

    def drawn(self) -> Mapping[str, str]:
        """Both edges."""
        p = self.parameters
        return {"highest": f"highest {p.entry_bars}", "lowest": f"lowest {p.exit_bars}"}

    def enter(self) -> pl.Expr:
        """The close is above every price of the bars before."""
        return pl.col("close") > pl.col("highest")

    def exit(self) -> pl.Expr:
        """The close is below every price of the bars before."""
        return pl.col("close") < pl.col("lowest")

    def confidence(self) -> pl.Expr:
        """0.6 at the edge of the channel, one from two average true ranges above it."""
        return 0.6 + 0.2 * (pl.col("close") - pl.col("highest")) / pl.col("atr")

    def stop(self) -> pl.Expr:
        """Close - ``stop_atr_multiple`` x ATR."""
        return pl.col("close") - self.settings.stop_atr_multiple * pl.col("atr")
