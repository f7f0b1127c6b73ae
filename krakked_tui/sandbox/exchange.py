"""The exchange: takes orders, matches them against the market as time passes, keeps the books.

Every entry point first lets the market catch up with the clock, so that what happened before a
request is booked before the request is looked at. A change is durable before it is answered or
published, and published before it is answered: events precede the reply to the request that caused
them. Kraken promises no order of the two, so a client must not rely on either.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.precision import at_scale
from krakked_tui.sandbox.amending import Amending, Amendment, Edition
from krakked_tui.sandbox.arrivals import Arrivals
from krakked_tui.sandbox.catalog import Catalog
from krakked_tui.sandbox.clearing import Clearing
from krakked_tui.sandbox.clock import SandboxClock, micros_of
from krakked_tui.sandbox.dead_man import DeadMan
from krakked_tui.sandbox.faults import UNKNOWN_ORDER, ApiError
from krakked_tui.sandbox.floor import Floor
from krakked_tui.sandbox.ids import TRADE, make_id
from krakked_tui.sandbox.market_changes import PRECISION, MarketChange, carry_out
from krakked_tui.sandbox.order_rules import check_cancel
from krakked_tui.sandbox.orders import Draft, ExchangeEvent, Order, PairChanged, SystemChanged
from krakked_tui.sandbox.passing import Passage
from krakked_tui.sandbox.state_file import StateFile
from krakked_tui.sandbox.trading_limits import (
    CANCEL_ALL_COST,
    DEAD_MAN_COST,
    TradingLimits,
    cancel_cost,
)
from krakked_tui.sim.account import Account
from krakked_tui.sim.bars import DAY_MINUTES
from krakked_tui.sim.liquidity import DEPTH
from krakked_tui.sim.market import Market, Quote
from krakked_tui.sim.matching import Book
from krakked_tui.sim.tape import MINUTE_MICROS

TIME_AHEAD: Final = timedelta(seconds=5)
"""So much wall time ahead a running clock is stored: after a crash it is never seen to go back."""

HISTORY: Final = timedelta(days=730)
"""How far the market reaches back before the exchange's first instant."""

SYSTEMS: Final = ("online", "maintenance", "cancel_only", "post_only", "limit_only", "reduce_only")
"""Modes of the whole exchange."""

DELISTED_REASON: Final = "Pair delisted"
"""Why the orders of a delisted pair end; Kraken's wording is not known."""

_SYSTEM: Final = "system"
_DEAD_MAN: Final = "dead_man"
_AMENDS: Final = "amends"
_UNEXPLAINED: Final = "unexplained"


