"""The books: every fill, every row of the exchange's ledger, every price for them, turned into accounts.

Kept by asset, in the base currency, which is worth itself: an account knows its lots and their cost. For
every event the sum over all assets of the change of cost is what it realized plus what it brought in
as a flow, at cost. As equity is that cost plus what is unrealized,

    change of equity = realized + change of unrealized + net cash flows

exactly, for whatever history; ``flows`` tells what a flow costs and what it is worth. What the books say
is a function of the *set* of events and rates alone, so arrival order and repeats do not matter:

- Balances are sums, by the exchange's own names. A trade counts at once with what its own row says;
  when the exchange's ledger rows for it arrive, they replace that, asset by asset: they carry the full
  scale and are the final truth. Rows that come before their trade (or whose trade never comes) count
  from the start.
- Accounts are a fold over all events in a fixed order: by exchange time; at the same time what comes in
  before purchases, then conversions, sales, and what goes out (so that nothing looks oversold that was
  not); then by id. The accounts are kept at ``checkpoints``, so that a late event is booked where it
  belongs by replaying little more than what follows it. Nothing is booked before
  somebody asks: a hundred thousand events given one by one are sorted and booked once.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import CashFlow, CostBasis, Disposal, Lot, Rate
from krakked_tui.portfolio.accounts import Account, Booking, Posting, Terms, WantedRate
from krakked_tui.portfolio.booked import Booked, EventKey, disposals_of, flows_of, made_something
from krakked_tui.portfolio.checkpoints import Checkpoints
from krakked_tui.portfolio.exchanges import book_trade
from krakked_tui.portfolio.findings import FindingKind, LedgerFinding
from krakked_tui.portfolio.flows import (
    MEANINGS,
    OWN_ROW,
    TRADE_ROW,
    Treatment,
    book_rows,
    meaning_of,
    movements_of,
)
from krakked_tui.portfolio.forms import Forms
from krakked_tui.portfolio.lots import NO_LOTS
from krakked_tui.portfolio.movements import (
    NOTHING,
    Movement,
    Settled,
    expected_movements,
    settle,
    tell_all,
    true_movements,
)

SOURCES = ("candle", "trade", "latest")
"""Where a rate can be from, the most trustworthy first: of two for the same event the better one counts."""


class Position(msgspec.Struct, frozen=True, gc=False):
    """What is held of the base asset of a pair with the base currency, in any form, and what it made.

    ``cost`` is the total paid for ``size``, fees aside; ``fees_paid`` and ``realized_pnl`` (net of
    those fees) are sums over the asset's whole history. ``opened_at`` is None when nothing is held.
    """

    pair: str
    base: str
    size: Decimal = ZERO
    cost: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    fees_paid: Decimal = ZERO
    opened_at: datetime | None = None

    @property
    def avg_entry_price(self) -> Decimal:
        """Cost per unit; zero when nothing is held."""
        return self.cost / self.size if self.size else ZERO


class LedgerState(msgspec.Struct, frozen=True):
    """What the books say at one instant.

    ``positions`` by the asset's pair with the base currency, closed ones included; ``accounts`` by asset,
    those without such a pair and the base currency too; ``balances`` by the exchange's (normalised)
    name, forms apart; ``cash_flows`` (net, since the beginning) by asset; totals in base currency, of
    flows at cost and at market; ``findings`` by time.
    """

    positions: dict[str, Position] = {}
    balances: dict[str, Decimal] = {}
    cash_flows: dict[str, Decimal] = {}
    realized_pnl: Decimal = ZERO
    fees_paid: Decimal = ZERO
    findings: tuple[LedgerFinding, ...] = ()
    accounts: dict[str, Account] = {}
    flow_cost: Decimal = ZERO
    flow_value: Decimal = ZERO


class RealizedPnL(msgspec.Struct, frozen=True):
    """What one trade made, net of its ``fee``; both in base currency.

    A conversion, or what a margin position made, has the id of its (first) ledger row and no ``pair``.
    ``unvalued`` says that a price is missing: of the fee, or of what was traded.
    """

    trade_id: str
    pair: str
    time: datetime
    pnl: Decimal
    fee: Decimal
    unvalued: bool = False


class Books:
    """The one owner of the books. Fed with trades, ledger rows and rates, in any order, repeats included.

    ``pairs`` are the known ones: they say what is an asset, what only the form of one (``forms``), and which
    pair stands for an asset; a trade's own pair is added. The same events and pairs give the same books.
    """

    def __init__(
        self,
        base_currency: str = "USD",
        method: CostBasis = CostBasis.WAC,
        pairs: Iterable[PairMetadata] = (),
    ) -> None:
        pairs = tuple(pairs)
        self.forms = Forms.of_pairs(pairs)
        self._terms = Terms(base_currency, NO_LOTS[method])
        self._homes: dict[str, str] = {}
        for pair in pairs:
            self._note_home(pair)
        self._trades: dict[str, Trade] = {}
        self._pairs: dict[str, PairMetadata] = {}
        self._entry_ids: set[str] = set()
        # What the ledger rows of each trade say, by trade id, and when the first of them was.
        self._rows: dict[str, tuple[Settled, ...]] = {}
        self._orphans: dict[str, datetime] = {}
        # The other rows by identity of their event, and the identity by the row's id.
        self._groups: dict[str, list[LedgerEntry]] = {}
        self._identities: dict[str, str] = {}
        self._rates: dict[str, dict[str, Rate]] = {}
        self._balances: dict[str, Decimal] = {}
        self._last_trade_time: datetime | None = None
        self._last_entry_time: datetime | None = None
        # The fold: keys in order, what each made, accounts after the last one and at checkpoints.
        self._keys: dict[str, EventKey] = {}
        self._order: list[EventKey] = []
        self._bookings: list[Booking] = []
        self._accounts: dict[str, Account] = {}
        self._checkpoints = Checkpoints()
        self._remarkable: dict[str, Booking] = {}
        # In the order in which they changed, which is mostly that of time, and so soon sorted.
        self._changed: dict[str, None] = {}
        # Made on demand; None when something has changed since.
        self._state: LedgerState | None = None

    @property
    def state(self) -> LedgerState:
        """What the books say now."""
        if self._state is None:
            self._settle()
            self._state = self._make_state()
        return self._state

    @property
    def last_trade_time(self) -> datetime | None:
        """Exchange time of the newest trade, None without any."""
        return self._last_trade_time

    @property
    def last_entry_time(self) -> datetime | None:
        """Exchange time of the newest ledger row of the exchange, None without any."""
        return self._last_entry_time

    @property
    def flows(self) -> tuple[CashFlow, ...]:
        """All cash flows, by time."""
        self._settle()
        return tuple(flows_of(self._bookings))

    @property
    def disposals(self) -> tuple[Disposal, ...]:
        """Every part of a lot that was sold, spent or paid as a fee, by time of sale."""
        self._settle()
        return tuple(disposals_of(self._bookings))

    def booked(self) -> Booked:
        """Everything that is booked now; what was taken earlier stays as it was."""
        self._settle()
        return Booked(
            self._terms.base_currency, tuple(self._order), tuple(self._bookings), self._trades.copy(),
            self._pairs.copy(), self._rates.copy(), self._rows.copy(),
        )  # fmt: skip

    @property
    def wanted_rates(self) -> tuple[WantedRate, ...]:
        """The prices that are missing, by time; answered with ``apply_rate``."""
        self._settle()
        wanted = (rate for booking in self._remarkable.values() for rate in booking.wanted)
        return tuple(sorted(wanted, key=lambda rate: (rate.at, rate.event_id, rate.asset)))

    def trades(self) -> list[Trade]:
        """All trades in the order of booking, which is not that of their arrival."""
        return sorted(self._trades.values(), key=lambda t: (t.time, t.side != Side.BUY, t.trade_id))

    def balance(self, name: str) -> Decimal:
        """What we hold under a name of the exchange, by the books: of ``XBT`` what can be traded."""
        return self._balances.get(name, ZERO)

    def lots(self, asset: str) -> tuple[Lot, ...]:
        """What is held of an asset, lot by lot, the oldest first."""
        self._settle()
        account = self._accounts.get(asset)
        return tuple(account.lots) if account else ()

    def realized(self, trade_id: str) -> RealizedPnL | None:
        """What a trade made; None when it is not known."""
        if trade_id not in self._trades:
            return None
        self._settle()
        return self._realized(trade_id, self._bookings[bisect_left(self._order, self._keys[trade_id])])

    def realized_records(self) -> Iterator[RealizedPnL]:
        """What every trade made, and whatever else made something, by time: together all that is realized."""
        self._settle()
        for (at, _, identity), booking in zip(self._order, self._bookings, strict=True):
            if identity in self._trades:
                yield self._realized(identity, booking)
            elif made_something(booking):
                yield RealizedPnL(booking.event_id, "", at, booking.pnl, booking.fee, bool(booking.wanted))

    def know(self, pairs: Iterable[PairMetadata]) -> None:
        """Learn of pairs: which one stands for an asset, and what is only a form of one, may be new."""
        homes = self._homes.copy()
        assets = set[str]()
        for pair in pairs:
            self._note_home(pair)
            assets |= {pair.base, pair.quote}
        forms = self.forms.with_known(assets)
        if forms is not self.forms:
            self.forms = forms
            rows = [entry for group in self._groups.values() for entry in group]
            for identity in (*self._groups, *self._trades, *self._orphans):
                self._touch(identity)
            self._groups.clear()
            for entry in rows:
                self._group(entry)
        if homes != self._homes:
            self._state = None

    def apply_trade(self, trade: Trade, pair: PairMetadata) -> bool:
        """Book a fill. Returns whether it is new; one whose id is known changes nothing."""
        if trade.trade_id in self._trades:
            return False
        self._trades[trade.trade_id] = trade
        if trade.pair not in self._pairs:
            self._pairs[trade.pair] = pair
            self._note_home(pair)
        pair = self._pairs[trade.pair]
        if trade.trade_id in self._orphans:
            del self._orphans[trade.trade_id]
        if self._last_trade_time is None or trade.time > self._last_trade_time:
            self._last_trade_time = trade.time
        settled = self._rows.get(trade.trade_id, ())
        if not tell_all(settled, trade, pair):
            known = {one.name for one in settled}
            for name, movement in true_movements(trade, pair, settled).items():
                if name not in known:
                    self._move(name, movement.net)
        self._touch(trade.trade_id)
        return True

    def apply_entry(self, entry: LedgerEntry) -> bool:
        """Book a ledger row. Returns whether it is new; one whose id is known changes nothing."""
        if entry.entry_id in self._entry_ids:
            return False
        self._entry_ids.add(entry.entry_id)
        if entry.subtype != OWN_ROW and (self._last_entry_time is None or entry.time > self._last_entry_time):
            self._last_entry_time = entry.time
        self._move(entry.asset, entry.amount - entry.fee)
        if entry.type == TRADE_ROW:
            self._settle_trade(entry)
        else:
            self._group(entry)
        return True

    def apply_rate(self, rate: Rate) -> bool:
        """Take a price for an event. Returns whether it changes what is known; the event may come later."""
        known = self._rates.get(rate.event_id, {})
        if rate.asset in known and _trust(known[rate.asset]) <= _trust(rate):
            return False
        self._rates[rate.event_id] = {**known, rate.asset: rate}
        self._touch(self._identities.get(rate.event_id, rate.event_id))
        return True

    def _group(self, entry: LedgerEntry) -> None:
        """Put a row with the others of its event."""
        alone = not entry.refid or meaning_of(entry, self.forms.form(entry.asset)).alone
        identity = f"row {entry.entry_id}" if alone else f"rows {entry.refid}"
        self._identities[entry.entry_id] = identity
        self._groups.setdefault(identity, []).append(entry)
        self._touch(identity)

    def _settle_trade(self, entry: LedgerEntry) -> None:
        """Put a ledger row in the place of what the trade row said about that asset."""
        trade_id, name = entry.refid, entry.asset
        before = self._rows.get(trade_id, ())
        self._rows[trade_id] = after = settle(before, name, entry.amount, entry.fee)
        trade = self._trades.get(trade_id)
        if trade is None:
            earliest = self._orphans.get(trade_id)
            if earliest is None or entry.time < earliest:
                self._orphans[trade_id] = entry.time
        elif len(after) > len(before):
            self._move(name, -expected_movements(trade, self._pairs[trade.pair]).get(name, NOTHING).net)
        self._touch(trade_id)

    def _move(self, name: str, change: Decimal) -> None:
        self._balances[name] = self._balances.get(name, ZERO) + change

    def _touch(self, identity: str) -> None:
        self._changed[identity] = None
        self._state = None

    def _note_home(self, pair: PairMetadata) -> None:
        """Remember the pair that stands for an asset; of several the one that is named after it."""
        if pair.quote == self._terms.base_currency:
            names = {pair.canonical, self._homes.get(pair.base, pair.canonical)}
            self._homes[pair.base] = min(names, key=lambda name: (name != pair.base + pair.quote, name))

    def _settle(self) -> None:
        """Book what has changed since the last time, and everything after it."""
        start = self._sort_in() if self._changed else None
        if start is not None:
            self._replay(start)

    def _sort_in(self) -> int | None:
        """Put what has changed in its place; return the number of the first event to be booked again."""
        changed, self._changed = self._changed, {}
        if not self._orphans:
            self._orphans = {}  # one that was emptied keeps its memory
        first: EventKey | None = None
        old, new = set[EventKey](), list[EventKey]()
        for identity in changed:
            before, after = self._keys.get(identity), self._key(identity)
            for key in (before, after):
                if key is not None and (first is None or key < first):
                    first = key
            if before == after:
                continue
            if before is not None:
                old.add(before)
                del self._keys[identity]
            if after is not None:
                new.append(after)
                self._keys[identity] = after
        if first is None:
            return None
        start = bisect_left(self._order, first)
        tail = [key for key in self._order[start:] if key not in old] + new
        tail.sort()
        self._order[start:] = tail
        return start

    def _replay(self, start: int) -> None:
        """Book the events from index ``start`` on again, from the checkpoint before it."""
        if start < len(self._bookings):
            start, self._accounts = self._checkpoints.back_to(start)
            del self._bookings[start:]
        for number, (at, _, identity) in enumerate(self._order[start:], start=start):
            self._checkpoints.note(number, self._accounts)
            posting = self._post(identity, at)
            self._accounts.update(posting.changed)
            booking = posting.booking()
            self._bookings.append(booking)
            if booking.findings or booking.wanted:
                self._remarkable[identity] = booking
            elif identity in self._remarkable:
                del self._remarkable[identity]

    def _key(self, identity: str) -> EventKey | None:
        """Return where an event stands, None for one that is not known (a rate came before it)."""
        trade = self._trades.get(identity)
        if trade is not None:
            return (trade.time, 1 if trade.side == Side.BUY else 3, identity)
        if identity in self._orphans:
            return (self._orphans[identity], 2, identity)
        rows = self._groups.get(identity)
        if rows is None:
            return None
        into = any(entry.amount > ZERO for entry in rows)
        out = any(entry.amount < ZERO for entry in rows)
        return (min(entry.time for entry in rows), 2 if into and out else 0 if into else 4, identity)

    def _post(self, identity: str, at: datetime) -> Posting:
        """Book one event on the accounts as they are."""
        trade = self._trades.get(identity)
        if trade is not None:
            return self._post_trade(trade, self._pairs[trade.pair])
        rows = self._groups.get(identity)
        if rows is not None:
            return self._post_rows(rows)
        posting = self._posting(identity, at, TRADE_ROW)
        legs = self._by_asset({one.name: one for one in sorted(self._rows[identity], key=_name)})
        book_rows(posting, MEANINGS[TRADE_ROW], legs, self._prices(identity))
        return posting

    def _posting(self, event_id: str, at: datetime, subject: str) -> Posting:
        return Posting(self._accounts, self._terms, self._terms.base_currency, event_id, at, subject)

    def _post_trade(self, trade: Trade, pair: PairMetadata) -> Posting:
        moved = true_movements(trade, pair, self._rows.get(trade.trade_id, ()))
        posting = self._posting(trade.trade_id, trade.time, trade.pair)
        names = (self.forms.asset(pair.base), self.forms.asset(pair.quote))
        book_trade(posting, trade, names, self._by_asset(moved), self._prices(trade.trade_id))
        return posting

    def _post_rows(self, rows: list[LedgerEntry]) -> Posting:
        rows = sorted(rows, key=lambda entry: (entry.time, entry.entry_id))
        first = rows[0]
        posting = self._posting(first.entry_id, first.time, first.type)
        rates = {asset: price for e in reversed(rows) for asset, price in self._prices(e.entry_id).items()}
        legs = movements_of([(entry, self.forms.asset(entry.asset)) for entry in rows])
        for entry in rows:
            if entry.type not in MEANINGS:
                posting.find(FindingKind.UNKNOWN_TYPE, entry.asset, entry.amount)
        book_rows(posting, meaning_of(first, self.forms.form(first.asset)), legs, rates)
        return posting

    def _by_asset(self, moved: Mapping[str, Movement]) -> dict[str, Movement]:
        asset_of = self.forms.asset
        legs: dict[str, Movement] = {asset_of(name): movement for name, movement in moved.items()}
        if len(legs) < len(moved):
            legs.clear()
            for name, movement in moved.items():
                legs[asset_of(name)] = legs.get(asset_of(name), NOTHING) + movement
        return legs

    def _prices(self, event_id: str) -> dict[str, Decimal]:
        rates = self._rates.get(event_id)
        return {asset: rate.price for asset, rate in rates.items()} if rates else {}

    def _realized(self, trade_id: str, booking: Booking) -> RealizedPnL:
        trade = self._trades[trade_id]
        unvalued = bool(booking.wanted)
        return RealizedPnL(trade_id, trade.pair, trade.time, booking.pnl, booking.fee, unvalued)

    def _make_state(self) -> LedgerState:
        accounts = self._accounts
        positions = {
            home: Position(
                home, asset, account.size, account.cost, account.realized, account.fees, account.opened_at
            )
            for asset, account in sorted(accounts.items())
            if (home := self._homes.get(asset)) is not None
        }
        findings = [
            finding
            for booking in self._remarkable.values()
            for finding in booking.findings
            # An adjustment may have made up for what was missing.
            if finding.kind is not FindingKind.OVERSOLD or accounts[finding.asset].missing
        ]
        findings.sort(key=lambda finding: (finding.at, finding.event_id, finding.kind, finding.asset))
        transit = (
            LedgerFinding(FindingKind.IN_TRANSIT, "", Treatment.MOVE, None, asset, account.transit)
            for asset, account in sorted(accounts.items())
            if account.transit
        )
        return LedgerState(
            positions=positions,
            balances=dict(self._balances),
            cash_flows={asset: account.flowed for asset, account in accounts.items() if account.flowed},
            realized_pnl=sum((account.realized for account in accounts.values()), ZERO),
            fees_paid=sum((account.fees for account in accounts.values()), ZERO),
            findings=(*findings, *transit),
            accounts=accounts.copy(),
            flow_cost=sum((account.flow_cost for account in accounts.values()), ZERO),
            flow_value=sum((account.flow_value for account in accounts.values()), ZERO),
        )


def _name(settled: Settled) -> str:
    return settled.name


def _trust(rate: Rate) -> tuple[int, Decimal]:
    source = rate.source.partition(" ")[0]
    return (SOURCES.index(source) if source in SOURCES else len(SOURCES), rate.price)
