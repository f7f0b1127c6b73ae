"""The private REST endpoints that read orders, trades and ledger."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import half_up
from krakked_tui.sandbox.calls import Call, Endpoint
from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.endpoints_funds import FUNDS
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.faults import INVALID_ORDER, UNKNOWN_ASSET, ApiError, invalid
from krakked_tui.sandbox.ids import LEDGER
from krakked_tui.sandbox.order_rows import ledger_row, order_row, trade_row
from krakked_tui.sandbox.orders import Order
from krakked_tui.sandbox.params import Params
from krakked_tui.sandbox.permissions import QUERY_CLOSED, QUERY_LEDGER, QUERY_OPEN
from krakked_tui.sim.fees import fee_in_quote

PAGE: Final = 50
_QUERY_MAX: Final = 50
_QUERY_ROWS_MAX: Final = 20
_CLOSE_TIMES: Final = ("open", "close", "both")
_TRADE_TYPES: Final = ("all", "any position", "closed position", "closing position", "no position")
_LEDGER_TYPES: Final = (
    "all",
    "trade",
    "deposit",
    "withdrawal",
    "transfer",
    "margin",
    "adjustment",
    "rollover",
)
_LEDGER_TYPES_RARE: Final = ("credit", "settled", "staking", "dividend", "sale", "nft_rebate")

Item = TypeVar("Item")


def open_orders(call: Call) -> object:
    """``OpenOrders``."""
    trades = call.params.flag("trades", default=False)
    found = _with_client_ids(_visible(call, call.exchange.books.open_orders.values()), call.params)
    return {"open": {order.order_id: order_row(call.exchange, order, trades=trades) for order in found}}


def closed_orders(call: Call) -> object:
    """``ClosedOrders``: a page of ended orders, newest first."""
    params, books = call.params, call.exchange.books
    trades = params.flag("trades", default=False)
    close_time = params.text("closetime") or "both"
    if close_time not in _CLOSE_TIMES:
        raise invalid("closetime")
    start, end = _bound(params, "start", books.orders, _opened), _bound(params, "end", books.orders, _opened)

    def within(order: Order) -> bool:
        times = [_opened(order)] if close_time != "close" else []
        if close_time != "open":
            times.append(_closed(order))
        return any(_between(time, start, end) for time in times)

    ended = _visible(call, books.ended_orders())
    found = [order for order in _with_client_ids(ended, params) if within(order)]
    found.sort(key=lambda order: (_closed(order), order.number), reverse=True)
    rows = {order.order_id: order_row(call.exchange, order, trades=trades) for order in _page(found, params)}
    return _counted("closed", rows, len(found), params)


def query_orders(call: Call) -> object:
    """``QueryOrders``: orders by id or client id, open or ended."""
    trades = call.params.flag("trades", default=False)
    params = call.params
    params.flag("consolidate_taker", default=True)
    orders = {order.order_id: order for order in _visible(call, call.exchange.books.orders.values())}
    wanted = params.names_in("txid")
    if len(wanted) > _QUERY_MAX:
        raise invalid("txid")
    if wanted:
        found = [orders[order_id] for order_id in wanted if order_id in orders]
        if not found:
            raise ApiError(INVALID_ORDER)
    elif params.text("cl_ord_id") is not None:
        found = list(orders.values())
    else:
        raise invalid("txid")
    chosen = _with_client_ids(found, params)
    return {order.order_id: order_row(call.exchange, order, trades=trades) for order in chosen}


def trades_history(call: Call) -> object:
    """``TradesHistory``: a page of trades, newest first."""
    params, books = call.params, call.exchange.books
    if (params.text("type") or "all") not in _TRADE_TYPES:
        raise invalid("type")
    ledgers = params.flag("ledgers", default=False)
    start, end = _bound(params, "start", books.trades, _traded), _bound(params, "end", books.trades, _traded)
    params.flag("trades", default=False)
    within = _visible_trades(call, _span([*books.trades.values()], _traded, start, end))
    if params.flag("consolidate_taker", default=True):
        found = consolidate(within)
        page, count = _page(found[::-1], params), len(found)
    else:
        page, count = [(trade,) for trade in _page(within[::-1], params)], len(within)
    rows = {fills[0].trade_id: _trade_row(call.exchange, fills, ledgers=ledgers) for fills in page}
    return _counted("trades", rows, count, params)


def query_trades(call: Call) -> object:
    """``QueryTrades``: trades by id."""
    params = call.params
    params.flag("trades", default=False)
    ledgers = params.flag("ledgers", default=False)
    by_id = {trade.trade_id: trade for trade in _visible_trades(call, [*call.exchange.books.trades.values()])}
    found = _by_id(by_id, params, "txid")
    return {trade.trade_id: trade_row(call.exchange, trade, ledgers=ledgers) for trade in found}


def ledgers(call: Call) -> object:
    """``Ledgers``: a page of ledger rows, newest first."""
    params, catalog = call.params, call.exchange.catalog
    assets = set()
    for name in params.names_in("asset"):
        asset = catalog.find_balance(name)
        if asset is None and name != "all":
            raise ApiError(UNKNOWN_ASSET)
        assets.add("all" if asset is None else asset.name)
    kind = params.text("type") or "all"
    if kind not in _LEDGER_TYPES and kind not in _LEDGER_TYPES_RARE:
        raise invalid("type")
    visible = _visible_entries(call)
    # An id is never a number: most limits are times, for which nothing need be looked up.
    limits = [params.text(name) for name in ("start", "end")]
    wanted = {limit for limit in limits if limit is not None and limit.startswith(LEDGER)}
    by_id = {entry.entry_id: entry for entry in visible if entry.entry_id in wanted} if wanted else {}
    start, end = _bound(params, "start", by_id, _written), _bound(params, "end", by_id, _written)
    found = _span(visible, _written, start, end)
    if kind != "all" or (assets and "all" not in assets):
        found = [
            entry
            for entry in found
            if (not assets or "all" in assets or entry.asset in assets) and kind in ("all", entry.type)
        ]
    rows = {entry.entry_id: ledger_row(call.exchange, entry) for entry in _page(found[::-1], params)}
    return _counted("ledger", rows, len(found), params)


def query_ledgers(call: Call) -> object:
    """``QueryLedgers``: ledger rows by id."""
    by_id = {entry.entry_id: entry for entry in _visible_entries(call)}
    found = _by_id(by_id, call.params, "id")
    return {entry.entry_id: ledger_row(call.exchange, entry) for entry in found}


def consolidate(trades: Iterable[Trade]) -> list[tuple[Trade, ...]]:
    """Put the taker fills of each order together; every other trade stays alone."""
    groups: dict[tuple[str, str], list[Trade]] = {}
    for trade in trades:
        key = ("", trade.trade_id) if trade.maker else (trade.kraken_order_id, "")
        groups.setdefault(key, []).append(trade)
    return [tuple(fills) for fills in groups.values()]


def merged(fills: Sequence[Trade], pair: PairMetadata) -> Trade:
    """Return fills of one order and pair as one trade under the first one's id, its fee in quote."""
    cost = sum((fill.cost for fill in fills), ZERO)
    volume = sum((fill.volume for fill in fills), ZERO)
    # One fill may have paid in base and another in quote, and each in base at its own price.
    fee = sum((fee_in_quote(pair, fill.fees[0], fill.price) for fill in fills), ZERO)
    return msgspec.structs.replace(
        fills[0],
        cost=cost,
        volume=volume,
        # Printed at the cost scale, so rounding there loses nothing that would be shown.
        price=half_up(cost / volume, pair.cost_decimals),
        fees=(Fee(pair.quote, fee),),
    )