class Exchange:
    """One exchange with one account, as its state file left it.

    ``founded_at`` is its first instant, ``matched_until`` the one up to which the market has been
    applied to open orders. ``tier`` is the account's level (``none`` is without trading limits).
    Raises ``StorageError`` when a change cannot be stored: then nothing it did may be believed.
    """

    def __init__(
        self,
        catalog: Catalog,
        market: Market,
        clock: SandboxClock,
        state: StateFile,
        *,
        founded_at: datetime,
        matched_until: datetime,
        tier: str = "none",
    ) -> None:
        self.catalog = catalog
        self.founded_at = founded_at
        self.market = market
        self.clock = clock
        self.books = state.books()
        for change in self.books.market_changes:
            carry_out(change, catalog, market)
        self.clearing = Clearing(catalog, market, self.books)
        self.limits = TradingLimits(tier, clock.wall)
        self.floor = Floor(catalog, market, self.books, self.clearing)
        self.arrivals = Arrivals(self.floor, clock, self.limits)
        self._amending = Amending(self.floor, self.arrivals, clock, self.limits)
        self._state = state
        self._matched_until = matched_until
        self._stored_until = matched_until
        self._listeners: list[Callable[[ExchangeEvent], None]] = []
        self._facts: dict[str, str] = {}
        self._noted = False
        facts = state.facts()
        self.floor.system = facts.get(_SYSTEM, "online")
        self._amends = int(facts.get(_AMENDS, "0"))
        self._unexplained = msgspec.json.decode(facts.get(_UNEXPLAINED, "{}"), type=dict[str, Decimal])
        for asset, amount in self._unexplained.items():
            self._shift(asset, amount)
        fires_at = facts.get(_DEAD_MAN, "")
        self._dead_man = DeadMan(datetime.fromisoformat(fires_at) if fires_at else None)
        self.floor.restore(matched_until)

    @property
    def account(self) -> Account:
        """Balances and holds."""
        return self.clearing.account

    @property
    def system(self) -> str:
        """The mode of the whole exchange, one of ``SYSTEMS``."""
        return self.floor.system

    @property
    def dead_man_at(self) -> datetime | None:
        """Exchange time at which the dead man's switch fires, None while it is off."""
        return self._dead_man.at

    @property
    def trading_maximum(self) -> int:
        """The trading counter's maximum, as clients are told it."""
        return self.limits.maximum

    def trading_counter(self, pair_name: str) -> Decimal:
        """Return a pair's trading counter as it stands now."""
        return self.limits.count(pair_name)

    @property
    def history_start(self) -> int:
        """The oldest minute (since 1970) whose candles are on offer."""
        return (micros_of(self.founded_at - HISTORY) // MINUTE_MICROS) // DAY_MINUTES * DAY_MINUTES

    def listen(self, listener: Callable[[ExchangeEvent], None]) -> None:
        """Have every event handed to ``listener``, in order, once it is durable."""
        self._listeners.append(listener)

    def remember(self, name: str, value: str) -> None:
        """Keep a fact; it is stored with the next change and found again in the state file's facts."""
        self._facts[name] = value

    def _note(self, name: str, value: str) -> None:
        """Keep a fact that is a change itself."""
        self._facts[name] = value
        self._noted = True

    def catch_up(self) -> datetime:
        """Let the market do what it did until now; return exchange time, safely stored."""
        now = self.clock.now()
        if now > self._matched_until:
            self._pass(now)
        self.commit(now)
        return now

    def _pass(self, now: datetime) -> None:
        """Apply the market to the open orders; whatever happens, no instant is ever applied twice."""
        armed_until = self._dead_man.at
        passage = Passage(self.floor, self._dead_man, self._matched_until, now)
        try:
            passage.run()
        finally:
            self._matched_until = passage.reached
            if self._dead_man.at != armed_until:
                self._note(_DEAD_MAN, "")

    def place(self, draft: Draft) -> Order:
        """Accept an order and match it, or raise ``ApiError``. The order returned may be filled already."""
        now = self.catch_up()
        order = self.arrivals.place(draft, self.system, now)
        self.commit(now)
        return self.books.orders[order.order_id]

    def place_batch(self, drafts: Sequence[Draft]) -> list[Order | ApiError]:
        """Accept orders of one pair together; see ``Arrivals.place_batch``."""
        now = self.catch_up()
        outcomes = self.arrivals.place_batch(drafts, self.system, now)
        self.commit(now)
        return outcomes

    def examine(self, draft: Draft) -> None:
        """Make all checks of an order without placing it."""
        self.arrivals.examine(draft, self.system, self.catch_up())

    def examine_batch(self, drafts: Sequence[Draft]) -> list[ApiError | None]:
        """Make all checks of a batch without placing it; see ``Arrivals.examine_batch``."""
        return self.arrivals.examine_batch(drafts, self.system, self.catch_up())

    def charge_refused(self, name: str, cost: Decimal) -> None:
        """Count the fixed cost of a request about a pair that is refused before the engine sees it.

        Of orders, amends and edits that do reach it, it counts the refused ones itself.
        """
        self.limits.charge(name, cost, overshoot=True)

    def amend(self, order: Order, amendment: Amendment) -> str:
        """Change an open order in place, or raise ``ApiError``; return the amend's id."""
        now = self.catch_up()
        self._amending.amend(self._still_open(order), amendment, self.system, now)
        self._amends += 1
        self._note(_AMENDS, str(self._amends))
        self.commit(now)
        # Spelled like a trade's id, as recorded; trades count upwards from 1.
        return make_id(self.market.seed, TRADE, -self._amends)

    def edit(self, order: Order, edition: Edition) -> Order:
        """Replace an open order, or raise ``ApiError``; return the new one."""
        now = self.catch_up()
        found = self._amending.edit(self._still_open(order), edition, self.system, now)
        self.commit(now)
        return self.books.orders[found.order_id]

    def edited(self, order: Order, edition: Edition) -> Draft:
        """Check an edit without making it: return the draft of the order that would come of it."""
        now = self.catch_up()
        draft = self._amending.edited(self._still_open(order), edition)
        return self.arrivals.checked(draft, self.system, now, new=False)

    def cancel(self, orders: Iterable[Order], reason: str, *, overshoot: bool = False) -> int:
        """Cancel open orders; return how many were open.

        Raises ``ApiError`` and cancels none during maintenance or when the trading counter does not
        allow it; with ``overshoot`` the counter may pass its maximum.
        """
        now = self.catch_up()
        open_now = [order for order in orders if order.order_id in self.books.open_orders]
        for order in open_now:
            check_cancel(self.system, self.catalog.listings[order.draft.pair].pair.status)
        costs: defaultdict[str, Decimal] = defaultdict(Decimal)
        for order in open_now:
            costs[order.draft.pair] += cancel_cost(self.clock.wall_seconds(now - order.touched_at))
        self.limits.charge_all(costs, overshoot=overshoot)
        self._cancel(open_now, now, reason)
        self.commit(now)
        return len(open_now)

    def cancel_all(self, reason: str) -> int:
        """Cancel every open order; return how many there were. Raises ``ApiError`` as ``cancel`` does."""
        now = self.catch_up()
        open_now = list(self.books.open_orders.values())
        check_cancel(self.system, PairStatus.ONLINE)
        for name in {order.draft.pair for order in open_now}:
            self.limits.charge(name, CANCEL_ALL_COST, overshoot=True)
        self._cancel(open_now, now, reason, follow=False)
        self.commit(now)
        return len(open_now)

    def cancel_all_after(self, seconds: int) -> datetime:
        """Arm the dead man's switch with a wall-time timeout, or turn it off with 0; return the time now."""
        now = self.catch_up()
        self._dead_man.set(seconds, now, self.clock.factor)
        self._note(_DEAD_MAN, "" if self._dead_man.at is None else self._dead_man.at.isoformat())
        for name in {order.draft.pair for order in self.books.open_orders.values()}:
            self.limits.charge(name, DEAD_MAN_COST, overshoot=True)
        self.commit(now)
        return now

    def set_system(self, system: str) -> None:
        """Put the whole exchange into one of ``SYSTEMS``."""
        now = self.catch_up()
        self.floor.system = system
        self._note(_SYSTEM, system)
        self.floor.events.append(SystemChanged(system))
        self.commit(now)

    def change_market(self, change: MarketChange) -> None:
        """Change a pair's market or listing for good; its time must be now."""
        now = self.catch_up()
        carry_out(change, self.catalog, self.market)
        self.books.add_market_change(change)
        self.floor.events.append(PairChanged(change.pair))
        on_pair = [order for order in self.books.open_orders.values() if order.draft.pair == change.pair]
        if self.catalog.listings[change.pair].pair.status is PairStatus.DELISTED:
            self._cancel(on_pair, now, DELISTED_REASON, follow=False)
        elif change.kind == PRECISION:
            self._amending.restate(on_pair, now)
        self.commit(now)

    def change_balance(self, asset: str, amount: Decimal) -> None:
        """Change a balance without a ledger row, by what is available; nobody is told."""
        now = self.catch_up()
        self._shift(asset, amount)
        self._unexplained[asset] = self._unexplained.get(asset, ZERO) + amount
        self._note(_UNEXPLAINED, msgspec.json.encode(self._unexplained).decode())
        self.commit(now)

    def _shift(self, asset: str, amount: Decimal) -> None:
        found = self.catalog.find_balance(asset)
        assert found is not None, f"no asset: {asset}"
        self.account.move(found.name, amount, at_scale(ZERO, found.decimals))

    def quote(self, name: str, at: datetime) -> Quote:
        """Bid, ask and last price of a pair, in the market's ticks and on the listing's tick."""
        return self.floor.quote(name, at)

    def book(self, name: str, at: datetime, depth: int = DEPTH) -> Book:
        """The order book of a pair, on the listing's tick."""
        return self.floor.book(name, at, depth)

    def usd_value(self, asset: str, amount: Decimal, at: datetime) -> Decimal:
        """Value an amount, in whatever form, at its pair's last price; at par without a pair with USD."""
        return self.clearing.usd_value(asset, amount, at)

    def open_account(self, balance: dict[str, Decimal], facts: dict[str, str]) -> None:
        """Found a new exchange: store its facts and book the starting balance as deposits."""
        now = self.clock.now()
        for asset, amount in sorted(balance.items()):
            self.clearing.deposit(asset, amount, now)
        self._save(facts | _times(now, now))

    def close(self) -> None:
        """Store the exact time and close the state file. Nothing may be called afterwards."""
        now = self.catch_up()
        self._save(_times(now, now))
        self._state.close()

    def commit(self, now: datetime) -> None:
        """Store what is new, then publish it. Who changes the books from outside calls this at the end."""
        if self.books.has_changes or self._noted or now > self._stored_until:
            self._stored_until = now + TIME_AHEAD * self.clock.speed
            self._save(_times(self._stored_until, self._matched_until))
        events, self.floor.events = self.floor.events, []
        for event in events:
            for listener in self._listeners:
                listener(event)

    def _save(self, times: dict[str, str]) -> None:
        self._state.save(self.books.changes, self._facts | times, self.books)
        # Only now: what could not be stored is stored with the next change, or never.
        self.books.settle_changes()
        self._facts, self._noted = {}, False

    def _still_open(self, order: Order) -> Order:
        """Return an order as it is now; it may have ended since it was looked up."""
        if order.order_id not in self.books.open_orders:
            raise ApiError(UNKNOWN_ORDER)
        return self.books.open_orders[order.order_id]

    def _cancel(self, orders: Iterable[Order], now: datetime, reason: str, *, follow: bool = True) -> None:
        for order in orders:
            # Cancelling one may have ended another; ended ones stay as they are.
            if order.order_id in self.books.open_orders:
                current = self.books.open_orders[order.order_id]
                self.floor.end(current, ExchangeStatus.CANCELED, now, reason, follow=follow)


def _times(until: datetime, matched: datetime) -> dict[str, str]:
    """The facts about time: the clock resumes at one, the market is matched up to the other."""
    return {"time": until.isoformat(), "matched": matched.isoformat()}
