"""From the engine's market to the immutable view that the Market screen sees.

Runs on the engine's loop, a few times a second while somebody looks. Most pairs have not moved since
the picture before: their rows are the same objects.
"""

from collections.abc import Sequence
from decimal import Decimal
from operator import attrgetter

import msgspec

from krakked_tui.control import market_view as v
from krakked_tui.control.chart_picture import ChartOverlays
from krakked_tui.control.data_picture import data_status
from krakked_tui.decision.state import State
from krakked_tui.domain.candles import Candle, Quote
from krakked_tui.domain.money import BASIS_POINTS, ONE, ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import half_up
from krakked_tui.engine.focus import FocusPicture
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.moment import Moment
from krakked_tui.engine.signals import AnyStrategy
from krakked_tui.market.freshness import Freshness

SPREAD_DECIMALS = 2


class _Kept(msgspec.Struct):
    """A row, and what it was made from."""

    row: v.MarketRow
    pair: PairMetadata
    quote: Quote | None
    freshness: Freshness
    seconds: int
    """Age in whole seconds of a price that is not fresh, else -1."""
    place: tuple[Decimal, str]


class MarketPicture:
    """Makes one picture after the other.

    The age of a fresh price is that of its first picture; of any other it is true to the second.
    """

    def __init__(self, strategies: Sequence[AnyStrategy] = ()) -> None:
        """``strategies`` are those whose indicators the chart shows."""
        self._overlays = ChartOverlays(strategies)
        self._version = 0
        self._kept: dict[str, _Kept] = {}
        """By pair, in the order of the picture before: sorting what is nearly sorted costs little."""
        self._bars: tuple[tuple[Candle, ...], tuple[v.MarketBar, ...]] = ((), ())

    def view(self, moment: Moment) -> v.MarketView:
        """Return the picture of this moment; without a market yet, one of the connections."""
        self._version += 1
        state, market = moment.state, moment.market
        rows: tuple[v.MarketRow, ...] = ()
        if state is not None and market is not None:
            rows = self._rows(state, market, moment.wall)
        return v.MarketView(
            version=self._version, at=moment.at, rows=rows, focus=self._focus(moment),
            data=data_status(moment),
        )  # fmt: skip

    def _rows(self, state: State, market: LiveMarket, wall: float) -> tuple[v.MarketRow, ...]:
        quotes, held = market.quotes, {p.pair for p in state.books.state.positions.values() if p.size > ZERO}
        before = self._kept
        names = dict.fromkeys(before)
        names.update(dict.fromkeys(quotes))
        names.update(dict.fromkeys(sorted(state.tradable)))
        names.update(dict.fromkeys(sorted(held)))
        kept: dict[str, _Kept] = {}
        for name in names:
            pair = state.known.get(name)
            tradable, is_held, quote = name in state.tradable, name in held, quotes.get(name)
            if pair is None or not (tradable or is_held or quote is not None):
                continue
            freshness = Freshness.NEVER if quote is None else market.freshness(quote)
            seconds = -1 if quote is None or freshness is Freshness.FRESH else int(wall - quote.received)
            old = before.get(name)
            if not (
                old is not None
                and old.quote is quote
                and old.freshness is freshness
                and old.seconds == seconds
                and old.pair is pair
                and old.row.tradable is tradable
                and old.row.held is is_held
            ):
                figures = old.row if old is not None and quote is old.quote else _figures(quote)
                age = None if quote is None else max(wall - quote.received, 0.0)
                row = _row(figures, pair, freshness, age, tradable=tradable, held=is_held)
                old = _Kept(row, pair, quote, freshness, seconds, _place(row.volume_24h, name))
            kept[name] = old
        ordered = sorted(kept.values(), key=attrgetter("place"))
        self._kept = {each.row.pair: each for each in ordered}
        return tuple([each.row for each in ordered])

    def _focus(self, moment: Moment) -> v.FocusView:
        if moment.focus is None:
            return v.FocusView()
        focus = moment.focus.picture()
        if focus.bars is not self._bars[0]:
            self._bars = (focus.bars, tuple(map(_bar, focus.bars)))
        return v.FocusView(
            pair=focus.pair, timeframe=focus.timeframe, bars=self._bars[1],
            running=None if focus.running is None else _bar(focus.running),
            book=focus.book, trades=focus.trades, trouble=focus.trouble,
            lines=self._lines(moment.state, focus), fills=self._fills(moment.state, focus),
        )  # fmt: skip

    def _lines(self, state: State | None, focus: FocusPicture) -> tuple[v.ChartLine, ...]:
        traded = state is not None and (focus.pair in state.tradable or focus.pair in state.holdings)
        return self._overlays.lines(focus.bars, focus.timeframe, traded=traded)

    def _fills(self, state: State | None, focus: FocusPicture) -> tuple[v.ChartFill, ...]:
        return self._overlays.fills(focus.pair, state.recent_trades if state else (), focus.bars)


def _place(volume: Decimal | None, pair: str) -> tuple[Decimal, str]:
    """Say where a row goes: most traded first, those of which nothing is known last."""
    return (ONE if volume is None else -volume, pair)


class _Figures(msgspec.Struct, frozen=True):
    """What a row says of a quote."""

    last: Decimal | None = None
    change_pct_24h: Decimal | None = None
    spread_bps: Decimal | None = None
    volume_24h: Decimal | None = None


def _figures(quote: Quote | None) -> _Figures:
    if quote is None:
        return _Figures()
    figures, mid = quote.figures, quote.mid
    spread = half_up((quote.ask - quote.bid) / mid * BASIS_POINTS, SPREAD_DECIMALS) if mid > 0 else None
    return _Figures(quote.last, figures.change_pct_24h, spread, figures.volume_24h * figures.vwap_24h)


def _row(
    figures: _Figures | v.MarketRow, pair: PairMetadata, freshness: Freshness, age: float | None, *,
    tradable: bool, held: bool,
) -> v.MarketRow:  # fmt: skip
    # In the order of the fields: this runs for many pairs at once.
    return v.MarketRow(
        pair.canonical, figures.last, figures.change_pct_24h, figures.spread_bps, figures.volume_24h,
        freshness.value, age, pair.price_decimals, pair.volume_decimals, pair.status.value, tradable, held,
    )  # fmt: skip


def _bar(candle: Candle) -> v.MarketBar:
    return v.MarketBar(candle.time, candle.open, candle.high, candle.low, candle.close, candle.volume)
