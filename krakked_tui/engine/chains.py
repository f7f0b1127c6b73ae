"""The whole chain of one decision: what was wanted, what was allowed, the orders, their fills, what it made.

Found by any of its ids, from what is stored of it: every number is as it was recorded.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from krakked_tui.domain.fills import Trade, apportion
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import LocalOrder, OrderTransition, Side
from krakked_tui.domain.plans import DecisionRecord
from krakked_tui.execution.holdings import shares_of
from krakked_tui.portfolio.summary import RealizedRecord

_SPLIT_DECIMALS = 10
_LEFT = 100
"""A share below this part of its largest size is what fees and rounding left: it has been sold."""


class JournalLook(Protocol):
    """What is stored of decisions and orders. Blocks on the disk; raises ``StorageError``."""

    def decisions(self, limit: int, before: datetime | None = None) -> Sequence[DecisionRecord]:
        """Return the newest decisions, newest first; of those made before a time, when one is given."""
        ...

    def decision(self, plan_id: str) -> DecisionRecord | None:
        """Return the decision of a plan; None when there is none of that id."""
        ...

    def transitions(self, cl_ord_id: str) -> Sequence[OrderTransition]:
        """Return the history of an order, oldest first."""
        ...


class NoJournal:
    """A ``JournalLook`` in which nothing is stored."""

    def decisions(self, _limit: int, _before: datetime | None = None) -> Sequence[DecisionRecord]:
        """Return none."""
        return ()

    def decision(self, _plan_id: str) -> DecisionRecord | None:
        """Return none."""
        return None

    def transitions(self, _cl_ord_id: str) -> Sequence[OrderTransition]:
        """Return none."""
        return ()


class Traded(msgspec.Struct, frozen=True):
    """Our orders, all trades of the account, and what each trade made, by its id (nothing: not known)."""

    orders: Sequence[LocalOrder]
    trades: Sequence[Trade]
    made: Callable[[str], Iterable[RealizedRecord]]


class OrderSteps(msgspec.Struct, frozen=True):
    """An order and its history, oldest first."""

    order: LocalOrder
    steps: tuple[OrderTransition, ...]


class Fill(msgspec.Struct, frozen=True):
    """A fill and what it made, net of fees, in base currency: a purchase minus its fee. None: not known."""

    trade: Trade
    cl_ord_id: str
    made: Decimal | None


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """One decision with what came of it. ``focus`` is the client id of the order that was asked about.

    ``orders`` are those of the plan, oldest first, and the sales of what it bought; ``fills`` are theirs, by
    time. ``decision`` is None for what was not decided in a cycle: ``notes`` say what it was then.
    """

    plan_id: str = ""
    focus: str = ""
    decision: DecisionRecord | None = None
    orders: tuple[OrderSteps, ...] = ()
    fills: tuple[Fill, ...] = ()
    notes: tuple[str, ...] = ()


def find_chain(name: str, traded: Traded, journal: JournalLook) -> Chain | None:
    """Return the chain of a plan, by its id, or by any id of an order or a trade; None when there is none.

    Blocks on the disk; raises ``StorageError``.
    """
    owners = _Owners(traded.orders)
    trade = next((each for each in traded.trades if each.trade_id == name), None)
    order = owners.named(name) if trade is None else owners.of(trade)
    if order is None and trade is not None:
        note = f"Trade {trade.trade_id} is of no order of Krakked's: nobody here decided on it."
        return Chain(fills=(_fill(trade, "", traded),), notes=(note,))
    plan_id = name if order is None else order.plan_id
    decision = journal.decision(plan_id) if plan_id else None
    made = [each for each in traded.orders if plan_id and each.plan_id == plan_id]
    if order is not None and not made:
        made = [order]
    if decision is None and not made:
        return None
    fills = [each for each in traded.trades if owners.of(each) is not None]
    sales = _sales_of(made, fills, owners)
    shown = [*made, *(each for each in sales if each not in made)]
    return Chain(
        plan_id=plan_id,
        focus="" if order is None else order.cl_ord_id,
        decision=decision,
        orders=tuple(OrderSteps(each, tuple(journal.transitions(each.cl_ord_id))) for each in shown),
        fills=tuple(_fills_of(shown, fills, owners, traded)),
        notes=tuple(_notes(made, decision, owners)),
    )


class _Owners:
    """Knows which order a trade is of."""

    def __init__(self, orders: Iterable[LocalOrder]) -> None:
        self.orders = tuple(orders)
        self._by_client_id = {order.cl_ord_id: order for order in self.orders}
        self._by_kraken_id = {order.kraken_order_id: order for order in self.orders if order.kraken_order_id}

    def of(self, trade: Trade) -> LocalOrder | None:
        """Return a trade's order, None for one that is not ours."""
        return self._by_client_id.get(trade.cl_ord_id or "") or self._by_kraken_id.get(trade.kraken_order_id)

    def named(self, name: str) -> LocalOrder | None:
        """Return an order by any of its ids."""
        known = self._by_client_id.get(name) or self._by_kraken_id.get(name)
        return known or next((order for order in self.orders if order.local_id == name), None)


