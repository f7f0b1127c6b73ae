"""Orders, trades and ledger rows as the private REST endpoints print them."""

from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.precision import half_up
from krakked_tui.sandbox.add_order import describe
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.ids import position_id
from krakked_tui.sandbox.orders import Order
from krakked_tui.sandbox.wire import text, unix

Row = dict[str, object]


def order_row(exchange: Exchange, order: Order, *, trades: bool) -> Row:
    """Print an order; its trade ids only when asked for."""
    draft = order.draft
    listing = exchange.catalog.listings[draft.pair]
    pair = listing.pair
    cost, price = pair.cost_decimals, pair.price_decimals
    row: Row = {"refid": None, "userref": draft.userref or 0}
    if draft.cl_ord_id is not None:
        row["cl_ord_id"] = draft.cl_ord_id
    row |= {
        "status": order.status.value,
        "opentm": unix(order.arrived_at),
        "starttm": 0,
        "expiretm": 0,
        "descr": {
            "pair": pair.canonical,
            "aclass": "forex",
            "type": draft.side.value,
            "ordertype": draft.order_type.value,
            "price": "0" if draft.price is None else text(draft.price, price),
            "price2": "0",
            "leverage": "none",
            "order": describe(draft, listing),
            "close": "",
        },
        "vol": text(draft.volume, pair.volume_decimals),
        "vol_exec": text(order.filled, pair.volume_decimals),
        "cost": text(order.cost, cost),
        "fee": text(order.fee, cost),
        "price": text(half_up(order.average_price, price), price),
        "stopprice": text(ZERO, cost),
        "limitprice": text(ZERO, cost),
        "misc": "",
        "oflags": "fciq,post" if draft.post_only else "fciq",
    }
    if order.closed_at is not None:
        row |= {"reason": order.reason, "closetm": unix(order.closed_at)}
    if trades and order.trade_ids:
        row["trades"] = order.trade_ids
    return row


def trade_row(exchange: Exchange, trade: Trade, *, ledgers: bool) -> Row:
    """Print a trade; the ids of its ledger rows only when asked for."""
    pair = exchange.catalog.listings[trade.pair].pair
    cost = pair.cost_decimals
    row: Row = {
        "ordertxid": trade.kraken_order_id,
        "postxid": position_id(trade.kraken_order_id),
        "pair": pair.raw_name,
        "aclass": "forex",
        "time": unix(trade.time),
        "type": trade.side,
        "ordertype": exchange.books.orders[trade.kraken_order_id].draft.order_type.value,
        "price": text(trade.price, cost),
        "cost": text(trade.cost, cost),
        "fee": text(trade.fees[0].amount, cost),
        "vol": text(trade.volume, pair.volume_decimals),
        "margin": text(ZERO, cost),
        "leverage": "0",
        "misc": "",
        "trade_id": exchange.books.trade_number(trade.trade_id),
        "maker": trade.maker,
    }
    if ledgers:
        row["ledgers"] = list(exchange.books.entry_ids(trade.trade_id))
    return row


def ledger_row(exchange: Exchange, entry: LedgerEntry) -> Row:
    """Print a ledger row, amounts at the asset's scale."""
    asset = exchange.catalog.assets[entry.asset]
    return {
        "refid": entry.refid,
        "time": unix(entry.time),
        "type": entry.type,
        "subtype": entry.subtype,
        "aclass": asset.asset_class,
        "asset": asset.raw_name,
        "amount": text(entry.amount, asset.decimals),
        "fee": text(entry.fee, asset.decimals),
        "balance": text(entry.balance, asset.decimals),
    }
