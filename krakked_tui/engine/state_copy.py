"""The core's state at one moment, for whoever works on it beside the engine's loop.

Made of references: what is mutable in the state is copied, what is frozen is shared. It answers everything
that risk is told; it takes in no events.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from krakked_tui.decision.risk_context import day_begin
from krakked_tui.decision.state import State
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import LocalOrder
from krakked_tui.execution.holding_book import Closing, HoldingBook
from krakked_tui.execution.order_book import OrderBook
from krakked_tui.portfolio.ledger import Books, LedgerState
from krakked_tui.risk.protections import reach


def copy_of(state: State, at: datetime) -> State:
    """Return the state as it is at this moment, orders and sales as far back as risk looks. Engine's loop."""
    since = at - reach(state.settings.risk.protections)
    return replace(
        state,
        books=_BooksThen(state.books.state),
        orders=OrderBook(_orders(state, at)),
        held=_HeldThen(state, since),
        account=replace(state.account),
        known=state.known.copy(),
        marks=state.marks.copy(),
        history=state.history.copy(),
        atr=state.atr.copy(),
        urgent=state.urgent.copy(),
        awaiting_fills=state.awaiting_fills.copy(),
        strategy_errors=state.strategy_errors.copy(),
    )


def _orders(state: State, at: datetime) -> tuple[LocalOrder, ...]:
    """Return the orders that are live, made today, or have fills missing, in the order of their making."""
    today = {order.cl_ord_id: order for order in reversed(list(state.orders.made_since(day_begin(at))))}
    late = (state.orders.get(cl_ord_id) for cl_ord_id in state.awaiting_fills)
    older: dict[str, LocalOrder] = {order.cl_ord_id: order for order in state.orders.live()}
    older |= {order.cl_ord_id: order for order in late if order is not None}
    return tuple((older | today).values())


class _BooksThen(Books):
    """Books that say what they said at one moment."""

    def __init__(self, then: LedgerState) -> None:
        super().__init__()
        self._then = then

    @property
    def state(self) -> LedgerState:
        """What they said."""
        return self._then

    def balance(self, name: str) -> Decimal:
        """What was held under a name of the exchange."""
        return self._then.balances.get(name, ZERO)


class _HeldThen(HoldingBook):
    """Holdings of one moment, and what was sold lately before."""

    def __init__(self, state: State, since: datetime) -> None:
        super().__init__()
        self.holdings = state.holdings.copy()
        self._closings = state.held.closings(since)

    def closings(self, since: datetime | None = None) -> tuple[Closing, ...]:
        """What was sold, of a time on when one is given."""
        return tuple(each for each in self._closings if since is None or each.at >= since)
