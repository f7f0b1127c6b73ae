"""Books from a statement one can read.

    2026-01-05  deposit     50000 USD
    2026-01-10  buy         0.5 XBTUSD @ 20000  fee 40 USD
                buy         2 ETHXBT @ 0.05     at 60000 XBT
                staking     0.01 XBT            at 61000
                convert     1 ETH to 3000 USD
                move        0.2 XBT to XBT.M
                withdrawal  0.1 XBT fee 0.0001

One line per minute, from START or the date at its beginning on; trades are numbered T1, T2, … and other rows
L1, L2, …. ``at`` is a price in base currency for the event: of the asset named, or of the line's.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import CostBasis, Rate
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


PAIRS = {
    pair.canonical: pair
    for pair in (
        make_pair("XBT"), make_pair("ETH"), make_pair("DOT"), make_pair("EUR"), make_pair("USDT"),
        make_pair("ETH", "XBT"), make_pair("XBT", "EUR"),
    )
}  # fmt: skip


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


Event = Trade | LedgerEntry | Rate


def trades_of(statement: str) -> list[Trade]:
    """The trades of a statement."""
    return [event for event in read(statement) if isinstance(event, Trade)]


def read(statement: str) -> Iterator[Event]:
    """The events of a statement."""
    at, trades, rows = START - MINUTE, 0, 0
    for line in filter(None, map(str.strip, statement.splitlines())):
        words, _, rate = line.partition(" at ")
        kind, *rest = words.split()
        at += MINUTE
        if kind[0].isdigit():
            at = datetime.fromisoformat(kind).replace(tzinfo=UTC)
            kind, *rest = rest
        if kind in ("buy", "sell"):
            trades += 1
            event_id, asset = f"T{trades}", ""
            yield make_trade(" ".join([kind, *rest]), event_id, at)
        else:
            event_id, asset = f"L{rows + 1}", rest[1]
            for row in _rows(kind, rest, rows, at):
                rows += 1
                yield row
        if rate:
            price, *names = rate.split()
            yield Rate(event_id, names[0] if names else asset, Decimal(price), "candle")


def _rows(kind: str, words: list[str], count: int, at: datetime) -> Iterator[LedgerEntry]:
    amount, asset, *rest = words
    if kind in ("convert", "move"):
        into = (rest[1], rest[2]) if kind == "convert" else (amount, rest[1])
        types = ("spend", "receive") if kind == "convert" else ("earn", "earn")
        refid = f"R{count}"
        yield make_entry(f"L{count + 1}", asset, f"-{amount}", refid=refid, kind=types[0], at=at)
        yield make_entry(f"L{count + 2}", into[1], into[0], refid=refid, kind=types[1], at=at)
        return
    signed = f"-{amount}" if kind == "withdrawal" else amount
    yield make_entry(f"L{count + 1}", asset, signed, rest[1] if rest else "0", kind=kind, at=at)


def apply(books: Books, event: Event) -> bool:
    """Feed one event."""
    match event:
        case Trade():
            return books.apply_trade(event, PAIRS[event.pair])
        case LedgerEntry():
            return books.apply_entry(event)
        case Rate():
            return books.apply_rate(event)


def books_of(statement: str, method: CostBasis = CostBasis.WAC) -> Books:
    """The books after a statement."""
    books = Books(method=method, pairs=PAIRS.values())
    for event in read(statement):
        assert apply(books, event)
    return books
