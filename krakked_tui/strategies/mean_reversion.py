"""Mean reversion: buy a pair that has fallen unusually far below its average, sell it back at the average.

Idea: what rises or falls far in a short time comes part of the way back. Poterba and Summers, "Mean Reversion
in Stock Prices: Evidence and Implications", Journal of Financial Economics 22 (1988); Lehmann, "Fads,
Martingales, and Market Efficiency", Quarterly Journal of Economics 105 (1990). "Unusually far" is told by
the z-score of the close and by the relative strength index (Wilder, "New Concepts in Technical Trading
Systems", 1978), both of which must say so. It buys what falls, and some of that goes on falling: the stop
matters. Nothing here says that the rule earns money.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
import polars as pl

from krakked_tui.market.indicators import atr, rsi, sma, wilder_warmup, zscore
from krakked_tui.strategies.signal import SignalStrategy


class MeanReversionParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be tuned."""

    zscore_bars: Annotated[
        int, msgspec.Meta(ge=3, le=500, description="Bars of the average and deviation of the z-score.")
    ] = 20
    enter_below: Annotated[
        float, msgspec.Meta(ge=-10, le=0, description="Enter at this z-score or below.")
    ] = -2.0
    exit_above: Annotated[
        float, msgspec.Meta(ge=-5, le=10, description="Leave at this z-score or above.")
    ] = 0.0
    rsi_bars: Annotated[
        int, msgspec.Meta(ge=2, le=100, description="Bars of the relative strength index.")
    ] = 14
    rsi_enter_below: Annotated[
        float, msgspec.Meta(ge=0, le=100, description="Enter only with an index of at most this; 100: any.")
    ] = 35.0
    rsi_exit_above: Annotated[
        float, msgspec.Meta(ge=0, le=100, description="Leave at an index above this; 100: never.")
    ] = 70.0
    atr_bars: Annotated[
        int, msgspec.Meta(ge=1, le=500, description="Bars of the average true range of the stop.")
    ] = 14

    def __post_init__(self) -> None:
        if self.exit_above <= self.enter_below:
            raise ValueError(
                f"exit_above is {self.exit_above}: use more than enter_below, {self.enter_below}"
            )
        if self.rsi_exit_above < self.rsi_enter_below:
            raise ValueError(
                f"rsi_exit_above is {self.rsi_exit_above}: use at least rsi_enter_below,"
                f" {self.rsi_enter_below}"
            )


class MeanReversion(SignalStrategy[MeanReversionParameters]):
    """Enter far below the average, leave back at it; the average is the take-profit, too."""

    type_name = "mean_reversion"
    parameters_type = MeanReversionParameters

    @property
    def warmup_bars(self) -> int:
        """The index is recursive and must have forgotten where it began."""
        p = self.parameters
        return max(p.zscore_bars, wilder_warmup(p.rsi_bars), p.atr_bars + 1)

    def indicators(self) -> Mapping[str, pl.Expr]:
        """The average and true range in quote units, the z-score in deviations, the index from 0 to 100."""
        p = self.parameters
        return {
            "average": sma("close", p.zscore_bars),
            "zscore": zscore("close", p.zscore_bars),
            "rsi": rsi("close", p.rsi_bars),
            "atr": atr(p.atr_bars),
        }

    def drawn(self) -> Mapping[str, str]:
        """The average."""
        return {"average": f"sma {self.parameters.zscore_bars}"}

    def enter(self) -> pl.Expr:
        """Both say that it has fallen far."""
        p = self.parameters
        return (pl.col("zscore") <= p.enter_below) & (pl.col("rsi") <= p.rsi_enter_below)

    def exit(self) -> pl.Expr:
        """Either says that it has come back."""
        p = self.parameters
        return (pl.col("zscore") >= p.exit_above) | (pl.col("rsi") > p.rsi_exit_above)

    def confidence(self) -> pl.Expr:
        """0.6 at the z-score that enters, one from two deviations below it."""
        return 0.6 + 0.2 * (self.parameters.enter_below - pl.col("zscore"))

    def stop(self) -> pl.Expr:
        """Close - ``stop_atr_multiple`` x ATR; none in a market that does not move."""
        distance = self.settings.stop_atr_multiple * pl.col("atr")
        return pl.when(distance > 0).then(pl.col("close") - distance)

    def take_profit(self) -> pl.Expr:
        """The average, where it is above the close."""
        return pl.when(pl.col("average") > pl.col("close")).then(pl.col("average"))
