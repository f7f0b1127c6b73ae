"""Trend following: hold a pair while its fast moving average is above its slow one.

The moving-average rule is the one examined by Brock, Lakonishok and LeBaron, "Simple Technical
Trading Rules and the Stochastic Properties of Stock Returns", Journal of Finance 47 (1992). The
stop lies some average true ranges (Wilder, "New Concepts in Technical Trading Systems", 1978)
below the close. Nothing here says that the rule earns money.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
import polars as pl

from krakked_tui.market.indicators import atr, ema, ema_warmup, sma
from krakked_tui.strategies.signal import SignalStrategy

_EQUAL_WITHIN = 1e-9
"""Averages of prices that differ by less than this share are equal: sums of floats are not exact."""


class TrendFollowingParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be tuned."""

    ma_fast: Annotated[int, msgspec.Meta(ge=1, le=250, description="Bars of the fast average.")] = 20
    ma_slow: Annotated[int, msgspec.Meta(ge=2, le=500, description="Bars of the slow average.")] = 50
    average: Annotated[Literal["sma", "ema"], msgspec.Meta(description="Simple or exponential averages.")] = (
        "sma"
    )
    atr_bars: Annotated[
        int, msgspec.Meta(ge=1, le=500, description="Bars of the average true range of stop and confidence.")
    ] = 14
    enter_on: Annotated[
        Literal["cross", "above"],
        msgspec.Meta(
            description="Enter only on the bar where the fast average crosses above the slow one,"
            " or on any bar where it is above."
        ),
    ] = "cross"

    def __post_init__(self) -> None:
        if self.ma_fast >= self.ma_slow:
            raise ValueError(f"ma_fast is {self.ma_fast}: use less than ma_slow, {self.ma_slow}")


class TrendFollowing(SignalStrategy[TrendFollowingParameters]):
    """Enter when the fast average rises above the slow one, leave when it falls below."""

    type_name = "trend_following"
    parameters_type = TrendFollowingParameters

    @property
    def warmup_bars(self) -> int:
        """The slow average and the bar before it, and a true range that knows the close before."""
        p = self.parameters
        slow = p.ma_slow if p.average == "sma" else ema_warmup(p.ma_slow)
        return max(slow, p.atr_bars) + 1

    def indicators(self) -> Mapping[str, pl.Expr]:
        """Both averages and the average true range, in quote units."""
        p = self.parameters
        average = sma if p.average == "sma" else ema
        return {
            "ma_fast": average("close", p.ma_fast),
            "ma_slow": average("close", p.ma_slow),
            "atr": atr(p.atr_bars),
        }

    def drawn(self) -> Mapping[str, str]:
        """Both averages."""
        p = self.parameters
        return {"ma_fast": f"{p.average} {p.ma_fast}", "ma_slow": f"{p.average} {p.ma_slow}"}

    def enter(self) -> pl.Expr:
        """The fast average is above the slow one; on "cross", and was not a bar ago."""
        above = pl.col("ma_fast") > pl.col("ma_slow") * (1 + _EQUAL_WITHIN)
        return above if self.parameters.enter_on == "above" else above & ~above.shift(1)

    def exit(self) -> pl.Expr:
        """The fast average is below the slow one."""
        return pl.col("ma_fast") < pl.col("ma_slow") * (1 - _EQUAL_WITHIN)

    def confidence(self) -> pl.Expr:
        """0.5 + 0.25 x (close - slow average) / ATR: half at the average, one from two ATRs above it."""
        return 0.5 + 0.25 * (pl.col("close") - pl.col("ma_slow")) / pl.col("atr")

    def stop(self) -> pl.Expr:
        """Close - ``stop_atr_multiple`` x ATR; none in a market that does not move."""
        distance = self.settings.stop_atr_multiple * pl.col("atr")
        return pl.when(distance > 0).then(pl.col("close") - distance)
