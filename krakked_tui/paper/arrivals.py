"""Orders that arrive: whether they are taken, what they must hold, and what they would do at once."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.orders import OrderRequest, OrderType, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.paper.checks import (
    check_arguments,
    check_client_id,
    check_mode,
    check_rules,
)
from krakked_tui.paper.clearing import Clearing
from krakked_tui.paper.market import PaperMarket
from krakked_tui.paper.orders import TRIGGERED, PaperOrder, fires_on_rise, limit_of
from krakked_tui.paper.refusals import (
    INSUFFICIENT_FUNDS,
    ORDERS_LIMIT,
    POST_ONLY,
    UNAVAILABLE,
    UNKNOWN_PAIR,
    OrderRefusal,
)
from krakked_tui.sim.account import Hold
from krakked_tui.sim.matching import Plan, Resting, crosses, plan
from krakked_tui.sim.triggers import Trail

OPEN_PER_PAIR: Final = 60
"""Open orders a pair may have: Kraken's limit for its lowest tier."""


class Offer(msgspec.Struct, frozen=True):
    """An order that passed its checks, what it must hold and what it does at once.

    ``trigger`` is the price it waits for, ``peak`` the price its trailing stop starts from.
    """

    request: OrderRequest
    pair: PairMetadata
    quote: Quote
    hold: Hold
    plan: Plan
    trigger: Decimal | None = None
    peak: Decimal | None = None


class Arrivals:
    """The way onto the floor."""

    def __init__(self, market: PaperMarket, clearing: Clearing) -> None:
        self._market = market
        self._clearing = clearing

    def judge(
        self, request: OrderRequest, open_orders: Sequence[PaperOrder], waiting: Sequence[Resting],
        at: datetime, now: float,
    ) -> Offer:  # fmt: skip
        """Return what a valid order would do, or raise ``OrderRefusal``.

        ``waiting`` are our limit orders on the pair; ``now`` is the wall second.
        """
        check_arguments(request)
        pair = self._pair(request.pair)
        check_client_id(request, {order.request.cl_ord_id for order in open_orders})
        check_mode(request, pair)
        quote = self._quote(request.pair, now)
        trigger, peak = _trigger(request, quote, pair)
        check_rules(request, pair, trigger or _best(request.side, quote))
        planned = Plan(())
        if trigger is None:
            planned = self.plan(request, request.volume, quote, pair, waiting)
        price = limit_of(request) or trigger
        cost = planned.cost if price is None else price * request.volume
        hold = self._clearing.needed(pair, request.side, request.volume, cost, at)
        self._check_funds(hold)
        if sum(order.pair == request.pair for order in open_orders) >= OPEN_PER_PAIR:
            raise OrderRefusal(ORDERS_LIMIT, f"{OPEN_PER_PAIR} orders are open on {request.pair}")
        _check_post_only(request, quote, planned)
        return Offer(request, pair, quote, hold, planned, trigger, peak)

    def plan(
        self, request: OrderRequest, volume: Decimal, quote: Quote, pair: PairMetadata,
        waiting: Sequence[Resting],
    ) -> Plan:  # fmt: skip
        """Return what an order that becomes active takes at once; of two own orders the newer yields."""
        return plan(
            self._market.book(quote, pair),
            request.side,
            volume,
            limit_of(request),
            waiting,
            newest_yields=True,
            oldest_yields=False,
        )

    def _pair(self, name: str) -> PairMetadata:
        pair = self._market.pair(name)
        if pair is not None:
            return pair
        if not self._market.is_listed:
            raise OrderRefusal(UNAVAILABLE, "the exchange's pairs have not been read yet")
        raise OrderRefusal(UNKNOWN_PAIR, "the exchange does not list it")

    def _quote(self, name: str, now: float) -> Quote:
        quote = self._market.live(name, now)
        if quote is None:
            raise OrderRefusal(
                UNAVAILABLE, f"there is no live price of {name}, and paper orders fill at live prices only"
            )
        return quote

    def _check_funds(self, hold: Hold) -> None:
        account = self._clearing.account
        if not account.affords(hold):
            free = account.available(hold.asset)
            raise OrderRefusal(
                INSUFFICIENT_FUNDS,
                f"it needs {hold.amount:f} {hold.asset} with its fee, and {free:f} are free",
            )


def _best(side: Side, quote: Quote) -> Decimal:
    return quote.ask if side is Side.BUY else quote.bid


def _trigger(
    request: OrderRequest, quote: Quote, pair: PairMetadata
) -> tuple[Decimal | None, Decimal | None]:
    """Return the price an order waits for, and the peak a trailing one starts from."""
    given = request.trigger_price
    if request.order_type not in TRIGGERED or given is None:
        return None, None
    if request.order_type is not OrderType.TRAILING_STOP:
        return given, None
    trail = Trail(given, percent=False, pair=pair)
    return trail.stop(quote.last, rises=fires_on_rise(request)), quote.last


def _check_post_only(request: OrderRequest, quote: Quote, planned: Plan) -> None:
    if not request.post_only or request.price is None:
        return
    if planned.taken or planned.blocked or crosses(request.side, request.price, _best(request.side, quote)):
        raise OrderRefusal(POST_ONLY, f"it would take at {_best(request.side, quote)}")
