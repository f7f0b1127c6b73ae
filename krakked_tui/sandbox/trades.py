"""The market's trades, numbered: consecutive per pair, the same over REST and WebSocket."""

from typing import Final, NamedTuple

from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sim.bars import DAY_MINUTES
from krakked_tui.sim.tape import MINUTE_MICROS, Print

_FIRST_NUMBER_DAYS: Final = 4000
"""A pair's numbers at the exchange's founding are those of so many ordinary days before it."""

_MINUTE_NANOS: Final = MINUTE_MICROS * 1000


class MarketTrade(NamedTuple):
    """A trade of the market: its number, its nanosecond since 1970-01-01 UTC, and what it was."""

    number: int
    nanos: int
    trade: Print


def trades_after(exchange: Exchange, name: str, after: int, until: int, limit: int) -> list[MarketTrade]:
    """Return the first trades later than nanosecond ``after``, up to and including microsecond ``until``."""
    market = exchange.market
    first = max(exchange.history_start, after // _MINUTE_NANOS)
    last, last_offset = divmod(until, MINUTE_MICROS)
    found: list[MarketTrade] = []
    number = None
    for minute in market.traded_minutes(name, first, last + 1):
        if number is None:
            number = _number_before(exchange, name, minute)
        rows = _numbered(exchange, name, minute, number, last_offset if minute == last else MINUTE_MICROS)
        number += len(rows)
        found += [row for row in rows if row.nanos > after]
        if len(found) >= limit:
            break
    return found[:limit]


def latest_trades(exchange: Exchange, name: str, until: int, limit: int, after: int = 0) -> list[MarketTrade]:
    """Return the last trades up to and including microsecond ``until``, oldest first.

    Those up to and including nanosecond ``after`` are left out.
    """
    market = exchange.market
    last, last_offset = divmod(until, MINUTE_MICROS)
    number = None
    pages: list[list[MarketTrade]] = []
    count = 0
    oldest = max(exchange.history_start, after // _MINUTE_NANOS)
    for minute in market.traded_minutes_back(name, last, oldest):
        end = last_offset if minute == last else MINUTE_MICROS
        here = market.tape(name, minute).count(end)
        number = (_number_before(exchange, name, minute) + here if number is None else number) - here
        pages.append(_numbered(exchange, name, minute, number, end))
        count += here
        if count >= limit:
            break
    return [row for page in reversed(pages) for row in page if row.nanos > after][-limit:]


def last_number(exchange: Exchange, name: str, until: int) -> int:
    """Return the number of the latest trade up to and including microsecond ``until``."""
    return _first_number(exchange, name) + exchange.market.trade_count(name, until, _anchor(exchange))


def _numbered(exchange: Exchange, name: str, minute: int, number: int, end: int) -> list[MarketTrade]:
    """The trades of a minute up to an offset, numbered on from ``number``."""
    tape = exchange.market.tape(name, minute)
    start = minute * _MINUTE_NANOS
    count = tape.count(end)
    return [
        MarketTrade(number + index + 1, start + nano, trade)
        for index, (nano, trade) in enumerate(zip(tape.nanos[:count], tape.prints[:count], strict=True))
    ]


def _number_before(exchange: Exchange, name: str, minute: int) -> int:
    """The number of the last trade before a minute."""
    return _first_number(exchange, name) + exchange.market.trades_before(name, minute, _anchor(exchange))


def _first_number(exchange: Exchange, name: str) -> int:
    return exchange.market.instruments[name].daily_trades * _FIRST_NUMBER_DAYS


def _anchor(exchange: Exchange) -> int:
    return micros_of(exchange.founded_at) // (MINUTE_MICROS * DAY_MINUTES)
