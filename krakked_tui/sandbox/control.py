"""The sandbox's own door, beside Kraken's: the exchange's truth, and its clock."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.sandbox.clock import SandboxClock
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.orders import Order
from krakked_tui.sandbox.wire import rfc3339, text, unix_second

Row = dict[str, object]


class ControlError(Exception):
    """A control request makes no sense; the message says why."""


class ClockRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``POST /_sandbox/clock`` takes. A jump goes ``seconds`` ahead, or to an instant."""

    action: Literal["pause", "resume", "jump"]
    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None = None
    to: datetime | None = None


def move_clock(clock: SandboxClock, body: bytes) -> None:
    """Carry out a clock request, or raise ``ControlError`` and change nothing."""
    try:
        request = msgspec.json.decode(body, type=ClockRequest)
    except msgspec.DecodeError as error:
        raise ControlError(f"The clock cannot be moved: {error}.") from error
    match request.action:
        case "pause":
            clock.pause()
        case "resume":
            clock.resume()
        case "jump":
            _jump(clock, request)


def clock_row(exchange: Exchange) -> Row:
    """Return what the clock shows."""
    now = exchange.catch_up()
    return {
        "time": rfc3339(now),
        "unixtime": unix_second(now),
        "speed": speed_text(exchange.clock.speed),
        "paused": exchange.clock.paused,
    }


def state_row(exchange: Exchange) -> Row:
    """Return everything the exchange knows about the account; money as text, oldest rows first."""
    books, account, assets = exchange.books, exchange.account, exchange.catalog.assets
    held = {name: account.held(name) for name in account.balances}
    return {
        **clock_row(exchange),
        "seed": exchange.market.seed,
        "system": exchange.system,
        "dead_man": None if exchange.dead_man_at is None else rfc3339(exchange.dead_man_at),
        "orders": [_order(exchange, order) for order in books.orders.values()],
        "trades": [_trade(exchange, trade) for trade in books.trades.values()],
        "balances": {
            assets[name].raw_name: text(amount, assets[name].decimals)
            for name, amount in account.balances.items()
        },
        "holds": {
            assets[name].raw_name: text(amount, assets[name].decimals)
            for name, amount in held.items()
            if amount
        },
        "ledger": [_entry(exchange, entry) for entry in books.entries],
    }


def speed_text(speed: float) -> str:
    """Print a time factor: ``60``, ``0.5``."""
    return f"{speed:.10g}"


def _jump(clock: SandboxClock, request: ClockRequest) -> None:
    match request.seconds, request.to:
        case float(seconds), None:
            to = clock.now() + timedelta(seconds=seconds)
        case None, datetime() as to if to.tzinfo is not None:
            to = to.astimezone(UTC)
        case _:
            raise ControlError("A jump takes either seconds or to (an instant with its UTC offset).")
    try:
        clock.jump(to)
    except ValueError as error:
        raise ControlError(f"The clock cannot jump: {error}.") from error


def _order(exchange: Exchange, order: Order) -> Row:
    draft = order.draft
    pair = exchange.catalog.listings[draft.pair].pair
    return {
        "txid": order.order_id,
        "cl_ord_id": draft.cl_ord_id,
        "userref": draft.userref,
        "pair": draft.pair,
        "type": draft.side.value,
        "ordertype": draft.order_type.value,
        "timeinforce": draft.time_in_force.value,
        "post_only": draft.post_only,
        "volume": text(draft.volume, pair.volume_decimals),
        "price": None if draft.price is None else text(draft.price, pair.price_decimals),
        "arrived_at": rfc3339(order.arrived_at),
        "status": order.status.value,
        "filled": text(order.filled, pair.volume_decimals),
        "cost": text(order.cost, pair.cost_decimals),
        "fee": text(order.fee, pair.cost_decimals),
        "closed_at": None if order.closed_at is None else rfc3339(order.closed_at),
        "reason": order.reason,
        "trades": order.trade_ids,
    }


def _trade(exchange: Exchange, trade: Trade) -> Row:
    pair, fee = exchange.catalog.listings[trade.pair].pair, trade.fees[0]
    scale = pair.cost_decimals if fee.asset == pair.quote else exchange.catalog.scales[fee.asset]
    return {
        "txid": trade.trade_id,
        "ordertxid": trade.kraken_order_id,
        "cl_ord_id": trade.cl_ord_id,
        "pair": trade.pair,
        "type": trade.side,
        "price": text(trade.price, pair.price_decimals),
        "volume": text(trade.volume, pair.volume_decimals),
        "cost": text(trade.cost, pair.cost_decimals),
        "fee": text(fee.amount, scale),
        "fee_asset": fee.asset,
        "time": rfc3339(trade.time),
        "maker": trade.maker,
        "ledgers": exchange.books.entry_ids(trade.trade_id),
    }


def _entry(exchange: Exchange, entry: LedgerEntry) -> Row:
    asset = exchange.catalog.assets[entry.asset]
    return {
        "id": entry.entry_id,
        "refid": entry.refid,
        "time": rfc3339(entry.time),
        "type": entry.type,
        "subtype": entry.subtype,
        "asset": asset.raw_name,
        "amount": text(entry.amount, asset.decimals),
        "fee": text(entry.fee, asset.decimals),
        "balance": text(entry.balance, asset.decimals),
    }
