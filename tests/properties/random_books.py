"""Random histories of an account: everything that can happen to one, in an order of arrival of its own."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random

from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import CostBasis, Rate
from krakked_tui.domain.precision import at_scale
from krakked_tui.portfolio.ledger import Books
from tests.unit.portfolio.statements import START, make_pair

QUOTES = {"XBTUSD": "31234.5", "ETHUSD": "1987.65", "EURUSD": "1.0832", "DOTUSD": "5.4321"}
PAIRS = {
    pair.canonical: pair
    for pair in (
        make_pair("XBT"), make_pair("ETH"), make_pair("EUR"), make_pair("DOT"), make_pair("ETH", "XBT"),
        make_pair("XBT", "EUR"), make_pair("DOT", "ETH"), make_pair("USD", "CHF"),
    )
}  # fmt: skip
FORMS = {"XBT": "XBT.M", "ETH": "ETH2.S", "DOT": "DOT28.S", "USD": "USD.HOLD"}
ASSETS = ("USD", "XBT", "ETH", "EUR", "DOT", "KFEE", "CHF")
Happening = Trade | LedgerEntry
Event = Happening | Rate


class History:
    """Events drawn at random; ``late`` is their order of arrival."""

    def __init__(self, seed: int, size: int = 24) -> None:
        self._random = Random(seed)
        self._count = 0
        self.events: list[Event] = []
        for _ in range(self._random.randrange(size)):
            self.events += self._draw()
        self.late = self.events.copy()
        self._random.shuffle(self.late)

    def _draw(self) -> Iterator[Event]:
        kinds = (
            self._trade,
            self._trade,
            self._trade,
            self._flow,
            self._move,
            self._conversion,
            self._oddity,
        )
        events = list(self._random.choice(kinds)())
        yield from events
        ids = {event.trade_id if isinstance(event, Trade) else event.entry_id for event in events}
        for event_id in sorted(ids):
            for asset in ASSETS[1:]:
                if self._random.random() < 0.3:
                    source = self._random.choice(("candle XBTUSD", "latest", "trade"))
                    yield Rate(event_id, asset, self._number("0.01", 40_000, 8), source)

    def _number(self, least: str, most: int, places: int) -> Decimal:
        low = Decimal(least)
        value = low + (most - low) * Decimal(self._random.randrange(1_000_000)) / 1_000_000
        return at_scale(value, places) if self._random.random() < 0.9 else low

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _time(self) -> timedelta:
        return timedelta(minutes=self._random.randrange(40))

    def _trade(self) -> Iterator[Happening]:
        number, pair = self._next(), self._random.choice([*PAIRS.values()])
        price, volume = self._number("0.1", 60_000, 1), self._number("0.00000001", 3, 8)
        cost = at_scale(price * volume, 5)
        buys = self._random.random() < 0.6
        fees = []
        for asset in (pair.quote, pair.base, "KFEE", "DOT", "USD"):
            if self._random.random() < 0.25:
                paid = volume if asset == pair.base else cost if asset == pair.quote else Decimal(3)
                permille = self._number("-0.2", 4, 1)
                fees.append(Fee(asset, at_scale(paid * permille / 1000, 8)))
        trade = Trade(
            f"T{number}", f"O{number}", pair.canonical, "buy" if buys else "sell", price, volume, cost,
            tuple(fees), START + self._time(), maker=False,
        )  # fmt: skip
        if self._random.random() < 0.95:
            yield trade
        if self._random.random() < 0.5:
            yield from self._rows_of(trade, pair)

    def _rows_of(self, trade: Trade, pair: PairMetadata) -> Iterator[Happening]:
        sign = 1 if trade.side == "buy" else -1
        paid: dict[str, Decimal] = {}
        for fee in trade.fees:
            paid[fee.asset] = paid.get(fee.asset, ZERO) + fee.amount
        moved = {pair.base: sign * trade.volume, pair.quote: -sign * trade.cost}
        for asset in sorted(moved.keys() | paid.keys()):
            amount = at_scale(moved.get(asset, ZERO), 4 if asset == "USD" else 10)
            taken = at_scale(paid.get(asset, ZERO), 10)
            if self._random.random() < 0.9:
                yield self._row("trade", asset, amount, taken, trade.trade_id, at=trade.time - START)

    def _row(
        self, kind: str, asset: str, amount: Decimal, fee: Decimal, refid: str, subtype: str = "",
        at: timedelta | None = None,
    ) -> LedgerEntry:  # fmt: skip
        return LedgerEntry(
            f"L{self._next()}", refid, START + (self._time() if at is None else at), kind, subtype, asset,
            amount, fee, ZERO,
        )  # fmt: skip

    def _flow(self) -> Iterator[Happening]:
        kind = self._random.choice(
            (
                "deposit",
                "deposit",
                "withdrawal",
                "staking",
                "transfer",
                "adjustment",
                "credit",
                "reward",
                "future",
            )
        )
        sign = -1 if kind == "withdrawal" or self._random.random() < 0.2 else 1
        amount = sign * self._number("0.0001", 5, 8)
        fee = self._number("0", 1, 4) / 10
        yield self._row(kind, self._random.choice(ASSETS), amount, fee, f"F{self._next()}")

    def _move(self) -> Iterator[Happening]:
        asset = self._random.choice([*FORMS])
        amount, back = self._number("0.0001", 2, 8), self._random.random() < 0.4
        refid, same = f"M{self._next()}", self._random.random() < 0.5
        subtype = self._random.choice(("allocation", "autoallocation", "bonding"))
        for name, sign in ((asset, -1), (FORMS[asset], 1)):
            if self._random.random() < 0.95:
                signed = -sign * amount if back else sign * amount
                yield self._row("earn", name, signed, ZERO, refid if same else refid + name, subtype)

    def _conversion(self) -> Iterator[Happening]:
        refid, at = f"C{self._next()}", self._time()
        names = self._random.sample(ASSETS, self._random.randrange(2, 5))
        outs = self._random.randrange(1, len(names))
        for number, asset in enumerate(names):
            out = number < outs
            amount = self._number("0.0001", 2, 8)
            fee = self._random.choice((ZERO, self._number("0", 1, 6) / 100))
            if self._random.random() < 0.95:
                kind = "spend" if out else "receive"
                yield self._row(kind, asset, -amount if out else amount, fee, refid, at=at)

    def _oddity(self) -> Iterator[Happening]:
        kind = self._random.choice(("margin", "rollover", "settled", "withdrawal"))
        asset, amount = self._random.choice(ASSETS), self._number("0.0001", 2, 8)
        refid, sign = f"X{self._next()}", self._random.choice((-1, 1))
        if kind == "withdrawal":  # one that failed: the second row takes it back
            yield self._row(kind, asset, -amount, ZERO, refid)
            yield self._row(kind, asset, amount, ZERO, refid)
        else:
            yield self._row(kind, asset, sign * amount, self._number("0", 1, 4) / 10, refid)


def apply(books: Books, event: Event) -> bool:
    """Feed one event."""
    match event:
        case Trade():
            return books.apply_trade(event, PAIRS[event.pair])
        case LedgerEntry():
            return books.apply_entry(event)
        case Rate():
            return books.apply_rate(event)


def new_books(method: CostBasis = CostBasis.WAC) -> Books:
    """Empty ones that know the pairs."""
    return Books("USD", method, PAIRS.values())


def booked(events: list[Event], method: CostBasis = CostBasis.WAC) -> Books:
    """The books after these events."""
    books = new_books(method)
    for event in events:
        apply(books, event)
    return books
