"""The decisions, orders and fills of a profile, read from its journal and gone over again."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from krakked_tui.domain.fills import Trade
from krakked_tui.domain.orders import LocalOrder, Side
from krakked_tui.domain.plans import DecisionRecord
from krakked_tui.execution import lifecycle
from krakked_tui.execution.holding_book import HoldingBook
from krakked_tui.execution.holdings import Holding
from krakked_tui.sandbox.catalog import load_catalog
from krakked_tui.storage.journal_reader import read_decisions, read_journal

ZERO = Decimal(0)


class Fill(msgspec.Struct, frozen=True):
    """A trade with the order it belongs to."""

    trade: Trade
    order: LocalOrder


class Books:
    """What a profile's journal says; nothing in it comes from a running engine."""

    def __init__(self, home: Path) -> None:
        journal = home / "data" / "demo" / "krakked.db"
        stored = read_journal(journal)
        assert stored is not None, "there is no journal"
        self.decisions: Sequence[DecisionRecord] = read_decisions(journal, limit=1000)[::-1]
        """Oldest first, as all that is here."""
        self.orders = sorted(stored.orders, key=lambda order: order.created_at)
        self.snapshots = stored.snapshots
        self.entries = stored.entries
        by_id = {order.kraken_order_id: order for order in stored.orders if order.kraken_order_id}
        self.fills = [Fill(trade, by_id[trade.kraken_order_id]) for trade in stored.trades]

    def shares(self, upto: datetime | None = None) -> dict[str, dict[str, Decimal]]:
        """Return what each strategy holds, in base, by pair: bought less sold, dust and all.

        A fill is split among the shares of its order in proportion.
        """
        found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for fill in self.fills:
            if upto is not None and fill.trade.time > upto:
                continue
            sign = 1 if fill.trade.side == Side.BUY else -1
            for strategy_id, part in _split(fill):
                found[fill.trade.pair][strategy_id] += sign * part
        return {pair: dict(parts) for pair, parts in found.items()}

    def replayed(self) -> dict[str, Holding]:
        """Return what Krakked makes of the same fills."""
        book, listings = HoldingBook(), load_catalog("default").listings
        for fill in self.fills:
            book.apply(fill.order, fill.trade, listings[fill.trade.pair].pair)
        return book.holdings

    def positions(self, upto: datetime | None = None) -> dict[str, Decimal]:
        """Return what is held of each pair, in base; bought less sold."""
        found: dict[str, Decimal] = defaultdict(Decimal)
        for trade in (fill.trade for fill in self.fills):
            if upto is None or trade.time <= upto:
                found[trade.pair] += trade.volume if trade.side == Side.BUY else -trade.volume
        return dict(found)

    def live_buys(self, at: datetime) -> Iterator[tuple[LocalOrder, Decimal]]:
        """Yield the buys that were at work then, each with what it could still buy."""
        for order in self.orders:
            ended = order.status in lifecycle.ENDS and order.updated_at < at
            if order.request.side is Side.BUY and order.created_at < at and not ended:
                filled = sum(
                    (f.trade.volume for f in self.fills if f.order is order and f.trade.time <= at), ZERO
                )
                yield order, order.request.volume - filled


def _split(fill: Fill) -> Iterator[tuple[str, Decimal]]:
    shares = fill.order.shares
    total = sum((share.size for share in shares), ZERO)
    for share in shares:
        yield share.strategy_id, fill.trade.volume * share.size / total


def repeated(names: Sequence[object]) -> dict[object, int]:
    """Return what occurs more than once."""
    return {name: count for name, count in Counter(names).items() if count > 1}
