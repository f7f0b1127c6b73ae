"""The private REST endpoints that place, change and cancel orders."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Final

from krakked_tui.sandbox.add_order import (
    ADD_ORDER_PARAMS,
    description,
    flags_of,
    parse_client_id,
    parse_draft,
    parse_userref,
    read_volume,
)
from krakked_tui.sandbox.amending import USER_REQUESTED, Amendment, Edition
from krakked_tui.sandbox.batches import BATCH_ORDER_PARAMS, batch_size, parse_batch
from krakked_tui.sandbox.calls import Call, Endpoint
from krakked_tui.sandbox.faults import UNKNOWN_ORDER, UNKNOWN_PAIR, ApiError, invalid
from krakked_tui.sandbox.order_names import all_by_names, find_open, open_by_name, unknown
from krakked_tui.sandbox.order_rules import check_rest_deadline
from krakked_tui.sandbox.orders import Order
from krakked_tui.sandbox.params import Params
from krakked_tui.sandbox.permissions import CLOSE, MODIFY, require_all
from krakked_tui.sandbox.prices import Price, parse_price
from krakked_tui.sandbox.terms import asked_prices
from krakked_tui.sandbox.trading_limits import ADD_COST, CHANGE_COST, batch_cost
from krakked_tui.sandbox.wire import rfc3339_second, text

_VALIDATES: Final = ("true", "1")

CANCEL_MAX: Final = 50
"""Orders that one CancelOrderBatch may name."""


def add_order(call: Call) -> object:
    """``AddOrder``: place an order, or only check it."""
    exchange = call.exchange
    with _counted(call, call.params.text("pair"), ADD_COST):
        draft = parse_draft(call.params, exchange.catalog, call.at)
        _check_deadline(call, draft.deadline)
    descr = description(draft, exchange.catalog.listings[draft.pair])
    if call.params.flag("validate", default=False):
        exchange.examine(draft)
        return {"descr": descr}
    order = exchange.place(draft)
    return {"descr": descr, "txid": [order.order_id]}


def add_order_batch(call: Call) -> object:
    """``AddOrderBatch``: 2 to 15 orders of one pair; ``txid`` is a text here."""
    exchange = call.exchange
    if call.key is not None:
        require_all(call.key.record.permissions, (MODIFY, CLOSE))
    with _counted(call, call.params.text("pair"), batch_cost(batch_size(call.params))):
        drafts = parse_batch(call.params, exchange.catalog, call.at)
        _check_deadline(call, drafts[0].deadline)
    listing = exchange.catalog.listings[drafts[0].pair]
    rows: list[dict[str, object]] = [{"descr": description(draft, listing)} for draft in drafts]
    validate = call.params.flag("validate", default=False)
    carry_out = exchange.examine_batch if validate else exchange.place_batch
    outcomes: Sequence[Order | ApiError | None] = carry_out(drafts)
    for row, outcome in zip(rows, outcomes, strict=True):
        if isinstance(outcome, Order):
            row["txid"] = outcome.order_id
        elif outcome is not None:
            row["error"] = outcome.text
    return {"orders": rows}


def amend_order(call: Call) -> object:
    """``AmendOrder``: change an open order in place."""
    params, exchange = call.params, call.exchange
    cl_ord_id, order_id = params.text("cl_ord_id"), params.text("txid")
    if (cl_ord_id is None) is (order_id is None):
        raise invalid("txid")
    order = find_open(exchange.books, order_id, None if cl_ord_id is None else parse_client_id(cl_ord_id))
    with _counted(call, order.draft.pair, CHANGE_COST):
        if params.text("display_qty") is not None:
            raise invalid("display_qty")
        amendment = Amendment(
            volume=read_volume(params, "order_qty"),
            limit=_price(params, "limit_price"),
            trigger=_price(params, "trigger_price"),
            post_only=params.flag("post_only", default=False) if params.text("post_only") else None,
            deadline=params.instant("deadline"),
        )
        _check_pair(call, order)
        _check_deadline(call, amendment.deadline)
    return {"amend_id": exchange.amend(order, amendment)}


def edit_order(call: Call) -> object:
    """``EditOrder``: cancel an order and place another one, with another id, for it."""
    params, exchange = call.params, call.exchange
    params.required("pair")
    order = find_open(exchange.books, params.required("txid"), None)
    with _counted(call, order.draft.pair, CHANGE_COST):
        _check_pair(call, order)
        if params.text("displayvol") is not None:
            raise invalid("displayvol")
        edition = Edition(
            volume=read_volume(params, "volume"),
            price=_price(params, "price"),
            price2=_price(params, "price2"),
            post_only="post" in flags_of(params) if params.text("oflags") else None,
            userref=parse_userref(params),
            deadline=params.instant("deadline"),
        )
        _check_deadline(call, edition.deadline)
    listing = exchange.catalog.listings[order.draft.pair]
    if params.flag("validate", default=False):
        return {"descr": description(exchange.edited(order, edition), listing)}
    new = exchange.edit(order, edition)
    price, _ = asked_prices(new.draft)
    answer: dict[str, object] = {"status": "ok", "txid": new.order_id, "originaltxid": order.order_id}
    if new.draft.userref is not None:
        answer["newuserref"] = new.draft.userref
    return answer | {
        "volume": text(new.draft.volume, listing.pair.volume_decimals),
        "price": "0" if price is None else text(price.amount, listing.pair.price_decimals),
        "orders_cancelled": 1,
        "descr": description(new.draft, listing),
    }


def cancel_order(call: Call) -> object:
    """``CancelOrder``: by id, by client id, or all that carry a userref."""
    exchange = call.exchange
    cl_ord_id = call.params.text("cl_ord_id")
    name = cl_ord_id if cl_ord_id is not None else call.params.required("txid")
    found = open_by_name(exchange.books, name)
    if not found:
        raise unknown(exchange.books, name, client_id=cl_ord_id is not None)
    count = exchange.cancel(found, USER_REQUESTED)
    if not count:
        raise ApiError(UNKNOWN_ORDER)
    return {"count": count}


def cancel_order_batch(call: Call) -> object:
    """``CancelOrderBatch``: many at once; ones that are gone are left out of the count.

    When not one of them is open the whole is refused, as ``CancelOrder`` refuses the first.
    """
    names = (*call.params.names_in("orders"), *call.params.names_in("cl_ord_ids"))
    if not 1 <= len(names) <= CANCEL_MAX:
        raise invalid("orders")
    books = call.exchange.books
    found = all_by_names(books, names)
    return {"count": call.exchange.cancel(found, USER_REQUESTED, overshoot=True)}


def cancel_all(call: Call) -> object:
    """``CancelAll``: every open order of the account."""
    return {"count": call.exchange.cancel_all(USER_REQUESTED)}


def cancel_all_after(call: Call) -> object:
    """``CancelAllOrdersAfter``: arm the dead man's switch, or turn it off with 0."""
    if call.params.text("timeout") is None:
        raise invalid("timeout")
    now = call.exchange.cancel_all_after(call.params.integer("timeout", 0))
    fires_at = call.exchange.dead_man_at
    return {
        "currentTime": rfc3339_second(now),
        "triggerTime": "0" if fires_at is None else rfc3339_second(fires_at),
    }


