"""Records as rows of the state file, and back."""

import sqlite3
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import ExchangeStatus, Side
from krakked_tui.sandbox.market_changes import MarketChange
from krakked_tui.sandbox.orders import (
    ORDER_TYPES,
    TIMES_IN_FORCE,
    AnyType,
    Close,
    Draft,
    Order,
    SelfTrade,
)
from krakked_tui.sandbox.prices import Price


class CloseDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """A conditional close as it is stored."""

    order_type: str
    price: Price | None = None
    price2: Price | None = None


class DraftDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """What few orders ask for."""

    trigger: Decimal | None = None
    limit_terms: Price | None = None
    trigger_terms: Price | None = None
    expires_at: datetime | None = None
    fee_in_base: bool = False
    in_quote: bool = False
    self_trade: SelfTrade = SelfTrade.CANCEL_NEWEST


class OrderDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """What else is known about an order."""

    queue: int = 0
    held: Decimal = ZERO
    peak: Decimal | None = None
    triggered_at: datetime | None = None
    triggered_price: Decimal | None = None
    amended_at: datetime | None = None
    refid: str | None = None
    link_id: str | None = None


class Details(msgspec.Struct, frozen=True, omit_defaults=True):
    """The column of an order's rarer facts, as JSON."""

    draft: DraftDetails = DraftDetails()
    order: OrderDetails = OrderDetails()
    close: CloseDetails | None = None


_TYPES: Final[dict[str, AnyType]] = {kind.value: kind for kind in ORDER_TYPES}
_TIMES: Final = {time.value: time for time in TIMES_IN_FORCE}
_DETAILS: Final = msgspec.json.Decoder(Details)


def read_order(row: sqlite3.Row, trade_ids: tuple[str, ...]) -> Order:
    """Return an order; its trades are stored elsewhere."""
    details = _DETAILS.decode(row["details"])
    draft = Draft(
        pair=row["pair"],
        side=Side(row["side"]),
        order_type=_TYPES[row["order_type"]],
        volume=Decimal(row["volume"]),
        price=None if row["price"] is None else Decimal(row["price"]),
        time_in_force=_TIMES[row["time_in_force"]],
        post_only=bool(row["post_only"]),
        cl_ord_id=row["cl_ord_id"],
        userref=row["userref"],
        close=_read_close(details.close),
        **_fields(details.draft),
    )
    return Order(
        order_id=row["order_id"],
        number=row["number"],
        draft=draft,
        arrived_at=datetime.fromisoformat(row["arrived_at"]),
        status=ExchangeStatus(row["status"]),
        filled=Decimal(row["filled"]),
        cost=Decimal(row["cost"]),
        fee=Decimal(row["fee"]),
        closed_at=_maybe_time(row["closed_at"]),
        reason=row["reason"],
        trade_ids=trade_ids,
        **_fields(details.order),
    )


def read_trade(row: sqlite3.Row) -> Trade:
    """Return a trade."""
    return Trade(
        trade_id=row["trade_id"],
        kraken_order_id=row["order_id"],
        pair=row["pair"],
        side=row["side"],
        price=Decimal(row["price"]),
        volume=Decimal(row["volume"]),
        cost=Decimal(row["cost"]),
        fees=(Fee(row["fee_asset"], Decimal(row["fee"])),),
        time=datetime.fromisoformat(row["time"]),
        maker=bool(row["maker"]),
        cl_ord_id=row["cl_ord_id"],
    )


def read_entry(row: sqlite3.Row) -> LedgerEntry:
    """Return a ledger row."""
    return LedgerEntry(
        entry_id=row["entry_id"],
        refid=row["refid"],
        time=datetime.fromisoformat(row["time"]),
        type=row["type"],
        subtype=row["subtype"],
        asset=row["asset"],
        amount=Decimal(row["amount"]),
        fee=Decimal(row["fee"]),
        balance=Decimal(row["balance"]),
    )


def read_change(row: sqlite3.Row) -> MarketChange:
    """Return a change of the market."""
    at = datetime.fromisoformat(row["at"])
    return MarketChange(at=at, kind=row["kind"], pair=row["pair"], value=row["value"])


def order_row(order: Order) -> dict[str, Any]:
    """Spell an order."""
    draft = order.draft
    return {
        "number": order.number,
        "order_id": order.order_id,
        "pair": draft.pair,
        "side": draft.side,
        "order_type": draft.order_type,
        "volume": _plain(draft.volume),
        "price": None if draft.price is None else _plain(draft.price),
        "time_in_force": draft.time_in_force,
        "post_only": draft.post_only,
        "cl_ord_id": draft.cl_ord_id,
        "userref": draft.userref,
        "arrived_at": order.arrived_at.isoformat(),
        "status": order.status,
        "filled": _plain(order.filled),
        "cost": _plain(order.cost),
        "fee": _plain(order.fee),
        "closed_at": None if order.closed_at is None else order.closed_at.isoformat(),
        "reason": order.reason,
        "details": _details(order),
    }


def trade_row(trade: Trade, number: int) -> dict[str, Any]:
    """Spell a trade."""
    (fee,) = trade.fees
    return {
        "number": number,
        "trade_id": trade.trade_id,
        "order_id": trade.kraken_order_id,
        "price": _plain(trade.price),
        "volume": _plain(trade.volume),
        "cost": _plain(trade.cost),
        "fee_asset": fee.asset,
        "fee": _plain(fee.amount),
        "time": trade.time.isoformat(),
        "maker": trade.maker,
    }


def entry_row(entry: LedgerEntry) -> dict[str, Any]:
    """Spell a ledger row."""
    return {
        "entry_id": entry.entry_id,
        "refid": entry.refid,
        "time": entry.time.isoformat(),
        "type": entry.type,
        "subtype": entry.subtype,
        "asset": entry.asset,
        "amount": _plain(entry.amount),
        "fee": _plain(entry.fee),
        "balance": _plain(entry.balance),
    }


def change_row(change: MarketChange) -> dict[str, Any]:
    """Spell a change of the market."""
    return {"at": change.at.isoformat(), "kind": change.kind, "pair": change.pair, "value": change.value}


def _details(order: Order) -> str:
    draft, close = order.draft, order.draft.close
    details = Details(
        draft=DraftDetails(**{name: getattr(draft, name) for name in DraftDetails.__struct_fields__}),
        order=OrderDetails(**{name: getattr(order, name) for name in OrderDetails.__struct_fields__}),
        close=None if close is None else CloseDetails(close.order_type.value, close.price, close.price2),
    )
    return msgspec.json.encode(details).decode()


def _fields(details: DraftDetails | OrderDetails) -> dict[str, Any]:
    return {name: getattr(details, name) for name in details.__struct_fields__}


def _read_close(stored: CloseDetails | None) -> Close | None:
    return None if stored is None else Close(_TYPES[stored.order_type], stored.price, stored.price2)


def _maybe_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _plain(amount: Decimal) -> str:
    """Spell money so that a person can read it in the file: without an exponent."""
    return format(amount, "f")
