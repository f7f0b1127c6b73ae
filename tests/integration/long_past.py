"""An exchange's state file with a long past, made in seconds: in the exchange itself, without its doors."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec

from krakked_tui.domain.orders import OrderType, Side
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.opening import open_exchange
from krakked_tui.sandbox.orders import Draft
from krakked_tui.sandbox.settings import SandboxSettings

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
MARKETS = {"XBTUSD": 60_000, "ETHUSD": 3_000, "SOLUSD": 150}
"""Pairs, each with about its price."""
GAPS = (0, 0, 1, 20, 300)
"""Seconds between trades: pages begin and end within one second, too."""
DEPOSIT_EVERY = 30
STORE_EVERY = 20_000


class Past(msgspec.Struct, frozen=True):
    """What happened: the ids of all trades, and how many rows the ledger has."""

    trades: frozenset[str]
    entries: int
    until: datetime


def make_past(path: Path, count: int, seed: int = 6) -> Past:
    """Write the state file of an account that traded by hand so often, and has paid money in meanwhile."""
    settings = SandboxSettings(state=path, start=BEGIN, paused=True, balance={"USD": Decimal(1_000_000_000)})
    exchange, _ = open_exchange(settings)
    at = BEGIN
    for number, at in enumerate(_happen(exchange, count, Random(seed)), start=1):
        if number % STORE_EVERY == 0:
            _store(exchange, at)
    _store(exchange, at)
    books = exchange.books
    past = Past(frozenset(books.trades), len(books.entries), at)
    exchange.close()
    return past


def _happen(exchange: Exchange, count: int, random: Random) -> Iterator[datetime]:
    floor, at, held = exchange.floor, BEGIN, dict.fromkeys(MARKETS, Decimal(0))
    for number in range(count):
        at += timedelta(seconds=random.choice(GAPS), microseconds=random.randrange(900_000))
        name, price = random.choice([*MARKETS.items()])
        sells = held[name] > 0 and random.random() < 0.4
        volume = held[name] if sells else Decimal(random.randrange(1_000, 9_000_000)).scaleb(-8)
        held[name] += -volume if sells else volume
        draft = Draft(name, Side.SELL if sells else Side.BUY, OrderType.MARKET, volume)
        order = floor.admit(draft, at)
        floor.fill(order, price + Decimal(random.randrange(100)) / 100, volume, at, maker=False)
        if number % DEPOSIT_EVERY == 0:
            exchange.clearing.deposit("USD", Decimal(10), at)
        yield at


def _store(exchange: Exchange, at: datetime) -> None:
    exchange.floor.events.clear()
    exchange.clock.jump(at)
    exchange.commit(at)