def _fill(trade: Trade, cl_ord_id: str, traded: Traded) -> Fill:
    records = tuple(traded.made(trade.trade_id))
    return Fill(trade, cl_ord_id, sum((each.pnl_base for each in records), ZERO) if records else None)


def _fills_of(
    shown: Iterable[LocalOrder], fills: Iterable[Trade], owners: _Owners, traded: Traded
) -> Iterator[Fill]:
    wanted = {order.cl_ord_id for order in shown}
    for trade in sorted(fills, key=_when):
        order = owners.of(trade)
        if order is not None and order.cl_ord_id in wanted:
            yield _fill(trade, order.cl_ord_id, traded)


def _sales_of(made: Iterable[LocalOrder], fills: Sequence[Trade], owners: _Owners) -> list[LocalOrder]:
    """Return the orders that sold what these bought, by the time of their first fill."""
    found: dict[str, LocalOrder] = {}
    for order in made:
        if order.request.side is Side.BUY:
            pair = order.request.pair
            own = sorted((trade for trade in fills if trade.pair == pair), key=_when)
            for sale in _sales_after(order, own, owners):
                found.setdefault(sale.cl_ord_id, sale)
    return list(found.values())


def _sales_after(order: LocalOrder, fills: Iterable[Trade], owners: _Owners) -> Iterator[LocalOrder]:
    """Yield the order of each fill that sold of the shares this one bought, until they are gone."""
    open_shares = {share.strategy_id for share in shares_of(order)}
    held: dict[str, Decimal] = {}
    peak: dict[str, Decimal] = {}
    began = False
    for trade in fills:
        owner = owners.of(trade)
        assert owner is not None
        began = began or owner is order
        for strategy_id, size in _parts(owner, trade).items():
            before = held.get(strategy_id, ZERO)
            held[strategy_id] = after = before + size if trade.side == Side.BUY else max(before - size, ZERO)
            peak[strategy_id] = max(peak.get(strategy_id, ZERO), after)
            if began and strategy_id in open_shares and trade.side == Side.SELL:
                yield owner
                if after * _LEFT <= peak[strategy_id]:
                    open_shares.discard(strategy_id)
        if began and not open_shares:
            return


def _parts(order: LocalOrder, trade: Trade) -> Mapping[str, Decimal]:
    shares = shares_of(order)
    sizes = apportion(trade.volume, [share.size for share in shares], _SPLIT_DECIMALS)
    return {share.strategy_id: size for share, size in zip(shares, sizes, strict=True)}


def _notes(made: Sequence[LocalOrder], decision: DecisionRecord | None, owners: _Owners) -> Iterator[str]:
    if decision is not None:
        yield from decision.notes
        return
    for order in made:
        if order.plan_id:
            yield f"The decision of plan {order.plan_id} is not stored."
            return
        yield f"Order {order.cl_ord_id} was made between candles ({order.purpose}): no cycle decided on it."
        plans = dict.fromkeys(_bought_before(order, owners.orders))
        if plans:
            yield f"What it sells was bought by plan {', '.join(plans)}."


def _bought_before(order: LocalOrder, orders: Iterable[LocalOrder]) -> Iterator[str]:
    """Yield the plan of the last buy of each share that an order sells."""
    if order.request.side is not Side.SELL:
        return
    for share in shares_of(order):
        buys = [
            each
            for each in orders
            if each.request.side is Side.BUY
            and each.request.pair == order.request.pair
            and each.filled
            and each.plan_id
            and each.created_at <= order.created_at
            and any(part.strategy_id == share.strategy_id for part in shares_of(each))
        ]
        if buys:
            yield max(buys, key=lambda each: each.created_at).plan_id


def _when(trade: Trade) -> tuple[datetime, bool, str]:
    """Order fills as the books do."""
    return trade.time, trade.side != Side.BUY, trade.trade_id
