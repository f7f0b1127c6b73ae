"""What the exchange says about a pair's market, over REST and in numbers for the streams."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.coarse import snapped, snapped_quote
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.trades import latest_trades, trades_after
from krakked_tui.sandbox.wire import fixed, price_text, text, unix_second, vwap_text
from krakked_tui.sim.bars import DAY_MINUTES, Bar
from krakked_tui.sim.instruments import Grid
from krakked_tui.sim.liquidity import changed_minute
from krakked_tui.sim.market import Quote
from krakked_tui.sim.matching import Level
from krakked_tui.sim.tape import MINUTE_MICROS

INTERVALS: Final = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
"""Candle lengths Kraken serves, in minutes."""

CLOSED_MAX: Final = 720
"""Closed candles served at most, whatever was asked."""

SPREADS_MAX: Final = 200
"""Rows of ``Spread`` at most."""

_SPREAD_MINUTES: Final = DAY_MINUTES
_DEPTH_DECIMALS: Final = 3

Row = list[int | str]


class TickerNow(NamedTuple):
    """A pair's ticker at one instant, in the grid's integers."""

    quote: Quote
    bid: Level
    ask: Level
    day: Bar


def shown_bar(bar: Bar, per: int) -> Bar:
    """Return a candle on a listing's tick, which is ``per`` of the market's; no trade of it is outside.

    Open and close go to the nearest tick: which side traded there is not known.
    """
    if per == 1:
        return bar
    high, low = snapped(bar.high, per, up=True), snapped(bar.low, per, up=False)
    opened, close = (max(snapped(price + per // 2, per, up=False), low) for price in (bar.open, bar.close))
    return bar._replace(open=min(opened, high), high=high, low=low, close=min(close, high))


def running_bar(exchange: Exchange, name: str, interval: int, at: datetime) -> Bar:
    """Return a pair's running candle on the listing's tick; its close is the last price."""
    bar = exchange.market.running(name, interval, micros_of(at))
    per = exchange.floor.ticks_per(name)
    if per == 1:
        return bar
    shown, last = shown_bar(bar, per), exchange.quote(name, at).last
    return shown._replace(close=last, high=max(shown.high, last), low=min(shown.low, last))


def ticker_now(exchange: Exchange, listing: Listing, at: datetime) -> TickerNow:
    """Look at a pair's market: quote, best levels and the last 24 hours."""
    name = listing.name
    best = exchange.book(name, at, depth=1)
    day = shown_bar(exchange.market.rolling(name, micros_of(at)), exchange.floor.ticks_per(name))
    return TickerNow(exchange.quote(name, at), best.bids[0], best.asks[0], day)


def ticker_row(exchange: Exchange, listing: Listing, at: datetime) -> dict[str, object]:
    """Print a pair's row of ``Ticker``: prices at the cost scale, volumes at the lot's."""
    pair, grid = listing.pair, exchange.market.grids[listing.name]
    micros = micros_of(at)
    now = ticker_now(exchange, listing, at)
    today = running_bar(exchange, listing.name, DAY_MINUTES, at)
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
        "c": [price(now.quote.last), volume(last.volume)],
        "v": [volume(today.volume), volume(now.day.volume)],
        "p": [vwap_text(today, grid, wide), vwap_text(now.day, grid, wide)],
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
    per, grid = exchange.floor.ticks_per(listing.name), exchange.market.grids[listing.name]
    shown = [*(shown_bar(bar, per) for bar in bars), running_bar(exchange, listing.name, interval, at)]
    return [_row(bar, listing, grid) for bar in shown], newest_closed * 60