def _price(params: Params, name: str) -> Price | None:
    sent = params.text(name)
    return None if sent is None else parse_price(sent, name)


@contextmanager
def _counted(call: Call, name: str | None, cost: Decimal) -> Iterator[None]:
    """Count the fixed cost of a request whose arguments are refused within, once its pair is known."""
    try:
        yield
    except ApiError:
        listing = None if name is None else call.exchange.catalog.find(name)
        if listing is not None and call.params.values.get("validate") not in _VALIDATES:
            call.exchange.charge_refused(listing.name, cost)
        raise


def _check_deadline(call: Call, deadline: datetime | None) -> None:
    clock = call.exchange.clock
    check_rest_deadline(deadline, clock, clock.now())


def _check_pair(call: Call, order: Order) -> None:
    """Refuse a request that names another pair than the order's."""
    name = call.params.text("pair")
    if name is None:
        return
    listing = call.exchange.catalog.find(name)
    if listing is None:
        raise ApiError(UNKNOWN_PAIR)
    if listing.name != order.draft.pair:
        raise invalid("pair")


_PLACE: Final = (MODIFY,)
_CANCEL: Final = (MODIFY, CLOSE)

TRADING = (
    Endpoint("AddOrder", add_order, accepts=ADD_ORDER_PARAMS, needs=_PLACE, cost=0),
    Endpoint(
        "AddOrderBatch",
        add_order_batch,
        accepts=("pair", "deadline", "validate", *BATCH_ORDER_PARAMS),
        needs=_PLACE,
        cost=0,
    ),
    Endpoint(
        "AmendOrder",
        amend_order,
        accepts=(
            *("txid", "cl_ord_id", "order_qty", "display_qty", "limit_price", "trigger_price"),
            *("post_only", "pair", "deadline"),
        ),
        needs=_PLACE,
        cost=0,
    ),
    Endpoint(
        "EditOrder",
        edit_order,
        accepts=(
            *("pair", "txid", "volume", "displayvol", "price", "price2", "oflags", "userref"),
            *("deadline", "validate", "cancel_response"),
        ),
        needs=_PLACE,
        cost=0,
    ),
    Endpoint("CancelOrder", cancel_order, accepts=("txid", "cl_ord_id"), needs=_CANCEL, cost=0),
    Endpoint("CancelOrderBatch", cancel_order_batch, accepts=("orders", "cl_ord_ids"), needs=_CANCEL, cost=0),
    Endpoint("CancelAll", cancel_all, needs=_CANCEL, cost=0),
    Endpoint("CancelAllOrdersAfter", cancel_all_after, accepts=("timeout",), needs=_CANCEL, cost=0),
)
