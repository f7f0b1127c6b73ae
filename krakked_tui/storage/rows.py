"""Journal records as rows, and rows as values.

Decimals keep every digit as text, times are whole microseconds since 1970 UTC, structures are
JSON text.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import assert_never

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.orders import (
    LocalOrder,
    OrderRequest,
    OrderStatus,
    OrderTransition,
    OrderType,
    Purpose,
    Side,
    TimeInForce,
)
from krakked_tui.domain.plans import ActionShare, DecisionRecord
from krakked_tui.domain.portfolio import Rate
from krakked_tui.domain.records import (
    ControlLogged,
    DayStartSaved,
    DecisionSaved,
    ExternalJudged,
    FlattenSaved,
    ForeignOrderSaved,
    HistoryKind,
    HistoryMark,
    HistoryMarked,
    KillSwitchSaved,
    LedgerEntrySaved,
    OrderSaved,
    PausedSaved,
    RateSaved,
    Record,
    ShareMarked,
    SnapshotSaved,
    SnapshotsPruned,
    TradeSaved,
)
from krakked_tui.domain.safety import DayStart, FlattenProgress, KillSwitch
from krakked_tui.storage.sqlite import Parameters, Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SHARES = msgspec.json.Decoder(tuple[ActionShare, ...])
_DECISION = msgspec.json.Decoder(DecisionRecord)
_MAKER, _MARGIN = 1, 2
"""Bits of the column ``maker`` of a trade."""
_FEES = msgspec.json.Decoder(tuple[Fee, ...])


class Safety(msgspec.Struct, frozen=True):
    """The rows of the table ``safety``, each under its key."""

    kill_switch: KillSwitch = KillSwitch()
    paused: bool = False
    day_start: DayStart | None = None
    flatten: FlattenProgress | None = None
    judged_until: datetime | None = None


Statement = tuple[str, Parameters]
"""Name of a statement of ``sql/journal.sql``, and its parameters."""


def to_micros(at: datetime) -> int:
    """Return an aware time as whole microseconds since 1970 UTC."""
    return (at - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Undo ``to_micros``."""
    return _EPOCH + timedelta(microseconds=micros)


def to_json(value: object) -> str:
    """Return a value as JSON text."""
    return msgspec.json.encode(value).decode()


def statements(record: Record) -> Iterator[Statement]:  # noqa: C901, PLR0912 - one arm per record
    """Yield what stores a record."""
    match record:
        case OrderSaved(order=order, transition=transition):
            yield "save_order", _order_row(order)
            if transition is not None:
                yield "append_transition", _transition_row(transition)
        case TradeSaved(trade=trade):
            yield "save_trade", _trade_row(trade)
        case LedgerEntrySaved(entry=entry):
            yield "save_entry", _entry_row(entry)
        case RateSaved(rate=rate):
            yield "save_rate", _rate_row(rate)
        case HistoryMarked(mark=mark):
            yield "save_history_mark", _mark_row(mark)
        case ForeignOrderSaved(kraken_order_id=order_id, userref=userref):
            yield "save_foreign_order", {"kraken_order_id": order_id, "userref": userref}
        case ShareMarked():
            yield "save_share_mark", _share_mark_row(record)
        case DecisionSaved(record=decision):
            yield (
                "save_decision",
                {"plan_id": decision.plan_id, "time": to_micros(decision.time), "record": to_json(decision)},
            )
        case KillSwitchSaved() | PausedSaved() | DayStartSaved() | FlattenSaved() | ExternalJudged():
            yield "save_safety", _safety_row(record)
        case ControlLogged():
            yield "append_control", _control_row(record)
        case SnapshotSaved():
            yield "save_snapshot", _snapshot_row(record)
        case SnapshotsPruned(times=times):
            for at in times:
                yield "delete_snapshot", {"at": to_micros(at)}
        case _:
            assert_never(record)


