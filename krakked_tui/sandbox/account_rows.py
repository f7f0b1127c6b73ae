"""Rows of the private channels. Numbers are JSON literals at the engine's precision."""

from datetime import datetime
from typing import Final

import msgspec

from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.domain.precision import half_up
from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.orders import Close, Order
from krakked_tui.sandbox.prices import Price
from krakked_tui.sandbox.terms import split_prices
from krakked_tui.sandbox.wire import number, rfc3339
from krakked_tui.sim.fees import fee_in_quote

Row = dict[str, object]

_PERCENT_DECIMALS: Final = 4

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


def amended_row(exchange: Exchange, order: Order, at: datetime, reason: str, *, restated: bool) -> Row:
    """The order's terms changed, by the user or by the exchange itself."""
    pair = exchange.catalog.listings[order.draft.pair].pair
    row: Row = {
        "timestamp": rfc3339(at),
        "exec_type": "restated" if restated else "amended",
        "order_status": _open_status(order),
        "cum_qty": number(order.filled, pair.volume_decimals),
        "reason": reason,
        "amended": True,
        "order_qty": number(order.draft.volume, pair.volume_decimals),
        **_limit_terms(exchange, order),
        **_client_ids(order),
        "order_id": order.order_id,
    }
    if order.is_armed:
        row["triggers"] = _triggers(exchange, order)
    return row


def trigger_row(exchange: Exchange, order: Order, at: datetime) -> Row:
    """A trailing stop moved, or a trigger fired: only what changed."""
    return {
        "timestamp": rfc3339(at),
        "exec_type": "status",
        "order_status": _open_status(order),
        "triggers": _triggers(exchange, order),
        **_limit_terms(exchange, order),
        **_client_ids(order),
        "order_id": order.order_id,
    }


def ended_row(exchange: Exchange, order: Order, at: datetime) -> Row:
    """The order is filled, was canceled or expired, perhaps after some fills."""
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
        "order_status": _open_status(order),
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


def _open_status(order: Order) -> str:
    return "partially_filled" if order.filled else "new"


def _terms(exchange: Exchange, order: Order) -> Row:
    """What an order asks for."""
    draft = order.draft
    pair = exchange.catalog.listings[draft.pair].pair
    quantity = "cash_order_qty" if draft.in_quote else "order_qty"
    row: Row = {
        "order_id": order.order_id,
        "symbol": pair.ws_symbol,
        quantity: number(draft.volume, pair.volume_decimals),
        "time_in_force": draft.time_in_force.value,
        "side": draft.side.value,
        "order_type": draft.order_type.value,
        **_client_ids(order),
        "stop_price": number(draft.trigger or ZERO, pair.price_decimals),
        "fee_ccy_pref": "fcib" if draft.fee_in_base else "fciq",
        **_limit_terms(exchange, order),
    }
    if draft.is_triggered:
        row |= {"triggers": _triggers(exchange, order), "trigger": "last"}
    if draft.post_only:
        row["post_only"] = True
    if draft.expires_at is not None:
        row["expire_time"] = rfc3339(draft.expires_at)
    if order.refid is not None:
        row["ord_ref_id"] = order.refid
    if draft.close is not None:
        row["contingent"] = _contingent(exchange, order, draft.close)
    return row


def _limit_terms(exchange: Exchange, order: Order) -> Row:
    """The limit price as it is now, and how it was asked for."""
    draft = order.draft
    if draft.price is None:
        return {}
    decimals = exchange.catalog.listings[draft.pair].pair.price_decimals
    return {
        "limit_price_type": _price_type(draft.limit_terms),
        "limit_price": number(draft.price, decimals),
    }


def _triggers(exchange: Exchange, order: Order) -> Row:
    """What a triggered order waits for, or how it fired."""
    draft = order.draft
    decimals = exchange.catalog.listings[draft.pair].pair.price_decimals
    trigger = number(draft.trigger or ZERO, decimals)
    terms = draft.trigger_terms
    row: Row = {
        "reference": "last",
        "price": trigger if terms is None else _amount(terms, decimals),
        "price_type": _price_type(terms),
        "actual_price": trigger,
        "status": "untriggered" if order.triggered_at is None else "triggered",
    }
    if order.peak is not None:
        row["peak_price"] = number(order.peak, decimals)
    if order.triggered_at is not None:
        row["last_price"] = number(order.triggered_price or ZERO, decimals)
        row["timestamp"] = rfc3339(order.triggered_at)
    return row


def _contingent(exchange: Exchange, order: Order, close: Close) -> Row:
    """The conditional close of an order."""
    decimals = exchange.catalog.listings[order.draft.pair].pair.price_decimals
    trigger, limit = split_prices(close.order_type, close.price, close.price2)
    row: Row = {"order_type": close.order_type.value}
    if trigger is not None:
        row |= {"trigger_price": _amount(trigger, decimals), "trigger_price_type": _price_type(trigger)}
    if limit is not None:
        row |= {"limit_price": _amount(limit, decimals), "limit_price_type": _price_type(limit)}
    return row


def _price_type(terms: Price | None) -> str:
    if terms is None or not terms.sign:
        return "static"
    return "pct" if terms.percent else "quote"


def _amount(terms: Price, decimals: int) -> msgspec.Raw:
    """A price as the WebSocket spells it: its sign is the number's."""
    amount = -terms.amount if terms.sign == "-" else terms.amount
    return number(amount, _PERCENT_DECIMALS if terms.percent else decimals)


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
        "fees": [_fee(listing, fee) for fee in trade.fees],
    }


def _fee(listing: Listing, fee: Fee) -> Row:
    if fee.asset == listing.base.name:
        return {"asset": listing.base.display_name, "qty": number(fee.amount, listing.base.decimals)}
    return {"asset": listing.quote.display_name, "qty": number(fee.amount, listing.pair.cost_decimals)}


def _fee_usd(exchange: Exchange, order: Order, trade: Trade) -> object:
    pair = exchange.catalog.listings[order.draft.pair].pair
    fee = sum((fee_in_quote(pair, fee, trade.price) for fee in trade.fees), ZERO)
    return number(exchange.usd_value(pair.quote, fee, trade.time), pair.cost_decimals)