def _trade_row(exchange: Exchange, fills: Sequence[Trade], *, ledgers: bool) -> dict[str, object]:
    """Print fills as one row, with the ledger rows of all of them."""
    if len(fills) == 1:
        return trade_row(exchange, fills[0], ledgers=ledgers)
    pair = exchange.catalog.listings[fills[0].pair].pair
    row = trade_row(exchange, merged(fills, pair), ledgers=False)
    if ledgers:
        row["ledgers"] = [entry for fill in fills for entry in exchange.books.entry_ids(fill.trade_id)]
    return row


def _by_id(known: Mapping[str, Item], params: Params, name: str) -> list[Item]:
    """Return the rows named, unknown ones left out; none known is an error."""
    wanted = params.names_in(name)
    if not 1 <= len(wanted) <= _QUERY_ROWS_MAX:
        raise invalid(name)
    found = [known[row_id] for row_id in wanted if row_id in known]
    if not found:
        raise invalid(name)
    return found


def _visible(call: Call, orders: Iterable[Order]) -> Iterable[Order]:
    """Leave out the orders that the call does not see yet."""
    until = call.view.orders_until
    return orders if until is None else [order for order in orders if order.arrived_at <= until]


def _visible_trades(call: Call, trades: list[Trade]) -> list[Trade]:
    """Leave out the trades that the call does not see yet, and those of orders it does not see."""
    trades_until, orders_until = call.view.trades_until, call.view.orders_until
    if trades_until is not None:
        trades = [trade for trade in trades if trade.time <= trades_until]
    if orders_until is not None:
        orders = call.exchange.books.orders
        trades = [trade for trade in trades if orders[trade.kraken_order_id].arrived_at <= orders_until]
    return trades


