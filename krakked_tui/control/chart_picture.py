"""What strategies and fills add to a chart. Runs on the engine's loop.

Values are floats: for drawing, never for money.
"""

from collections.abc import Iterable, Sequence

from krakked_tui.control.market_view import ChartFill, ChartLine
from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.fills import Trade
from krakked_tui.engine.signals import AnyStrategy
from krakked_tui.market.frames import frame_of

LINES_MAX = 4
"""More could not be told apart."""


class ChartOverlays:
    """Computes indicators at most once per closed bar, and keeps what has not changed the same object."""

    def __init__(self, strategies: Sequence[AnyStrategy]) -> None:
        self._strategies = tuple(strategies)
        self._bars: tuple[Candle, ...] = ()
        self._asked: tuple[AnyStrategy, ...] = ()
        self._lines: tuple[ChartLine, ...] = ()
        self._fills: tuple[ChartFill, ...] = ()

    def lines(self, bars: tuple[Candle, ...], timeframe: Timeframe, *, traded: bool) -> tuple[ChartLine, ...]:
        """Return the indicators of the strategies that use this timeframe, over the closed bars.

        ``traded`` says whether the pair is one that strategies look at; ``bars`` is the same object for as
        long as the bars are the same.
        """
        asked = tuple(each for each in self._strategies if traded and timeframe in each.settings.timeframes)
        if bars is not self._bars or asked != self._asked:
            self._bars, self._asked = bars, asked
            self._lines = _lines(asked, bars)
        return self._lines

    def fills(self, pair: str, trades: Iterable[Trade], bars: Sequence[Candle]) -> tuple[ChartFill, ...]:
        """Return our fills of a pair since the first of its bars."""
        found: tuple[ChartFill, ...] = ()
        if bars:
            ours = (trade for trade in trades if trade.pair == pair and trade.time >= bars[0].time)
            ordered = sorted(ours, key=lambda trade: (trade.time, trade.trade_id))
            found = tuple(ChartFill(trade.time, trade.side, float(trade.price)) for trade in ordered)
        if found != self._fills:
            self._fills = found
        return self._fills


def _lines(strategies: Sequence[AnyStrategy], bars: Sequence[Candle]) -> tuple[ChartLine, ...]:
    if not strategies or not bars:
        return ()
    frame = frame_of(bars)
    found: dict[str, dict[tuple[float | None, ...], str]] = {}
    for strategy in strategies:
        try:
            curves = strategy.curves(frame)
        except Exception:  # noqa: BLE001, S112 - a picture only: its failures in a cycle are reported
            continue
        for curve in curves:
            if len(curve.values) == len(bars):
                found.setdefault(curve.name, {}).setdefault(curve.values, strategy.settings.id)
    lines = [
        ChartLine(name if len(sources) == 1 else f"{name} {source}", values)
        for name, sources in found.items()
        for values, source in sources.items()
    ]
    return tuple(lines[:LINES_MAX])
