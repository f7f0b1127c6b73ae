"""The live tables: positions, fills, orders. One function per table gives its rows."""

from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal
from operator import attrgetter

from krakked_tui.control.views import OrderView, PositionView, TradeView
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.tui.rows.line import Cell, Column, Look, Row
from krakked_tui.tui.rows.numbers import (
    NOTHING,
    age,
    clock,
    fixed,
    gain_look,
    signed,
    signed_percent,
)

POSITION_COLUMNS = (
    Column("PAIR", 9),
    Column("SIZE", 12, number=True, most=15),
    Column("ENTRY", 10, number=True),
    Column("PRICE", 10, number=True),
    Column("AGE", 5, number=True),
    Column("VALUE $", 10, number=True),
    Column("P&L $", 9, number=True),
    Column("P&L %", 7, number=True),
    Column("STOP", 10, rank=1, number=True),
    Column("STRATEGY", 8, rank=2, most=24, name=True),
)

FILL_COLUMNS = (
    Column("TIME", 9),
    Column("PAIR", 9),
    Column("SIDE", 4),
    Column("VOLUME", 13, number=True, most=15),
    Column("PRICE", 11, number=True),
    Column("COST $", 10, number=True),
    Column("FEE", 7, number=True),
    Column("P&L $", 9, number=True),
    Column("STRATEGY", 10, rank=1, most=24, name=True),
)

OPEN_COLUMNS = (
    Column("TIME", 9),
    Column("PAIR", 9),
    Column("SIDE", 4),
    Column("TYPE", 6),
    Column("STATUS", 10),
    Column("VOLUME", 13, number=True, most=15),
    Column("FILLED", 11, number=True, most=14),
    Column("LIMIT", 10, number=True),
    Column("STRATEGY", 10, rank=1, most=24),
    Column("FOR", 7, rank=2),
)

RECENT_COLUMNS = (
    Column("TIME", 9),
    Column("PAIR", 9),
    Column("SIDE", 4),
    Column("STATUS", 10),
    Column("FILLED", 12, number=True, most=15),
    Column("AVG", 10, number=True),
    Column("STRATEGY", 10, most=16),
    Column("ERROR", 8, most=200),
)

_STATUS_WORDS: dict[OrderStatus, tuple[str, Look]] = {
    OrderStatus.PENDING: ("sending", Look.WARN),
    OrderStatus.SUBMITTED: ("sent", Look.PLAIN),
    OrderStatus.OPEN: ("open", Look.PLAIN),
    OrderStatus.PARTIALLY_FILLED: ("partial", Look.PLAIN),
    OrderStatus.UNKNOWN: ("UNKNOWN", Look.ALARM),
    OrderStatus.FILLED: ("filled", Look.GOOD),
    OrderStatus.CANCELED: ("canceled", Look.MUTED),
    OrderStatus.EXPIRED: ("expired", Look.MUTED),
    OrderStatus.REJECTED: ("REJECTED", Look.ALARM),
    OrderStatus.ERROR: ("ERROR", Look.ALARM),
    OrderStatus.NEVER_ACCEPTED: ("not placed", Look.WARN),
    OrderStatus.SIMULATED: ("simulated", Look.MUTED),
    OrderStatus.VALIDATED: ("validated", Look.MUTED),
}

_TYPE_WORDS = {
    "stop-loss": "stop",
    "stop-loss-limit": "stop-l",
    "take-profit": "take",
    "take-profit-limit": "take-l",
    "trailing-stop": "trail",
}


def status_cell(order: OrderView) -> Cell:
    """Return where an order stands; capitals ask for attention."""
    if order.cancelling:
        return Cell("canceling", Look.WARN)
    return Cell(*_STATUS_WORDS[order.status])


def position_rows(positions: Sequence[PositionView]) -> list[Row]:
    """Return a row per position. A price neither new nor confirmed has its age, a missing one is a dash."""
    return [_position_row(position) for position in positions]


