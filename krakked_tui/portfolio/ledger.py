"""The books: every fill and every row of the exchange's ledger, turned into balances and positions.

What the books say is a function of the *set* of events alone, so arrival order does not matter:

- Balances are sums. A trade counts at once with what its own row says (``expected_movements``);
  when the exchange's ledger rows for it arrive (type ``trade``, ``refid`` the trade's id), they
  replace that, asset by asset: they carry the full scale and are the final truth. Rows that come
  before their trade count from the start. Every other row is a cash flow.
- Positions are folds over the trades of a pair in a fixed order: by exchange time, at the same
  time buys before sells (so that nothing looks oversold that was not), then by trade id. The
  position after every trade is kept, so that a late trade or ledger row is booked where it
  belongs by replaying only what follows it.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.portfolio.cost_basis import (
    NOTHING,
    Booking,
    LedgerFinding,
    Movement,
    Position,
    book,
    expected_movements,
    pass_by,
)

TRADE_ROW = "trade"
"""Type of the ledger rows that belong to a trade."""


class LedgerState(msgspec.Struct, frozen=True):
    """What the books say at one instant.

    ``positions`` by pair, closed ones included; ``balances`` and ``cash_flows`` (net, since the
    beginning) by normalised asset name; totals in base currency; ``findings`` by time.
    """

    positions: dict[str, Position] = {}
    balances: dict[str, Decimal] = {}
    cash_flows: dict[str, Decimal] = {}
    realized_pnl: Decimal = ZERO
    fees_paid: Decimal = ZERO
    findings: tuple[LedgerFinding, ...] = ()


class RealizedPnL(msgspec.Struct, frozen=True):
    """What one trade made, net of its ``fee``; both in the quote asset."""

    trade_id: str
    pair: str
    time: datetime
    pnl: Decimal
    fee: Decimal


@dataclass(slots=True)
class _History:
    """The trades of a pair in their fixed order, and the booking of each at the same index."""

    pair: PairMetadata
    trades: list[Trade] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)

    def index(self, trade: Trade) -> int:
        """Where a trade stands, or would stand."""
        key = _order(trade)
        if not self.trades or _order(self.trades[-1]) < key:
            return len(self.trades)
        return bisect_left(self.trades, key, key=_order)

    def before(self, index: int) -> Position:
        """The position before the trade at ``index``."""
        if index:
            return self.bookings[index - 1].position
        return Position(self.pair.canonical, self.pair.base)


class Books:
    """The one owner of the books. Fed with every trade and ledger row, in any order, repeats included."""

    def __init__(self, base_currency: str = "USD") -> None:
        self._base_currency = base_currency
        self._trades: dict[str, Trade] = {}
        self._histories: dict[str, _History] = {}
        self._entry_ids: set[str] = set()
        # What the ledger rows of each trade say, by trade id and asset.
        self._rows: dict[str, dict[str, Movement]] = {}
        self._balances: dict[str, Decimal] = {}
        self._cash_flows: dict[str, Decimal] = {}
        self._findings: dict[str, tuple[LedgerFinding, ...]] = {}
        self._last_trade_time: datetime | None = None
        self._last_entry_time: datetime | None = None
        # Made on demand; None when something has changed since.
        self._state: LedgerState | None = None

    @property
    def state(self) -> LedgerState:
        """What the books say now."""
        if self._state is None:
            positions = {pair: history.bookings[-1].position for pair, history in self._histories.items()}
            self._state = LedgerState(
                positions=positions,
                balances=dict(self._balances),
                cash_flows=dict(self._cash_flows),
                realized_pnl=sum((position.realized_pnl for position in positions.values()), ZERO),
                fees_paid=sum((position.fees_paid for position in positions.values()), ZERO),
                findings=tuple(
                    sorted(
                        (finding for group in self._findings.values() for finding in group),
                        key=lambda finding: (finding.at, finding.trade_id, finding.kind),
                    )
                ),
            )
        return self._state

    @property
    def last_trade_time(self) -> datetime | None:
        """Exchange time of the newest trade, None without any."""
        return self._last_trade_time

    @property
    def last_entry_time(self) -> datetime | None:
        """Exchange time of the newest ledger row, None without any."""
        return self._last_entry_time

    def balance(self, asset: str) -> Decimal:
        """What we hold of an asset (normalised name), by the books."""
        return self._balances.get(asset, ZERO)

    def realized(self, trade_id: str) -> RealizedPnL | None:
        """What a trade made; None when it is not known."""
        trade = self._trades.get(trade_id)
        if trade is None:
            return None
        history = self._histories[trade.pair]
        booking = history.bookings[history.index(trade)]
        return RealizedPnL(trade_id, trade.pair, trade.time, booking.pnl, booking.fee)

    def apply_trade(self, trade: Trade, pair: PairMetadata) -> bool:
        """Book a fill. Returns whether it is new; one whose id is known changes nothing."""
        if trade.trade_id in self._trades:
            return False
        self._state = None
        self._trades[trade.trade_id] = trade
        self._last_trade_time = max(self._last_trade_time or trade.time, trade.time)
        settled = self._rows.get(trade.trade_id, {})
        for asset, movement in expected_movements(trade, pair).items():
            if asset not in settled:
                self._move(asset, movement.net)
        history = self._histories.get(trade.pair)
        if history is None:
            history = self._histories[trade.pair] = _History(pair)
        index = history.index(trade)
        history.trades.insert(index, trade)
        self._rebook(history, index)
        return True

    def apply_entry(self, entry: LedgerEntry) -> bool:
        """Book a ledger row. Returns whether it is new; one whose id is known changes nothing."""
        if entry.entry_id in self._entry_ids:
            return False
        self._state = None
        self._entry_ids.add(entry.entry_id)
        self._last_entry_time = max(self._last_entry_time or entry.time, entry.time)
        movement = Movement(entry.amount, entry.fee)
        self._move(entry.asset, movement.net)
        if entry.type == TRADE_ROW:
            self._settle(entry.refid, entry.asset, movement)
        else:
            self._cash_flows[entry.asset] = self._cash_flows.get(entry.asset, ZERO) + movement.net
        return True

    def _settle(self, trade_id: str, asset: str, movement: Movement) -> None:
        """Put a ledger row in the place of what the trade row said about that asset."""
        settled = self._rows.setdefault(trade_id, {})
        first = asset not in settled
        settled[asset] = movement if first else settled[asset] + movement
        trade = self._trades.get(trade_id)
        if trade is None:
            return
        history = self._histories[trade.pair]
        if first:
            self._move(asset, -expected_movements(trade, history.pair).get(asset, NOTHING).net)
        self._rebook(history, history.index(trade))

    def _rebook(self, history: _History, first: int) -> None:
        """Book the trades of a pair again from index ``first`` on."""
        position = history.before(first)
        del history.bookings[first:]
        for trade in history.trades[first:]:
            booking = self._book(position, trade, history.pair)
            position = booking.position
            history.bookings.append(booking)
            self._findings.pop(trade.trade_id, None)
            if booking.findings:
                self._findings[trade.trade_id] = booking.findings

    def _book(self, position: Position, trade: Trade, pair: PairMetadata) -> Booking:
        if pair.quote != self._base_currency:
            return pass_by(position, trade, pair)
        settled = self._rows.get(trade.trade_id, {})
        return book(position, trade, pair, expected_movements(trade, pair) | settled)

    def _move(self, asset: str, change: Decimal) -> None:
        self._balances[asset] = self._balances.get(asset, ZERO) + change


def _order(trade: Trade) -> tuple[datetime, bool, str]:
    return (trade.time, trade.side != Side.BUY, trade.trade_id)