def _visible_entries(call: Call) -> Sequence[LedgerEntry]:
    """Leave out the ledger rows that the call does not see yet."""
    entries, until = call.exchange.books.entries, call.view.entries_until
    return entries if until is None else [entry for entry in entries if entry.time <= until]


def _with_client_ids(orders: Iterable[Order], params: Params) -> list[Order]:
    """Keep the orders that carry the ``cl_ord_id`` or ``userref`` asked for, all when none is."""
    cl_ord_id = params.text("cl_ord_id")
    userref = params.integer("userref", 0) if params.text("userref") is not None else None
    return [
        order
        for order in orders
        if (cl_ord_id is None or order.draft.cl_ord_id == cl_ord_id)
        and (userref is None or (order.draft.userref or 0) == userref)
    ]


def _opened(order: Order) -> int:
    return micros_of(order.arrived_at)


def _closed(order: Order) -> int:
    return micros_of(order.closed_at or order.arrived_at)


def _traded(trade: Trade) -> int:
    return micros_of(trade.time)


def _written(entry: LedgerEntry) -> int:
    return micros_of(entry.time)


def _bound(
    params: Params, name: str, known: Mapping[str, Item], time_of: Callable[[Item], int]
) -> int | None:
    """Return a time limit in microseconds, sent as unix time or as the id of a row."""
    value = params.text(name)
    if value is not None and value in known:
        return time_of(known[value])
    return params.unix_micros(name)


def _between(time: int, start: int | None, end: int | None) -> bool:
    """Kraken's ranges leave their start out and take their end in."""
    return (start is None or time > start) and (end is None or time <= end)


def _span(
    rows: Sequence[Item], time_of: Callable[[Item], int], start: int | None, end: int | None
) -> list[Item]:
    """Return the rows, oldest first, between two times; see ``_between``."""
    first = 0 if start is None else bisect_right(rows, start, key=time_of)
    last = len(rows) if end is None else bisect_right(rows, end, key=time_of)
    return list(rows[first:last])


def _page(found: Sequence[Item], params: Params) -> Sequence[Item]:
    offset = params.integer("ofs", 0)
    if offset < 0:
        raise invalid("ofs")
    return found[offset : offset + PAGE]


def _counted(name: str, rows: dict[str, dict[str, object]], count: int, params: Params) -> object:
    """Return a page with the number of all matches, unless that is not wanted."""
    if params.flag("without_count", default=False):
        return {name: rows}
    return {name: rows, "count": count}


_ORDER_FILTERS: Final = ("trades", "userref", "cl_ord_id")
_PAGING: Final = ("start", "end", "ofs", "without_count")

_ANY_ORDER: Final = (QUERY_OPEN, QUERY_CLOSED)

ACCOUNT = (
    *FUNDS,
    Endpoint("OpenOrders", open_orders, accepts=_ORDER_FILTERS, needs=(QUERY_OPEN,)),
    Endpoint(
        "ClosedOrders",
        closed_orders,
        accepts=(*_ORDER_FILTERS, *_PAGING, "closetime", "consolidate_taker"),
        needs=(QUERY_CLOSED,),
    ),
    Endpoint(
        "QueryOrders",
        query_orders,
        accepts=(*_ORDER_FILTERS, "txid", "consolidate_taker"),
        needs=_ANY_ORDER,
    ),
    Endpoint(
        "TradesHistory",
        trades_history,
        accepts=(*_PAGING, "type", "trades", "consolidate_taker", "ledgers"),
        needs=(QUERY_CLOSED,),
    ),
    Endpoint("QueryTrades", query_trades, accepts=("txid", "trades", "ledgers"), needs=(QUERY_CLOSED,)),
    Endpoint("Ledgers", ledgers, accepts=(*_PAGING, "asset", "aclass", "type"), needs=(QUERY_LEDGER,)),
    Endpoint("QueryLedgers", query_ledgers, accepts=("id", "trades"), needs=(QUERY_LEDGER,)),
)
