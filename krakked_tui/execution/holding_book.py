"""All holdings, and what was sold of them: mutable inside its one owner, the decision state.

Everything in it is made anew from the fills of orders, by time; only the highest prices are not, and are
told when it is opened.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import Trade
from krakked_tui.domain.money import HUNDRED
from krakked_tui.domain.orders import LocalOrder, Purpose, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import ShareMarked
from krakked_tui.execution.holdings import Holding, Share, Sold, buy, sell, shares_of

CLOSINGS_MAX = 2000
"""Fills that sold something and are remembered."""
_STEPS_BACK = 64
"""Fills of a pair that can be undone one by one when an older one comes late."""
_MARKS_PER_DISTANCE = 10
"""So many times the highest price is stored while it rises by the distance of a trailing stop."""


class Closing(msgspec.Struct, frozen=True):
    """What an order has sold for a strategy. ``pnl`` is net of fees, ``cost`` what it had cost; in quote.

    ``at`` is the time of the last fill. ``stopped``: a stop or trailing stop sold it.
    """

    pair: str
    strategy_id: str
    at: datetime
    pnl: Decimal
    cost: Decimal
    stopped: bool


class _Fills:
    """The fills of a pair by time, and what was held before each of the last ones."""

    __slots__ = ("before", "made")

    def __init__(self) -> None:
        self.made: list[tuple[LocalOrder, Trade]] = []
        self.before: deque[Holding | None] = deque(maxlen=_STEPS_BACK)


class HoldingBook:
    """Holdings by pair, and the last sales of all of them."""

    def __init__(self, marks: Iterable[ShareMarked] = ()) -> None:
        self.holdings: dict[str, Holding] = {}
        self._sold: OrderedDict[str, tuple[str, tuple[Closing, ...]]] = OrderedDict()
        """What each fill has sold, share by share, by trade id; with the client id of its order."""
        self._stored = {(mark.pair, mark.strategy_id): mark for mark in marks}
        self._highs = dict(self._stored)
        self._fills: dict[str, _Fills] = {}

    def clear(self) -> None:
        """Forget everything but the highest prices."""
        for pair in tuple(self.holdings):
            self._put(pair, None)
        self._fills.clear()
        self._sold.clear()

    def apply(self, order: LocalOrder, trade: Trade, pair: PairMetadata) -> None:
        """Give a fill to its holding, once; after one that comes late those after it are given anew."""
        fills = self._fills.setdefault(trade.pair, _Fills())
        todo = [(order, trade)]
        while fills.made and _key(trade) < _key(fills.made[-1][1]):
            todo += self._take_back(fills)
        for fill in sorted(todo, key=lambda fill: _key(fill[1])):
            self._take(fills, *fill, pair)

    def closings(self, since: datetime | None = None) -> tuple[Closing, ...]:
        """Return what orders have sold by the fills that are remembered, of a time on when one is given."""
        found: dict[tuple[str, str], Closing] = {}
        for cl_ord_id, parts in self._sold.values():
            for part in parts:
                if since is None or part.at >= since:
                    key = cl_ord_id, part.strategy_id
                    found[key] = _together(found[key], part) if key in found else part
        return tuple(found.values())

    def raise_highs(self, pair: str, price: Decimal) -> list[ShareMarked]:
        """Take a price in; returns the marks that have to be stored, few of the many."""
        holding = self.holdings.get(pair)
        if holding is None or all(price <= share.highest for share in holding.shares):
            return []
        shares = tuple(
            msgspec.structs.replace(share, highest=price) if price > share.highest else share
            for share in holding.shares
        )
        self.holdings[pair] = Holding(pair, shares)
        marks = [
            ShareMarked(pair, share.strategy_id, share.opened_at, share.highest)
            for share in shares
            if self._worth_storing(pair, share)
        ]
        self._stored.update(((pair, mark.strategy_id), mark) for mark in marks)
        return marks

    def next_mark(self, share: Share, pair: str) -> Decimal | None:
        """Return the price from which on the highest one is stored again; None without a trailing stop."""
        if share.trailing_stop_pct is None:
            return None
        mark = self._stored.get((pair, share.strategy_id))
        known = mark is not None and mark.opened_at == share.opened_at
        stored = mark.highest if mark is not None and known else share.highest
        return stored * (1 + share.trailing_stop_pct / HUNDRED / _MARKS_PER_DISTANCE)

    def _worth_storing(self, pair: str, share: Share) -> bool:
        if share.trailing_stop_pct is None:
            return False
        mark = self._stored.get((pair, share.strategy_id))
        if mark is None or mark.opened_at != share.opened_at:
            return True
        step = mark.highest * share.trailing_stop_pct / HUNDRED / _MARKS_PER_DISTANCE
        return share.highest >= mark.highest + step

    def _with_highs(self, holding: Holding) -> Holding:
        """Give back to shares that are made anew the highest prices they had seen."""
        shares = []
        for share in holding.shares:
            high = self._highs.get((holding.pair, share.strategy_id))
            seen = high is not None and high.opened_at == share.opened_at and high.highest > share.highest
            shares.append(
                msgspec.structs.replace(share, highest=high.highest) if high is not None and seen else share
            )
        return Holding(holding.pair, tuple(shares))

    def _take(self, fills: _Fills, order: LocalOrder, trade: Trade, pair: PairMetadata) -> None:
        before = self.holdings.get(trade.pair)
        if trade.side == Side.BUY:
            holding = buy(before, order, trade, pair)
        else:
            holding, sold = sell(before, order, trade, pair)
            self._close(order, trade, sold)
        fills.made.append((order, trade))
        fills.before.append(before)
        self._put(trade.pair, holding)

    def _take_back(self, fills: _Fills) -> list[tuple[LocalOrder, Trade]]:
        """Undo the last fill of a pair, or all of them where it is not known any more what was before."""
        if fills.before:
            undone, holding = [fills.made.pop()], fills.before.pop()
        else:
            undone, holding = fills.made.copy(), None
            fills.made.clear()
        for _, trade in undone:
            self._sold.pop(trade.trade_id, None)
        self._put(undone[0][1].pair, holding)
        return undone

    def _close(self, order: LocalOrder, trade: Trade, sold: tuple[Sold, ...]) -> None:
        closings = tuple(
            Closing(
                trade.pair, each.strategy_id, trade.time, each.proceeds - each.cost, each.cost,
                _stopped(order, each.strategy_id),
            )
            for each in sold
        )  # fmt: skip
        if closings:
            self._sold[trade.trade_id] = order.cl_ord_id, closings
        if len(self._sold) > CLOSINGS_MAX:
            self._sold.popitem(last=False)

    def _put(self, pair: str, holding: Holding | None) -> None:
        """Replace what is held of a pair; the highest prices that its shares have seen stay known."""
        before = self.holdings.pop(pair, None)
        for share in before.shares if before else ():
            mark = ShareMarked(pair, share.strategy_id, share.opened_at, share.highest)
            self._highs[pair, share.strategy_id] = mark
        if holding is not None:
            self.holdings[pair] = self._with_highs(holding)


def _together(first: Closing, second: Closing) -> Closing:
    pnl, cost = first.pnl + second.pnl, first.cost + second.cost
    return msgspec.structs.replace(first, at=max(first.at, second.at), pnl=pnl, cost=cost)


def _key(trade: Trade) -> tuple[datetime, bool, str]:
    """Order fills as the books do: of one moment, what is bought comes first."""
    return trade.time, trade.side != Side.BUY, trade.trade_id


def _stopped(order: LocalOrder, strategy_id: str) -> bool:
    """Say whether a stop sold a share; of orders made without shares, every urgent sale was one."""
    if not order.shares:
        return order.purpose is Purpose.STOP
    share = next((share for share in shares_of(order) if share.strategy_id == strategy_id), None)
    return share is not None and share.stop_price is not None
