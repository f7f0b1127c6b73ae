"""Work that a large public read needs, cut into small steps so that others are served in between.

What the market computes here it remembers, for the answer to be quick afterwards. The steps change
no answer, and nothing is needed of them.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.market_data import CLOSED_MAX
from krakked_tui.sandbox.params import Params
from krakked_tui.sandbox.rest import PUBLIC_PATH, Request, read_params
from krakked_tui.sim.bars import DAY_MINUTES
from krakked_tui.sim.tape import MINUTE_MICROS

_TRADES_MAX: Final = 1000
_LEAST_NANOS: Final = 10**12
_MINUTE_NANOS: Final = MINUTE_MICROS * 1000


def preparation(exchange: Exchange, request: Request) -> Iterator[None]:
    """Yield after each small step of what a call needs; a call that is cheap or wrong needs none."""
    if not request.path.startswith(PUBLIC_PATH) or request.method not in ("Ticker", "OHLC", "Trades"):
        return
    params, at = read_params(request), exchange.clock.now()
    try:
        names = params.names_in("pair")
        if request.method == "Ticker" and not names:
            yield from _tickers(exchange, at)
        listing = exchange.catalog.find(names[0]) if len(names) == 1 else None
        if listing is None:
            return
        if request.method == "OHLC":
            yield from _candles(exchange, listing.name, params.integer("interval", 1), at)
        elif request.method == "Trades":
            yield from _trades(exchange, listing.name, _since(params), at)
    except ApiError:
        return  # the answer will say so


def _tickers(exchange: Exchange, at: datetime) -> Iterator[None]:
    micros = micros_of(at)
    for listing in exchange.catalog.listed:
        exchange.market.rolling(listing.name, micros)
        exchange.market.running(listing.name, DAY_MINUTES, micros)
        exchange.market.last_print(listing.name, micros)
        yield


def _candles(exchange: Exchange, name: str, interval: int, at: datetime) -> Iterator[None]:
    """Only candles of a day and longer reach back over many days."""
    if interval < DAY_MINUTES:
        return
    today = micros_of(at) // MINUTE_MICROS // DAY_MINUTES
    first = max(exchange.history_start // DAY_MINUTES, today - (CLOSED_MAX + 1) * interval // DAY_MINUTES)
    for day in range(first, today):
        exchange.market.span(name, day * DAY_MINUTES, (day + 1) * DAY_MINUTES)
        yield


def _trades(exchange: Exchange, name: str, since: int | None, at: datetime) -> Iterator[None]:
    market, last = exchange.market, micros_of(at) // MINUTE_MICROS
    if since is None:
        minutes = market.traded_minutes_back(name, last, exchange.history_start)
    else:
        first = max(exchange.history_start, since // _MINUTE_NANOS)
        anchor = micros_of(exchange.founded_at) // MINUTE_MICROS // DAY_MINUTES
        for day in range(anchor, first // DAY_MINUTES - 1, -1):
            market.trades_before(name, day * DAY_MINUTES, anchor)
            yield
        minutes = market.traded_minutes(name, first, last + 1)
    found = 0
    for minute in minutes:
        found += len(market.tape(name, minute).prints)
        yield
        if found >= _TRADES_MAX:
            return


def _since(params: Params) -> int | None:
    since = params.decimal("since")
    if since is None:
        return None
    return int(since.scaleb(9) if since < _LEAST_NANOS else since)
