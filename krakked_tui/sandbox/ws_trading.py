"""The WebSocket's trading methods. Session, token and envelope are somebody else's."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Final, TypeVar

from krakked_tui.sandbox.add_order import check_userref, parse_client_id, parse_draft
from krakked_tui.sandbox.amending import USER_REQUESTED, Amendment, Edition
from krakked_tui.sandbox.batches import read_batch
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.faults import UNKNOWN_ORDER, ApiError, invalid
from krakked_tui.sandbox.order_names import all_by_names, find_open, open_by_userref, unknown
from krakked_tui.sandbox.orders import Draft, Order
from krakked_tui.sandbox.params import Params
from krakked_tui.sandbox.permissions import CLOSE, MODIFY
from krakked_tui.sandbox.trading_limits import ADD_COST, CHANGE_COST, batch_cost
from krakked_tui.sandbox.wire import rfc3339_second
from krakked_tui.sandbox.ws_fields import (
    Fields,
    check_fields,
    fields,
    flag_of,
    instant_of,
    listing_of,
    number_of,
    object_of,
    price_of,
    text_of,
)
from krakked_tui.sandbox.ws_orders import ORDER, TRIGGERS, rest_order

Reply = dict[str, object]
Item = TypeVar("Item")

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "add_order": (MODIFY,),
    "amend_order": (MODIFY,),
    "edit_order": (MODIFY,),
    "batch_add": (MODIFY, CLOSE),
    "cancel_order": (CLOSE,),
    "cancel_all": (CLOSE,),
    "cancel_all_orders_after": (CLOSE,),
    "batch_cancel": (CLOSE,),
}
"""The methods, and the permissions of the key that each of them wants, all of them."""

METHODS: Final = frozenset(NEEDS)

_ADD: Final = (*ORDER, *fields(string="symbol deadline", boolean="validate"))
_BATCH_ADD: Final = fields(string="symbol deadline", boolean="validate", array="orders")
_AMEND: Final = fields(
    string="order_id cl_ord_id symbol limit_price_type trigger_price_type deadline",
    number_float="order_qty limit_price trigger_price display_qty",
    boolean="post_only",
)
_EDIT: Final = fields(
    string="order_id symbol limit_price_type deadline fee_preference",
    number_float="order_qty limit_price display_qty",
    boolean="post_only reduce_only no_mpp validate",
    object="triggers",
    number_integer="order_userref",
)
_CANCEL: Final = fields(array="order_id cl_ord_id order_userref")
_CANCEL_MAX: Final = 50
_BATCH_CANCEL: Final = fields(array="orders cl_ord_id")
_BATCH_CANCEL_SIZES: Final = (2, 50)


def answer(exchange: Exchange, method: str, params: Mapping[str, object]) -> list[Reply]:
    """Carry out one of ``METHODS``; return the variable part of every reply, in order.

    ``params`` has no token; its floats are ``Decimal``.
    """
    try:
        exchange.catch_up()
        return _HANDLERS[method](exchange, params)
    except ApiError as error:
        return [_refused(error)]


def _add_order(exchange: Exchange, params: Fields) -> list[Reply]:
    check_fields(params, _ADD, "add_order")
    listing = listing_of(params, exchange.catalog)
    shared = {"symbol", "deadline", "validate"}
    order = {name: value for name, value in params.items() if name not in shared}
    with _counted(exchange, params, listing.name, ADD_COST):
        rest = rest_order(order, listing.name, text_of(params, "deadline"), "add_order")
        draft = parse_draft(Params(rest), exchange.catalog, exchange.clock.now())
    if flag_of(params, "validate"):
        exchange.examine(draft)
        return [_done(_placed(draft, ""))]
    return [_done(_placed(draft, exchange.place(draft).order_id))]


def _batch_add(exchange: Exchange, params: Fields) -> list[Reply]:
    check_fields(params, _BATCH_ADD, "batch_add")
    listing = listing_of(params, exchange.catalog)
    deadline = text_of(params, "deadline")
    orders = _items(params, "orders", dict)
    with _counted(exchange, params, listing.name, batch_cost(len(orders))):
        rest = [rest_order(order, listing.name, deadline, "batch_add") for order in orders]
        drafts = read_batch(rest, {}, exchange.catalog, exchange.clock.now())
    carry_out = exchange.examine_batch if flag_of(params, "validate") else exchange.place_batch
    outcomes: Sequence[Order | ApiError | None] = carry_out(drafts)
    return [_done([_row(draft, outcome) for draft, outcome in zip(drafts, outcomes, strict=True)])]


def _row(draft: Draft, outcome: Order | ApiError | None) -> Reply:
    """What became of one order of a batch; None is one that would have been accepted."""
    if isinstance(outcome, ApiError):
        return {"error": outcome.text}
    return _placed(draft, "" if outcome is None else outcome.order_id)


@contextmanager
def _counted(exchange: Exchange, params: Fields, pair: str, cost: Decimal) -> Iterator[None]:
    """Count the fixed cost of a request whose arguments are refused within, its pair being known."""
    try:
        yield
    except ApiError:
        if not flag_of(params, "validate"):
            exchange.charge_refused(pair, cost)
        raise


def _amend_order(exchange: Exchange, params: Fields) -> list[Reply]:
    check_fields(params, _AMEND, "amend_order")
    order_id, cl_ord_id = text_of(params, "order_id"), text_of(params, "cl_ord_id")
    if (order_id is None) is (cl_ord_id is None):
        raise invalid("order_id")
    order = find_open(exchange.books, order_id, None if cl_ord_id is None else parse_client_id(cl_ord_id))
    with _counted(exchange, params, order.draft.pair, CHANGE_COST):
        if "display_qty" in params:
            raise invalid("display_qty")
        if "symbol" in params and listing_of(params, exchange.catalog).name != order.draft.pair:
            raise invalid("symbol")
        amendment = Amendment(
            volume=_volume_of(params),
            limit=price_of(params, "limit_price", "limit_price_type", "limit_price"),
            trigger=price_of(params, "trigger_price", "trigger_price_type", "trigger_price"),
            post_only=flag_of(params, "post_only") if "post_only" in params else None,
            deadline=instant_of(params, "deadline"),
        )
    name = {"order_id": order_id} if cl_ord_id is None else {"cl_ord_id": cl_ord_id}
    return [_done({"amend_id": exchange.amend(order, amendment), **name})]


def _edit_order(exchange: Exchange, params: Fields) -> list[Reply]:
    check_fields(params, _EDIT, "edit_order")
    listing = listing_of(params, exchange.catalog)
    order = find_open(exchange.books, text_of(params, "order_id"), None)
    with _counted(exchange, params, order.draft.pair, CHANGE_COST):
        if listing.name != order.draft.pair:
            raise invalid("symbol")
        edition = _edition(params, order)
    if flag_of(params, "validate"):
        exchange.edited(order, edition)
        return [_done({"order_id": "", "original_order_id": order.order_id})]
    new = exchange.edit(order, edition)
    return [_done({"order_id": new.order_id, "original_order_id": order.order_id})]


def _edition(params: Fields, order: Order) -> Edition:
    triggers = object_of(params, "triggers", TRIGGERS, "edit_order")
    limit = price_of(params, "limit_price", "limit_price_type", "limit_price")
    trigger = price_of(triggers, "price", "price_type", "triggers")
    userref = params.get("order_userref")
    return Edition(
        volume=_volume_of(params),
        price=trigger if order.draft.is_triggered else limit,
        price2=limit if order.draft.is_triggered else None,
        post_only=flag_of(params, "post_only") if "post_only" in params else None,
        userref=check_userref(userref) if isinstance(userref, int) else None,
        deadline=instant_of(params, "deadline"),
    )


def _volume_of(params: Fields) -> Decimal | None:
    """Return a changed volume, above zero."""
    volume = number_of(params, "order_qty", "order_qty")
    if volume is not None and volume <= 0:
        raise invalid("order_qty")
    return volume


def _cancel_order(exchange: Exchange, params: Fields) -> list[Reply]:
    """One reply for every id, in the order of the lists."""
    check_fields(params, _CANCEL, "cancel_order")
    names: list[tuple[str, str | int]] = [
        *(("order_id", name) for name in _items(params, "order_id", str)),
        *(("cl_ord_id", name) for name in _items(params, "cl_ord_id", str)),
        *(("order_userref", number) for number in _items(params, "order_userref", int)),
    ]
    if not 1 <= len(names) <= _CANCEL_MAX:
        raise invalid("order_id")
    return [_cancel_one(exchange, kind, name) for kind, name in names]


def _cancel_one(exchange: Exchange, kind: str, name: str | int) -> Reply:
    try:
        count = exchange.cancel(_meant(exchange, kind, name), USER_REQUESTED)
    except ApiError as error:
        return _refused(error)
    # It may have ended while it was looked up.
    return _done({kind: name}) if count else _refused(ApiError(UNKNOWN_ORDER))


def _meant(exchange: Exchange, kind: str, name: str | int) -> Sequence[Order]:
    """Return the open orders a name stands for, at least one, or raise ``ApiError``."""
    exchange.catch_up()
    if isinstance(name, str):
        order_id, cl_ord_id = (None, name) if kind == "cl_ord_id" else (name, None)
        return (find_open(exchange.books, order_id, cl_ord_id),)
    found = open_by_userref(exchange.books, name)
    if not found:
        raise unknown(exchange.books, str(name), client_id=False)
    return found


def _cancel_all(exchange: Exchange, params: Fields) -> list[Reply]:
    check_fields(params, (), "cancel_all")
    return [_done({"count": exchange.cancel_all(USER_REQUESTED)})]


def _cancel_all_after(exchange: Exchange, params: Fields) -> list[Reply]:
    check_fields(params, fields(number_integer="timeout"), "cancel_all_orders_after")
    timeout = params.get("timeout")
    if not isinstance(timeout, int):
        raise invalid("timeout")
    now = exchange.cancel_all_after(timeout)
    fires_at = exchange.dead_man_at
    trigger = "0" if fires_at is None else rfc3339_second(fires_at)
    return [_done({"currentTime": rfc3339_second(now), "triggerTime": trigger})]


def _batch_cancel(exchange: Exchange, params: Fields) -> list[Reply]:
    check_fields(params, _BATCH_CANCEL, "batch_cancel")
    names = [*_items(params, "orders", str), *_items(params, "cl_ord_id", str)]
    fewest, most = _BATCH_CANCEL_SIZES
    if not fewest <= len(names) <= most:
        raise invalid("orders")
    found = all_by_names(exchange.books, names)
    count = exchange.cancel(found, USER_REQUESTED, overshoot=True)
    return [{"success": True, "orders_cancelled": count}]


def _items(params: Fields, name: str, kind: type[Item]) -> list[Item]:
    """Return a list whose items are all of one type."""
    items = params.get(name, [])
    assert isinstance(items, Iterable), f"{name} was checked to be an array"
    found = [item for item in items if type(item) is kind]
    if len(found) < len(list(items)):
        raise invalid(name)
    return found


def _placed(draft: Draft, order_id: str) -> Reply:
    """What is said of a new order: its id, and the client's name for it."""
    reply: Reply = {"order_id": order_id}
    if draft.cl_ord_id is not None:
        reply["cl_ord_id"] = draft.cl_ord_id
    if draft.userref is not None:
        reply["order_userref"] = draft.userref
    return reply


def _done(result: object) -> Reply:
    return {"success": True, "result": result}


def _refused(error: ApiError) -> Reply:
    return {"success": False, "error": error.text}


_HANDLERS: Final[Mapping[str, Callable[[Exchange, Fields], list[Reply]]]] = {
    "add_order": _add_order,
    "amend_order": _amend_order,
    "edit_order": _edit_order,
    "batch_add": _batch_add,
    "cancel_order": _cancel_order,
    "cancel_all": _cancel_all,
    "cancel_all_orders_after": _cancel_all_after,
    "batch_cancel": _batch_cancel,
}
