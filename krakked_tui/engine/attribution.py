"""Which strategies a trade belongs to: by its order, else by what the order's ids tell."""

from collections.abc import Iterable, Mapping

from krakked_tui.domain.fills import Trade
from krakked_tui.domain.orders import LocalOrder, Purpose
from krakked_tui.execution import client_ids
from krakked_tui.execution.holdings import shares_of
from krakked_tui.portfolio.figures import Whose
from krakked_tui.portfolio.summary import MANUAL


def answerable(order: LocalOrder) -> str:
    """Return the strategy that answers for an order of ours, ``MANUAL`` for an operator's."""
    return MANUAL if order.purpose is Purpose.MANUAL else order.strategy_id


class Attribution:
    """Knows the orders of one moment.

    A trade of an order that is not known any more (the database was lost) is told by the tag in its client
    id, one of another tool's by the order's userref. Everything else is manual.
    """

    def __init__(
        self,
        orders: Iterable[LocalOrder],
        *,
        instance: str = "",
        tags: Mapping[str, str] | None = None,
        userrefs: Mapping[str, int | None] | None = None,
        strategy_tags: Mapping[str, str] | None = None,
    ) -> None:
        """``tags`` and ``strategy_tags`` give strategies, by their tag and by userref.

        ``userrefs`` are those of other people's orders, by the exchange's order id; ``instance`` is ours.
        """
        self._by_client_id: dict[str, Whose] = {}
        self._by_kraken_id: dict[str, Whose] = {}
        for order in orders:
            whose = _whose(order)
            self._by_client_id[order.cl_ord_id] = whose
            if order.kraken_order_id is not None:
                self._by_kraken_id[order.kraken_order_id] = whose
        self._instance = instance
        self._tags = tags or {}
        self._userrefs = userrefs or {}
        self._strategy_tags = strategy_tags or {}

    def __call__(self, trade: Trade) -> tuple[Whose, int | None]:
        """Return the strategy, or the weights of several, and the userref of the order where one is known."""
        known = self._by_client_id.get(trade.cl_ord_id or "") or self._by_kraken_id.get(trade.kraken_order_id)
        if known is not None:
            return known, None
        userref = self._userrefs.get(trade.kraken_order_id)
        ours = client_ids.parse(trade.cl_ord_id)
        if ours is not None and ours.instance == self._instance and ours.tag in self._tags:
            return self._tags[ours.tag], userref
        if userref is not None:
            return self._strategy_tags.get(str(userref), MANUAL), userref
        return MANUAL, None


def _whose(order: LocalOrder) -> Whose:
    if order.purpose is Purpose.MANUAL:
        return MANUAL
    shares = shares_of(order)
    if len(shares) == 1:
        return shares[0].strategy_id
    return tuple((share.strategy_id, share.size) for share in shares)
