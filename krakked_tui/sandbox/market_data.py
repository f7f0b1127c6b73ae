"""What the exchange says about a pair's market, over REST and in numbers for the streams."""

from datetime import datetime
from typing import Final, NamedTuple

from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.wire import fixed, price_text, text
from krakked_tui.sim.bars import DAY_MINUTES, Bar
from krakked_tui.sim.instruments import Grid
from krakked_tui.sim.market import Quote
from krakked_tui.sim.matching import Level
from krakked_tui.sim.tape import MINUTE_MICROS

INTERVALS: Final = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
"""Candle lengths Kraken serves, in minutes."""

CLOSED_MAX: Final = 720
"""Closed candles served at most, whatever was asked."""

Row = list[int | str]


class TickerNow(NamedTuple):
    """A pair's ticker at one instant, in the grid's integers."""

    quote: Quote
    bid: Level
    ask: Level
    day: Bar


def ticker_now(exchange: Exchange, listing: Listing, at: datetime) -> TickerNow:
    """Look at a pair's market: quote, best levels and the last 24 hours."""
    name = listing.name
    best = exchange.book(name, at, depth=1)
    day = exchange.market.rolling(name, micros_of(at))
    return TickerNow(exchange.quote(name, at), best.bids[0], best.asks[0], day)


def ticker_row(exchange: Exchange, listing: Listing, at: datetime) -> dict[str, object]:
    """Print a pair's row of ``Ticker``: prices at the cost scale, volumes at the lot's."""
    pair, grid = listing.pair, exchange.market.grids[listing.name]
    micros = micros_of(at)
    now = ticker_now(exchange, listing, at)
    today = exchange.market.running(listing.name, DAY_MINUTES, micros)
    last = exchange.market.last_print(listing.name, micros)
    wide, lot = pair.cost_decimals, pair.volume_decimals

    def price(ticks: int) -> str:
        return price_text(ticks, grid, wide)

    def volume(units: int) -> str:
        return fixed(units, grid.volume_decimals, lot)

    def best(level: Level) -> list[str]:
        whole = max(1, int(level.volume))
        return [text(level.price, wide), str(whole), f"{whole}.000"]

    return {
        "a": best(now.ask),
        "b": best(now.bid),
        "c": [price(last.price), volume(last.volume)],
        "v": [volume(today.volume), volume(now.day.volume)],
        "p": [_wide_vwap(today, grid, wide), _wide_vwap(now.day, grid, wide)],
        "t": [today.trades, now.day.trades],
        "l": [price(today.low), price(now.day.low)],
        "h": [price(today.high), price(now.day.high)],
        "o": price(today.open),
    }


def ohlc_rows(
    exchange: Exchange, listing: Listing, interval: int, since: int, at: datetime
) -> tuple[list[Row], int]:
    """Return the rows of ``OHLC`` that open after ``since`` (unix seconds), and ``last``.

    Closed candles oldest first, 720 at most, then the running one, which is always there.
    """
    running_start, first = _range(exchange, interval, at)
    newest_closed = running_start - interval
    if since >= 0:
        first = max(first, (since // 60 // interval + 1) * interval)
    bars = exchange.market.bars(listing.name, interval, first, running_start)
    bars.append(exchange.market.running(listing.name, interval, micros_of(at)))
    grid = exchange.market.grids[listing.name]
    return [_row(bar, listing, grid) for bar in bars], newest_closed * 60


def _range(exchange: Exchange, interval: int, at: datetime) -> tuple[int, int]:
    """Minutes at which the running candle and the oldest one on offer open."""
    minute = micros_of(at) // MINUTE_MICROS
    running_start = minute - minute % interval
    oldest = -(-exchange.history_start // interval) * interval
    return running_start, max(oldest, running_start - CLOSED_MAX * interval)


def _row(bar: Bar, listing: Listing, grid: Grid) -> Row:
    decimals = listing.pair.price_decimals
    return [
        bar.minute * 60,
        price_text(bar.open, grid, decimals),
        price_text(bar.high, grid, decimals),
        price_text(bar.low, grid, decimals),
        price_text(bar.close, grid, decimals),
        format(bar.vwap(grid), "f"),
        fixed(bar.volume, grid.volume_decimals, listing.pair.volume_decimals),
        bar.trades,
    ]


def _wide_vwap(bar: Bar, grid: Grid, shown: int) -> str:
    """Print a vwap with more decimals than the pair's, truncated."""
    scale = 10 ** (shown - grid.price_decimals)
    ulps = bar.notional * grid.ulps_per_tick * scale // bar.volume if bar.volume else 0
    return fixed(ulps, shown, shown)
