"""Orders, trades and ledger rows as the private REST endpoints print them."""

from collections.abc import Iterator
from decimal import Decimal

from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import TimeInForce
from krakked_tui.domain.precision import half_up
from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.ids import position_id
from krakked_tui.sandbox.orders import Draft, Order
from krakked_tui.sandbox.prices import Price, price_text
from krakked_tui.sandbox.terms import asked_prices, describe_close, describe_order
from krakked_tui.sandbox.wire import text, unix
from krakked_tui.sim.fees import fee_in_quote

Row = dict[str, object]


def order_row(exchange: Exchange, order: Order, *, trades: bool) -> Row:
    """Print an order; its trade ids only when asked for."""
    draft = order.draft
    listing = exchange.catalog.listings[draft.pair]
    pair = listing.pair
    cost, price = pair.cost_decimals, pair.price_decimals
    row: Row = {"refid": order.refid, "userref": draft.userref or 0}
    if draft.cl_ord_id is not None:
        row["cl_ord_id"] = draft.cl_ord_id
    if order.link_id is not None:
        row["link_id"] = order.link_id
    row |= {
        "status": order.status.value,
        "opentm": unix(order.arrived_at),
        "starttm": 0,
        "expiretm": 0 if draft.expires_at is None else unix(draft.expires_at),
        "descr": _description(draft, listing),
        "vol": text(draft.volume, pair.volume_decimals),
        "vol_exec": text(order.cost if draft.in_quote else order.filled, pair.volume_decimals),
        "cost": text(order.cost, cost),
        "fee": text(order.fee, cost),
        "price": text(half_up(order.average_price, price), price),
        "stopprice": text(draft.trigger or ZERO, cost),
        "limitprice": text(_limit_price(order), cost),
        "misc": ",".join(_misc(order)),
        "oflags": ",".join(_flags(draft)),
    }
    if draft.is_triggered:
        row["trigger"] = "last"
    if draft.time_in_force is not TimeInForce.GTC:
        row["time_in_force"] = draft.time_in_force.value
    if order.closed_at is not None:
        row |= {"reason": order.reason, "closetm": unix(order.closed_at)}
    if trades and order.trade_ids:
        row["trades"] = order.trade_ids
    return row


def _description(draft: Draft, listing: Listing) -> Row:
    pair = listing.pair
    price, price2 = asked_prices(draft)
    return {
        "pair": pair.canonical,
        "aclass": "forex",
        "type": draft.side.value,
        "ordertype": draft.order_type.value,
        "price": _shown(price, pair.price_decimals),
        "price2": _shown(price2, pair.price_decimals),
        "leverage": "none",
        "order": describe_order(draft, pair),
        "close": "" if draft.close is None else describe_close(draft.close, pair),
    }


def _shown(price: Price | None, decimals: int) -> str:
    return "0" if price is None else price_text(price, decimals)


def _limit_price(order: Order) -> Decimal:
    """The limit price of a triggered order; of a trailing stop the peak it follows (so recorded)."""
    if not order.draft.is_triggered:
        return ZERO
    return order.draft.price or order.peak or ZERO


def _misc(order: Order) -> Iterator[str]:
    if order.triggered_at is not None:
        yield "touched" if order.draft.takes_profit else "stopped"
    if order.amended_at is not None:
        yield "amended"


def _flags(draft: Draft) -> Iterator[str]:
    yield "fcib" if draft.fee_in_base else "fciq"
    if draft.post_only:
        yield "post"
    if draft.in_quote:
        yield "viqc"


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
        "fee": text(fee_in_quote(pair, trade.fees[0], trade.price), cost),
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