def trade_rows(
    exchange: Exchange, listing: Listing, since: int | None, count: int, at: datetime
) -> tuple[list[list[object]], str]:
    """Return the rows of ``Trades`` later than nanosecond ``since`` (None: the latest), and ``last``."""
    until = micros_of(at)
    if since is None:
        trades = latest_trades(exchange, listing.name, until, count)
    else:
        trades = trades_after(exchange, listing.name, since, until, count)
    pair, grid, per = (
        listing.pair,
        exchange.market.grids[listing.name],
        exchange.floor.ticks_per(listing.name),
    )
    rows: list[list[object]] = [
        [
            price_text(snapped(trade.price, per, up=trade.buy), grid, pair.cost_decimals),
            fixed(trade.volume, grid.volume_decimals, pair.volume_decimals),
            nanos / 1e9,
            "b" if trade.buy else "s",
            "m" if trade.market else "l",
            "",
            number,
        ]
        for number, nanos, trade in trades
    ]
    return rows, str(trades[-1].nanos if trades else since or 0)


def depth_rows(exchange: Exchange, listing: Listing, count: int, at: datetime) -> dict[str, list[Row]]:
    """Return both sides of ``Depth``, best first; volumes are rounded to three decimals, as Kraken's are."""
    book = exchange.book(listing.name, at, depth=count)
    grid = exchange.market.grids[listing.name]
    return {
        "asks": _depth_side(book.asks, listing, grid, at),
        "bids": _depth_side(book.bids, listing, grid, at),
    }


def _depth_side(levels: Iterable[Level], listing: Listing, grid: Grid, at: datetime) -> list[Row]:
    """Each level with the second since which it has been as it is; the best one changed just now."""
    now = unix_second(at)
    rows: list[Row] = []
    for level in levels:
        ticks = int(level.price / grid.tick)
        changed = changed_minute(len(rows), ticks, now // 60) * 60 + ticks % 60 if rows else now
        volume = text(level.volume, _DEPTH_DECIMALS)
        rows.append([text(level.price, listing.pair.cost_decimals), volume, min(changed, now)])
    return rows


def spread_rows(exchange: Exchange, listing: Listing, since: int, at: datetime) -> tuple[list[Row], int]:
    """Return the rows of ``Spread`` from the second ``since`` on, 200 at most, and ``last``.

    There is a row for every change of the quote; quotes older than a day are not looked for.
    """
    grid, shown = exchange.market.grids[listing.name], listing.pair.cost_decimals
    quotes = _quotes(exchange, listing.name, at)
    rows: list[Row] = [
        [second, price_text(quote.bid, grid, shown), price_text(quote.ask, grid, shown)]
        for second, quote in quotes[-SPREADS_MAX:]
    ]
    return [row for row in rows if int(row[0]) >= since], quotes[-1][0]


def _quotes(exchange: Exchange, name: str, at: datetime) -> list[tuple[int, Quote]]:
    """The latest changes of a quote, oldest first, with their seconds: at least those that are shown."""
    last, last_offset = divmod(micros_of(at), MINUTE_MICROS)
    pages: list[list[tuple[int, Quote]]] = []
    count = 0
    for minute in range(last, last - _SPREAD_MINUTES, -1):
        page = _quotes_of_minute(exchange, name, minute, last_offset if minute == last else MINUTE_MICROS)
        pages.append(page)
        count += len(page) - 1
        if count > SPREADS_MAX:
            break
    found: list[tuple[int, Quote]] = []
    for second, quote in (row for page in reversed(pages) for row in page):
        if not found or quote != found[-1][1]:
            found.append((second, quote))
    return found


def _quotes_of_minute(exchange: Exchange, name: str, minute: int, end: int) -> list[tuple[int, Quote]]:
    """The quote a minute opens with, then every other one up to an offset."""
    market, per = exchange.market, exchange.floor.ticks_per(name)
    found = [(minute * 60, snapped_quote(market.opening_quote(name, minute), per))]
    tape = market.tape(name, minute)
    for trade in tape.prints[: tape.count(end)]:
        quote = snapped_quote(market.quote_after(name, trade), per)
        if quote != found[-1][1]:
            found.append((minute * 60 + trade.offset // 1_000_000, quote))
    return found


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
        vwap_text(bar, grid, decimals),
        fixed(bar.volume, grid.volume_decimals, listing.pair.volume_decimals),
        bar.trades,
    ]
