"""Rows of the private channels. Numbers are JSON literals at the engine's precision."""

from datetime import datetime
from typing import Final

from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.domain.precision import half_up
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.orders import Order
from krakked_tui.sandbox.wire import number, rfc3339

Row = dict[str, object]

_END_NAMES: Final = {
    ExchangeStatus.CLOSED: "filled",
    ExchangeStatus.CANCELED: "canceled",
    ExchangeStatus.EXPIRED: "expired",
}


def pending_row(exchange: Exchange, order: Order) -> Row:
    """An order that passed all checks: everything about it."""
    pair = exchange.catalog.listings[order.draft.pair].pair
    return {
        **_terms(exchange, order),
        "cum_cost": number(ZERO, pair.cost_decimals),
        "exec_type": "pending_new",
        "order_status": "pending_new",
        "fee_usd_equiv": number(ZERO, pair.cost_decimals),
        "timestamp": rfc3339(order.arrived_at),
    }


def new_row(order: Order) -> Row:
    """The order is live: only what changed."""
    return {
        "timestamp": rfc3339(order.arrived_at),
        "order_status": "new",
        "exec_type": "new",
        **_client_ids(order),
        "order_id": order.order_id,
    }


def trade_row(exchange: Exchange, order: Order, trade: Trade) -> Row:
    """One fill. Even the last one reads ``partially_filled``: a row of its own tells the end."""
    return {
        **_fill(exchange, order, trade),
        **_totals(exchange, order, trade.time),
        # Here it is the fee of this fill alone.
        "fee_usd_equiv": _fee_usd(exchange, order, trade),
        "order_status": "partially_filled",
        "timestamp": rfc3339(trade.time),
    }


def ended_row(exchange: Exchange, order: Order, at: datetime) -> Row:
    """The order is filled, or was canceled, perhaps after some fills."""
    name = _END_NAMES[order.status]
    row = {
        "timestamp": rfc3339(at),
        "order_status": name,
        "exec_type": name,
        **_totals(exchange, order, at),
        "order_id": order.order_id,
    }
    if order.status is ExchangeStatus.CLOSED:
        return row
    row |= _client_ids(order)
    if order.reason is not None:
        row |= {"cancel_reason": order.reason, "reason": order.reason}
    return row


def open_order_row(exchange: Exchange, order: Order, at: datetime) -> Row:
    """An open order in a snapshot."""
    return {
        **_terms(exchange, order),
        **_totals(exchange, order, at),
        "exec_type": "new",
        "order_status": "partially_filled" if order.filled else "new",
        "timestamp": rfc3339(order.arrived_at),
    }


def past_trade_row(exchange: Exchange, order: Order, trade: Trade) -> Row:
    """A fill in a snapshot: no running totals, and ``filled`` whatever became of the order."""
    return {
        **_fill(exchange, order, trade),
        **_client_ids(order),
        "fee_usd_equiv": _fee_usd(exchange, order, trade),
        "order_status": "filled",
        "timestamp": rfc3339(trade.time),
    }


def balance_row(exchange: Exchange, name: str) -> Row:
    """An asset in a balances snapshot."""
    asset = exchange.catalog.assets[name]
    balance = number(exchange.account.balance(name), asset.decimals)
    return {
        "asset": asset.display_name,
        "asset_class": asset.asset_class,
        "balance": balance,
        "wallets": [{"type": "spot", "id": "main", "balance": balance}],
    }


def movement_row(exchange: Exchange, entry: LedgerEntry) -> Row:
    """One ledger row; ``balance`` is the new total."""
    asset = exchange.catalog.assets[entry.asset]
    return {
        "ledger_id": entry.entry_id,
        "ref_id": entry.refid,
        "timestamp": rfc3339(entry.time),
        "type": entry.type,
        "subtype": entry.subtype,
        "category": entry.type,
        "asset": asset.display_name,
        "asset_class": asset.asset_class,
        "wallet_type": "spot",
        "wallet_id": "main",
        "amount": number(entry.amount, asset.decimals),
        "fee": number(entry.fee, asset.decimals),
        "balance": number(entry.balance, asset.decimals),
    }


def _terms(exchange: Exchange, order: Order) -> Row:
    """What an order asks for."""
    draft = order.draft
    pair = exchange.catalog.listings[draft.pair].pair
    row: Row = {
        "order_id": order.order_id,
        "symbol": pair.ws_symbol,
        "order_qty": number(draft.volume, pair.volume_decimals),
        "time_in_force": draft.time_in_force.value,
        "side": draft.side.value,
        "order_type": draft.order_type.value,
        **_client_ids(order),
        "stop_price": number(ZERO, pair.price_decimals),
        "fee_ccy_pref": "fciq",
    }
    if draft.price is not None:
        row |= {"limit_price_type": "static", "limit_price": number(draft.price, pair.price_decimals)}
    if draft.post_only:
        row["post_only"] = True
    return row


def _client_ids(order: Order) -> Row:
    if order.draft.cl_ord_id is not None:
        return {"cl_ord_id": order.draft.cl_ord_id}
    return {"order_userref": order.draft.userref or 0}


def _totals(exchange: Exchange, order: Order, at: datetime) -> Row:
    """What an order has done so far."""
    pair = exchange.catalog.listings[order.draft.pair].pair
    fee = exchange.usd_value(pair.quote, order.fee, at)
    return {
        "cum_qty": number(order.filled, pair.volume_decimals),
        "cum_cost": number(order.cost, pair.cost_decimals),
        "avg_price": number(half_up(order.average_price, pair.price_decimals), pair.price_decimals),
        "fee_usd_equiv": number(fee, pair.cost_decimals),
    }


def _fill(exchange: Exchange, order: Order, trade: Trade) -> Row:
    """What a fill did."""
    listing = exchange.catalog.listings[trade.pair]
    pair = listing.pair
    return {
        "order_id": order.order_id,
        "exec_id": trade.trade_id,
        "exec_type": "trade",
        "trade_id": exchange.books.trade_number(trade.trade_id),
        "symbol": pair.ws_symbol,
        "side": trade.side,
        "last_qty": number(trade.volume, pair.volume_decimals),
        "last_price": number(trade.price, pair.price_decimals),
        "liquidity_ind": "m" if trade.maker else "t",
        "cost": number(trade.cost, pair.cost_decimals),
        "order_type": order.draft.order_type.value,
        "fees": [
            {"asset": listing.quote.display_name, "qty": number(fee.amount, pair.cost_decimals)}
            for fee in trade.fees
        ],
    }


def _fee_usd(exchange: Exchange, order: Order, trade: Trade) -> object:
    pair = exchange.catalog.listings[order.draft.pair].pair
    fee = sum((fee.amount for fee in trade.fees), ZERO)
    return number(exchange.usd_value(pair.quote, fee, trade.time), pair.cost_decimals)