def read_order(row: Row) -> LocalOrder:
    """Turn a row of ``load_orders`` into an order."""
    (
        local_id, cl_ord_id, plan_id, strategy_id, purpose, pair, side, order_type, volume, price,
        trigger_price, time_in_force, post_only, deadline, status, created_at, updated_at, timeframe,
        signal_time, stop_price, kraken_order_id, filled, avg_fill_price, last_error, shares,
    ) = row  # fmt: skip
    return LocalOrder(
        local_id=local_id,
        cl_ord_id=cl_ord_id,
        plan_id=plan_id,
        strategy_id=strategy_id,
        purpose=Purpose(purpose),
        request=OrderRequest(
            cl_ord_id=cl_ord_id,
            pair=pair,
            side=Side(side),
            order_type=OrderType(order_type),
            volume=Decimal(volume),
            price=_decimal(price),
            trigger_price=_decimal(trigger_price),
            time_in_force=TimeInForce(time_in_force),
            post_only=bool(post_only),
            deadline=_time(deadline),
        ),
        status=OrderStatus(status),
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
        timeframe=None if timeframe is None else Timeframe(timeframe),
        signal_time=_time(signal_time),
        stop_price=_decimal(stop_price),
        kraken_order_id=kraken_order_id,
        filled=Decimal(filled),
        avg_fill_price=Decimal(avg_fill_price),
        last_error=last_error,
        shares=_SHARES.decode(shares),
    )


class EventReader:
    """Turns the rows of one journal into what happened, keeping once what many of them have in common.

    Of a hundred thousand trades and their ledger rows that is more than a third of the memory.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._zeros: dict[str, Decimal] = {}
        self._micros = 0
        self._time = _EPOCH

    def trade(self, row: Row) -> Trade:
        """Turn a row of ``load_trades`` into a trade."""
        trade_id, kraken_order_id, pair, side, price, volume, cost, fees, time, maker, cl_ord_id = row
        once = self._texts.setdefault
        return Trade(
            once(trade_id, trade_id),
            kraken_order_id,
            once(pair, pair),
            once(side, side),
            Decimal(price),
            Decimal(volume),
            Decimal(cost),
            tuple([Fee(once(fee.asset, fee.asset), fee.amount) for fee in _FEES.decode(fees)]),
            self._at(time),
            bool(maker & _MAKER),
            cl_ord_id,
            bool(maker & _MARGIN),
        )

    def entry(self, row: Row) -> LedgerEntry:
        """Turn a row of ``load_entries`` into a ledger row."""
        entry_id, refid, time, type_, subtype, asset, amount, fee, balance = row
        once = self._texts.setdefault
        return LedgerEntry(
            entry_id,
            once(refid, refid),
            self._at(time),
            once(type_, type_),
            once(subtype, subtype),
            once(asset, asset),
            Decimal(amount),
            self._amount(fee),
            self._amount(balance),
        )

    def _amount(self, text: str) -> Decimal:
        """Return an amount that is often zero."""
        amount = self._zeros.get(text)
        if amount is None:
            amount = Decimal(text)
            if not amount:
                self._zeros[text] = amount
        return amount

    def _at(self, micros: int) -> datetime:
        """Return a time; rows of one event, which have the same, come one after the other."""
        if micros != self._micros:
            self._micros, self._time = micros, from_micros(micros)
        return self._time


def read_rate(row: Row) -> Rate:
    """Turn a row of ``load_rates`` into a rate."""
    event_id, asset, price, source = row
    return Rate(event_id, asset, Decimal(price), source)


def read_mark(row: Row) -> HistoryMark:
    """Turn a row of ``load_history_marks`` into the mark of a history."""
    kind, oldest, read, total, done, newest = row
    return HistoryMark(HistoryKind(kind), _time(oldest), read, total, bool(done), _time(newest))


def read_foreign_order(row: Row) -> ForeignOrderSaved:
    """Turn a row of ``load_foreign_orders`` into what is remembered of such an order."""
    return ForeignOrderSaved(*row)


def read_decision(row: Row) -> DecisionRecord:
    """Turn a row of ``load_decisions`` into a decision."""
    (record,) = row
    return _DECISION.decode(record)


def read_transition(row: Row) -> OrderTransition:
    """Turn a row of ``load_transitions`` into a step of an order's life."""
    cl_ord_id, at, before, after, source, detail = row
    was = None if before is None else OrderStatus(before)
    return OrderTransition(cl_ord_id, from_micros(at), was, OrderStatus(after), source, detail)


def read_share_mark(row: Row) -> ShareMarked:
    """Turn a row of ``load_share_marks`` into the mark of a share."""
    pair, strategy_id, opened_at, highest = row
    return ShareMarked(pair, strategy_id, from_micros(opened_at), Decimal(highest))


def read_snapshot(row: Row) -> SnapshotSaved:
    """Turn a row of ``load_snapshots`` into a point of the equity curve."""
    at, equity, cash, realized, unrealized, flows = row
    return SnapshotSaved(
        from_micros(at), Decimal(equity), Decimal(cash), Decimal(realized), Decimal(unrealized),
        _decimal(flows),
    )  # fmt: skip