def _position_row(position: PositionView) -> Row:
    decimals = position.price_decimals
    known = position.price is not None
    price = fixed(position.price, decimals) if position.price is not None else NOTHING
    look = Look.STALE if position.stale or not known else Look.PLAIN
    pnl = look if look is Look.STALE else gain_look(position.unrealized_pnl)
    return Row(
        position.pair,
        (
            Cell(position.pair, Look.STRONG),
            Cell(fixed(position.size, position.volume_decimals)),
            Cell(fixed(position.avg_entry_price, decimals)),
            Cell(price, look),
            _price_age(position),
            Cell(fixed(position.value, 2) if known else NOTHING, look),
            Cell(signed(position.unrealized_pnl, 2) if known else NOTHING, pnl),
            Cell(signed_percent(position.unrealized_pct) if known else NOTHING, pnl),
            Cell(fixed(position.stop_price, decimals) if position.stop_price is not None else NOTHING),
            Cell(position.strategy_id, Look.MUTED),
        ),
    )


def _price_age(position: PositionView) -> Cell:
    if position.price_age is None:
        return Cell("never", Look.STALE)
    return Cell(age(position.price_age), Look.STALE) if position.stale else Cell("")


def fill_rows(trades: Sequence[TradeView], zone: tzinfo) -> list[Row]:
    """Return a row per fill, newest first. A fee in another asset than dollars names it."""
    newest_first = sorted(trades, key=attrgetter("time"), reverse=True)
    return [_fill_row(trade, zone) for trade in newest_first]


def _fill_row(trade: TradeView, zone: tzinfo) -> Row:
    in_dollars = trade.fee_asset == "USD"
    fee = fixed(trade.fee, 2) if in_dollars else f"{trade.fee.normalize():f} {trade.fee_asset}"
    return Row(
        trade.trade_id,
        (
            Cell(clock(trade.time, zone), Look.MUTED),
            Cell(trade.pair, Look.STRONG),
            Cell(trade.side),
            Cell(fixed(trade.volume, trade.volume_decimals)),
            Cell(fixed(trade.price, trade.price_decimals)),
            Cell(NOTHING if trade.cost is None else fixed(trade.cost, 2)),
            Cell(fee),
            _made(trade.realized_pnl) if trade.side == "sell" else Cell(""),
            Cell(trade.strategy_id, Look.MUTED),
        ),
    )


def _made(pnl: Decimal | None) -> Cell:
    return Cell(NOTHING, Look.WARN) if pnl is None else Cell(signed(pnl, 2), gain_look(pnl))


def open_order_rows(orders: Sequence[OrderView], zone: tzinfo) -> list[Row]:
    """Return a row per open order, newest first."""
    newest_first = sorted(orders, key=attrgetter("created_at"), reverse=True)
    return [_open_row(order, zone) for order in newest_first]


def _open_row(order: OrderView, zone: tzinfo) -> Row:
    return Row(
        order.cl_ord_id,
        (
            Cell(clock(order.created_at, zone), Look.MUTED),
            Cell(order.pair, Look.STRONG),
            Cell(order.side),
            Cell(type_word(order)),
            status_cell(order),
            Cell(fixed(order.volume, order.volume_decimals)),
            Cell(fixed(order.filled, order.volume_decimals)),
            Cell(fixed(order.price, order.price_decimals) if order.price is not None else "market"),
            Cell(order.strategy_id, Look.MUTED),
            Cell(order.purpose, Look.MUTED),
        ),
    )


def recent_order_rows(orders: Sequence[OrderView], zone: tzinfo) -> list[Row]:
    """Return a row per order, the one that changed last first."""
    latest_first = sorted(orders, key=attrgetter("updated_at"), reverse=True)
    return [_recent_row(order, zone) for order in latest_first]


def _recent_row(order: OrderView, zone: tzinfo) -> Row:
    average = fixed(order.avg_fill_price, order.price_decimals) if order.avg_fill_price else NOTHING
    return Row(
        order.cl_ord_id,
        (
            Cell(clock(order.updated_at, zone), Look.MUTED),
            Cell(order.pair, Look.STRONG),
            Cell(order.side),
            status_cell(order),
            Cell(fixed(order.filled, order.volume_decimals)),
            Cell(average),
            Cell(order.strategy_id, Look.MUTED),
            Cell(order.last_error, Look.WARN),
        ),
    )


def type_word(order: OrderView) -> str:
    """Return the order type in at most six cells."""
    return _TYPE_WORDS.get(order.order_type, order.order_type)
