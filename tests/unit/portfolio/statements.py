"""Books from a statement one can read.

    deposit   50000 USD
    buy       0.5 XBTUSD @ 20000  fee 40 USD
    sell      0.5 XBTUSD @ 22000  fee 44 USD

One line per minute, from START on; trades are numbered T1, T2, … and other lines L1, L2, ….
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import CostBasis
from krakked_tui.portfolio.ledger import Books

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def make_pair(base: str, quote: str = "USD") -> PairMetadata:
    """A pair with Kraken's usual precisions."""
    return PairMetadata(
        canonical=base + quote,
        base=base,
        quote=quote,
        rest_symbol=base + quote,
        ws_symbol=f"{base}/{quote}",
        raw_name=base + quote,
        price_decimals=1,
        tick_size=Decimal("0.1"),
        volume_decimals=8,
        lot_size=Decimal("0.00000001"),
        order_min=Decimal("0.00005"),
        cost_min=Decimal("0.5"),
        cost_decimals=5,
        asset_class="currency",
    )


PAIRS = {pair.canonical: pair for pair in (make_pair("XBT"), make_pair("ETH"), make_pair("ETH", "XBT"))}


def make_trade(line: str, trade_id: str = "T1", at: datetime = START, cost: Decimal | None = None) -> Trade:
    """A trade from ``side volume pair @ price [fee amount asset]...``."""
    side, volume, pair, _, price, *fees = line.split()
    amounts = [Fee(fees[i + 2], Decimal(fees[i + 1])) for i in range(0, len(fees), 3)]
    return Trade(
        trade_id=trade_id,
        kraken_order_id="O" + trade_id,
        pair=pair,
        side=side,
        price=Decimal(price),
        volume=Decimal(volume),
        cost=Decimal(price) * Decimal(volume) if cost is None else cost,
        fees=tuple(amounts),
        time=at,
        maker=False,
    )


def make_entry(
    entry_id: str,
    asset: str,
    amount: str,
    fee: str = "0",
    *,
    refid: str = "",
    kind: str = "trade",
    at: datetime = START,
) -> LedgerEntry:
    """A row of the exchange's ledger."""
    return LedgerEntry(entry_id, refid, at, kind, "", asset, Decimal(amount), Decimal(fee), Decimal(0))


Event = Trade | LedgerEntry


def trades_of(statement: str) -> list[Trade]:
    """The trades of a statement."""
    return [event for event in read(statement) if isinstance(event, Trade)]


def read(statement: str) -> Iterator[Event]:
    """The events of a statement."""
    trades = entries = 0
    for number, line in enumerate(filter(None, map(str.strip, statement.splitlines()))):
        at = START + number * MINUTE
        kind, *rest = line.split()
        if kind in ("buy", "sell"):
            trades += 1
            yield make_trade(line, f"T{trades}", at)
        else:
            entries += 1
            amount, asset, *fee = rest
            signed = f"-{amount}" if kind == "withdrawal" else amount
            yield make_entry(f"L{entries}", asset, signed, fee[1] if fee else "0", kind=kind, at=at)


def apply(books: Books, event: Event) -> bool:
    """Feed one event."""
    if isinstance(event, Trade):
        return books.apply_trade(event, PAIRS[event.pair])
    return books.apply_entry(event)


def books_of(statement: str, method: CostBasis = CostBasis.WAC) -> Books:
    """The books after a statement."""
    books = Books(method=method, pairs=PAIRS.values())
    for event in read(statement):
        assert apply(books, event)
    return books