def read_safety(rows: Sequence[Row]) -> Safety:
    """Turn the rows of ``load_safety`` into the safety state."""
    return msgspec.convert({key: msgspec.json.decode(value) for key, value in rows}, Safety)


def _order_row(order: LocalOrder) -> Parameters:
    request = order.request
    return {
        "local_id": order.local_id,
        "cl_ord_id": order.cl_ord_id,
        "plan_id": order.plan_id,
        "strategy_id": order.strategy_id,
        "purpose": order.purpose,
        "pair": request.pair,
        "side": request.side,
        "order_type": request.order_type,
        "volume": str(request.volume),
        "price": _text(request.price),
        "trigger_price": _text(request.trigger_price),
        "time_in_force": request.time_in_force,
        "post_only": request.post_only,
        "deadline": _micros(request.deadline),
        "status": order.status,
        "created_at": to_micros(order.created_at),
        "updated_at": to_micros(order.updated_at),
        "timeframe": order.timeframe,
        "signal_time": _micros(order.signal_time),
        "stop_price": _text(order.stop_price),
        "kraken_order_id": order.kraken_order_id,
        "filled": str(order.filled),
        "avg_fill_price": str(order.avg_fill_price),
        "last_error": order.last_error,
        "shares": to_json(order.shares),
    }


def _transition_row(transition: OrderTransition) -> Parameters:
    return {
        "cl_ord_id": transition.cl_ord_id,
        "at": to_micros(transition.at),
        "before": transition.before,
        "after": transition.after,
        "source": transition.source,
        "detail": transition.detail,
    }


def _trade_row(trade: Trade) -> Parameters:
    return {
        "trade_id": trade.trade_id,
        "kraken_order_id": trade.kraken_order_id,
        "pair": trade.pair,
        "side": trade.side,
        "price": str(trade.price),
        "volume": str(trade.volume),
        "cost": str(trade.cost),
        "fees": to_json(trade.fees),
        "time": to_micros(trade.time),
        "maker": _MAKER * trade.maker | _MARGIN * trade.margin,
        "cl_ord_id": trade.cl_ord_id,
    }


def _entry_row(entry: LedgerEntry) -> Parameters:
    return {
        "entry_id": entry.entry_id,
        "refid": entry.refid,
        "time": to_micros(entry.time),
        "type": entry.type,
        "subtype": entry.subtype,
        "asset": entry.asset,
        "amount": str(entry.amount),
        "fee": str(entry.fee),
        "balance": str(entry.balance),
    }


def _rate_row(rate: Rate) -> Parameters:
    return {
        "event_id": rate.event_id,
        "asset": rate.asset,
        "price": str(rate.price),
        "source": rate.source,
    }


def _mark_row(mark: HistoryMark) -> Parameters:
    return {
        "kind": mark.kind,
        "oldest": _micros(mark.oldest),
        "read": mark.read,
        "total": mark.total,
        "done": mark.done,
        "newest": _micros(mark.newest),
    }


def _share_mark_row(mark: ShareMarked) -> Parameters:
    return {
        "pair": mark.pair,
        "strategy_id": mark.strategy_id,
        "opened_at": to_micros(mark.opened_at),
        "highest": str(mark.highest),
    }


def _safety_row(
    record: KillSwitchSaved | PausedSaved | DayStartSaved | FlattenSaved | ExternalJudged,
) -> Parameters:
    match record:
        case KillSwitchSaved(kill_switch=kill_switch):
            return {"key": "kill_switch", "value": to_json(kill_switch)}
        case PausedSaved(paused=paused):
            return {"key": "paused", "value": to_json(paused)}
        case DayStartSaved(day_start=day_start):
            return {"key": "day_start", "value": to_json(day_start)}
        case FlattenSaved(progress=progress):
            return {"key": "flatten", "value": to_json(progress)}
        case ExternalJudged(until=until):
            return {"key": "judged_until", "value": to_json(until)}
    assert_never(record)


def _control_row(logged: ControlLogged) -> Parameters:
    return {
        "at": to_micros(logged.at),
        "actor": logged.actor,
        "command": logged.command,
        "arguments": logged.arguments,
        "outcome": logged.outcome,
    }


def _snapshot_row(snapshot: SnapshotSaved) -> Parameters:
    return {
        "at": to_micros(snapshot.at),
        "equity": str(snapshot.equity),
        "cash": str(snapshot.cash),
        "realized_pnl": str(snapshot.realized_pnl),
        "unrealized_pnl": str(snapshot.unrealized_pnl),
        "flows": _text(snapshot.flows),
    }


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _time(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _micros(at: datetime | None) -> int | None:
    return None if at is None else to_micros(at)
